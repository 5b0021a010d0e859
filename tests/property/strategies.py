"""Shared hypothesis strategies: small worlds in which rules and files often meet."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from policyc.model.diagnostic import Level
from policyc.model.facts import (
    UNKNOWN,
    Collection,
    ElfFacts,
    ElfKind,
    Fact,
    FileFacts,
    Hashes,
    MachoFacts,
    MachoKind,
    MachoSlice,
    PeFacts,
    PeKind,
    ScriptFacts,
    Trait,
    VersionInfo,
)
from policyc.model.formats import FileFormat
from policyc.model.identity import (
    AuthenticodeSha256,
    CdHash,
    CertSha256,
    DistinguishedName,
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
    IsTrusted,
    Mode,
    OfType,
    PolicyIR,
    Rule,
    SignedBy,
)
from policyc.model.path import PathPattern
from policyc.model.signatures import Certificate, Signature, SignatureGrade, SignatureKind
from policyc.model.version import FileVersion, VersionRange

NAMES = ("A", "B")
TEAMS = ("AAAAAAAAAA", "BBBBBBBBBB")
POSIX_PATHS = ("/opt/acme/run", "/opt/acme/tmp/x", "/usr/bin/tool")
WINDOWS_PATHS = ("C:\\Acme\\run.exe", "C:\\Acme\\tmp\\x.exe", "C:\\Windows\\tool.exe")
POSIX_PATTERNS = ("/opt/acme/**", "/opt/acme/tmp/**", "/usr/bin/tool", "/opt/*/run")
WINDOWS_PATTERNS = ("C:\\Acme\\**", "C:\\Acme\\tmp\\**", "C:\\Windows\\tool.exe", "C:\\*\\run.exe")


def flat(number: int) -> Sha256Flat:
    """The flat hash of the file with this number."""
    return Sha256Flat(f"{number:064x}")


def authenticode(number: int) -> AuthenticodeSha256:
    """The Authenticode hash of the PE file with this number."""
    return AuthenticodeSha256(f"{number + 0xA000:064x}")


def certificate(name: str) -> Certificate:
    """A certificate whose every identity follows from its name."""
    number = ord(name)
    subject = DistinguishedName(attributes=(("C", "RU"), ("O", f"Org {name}"), ("CN", name)))
    return Certificate(
        subject=subject,
        issuer=DistinguishedName(attributes=(("CN", "CA"),)),
        sha256=CertSha256(f"{number + 0xC000:064x}"),
        tbs=TbsHash(f"{number + 1000:064x}"),
        key="rsa",
        key_bits=2048,
    )


ISSUER = certificate("Z")
PLATFORM_CODE = {81: "platform:app.x", 82: "platform:com.apple.trustd"}
"""Apple's own code, by its number; the second is one of the programs macOS cannot do without."""

MIXED = (129, 130, 131)
"""Universal files of which one slice is unsigned and the other a producer's."""


