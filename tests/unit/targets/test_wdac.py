"""Baseline rules as App Control rules: condition by condition, and what each one loses."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from policyc.model.decision import Verdict
from policyc.model.facts import UNKNOWN, Collection, FileFacts, Hashes
from policyc.model.identity import (
    AuthenticodeSha1,
    AuthenticodeSha256,
    Oid,
    PageHash,
    PublisherName,
    Sha256Flat,
)
from policyc.model.ir import Atom, FromPackage, HasHash, IsProduct, Mode, Rule, SignedBy
from policyc.model.loss import Drift
from policyc.model.version import VersionRange
from policyc.targets.wdac.model import SiPolicy
from policyc.targets.wdac.options import Option
from tests.conformance.probes import CA, CHAIN, LEAF, PUBLISHER
from tests.conformance.probes import OTHER as OTHER_LEAF
from tests.unit.targets.windows_cases import (
    LIBRARY,
    OTHER,
    PROGRAM,
    SCRIPT,
    SIGNED_SCRIPT,
    all_of,
    below,
    compiled,
    forbid,
    permit,
    signed,
)

SHA1 = AuthenticodeSha1("1" * 40)
HASHED = replace(PROGRAM, hashes=replace(PROGRAM.hashes, authenticode_sha1=SHA1))
TOOL_1_TO_5 = IsProduct(name="acme tool", version=VersionRange.parse(">=1.0, <=5.0"))
CONDITIONS: dict[str, tuple[Atom, ...]] = {
    "authenticode": (HasHash(AuthenticodeSha256(f"{0xA01:064x}")),),
    "authenticode sha1": (HasHash(SHA1),),
    "page": (HasHash(PageHash(f"{0xB01:064x}")),),
    "leaf": (SignedBy(leaf=LEAF.sha256),),
    "issuer and name": (CHAIN,),
    "product": (IsProduct(name="ACME TOOL"),),
    "original file name": (IsProduct(original_filename="Tool.EXE"),),
    "product and version": (TOOL_1_TO_5,),
    "signer, product and version": (CHAIN, TOOL_1_TO_5),
    "one path": (below(PROGRAM.path.upper()),),
    "tree": (below("c:\\acme\\**"),),
}


@pytest.mark.parametrize("make", [permit, forbid])
@pytest.mark.parametrize("atoms", CONDITIONS.values(), ids=CONDITIONS)
def test_native_conditions_are_exact(make: Callable[..., Rule], atoms: tuple[Atom, ...]) -> None:
    """On the file they name and on another, with no inventory but the signer's certificate."""
    everything = permit(below("C:\\**"))
    rules = [make(*atoms)] if make is permit else [make(*atoms), everything]
    done = compiled("wdac", *rules, known=[HASHED], runtime_path_protection=False)
    expected = Verdict.ALLOW if make is permit else Verdict.DENY
    assert done.got(HASHED).verdict is expected
    assert done.got(OTHER).verdict is not expected
    assert done.agrees(HASHED, OTHER)
    assert [code for code, _ in done.losses if code != "L029"] == []


def test_a_flat_hash_names_a_script_and_an_image_by_authenticode() -> None:
    done = compiled(
        "wdac",
        permit(HasHash(Sha256Flat("e" * 64))),
        permit(HasHash(Sha256Flat(f"{1:064x}"))),
        known=[PROGRAM, SCRIPT],
    )
    assert done.agrees(PROGRAM, SCRIPT, OTHER)
    assert done.losses == [("L013", "widens")]
    other_checksum = replace(PROGRAM, hashes=replace(PROGRAM.hashes, sha256=Sha256Flat("9" * 64)))
    assert done.told(other_checksum, "L013", Drift.WIDENS)


@pytest.mark.parametrize("lost", [UNKNOWN, None])
def test_an_image_without_its_authenticode_hash_is_told(lost: object) -> None:
    """A broken image has none; an inventory from elsewhere may not say."""
    hashes = Hashes(sha256=Sha256Flat(f"{1:064x}"), authenticode_sha256=lost)  # type: ignore[arg-type]
    facts = replace(PROGRAM, hashes=hashes)
    done = compiled("wdac", permit(HasHash(Sha256Flat(f"{1:064x}"))), known=[facts])
    assert done.losses == [("L014", "narrows")]
    assert done.told(facts, "L014", Drift.NARROWS)


