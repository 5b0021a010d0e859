"""Rules, trust and settings of a machine: what of them is read for a baseline, and how.

``lift_rules`` makes the baseline; this is about the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from policyc.model.artifact import Artifact
from policyc.model.ir import Mode, PolicyIR, TargetSettings
from policyc.model.loss import Drift
from policyc.targets.base import ArtifactError
from policyc.targets.fapolicyd.accounts import Accounts
from policyc.targets.fapolicyd.daemon import (
    DaemonVersion,
    Loaded,
    Merged,
    RefusedError,
    load,
    merge,
)
from policyc.targets.fapolicyd.lift_rules import Lifting
from policyc.targets.fapolicyd.lift_trust import read_trust
from policyc.targets.fapolicyd.model import TrustEntry
from policyc.targets.lifted import Lifted, Note

_USUAL, _NEWEST = DaemonVersion.parse("1.4"), DaemonVersion.parse("2.0")
_ONLY_NEW = re.compile(r"""[=,](?:"|glob:)|^ *%languages\+=""", re.MULTILINE)
"""Quotes, patterns and added languages mean what they say since 2.0 only."""
_DATABASES = frozenset({"rpmdb", "debdb"})


def lift_artifacts(artifacts: tuple[Artifact, ...]) -> Lifted:
    """Read rules, trust and settings and lift them; ArtifactError where a daemon refuses them."""
    rules: dict[str, str] = {}
    conf: dict[str, str] = {}
    for item in artifacts:
        text = item.data.decode("utf-8", "surrogateescape")
        if item.name.endswith(".rules"):
            rules[item.name] = text
        elif item.name.endswith("fapolicyd.conf"):
            conf |= dict(_settings(text))
    if not rules:
        raise ArtifactError("no rule file", artifact=artifacts[0].name)
    trust, notes = _trust(artifacts)
    parts = {name: text for name, text in rules.items() if not name.endswith("compiled.rules")}
    accounts = Accounts()
    merged, loaded = _loaded(parts or rules, accounts)
    lifted = lift(
        loaded,
        trust,
        mode=Mode.AUDIT if conf.get("permissive", "0") != "0" else Mode.ENFORCE,
        accounts=accounts,
        database=bool(_DATABASES & set(_words(conf.get("trust", "rpmdb")))),
    )
    notes += [_placed(item, merged.origin) for item in lifted.notes]
    notes += _loose(conf, trust)
    return replace(lifted, notes=tuple(sorted(set(notes), key=_note_order)))


def _loaded(rules: Mapping[str, str], accounts: Accounts) -> tuple[Merged, Loaded]:
    """As a usual daemon loads them, or one that knows what only the newest know."""
    versions = [_USUAL, _NEWEST]
    if any(_ONLY_NEW.search(text) for text in rules.values()):
        versions.reverse()
    refusals = []
    for version in versions:
        merged = merge(rules, version)
        try:
            return merged, load(merged.text, version, accounts.names)
        except RefusedError as error:
            name, line = merged.origin[error.line - 1] if error.line else (min(rules), 0)
            refusals.append(ArtifactError(error.message, artifact=name, line=line))
    raise refusals[0]


def _settings(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\n"):
        key, equals, value = line.partition("=")
        if equals and not key.lstrip().startswith("#"):
            yield key.strip(), value.strip()


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def _trust(artifacts: tuple[Artifact, ...]) -> tuple[list[TrustEntry], list[Note]]:
    entries: list[TrustEntry] = []
    notes: list[Note] = []
    for item in artifacts:
        if item.name.endswith((".rules", ".conf")):
            continue
        own, complaints = read_trust(item.data)
        entries += own
        notes += [
            Note(
                message=f"{each.message}: no daemon trusts what it names",
                line=each.line,
                lost=False,
                artifact=item.name,
            )
            for each in complaints
        ]
    return entries, notes


def _loose(conf: dict[str, str], trust: list[TrustEntry]) -> list[Note]:
    """The baseline asks for the content of a trusted file, which not every setting does."""
    integrity = conf.get("integrity", "none")
    if not conf or not trust or integrity in ("sha256", "ima"):
        return []
    asked = "path and size" if integrity == "size" else "path"
    message = f"integrity={integrity} trusts by {asked}; the baseline asks for the content, too"
    return [Note(message=message, what=message, drift=Drift.NARROWS)]


def _placed(note: Note, origin: tuple[tuple[str, int], ...]) -> Note:
    """With the file and line that a line of the merged rules comes from."""
    if not 0 < note.line <= len(origin):
        return note
    artifact, line = origin[note.line - 1]
    return replace(note, artifact=artifact, line=line)


def _note_order(note: Note) -> tuple[str, int, str]:
    return note.artifact, note.line, note.message


def lift(
    loaded: Loaded,
    trust: Iterable[TrustEntry] = (),
    mode: Mode = Mode.ENFORCE,
    *,
    accounts: Accounts | None = None,
    database: bool = True,
) -> Lifted:
    """The baseline that decides as the rules do, as far as its notes do not say otherwise.

    ``accounts`` are those the rules were loaded with. Without a ``database`` of packages only what
    ``trust`` lists is trusted.
    """
    lifting = Lifting(loaded, tuple(trust), accounts or Accounts(), database=database)
    governs = lifting.run()
    policy = PolicyIR(
        name="Imported from fapolicyd",
        governs=dict.fromkeys(sorted(governs, key=lambda item: item.value), mode),
        rules=frozenset(lifting.rules),
        targets={"fapolicyd": TargetSettings()},
    )
    return Lifted(policy=policy, notes=tuple(sorted(set(lifting.notes), key=_note_order)))
