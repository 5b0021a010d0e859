"""A made fleet: an inventory and a baseline of chosen sizes, realistic in their mix.

``python benchmarks/fleet.py FOLDER FILES RULES`` writes ``inventory.parquet`` and
``policyc.yaml``. The same numbers give the same bytes. No file exists: only facts are made.
Of 100 files 42 are PE (most signed, by 250 publishers with 6 products each), 30 ELF and 8
scripts from 1,200 Debian packages, 14 Mach-O (by 150 teams), 6 PowerShell scripts.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from policyc.inventory.table import encode_row, write_rows
from policyc.model.facts import (
    ElfFacts,
    ElfKind,
    FileFacts,
    Hashes,
    MachoFacts,
    MachoKind,
    MachoSlice,
    PackageRef,
    PackageState,
    PeFacts,
    PeKind,
    ScriptFacts,
    VersionInfo,
)
from policyc.model.formats import FileFormat
from policyc.model.identity import (
    AuthenticodeSha1,
    AuthenticodeSha256,
    CdHash,
    CertSha256,
    DistinguishedName,
    PageHash,
    Sha256Flat,
    SigningId,
    TbsHash,
    TeamId,
)
from policyc.model.inventory import HostInfo
from policyc.model.signatures import Certificate, Signature, SignatureGrade, SignatureKind
from policyc.model.version import FileVersion

PUBLISHERS, PRODUCTS, TEAMS, PACKAGES = 250, 6, 150, 1_200
TARGETS = ("wdac", "applocker", "fapolicyd", "santa")


def digest(*parts: object) -> str:
    """A SHA-256 that follows from the parts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def pick(count: int, *parts: object) -> int:
    """A number below ``count`` that follows from the parts."""
    return int(digest(*parts)[:12], 16) % count


def certificate(kind: str, number: int) -> Certificate:
    """A certificate; its identities follow from its kind and number."""
    name = f"{kind} {number}"
    return Certificate(
        subject=DistinguishedName(
            attributes=(("C", "DE"), ("L", "Bonn"), ("O", f"{name} GmbH"), ("CN", name))
        ),
        issuer=DistinguishedName(
            attributes=(("C", "US"), ("O", "CA"), ("CN", f"CA {number % 12}"))
        ),
        sha256=CertSha256(digest(name)),
        tbs=TbsHash(digest(name, "tbs")),
        key="ec" if number % 25 == 24 else "rsa",
        key_bits=3072,
    )


def team(number: int) -> str:
    """A Team ID."""
    return digest("team", number)[:10].upper()


def pe_file(number: int) -> FileFacts:
    """A program or library below Program Files; three of four are signed."""
    who = pick(PUBLISHERS, "publisher", number)
    product = pick(PRODUCTS, "product", number)
    library = number % 3 != 0
    name = f"file{number}.{'dll' if library else 'exe'}"
    version = FileVersion.parse(f"{1 + pick(30, 'version', number)}.{number % 10}")
    chain = (
        certificate("Publisher", who),
        certificate("Issuing", who % 12),
        certificate("Root", who % 4),
    )
    signed = Signature(
        kind=SignatureKind.AUTHENTICODE,
        grade=SignatureGrade.PRODUCTION,
        chain=chain,
        digest_algorithm="sha256",
    )
    return FileFacts(
        path=f"C:\\Program Files\\Vendor {who}\\Product {product}\\{name}",
        size=10_000 + number,
        claimed=(FileFormat.PE,),
        actual=FileFormat.PE,
        hashes=Hashes(
            sha256=Sha256Flat(digest("flat", number)),
            authenticode_sha256=AuthenticodeSha256(digest("image", number)),
            authenticode_sha1=AuthenticodeSha1(digest("image", number)[:40]),
            page_sha256=PageHash(digest("page", number)),
            page_sha1=PageHash(digest("page", number)[:40]),
        ),
        signatures=(signed,) if number % 4 else (),
        version_info=VersionInfo(
            product_name=f"Product {who}.{product}",
            original_filename=name.upper(),
            company_name=f"Publisher {who} GmbH",
            file_version=version,
        ),
        pe=PeFacts(
            kind=PeKind.LIBRARY if library else PeKind.EXECUTABLE,
            machine=0x8664,
            subsystem=2,
            section_alignment=0x1000,
            imphash=digest("imports", number % 500)[:32],
        ),
        package=None,
        trusted=False,
        writable_by_users=False,
        ftype=None,
        masquerade="error" if number % 2_003 == 0 else None,
    )


