"""The laws every lowering pass keeps.

A pass either decides every file as before, seen or unseen, or adds a loss in the direction of
the difference that covers the file. Doing it twice changes nothing more, and neither the order
of the rules nor that of the files means anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from policyc.lowering.authenticode import by_authenticode, by_flat_hash
from policyc.lowering.dead import dead_permits, known_dead_permits
from policyc.lowering.expand import by_digest, expand
from policyc.lowering.principals import for_everybody
from policyc.lowering.specialise import Specialised, specialise
from policyc.model.decision import decide
from policyc.model.facts import UNKNOWN, FileFacts, Platform
from policyc.model.identity import Digest, Sha256Flat
from policyc.model.ir import AllOf, AtPath, Effect, HasHash, Mode, PolicyIR, Rule
from policyc.model.loss import Loss
from policyc.model.path import PathPattern
from policyc.targets import load_target, target_names
from policyc.verify.compare import Agreement, explaining, relate
from tests.property import windows
from tests.property.strategies import (
    GOVERNED,
    POSIX_PATHS,
    WINDOWS_PATHS,
    files,
    policies,
    rules,
)

pytestmark = pytest.mark.slow

LAWS = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
EVERYTHING = Rule(effect=Effect.PERMIT, match=AllOf(frozenset()), name="everything")


def _world(policy: PolicyIR, *, open_: bool) -> PolicyIR:
    """Some rules limited to a platform; if ``open_``, beside a permit for everything."""
    own = {
        replace(rule, platforms=frozenset({list(Platform)[_number(rule) % 3]}))
        if _number(rule) % 2 == 0
        else rule
        for rule in policy.rules
    }
    return replace(policy, rules=frozenset(own | ({EVERYTHING} if open_ else set())))


def _number(rule: Rule) -> int:
    return int(rule.id.value[:8], 16)


POLICIES = st.builds(lambda policy, open_: _world(policy, open_=open_), policies(), st.booleans())
"""Random ones; every other one permits whatever it does not forbid, so that forbids decide."""
KNOWN = st.lists(files(), max_size=5)
IMAGES = st.lists(
    windows.programs().filter(lambda item: item.hashes.authenticode_sha256 is not None),
    max_size=6,
)
"""Files of which some are one image under several signatures; equal bytes have equal hashes."""
UNSEEN = st.lists(files(), min_size=1, max_size=5)


def _unexplained(
    before: PolicyIR,
    after: PolicyIR,
    losses: Iterable[Loss],
    asked: Iterable[FileFacts],
    *,
    platform: Platform | None = None,
    principals: frozenset[str] = frozenset(),
) -> list[FileFacts]:
    """The files that are decided differently without a loss that says so.

    Rules for another platform are no part of ``before``; a target does not see platforms.
    """
    told = tuple(losses)
    found = []
    for facts in asked:
        if facts.collection not in after.governs:
            continue
        wanted = decide(before, facts, platform=platform, principals=principals).verdict
        got = decide(after, facts, principals=principals).verdict
        agreement = relate(wanted, got)
        if agreement in (Agreement.WIDER, Agreement.NARROWER) and not explaining(
            facts, agreement, told
        ):
            found.append(facts)
    return found


def _specialised(policy: PolicyIR, known: list[FileFacts], name: str) -> Specialised:
    capabilities = load_target(name).capabilities
    return specialise(
        policy,
        tuple(known),
        target=name,
        platform=capabilities.platform,
        collections=capabilities.collections,
    )


@LAWS
@given(POLICIES, KNOWN, UNSEEN, st.sampled_from(target_names()))
def test_specialising_is_told_by_direction(
    policy: PolicyIR, known: list[FileFacts], unseen: list[FileFacts], name: str
) -> None:
    target = load_target(name)
    own = _specialised(policy, known, name)
    asked = [facts for facts in (*known, *unseen) if target.governs(facts)]
    platform = target.capabilities.platform
    assert _unexplained(policy, own.policy, own.losses, asked, platform=platform) == []


@LAWS
@given(POLICIES, KNOWN, st.sampled_from(target_names()))
def test_specialising_twice_and_in_any_order_is_the_same(
    policy: PolicyIR, known: list[FileFacts], name: str
) -> None:
    own = _specialised(policy, known, name)
    again = _specialised(own.policy, known, name)
    assert again.policy == own.policy
    assert again.losses == ()
    assert _specialised(policy, known[::-1], name) == own


def _at(path: str) -> Rule:
    return Rule(effect=Effect.PERMIT, match=AllOf(frozenset({AtPath(PathPattern(path))})))


def _elsewhere(known: list[FileFacts]) -> list[FileFacts]:
    """The same bytes in another place, from no package."""
    return [
        replace(facts, path=path, package=None, masquerade=None, findings=())
        for facts in known
        for path in POSIX_PATHS + WINDOWS_PATHS
        if facts.path[0] == path[0] and facts.path != path
    ]


def _flat(facts: FileFacts) -> Digest | None:
    digest = facts.hashes.sha256
    return None if digest is UNKNOWN else digest


def _some(rule: Rule) -> bool:
    """A target that can say about half of all rules, whatever they are about."""
    return rule == EVERYTHING or _number(rule) % 2 == 0


def _by_hash(rule: Rule) -> bool:
    return (
        len(rule.match.atoms) == 1
        and not rule.unless
        and any(isinstance(atom, HasHash) for atom in rule.match.atoms)
    )


@LAWS
@given(POLICIES, KNOWN, UNSEEN)
def test_expanding_is_told_by_direction(
    policy: PolicyIR, known: list[FileFacts], unseen: list[FileFacts]
) -> None:
    # A permit for the place of one known file, which half of the time becomes one for its bytes.
    places = {_at(facts.path) for facts in known[:1]}
    policy = replace(policy, rules=policy.rules | places)
    result = expand(policy.rules, tuple(known), target="wdac", native=_some, digest_of=_flat)
    after = replace(policy, rules=frozenset(item.rule for item in result.rules))
    asked = [*known, *unseen, *_elsewhere(known)]
    assert _unexplained(policy, after, result.losses, asked) == []


@LAWS
@given(POLICIES, KNOWN)
def test_expanding_twice_and_in_any_order_is_the_same(
    policy: PolicyIR, known: list[FileFacts]
) -> None:
    files_known = tuple(known)
    once = expand(policy.rules, files_known, target="wdac", native=_some, digest_of=_flat)

    def native(rule: Rule) -> bool:
        return _some(rule) or _by_hash(rule)

    made = [item.rule for item in once.rules]
    twice = expand(made, files_known, target="wdac", native=native, digest_of=_flat)
    assert {item.rule for item in twice.rules} == set(made)
    assert twice.losses == ()
    order = sorted(policy.rules, key=lambda rule: rule.id, reverse=True)
    again = expand(order, files_known[::-1], target="wdac", native=_some, digest_of=_flat)
    assert again == once


@LAWS
@given(rules(), IMAGES, IMAGES)
def test_naming_images_is_told_by_direction(
    rule: Rule, known: list[FileFacts], unseen: list[FileFacts]
) -> None:
    digests = [item.hashes.sha256 for item in known if item.pe is not None]
    flat = next((item for item in digests if isinstance(item, Sha256Flat)), None)
    assume(flat is not None)
    assert flat is not None
    own = by_digest(rule, flat)
    table = by_flat_hash(known)
    losses: list[Loss] = []
    made = by_authenticode(own, tuple(known), table, losses, target="wdac")
    before, after = _policy(own.effect, [own]), _policy(own.effect, made)
    assert _unexplained(before, after, losses, [*known, *unseen]) == []
    more: list[Loss] = []
    again = [
        item
        for part in made
        for item in by_authenticode(part, tuple(known), table, more, target="wdac")
    ]
    assert set(again) == set(made)
    turned: list[Loss] = []
    files_turned = tuple(known[::-1])
    found = by_authenticode(own, files_turned, by_flat_hash(known[::-1]), turned, target="wdac")
    assert (found, turned) == (made, losses)


@LAWS
@given(rules(), KNOWN, UNSEEN, st.sampled_from([frozenset(), frozenset({"staff"})]))
def test_leaving_principals_out_is_told_by_direction(
    rule: Rule, known: list[FileFacts], unseen: list[FileFacts], who: frozenset[str]
) -> None:
    own = replace(rule, principals=frozenset({"staff"}))
    losses: list[Loss] = []
    made = for_everybody(own, tuple(known), losses, target="santa")
    kept = [] if made is None else [made]
    before, after = _policy(own.effect, [own]), _policy(own.effect, kept)
    assert _unexplained(before, after, losses, [*known, *unseen], principals=who) == []
    assert losses
    if made is not None:
        more: list[Loss] = []
        assert for_everybody(made, tuple(known), more, target="santa") == made
        assert more == []


@LAWS
@given(POLICIES, KNOWN)
def test_dropping_dead_permits_twice_drops_nothing_more(
    policy: PolicyIR, known: list[FileFacts]
) -> None:
    kept = replace(policy, rules=policy.rules - dead_permits(policy))
    assert dead_permits(kept) == frozenset()
    left = replace(kept, rules=kept.rules - known_dead_permits(kept, known))
    assert known_dead_permits(left, known) == frozenset()
    assert known_dead_permits(kept, known) == known_dead_permits(kept, known[::-1])


def _policy(effect: Effect, own: list[Rule]) -> PolicyIR:
    """The rules; where they forbid, beside a permit for everything that they cut into."""
    beside = () if effect is Effect.PERMIT else (EVERYTHING,)
    governs = dict.fromkeys(GOVERNED, Mode.ENFORCE)
    return PolicyIR(name="Laws", governs=governs, rules=frozenset((*own, *beside)))
