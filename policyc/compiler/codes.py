"""What the codes of ``compile`` and ``verify`` mean; the first line is the title."""

from __future__ import annotations

CODES: dict[str, str] = {
    "V001": """allowed against the baseline

An artifact allows files that the baseline denies, and no loss of the target explains it: the
artifact was edited, or is from another baseline or another inventory.

Why: what nobody permitted runs on every machine that has the artifact.

Next step: compile anew, or write into the baseline what the artifact should allow.""",
    "V002": """denied against the baseline

An artifact denies files that the baseline allows, and no loss of the target explains it: the
artifact was edited, or is from another baseline or another inventory.

Why: the files stop on every machine that has the artifact, once it is enforced.

Next step: compile anew, or write into the baseline what the artifact should deny.""",
    "V003": """a compiled folder that is stale

`compile --check` found that the folder is absent or is not what the baseline compiles to. The
message names what differs.

Why: what is deployed from the folder is not what was reviewed in the baseline.

Next step: run `policyc compile` and commit the result.""",
    "V004": """an output that failed its proof

What policyc compiled was parsed back and is not the policy that was meant, or decides a file
otherwise than the baseline says. Nothing is written and the exit code is 70.

Why: it is a defect of policyc, found before it could reach a machine.

Next step: report it with the file `policyc-reproducer-….json` that was left.""",
}
