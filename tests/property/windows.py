"""A small Windows world made to be awkward: what one rule says, some file nearly satisfies.

The same image occurs with and without its signature, chains lack their issuers, a
certificate that signs also issues, keys are elliptic, facts are missing, and scripts and
installers stand beside programs.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from policyc.model.facts import (
    UNKNOWN,
    Collection,
    Fact,
    FileFacts,
    Hashes,
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
    CertSha256,
    DistinguishedName,
    Oid,
    PageHash,
    PublisherName,
    Sha256Flat,
    TbsHash,
)
from policyc.model.ir import (
    AllOf,
    Atom,
    AtPath,
    Effect,
    FromPackage,
    HasHash,
    IsProduct,
    Mode,
    PolicyIR,
    Rule,
    Setting,
    SignedBy,
    TargetSettings,
)
from policyc.model.path import PathPattern
from policyc.model.signatures import Certificate, Signature, SignatureGrade, SignatureKind
from policyc.model.version import FileVersion, VersionRange

CODE_SIGNING = Oid("1.3.6.1.5.5.7.3.3")
WINDOWS_EKU = Oid("1.3.6.1.4.1.311.10.3.6")
PATHS = (
    "C:\\Acme\\run.exe",
    "C:\\ACME\\bin\\run.exe",
    "C:/Acme/tmp/x.exe",
    "C:\\Straße\\run.exe",
    "C:\\STRASSE\\run.exe",
    "D:\\Acme\\run.exe",
)
PATTERNS = (
    "C:\\Acme\\**",
    "C:\\acme\\tmp\\**",
    "C:\\Acme\\run.exe",
    "C:\\*\\run.exe",
    "C:\\**\\run.exe",
    "C:\\Straße\\**",
    "D:\\Acme\\**",
)
NAMES = ("Acme", "acme", "Other & <Co>", "*")
KINDS = (PeKind.EFI, *(PeKind.EXECUTABLE, PeKind.DRIVER, PeKind.LIBRARY) * 2)
"""By the number of a program."""
PACKAGES = [
    PackageRef(manager=manager, name=name, version="1", state=state)
    for manager, name in (("appx", "Acme_1"), ("msix", "acme_1"), ("appx", "Other_2"))
    for state in (PackageState.VERIFIED, PackageState.MODIFIED)
]
EXTENSIONS = {"ps1": "powershell", "js": "javascript", "bat": "batch", "py": "python"}


def certificate(name: str, *, key: str = "rsa", eku: bool = False) -> Certificate:
    """A certificate whose identities follow from its name."""
    number = sum(ord(char) * 31**at for at, char in enumerate(name)) % 10**9
    return Certificate(
        subject=DistinguishedName(
            attributes=(("C", "DE"), ("L", "Bonn"), ("O", f"{name} AG"), ("CN", name))
        ),
        issuer=DistinguishedName(attributes=(("CN", "Root"),)),
        sha256=CertSha256(f"{number + 1:064x}"),
        tbs=TbsHash(f"{number + 2:064x}"),
        key=key,
        key_bits=3072 if key == "rsa" else 256,
        ekus=(CODE_SIGNING, WINDOWS_EKU) if eku else (CODE_SIGNING,),
    )


ROOT = certificate("Root")
LEAVES = (
    certificate("Acme"),
    certificate("Acme EC", key="ec"),
    certificate("Other", eku=True),
)
CHAINS: tuple[tuple[Certificate, ...], ...] = (
    (LEAVES[0], ROOT),
    (LEAVES[0],),
    (LEAVES[1], ROOT),
    (LEAVES[2], ROOT),
    (LEAVES[2], LEAVES[0], ROOT),
    (ROOT,),
)


@st.composite
def signatures(draw: st.DrawFn) -> Fact[tuple[Signature, ...]]:
    """No signature, one or two, or nobody looked."""
    chains = draw(st.lists(st.sampled_from(CHAINS), max_size=2))
    if draw(st.integers(0, 9)) == 0:
        return UNKNOWN
    grades = (SignatureGrade.PRODUCTION, SignatureGrade.PRODUCTION, SignatureGrade.INVALID)
    return tuple(
        Signature(
            kind=SignatureKind.AUTHENTICODE,
            grade=draw(st.sampled_from(grades)),
            chain=chain,
            program=draw(st.sampled_from(["", "", "Acme Tools"])),
        )
        for chain in chains
    )


def flat(number: int, signed: Fact[tuple[Signature, ...]]) -> Sha256Flat:
    """The hash of all bytes of a content under embedded signatures, which it settles."""
    seal = 0
    for signature in () if signed is UNKNOWN else signed:
        for part in signature.chain:
            seal = seal * 31 + int(part.sha256.value, 16)
        seal = seal * 31 + len(signature.grade.value) + 1000 * len(signature.program)
    return Sha256Flat(f"{(number + seal * 64) % 2**200:064x}")


def images(number: int) -> Hashes:
    """The digests of one image; a signature changes only the flat one."""
    return Hashes(
        authenticode_sha256=AuthenticodeSha256(f"{number + 0xA00:064x}"),
        authenticode_sha1=AuthenticodeSha1(f"{number + 0xA10:040x}"),
        page_sha256=PageHash(f"{number + 0xB00:064x}"),
        page_sha1=PageHash(f"{number + 0xB10:040x}"),
    )


@st.composite
def programs(draw: st.DrawFn) -> FileFacts:
    """A PE file. Number and signatures settle the bytes, as in nature."""
    number = draw(st.integers(1, 6))
    signed = draw(signatures())
    info = VersionInfo(
        product_name=("Acme", "ACME", "Other & <Co>", None)[number % 4],
        original_filename=("RUN.EXE", "Straße.dll", None)[number % 3],
        internal_name=("run", None)[number % 2],
        file_description=(None, "The tool")[number % 2],
        file_version=(None, FileVersion.parse("1.0"), FileVersion.parse("5"))[number // 2 % 3],
    )
    has = None if number == 5 else info  # the resource is part of the image
    hashes = replace(images(number), sha256=flat(number * 7, signed))
    lost = draw(st.sampled_from([None] * 6 + ["authenticode_sha256", "sha256"]))
    if lost is not None:
        value = draw(st.sampled_from([UNKNOWN, None])) if lost.startswith("auth") else UNKNOWN
        hashes = replace(hashes, **{lost: value})
    return FileFacts(
        path=draw(st.sampled_from(PATHS)),
        size=1,
        actual=FileFormat.PE,
        hashes=hashes,
        signatures=signed,
        version_info=draw(st.sampled_from([has, has, has, UNKNOWN])),
        pe=PeFacts(
            kind=KINDS[number],
            machine=0x8664,
            subsystem=3,
            section_alignment=0x1000,
        ),
        package=draw(st.sampled_from([None] * 6 + PACKAGES)),
        trusted=False,
        writable_by_users=draw(st.sampled_from([False, False, True, UNKNOWN])),
        ftype=None,
        masquerade=None,
    )


@st.composite
def others(draw: st.DrawFn) -> FileFacts:
    """A script, of a kind that asks or of one that does not, or an installer."""
    number = draw(st.integers(11, 14))
    extension = draw(st.sampled_from([*EXTENSIONS, "msi"]))
    installer = extension == "msi"
    stem = draw(st.sampled_from(PATHS)).rpartition(".")[0]
    signed = draw(signatures())
    return FileFacts(
        path=f"{stem}.{extension}",
        size=1,
        actual=FileFormat.MSI if installer else FileFormat.SCRIPT,
        hashes=Hashes(sha256=flat(number, signed)),
        signatures=signed,
        script=None if installer else ScriptFacts(language=EXTENSIONS[extension]),
        package=None,
        trusted=False,
        writable_by_users=draw(st.sampled_from([False, False, True, UNKNOWN])),
        ftype=None,
        masquerade=None,
    )


def files() -> st.SearchStrategy[FileFacts]:
    """Any file of this world."""
    return st.one_of(programs(), programs(), others())


def is_unknown(facts: FileFacts) -> bool:
    """Whether some fact of the file is one that nobody looked for."""
    own = (facts.signatures, facts.version_info, facts.writable_by_users)
    if facts.package is not UNKNOWN and facts.package is not None:
        return True  # what a package's changed file counts as is documented nowhere
    digests = (getattr(facts.hashes, name) for name in facts.hashes.__slots__)
    return any(item is UNKNOWN for item in (*own, *digests))


@st.composite
def signers(draw: st.DrawFn) -> SignedBy:
    """One condition on the signer, sometimes two."""
    leaf = draw(st.sampled_from([*LEAVES, ROOT]))
    publisher = leaf.subject.publisher()
    options = (
        SignedBy(publisher=publisher),
        SignedBy(publisher=publisher, issuer=ROOT.tbs),
        SignedBy(publisher=PublisherName("*")),
        SignedBy(issuer=ROOT.tbs, common_name=leaf.common_name),
        SignedBy(issuer=ROOT.tbs, common_name=draw(st.sampled_from(["", "*", " Acme"]))),
        SignedBy(issuer=leaf.tbs),
        SignedBy(leaf=leaf.sha256),
        SignedBy(leaf=leaf.sha256, eku=WINDOWS_EKU),
        SignedBy(issuer=ROOT.tbs, eku=WINDOWS_EKU),
        SignedBy(issuer=ROOT.tbs, program="Acme Tools"),
        SignedBy(publisher=publisher, program="Acme Tools"),
        SignedBy(),
    )
    return draw(st.sampled_from(options))


@st.composite
def atoms(draw: st.DrawFn) -> Atom:
    """One condition of any kind that Windows knows."""
    image = images(draw(st.integers(1, 3)))
    digests = (
        draw(st.sampled_from([f"{7:064x}", f"{14:064x}", f"{11:064x}", f"{12:064x}"])),
        image.authenticode_sha256,
        image.authenticode_sha1,
        image.page_sha256,
    )
    version = VersionRange.parse(draw(st.sampled_from([">=1.5", "<=1.0", "==5", "*"])))
    options: list[Atom] = [
        HasHash(Sha256Flat(str(digests[0]))),
        *(HasHash(item) for item in digests[1:] if item and item is not UNKNOWN),
        draw(signers()),
        draw(signers()),
        IsProduct(name=draw(st.sampled_from(NAMES)), version=version),
        IsProduct(original_filename="run.exe"),
        IsProduct(internal_name="RUN"),
        IsProduct(file_description="the tool", version=version),
        FromPackage(manager="appx", name="acme_1"),
        IsProduct(version=version),
        AtPath(PathPattern(draw(st.sampled_from(PATTERNS)))),
        FromPackage(manager="dpkg"),
    ]
    return draw(st.sampled_from(options))


def matches() -> st.SearchStrategy[AllOf]:
    """One to two conditions."""
    return st.frozensets(atoms(), min_size=1, max_size=2).map(AllOf)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """A rule with at most one exception, sometimes for few collections or somebody only."""
    one = matches().map(lambda item: frozenset({item}))
    somebody = ["Everyone", "Administrators", "nobody we know", "S-1-1-0"]
    return Rule(
        effect=draw(st.sampled_from([Effect.PERMIT, Effect.PERMIT, Effect.FORBID])),
        match=draw(matches()),
        unless=draw(st.one_of(st.just(frozenset()), st.just(frozenset()), one)),
        collections=draw(
            st.sampled_from(
                [
                    frozenset(Collection),
                    frozenset(Collection),
                    frozenset({Collection.LIBRARY}),
                    frozenset({Collection.EXECUTABLE, Collection.SCRIPT}),
                    frozenset({Collection.EXECUTABLE, Collection.DRIVER}),
                ]
            )
        ),
        principals=draw(
            st.one_of(st.just(frozenset()), st.frozensets(st.sampled_from(somebody), max_size=2))
        ),
        name="rule",
    )


@st.composite
def policies(draw: st.DrawFn, target: str, values: dict[str, list[Setting]]) -> PolicyIR:
    """A policy that governs all, some or none of what Windows targets can; settings at random."""
    everything = (
        Collection.EXECUTABLE,
        Collection.LIBRARY,
        Collection.SCRIPT,
        Collection.INSTALLER,
    )
    drivers = (Collection.DRIVER,)
    some = [everything, everything[:2], everything[2:], everything[:1], drivers]
    governed = draw(st.sampled_from([everything, (*everything, *drivers), *some]))
    modes = draw(st.sampled_from([(Mode.ENFORCE,), (Mode.AUDIT, Mode.ENFORCE)]))
    chosen = {name: draw(st.sampled_from(possible)) for name, possible in values.items()}
    return PolicyIR(
        name="Test",
        governs={item: modes[at % len(modes)] for at, item in enumerate(governed)},
        rules=draw(st.frozensets(rules(), max_size=4)),
        targets={target: TargetSettings(values=chosen)},
    )
