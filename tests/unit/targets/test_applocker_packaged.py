"""Packaged apps: rules by publisher, name and version, and nobody's app blocked by omission."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyc.baseline import parse_baseline
from policyc.baseline.dump import dump_baseline
from policyc.model.facts import Collection
from policyc.model.identity import AuthenticodeSha256, PublisherName
from policyc.model.inventory import Inventory
from policyc.model.ir import AllOf, Effect, HasHash, IsProduct, Mode, PolicyIR, Rule, SignedBy
from policyc.model.version import FileVersion, VersionRange
from policyc.targets.applocker import TARGET
from policyc.targets.applocker.decide import Answer, PackagedApp, decide_package
from policyc.targets.applocker.lift import lift
from policyc.targets.applocker.lint import lint
from policyc.targets.applocker.model import AppLockerPolicy, CollectionType
from policyc.targets.applocker.xml import document
from tests.unit.targets.windows_cases import (
    Compiled,
    all_of,
    below,
    compiled,
    forbid,
    permit,
)

MICROSOFT = "CN=Microsoft Windows, O=Microsoft Corporation, L=Redmond, S=Washington, C=US"
APPS = frozenset({Collection.PACKAGED_APP})
GOVERNS = (Collection.EXECUTABLE, Collection.PACKAGED_APP)
PHOTOS = PackagedApp(
    publisher=MICROSOFT, name="Microsoft.Windows.Photos", version=FileVersion.parse("2026.1")
)
GAME = PackagedApp(publisher="CN=Contoso", name="Contoso.Game", version=FileVersion.parse("1.2"))


def by(publisher: str) -> SignedBy:
    return SignedBy(publisher=PublisherName(publisher))


def called(name: str | None, version: str = "") -> IsProduct:
    span = VersionRange.parse(version) if version else VersionRange()
    return IsProduct(name=name, version=span)


def answers(done: Compiled, *apps: PackagedApp) -> list[str]:
    found = []
    for item in apps:
        answer = decide_package(done.model, item).answer
        assert answer is not None
        found.append(answer.value)
    return found


def test_a_publisher_keeps_its_case_and_a_name_its_own() -> None:
    done = compiled("applocker", permit(by(MICROSOFT), collections=APPS), governs=GOVERNS)
    assert MICROSOFT.encode() in done.document
    assert answers(done, PHOTOS, GAME) == ["Allowed", "DeniedByDefault"]
    assert done.result.losses == ()


def test_names_and_versions() -> None:
    rules = (
        permit(by(MICROSOFT), collections=APPS),
        permit(called("Contoso.Game", ">=1.2"), collections=APPS),
    )
    done = compiled("applocker", *rules, governs=GOVERNS)
    old = replace(GAME, version=FileVersion.parse("1.1"))
    assert answers(done, PHOTOS, GAME, old) == ["Allowed", "Allowed", "DeniedByDefault"]
    assert done.result.losses == ()


def test_exceptions_and_forbids() -> None:
    everything = Rule(
        effect=Effect.PERMIT,
        match=AllOf(frozenset()),
        unless=frozenset({all_of(called("Contoso.Game"))}),
        collections=APPS,
        name="apps",
    )
    done = compiled("applocker", everything, governs=GOVERNS)
    assert answers(done, PHOTOS, GAME) == ["Allowed", "DeniedByDefault"]
    denied = forbid(by("CN=Contoso"), collections=APPS)
    done = compiled("applocker", replace(everything, unless=frozenset()), denied, governs=GOVERNS)
    assert answers(done, PHOTOS, GAME) == ["Allowed", "Denied"]


def test_no_app_is_blocked_by_omission() -> None:
    programs = compiled("applocker", governs=(Collection.EXECUTABLE,))
    assert answers(programs, PHOTOS, GAME) == ["Allowed", "Allowed"]
    governed = compiled("applocker", governs=GOVERNS)
    assert answers(governed, PHOTOS) == ["DeniedByDefault"], "the baseline governs and permits none"
    (own,) = (item for item in governed.model.collections if item.type is CollectionType.APPX)
    assert len(own.rules) == 1
    alone = compiled("applocker", permit(by(MICROSOFT)), governs=(Collection.PACKAGED_APP,))
    assert [item.type for item in alone.model.collections] == [CollectionType.APPX]
    assert answers(alone, PHOTOS, GAME) == ["Allowed", "DeniedByDefault"]


def test_what_no_package_has_is_told() -> None:
    path = below("C:\\Acme\\**")
    only = compiled("applocker", permit(path, collections=APPS), governs=GOVERNS)
    assert only.losses == [("L010", "narrows")]
    wide = frozenset({Collection.EXECUTABLE, Collection.PACKAGED_APP})
    governs = (*GOVERNS, Collection.SCRIPT)
    mixed = compiled("applocker", permit(path, collections=wide), governs=governs)
    assert mixed.losses == [("L010", "narrows")]
    digest = HasHash(AuthenticodeSha256("a" * 64))
    mixed = compiled("applocker", forbid(digest, collections=wide), governs=governs)
    assert mixed.losses == [("L012", "widens")]
    everywhere = compiled("applocker", permit(path), governs=governs)
    assert everywhere.losses == []


def test_a_permit_whose_exception_cannot_be_said_is_not_written() -> None:
    rule = permit(by(MICROSOFT), unless=frozenset({all_of(below("C:\\Acme\\**"))}))
    done = compiled("applocker", rule, governs=GOVERNS)
    assert answers(done, PHOTOS) == ["DeniedByDefault"]


@pytest.mark.parametrize("text", ["CN=*", "CN=A\x01", " "])
def test_publishers_never_become_wildcards(text: str) -> None:
    if not text.strip():
        with pytest.raises(ValueError, match="empty"):
            PublisherName(text)
        return
    done = compiled("applocker", permit(by(text), collections=APPS), governs=GOVERNS)
    assert answers(done, replace(GAME, publisher=text)) == ["DeniedByDefault"]


PUBLISHERS = ("CN=A", "CN=B, O=B Inc, C=US", "CN=c")
NAMES = ("A.App", "B.App")
VERSIONS = ("", ">=1.0", "<=2.0", ">=1.0, <=2.0")


@st.composite
def matches(draw: st.DrawFn) -> AllOf:
    atoms: list[SignedBy | IsProduct] = []
    publisher = draw(st.sampled_from([None, *PUBLISHERS]))
    if publisher is not None:
        atoms.append(by(publisher))
    product = called(draw(st.sampled_from([None, *NAMES])), draw(st.sampled_from(VERSIONS)))
    if product != IsProduct():
        atoms.append(product)
    return AllOf(frozenset(atoms))


RULES = st.builds(
    Rule,
    effect=st.sampled_from(Effect),
    match=matches(),
    unless=st.frozensets(matches(), max_size=2),
    collections=st.just(APPS),
    name=st.just("r"),
)
WORLD = tuple(
    PackagedApp(publisher=publisher, name=name, version=FileVersion.parse(version))
    for publisher in (*PUBLISHERS, "CN=D")
    for name in (*NAMES, "C.App")
    for version in ("0.9", "1.0", "2.0", "2.0.0.1")
)


def holds(match: AllOf, own: PackagedApp) -> bool:
    """The baseline's meaning for a package, written anew."""
    for atom in match.atoms:
        if isinstance(atom, SignedBy):
            assert atom.publisher is not None
            if atom.publisher.value != own.publisher.upper():
                return False
        else:
            assert isinstance(atom, IsProduct)
            if atom.name is not None and atom.name.upper() != own.name.upper():
                return False
            if not atom.version.low <= own.version <= atom.version.high:
                return False
    return True


