"""Made signatures that satisfy a condition, or nearly do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from policyc.model.decision import signature_satisfies
from policyc.model.facets import facets_of
from policyc.model.facts import (
    Platform,
)
from policyc.model.identity import (
    CertSha256,
    DistinguishedName,
    PublisherName,
    SigningId,
    TbsHash,
)
from policyc.model.ir import SignedBy
from policyc.model.signatures import Certificate, Signature, SignatureGrade, SignatureKind
from policyc.verify.synthetic import Known, number_of


def signature_for(atom: SignedBy, world: Known, platform: Platform) -> Signature | None:
    """A signature that satisfies ``atom``: one of the inventory's, else a made one, else None."""
    key = (atom, platform)
    if key not in world.chosen:
        world.chosen[key] = _present(atom, world) or _made_signature(atom, world, platform)
    return world.chosen[key]


def _present(atom: SignedBy, world: Known) -> Signature | None:
    candidates = [world.signatures.get(word, []) for word in facets_of(atom)]
    for signature in min(candidates, key=len):
        if signature_satisfies(atom, signature):
            return signature
    return None


def _made_signature(atom: SignedBy, world: Known, platform: Platform) -> Signature | None:
    if platform is Platform.LINUX:
        return None
    apple = platform is Platform.MACOS
    team = atom.team or (atom.signing_id.team if atom.signing_id else None)
    leaf = world.by_leaf.get(atom.leaf) if atom.leaf else None
    leaf = leaf or _signing(atom, world) or _leaf(atom)
    chain: tuple[Certificate, ...] = (leaf,)
    if atom.issuer is not None and leaf.tbs != atom.issuer:
        chain = (leaf, world.by_tbs.get(atom.issuer) or _issuer(atom.issuer))
    signing = atom.signing_id
    if signing is None and team is not None:
        signing = SigningId(f"{team}:witness")
    elif signing is None and atom.platform_binary:
        signing = SigningId("platform:witness")
    made = Signature(
        kind=SignatureKind.APPLE if apple else SignatureKind.AUTHENTICODE,
        grade=SignatureGrade.PRODUCTION,
        chain=chain,
        team=team if apple else None,
        signing_id=signing if apple else None,
        program=atom.program or "",
    )
    return made if signature_satisfies(atom, made) else None


def other_signatures(atom: SignedBy, world: Known, platform: Platform) -> Iterator[Signature]:
    """Signatures that nearly satisfy ``atom``.

    One that is not valid; with an elliptic key; by a certificate that the right one issued;
    and for each part of the condition one that satisfies the others.
    """
    own = signature_for(atom, world, platform)
    if own is None:
        return
    yield replace(own, grade=SignatureGrade.INVALID)
    if own.leaf is not None:
        number = number_of("elliptic", own.leaf.sha256)
        tbs = TbsHash(number_of("tbs", number))
        elliptic = replace(own.leaf, key="ec", key_bits=256, sha256=CertSha256(number), tbs=tbs)
        yield replace(own, chain=(elliptic, *own.chain[1:]))
        # Of another name: a signing certificate that issues one of its own name is no real world.
        issued = _leaf(SignedBy(common_name="Issued witness"))
        yield replace(own, chain=(issued, *own.chain))
    for name in SignedBy.__slots__:
        weaker = replace(atom, **{name: None})
        if weaker not in (atom, SignedBy()):
            other = signature_for(weaker, world, platform)
            if other is not None:
                yield other


def _signing(atom: SignedBy, world: Known) -> Certificate | None:
    """The certificate an issuer condition names, if it signs files: such a one issues none."""
    own = None if atom.issuer is None else world.by_tbs.get(atom.issuer)
    signed = (item.leaf for listed in world.signatures.values() for item in listed)
    return own if own is not None and any(leaf == own for leaf in signed) else None


def _leaf(atom: SignedBy) -> Certificate:
    subject: tuple[tuple[str, str], ...] = ()
    if atom.publisher is not None:
        subject = _subject(atom.publisher)
    if atom.common_name is not None:
        subject = (*(pair for pair in subject if pair[0] != "CN"), ("CN", atom.common_name))
    number = number_of(atom)
    return Certificate(
        subject=DistinguishedName(attributes=subject or (("CN", "Witness"),)),
        issuer=DistinguishedName(attributes=(("CN", "Witness CA"),)),
        sha256=atom.leaf or CertSha256(number),
        tbs=TbsHash(number_of("tbs", number)),
        key="rsa",
        key_bits=3072,
        ekus=() if atom.eku is None else (atom.eku,),
    )


def _issuer(tbs: TbsHash) -> Certificate:
    name = DistinguishedName(attributes=(("CN", "Witness CA"),))
    return Certificate(
        subject=name,
        issuer=name,
        sha256=CertSha256(number_of("issuer", tbs)),
        tbs=tbs,
        key="rsa",
        key_bits=4096,
    )


def _subject(publisher: PublisherName) -> tuple[tuple[str, str], ...]:
    """The attributes of a publisher's text; the caller checks that they read back the same."""
    parts: list[tuple[str, str]] = []
    for piece in publisher.value.split(", "):
        key, equals, value = piece.partition("=")
        if equals:
            parts.append((key, value))
        elif parts:
            parts[-1] = (parts[-1][0], f"{parts[-1][1]}, {piece}")
    return tuple(parts)