def test_an_expanded_signer_also_holds_without_the_signature() -> None:
    """The Authenticode hash leaves the certificate table out, so it cannot tell."""
    unless = frozenset({all_of(below("C:\\nothing\\**"))})
    done = compiled("wdac", permit(SignedBy(leaf=LEAF.sha256), unless=unless), known=[PROGRAM])
    assert done.losses == [("L010", "narrows"), ("L011", "widens"), ("L013", "widens")]
    assert done.got(replace(PROGRAM, signatures=())).verdict is Verdict.ALLOW


def test_a_leaf_that_issues_certificates_permits_none_of_them() -> None:
    done = compiled("wdac", permit(SignedBy(leaf=LEAF.sha256)), known=[PROGRAM])
    issued = replace(PROGRAM, signatures=signed(OTHER_LEAF, LEAF, CA))
    assert done.agrees(PROGRAM, issued)
    assert done.got(issued).verdict is Verdict.DENY
    assert b'<CertPublisher Value="Acme GmbH"/>' in done.document


def test_a_publisher_with_an_issuer_is_not_reduced_to_the_leaf() -> None:
    """The same leaf may come without the issuer's certificate beside it."""
    rule = permit(replace(PUBLISHER, issuer=CA.tbs))
    done = compiled("wdac", rule, known=[PROGRAM])
    alone = replace(PROGRAM, signatures=signed(LEAF))
    assert done.agrees(PROGRAM)
    assert done.told(alone, "L013", Drift.WIDENS)


def test_a_publisher_becomes_the_leaves_seen() -> None:
    done = compiled(
        "wdac", permit(PUBLISHER), forbid(PUBLISHER, IsProduct(name="x")), known=[PROGRAM]
    )
    assert ("L016", "narrows") in done.losses
    assert ("L016", "widens") in done.losses
    renewed = replace(LEAF, sha256=OTHER_LEAF.sha256, tbs=OTHER_LEAF.tbs)
    assert done.told(replace(PROGRAM, signatures=signed(renewed, CA)), "L016", Drift.NARROWS)


def test_elliptic_keys_count_for_nothing() -> None:
    curve = replace(PROGRAM, signatures=signed(replace(LEAF, key="ec"), CA))
    by_issuer = compiled("wdac", permit(CHAIN))
    assert by_issuer.told(curve, "L029", Drift.NARROWS)
    by_leaf = compiled("wdac", permit(SignedBy(leaf=LEAF.sha256)), known=[curve])
    assert by_leaf.got(curve).verdict is Verdict.ALLOW
    assert ("L010", "narrows") in by_leaf.losses
    assert by_leaf.model.signers == ()


@pytest.mark.parametrize("name", ["", "*", " Acme", "A\x01"])
def test_names_that_would_change_meaning_are_not_written(name: str) -> None:
    """An empty CertPublisher is none at all once compiled; a star may be a wildcard."""
    rules = (
        permit(SignedBy(issuer=CA.tbs, common_name=name)),
        permit(CHAIN, IsProduct(name=name)),
        permit(IsProduct(original_filename=name)),
    )
    for rule in rules:
        done = compiled("wdac", rule)
        assert done.model.signers == ()
        assert [item.id for item in done.model.file_rules] == ["ID_ALLOW_ALL_DRIVERS"]
        assert done.losses == [("L010", "narrows")]


@pytest.mark.parametrize("oid", ["1.3." + "9" * 4000, "1.99.1", "2.5.29.37." + "1." * 130 + "1"])
def test_an_eku_that_has_no_encoding_is_expanded(oid: str) -> None:
    """1.99 would be encoded as 2.59; a body above 127 bytes needs a long length."""
    done = compiled("wdac", permit(SignedBy(issuer=CA.tbs, eku=Oid(oid))), known=[PROGRAM])
    assert done.model.ekus == ()
    assert ("L010", "narrows") in done.losses


