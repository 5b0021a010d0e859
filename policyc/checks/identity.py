"""Checks of what a program says about itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from policyc.checks.extensions import RENAMED
from policyc.checks.registry import Hit, check
from policyc.model.diagnostic import Level
from policyc.model.facts import UNKNOWN, FileFacts, VersionInfo
from policyc.model.filename import clean
from policyc.model.signatures import SignatureGrade, SignatureKind

_SUFFIX = re.compile(r"[-_.]?(?:32|64|x86|x64|arm64|a)?(?:\.exe)?(?:\.mui)?\Z")


def _version(facts: FileFacts) -> VersionInfo | None:
    return None if facts.version_info is UNKNOWN else facts.version_info


@check("M040", "broken-signature", "T1036.001")
def broken_signature(facts: FileFacts) -> Iterator[Hit]:
    """The file carries a signature that does not fit it.

    Why: a copied or patched signature looks like one in a file's properties.
    A file without a signature is not meant. A table that lies outside the file holds no
    signature at all and is a warning.
    Recognise: the digital signature tab says that the signature is not valid.
    """
    for item in () if facts.signatures is UNKNOWN else facts.signatures:
        if item.grade is SignatureGrade.INVALID and item.kind is SignatureKind.AUTHENTICODE:
            outside = "outside" in item.detail
            message = f"the signature does not fit: {item.detail}"
            yield Hit(
                level=Level.WARNING if outside else Level.ERROR,
                message=message,
                proofs=facts.proofs,
            )
            return


@check("M041", "foreign-signer", "T1036.001")
def foreign_signer(facts: FileFacts) -> Iterator[Hit]:
    """The version resource says Microsoft, the signer is somebody else.

    Why: the company name is a text that anybody can write.
    Unsigned files are not meant: Windows' own files are signed in catalogs.
    Recognise: the details tab says Microsoft, the digital signature tab another name.
    """
    info = _version(facts)
    if info is None or not (info.company_name or "").lower().startswith("microsoft"):
        return
    signatures = () if facts.signatures is UNKNOWN else facts.signatures
    subjects = [str(item.leaf.subject) for item in signatures if item.leaf is not None]
    if subjects and not any("microsoft" in item.lower() for item in subjects):
        message = f"claims {info.company_name!r}, signed by {subjects[0]!r}"
        yield Hit(level=Level.WARNING, message=message, proofs=facts.proofs)


@check("M042", "renamed-utility", "T1036.003")
def renamed_utility(facts: FileFacts) -> Iterator[Hit]:
    """A well-known system program under another name.

    Why: rules and watchers that look at names do not see it.
    Only a curated list of programs is compared; suffixes such as 64 and .mui do not count.
    Recognise: the details tab has an original file name that is not the name of the file.
    """
    info = _version(facts)
    original = "" if info is None else (info.original_filename or "").strip().lower()
    original = original.removesuffix(".mui").strip()
    if original not in RENAMED:
        return
    name = _SUFFIX.sub("", clean(facts.name).lower())
    if name not in (_SUFFIX.sub("", original), original.removesuffix(".exe")):
        message = f"the original name is {original}"
        yield Hit(level=Level.WARNING, message=message, proofs=facts.proofs)
