"""The inventory of examples/ci: a few made files that its rules and the scripted changes meet."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from policyc.model.facts import (
    Collection,
    FileFacts,
    Hashes,
    PeFacts,
    PeKind,
    Platform,
    VersionInfo,
)
from policyc.model.formats import FileFormat
from policyc.model.identity import (
    AuthenticodeSha1,
    AuthenticodeSha256,
    CertSha256,
    DistinguishedName,
    PageHash,
    Sha256Flat,
    TbsHash,
)
from policyc.model.inventory import HostInfo, Inventory
from policyc.model.signatures import Certificate, Signature, SignatureGrade, SignatureKind
from policyc.model.version import FileVersion
from policyc.verify.synthetic import blank


def number(*parts: str) -> str:
    """A SHA-256 that follows from the parts."""
    return hashlib.sha256("|".join(parts).encode()).hexdigest()


def certificate(name: str, *, locality: str = "Bonn") -> Certificate:
    """A certificate whose identities follow from its name."""
    return Certificate(
        subject=DistinguishedName(
            attributes=(("C", "DE"), ("L", locality), ("O", name), ("CN", name))
        ),
        issuer=DistinguishedName(attributes=(("C", "DE"), ("O", "Example CA"), ("CN", "CA"))),
        sha256=CertSha256(number(name)),
        tbs=TbsHash(number(name, "tbs")),
        key="rsa",
        key_bits=3072,
    )


CONTOSO = Signature(
    kind=SignatureKind.AUTHENTICODE,
    grade=SignatureGrade.PRODUCTION,
    chain=(certificate("Contoso Ltd"), certificate("Example CA")),
    digest_algorithm="sha256",
)


def pe(path: str, product: str, version: str, *, signed: bool) -> FileFacts:
    """A program on Windows."""
    name = path.rpartition("\\")[2]
    image = number(path, version)
    return FileFacts(
        path=path,
        size=10_000,
        claimed=(FileFormat.PE,),
        actual=FileFormat.PE,
        hashes=Hashes(
            sha256=Sha256Flat(number(path, version, "flat")),
            authenticode_sha256=AuthenticodeSha256(image),
            authenticode_sha1=AuthenticodeSha1(image[:40]),
            page_sha256=PageHash(number(image)),
            page_sha1=PageHash(number(image)[:40]),
        ),
        signatures=(CONTOSO,) if signed else (),
        version_info=VersionInfo(
            product_name=product,
            original_filename=name.upper(),
            file_version=FileVersion.parse(version),
        ),
        pe=PeFacts(kind=PeKind.EXECUTABLE, machine=0x8664, subsystem=2, section_alignment=0x1000),
        package=None,
        trusted=False,
        writable_by_users=False,
        ftype=None,
        masquerade=None,
        findings=(),
    )


def elf(path: str, digest: str | None = None) -> FileFacts:
    """A program on Linux."""
    start = blank(Platform.LINUX, Collection.EXECUTABLE)
    assert start is not None
    own = Hashes(sha256=Sha256Flat(digest or number(path)))
    return replace(start, path=path, size=5_000, hashes=own, trusted=False)


NEW_TOOL = number("/usr/local/bin/new-tool")
"""The content that the scripted pull request with a new hash permits."""


def inventory() -> Inventory:
    """All files of the example, by path."""
    files = (
        pe("D:\\Tools\\tool.exe", "Contoso Tools", "2.4", signed=True),
        pe("D:\\Tools\\old-tool.exe", "Contoso Tools", "1.9", signed=True),
        pe("D:\\Tools\\studio.exe", "Contoso Studio", "5.0", signed=True),
        pe("C:\\Program Files\\Contoso\\legacy.exe", "Contoso Legacy", "3.0", signed=True),
        pe("C:\\Program Files\\Editor\\editor.exe", "Editor", "7.1", signed=False),
        pe("C:\\Program Files\\Shared\\drop.exe", "Drop", "1.0", signed=False),
        elf("/opt/acme/bin/run"),
        elf("/opt/acme/tmp/scratch"),
        elf("/opt/acme/cache/blob"),
        elf("/usr/local/bin/new-tool"),
    )
    ordered = tuple(sorted(files, key=lambda item: item.path))
    return Inventory(host=HostInfo(name="example"), files=ordered)