def test_an_eku_is_encoded_as_app_control_does() -> None:
    eku = Oid("1.3.6.1.4.1.311.10.3.6")
    done = compiled("wdac", permit(SignedBy(issuer=CA.tbs, eku=eku)))
    assert [item.value for item in done.model.ekus] == ["010a2b0601040182370a0306"]
    windows = replace(PROGRAM, signatures=signed(replace(LEAF, ekus=(eku,)), CA))
    assert done.agrees(PROGRAM, windows)
    assert done.got(windows).verdict is Verdict.ALLOW


@pytest.mark.parametrize("make", [permit, forbid])
def test_a_version_alone_also_reaches_scripts(make: Callable[..., Rule]) -> None:
    rules = [make(IsProduct(version=VersionRange.parse("<=5")))]
    rules += [permit(below("C:\\**"))] if make is forbid else []
    done = compiled("wdac", *rules, runtime_path_protection=False)
    assert done.agrees(PROGRAM, OTHER)
    drift = Drift.WIDENS if make is permit else Drift.NARROWS
    assert done.told(SCRIPT, "L003", drift)
    above = compiled("wdac", permit(IsProduct(version=VersionRange.parse(">=0.0.0.1"))))
    assert above.losses == []
    assert above.agrees(SCRIPT, PROGRAM)


def test_a_deny_always_has_both_bounds() -> None:
    """One alone means the opposite of what it says."""
    for text in ("<=5", ">=5", "*"):
        done = compiled("wdac", forbid(IsProduct(name="x", version=VersionRange.parse(text))))
        (rule,) = (item for item in done.model.file_rules if item.id.startswith("ID_DENY"))
        assert rule.low is not None
        assert rule.high is not None


def test_a_path_rule_counts_only_where_users_cannot_write() -> None:
    done = compiled("wdac", permit(below("C:\\acme\\**")))
    assert done.losses == [("L017", "narrows")]
    assert done.got(PROGRAM).verdict is Verdict.ALLOW
    assert done.told(replace(PROGRAM, writable_by_users=True), "L017", Drift.NARROWS)
    unknown = done.got(replace(PROGRAM, writable_by_users=UNKNOWN))
    assert unknown.verdict is Verdict.UNDETERMINED
    free = compiled("wdac", permit(below("C:\\acme\\**")), runtime_path_protection=False)
    assert free.losses == []
    assert Option.NO_PATH_PROTECTION in free.model.options
    assert free.agrees(replace(PROGRAM, writable_by_users=True))


@pytest.mark.parametrize("path", ["C:\\*\\tool1.exe", "C:\\100%\\**", "C:\\a?\\**"])
def test_paths_without_a_form_are_expanded(path: str) -> None:
    done = compiled("wdac", permit(below(path)), known=[PROGRAM])
    assert not any(item.file_path for item in done.model.file_rules)
    assert ("L010", "narrows") in done.losses


def test_letters_that_only_look_alike_are_other_paths() -> None:
    done = compiled("wdac", permit(below("C:\\Straße\\**")), runtime_path_protection=False)
    assert done.agrees(
        *(replace(PROGRAM, path=f"C:\\{name}\\x.exe") for name in ("STRASSE", "STRAßE"))
    )


@pytest.mark.parametrize(
    ("governs", "left_alone"),
    [
        ((Collection.EXECUTABLE,), (SCRIPT,)),
        ((Collection.EXECUTABLE, Collection.LIBRARY), (SCRIPT,)),
        ((Collection.SCRIPT,), ()),
        ((), (PROGRAM, LIBRARY, SCRIPT)),
    ],
)
def test_what_cannot_be_left_alone_is_told(
    governs: tuple[Collection, ...], left_alone: tuple[FileFacts, ...]
) -> None:
    done = compiled("wdac", governs=governs)
    for facts in (PROGRAM, LIBRARY, SCRIPT):
        if facts in left_alone or facts.collection in governs:
            assert done.agrees(facts)
        else:
            assert done.told(facts, "L002", Drift.NARROWS)


