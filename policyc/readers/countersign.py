"""When a signature was made, as a countersignature or a time-stamp token over it says.

Source: PKCS #9 (RFC 2985) countersignature and signingTime; RFC 3161 TSTInfo in the
attribute 1.3.6.1.4.1.311.3.3.1 ("Windows Authenticode Portable Executable Signature Format").
The statement counts only if it covers this signature and its own signature holds.
"""

from __future__ import annotations

import re

from policyc.readers import certificates, cms, der, signers
from policyc.readers.limits import Limits
from policyc.readers.reader import MalformedError

_TOKEN = "1.3.6.1.4.1.311.3.3.1"  # noqa: S105  (an object identifier)
_COUNTERSIGNATURE = "1.2.840.113549.1.9.6"
_SIGNING_TIME = "1.2.840.113549.1.9.5"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_UTC = re.compile(r"(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?Z")
_GENERALIZED = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:[.,]\d+)?Z")


def signed_at(signer: cms.Signer, parsed: tuple[certificates.Parsed, ...], limits: Limits) -> str:
    """The time in RFC 3339, or "" where nothing valid states one."""
    for value in signer.unsigned_attributes.get(_TOKEN, ())[: limits.max_signatures]:
        try:
            return _of_token(value, signer, limits)
        except MalformedError:
            continue
    for value in signer.unsigned_attributes.get(_COUNTERSIGNATURE, ())[: limits.max_signatures]:
        try:
            return _of_countersignature(value, signer, parsed)
        except MalformedError:
            continue
    return ""


def _of_token(value: bytes, signer: cms.Signer, limits: Limits) -> str:
    message = cms.parse(value, limits)
    if message.content_type != _TST_INFO or message.content is None or not message.signers:
        raise MalformedError("not a time-stamp token")
    stamped = message.content.content
    fields = der.expect(der.element(stamped), der.SEQUENCE, "TSTInfo")
    imprint = der.expect(fields[2], der.SEQUENCE, "messageImprint") if len(fields) > 4 else ()
    if len(imprint) < 2:
        raise MalformedError("TSTInfo: no messageImprint")
    algorithm = der.expect(imprint[0], der.SEQUENCE, "hashAlgorithm")
    if not algorithm:
        raise MalformedError("TSTInfo: no hash algorithm")
    dotted = der.oid(algorithm[0])
    if cms.digest(cms.DIGESTS.get(dotted, dotted), signer.signature) != der.octets(imprint[1]):
        raise MalformedError("the token is for another signature")
    _require_signature(message.signers[0], certificates.bag(message.certificates), stamped)
    return _time(fields[4])


def _of_countersignature(
    value: bytes, signer: cms.Signer, parsed: tuple[certificates.Parsed, ...]
) -> str:
    counter = cms.signer(der.element(value))
    times = counter.signed_attributes.get(_SIGNING_TIME, ())
    if len(times) != 1:
        raise MalformedError("countersignature: no time")
    _require_signature(counter, parsed, signer.signature)
    return _time(der.element(times[0]))


def _require_signature(
    signer: cms.Signer, parsed: tuple[certificates.Parsed, ...], content: bytes
) -> None:
    leaf = signers.find_leaf(parsed, signer)
    if leaf is None:
        raise MalformedError("the time authority's certificate is missing")
    wrong = signers.signature_error(signer, leaf, cms.digest(signer.digest, content))
    if wrong:
        raise MalformedError(wrong)


def _time(item: der.Element) -> str:
    text = item.content.decode("ascii", "replace")
    found = _GENERALIZED.fullmatch(text) if item.tag == _GENERALIZED_TIME else None
    if found is not None:
        year = found[1]
    else:
        found = _UTC.fullmatch(text) if item.tag == _UTC_TIME else None
        if found is None:
            raise MalformedError("a time that cannot be read")
        # RFC 5280, 4.1.2.5.1: 50 and above are in the last century.
        year = ("19" if found[1] >= "50" else "20") + found[1]
    return f"{year}-{found[2]}-{found[3]}T{found[4]}:{found[5]}:{found[6] or '00'}Z"
