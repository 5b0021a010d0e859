"""Baseline rules as AppLocker rules: condition by condition, and what each one loses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from policyc.model.decision import Verdict
from policyc.model.facts import UNKNOWN, Collection, Hashes
from policyc.model.identity import (
    AuthenticodeSha1,
    AuthenticodeSha256,
    PageHash,
    PublisherName,
    Sha256Flat,
)
from policyc.model.ir import Atom, FromPackage, HasHash, IsProduct, Mode, Rule, SignedBy
from policyc.model.loss import Drift
from policyc.model.version import VersionRange
from policyc.targets.applocker.model import (
    EVERYONE,
    Action,
    AppLockerPolicy,
    AppRule,
    CollectionType,
    EnforcementMode,
    PathCondition,
    PublisherCondition,
    RuleCollection,
)
from tests.conformance.probes import CA, CHAIN, LEAF, PUBLISHER
from tests.unit.targets.windows_cases import (
    LIBRARY,
    OTHER,
    PROGRAM,
    SCRIPT,
    SIGNED_SCRIPT,
    WINDOWS,
    Compiled,
    all_of,
    below,
    compiled,
    forbid,
    permit,
    signed,
)

TOOL_1_TO_5 = IsProduct(name="acme tool", version=VersionRange.parse(">=1.0, <=5.0"))
CONDITIONS: dict[str, tuple[Atom, ...]] = {
    "authenticode": (HasHash(AuthenticodeSha256(f"{0xA01:064x}")),),
    "publisher": (PUBLISHER,),
    "publisher, product and version": (PUBLISHER, TOOL_1_TO_5),
    "publisher and file": (PUBLISHER, IsProduct(original_filename="Tool.EXE")),
    "one path": (below(PROGRAM.path.upper()),),
    "tree": (below("c:\\acme\\**"),),
    "stars that cross directories": (below("C:\\**\\tool1.exe"),),
}


def collection(done: Compiled, kind: CollectionType) -> RuleCollection:
    model: AppLockerPolicy = done.model
    return next(item for item in model.collections if item.type is kind)


def rules_of(done: Compiled, kind: CollectionType = CollectionType.EXE) -> list[AppRule]:
    """The rules of a collection without the one that keeps it from being empty."""
    found = collection(done, kind).rules
    return [rule for rule in found if rule.name != "policyc: default deny"]


@pytest.mark.parametrize("make", [permit, forbid])
@pytest.mark.parametrize("atoms", CONDITIONS.values(), ids=CONDITIONS)
def test_native_conditions_are_exact(make: Callable[..., Rule], atoms: tuple[Atom, ...]) -> None:
    """On the file they name and on another, without any inventory."""
    rules = [make(*atoms)] if make is permit else [make(*atoms), permit(below("C:\\**"))]
    done = compiled("applocker", *rules)
    expected = Verdict.ALLOW if make is permit else Verdict.DENY
    assert done.got(PROGRAM).verdict is expected
    assert done.got(OTHER).verdict is not expected
    assert done.agrees(PROGRAM, OTHER, LIBRARY, SCRIPT, SIGNED_SCRIPT)
    assert done.result.losses == ()


@pytest.mark.parametrize(
    "atom",
    [
        SignedBy(leaf=LEAF.sha256),
        SignedBy(issuer=CA.tbs),
        CHAIN,
        replace(PUBLISHER, issuer=CA.tbs),
    ],
    ids=["leaf", "issuer", "chain", "publisher and issuer"],
)
def test_certificates_are_expanded_and_then_hold_without_a_signature(atom: Atom) -> None:
    done = compiled("applocker", permit(atom), known=[PROGRAM])
    assert done.losses == [("L010", "narrows"), ("L013", "widens")]
    assert done.agrees(PROGRAM)
    assert done.told(replace(PROGRAM, signatures=()), "L013", Drift.WIDENS)


@pytest.mark.parametrize(
    "atom", [HasHash(PageHash(f"{0xB01:064x}")), FromPackage(manager="dpkg", name="acme")]
)
def test_what_applocker_does_not_know_is_expanded(atom: Atom) -> None:
    allowed = compiled("applocker", permit(atom), known=[PROGRAM])
    assert allowed.agrees(PROGRAM)
    assert ("L010", "narrows") in allowed.losses
    denied = compiled("applocker", forbid(atom), permit(below("C:\\**")), known=[PROGRAM])
    assert denied.agrees(PROGRAM)
    assert ("L012", "widens") in denied.losses


def test_a_sha1_of_an_image_is_expanded() -> None:
    known = replace(
        PROGRAM, hashes=replace(PROGRAM.hashes, authenticode_sha1=AuthenticodeSha1("1" * 40))
    )
    done = compiled("applocker", permit(HasHash(AuthenticodeSha1("1" * 40))), known=[known])
    assert done.agrees(known)
    assert done.losses == [("L010", "narrows")]


def test_a_flat_hash_names_a_script_and_an_image_by_authenticode() -> None:
    script, image = HasHash(Sha256Flat("e" * 64)), HasHash(Sha256Flat(f"{1:064x}"))
    done = compiled("applocker", permit(script), permit(image), known=[PROGRAM, SCRIPT])
    assert done.agrees(PROGRAM, SCRIPT, OTHER)
    assert done.losses == [("L013", "widens")]
    assert rules_of(done, CollectionType.SCRIPT)[0].id in done.got(SCRIPT).reason


@pytest.mark.parametrize("lost", [UNKNOWN, None])
def test_an_image_without_its_authenticode_hash_is_told(lost: object) -> None:
    hashes = Hashes(sha256=Sha256Flat(f"{1:064x}"), authenticode_sha256=lost)  # type: ignore[arg-type]
    done = compiled(
        "applocker",
        permit(HasHash(Sha256Flat(f"{1:064x}"))),
        known=[replace(PROGRAM, hashes=hashes)],
    )
    assert done.losses == [("L014", "narrows")]


def test_a_star_within_a_component_reaches_further() -> None:
    deep = replace(PROGRAM, path="C:\\a\\b\\tool1.exe")
    allowed = compiled("applocker", permit(below("C:\\*\\tool1.exe")))
    assert allowed.losses == [("L018", "widens")]
    assert allowed.told(deep, "L018", Drift.WIDENS)
    denied = compiled("applocker", forbid(below("C:\\*\\tool1.exe")), permit(below("C:\\**")))
    assert denied.told(deep, "L018", Drift.NARROWS)


def test_a_product_alone_needs_a_signature() -> None:
    unsigned = replace(PROGRAM, signatures=())
    allowed = compiled("applocker", permit(IsProduct(name="Acme Tool")))
    assert allowed.agrees(PROGRAM)
    assert allowed.told(unsigned, "L019", Drift.NARROWS)
    denied = compiled("applocker", forbid(IsProduct(name="Acme Tool")), permit(below("C:\\**")))
    assert denied.told(unsigned, "L019", Drift.WIDENS)


@pytest.mark.parametrize("text", ["*", "O=*, C=DE", "O=A\x01, C=DE", "O=A\nB, C=DE"])
def test_publishers_never_become_wildcards(text: str) -> None:
    done = compiled("applocker", permit(SignedBy(publisher=PublisherName(text))), known=[PROGRAM])
    assert rules_of(done) == []
    assert done.got(PROGRAM).verdict is Verdict.DENY


@pytest.mark.parametrize("text", ["", "*", "A*", " A", "A\t"])
def test_products_never_become_wildcards(text: str) -> None:
    for product in (IsProduct(name=text), IsProduct(original_filename=text)):
        done = compiled("applocker", permit(PUBLISHER, product), known=[PROGRAM])
        assert rules_of(done) == []


def test_names_keep_their_number_of_letters() -> None:
    """``ß`` has no upper case of one letter; as ``SS`` it would be another name on Windows."""
    done = compiled("applocker", permit(PUBLISHER, IsProduct(name="Straße")))
    (rule,) = rules_of(done)
    assert isinstance(rule.condition, PublisherCondition)
    assert rule.condition.product == "STRAßE"


def test_exceptions_are_native_where_one_condition_says_them() -> None:
    branches = frozenset(
        {
            all_of(below("C:\\acme\\tmp\\**")),
            all_of(PUBLISHER, TOOL_1_TO_5),
            all_of(HasHash(AuthenticodeSha256("c" * 64))),
        }
    )
    done = compiled("applocker", permit(below("C:\\acme\\**"), unless=branches))
    assert done.result.losses == ()
    (rule,) = rules_of(done)
    assert len(rule.exceptions) == 3
    temporary = replace(OTHER, path="C:\\acme\\TMP\\x.exe")
    elsewhere = replace(OTHER, path="C:\\acme\\x.exe")
    assert done.agrees(PROGRAM, LIBRARY, temporary, elsewhere, SCRIPT)
    verdicts = [done.got(facts).verdict for facts in (PROGRAM, LIBRARY, temporary, elsewhere)]
    assert verdicts == [Verdict.DENY, Verdict.DENY, Verdict.DENY, Verdict.ALLOW]


@pytest.mark.parametrize("make", [permit, forbid])
def test_an_exception_by_version_does_not_take_out_scripts(make: Callable[..., Rule]) -> None:
    """A script has no version and is no product, so the exception can never be about it."""
    branch = all_of(PUBLISHER, IsProduct(version=VersionRange.parse("<=5")))
    rules = [make(PUBLISHER, unless=frozenset({branch}))]
    rules += [permit(below("C:\\**"))] if make is forbid else []
    done = compiled("applocker", *rules)
    assert done.result.losses == ()
    assert done.agrees(SIGNED_SCRIPT, PROGRAM)
    assert done.got(SIGNED_SCRIPT).verdict is (Verdict.ALLOW if make is permit else Verdict.DENY)


@pytest.mark.parametrize(
    "branch",
    [
        all_of(IsProduct(name="Acme Tool")),
        all_of(below("C:\\*\\tool1.exe")),
        all_of(CHAIN),
        all_of(PUBLISHER, below("C:\\acme\\tmp\\**")),
        all_of(HasHash(Sha256Flat("e" * 64))),
    ],
)
def test_other_exceptions_are_expanded(branch: object) -> None:
    rule = permit(below("C:\\acme\\**"), unless=frozenset({branch}))
    done = compiled("applocker", rule, known=[PROGRAM, SCRIPT])
    assert done.agrees(PROGRAM, SCRIPT)
    assert ("L010", "narrows") in done.losses


def test_rules_are_written_for_each_collection_that_can_match() -> None:
    done = compiled("applocker", permit(PUBLISHER, TOOL_1_TO_5), permit(below("C:\\acme\\**")))
    kinds = {item.type: len(rules_of(done, item.type)) for item in done.model.collections}
    assert kinds == {
        CollectionType.APPX: 1,
        CollectionType.DLL: 2,
        CollectionType.EXE: 2,
        CollectionType.MSI: 1,
        CollectionType.SCRIPT: 1,
    }
    identifiers = [rule.id for item in done.model.collections for rule in item.rules]
    assert len(set(identifiers)) == len(identifiers)


def test_no_collection_is_ever_empty_or_unconfigured() -> None:
    """An empty collection allows everything, and NotConfigured with rules is enforced."""
    for mode, expected in (
        (Mode.AUDIT, EnforcementMode.AUDIT_ONLY),
        (Mode.ENFORCE, EnforcementMode.ENABLED),
    ):
        done = compiled("applocker", mode=mode)
        assert len(done.model.collections) == len(WINDOWS) + 1
        assert all(item.rules and item.mode is expected for item in done.model.collections)
        assert done.got(PROGRAM).verdict is Verdict.DENY
        assert done.agrees(PROGRAM, LIBRARY, SCRIPT)


def test_packaged_apps_stay_allowed_with_program_rules_only() -> None:
    (rule,) = collection(compiled("applocker"), CollectionType.APPX).rules
    assert (rule.action, rule.sid) == (Action.ALLOW, EVERYONE)
    assert rule.condition == PublisherCondition(publisher="*")
    scripts = compiled("applocker", governs=(Collection.SCRIPT,))
    assert [item.type for item in scripts.model.collections] == [CollectionType.SCRIPT]
    assert scripts.agrees(PROGRAM, SCRIPT)


def test_principals_are_written_as_sids() -> None:
    own = frozenset({"Administrators", "S-1-5-21-1-2-3-500"})
    done = compiled("applocker", permit(below("C:\\acme\\**"), principals=own))
    assert sorted(rule.sid for rule in rules_of(done)) == ["S-1-5-21-1-2-3-500", "S-1-5-32-544"]
    assert done.result.losses == ()
    assert done.agrees(PROGRAM)
    assert done.got(PROGRAM).verdict is Verdict.DENY, "the evaluator asks for nobody special"


def test_unknown_principals_are_told() -> None:
    own = frozenset({"CONTOSO\\Sales", "Users"})
    allowed = compiled("applocker", permit(below("C:\\acme\\**"), principals=own))
    assert [rule.sid for rule in rules_of(allowed)] == ["S-1-5-32-545"]
    assert allowed.losses == [("L040", "narrows")]
    denied = compiled(
        "applocker", forbid(below("C:\\acme\\**"), principals=own), permit(below("C:\\**"))
    )
    assert denied.told(PROGRAM, "L040", Drift.NARROWS)


@pytest.mark.parametrize("name", ["Everyone", "S-1-1-0"])
def test_everyone_as_a_principal_is_told(name: str) -> None:
    """To the baseline it is a group that nobody is in; leaving principals out means everybody."""
    done = compiled("applocker", permit(below("C:\\acme\\**"), principals=frozenset({name})))
    assert done.losses == [("L040", "widens")]
    assert done.told(PROGRAM, "L040", Drift.WIDENS)


def test_services_are_a_setting() -> None:
    done = compiled("applocker", services=True)
    assert b'<Services EnforcementMode="Enabled"/>' in done.document
    assert b'<SystemApps Allow="NotEnabled"/>' in done.document
    extended = {item.type for item in done.model.collections if item.extensions}
    assert extended == {CollectionType.EXE, CollectionType.DLL}
    assert b"Extensions" not in compiled("applocker").document


@pytest.mark.parametrize("path", ["C:\\100%\\x.exe", "C:\\a?\\**", "C:\\x.exe "])
def test_paths_that_applocker_would_read_otherwise_are_expanded(path: str) -> None:
    facts = replace(PROGRAM, path=path.replace("**", "y.exe"))
    done = compiled("applocker", permit(below(path)), known=[facts])
    assert not [rule for rule in rules_of(done) if isinstance(rule.condition, PathCondition)]
    assert done.agrees(facts)
    assert done.losses == [("L010", "narrows"), ("L011", "widens")]


@pytest.mark.parametrize("excepted", [True, False])
def test_a_flat_hash_beside_another_condition_also_holds_under_another_signature(
    *, excepted: bool
) -> None:
    """The image's hash stands in for the file's, in the match as in an exception."""
    flat = Sha256Flat("9" * 64)
    digest = HasHash(flat)
    resigned = replace(PROGRAM, hashes=replace(PROGRAM.hashes, sha256=flat))
    if excepted:
        rule = permit(IsProduct(name="Acme Tool"), unless=frozenset({all_of(digest)}))
        known, other = PROGRAM, resigned
    else:
        rule = permit(IsProduct(name="Acme Tool"), digest)
        known, other = resigned, PROGRAM
    done = compiled("applocker", rule, known=[known])
    assert done.losses == [("L010", "narrows"), ("L013", "widens")]
    assert done.agrees(known)
    assert done.told(other, "L013", Drift.WIDENS)


def test_losses_name_the_rule_of_the_baseline() -> None:
    rules = (
        permit(CHAIN, principals=frozenset({"Users"})),
        forbid(FromPackage(manager="dpkg"), principals=frozenset({"Unknown"})),
        permit(below("C:\\*\\x.exe"), principals=frozenset({"Users"})),
    )
    done = compiled("applocker", *rules, known=[PROGRAM, OTHER])
    known = {rule.id for rule in rules}
    assert {item.rule for item in done.result.losses if item.rule} <= known
    assert {item for items in done.result.provenance.values() for item in items} <= known


@pytest.mark.parametrize("name", ["a\x00b\x1b[31m", 'x" Action="Allow', "\u202efdp.exe", "\ud800"])
def test_names_for_people_are_harmless(name: str) -> None:
    done = compiled("applocker", replace(permit(PUBLISHER), name=name, note=name * 500))
    (rule,) = rules_of(done)
    assert rule.name.isprintable()
    assert rule.description.isprintable()
    assert len(rule.description) <= 1024
    assert rule.action is Action.ALLOW


def test_a_second_signature_counts() -> None:
    both = signed(CA) + signed(LEAF, CA)
    assert compiled("applocker", permit(PUBLISHER)).agrees(replace(PROGRAM, signatures=both))