def test_a_rule_for_libraries_reaches_programs() -> None:
    libraries = frozenset({Collection.LIBRARY})
    done = compiled("wdac", permit(CHAIN, collections=libraries))
    assert done.told(PROGRAM, "L003", Drift.WIDENS)
    by_hash = permit(HasHash(AuthenticodeSha256("c" * 64)), collections=libraries)
    assert compiled("wdac", by_hash, known=[LIBRARY]).losses == []
    assert compiled("wdac", by_hash).losses == [("L003", "widens")]


def test_the_hash_of_a_program_in_a_rule_for_libraries_is_told() -> None:
    digest = HasHash(AuthenticodeSha256(f"{0xA01:064x}"))
    done = compiled(
        "wdac", permit(digest, collections=frozenset({Collection.LIBRARY})), known=[PROGRAM]
    )
    assert done.told(PROGRAM, "L003", Drift.WIDENS)


def test_mixed_modes_audit_everything() -> None:
    done = compiled("wdac", mode=Mode.AUDIT)
    assert Option.AUDIT_MODE in done.model.options
    enforced = compiled("wdac", mode=Mode.ENFORCE)
    assert Option.AUDIT_MODE not in enforced.model.options
    assert [item.code for item in enforced.result.losses] == ["L051"]


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
    done = compiled("wdac", rule, known=[known])
    assert done.losses == [("L010", "narrows"), ("L013", "widens")]
    assert done.agrees(known)
    assert done.told(other, "L013", Drift.WIDENS)


def test_losses_name_the_rule_of_the_baseline() -> None:
    rules = (
        permit(PUBLISHER, principals=frozenset({"Users"})),
        forbid(FromPackage(manager="dpkg"), principals=frozenset({"Users"})),
        permit(PUBLISHER),
        permit(below("C:\\x\\**"), unless=frozenset({all_of(CHAIN)})),
    )
    done = compiled("wdac", *rules, known=[PROGRAM, OTHER])
    known = {rule.id for rule in rules}
    assert {item.rule for item in done.result.losses if item.rule} <= known
    assert {item for items in done.result.provenance.values() for item in items} <= known


def test_ids_follow_from_the_rules() -> None:
    first: SiPolicy = compiled("wdac", permit(CHAIN, TOOL_1_TO_5), title="A").model
    again: SiPolicy = compiled("wdac", permit(CHAIN, TOOL_1_TO_5), title="B").model
    assert first.file_rules == again.file_rules
    assert first.signers == again.signers
    assert first.policy_id != again.policy_id
    pattern = re.compile(r"ID_(ALLOW|DENY|FILEATTRIB|SIGNER)_[A-Z][_A-Z0-9]*")
    identifiers = [item.id for item in first.file_rules] + [item.id for item in first.signers]
    assert all(pattern.fullmatch(item) for item in identifiers)


def test_drivers_stay_allowed_in_their_own_scenario() -> None:
    kernel, user = compiled("wdac").model.scenarios
    assert (kernel.value, kernel.product.rules) == (131, ("ID_ALLOW_ALL_DRIVERS",))
    assert (user.value, user.product.rules) == (12, ())


@pytest.mark.parametrize(
    "name", ["a\x00b\x1b[31m", 'x" ID="ID_ALLOW_ALL', "\u202efdp.exe", "\ud800"]
)
def test_names_for_people_are_harmless(name: str) -> None:
    done = compiled("wdac", replace(permit(CHAIN), name=name), title=name)
    (signer,) = done.model.signers
    assert (signer.name or "").isprintable()
    assert done.model.name.isprintable()
    assert b"\x1b" not in done.document


def test_a_publisher_of_stars_matches_nobody() -> None:
    done = compiled("wdac", permit(SignedBy(publisher=PublisherName("*"))), known=[PROGRAM])
    assert done.got(PROGRAM).verdict is Verdict.DENY
    assert done.agrees(PROGRAM, SIGNED_SCRIPT)
