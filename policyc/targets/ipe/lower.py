"""Baseline rules to IPE rules: denied digests, then permitted ones, then the default."""

from __future__ import annotations

import re
from dataclasses import replace

from policyc.lowering.expand import expand
from policyc.lowering.losses import loss
from policyc.lowering.principals import for_everybody
from policyc.lowering.whole import also_governed, one_mode
from policyc.model.facts import UNKNOWN, Collection, FileFacts
from policyc.model.identity import Digest, Sha256Flat
from policyc.model.inventory import Inventory
from policyc.model.ir import Effect, HasHash, PolicyIR, Rule, RuleId
from policyc.model.known_files import file_index
from policyc.model.loss import Drift, Loss
from policyc.targets.base import Lowered
from policyc.targets.ipe.capabilities import CAPABILITIES, governs
from policyc.targets.ipe.model import ALLOW, DENY, EXECUTE, IpePolicy, IpeRule

_TARGET = "ipe"
_BOTH = frozenset({Collection.EXECUTABLE, Collection.LIBRARY})
_PART = 0xFFFF


def lower(policy: PolicyIR, inventory: Inventory) -> Lowered[IpePolicy]:
    """Lower a policy that is specialised to IPE."""
    files = tuple(facts for facts in inventory.files if governs(facts))
    losses = _scope_losses(policy, files)
    digests: dict[Effect, dict[str, set[RuleId]]] = {Effect.FORBID: {}, Effect.PERMIT: {}}
    for source in policy.ordered():
        rule = for_everybody(source, files, losses, target=_TARGET)
        if rule is None:
            continue
        own: list[Loss] = []
        expansion = expand([rule], files, target=_TARGET, native=_is_native, digest_of=_digest)
        own += expansion.losses
        for derived in expansion.rules:
            for digest in _verity(derived.rule, files, own):
                digests[rule.effect].setdefault(digest, set()).add(source.id)
        losses += [replace(item, rule=source.id) for item in own]
    rules, provenance = _rules(digests, boot=bool(CAPABILITIES.setting(policy, "boot_verified")))
    deny = ((EXECUTE, DENY),) if policy.governs.keys() & _BOTH else ()
    model = IpePolicy(
        name=_name(policy.name),
        version=_version(str(CAPABILITIES.setting(policy, "version"))),
        # Operations that a later kernel adds stay allowed, as the documentation recommends.
        defaults=((None, ALLOW), *deny),
        rules=rules if deny else (),
    )
    return Lowered(
        model=model,
        provenance={key: tuple(sorted(value)) for key, value in sorted(provenance.items())},
        losses=tuple(dict.fromkeys(losses)),
    )


def _scope_losses(policy: PolicyIR, files: tuple[FileFacts, ...]) -> list[Loss]:
    other = _BOTH - policy.governs.keys()
    return also_governed(
        policy,
        files,
        other if other != _BOTH else (),
        target=_TARGET,
        message="IPE has one operation for programs and libraries, so both are governed",
        remedy="govern executable and library together",
    ) + one_mode(
        policy,
        files,
        target=_TARGET,
        message="IPE has one switch, ipe.enforce: if one collection is audited, all are",
    )


def _is_native(rule: Rule) -> bool:
    if rule.unless or len(rule.match.atoms) != 1:
        return False
    (atom,) = rule.match.atoms
    return isinstance(atom, HasHash) and isinstance(atom.digest, Sha256Flat)


def _digest(facts: FileFacts) -> Digest | None:
    digest = facts.hashes.sha256
    return None if digest is UNKNOWN else digest


def _verity(rule: Rule, files: tuple[FileFacts, ...], losses: list[Loss]) -> list[str]:
    """The fs-verity digests of the content that a rule by hash names."""
    permit = rule.effect is Effect.PERMIT
    known = file_index(files).possible(rule.match)
    named = [facts for facts in known if isinstance(facts.hashes.sha256, Sha256Flat)]
    if named and not any(facts.collection in rule.collections for facts in named):
        return []
    found = {trait.detail for facts in named for trait in facts.traits if trait.kind == "fs-verity"}
    common = {"target": _TARGET, "covers": (rule.match,), "files": files, "rule": rule}
    if not found:
        losses.append(
            loss(
                "L014",
                Drift.NARROWS if permit else Drift.WIDENS,
                message="no inventory holds the fs-verity digest of this content",
                remedy="scan the file with `policyc scan --fs-verity`",
                **common,  # type: ignore[arg-type]
            )
        )
    elif permit:
        losses.append(
            loss(
                "L059",
                Drift.NARROWS,
                message="IPE denies the file where fs-verity is not enabled for it",
                remedy="run `fsverity enable` on the file",
                **common,  # type: ignore[arg-type]
            )
        )
    return sorted(found)


def _rules(
    digests: dict[Effect, dict[str, set[RuleId]]], *, boot: bool
) -> tuple[tuple[IpeRule, ...], dict[str, set[RuleId]]]:
    rules: list[IpeRule] = []
    provenance: dict[str, set[RuleId]] = {}
    for effect, action in ((Effect.FORBID, DENY), (Effect.PERMIT, ALLOW)):
        if effect is Effect.PERMIT and boot:
            initial = (("boot_verified", "TRUE"),)
            rules.append(IpeRule(op=EXECUTE, properties=initial, action=ALLOW))
        for digest, sources in sorted(digests[effect].items()):
            properties = (("fsverity_digest", f"sha256:{digest}"),)
            rules.append(IpeRule(op=EXECUTE, properties=properties, action=action))
            provenance[f"{action} {digest}"] = sources
    return tuple(rules), provenance


def _name(text: str) -> str:
    """One token of printable ASCII."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-")[:64] or "policyc"


def _version(text: str) -> tuple[int, int, int]:
    """Three numbers; what is missing or too large is the nearest that the kernel takes."""
    parts = [min(int(part), _PART) for part in re.findall(r"[0-9]{1,9}", text)[:3]]
    first, second, third = (*parts, 0, 0, 0)[:3]
    return first, second, third
