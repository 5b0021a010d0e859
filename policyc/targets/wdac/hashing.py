"""Hash rules: the digests that are written beside the one a rule names, and their labels."""

from __future__ import annotations

from dataclasses import replace

from policyc.lowering.expand import by_digest
from policyc.lowering.losses import loss
from policyc.model.facts import UNKNOWN
from policyc.model.identity import AuthenticodeSha256, Digest
from policyc.model.ir import Effect, HasHash, Rule
from policyc.model.loss import Drift, Loss
from policyc.targets.wdac.choices import Choices
from policyc.targets.wdac.known import Known
from policyc.targets.wdac.native import NativeRule

_KINDS = {
    "sha1": ("authenticode_sha1", "Hash Sha1"),
    "page-sha1": ("page_sha1", "Hash Page Sha1"),
    "page-sha256": ("page_sha256", "Hash Page Sha256"),
}
"""Setting → fact, and how ConfigCI labels such a rule."""
_NO_PAGES = 0x1000
_PE32_PLUS = frozenset({0x8664, 0xAA64, 0x200})


def label_of(rule: Rule, known: Known) -> str:
    """ConfigCI's name for a hash rule: the first path the content is known at, and the kind."""
    digest = _digest_of(rule)
    paths = [] if digest is None else [facts.path for facts in known.by_digest.get(digest, ())]
    return f"{min(paths)} Hash Sha256" if paths else rule.name


def beside(
    native: NativeRule, known: Known, choices: Choices, losses: list[Loss]
) -> list[NativeRule]:
    """The other digests of an image that a rule names by its Authenticode SHA-256.

    ConfigCI writes four. Two of them are of the first page only, so they also match a changed
    image with that page; SHA-1 is broken. Each is a Loss (L031).
    """
    digest = _digest_of(native.rule)
    if not isinstance(digest, AuthenticodeSha256) or not choices.also_hash:
        return []
    images = known.by_digest.get(digest, [])
    found = []
    permit = native.rule.effect is Effect.PERMIT
    for kind in choices.also_hash:
        fact, label = _KINDS[kind]
        own = {getattr(facts.hashes, fact) for facts in images if _has(fact, facts)}
        for other in sorted(item for item in own if item is not None and item is not UNKNOWN):
            rule = by_digest(native.rule, other)
            path = native.label.removesuffix(" Hash Sha256")
            found.append(replace(native, rule=rule, label=f"{path} {label}"))
            losses.append(
                loss(
                    "L031",
                    Drift.WIDENS if permit else Drift.NARROWS,
                    target="wdac",
                    covers=(rule.match,),
                    files=known.files[native.scenario],
                    rule=native.rule,
                    message="other images with the same "
                    + ("first page" if fact.startswith("page") else "SHA-1 digest")
                    + " get the same decision",
                    remedy="leave it out of targets.wdac.also_hash, or accept L031 for wdac with "
                    "a reason",
                )
            )
    return found


def _has(fact: str, facts: object) -> bool:
    """Whether ConfigCI writes the digest: none of pages for 64-bit images aligned below a page."""
    pe = getattr(facts, "pe", None)
    if pe is None or not fact.startswith("page"):
        return pe is not None
    return pe.section_alignment >= _NO_PAGES or pe.machine not in _PE32_PLUS


def _digest_of(rule: Rule) -> Digest | None:
    if len(rule.match.atoms) != 1:
        return None
    (atom,) = rule.match.atoms
    return atom.digest if isinstance(atom, HasHash) else None
