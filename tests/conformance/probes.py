"""For each probe of the capability matrix: a rule, and files on both sides of it."""

from __future__ import annotations

from dataclasses import replace

from policyc.model.diagnostic import Level
from policyc.model.facts import (
    Collection,
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
    Platform,
    Trait,
    VersionInfo,
)
from policyc.model.formats import FileFormat
from policyc.model.identity import (
    AuthenticodeSha256,
    CdHash,
    CertSha256,
    DistinguishedName,
    PageHash,
    PublisherName,
    Sha256Flat,
    SigningId,
    TbsHash,
    TeamId,
)
from policyc.model.ir import (
    AllOf,
    Atom,
    AtPath,
    Effect,
    FromPackage,
    HasHash,
    HasMasquerade,
    IsProduct,
    Mode,
    OfType,
    PolicyIR,
    Rule,
    SignedBy,
    TargetSettings,
)
from policyc.model.path import PathPattern
from policyc.model.signatures import Certificate, Signature, SignatureGrade, SignatureKind
from policyc.model.version import FileVersion, VersionRange
from policyc.targets.base import Capabilities, Probe

TEAM = TeamId("ABCDE12345")


def certificate(name: str) -> Certificate:
    """A certificate that follows from its name."""
    number = sum(name.encode())
    return Certificate(
        subject=DistinguishedName(
            attributes=(("C", "DE"), ("L", "Bonn"), ("O", name), ("CN", name))
        ),
        issuer=DistinguishedName(attributes=(("CN", "CA"),)),
        sha256=CertSha256(f"{number:064x}"),
        tbs=TbsHash(f"{number + 5000:064x}"),
        key="rsa",
        key_bits=3072,
    )


LEAF, CA = certificate("Acme GmbH"), certificate("Root")
OTHER = certificate("Other GmbH")


def file_on(platform: Platform, number: int, directory: str = "acme") -> FileFacts:
    """An ordinary signed program of the platform; ``number`` makes it distinct."""
    signer = LEAF if number % 2 else OTHER
    common = {
        "size": 100 + number,
        "hashes": Hashes(sha256=Sha256Flat(f"{number:064x}")),
        "package": PackageRef(manager="dpkg", name="acme", state=PackageState.VERIFIED)
        if number % 2
        else None,
        "trusted": False,
        "writable_by_users": False,
        "masquerade": "error" if number % 2 else None,
        "ftype": None,
    }
    match platform:
        case Platform.WINDOWS:
            return FileFacts(
                path=f"C:\\{directory}\\tool{number}.exe",
                actual=FileFormat.PE,
                pe=PeFacts(
                    kind=PeKind.EXECUTABLE, machine=0x8664, subsystem=3, section_alignment=4096
                ),
                version_info=VersionInfo(
                    product_name="Acme Tool" if number % 2 else "Other",
                    original_filename="tool.exe" if number % 2 else "other.exe",
                    file_version=FileVersion.parse(f"{number}.0"),
                ),
                signatures=(
                    Signature(
                        kind=SignatureKind.AUTHENTICODE,
                        grade=SignatureGrade.PRODUCTION,
                        chain=(signer, CA),
                    ),
                ),
                **{
                    **common,
                    "hashes": Hashes(
                        sha256=Sha256Flat(f"{number:064x}"),
                        authenticode_sha256=AuthenticodeSha256(f"{number + 0xA00:064x}"),
                        page_sha256=PageHash(f"{number + 0xB00:064x}"),
                    ),
                },  # type: ignore[arg-type]
            )
        case Platform.LINUX:
            return FileFacts(
                path=f"/opt/{directory}/tool{number}",
                actual=FileFormat.ELF,
                elf=ElfFacts(kind=ElfKind.PIE, machine=62, bits=64, static=False),
                traits=(Trait(kind="fs-verity", detail=f"{number + 0xF00:064x}"),),
                **{**common, "ftype": "application/x-executable"},  # type: ignore[arg-type]
            )
        case Platform.MACOS:
            team = TEAM if number % 2 else TeamId("ZZZZZ12345")
            piece = MachoSlice(
                arch="arm64",
                kind=MachoKind.EXECUTABLE,
                cdhash=CdHash(f"{number:040x}"),
                identifier="com.acme.tool",
                team=team,
                flags=0x10000,
                grade=SignatureGrade.PRODUCTION,
                leaf=signer.sha256,
                hash_type=2,
            )
            return FileFacts(
                path=f"/opt/{directory}/tool{number}",
                actual=FileFormat.MACHO,
                macho=MachoFacts(slices=(piece,)),
                signatures=(
                    Signature(
                        kind=SignatureKind.APPLE,
                        grade=SignatureGrade.PRODUCTION,
                        chain=(signer, CA),
                        team=team,
                        signing_id=SigningId(f"{team}:com.acme.tool"),
                    ),
                ),
                **common,  # type: ignore[arg-type]
            )