def linux_file(number: int, *, script: bool) -> FileFacts:
    """An ELF file or a Python script of a Debian package."""
    package = pick(PACKAGES, "package", number)
    shared = not script and number % 2 == 0
    kind = ElfKind.SHARED if shared else ElfKind.PIE
    folder = "share" if script else "lib/x86_64-linux-gnu" if shared else "bin"
    ftype = "text/x-python" if script else "application/x-sharedlib" if shared else ""
    return FileFacts(
        path=f"/usr/{folder}/package{package}/file{number}{'.py' if script else ''}",
        size=5_000 + number,
        actual=FileFormat.SCRIPT if script else FileFormat.ELF,
        hashes=Hashes(sha256=Sha256Flat(digest("flat", number))),
        elf=None
        if script
        else ElfFacts(
            kind=kind,
            machine=62,
            bits=64,
            static=False,
            interpreter=None if shared else "/lib64/ld-linux-x86-64.so.2",
            needed=("libc.so.6", f"lib{number % 97}.so.1"),
        ),
        script=ScriptFacts(language="python", interpreter="/usr/bin/python3") if script else None,
        package=PackageRef(
            manager="dpkg",
            name=f"package{package}",
            version="1.2-3",
            state=PackageState.VERIFIED if number % 50 else PackageState.MODIFIED,
        ),
        trusted=True,
        writable_by_users=False,
        ftype=ftype or "application/x-executable",
        masquerade=None,
    )


def macho_file(number: int) -> FileFacts:
    """A program or library of an application bundle."""
    who = pick(TEAMS, "who", number)
    own = TeamId(team(who))
    identifier = f"com.vendor{who}.tool{number % 40}"
    leaf = certificate("Developer", who)
    piece = MachoSlice(
        arch="arm64",
        kind=MachoKind.DYLIB if number % 5 == 0 else MachoKind.EXECUTABLE,
        cdhash=CdHash(digest("code", number)[:40]),
        identifier=identifier,
        team=own,
        flags=0x10000,
        grade=SignatureGrade.PRODUCTION,
        leaf=leaf.sha256,
        hash_type=2,
    )
    return FileFacts(
        path=f"/Applications/App{who}.app/Contents/MacOS/tool{number}",
        size=20_000 + number,
        actual=FileFormat.MACHO,
        hashes=Hashes(sha256=Sha256Flat(digest("flat", number))),
        signatures=(
            Signature(
                kind=SignatureKind.APPLE,
                grade=SignatureGrade.PRODUCTION,
                chain=(leaf, certificate("Apple", 1), certificate("Apple Root", 1)),
                team=own,
                signing_id=SigningId(f"{own}:{identifier}"),
            ),
        ),
        macho=MachoFacts(slices=(piece,)),
        package=None,
        trusted=False,
        writable_by_users=False,
        ftype=None,
        masquerade=None,
    )


def powershell_file(number: int) -> FileFacts:
    """An unsigned script in a folder of scripts."""
    return FileFacts(
        path=f"C:\\Scripts\\Group {number % 60}\\script{number}.ps1",
        size=900 + number,
        actual=FileFormat.SCRIPT,
        hashes=Hashes(sha256=Sha256Flat(digest("flat", number))),
        script=ScriptFacts(language="powershell"),
        package=None,
        trusted=False,
        writable_by_users=False,
        ftype=None,
        masquerade=None,
    )


def made_file(number: int) -> FileFacts:
    """File ``number`` of the fleet."""
    kind = pick(100, "kind", number)
    if kind < 42:
        return pe_file(number)
    if kind < 80:
        return linux_file(number, script=kind >= 72)
    return macho_file(number) if kind < 94 else powershell_file(number)


