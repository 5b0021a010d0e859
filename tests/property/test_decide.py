"""Cedar's laws, for our language: the meaning is in ``decide``, these say what it promises."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from policyc.model.decider import Decider
from policyc.model.decision import Verdict, applies, decide, holds
from policyc.model.facts import UNKNOWN, Collection, FileFacts, Hashes, Platform
from policyc.model.ir import Effect, Mode, PolicyIR, Rule
from tests.property.strategies import files, policies, rules

GOVERNED_ALL = dict.fromkeys(Collection, Mode.AUDIT)


@given(policies(), files())
def test_forbid_trumps_permit(policy: PolicyIR, facts: FileFacts) -> None:
    forbidden = any(
        rule.effect is Effect.FORBID and applies(rule, facts) is True for rule in policy.rules
    )
    everybody = frozenset(name for rule in policy.rules for name in rule.principals)
    verdict = decide(policy, facts, principals=everybody).verdict
    if forbidden and facts.collection in policy.governs:
        assert verdict is Verdict.DENY


@given(policies(), files())
def test_allowed_only_if_explicitly_permitted(policy: PolicyIR, facts: FileFacts) -> None:
    if decide(policy, facts).verdict is Verdict.ALLOW:
        assert any(
            rule.effect is Effect.PERMIT and applies(rule, facts) is True for rule in policy.rules
        )


@given(files())
def test_default_is_deny(facts: FileFacts) -> None:
    empty = PolicyIR(name="Empty", governs=GOVERNED_ALL, rules=frozenset())
    expected = Verdict.DENY if facts.collection is not None else Verdict.NOT_GOVERNED
    assert decide(empty, facts).verdict is expected


@given(st.lists(rules(), max_size=5), files(), st.randoms(use_true_random=False))
def test_order_and_duplicates_do_not_matter(
    chosen: list[Rule], facts: FileFacts, random: object
) -> None:
    shuffled = [*chosen, *chosen]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first = PolicyIR(name="P", governs=GOVERNED_ALL, rules=frozenset(chosen))
    second = replace(first, rules=frozenset(shuffled))
    assert decide(first, facts) == decide(second, facts)


@given(policies(), files())
def test_unknown_never_becomes_allow(policy: PolicyIR, facts: FileFacts) -> None:
    """Forgetting a fact may lose an ALLOW or a DENY, but never turns one into the other."""
    known = decide(policy, facts).verdict
    forgotten = replace(
        facts,
        hashes=Hashes(
            sha256=UNKNOWN,
            authenticode_sha256=UNKNOWN,
            authenticode_sha1=UNKNOWN,
            page_sha256=UNKNOWN,
            page_sha1=UNKNOWN,
        ),
        signatures=UNKNOWN,
        version_info=UNKNOWN,
        package=UNKNOWN,
        trusted=UNKNOWN,
        ftype=UNKNOWN,
        masquerade=UNKNOWN,
    )
    assert decide(policy, forgotten).verdict in (known, Verdict.UNDETERMINED)


@given(policies(), files(), st.sampled_from([None, *Platform]))
def test_the_indexed_decision_is_the_same(
    policy: PolicyIR, facts: FileFacts, platform: Platform | None
) -> None:
    expected = decide(policy, facts, platform=platform)
    assert Decider(policy, platform=platform).decide(facts) == expected


@given(policies(), rules(), files())
def test_adding_a_forbid_never_allows(policy: PolicyIR, extra: Rule, facts: FileFacts) -> None:
    more = replace(policy, rules=policy.rules | {replace(extra, effect=Effect.FORBID)})
    if decide(more, facts).verdict is Verdict.ALLOW:
        assert decide(policy, facts).verdict is Verdict.ALLOW


@given(policies(), rules(), files())
def test_adding_a_permit_never_denies(policy: PolicyIR, extra: Rule, facts: FileFacts) -> None:
    more = replace(policy, rules=policy.rules | {replace(extra, effect=Effect.PERMIT)})
    if decide(more, facts).verdict is Verdict.DENY:
        assert decide(policy, facts).verdict is Verdict.DENY


@given(rules(), files())
def test_an_exception_only_narrows_a_rule(rule: Rule, facts: FileFacts) -> None:
    bare = applies(replace(rule, unless=frozenset()), facts)
    if applies(rule, facts) is True:
        assert bare is True
        assert all(holds(branch, facts) is False for branch in rule.unless)


@settings(max_examples=50)
@given(rules())
def test_the_id_follows_from_the_meaning_alone(rule: Rule) -> None:
    twin = replace(rule, name="another", note="a note")
    assert twin == rule
    assert twin.id == rule.id
    other = replace(rule, effect=Effect.FORBID if rule.effect is Effect.PERMIT else Effect.PERMIT)
    assert other.id != rule.id
