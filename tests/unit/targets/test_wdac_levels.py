"""Every level of App Control: what a rule is written as, and what the form loses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from policyc.baseline.propose import RuleLevel, match_for
from policyc.baseline.windows_levels import WHQL
from policyc.model.decision import Verdict
from policyc.model.facts import (
    Collection,
    FileFacts,
    PackageRef,
    PackageState,
    PeKind,
    VersionInfo,
)
from policyc.model.identity import AuthenticodeSha1, AuthenticodeSha256, PageHash
from policyc.model.ir import (
    AllOf,
    AtPath,
    FromPackage,
    HasHash,
    IsProduct,
    Rule,
    SignedBy,
)
from policyc.model.loss import Drift
from policyc.model.version import FileVersion, VersionRange
from policyc.targets.wdac.model import KERNEL, USER, FileRuleKind, SiPolicy
from policyc.targets.wdac.options import Option
from tests.conformance.probes import CA, CHAIN, LEAF, OTHER, PUBLISHER
from tests.unit.targets.windows_cases import (
    PROGRAM,
    SCRIPT,
    WINDOWS,
    all_of,
    below,
    compiled,
    forbid,
    permit,
    signed,
)

assert PROGRAM.pe is not None
DRIVER = replace(
    PROGRAM,
    path="C:\\Windows\\System32\\drivers\\acme.sys",
    pe=replace(PROGRAM.pe, kind=PeKind.DRIVER),
    hashes=replace(PROGRAM.hashes, authenticode_sha256=AuthenticodeSha256("5" * 64)),
)
EVERYTHING = (*WINDOWS, Collection.DRIVER)
FULL = replace(
    PROGRAM,
    hashes=replace(
        PROGRAM.hashes,
        authenticode_sha1=AuthenticodeSha1("1" * 40),
        page_sha1=PageHash("2" * 40),
    ),
)
TOOL = IsProduct(original_filename="tool.exe")


def group(model: SiPolicy, value: int) -> tuple[int, int]:
    """How many signers and file rules a scenario allows."""
    (scenario,) = (item for item in model.scenarios if item.value == value)
    return len(scenario.product.allowed), len(scenario.product.rules)


def test_rules_go_to_the_scenario_of_their_files() -> None:
    known = [PROGRAM, DRIVER]
    rules = [permit(HasHash(item.hashes.authenticode_sha256)) for item in known]  # type: ignore[arg-type]
    done = compiled("wdac", *rules, known=known, governs=EVERYTHING)
    assert group(done.model, USER) == group(done.model, KERNEL) == (0, 1)
    assert done.agrees(PROGRAM, DRIVER)
    unseen = compiled("wdac", *rules, governs=EVERYTHING)
    assert group(unseen.model, USER) == group(unseen.model, KERNEL) == (0, 2)


def test_a_signer_belongs_to_one_scenario() -> None:
    done = compiled("wdac", permit(CHAIN), governs=EVERYTHING)
    assert group(done.model, USER) == group(done.model, KERNEL) == (1, 0)
    assert len({item.id for item in done.model.signers}) == 2
    assert len(done.model.ci_signers) == 1
    assert done.agrees(PROGRAM, DRIVER)


def test_drivers_alone_leave_user_mode_alone() -> None:
    done = compiled("wdac", permit(CHAIN), governs=(Collection.DRIVER,))
    assert Option.UMCI not in done.model.options
    assert [item.value for item in done.model.scenarios] == [KERNEL]
    assert done.agrees(PROGRAM, DRIVER, replace(DRIVER, signatures=()))


def test_a_path_says_nothing_to_drivers() -> None:
    rule = permit(below("C:\\Windows\\**"))
    done = compiled("wdac", rule, known=[DRIVER], governs=(Collection.DRIVER,))
    assert not any(item.file_path for item in done.model.file_rules)
    assert ("L010", "narrows") in done.losses
    assert done.agrees(DRIVER)


@pytest.mark.parametrize("make", [permit, forbid])
def test_exceptions_of_a_signer_are_file_rules(make: Callable[..., Rule]) -> None:
    exceptions = frozenset({all_of(TOOL), all_of(HasHash(AuthenticodeSha256("5" * 64)))})
    rules = [make(CHAIN, unless=exceptions)]
    rules += [permit(below("C:\\**"))] if make is forbid else []
    done = compiled("wdac", *rules, runtime_path_protection=False)
    assert {code for code, _ in done.losses} == {"L029"}
    other = replace(PROGRAM, version_info=VersionInfo(original_filename="other.exe"))
    assert done.agrees(PROGRAM, other)
    assert done.got(PROGRAM).verdict is not done.got(other).verdict
    (scenario,) = (item for item in done.model.scenarios if item.value == USER)
    (reference,) = scenario.product.allowed if make is permit else scenario.product.denied
    kinds = {item.id: item.kind for item in done.model.file_rules}
    wanted = FileRuleKind.DENY if make is permit else FileRuleKind.ALLOW
    assert [kinds[item] for item in reference.exceptions] == [wanted, wanted]
    assert not set(reference.exceptions) & set(scenario.product.rules)


@pytest.mark.parametrize(
    "exception",
    [all_of(below("C:\\acme\\tmp\\**")), all_of(TOOL, below("C:\\acme\\**")), all_of(CHAIN)],
)
def test_other_exceptions_are_expanded(exception: AllOf) -> None:
    """A path that users write to would be ignored, and the signer would allow."""
    done = compiled("wdac", permit(CHAIN, unless=frozenset({exception})), known=[PROGRAM])
    assert done.model.signers == ()
    assert ("L010", "narrows") in done.losses


def test_a_publisher_by_issuer_outlives_its_certificate() -> None:
    done = compiled("wdac", permit(PUBLISHER), known=[PROGRAM], publishers="issuer")
    (signer,) = done.model.signers
    assert (signer.root, signer.publisher) == (CA.tbs.value, "Acme GmbH")
    renewed = replace(LEAF, sha256=OTHER.sha256, tbs=OTHER.tbs)
    assert done.agrees(PROGRAM, replace(PROGRAM, signatures=signed(renewed, CA)))
    subject = replace(
        LEAF.subject, attributes=(("O", "Elsewhere"), ("L", "X"), ("CN", "Acme GmbH"))
    )
    namesake = replace(PROGRAM, signatures=signed(replace(renewed, subject=subject), CA))
    assert done.told(namesake, "L016", Drift.WIDENS)


def test_four_hashes_as_configci_writes_them() -> None:
    digest = HasHash(FULL.hashes.authenticode_sha256)  # type: ignore[arg-type]
    kinds = ("sha1", "page-sha1", "page-sha256")
    done = compiled("wdac", permit(digest), known=[FULL], also_hash=kinds)
    labels = {item.friendly_name: item.hash for item in done.model.file_rules if item.hash}
    assert labels == {
        "C:\\acme\\tool1.exe Hash Sha256": f"{0xA01:064x}",
        "C:\\acme\\tool1.exe Hash Sha1": "1" * 40,
        "C:\\acme\\tool1.exe Hash Page Sha1": "2" * 40,
        "C:\\acme\\tool1.exe Hash Page Sha256": f"{0xB01:064x}",
    }
    assert done.losses == [("L031", "widens")] * 3
    patched = replace(FULL, hashes=replace(FULL.hashes, authenticode_sha256=None))
    assert done.told(patched, "L031", Drift.WIDENS)
    one = compiled("wdac", permit(digest), known=[FULL])
    assert one.losses == []
    assert one.agrees(FULL, patched)


@pytest.mark.parametrize(
    ("path", "written", "newest"),
    [
        ("D:\\acme\\**", "D:\\acme\\*", False),
        ("C:\\acme\\*", "%OSDRIVE%\\acme\\*", False),
        ("C:\\Users\\**\\acme\\**", "%OSDRIVE%\\Users\\*\\acme\\*", True),
        ("C:\\*\\tool1.exe", "%OSDRIVE%\\*\\tool1.exe", True),
    ],
)
def test_wildcards_by_the_oldest_windows(path: str, written: str, *, newest: bool) -> None:
    rule = permit(below(path))
    done = compiled("wdac", rule, min_os="win11", runtime_path_protection=False)
    assert written in {item.file_path for item in done.model.file_rules}
    old = compiled("wdac", rule, min_os="1903", runtime_path_protection=False)
    assert (written in {item.file_path for item in old.model.file_rules}) is not newest
    stays = "*" in below(path).pattern.tokens()
    assert done.losses == ([("L018", "widens")] if stays else [])


def test_a_star_that_crosses_folders_is_told() -> None:
    done = compiled("wdac", permit(below("C:\\acme\\*")), runtime_path_protection=False)
    assert done.agrees(PROGRAM)
    assert done.told(replace(PROGRAM, path="C:\\acme\\deep\\x.exe"), "L018", Drift.WIDENS)


def test_a_package_family() -> None:
    family = permit(FromPackage(manager="appx", name="Acme_1"))
    done = compiled("wdac", family, permit(SignedBy(leaf=LEAF.sha256)), known=[PROGRAM])
    packaged = PackageRef(manager="appx", name="Acme_1", state=PackageState.VERIFIED)
    own = replace(PROGRAM, package=packaged, signatures=())
    assert done.agrees(own)
    other = replace(PROGRAM, package=replace(packaged, name="Other_2"))
    assert done.told(other, "L033", Drift.NARROWS)
    spelt = replace(own, package=replace(packaged, name="ACME_1"))
    assert done.told(spelt, "L033", Drift.WIDENS)
    changed = replace(own, package=replace(packaged, state=PackageState.MODIFIED))
    assert done.got(changed).verdict is Verdict.UNDETERMINED


def test_the_oem_of_a_driver() -> None:
    rule = permit(SignedBy(issuer=CA.tbs, program="CPUID"))
    done = compiled("wdac", rule, governs=EVERYTHING)
    assert {item.oem_id for item in done.model.signers} == {"CPUID"}
    assert ("L032", "cosmetic") in done.losses
    (signature,) = signed(LEAF, CA)
    named = replace(DRIVER, signatures=(replace(signature, program="CPUID"),))
    assert done.agrees(named, DRIVER)
    assert done.got(named).verdict is Verdict.ALLOW


def test_a_key_that_is_too_long_is_ignored() -> None:
    huge = replace(PROGRAM, signatures=signed(replace(LEAF, key_bits=8192), CA))
    assert compiled("wdac", permit(CHAIN)).told(huge, "L029", Drift.NARROWS)


INFO = VersionInfo(
    product_name="Acme",
    internal_name="tool",
    file_description="A tool",
    file_version=FileVersion.parse("1.2"),
)
FROM_1_2 = VersionRange.parse(">=1.2")
WHQL_LEAF = replace(LEAF, ekus=(*LEAF.ekus, WHQL))


@pytest.mark.parametrize(
    ("level", "wanted"),
    [
        ("file-name", {IsProduct(internal_name="tool", version=FROM_1_2)}),
        ("original-file-name", None),
        ("internal-name", {IsProduct(internal_name="tool", version=FROM_1_2)}),
        ("file-description", {IsProduct(file_description="A tool", version=FROM_1_2)}),
        ("product-name", {IsProduct(name="Acme", version=FROM_1_2)}),
        ("file-path", {below(PROGRAM.path)}),
        ("signed-version", {CHAIN, IsProduct(version=FROM_1_2)}),
        ("pca-certificate", {SignedBy(issuer=CA.tbs)}),
        ("whql", None),
        ("package-family-name", None),
    ],
)
def test_levels_of_configci(level: str, wanted: set[object] | None) -> None:
    facts = replace(PROGRAM, version_info=INFO)
    match = match_for(facts, [RuleLevel(level)])
    assert (None if match is None else set(match.atoms)) == wanted


def test_levels_skip_what_app_control_does_not_verify() -> None:
    curve = replace(PROGRAM, signatures=signed(replace(LEAF, key="ec"), CA))
    for level in (RuleLevel.PCA_CERTIFICATE, RuleLevel.SIGNED_VERSION):
        match = match_for(curve, [level, RuleLevel.HASH])
        assert match == all_of(HasHash(curve.hashes.authenticode_sha256))  # type: ignore[arg-type]


def whql(facts: FileFacts, level: RuleLevel) -> set[object] | None:
    match = match_for(facts, [level])
    return None if match is None else set(match.atoms)


def test_levels_of_drivers() -> None:
    eku = WHQL_LEAF.ekus[-1]
    (signature,) = signed(WHQL_LEAF, CA)
    driver = replace(DRIVER, signatures=(signature,))
    named = replace(DRIVER, signatures=(replace(signature, program="CPUID"),))
    plain = SignedBy(issuer=CA.tbs, eku=eku)
    assert whql(driver, RuleLevel.WHQL) == {plain}
    assert whql(driver, RuleLevel.WHQL_PUBLISHER) == {replace(plain, common_name="Acme GmbH")}
    oem = replace(plain, program="CPUID")
    assert whql(named, RuleLevel.WHQL_PUBLISHER) == {oem}
    product = IsProduct(original_filename="tool.exe", version=VersionRange.parse(">=1.0"))
    assert whql(named, RuleLevel.WHQL_FILE_PUBLISHER) == {oem, product}


def test_paths_and_packages_as_levels() -> None:
    inside = replace(PROGRAM, path="setup.exe!/x.exe")
    assert match_for(inside, [RuleLevel.FILE_PATH]) is None
    packaged = replace(PROGRAM, package=PackageRef(manager="appx", name="Acme_1"))
    family = match_for(packaged, [RuleLevel.PACKAGE_FAMILY_NAME])
    assert family == all_of(FromPackage(manager="appx", name="Acme_1"))
    script = match_for(SCRIPT, [RuleLevel.FILE_NAME, RuleLevel.FILE_PATH])
    assert script is not None
    assert all(isinstance(atom, AtPath) for atom in script.atoms)
