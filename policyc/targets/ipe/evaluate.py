"""What IPE decides about a file: the first rule of the operation that matches, else a default.

Source: security/ipe/eval.c. The file is taken to have fs-verity enabled and to lie on an
ordinary disk: it was not in the initial file system, and on no dm-verity volume that is known.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from policyc.model.decision import Decision, Tri, Verdict
from policyc.model.facts import FileFacts
from policyc.model.index import Facet, Index, once_per_object
from policyc.targets.ipe.capabilities import governs
from policyc.targets.ipe.model import ALLOW, EXECUTE, IpePolicy, IpeRule


def evaluate(policy: IpePolicy, facts: FileFacts) -> Decision:
    """The decision for executing or mapping the file, with the rule's action and digest."""
    if not governs(facts):
        return Decision(verdict=Verdict.NOT_GOVERNED, reason="no ELF code")
    for rule in _index(policy).find(facts):
        value = _matches(rule, facts)
        text = f"{rule.action} {_text(rule)}"
        if value is None:
            return Decision(verdict=Verdict.UNDETERMINED, reason=f"a fact is missing for {text}")
        if value:
            return Decision(verdict=_verdict(rule.action), reason=text)
    defaults = dict(policy.defaults)
    action = defaults.get(EXECUTE) or defaults.get(None, ALLOW)
    return Decision(verdict=_verdict(action), reason=f"DEFAULT {action}")


def _verdict(action: str) -> Verdict:
    return Verdict.ALLOW if action == ALLOW else Verdict.DENY


def _text(rule: IpeRule) -> str:
    return " ".join(value.removeprefix("sha256:") for _, value in rule.properties) or "all"


def _matches(rule: IpeRule, facts: FileFacts) -> Tri:
    unknown = False
    for name, value in rule.properties:
        held = _property(name, value, facts)
        if held is False:
            return False
        unknown = unknown or held is None
    return None if unknown else True


def _property(name: str, value: str, facts: FileFacts) -> Tri:
    if name == "boot_verified":
        return value == "FALSE"
    own = _verity(facts)
    if name == "fsverity_digest" and value.startswith("sha256:"):
        return None if own is None else value.removeprefix("sha256:") in own
    return None


def _verity(facts: FileFacts) -> list[str] | None:
    found = [trait.detail for trait in facts.traits if trait.kind == "fs-verity"]
    return found or None


def _digests(facts: FileFacts) -> Iterable[Hashable] | None:
    own = _verity(facts)
    return None if own is None else [f"sha256:{digest}" for digest in own]


_FACETS: Mapping[str, Facet[FileFacts]] = {"digest": _digests}


@once_per_object(4)
def _index(policy: IpePolicy) -> Index[FileFacts, IpeRule]:
    index: Index[FileFacts, IpeRule] = Index(_FACETS)
    for rule in policy.rules:
        if rule.op != EXECUTE:
            continue
        named = [value for name, value in rule.properties if name == "fsverity_digest"]
        if named and named[0].startswith("sha256:"):
            index.add(rule, "digest", named[:1])
        else:
            index.add(rule, None)
    return index
