"""Rule, trust and configuration files to the model, as fapolicyd reads them.

The grammar is rules.c's; where a daemon before 1.5 would silently drop a field, this parser
refuses the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from sys import intern

from policyc.model.artifact import Artifact
from policyc.targets.base import ArtifactError
from policyc.targets.fapolicyd.model import FapolicydPolicy, FaRule, SetDefinition, TrustEntry

_DECISION = re.compile(r"(?:allow|deny)(?:_audit|_syslog|_log)?", re.ASCII)
_SET = re.compile(r"%([A-Za-z0-9_]+)=(\S+)", re.ASCII)
_SUBJECT = frozenset(
    {"auid", "uid", "sessionid", "gid", "pid", "ppid", "trust", "pattern", "comm", "exe", "dir"}
    | {"ftype"}
)
_OBJECT = frozenset({"path", "dir", "device", "ftype", "trust", "sha256hash", "filehash"})
_NUMERIC = frozenset({"auid", "uid", "sessionid", "gid", "pid", "ppid"})
_PATTERNS = ("ld_so", "static", "ld_preload")
_MAX_FIELDS = 8
_TRUST = re.compile(r"(\S+) ([0-9]{1,15}) ([0-9a-f]{64})", re.ASCII)
_PLAIN = re.compile(rb"^([!-$&-~]+) ([0-9]{1,15}) ([0-9a-f]{64})\n", re.MULTILINE)
"""A whole line of an entry without escapes; all of a file's bytes are in such lines, or not."""
_PIECE = 1 << 20


def parse(artifacts: tuple[Artifact, ...]) -> FapolicydPolicy:
    """Read ``rules.d``, ``trust.d`` and ``fapolicyd.conf``; raises ArtifactError."""
    sets: dict[str, SetDefinition] = {}
    rules: list[FaRule] = []
    trust: list[TrustEntry] = []
    conf: list[tuple[str, str]] = []
    enforced = [item for item in artifacts if item.enforced]
    for artifact in sorted(enforced, key=lambda item: item.name):
        if not artifact.name.endswith((".rules", ".conf")):
            trust += _entries(artifact)
            continue
        is_rules = artifact.name.endswith(".rules")
        for number, line in _lines(artifact):
            try:
                if is_rules:
                    _rule_line(line, sets, rules)
                else:
                    conf.append(_conf_line(line))
            except ValueError as error:
                raise ArtifactError(str(error), artifact=artifact.name, line=number) from error
    if not rules:
        raise ArtifactError("no rules: the daemon would not start")
    return FapolicydPolicy(
        sets=tuple(sets.values()), rules=tuple(rules), trust=tuple(trust), conf=tuple(conf)
    )


def _lines(artifact: Artifact) -> Iterator[tuple[int, str]]:
    """The lines that say something, one by one: a trust file may have millions."""
    if artifact.data and not artifact.data.endswith(b"\n"):
        raise ArtifactError(
            "no newline at the end: some daemons drop the last line", artifact=artifact.name
        )
    number = 0
    try:
        for number, raw in enumerate(BytesIO(artifact.data), 1):
            line = raw[:-1].decode("utf-8")
            if line and not line.startswith("#") and not line.isspace():
                yield number, line
    except UnicodeDecodeError as error:
        raise ArtifactError("not UTF-8", artifact=artifact.name, line=number) from error


def _entries(artifact: Artifact) -> list[TrustEntry]:
    """The entries of a trust file: mostly plain ones, which are read by the thousand."""
    found: list[TrustEntry] = []
    data = artifact.data
    if not data.endswith(b"\n"):
        return _by_lines(artifact)
    start = data.find(b"\n") + 1 if data.startswith(b"#") else 0  # the header
    while start < len(data):
        end = data.find(b"\n", start + _PIECE) + 1 or len(data)
        piece = data[start:end]
        plain = _PLAIN.findall(piece)
        if len(plain) != piece.count(b"\n"):  # each is one whole line
            return _by_lines(artifact)
        found += [
            TrustEntry(path.decode("ascii"), int(size), intern(digest.decode("ascii")))
            for path, size, digest in plain
        ]
        start = end
    return found


