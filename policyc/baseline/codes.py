"""The manual of every diagnostic about a baseline: ``policyc explain B007`` prints its page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePage:
    """What a code means. ``wrong`` gets it and ``right`` does not, where a few lines show that.

    Both are the lines of a baseline after its version and name.
    """

    title: str
    text: str
    wrong: str = ""
    right: str = ""


BASELINE_CODES: dict[str, CodePage] = {
    "B001": CodePage(
        title="not YAML",
        text="The file is not YAML, is not UTF-8, or is larger or deeper than a baseline may be. "
        "The position is where reading stopped, so the fault stands there or just before.",
        wrong="rules: [permit\n",
        right="rules: []\n",
    ),
    "B002": CodePage(
        title="a key stands twice",
        text="A key stands twice in one mapping. YAML readers would silently keep the last one, "
        "and a rule would vanish.",
        wrong="rules: []\nrules: []\n",
        right="rules: []\n",
    ),
    "B003": CodePage(
        title="YAML that hides where a value comes from",
        text="Anchors, aliases, merge keys, tags and second documents are not allowed: every value "
        "stands where it counts. To use a list of conditions several times, make it a group.",
        wrong="rules:\n  - permit: &acme {path: /opt/acme/**}\n",
        right="groups: {acme: [{path: /opt/acme/**}]}\nrules:\n  - permit: {group: acme}\n",
    ),
    "B004": CodePage(
        title="the wrong shape",
        text="A mapping, a list or a text was expected here and something else was found.",
        wrong="rules: {permit: {path: /opt/**}}\n",
        right="rules:\n  - permit: {path: /opt/**}\n",
    ),
    "B005": CodePage(
        title="a key that does not exist",
        text="The language does not have this key in this place. Nothing is ever ignored, as a "
        "misspelt condition would make a rule wider.",
        wrong="rules:\n  - permit: {pth: /opt/**}\n",
        right="rules:\n  - permit: {path: /opt/**}\n",
    ),
    "B006": CodePage(
        title="a key is missing",
        text="Something that must be said is not: the language version, the name of the baseline, "
        "its rules, or the reason for which a loss is accepted.",
        wrong="mode: audit\n",
        right="rules: []\n",
    ),
    "B007": CodePage(
        title="a value that cannot be read",
        text="The value is not what it should be: a hash of the wrong length, a path that is not "
        "absolute, an empty range of versions, a day that does not exist.",
        wrong="rules:\n  - permit: {product: {name: Tool, version: '>=3, <2'}}\n",
        right="rules:\n  - permit: {product: {name: Tool, version: '>=2, <3'}}\n",
    ),
    "B008": CodePage(
        title="none of the possible values",
        text="Only some values are possible here and this is none of them. The message names the "
        "nearest one, or all. Groups, profiles, targets, codes and levels are among them.",
        wrong="mode: enforced\nrules: []\n",
        right="mode: enforce\nrules: []\n",
    ),
    "B009": CodePage(
        title="too little or too much said",
        text="A rule has exactly one of permit and forbid, and a condition says something: an "
        "empty condition would hold for every file. An empty list in a condition is this error, "
        "too, as the rule without it would reach further. Keys that say the same exclude each "
        "other.",
        wrong="rules:\n  - permit: {path: /opt/**, hash: {sha256: []}}\n",
        right="rules:\n  - permit: {path: /opt/**}\n",
    ),
    "B010": CodePage(
        title="a name that stands for two things or for none",
        text="Two rules have the same id or two groups the same name, or an accepted loss or a "
        "profile's `drop` names a rule that does not exist. Ids and groups are unique over all "
        "files of a baseline.",
        wrong="rules:\n  - {id: a, permit: {path: /a}}\n  - {id: a, permit: {path: /b}}\n",
        right="rules:\n  - {id: a, permit: {path: /a}}\n  - {id: b, permit: {path: /b}}\n",
    ),
    "B011": CodePage(
        title="an inventory that cannot be read",
        text="The inventory that a `from:` rule names is not there or is none. Names are relative "
        "to the file that holds them; `from: inventory` is the one given with -i. Make one with "
        "`policyc scan PATH -o FILE`.",
        wrong="rules:\n  - permit: {from: absent.parquet}\n",
    ),
    "B012": CodePage(
        title="a file without a rule",
        text="A file of a `from:` inventory got no rule: it has an error-level masquerade finding, "
        "which never becomes a permit, or none of the levels fits it. See `policyc check` for the "
        "first, and add the level `hash` for the second.",
    ),
    "B013": CodePage(
        title="an acceptance that meets nothing",
        text="An accepted loss or finding does not occur, or not any more. Remove it: it would "
        "silently accept the next one of its kind.",
    ),
    "B014": CodePage(
        title="a permit that can never allow",
        text="A forbid covers all that the permit names, and forbid wins. One of them is not meant "
        "as it stands.",
        wrong="rules:\n  - permit: {path: /opt/tmp/x}\n  - forbid: {path: /opt/tmp/**}\n",
        right="rules:\n  - permit: {path: /opt/**}\n  - forbid: {path: /opt/tmp/**}\n",
    ),
    "B015": CodePage(
        title="a rule that decides nothing",
        text="Another rule of the same effect covers all of it, or it is written twice. Without it "
        "every decision would be the same.",
        wrong="rules:\n  - permit: {path: /opt/**}\n  - permit: {path: /opt/a/**}\n",
        right="rules:\n  - permit: {path: /opt/**}\n",
    ),
    "B020": CodePage(
        title="a file that cannot be included",
        text="A file that `include` names cannot be read. Names are relative to the file that "
        "holds them; after every symbolic link the file must lie in the repository of the "
        "baseline or, without one, in the baseline's folder. `builtin:NAME` is a set that ships "
        "with policyc. A baseline is at most 100 files, 16 inside each other, 16 MiB in all.",
        wrong="include: [builtin:windows]\n",
        right="include: [builtin:windows-os]\n",
    ),
    "B021": CodePage(
        title="a circle",
        text="An include, a group or a profile leads back to itself. The message shows the way.",
        wrong="groups: {a: [{group: b}], b: [{group: a}]}\nrules: []\n",
        right="groups: {a: [{group: b}], b: [{path: /b}]}\nrules:\n  - permit: {group: a}\n",
    ),
    "B022": CodePage(
        title="a key that an included file cannot have",
        text="How strictly and where rules are enforced, profiles, and which losses are accepted "
        "is said in the baseline itself, so that it can be read in one place.",
    ),
    "B023": CodePage(
        title="too many alternatives",
        text="A condition stands for more than 20,000 alternatives, the rules of a file for more "
        "than a million, or groups or profiles are too many. Lists multiply with groups. Name "
        "files by signer, or by an inventory with `from:`.",
    ),
    "B024": CodePage(
        title="a group that nothing uses",
        text="No rule and no other group names this group of the baseline. Groups of included "
        "files are not looked at: a library may hold more than one baseline needs.",
        wrong="groups: {a: [{path: /a}]}\nrules: []\n",
        right="groups: {a: [{path: /a}]}\nrules:\n  - permit: {group: a}\n",
    ),
    "B025": CodePage(
        title="past its date",
        text="The `until` of a rule or of an acceptance is before the day given with `lint --on`. "
        "It still counts; nothing ever changes by itself. Decide anew and write another date, or "
        "remove it.",
    ),
    "B026": CodePage(
        title="due soon",
        text="The `until` of a rule or of an acceptance is at most 30 days after the day given "
        "with `lint --on`.",
    ),
}
"""Code → page."""
