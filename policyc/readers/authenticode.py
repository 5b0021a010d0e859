"""Authenticode signatures of a PE image.

Source: "Windows Authenticode Portable Executable Signature Format" (Microsoft). Every
WIN_CERTIFICATE entry of type PKCS_SIGNED_DATA and every nested signature counts. A
signature is PRODUCTION if the digest it carries is the image's, its attributes cover that
digest, and its leaf's key made the signature; the trust of the chain is the endpoint's
affair.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from itertools import islice

from policyc.model.signatures import Signature, SignatureGrade, SignatureKind
from policyc.readers import certificates, cms, countersign, der, signers
from policyc.readers.limits import Limits
from policyc.readers.reader import MalformedError
from policyc.readers.source import Source

_PKCS_SIGNED_DATA = 0x0002
_INDIRECT_DATA = "1.3.6.1.4.1.311.2.1.4"
_NESTED = "1.3.6.1.4.1.311.2.4.1"
_OPUS = "1.3.6.1.4.1.311.2.1.12"
_CONTEXT_0, _BMP_CHOICE = 0xA0, 0x80
_MAX_PROGRAM = 1024

Digests = Callable[[str], tuple[bytes, ...]]
"""Returns what a signature over the file may state, by an algorithm of ``cms.DIGESTS``.

That is one digest, the Authenticode digest of a PE image for instance; several where the
file has several readings.
"""


def signatures(
    source: Source, security: tuple[int, int], digests: Digests, limits: Limits
) -> tuple[Signature, ...]:
    """All signatures of the certificate table at ``security`` (file offset, size)."""
    found: list[Signature] = []
    for blob, detail in _entries(source, security, limits):
        if detail:
            found.append(_invalid(detail))
            continue
        found.extend(of_blob(blob, digests, limits))
        if len(found) >= limits.max_signatures:
            break
    return tuple(found[: limits.max_signatures])


def _entries(
    source: Source, security: tuple[int, int], limits: Limits
) -> Iterator[tuple[bytes, str]]:
    """(PKCS #7 bytes, "") for each entry, or (b"", what is wrong with the table)."""
    offset, size = security
    if offset == 0 or size == 0:
        return
    end = offset + size
    if end > source.size:
        yield b"", "certificate table lies outside the file"
        return
    for _ in range(limits.max_signatures):
        head = source.read(offset, 8)
        if offset + 8 > end or len(head) < 8:
            return
        length, _revision, kind = struct.unpack("<IHH", head)
        if length == 0 and not any(source.read(offset, min(end - offset, 4096))):
            return
        if length < 8 or offset + length > end:
            yield b"", "a certificate table entry does not fit its table"
            return
        if kind == _PKCS_SIGNED_DATA:
            if length > limits.max_cms:
                yield b"", f"a signature of {length} bytes"
            else:
                yield source.read(offset + 8, length - 8), ""
        offset += (length + 7) & ~7


def of_blob(blob: bytes, digests: Digests, limits: Limits) -> tuple[Signature, ...]:
    """The signature in a PKCS #7 message and those nested in it."""
    return tuple(islice(_of_blob(blob, digests, limits, depth=0), limits.max_signatures))


def _of_blob(blob: bytes, digests: Digests, limits: Limits, *, depth: int) -> Iterator[Signature]:
    try:
        message = cms.parse(blob, limits)
    except MalformedError as error:
        yield _invalid(str(error))
        return
    if not message.signers:
        yield _invalid("SignedData has no signer")
        return
    signer = message.signers[0]
    yield _signature(message, signer, digests, limits)
    if depth >= limits.max_depth:
        return
    for nested in signer.unsigned_attributes.get(_NESTED, ())[: limits.max_signatures]:
        yield from _of_blob(nested, digests, limits, depth=depth + 1)


def _signature(
    message: cms.SignedMessage, signer: cms.Signer, digests: Digests, limits: Limits
) -> Signature:
    parsed = certificates.bag(message.certificates)
    leaf = signers.find_leaf(parsed, signer)
    if leaf is None:
        return _invalid("the signer's certificate is missing or cannot be read", signer.digest)
    links = certificates.chain(leaf, parsed, limits)
    try:
        algorithm, wrong = _judge(message, signer, leaf, digests)
    except MalformedError as error:
        algorithm, wrong = signer.digest, str(error)
    return Signature(
        kind=SignatureKind.AUTHENTICODE,
        grade=SignatureGrade.INVALID if wrong else SignatureGrade.PRODUCTION,
        chain=tuple(link.facts for link in links),
        digest_algorithm=algorithm,
        detail=wrong,
        program=_program(signer),
        signed_at="" if wrong else countersign.signed_at(signer, parsed, limits),
    )


def _program(signer: cms.Signer) -> str:
    """The program name of SpcSpOpusInfo, "" without one."""
    for value in signer.signed_attributes.get(_OPUS, ())[:1]:
        try:
            for field in der.children(der.element(value)):
                for choice in der.children(field) if field.tag == _CONTEXT_0 else ():
                    codec = "utf-16-be" if choice.tag == _BMP_CHOICE else "latin-1"
                    return choice.content.decode(codec, "replace")[:_MAX_PROGRAM]
        except MalformedError:
            return ""
    return ""


def _judge(
    message: cms.SignedMessage,
    signer: cms.Signer,
    leaf: certificates.Parsed,
    digests: Digests,
) -> tuple[str, str]:
    """(digest algorithm of the image, what is wrong or ""); raises MalformedError."""
    if message.content_type != _INDIRECT_DATA or message.content is None:
        raise MalformedError("the signed content is not SpcIndirectDataContent")
    algorithm, claimed = indirect_digest(message.content)
    if algorithm not in cms.DIGESTS.values():
        raise MalformedError(f"digest algorithm {algorithm} is not supported")
    if claimed not in digests(algorithm):
        return algorithm, "the signed digest is not the file's"
    # PKCS #7 hashes the content octets of eContent, without its tag and length.
    covered = cms.digest(signer.digest, message.content.content)
    return algorithm, signers.signature_error(signer, leaf, covered)


def indirect_digest(content: der.Element) -> tuple[str, bytes]:
    """Algorithm and digest of SpcIndirectDataContent; raises MalformedError."""
    fields = der.expect(content, der.SEQUENCE, "SpcIndirectDataContent")
    if len(fields) < 2:
        raise MalformedError("SpcIndirectDataContent: no digest")
    info = der.expect(fields[1], der.SEQUENCE, "DigestInfo")
    if len(info) < 2:
        raise MalformedError("DigestInfo: no digest")
    name = der.expect(info[0], der.SEQUENCE, "digest algorithm")
    if not name:
        raise MalformedError("DigestInfo: no algorithm")
    dotted = der.oid(name[0])
    return cms.DIGESTS.get(dotted, dotted), der.octets(info[1])


def _invalid(detail: str, algorithm: str = "") -> Signature:
    return Signature(
        kind=SignatureKind.AUTHENTICODE,
        grade=SignatureGrade.INVALID,
        digest_algorithm=algorithm,
        detail=detail,
    )
