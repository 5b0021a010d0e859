"""What the codes of differences mean; the first line is the title."""

from __future__ import annotations

CODES: dict[str, str] = {
    "D001": """newly allowed

A file that was denied runs now, or a changed rule lets one run that was denied. A file that a
policy does not govern runs.

Why: whatever the wider rule lets in beyond what was meant is let in without another review.

Next step: look at the file that shows it. If it should stay denied, narrow the rule, or forbid
the file. `--fail-on widen` stops a pipeline here.""",
    "D002": """newly denied

A file that ran is denied now, or a changed rule denies one that ran. A collection that begins to
be governed, or enforced instead of audited, counts too.

Why: on the next roll-out the file stops on every machine that has it.

Next step: see on which machines it is, and permit it, or tell its users. `--fail-on narrow`
stops a pipeline here.""",
    "D003": """unknown

It cannot be told what a change does: a fact about a file is missing, an option is the target's to
judge, or no file was found that shows what a changed rule does and no proof that it does nothing.

Why: what is not proved may be a wider policy, so `--fail-on` counts it in both directions, with
exit code 3 if nothing is known to be worse.

Next step: give an inventory (`-i`) that has the facts, or compare the compiled folders.""",
    "D004": """decided by another rule

A file is decided as before, and none of the rules that decided it does so now.

Why: it matters when the new rule is meant for something else, or ends earlier.

Next step: none, if that is what was meant. Only `--fail-on any` counts it.""",
}