def conditions(number: int, files: int) -> tuple[dict[str, object], list[str]]:
    """One condition and its platforms; kinds follow each other in a fixed round of twenty."""
    known = made_file(pick(files, "known", number))
    who = pick(PUBLISHERS, "rule", number)
    publisher = f"O=Publisher {who} GmbH, L=Bonn, C=DE"
    product = f"Product {who}.{number % PRODUCTS}"
    package = pick(PACKAGES, "named", number)
    step = number % 20
    if step < 6:
        image = known.hashes.authenticode_sha256
        name = "sha256" if image is None else "authenticode_sha256"
        where = ["windows"] if known.path.startswith("C:") else ["linux", "macos"]
        return {"hash": {name: str(image or known.hashes.sha256)}}, where
    windows: list[dict[str, object]] = [
        {"signer": {"publisher": publisher}, "product": {"name": product, "version": ">=2.0"}},
        {"signer": {"publisher": publisher}, "product": {"name": product, "version": "<20"}},
        {"signer": {"publisher": publisher}},
        {
            "signer": {
                "issuer": str(certificate("Issuing", who % 12).tbs),
                "common_name": f"Publisher {who}",
            }
        },
        {"signer": {"leaf": str(certificate("Publisher", who).sha256)}},
        {"product": {"name": product, "version": ">=3.1"}},
        {"path": f"C:\\Program Files\\Vendor {who}\\Product {number % PRODUCTS}\\**"},
    ]
    if step < 13:
        return windows[step - 6], ["windows"]
    if step < 15:
        own = team(pick(TEAMS, "rule team", number))
        signing = f"{own}:com.vendor{pick(TEAMS, 'rule team', number)}.tool{number % 40}"
        return {"signer": {"team": own} if step == 13 else {"signing_id": signing}}, ["macos"]
    if step < 18:
        folder = ("bin", "lib/x86_64-linux-gnu", "share")[step - 15]
        return {"path": f"/usr/{folder}/package{package}/**"}, ["linux"]
    if step == 18:
        return {"package": {"manager": "dpkg", "name": f"package{package}"}}, ["linux"]
    return {"path": f"/Applications/App{pick(TEAMS, 'path', number)}.app/**"}, ["macos"]


def rule(number: int, files: int) -> dict[str, object]:
    """Rule ``number``: one of twelve forbids, one of fifteen has an exception."""
    condition, platforms = conditions(number, files)
    effect = "forbid" if number % 12 == 11 else "permit"
    found: dict[str, object] = {"id": f"rule-{number}", effect: condition, "platforms": platforms}
    if number % 15 == 14 and "path" in condition:
        inner = str(condition["path"]).removesuffix("**") + "tmp"
        separator = "\\" if inner.startswith("C:") else "/"
        found["unless"] = [{"path": f"{inner}{separator}**"}]
    return found


def baseline(files: int, rules: int) -> Iterator[str]:
    """The baseline's lines; every widening loss is accepted, as only the speed is of interest."""
    yield "policyc: 1\nname: Made fleet\nmode: audit\ntargets:\n"
    yield "  fapolicyd: {collections: [executable, library, script]}\n"
    yield "  santa: {collections: [executable]}\nrules:\n"
    yield '  - {"id": masquerades, "forbid": {"masquerade": error}}\n'
    for number in range(rules - 1):
        yield f"  - {json.dumps(rule(number, files))}\n"
    yield "accept:\n"
    for code in (
        "L003",
        "L011",
        "L012",
        "L013",
        "L014",
        "L016",
        "L017",
        "L019",
        "L021",
        "L022",
        "L023",
    ):
        for target in TARGETS:
            yield f"  - {{loss: {code}, target: {target}, reason: made}}\n"


def write(folder: Path, files: int, rules: int) -> tuple[Path, Path]:
    """Write the baseline and the inventory; returns their paths."""
    inventory, policy = folder / "inventory.parquet", folder / "policyc.yaml"
    rows = (encode_row(made_file(number)) for number in range(files))
    write_rows(rows, HostInfo(), inventory)
    policy.write_text("".join(baseline(files, rules)))
    return policy, inventory


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
