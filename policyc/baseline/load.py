"""A whole baseline: its files to a PolicyIR, with every diagnostic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from policyc.baseline.collector import Collector
from policyc.baseline.includes import Library
from policyc.baseline.layers import Reading
from policyc.baseline.sources import BUILTIN, Source, SourceError, builtin, main_source
from policyc.model.diagnostic import Diagnostic
from policyc.model.inventory import Inventory
from policyc.model.ir import PolicyIR, Rule
from policyc.model.lists import singles, written_out
from policyc.model.span import Span
from policyc.model.waiver import AcceptedLint

LoadInventory: TypeAlias = Callable[[str], Inventory]
"""Gives the inventory a ``from:`` names; raises InventoryError or OSError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedBaseline:
    """A policy, or None when an error kept it from being built, and all diagnostics.

    ``compact`` is the policy with the hashes of an inventory as one rule, ``policy`` the same
    with a rule for each; ``rules`` and ``written`` are likewise the rules as they are written, a
    rule that stands twice included. ``sources`` are the texts the diagnostics' positions refer
    to, by file name; ``file`` and ``text`` are the baseline's own. ``remarks`` are for ``lint``:
    they keep nothing from being built, and ``accepted_lint`` are the results of it that the
    baseline takes as they are.
    """

    compact: PolicyIR | None
    diagnostics: tuple[Diagnostic, ...]
    file: str
    text: str
    sources: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    remarks: tuple[Diagnostic, ...] = ()
    accepted_lint: tuple[AcceptedLint, ...] = ()

    @property
    def written(self) -> tuple[Rule, ...]:
        """The rules as they are written, each digest a rule of its own."""
        return tuple(single for rule in self.rules for single in singles(rule))

    @property
    def policy(self) -> PolicyIR | None:
        """The policy with every rule written out."""
        return None if self.compact is None else written_out(self.compact)


def load_baseline(
    path: Path, given: Inventory | None = None, *, profile: str | None = None
) -> LoadedBaseline:
    """Read a baseline file; ``given`` is what ``from: inventory`` means.

    Raises OSError if the file cannot be read, UnknownProfileError. Other inventories and
    included files are looked for beside the file that names them.
    """
    try:
        source = main_source(path, given)
    except SourceError as error:
        file = str(path)
        span = Span(file=file, line=error.line, column=1, end_line=error.line, end_column=1)
        collector = Collector()
        collector.add("B001", error.message, span, remedy=error.remedy)
        return LoadedBaseline(compact=None, diagnostics=tuple(collector.found), file=file, text="")
    return read_source(source, profile)


@dataclass(frozen=True, slots=True)
class _TextPlace:
    """Names in a baseline that is a text, not a file: inventories and built-in sets only."""

    load: LoadInventory

    def include(self, name: str) -> Source:
        if not name.startswith(BUILTIN):
            message = f"{name}: a baseline that is no file cannot include one"
            raise SourceError(message, remedy="save the baseline, and read it from its file")
        return builtin(name)

    def inventory(self, name: str) -> Inventory:
        return self.load(name)


def parse_baseline(
    text: str, file: str, load: LoadInventory, *, profile: str | None = None
) -> LoadedBaseline:
    """Read baseline text; ``file`` is the name that positions carry.

    It may include built-in sets, no files. Raises UnknownProfileError.
    """
    place = _TextPlace(load)
    return read_source(Source(name=file, identity=file, text=text, place=place), profile)


def read_source(source: Source, profile: str | None) -> LoadedBaseline:
    """Read a baseline from wherever it is; raises UnknownProfileError."""
    collector = Collector()
    library = Library(collector)
    main = library.read_main(source)
    policy: PolicyIR | None = None
    rules: tuple[Rule, ...] = ()
    remarks: tuple[Diagnostic, ...] = ()
    accepted: tuple[AcceptedLint, ...] = ()
    if main is not None:
        reading = Reading(main, library, collector)
        policy, rules = reading.policy(profile)
        remarks = reading.groups.unused(source.name)
        accepted = reading.accepted(profile).lint
    order = {name: at for at, name in enumerate(library.sources)}
    return LoadedBaseline(
        compact=None if collector.failed else policy,
        diagnostics=tuple(sorted(collector.found, key=lambda item: _position(item, order))),
        file=source.name,
        text=source.text,
        sources=library.sources,
        rules=rules,
        remarks=remarks,
        accepted_lint=accepted,
    )


def _position(item: Diagnostic, order: Mapping[str, int]) -> tuple[int, int, int, str]:
    span = item.span
    if span is None:
        return (0, 0, 0, item.code)
    return (order.get(span.file, 0), span.line, span.column, item.code)
