"""What finds a fault: rungs from the cheapest to the dearest, each a check the project has."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from policyc.compiler.pipeline import TargetResult, compile_target
from policyc.model.facts import Collection, FileFacts, Platform
from policyc.model.identity import Sha256Flat
from policyc.model.inventory import Inventory
from policyc.model.ir import AllOf, Atom, Effect, HasAnyHash, HasHash, PolicyIR, Rule
from policyc.targets import load_target
from policyc.targets.base import Probe
from policyc.verify.synthetic import blank, sealed
from tests.conformance.probes import file_on, policy_for, rule_for
from tests.conformance.test_targets import (
    asked,
    disagreements,
    test_capabilities_tell_the_truth,
    test_every_loss_of_a_lone_rule_can_be_seen,
)
from tests.property import strategies, windows
from tests.property.test_indexes import same

RUNGS = (
    "round trip",
    "the inventory",
    "witnesses",
    "an exception",
    "capability claims",
    "random files",
    "the index against rule by rule",
)
QUIET = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


_WIDE = (
    Probe.PATH_TREE,
    Probe.SIGNER_TEAM,
    Probe.SIGNER_LEAF,
    Probe.SIGNER_SIGNING_ID,
    Probe.SIGNER_PLATFORM_BINARY,
    Probe.HASH_SHA256,
)


class Found(Exception):  # noqa: N818  (no error: what is looked for)
    """Carries the rung that found the fault."""


def found_by(name: str) -> str | None:
    """The first rung on which the target as it is now shows a fault, or None."""
    try:
        for policy, inventory in _policies(name):
            _judge(compile_target(policy, inventory, name, reduce=False))
        _claims(name)
        _random(name)
    except Found as rung:
        return str(rung)
    except Exception:  # noqa: BLE001  (a fault that raises is found too)
        return "an exception"
    return None


def _judge(result: TargetResult) -> None:
    if result.failure is None:
        return
    if result.report.mismatches:
        raise Found("the inventory")
    if result.witness_report.mismatches:
        raise Found("witnesses")
    raise Found("round trip")


def _policies(name: str) -> Iterator[tuple[PolicyIR, Inventory]]:
    """Each condition as a permit; each as a forbid inside and beside a permit."""
    capabilities = load_target(name).capabilities
    platform = capabilities.platform
    files = (*(file_on(platform, number) for number in range(1, 6)), *_others(platform))
    for known in (files, ()):
        for probe in Probe:
            permit = rule_for(probe, platform, Effect.PERMIT)
            forbid = replace(rule_for(probe, platform, Effect.FORBID), name="forbid")
            yield policy_for(capabilities, permit), Inventory(files=known)
            for other in _WIDE:
                wide = rule_for(other, platform, Effect.PERMIT)
                yield policy_for(capabilities, wide, forbid), Inventory(files=known)
        people = load_target(name).people
        for who in ("uid:1000", "Administrators"):
            if people is not None and people.identify(who) is not None:
                some = rule_for(Probe.PATH_TREE, platform, Effect.PERMIT)
                own = replace(some, principals=frozenset({who}))
                yield policy_for(capabilities, own), Inventory(files=known)
        yield policy_for(capabilities, *_listed(files)), Inventory(files=known)
        for facts in _others(platform):
            digest = facts.hashes.sha256
            assert isinstance(digest, Sha256Flat)
            match = AllOf(frozenset({HasHash(digest)}))
            yield (
                policy_for(capabilities, Rule(effect=Effect.PERMIT, match=match)),
                Inventory(files=known),
            )


def _listed(files: tuple[FileFacts, ...]) -> tuple[Rule, Rule]:
    """A list of hashes as an inventory gives it, and one hash by itself."""
    digests = [item.hashes.sha256 for item in files if isinstance(item.hashes.sha256, Sha256Flat)]
    listed = HasAnyHash(Sha256Flat, frozenset(digest.value for digest in digests[1:]))
    atoms: tuple[Atom, Atom] = (listed, HasHash(digests[0]))
    listed_rule, single = (
        Rule(effect=Effect.PERMIT, match=AllOf(frozenset({atom}))) for atom in atoms
    )
    return listed_rule, single


def _others(platform: Platform) -> tuple[FileFacts, ...]:
    """A script beside the programs, where the platform's targets are asked about one."""
    start = blank(platform, Collection.SCRIPT)
    return () if start is None else (sealed(start),)


def _claims(name: str) -> None:
    for probe in Probe:
        for effect in Effect:
            try:
                test_capabilities_tell_the_truth(name, effect, probe)
                test_every_loss_of_a_lone_rule_can_be_seen(name, effect, probe)
            except AssertionError as error:
                raise Found("capability claims") from error


def _random(name: str) -> None:
    worlds = [(strategies.policies(), strategies.files())]
    if name in ("wdac", "applocker"):
        worlds.append((windows.policies(name, {}), windows.files()))
    for policies, files in worlds:

        @QUIET
        @given(policies, st.lists(files, max_size=5), st.lists(files, min_size=1, max_size=8))
        def look(policy: PolicyIR, known: list[FileFacts], unseen: list[FileFacts]) -> None:
            random.seed(0)
            own = asked(policy, name)
            result = compile_target(own, Inventory(files=tuple(known)), name, reduce=False)
            _judge(result)
            if disagreements(own, result, [*known, *unseen]):
                raise Found("random files")
            target = load_target(name)
            model = target.parse(tuple(item for item in result.artifacts if item.enforced))
            try:
                same(target, model, [*known, *unseen])
            except AssertionError as error:
                raise Found("the index against rule by rule") from error

        look()