PUBLISHER = SignedBy(publisher=PublisherName("O=Acme GmbH, L=Bonn, C=DE"))
CHAIN = SignedBy(issuer=CA.tbs, common_name="Acme GmbH")
VERSION = VersionRange.parse(">=1.0, <=5.0")


def atoms_for(probe: Probe, platform: Platform) -> tuple[Atom, ...]:
    """The conditions of a probe; they hold for odd-numbered files of the platform."""
    base = "C:\\acme\\" if platform is Platform.WINDOWS else "/opt/acme/"
    tool = file_on(platform, 1).path
    glob = "C:\\*\\tool1.exe" if platform is Platform.WINDOWS else "/opt/*/tool1"
    table: dict[Probe, tuple[Atom, ...]] = {
        Probe.HASH_SHA256: (HasHash(Sha256Flat(f"{1:064x}")),),
        Probe.HASH_AUTHENTICODE: (HasHash(AuthenticodeSha256(f"{0xA01:064x}")),),
        Probe.HASH_PAGE: (HasHash(PageHash(f"{0xB01:064x}")),),
        Probe.HASH_CDHASH: (HasHash(CdHash(f"{1:040x}")),),
        Probe.SIGNER_PUBLISHER: (PUBLISHER,),
        Probe.SIGNER_COMMON_NAME: (CHAIN,),
        Probe.SIGNER_ISSUER: (SignedBy(issuer=CA.tbs),),
        Probe.SIGNER_LEAF: (SignedBy(leaf=LEAF.sha256),),
        Probe.SIGNER_TEAM: (SignedBy(team=TEAM),),
        Probe.SIGNER_SIGNING_ID: (SignedBy(signing_id=SigningId(f"{TEAM}:com.acme.tool")),),
        Probe.SIGNER_PLATFORM_BINARY: (SignedBy(platform_binary=True),),
        Probe.PRODUCT_NAME: (IsProduct(name="Acme Tool"),),
        Probe.PRODUCT_ORIGINAL_FILENAME: (IsProduct(original_filename="tool.exe"),),
        Probe.PUBLISHER_PRODUCT_VERSION: (PUBLISHER, IsProduct(name="Acme Tool", version=VERSION)),
        Probe.CHAIN_PRODUCT_VERSION: (CHAIN, IsProduct(name="Acme Tool", version=VERSION)),
        Probe.PATH_EXACT: (AtPath(PathPattern(tool)),),
        Probe.PATH_TREE: (AtPath(PathPattern(base + "**")),),
        Probe.PATH_GLOB: (AtPath(PathPattern(glob)),),
        Probe.PACKAGE: (FromPackage(manager="dpkg", name="acme"),),
        Probe.TYPE: (OfType("application/x-executable"),),
        Probe.MASQUERADE: (HasMasquerade(Level.ERROR),),
        Probe.UNLESS_PATH: (AtPath(PathPattern(base + "**")),),
        Probe.PRINCIPALS: (AtPath(PathPattern(base + "**")),),
    }
    return table[probe]


def rule_for(probe: Probe, platform: Platform, effect: Effect) -> Rule:
    """A lone rule of the probe's kind."""
    rule = Rule(effect=effect, match=AllOf(frozenset(atoms_for(probe, platform))), name="probe")
    if probe is Probe.UNLESS_PATH:
        below = "C:\\acme\\tmp\\**" if platform is Platform.WINDOWS else "/opt/acme/tmp/**"
        exception = AllOf(frozenset({AtPath(PathPattern(below))}))
        return replace(rule, unless=frozenset({exception}))
    if probe is Probe.PRINCIPALS:
        return replace(rule, principals=frozenset({"no such user or group"}))
    return rule


def policy_for(capabilities: Capabilities, *rules: Rule) -> PolicyIR:
    """A policy that asks of the target just what it can govern."""
    return PolicyIR(
        name="Probe",
        governs=dict.fromkeys(sorted(capabilities.collections, key=_value), Mode.ENFORCE),
        rules=frozenset(rules),
        targets={capabilities.target: TargetSettings(collections=capabilities.collections)},
    )


def _value(collection: Collection) -> str:
    return collection.value
