"""What the rules and signers of a policy can be found by, so that a file tries few of them."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping

from policyc.model.facets import LONGEST_FOLDER, parents
from policyc.model.facts import UNKNOWN, FileFacts
from policyc.model.index import Facet
from policyc.model.signatures import Signature
from policyc.targets.wdac.model import FileRule, Signer
from policyc.targets.wdac.paths import expanded, folded

Found = tuple[str, tuple[Hashable, ...]]
"""A facet and the values of it of which a file needs one."""


def _signatures(facts: FileFacts) -> tuple[Signature, ...] | None:
    return None if facts.signatures is UNKNOWN else facts.signatures


def _common_names(facts: FileFacts) -> Iterable[Hashable] | None:
    own = _signatures(facts)
    return None if own is None else [item.chain[0].common_name for item in own if item.chain]


def _roots(facts: FileFacts) -> Iterable[Hashable] | None:
    own = _signatures(facts)
    return None if own is None else {cert.tbs.value for item in own for cert in item.chain}


def _word(name: str) -> Facet[FileFacts]:
    def words(facts: FileFacts) -> Iterable[Hashable] | None:
        info = facts.version_info
        if info is UNKNOWN:
            return () if facts.pe is None else None
        text = None if info is None else getattr(info, name)
        return () if text is None else (text.upper(),)

    return words


_NAMES = {
    "file_name": "original_filename",
    "product_name": "product_name",
    "internal_name": "internal_name",
    "file_description": "file_description",
}
FACETS: Mapping[str, Facet[FileFacts]] = {
    **{name: _word(fact) for name, fact in _NAMES.items()},
    "folder": lambda facts: parents(folded(facts.path.replace("/", "\\")), "\\"),
    "publisher": _common_names,
    "root": _roots,
}


def rule_facet(rule: FileRule) -> Found | None:
    """What a file needs for a rule not to miss it; None if nothing can be said."""
    if rule.package_family is not None:
        return None
    if rule.file_path is not None:
        pattern = expanded(rule.file_path)
        literal = None if pattern is None else re.split(r"[*?]", pattern, maxsplit=1)[0]
        folder = (literal or "")[: (literal or "").rfind("\\") + 1]
        return ("folder", (folder,)) if 0 < len(folder) <= LONGEST_FOLDER else None
    return _named(rule)


def _named(rule: FileRule) -> Found | None:
    for name in _NAMES:
        word = getattr(rule, name)
        if word not in (None, "*"):
            return name, (word.upper(),)
    return None


def signer_facet(signer: Signer, attribs: Mapping[str, FileRule]) -> Found | None:
    """What a file needs for a signer not to miss it: its attributes' names, or its chain."""
    named = [_named(attribs[item]) for item in signer.file_attribs]
    facets = {item[0] for item in named if item is not None}
    if len(facets) == 1 and None not in named:
        return facets.pop(), tuple(value for item in named if item for value in item[1])
    if signer.publisher is not None:
        return "publisher", (signer.publisher,)
    return None if signer.well_known else ("root", (signer.root,))
