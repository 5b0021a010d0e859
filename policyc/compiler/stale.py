"""Why a compiled folder is not what a compile would write now."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from policyc.compiler.bundle import BundleState, bundle_state
from policyc.compiler.pipeline import TargetResult
from policyc.model.artifact import PROVENANCE

_SHOWN = 10
_WIDTH = 80


def stale_reasons(result: TargetResult, out: Path) -> tuple[str, ...]:
    """What differs between ``out/<target>`` and a result, rules first; empty if nothing does.

    The texts are not yet safe to print. Raises OSError.
    """
    state, names = bundle_state(result, out)
    if state is not BundleState.STALE:
        return ()
    folder = out / result.target
    wanted = {item.name: item.data for item in result.artifacts}
    rules = list(_rules(folder, wanted[PROVENANCE]))
    files = [_file(folder / name, name, wanted.get(name)) for name in names]
    if names == (PROVENANCE,) and not rules:
        return ("the policy is the same; only places of rules in the baseline moved",)
    shown = rules[:_SHOWN]
    if len(rules) > _SHOWN:
        shown.append(f"and {len(rules) - _SHOWN:,} more rules")
    return (*shown, *files)


def _rules(folder: Path, data: bytes) -> Iterator[str]:
    """Rules of the baseline that came, went or changed, by what the provenance says."""
    path = folder / PROVENANCE
    before = _named(path.read_bytes()) if path.is_file() else {}
    after = _named(data)
    changed = {name for rule, (name, _) in before.items() if rule not in after and name}
    for rule, (name, place) in after.items():
        if rule not in before:
            yield f"rule {name or rule} ({place}) {'changed' if name in changed else 'is new'}"
    still = {name for name, _ in after.values()}
    for rule, (name, _) in before.items():
        if rule not in after and name not in still:
            yield f"rule {name or rule} is gone"


def _named(data: bytes) -> dict[str, tuple[str, str]]:
    """Rule ids with name and place; nothing for a file that somebody broke."""
    try:
        table = json.loads(data)
    except ValueError:
        return {}
    if not isinstance(table, Mapping):
        return {}
    found: dict[str, tuple[str, str]] = {}
    for sources in table.values():
        for item in sources if isinstance(sources, list) else ():
            if isinstance(item, Mapping) and isinstance(item.get("rule"), str):
                place = ":".join(
                    str(item[key]) for key in ("file", "line", "column") if key in item
                )
                found[item["rule"]] = (str(item.get("name", "")), place)
    return dict(sorted(found.items(), key=lambda each: (each[1], each[0])))


def _file(path: Path, name: str, wanted: bytes | None) -> str:
    if wanted is None:
        return f"{name}: no compile writes it"
    if not path.is_file():
        return f"{name}: is missing"
    own = path.read_bytes()
    if b"\0" in own or b"\0" in wanted:
        at = next(
            (at for at, (one, other) in enumerate(zip(own, wanted, strict=False)) if one != other),
            min(len(own), len(wanted)),
        )
        return f"{name}: differs from byte {at:,} on"
    old, new = own.splitlines(), wanted.splitlines()
    at = next(
        (at for at, (one, other) in enumerate(zip(old, new, strict=False)) if one != other),
        min(len(old), len(new)),
    )
    if old == new:
        return f"{name}: differs in its ends of lines"
    if at >= len(old) or at >= len(new):
        return f"{name}: line {at + 1:,} is {'missing' if at >= len(old) else 'too much'}"
    return f"{name}:{at + 1}: has {_short(old[at])}, would be {_short(new[at])}"


def _short(line: bytes) -> str:
    text = line.decode("utf-8", "backslashreplace").strip()
    return repr(text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…")