def _by_lines(artifact: Artifact) -> list[TrustEntry]:
    found = []
    for number, line in _lines(artifact):
        try:
            found.append(_trust_line(line))
        except ValueError as error:
            raise ArtifactError(str(error), artifact=artifact.name, line=number) from error
    return found


def _rule_line(line: str, sets: dict[str, SetDefinition], rules: list[FaRule]) -> None:
    if not line.isprintable():
        raise ValueError("a control character")
    if line.startswith("%"):
        definition = _set(line, sets)
        sets[definition.name] = definition
        return
    decision, *rest = line.split()
    if not _DECISION.fullmatch(decision):
        raise ValueError(f"{decision!r} is no decision")
    if rest.count(":") != 1:
        raise ValueError("a rule has one ':' between blanks")
    if "=" not in rest[0]:
        raise ValueError("the first field after the decision must be perm=…")
    perm = "open"
    if rest[0].startswith("perm="):
        perm = rest.pop(0).removeprefix("perm=")
    if perm not in ("open", "execute", "any"):
        raise ValueError(f"{perm!r} is no permission")
    colon = rest.index(":")
    rules.append(
        FaRule(
            decision=decision,
            perm=perm,
            subject=_side(rest[:colon], _SUBJECT, sets),
            object=_side(rest[colon + 1 :], _OBJECT, sets),
        )
    )


def _set(line: str, sets: Mapping[str, SetDefinition]) -> SetDefinition:
    match = _SET.fullmatch(line)
    if match is None:
        raise ValueError("a set is written %name=a,b without blanks")
    values = tuple(match[2].split(","))
    if match[1] in sets:
        raise ValueError(f"the set {match[1]} is defined twice")
    if len(set(values)) != len(values) or "" in values:
        raise ValueError(f"the set {match[1]} has an empty or a repeated member")
    return SetDefinition(name=match[1], values=tuple(map(intern, values)))


def _side(
    tokens: list[str], known: frozenset[str], sets: Mapping[str, SetDefinition]
) -> tuple[tuple[str, str], ...]:
    if not tokens:
        raise ValueError("a side of the rule is empty")
    fields = []
    for item in tokens:
        if item == "all":
            continue
        name, equals, value = item.partition("=")
        if not equals or not value or name not in known:
            raise ValueError(f"{item!r} is no field that fapolicyd knows here")
        _check_value(name, value, sets)
        fields.append((name, value))
    if len(fields) > _MAX_FIELDS:
        raise ValueError(f"more than {_MAX_FIELDS} fields on one side")
    return tuple(fields)


def _check_value(name: str, value: str, sets: Mapping[str, SetDefinition]) -> None:
    """Refuse what some daemon drops, reads as something else or will not load."""
    if name == "trust" and value not in ("0", "1"):
        raise ValueError(f"trust={value} is read as trust=0")
    if name == "pattern" and value not in _PATTERNS:
        raise ValueError(f"not every daemon knows the pattern {value}")
    values = value.split(",")
    if len(set(values)) != len(values):
        raise ValueError(f"{name} names a value twice")
    if name in _NUMERIC and not all(item.isascii() and item.isdigit() for item in values):
        raise ValueError(f"{name} takes numbers here; names depend on the machine")
    if value.startswith("glob:"):
        raise ValueError("not every daemon knows patterns")
    if value.startswith("%"):
        definition = sets.get(value[1:])
        if definition is None:
            raise ValueError(f"the set {value} is not defined")
        if definition.values[0][0].isdigit():
            raise ValueError(f"before 1.3.7 the set {value} holds numbers: {name} wants texts")


def _trust_line(line: str) -> TrustEntry:
    match = _TRUST.fullmatch(line)
    if match is None:
        raise ValueError("a trust entry is: path size sha256")
    path, size, sha256 = match.groups()
    if "%" in path:
        raw = re.sub(rb"%([0-9A-F]{2})", lambda found: bytes([int(found[1], 16)]), path.encode())
        path = raw.decode("utf-8", "surrogateescape")
    return TrustEntry(path, int(size), intern(sha256))


def _conf_line(line: str) -> tuple[str, str]:
    key, equals, value = line.partition("=")
    if not equals or not key.strip() or not value.strip():
        raise ValueError("a setting is: key = value")
    return key.strip(), value.strip()