def allows(rules: Iterable[Rule], own: PackagedApp) -> bool:
    found = {
        rule.effect
        for rule in rules
        if holds(rule.match, own) and not any(holds(branch, own) for branch in rule.unless)
    }
    return Effect.PERMIT in found and Effect.FORBID not in found


@given(rules=st.frozensets(RULES, max_size=4))
def test_packaged_apps_are_decided_as_the_baseline_says(rules: frozenset[Rule]) -> None:
    policy = PolicyIR(name="T", governs={Collection.PACKAGED_APP: Mode.ENFORCE}, rules=rules)
    lowered = TARGET.lower(policy, Inventory())
    assert lowered.losses == ()
    model: AppLockerPolicy = TARGET.parse((TARGET.emit(lowered.model)[0],))
    lifted = lift(model).policy.rules
    for own in WORLD:
        outcome = decide_package(model, own)
        assert (outcome.answer is Answer.ALLOWED) == allows(rules, own)
        assert allows(lifted, own) == allows(rules, own)


def test_an_imported_policy_keeps_the_subject_as_it_is() -> None:
    done = compiled("applocker", permit(by(MICROSOFT), collections=APPS), governs=GOVERNS)
    found = lift(done.model)
    assert found.lost == ()
    text = dump_baseline(found.policy)
    assert MICROSOFT in text
    loaded = parse_baseline(text, "policyc.yaml", lambda _: Inventory())
    assert loaded.policy is not None
    again = TARGET.lower(loaded.policy, Inventory()).model
    assert MICROSOFT.encode() in document(again)
    assert {item.code for item in lint({"a.xml": document(again)}) if item.code == "A004"} == set()