def signatures(number: int, kind: SignatureKind) -> tuple[Signature, ...]:
    """The signature that content number ``number`` carries, if any."""
    if number % 4 == 0:
        return ()
    name = NAMES[number % 2]
    grade = tuple(SignatureGrade)[(number // 4) % 4]
    adhoc = grade is SignatureGrade.ADHOC
    apple = kind is SignatureKind.APPLE
    team = None if number in PLATFORM_CODE else TeamId(TEAMS[NAMES.index(name)])
    signing_id = SigningId(PLATFORM_CODE.get(number, f"{team}:app.{name}"))
    return (
        Signature(
            kind=kind,
            grade=grade,
            chain=() if adhoc else (certificate(name), ISSUER),
            team=team if apple and not adhoc else None,
            signing_id=signing_id if apple and not adhoc else None,
            program="" if apple or number % 3 else "Tool",
        ),
    )


@st.composite
def pe_files(draw: st.DrawFn) -> FileFacts:
    """A PE file somewhere on Windows. What its bytes say follows from its number."""
    number = draw(st.integers(1, 17))
    info = VersionInfo(
        product_name=("Tool", "tool", "Other", None)[number % 4],
        original_filename=("TOOL.EXE", "other.dll", None)[number % 3],
        internal_name=("Tool", None)[number % 2],
        file_version=(None, FileVersion.parse("1.0"), FileVersion.parse("2"))[(number // 2) % 3],
    )
    kind = PeKind.LIBRARY if number % 5 == 0 else PeKind.EXECUTABLE
    return FileFacts(
        path=draw(st.sampled_from(WINDOWS_PATHS)),
        size=10 + number,
        actual=FileFormat.PE,
        hashes=Hashes(sha256=flat(number), authenticode_sha256=authenticode(number)),
        signatures=signatures(number, SignatureKind.AUTHENTICODE),
        version_info=None if number % 7 == 0 else info,
        pe=PeFacts(kind=kind, machine=0x8664, subsystem=3, section_alignment=0x1000),
        writable_by_users=draw(_maybe(st.booleans())),
        masquerade=draw(st.sampled_from([None, "error", "warning"])),
        package=None,
        trusted=False,
        ftype=None,
    )


@st.composite
def elf_files(draw: st.DrawFn) -> FileFacts:
    """An ELF file or a script somewhere on Linux."""
    number = draw(st.integers(31, 38))
    kind = (ElfKind.EXECUTABLE, ElfKind.PIE, ElfKind.SHARED, None)[number % 4]
    script = kind is None
    ftypes = {ElfKind.SHARED: "application/x-sharedlib", None: "text/x-python"}
    return FileFacts(
        path=draw(st.sampled_from(POSIX_PATHS)),
        size=10 + number,
        actual=FileFormat.SCRIPT if script else FileFormat.ELF,
        hashes=Hashes(sha256=flat(number)),
        elf=None if kind is None else ElfFacts(kind=kind, machine=62, bits=64, static=False),
        traits=() if script else (Trait(kind="fs-verity", detail=f"{number + 0xF00:064x}"),),
        script=ScriptFacts(language="python", interpreter="/usr/bin/python3") if script else None,
        ftype=ftypes.get(kind, "application/x-executable"),
        masquerade=draw(st.sampled_from([None, "error"])),
        package=None,
        trusted=draw(_maybe(st.booleans())),
        writable_by_users=False,
    )


def _identifier(number: int) -> str:
    return PLATFORM_CODE.get(number, f":app.{NAMES[number % 2]}").partition(":")[2]


@st.composite
def macho_files(draw: st.DrawFn) -> FileFacts:
    """A Mach-O file somewhere on macOS."""
    number = draw(st.one_of(st.integers(61, 77), st.integers(81, 83), st.sampled_from(MIXED)))
    signed = signatures(number, SignatureKind.APPLE)
    own = signed[0] if signed else None
    piece = MachoSlice(
        arch="arm64",
        kind=MachoKind.DYLIB if number % 5 == 0 else MachoKind.EXECUTABLE,
        cdhash=None if own is None else CdHash(f"{number:040x}"),
        identifier=None if own is None else _identifier(number),
        team=None if own is None else own.team,
        flags=0x10000 if number % 3 else 0,
        grade=None if own is None else own.grade,
        leaf=None if own is None or own.leaf is None else own.leaf.sha256,
        hash_type=2,
        platform_binary=number in PLATFORM_CODE,
    )
    pieces: tuple[MachoSlice, ...] = (piece,)
    if number in MIXED:
        pieces = (MachoSlice(arch="x86_64", kind=MachoKind.EXECUTABLE), piece)
        signed = tuple(replace(item, grade=SignatureGrade.INVALID) for item in signed)
    return FileFacts(
        path=draw(st.sampled_from(POSIX_PATHS)),
        size=10 + number,
        actual=FileFormat.MACHO,
        hashes=Hashes(sha256=flat(number)),
        signatures=signed,
        macho=MachoFacts(slices=pieces, mixed=number in MIXED),
        masquerade=None,
        package=None,
        trusted=False,
        writable_by_users=False,
        ftype=None,
    )


def _maybe(inner: st.SearchStrategy[bool]) -> st.SearchStrategy[Fact[bool]]:
    return st.one_of(inner, st.just(UNKNOWN))


def files() -> st.SearchStrategy[FileFacts]:
    """Any file of the small world."""
    return st.one_of(pe_files(), elf_files(), macho_files())


@st.composite
def atoms(draw: st.DrawFn) -> Atom:
    """One condition of any kind."""
    name = draw(st.sampled_from(NAMES))
    team = TEAMS[NAMES.index(name)]
    own = certificate(name)
    versions = [">=1.5", "<=1.0", "==2", "*"]
    options: list[Atom] = [
        HasHash(flat(draw(st.sampled_from([1, 2, 5, 31, 32, 61, 62, 66])))),
        HasHash(authenticode(draw(st.integers(1, 3)))),
        HasHash(CdHash(f"{draw(st.integers(61, 63)):040x}")),
        SignedBy(publisher=PublisherName(f"O=Org {name}, C=RU")),
        SignedBy(issuer=ISSUER.tbs, common_name=name),
        SignedBy(issuer=ISSUER.tbs),
        SignedBy(leaf=own.sha256),
        SignedBy(team=TeamId(team)),
        SignedBy(signing_id=SigningId(f"{team}:app.{name}")),
        SignedBy(signing_id=SigningId(PLATFORM_CODE[draw(st.sampled_from(sorted(PLATFORM_CODE)))])),
        SignedBy(platform_binary=True),
        IsProduct(name="Tool", version=VersionRange.parse(draw(st.sampled_from(versions)))),
        IsProduct(original_filename="tool.exe"),
        IsProduct(
            internal_name="tool", version=VersionRange.parse(draw(st.sampled_from(versions)))
        ),
        SignedBy(issuer=ISSUER.tbs, program="Tool"),
        SignedBy(publisher=PublisherName(f"O=Org {name}, C=RU"), program="Tool"),
        AtPath(PathPattern(draw(st.sampled_from(POSIX_PATTERNS + WINDOWS_PATTERNS)))),
        FromPackage(manager="dpkg", name="acme"),
        OfType("text/x-python"),
        IsTrusted(),
        HasMasquerade(draw(st.sampled_from([Level.ERROR, Level.WARNING]))),
    ]
    return draw(st.sampled_from(options))


def matches() -> st.SearchStrategy[AllOf]:
    """None to two conditions."""
    return st.frozensets(atoms(), max_size=2).map(AllOf)


SOMEBODY = ("uid:1000", "exe:/usr/bin/make", "Administrators", "staff")


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """A permit or forbid with at most one exception."""
    everything = frozenset(Collection)
    return Rule(
        effect=draw(st.sampled_from([Effect.PERMIT, Effect.PERMIT, Effect.FORBID])),
        match=draw(matches()),
        unless=draw(st.one_of(st.just(frozenset()), matches().map(lambda item: frozenset({item})))),
        collections=draw(
            st.sampled_from([everything, everything, frozenset({Collection.EXECUTABLE})])
        ),
        principals=draw(
            st.sampled_from([frozenset[str]()] * 4 + [frozenset({who}) for who in SOMEBODY])
        ),
        name="rule",
    )


GOVERNED = (Collection.EXECUTABLE, Collection.LIBRARY, Collection.SCRIPT, Collection.INSTALLER)


def policies(max_rules: int = 5) -> st.SearchStrategy[PolicyIR]:
    """A whole policy over the usual collections."""
    return st.frozensets(rules(), max_size=max_rules).map(
        lambda chosen: PolicyIR(
            name="Test", governs=dict.fromkeys(GOVERNED, Mode.ENFORCE), rules=chosen
        )
    )
