"""An inventory of signed and unsigned Windows programs, as an image of a machine holds them.

``python benchmarks/wdac_inventory.py FOLDER FILES`` writes ``windows.parquet`` and
``windows.yaml``.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from policyc.inventory import write_inventory
from policyc.model.facts import FileFacts, Hashes, PeFacts, PeKind, Platform, VersionInfo
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

PUBLISHERS = 200
"""Different signers; every fourth file has none."""


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _certificate(name: str, issuer: str) -> Certificate:
    subject = DistinguishedName(
        attributes=(("C", "US"), ("L", "Town"), ("O", f"{name} Inc."), ("CN", f"{name} Inc."))
    )
    return Certificate(
        subject=subject,
        issuer=DistinguishedName(attributes=(("CN", issuer),)),
        sha256=CertSha256(_digest("certificate", name)),
        tbs=TbsHash(_digest("tbs", name)),
        key="rsa",
        key_bits=3072,
    )


_CAS = tuple(_certificate(f"CA {number}", "Root") for number in range(5))


def _file(number: int) -> FileFacts:
    publisher = number * 7 % PUBLISHERS
    leaf = _certificate(f"Vendor {publisher}", f"CA {publisher % 5} Inc.")
    signature = Signature(
        kind=SignatureKind.AUTHENTICODE,
        grade=SignatureGrade.PRODUCTION,
        chain=(leaf, _CAS[publisher % 5]),
        digest_algorithm="sha256",
    )
    library = number % 3 == 0
    name = f"file{number}.{'dll' if library else 'exe'}"
    return FileFacts(
        path=f"C:\\Program Files\\Vendor {publisher}\\{name}",
        size=10_000 + number,
        actual=FileFormat.PE,
        claimed=(FileFormat.PE,),
        hashes=Hashes(
            sha256=Sha256Flat(_digest("flat", number)),
            authenticode_sha256=AuthenticodeSha256(_digest("image", number)),
            authenticode_sha1=AuthenticodeSha1(_digest("image", number)[:40]),
            page_sha256=PageHash(_digest("page", number)),
            page_sha1=PageHash(_digest("page", number)[:40]),
        ),
        signatures=(signature,) if number % 4 else (),
        version_info=VersionInfo(
            product_name=f"Product {number // 10}" if number % 5 else None,
            original_filename=name,
            file_version=FileVersion.parse(f"{number % 9}.{number % 7}"),
        ),
        pe=PeFacts(
            kind=PeKind.LIBRARY if library else PeKind.EXECUTABLE,
            machine=0x8664,
            subsystem=3,
            section_alignment=0x1000,
        ),
        writable_by_users=False,
        masquerade=None,
        package=None,
        trusted=False,
        ftype=None,
    )


def make(folder: Path, count: int) -> tuple[Path, Path]:
    """The inventory and a baseline at levels file-publisher, publisher, hash."""
    inventory = folder / "windows.parquet"
    files = sorted((_file(number) for number in range(count)), key=lambda item: item.path)
    host = HostInfo(platform=Platform.WINDOWS)
    write_inventory(Inventory(host=host, files=tuple(files)), inventory)
    baseline = folder / "windows.yaml"
    baseline.write_text(
        "policyc: 1\nname: Benchmark\nmode: audit\n"
        "targets: {wdac: {publishers: issuer, max_bytes: 0}}\n"
        "rules:\n  - id: image\n"
        "    permit: {from: inventory, levels: [file-publisher, publisher, hash]}\n"
        "accept:\n  - {loss: L016, target: wdac, reason: names of publishers are enough}\n"
    )
    return inventory, baseline


if __name__ == "__main__":
    make(Path(sys.argv[1]), int(sys.argv[2]))
