"""A Windows inventory for other people's policies: what their rules name, and what nearly is it.

Paths look like those of a real machine. Each publisher, product, version and hash that a policy
names has files of its own, within the bounds and one beyond them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from policyc.model.facts import FileFacts, Hashes, PeFacts, PeKind, ScriptFacts, VersionInfo
from policyc.model.formats import FileFormat
from policyc.model.identity import (
    AuthenticodeSha1,
    AuthenticodeSha256,
    CertSha256,
    DistinguishedName,
    Sha256Flat,
    TbsHash,
)
from policyc.model.signatures import Certificate, Signature, SignatureGrade, SignatureKind
from policyc.model.version import HIGHEST, LOWEST, FileVersion
from policyc.targets.applocker.model import (
    AppLockerPolicy,
    CollectionType,
    HashCondition,
    PublisherCondition,
)

_RDN = re.compile(r"(?:^|, )(CN|OU|O|L|S|C)=", re.ASCII)
_FOLDERS = (
    "C:\\Windows",
    "C:\\Windows\\System32",
    "C:\\Windows\\SysWOW64",
    "C:\\Windows\\System32\\WindowsPowerShell\\v1.0",
    "C:\\Windows\\System32\\spool\\drivers\\color",
    "C:\\Windows\\System32\\Tasks\\Vendor",
    "C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319",
    "C:\\Windows\\Temp",
    "C:\\Windows\\Installer",
    "C:\\Windows\\ccmcache\\a",
    "C:\\Windows.old",
    "C:\\Program Files\\Vendor\\App",
    "C:\\Program Files (x86)\\Vendor\\App",
    "C:\\Program Files\\Internet Explorer",
    "C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\4.18",
    "C:\\ProgramData\\Vendor",
    "C:\\Users\\ann\\AppData\\Local\\Programs\\Microsoft VS Code",
    "C:\\Users\\ann\\AppData\\Roaming",
    "C:\\Users\\ann\\Downloads",
    "C:\\Users\\Public",
    "C:\\Tools",
    "D:\\Setup",
    "\\\\server\\share\\apps",
)
_NAMES = ("run", "setup", "mshta", "powershell", "msbuild", "cmd", "regedit", "notepad", "iexplore")
_KINDS = ("exe", "dll", "ps1", "bat", "vbs", "js", "msi", "com")
_MICROSOFT = "O=MICROSOFT CORPORATION, L=REDMOND, S=WASHINGTON, C=US"


def windows_world(policies: Iterable[AppLockerPolicy], size: int) -> tuple[FileFacts, ...]:
    """``size`` different files: first those that the policies name, then the grid of paths."""
    found: dict[str, FileFacts] = {}
    for facts in itertools.chain(_named(policies), _grid()):
        found.setdefault(facts.path.lower(), facts)
        if len(found) == size:
            break
    return tuple(found.values())


def _grid() -> Iterator[FileFacts]:
    publishers = (_MICROSOFT, None, "O=IGOR PAVLOV, C=RU")
    for number in itertools.count():
        signer = publishers[number % 3]
        for folder, name, kind in itertools.product(_FOLDERS, _NAMES, _KINDS):
            path = f"{folder}\\{name}{number or ''}.{kind}"
            yield _file(path, number=hash_number(path), publisher=signer, binary=f"{name}.{kind}")


def _named(policies: Iterable[AppLockerPolicy]) -> Iterator[FileFacts]:
    wanted: dict[str, FileFacts] = {}
    for policy, number in zip(policies, itertools.count()):
        for own in policy.collections:
            kind = _extension(own.type)
            if kind is None:
                continue
            for rule, at in zip(own.rules, itertools.count()):
                for condition, part in zip((rule.condition, *rule.exceptions), itertools.count()):
                    stem = f"C:\\Tools\\p{number}\\{own.type.value}{at}-{part}"
                    for facts in _for(condition, stem, kind):
                        wanted.setdefault(facts.path, facts)
    yield from wanted.values()


def _for(condition: object, stem: str, kind: str) -> Iterator[FileFacts]:
    if isinstance(condition, HashCondition):
        for item, place in zip(condition.hashes[:3], itertools.count()):
            facts = _file(f"{stem}-{place}.{kind}", number=place)
            yield _with_hash(facts, item.data)
    elif isinstance(condition, PublisherCondition):
        for version, place in zip(_around(condition), itertools.count()):
            yield _file(
                f"{stem}-{place}.{kind}",
                number=hash_number(f"{stem}-{place}"),
                publisher=_MICROSOFT if condition.publisher == "*" else condition.publisher,
                product=None if condition.product == "*" else condition.product,
                binary=None if condition.binary == "*" else condition.binary,
                version=version,
            )


def _around(condition: PublisherCondition) -> tuple[FileVersion, ...]:
    inside = condition.low if condition.low != LOWEST else FileVersion.parse("3.1.0.0")
    found = [min(inside, condition.high), condition.low, condition.high]
    if condition.high != HIGHEST:
        found.append(FileVersion.parse("65535.0.0.0"))
    if condition.low != LOWEST:
        found.append(LOWEST)
    return tuple(dict.fromkeys(found))


def _extension(kind: CollectionType) -> str | None:
    names = {"Exe": "exe", "Dll": "dll", "Script": "ps1", "Msi": "msi"}
    return names.get(kind.value)


def _with_hash(facts: FileFacts, data: str) -> FileFacts:
    if len(data) != 64:
        return replace(
            facts, hashes=replace(facts.hashes, authenticode_sha1=AuthenticodeSha1(data))
        )
    if facts.pe is None:
        return replace(facts, hashes=replace(facts.hashes, sha256=Sha256Flat(data)))
    return replace(
        facts, hashes=replace(facts.hashes, authenticode_sha256=AuthenticodeSha256(data))
    )


def hash_number(text: str) -> int:
    """A number that follows from a text, the same in every run."""
    return int.from_bytes(text.encode()[-6:], "big") * 7919 + sum(text.encode())


def _file(
    path: str,
    *,
    number: int,
    publisher: str | None = None,
    product: str | None = None,
    binary: str | None = None,
    version: FileVersion | None = None,
) -> FileFacts:
    kind = path.rpartition(".")[2]
    pe = None
    if kind in ("exe", "dll", "com"):
        loaded = PeKind.LIBRARY if kind == "dll" else PeKind.EXECUTABLE
        pe = PeFacts(kind=loaded, machine=0x8664, subsystem=2, section_alignment=4096)
    info = VersionInfo(product_name=product, original_filename=binary, file_version=version)
    formats = {"msi": FileFormat.MSI}
    digest = f"{number % (1 << 200):064x}"
    return FileFacts(
        path=path,
        size=1000,
        actual=FileFormat.PE if pe else formats.get(kind, FileFormat.SCRIPT),
        hashes=Hashes(
            sha256=Sha256Flat(digest),
            authenticode_sha256=AuthenticodeSha256(digest) if pe else None,
            authenticode_sha1=AuthenticodeSha1(digest[24:]) if pe else None,
        ),
        signatures=() if publisher is None else (_signature(publisher),),
        version_info=info if pe else None,
        pe=pe,
        script=ScriptFacts(language="text") if not pe and kind != "msi" else None,
        writable_by_users=not path.startswith(("C:\\Windows", "C:\\Program Files")),
        package=None,
        masquerade=None,
        findings=(),
    )


def _signature(publisher: str) -> Signature:
    """A signature whose leaf's subject gives this publisher, with a root above it."""
    starts = list(_RDN.finditer(publisher))
    ends = [*(item.start() for item in starts[1:]), len(publisher)]
    pairs = tuple(
        (start[1], publisher[start.end() : end]) for start, end in zip(starts, ends, strict=True)
    )
    number = hash_number(publisher)
    leaf = Certificate(
        subject=DistinguishedName(attributes=pairs or (("CN", publisher),)),
        issuer=DistinguishedName(attributes=(("CN", "CA"),)),
        sha256=CertSha256(f"{number:064x}"),
        tbs=TbsHash(f"{number + 1:064x}"),
        key="rsa",
        key_bits=3072,
    )
    issuer = replace(
        leaf,
        subject=DistinguishedName(attributes=(("CN", "CA"),)),
        sha256=CertSha256(f"{number + 2:064x}"),
        tbs=TbsHash(f"{number + 3:064x}"),
    )
    return Signature(
        kind=SignatureKind.AUTHENTICODE, grade=SignatureGrade.PRODUCTION, chain=(leaf, issuer)
    )
