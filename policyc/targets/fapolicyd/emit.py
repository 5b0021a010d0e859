"""Rule file, trust file and configuration."""

from __future__ import annotations

from io import BytesIO

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from policyc.model.artifact import Artifact
from policyc.resources import root
from policyc.targets.fapolicyd.deploy import deployment
from policyc.targets.fapolicyd.model import (
    ALLOW,
    DENY,
    FapolicydPolicy,
    FaRule,
    SetDefinition,
    TrustEntry,
)
from policyc.targets.fapolicyd.printer import TRUST_HEADER, rule_line, set_line, trust_lines

RULES, TRUST, CONF = "rules.d/00-policyc.rules", "trust.d/policyc", "fapolicyd.conf"


_PIECE = 10_000


class _Line(str):
    """Text that may stand in a rule file: it came from the printer."""

    __slots__ = ()


def emit(model: FapolicydPolicy) -> tuple[Artifact, ...]:
    """The three files, below ``/etc/fapolicyd`` on the endpoint, and what installs them."""
    conf = "".join(f"{key} = {value}\n" for key, value in model.conf)
    files = {
        CONF: f"# Made by policyc.\n{conf}".encode(),
        RULES: _layout(model).encode(),
        TRUST: _trust(model.trust),
    }
    policy = tuple(
        Artifact(name=name, data=data, media_type="text/plain") for name, data in files.items()
    )
    return *policy, *deployment(model, (TRUST, CONF, RULES))


def _trust(entries: tuple[TrustEntry, ...]) -> bytes:
    """The trust file, written in pieces: there may be a million entries."""
    out = BytesIO()
    out.write(f"{TRUST_HEADER}\n".encode())
    for start in range(0, len(entries), _PIECE):
        piece = entries[start : start + _PIECE]
        out.write(trust_lines(piece).encode())
    return out.getvalue()


def _layout(model: FapolicydPolicy) -> str:
    environment = Environment(
        loader=FileSystemLoader(root("templates") / "fapolicyd"),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  (no HTML; finalize lets only printed lines through)
        finalize=_only_lines,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["rule"] = _printed
    environment.filters["comment"] = _comment
    guards, forbids, permits, closing = _sections(model.rules)
    sets = {f"%{item.name}": item for item in model.sets}
    return environment.get_template("rules.j2").render(
        title="Application allowlist",
        sets=[sets["%languages"]] if "%languages" in sets else [],
        guards=guards,
        forbids=_with_sets(forbids, sets),
        permits=_with_sets(permits, sets),
        closing=closing,
    )


def _sections(rules: tuple[FaRule, ...]) -> tuple[list[FaRule], ...]:
    """Cut the rules where the layout has its headings; the order never changes."""
    sections: tuple[list[FaRule], ...] = ([], [], [], [])
    current = 0
    for rule in rules:
        if current == 0 and rule.object:  # a guard is about whatever is opened
            current = 1
        if current == 1 and rule.decision == ALLOW:
            current = 2
        if current == 2 and (rule.decision == DENY or not rule.object):
            current = 3
        sections[current].append(rule)
    return sections


def _with_sets(rules: list[FaRule], sets: dict[str, SetDefinition]) -> list[FaRule | SetDefinition]:
    """Each set of hashes stands before the rule that uses it."""
    lines: list[FaRule | SetDefinition] = []
    for rule in rules:
        lines += [
            sets[value] for _, value in rule.object if value in sets and value != "%languages"
        ]
        lines.append(rule)
    return lines


def _printed(item: FaRule | SetDefinition) -> _Line:
    return _Line(rule_line(item) if isinstance(item, FaRule) else set_line(item))


def _comment(text: str) -> _Line:
    return _Line("".join(char if char.isprintable() else "?" for char in text))


def _only_lines(value: object) -> object:
    if not isinstance(value, _Line):
        raise TypeError("only printed lines may stand in a rule file")
    return value
