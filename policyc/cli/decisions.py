"""The decision about one file, in the baseline and in each target, and what came near."""

from __future__ import annotations

from policyc.compiler import TargetResult, compile_policy, describe_result, evaluate_result
from policyc.model.decision import Decision, Verdict, decide
from policyc.model.facts import FileFacts
from policyc.model.inventory import Inventory
from policyc.model.ir import PolicyIR, Rule
from policyc.reports.safe import printable
from policyc.reports.text import table
from policyc.targets import load_target
from policyc.verify import Agreement, explaining, relate
from policyc.verify.nearest import nearest_miss


def decisions_text(
    policy: PolicyIR, inventory: Inventory, facts: FileFacts, names: tuple[str, ...]
) -> tuple[Decision, str]:
    """The baseline's decision, and a table with notes of all decisions."""
    wanted = decide(policy, facts)
    rows = [("", "decision", "because")]
    rows.append(("baseline", wanted.verdict.value, _because(wanted, policy)))
    notes = []
    miss = nearest_miss(policy, facts, wanted.verdict)
    if miss is not None:
        notes.append(f"nearest rule: {named(miss.rule)} fails on {'; on '.join(miss.failed)}")
    for result in compile_policy(policy, inventory, names):
        target = load_target(result.target)
        if not target.governs(facts):
            rows.append((result.target, "-", "is not asked about such a file"))
            continue
        decision = evaluate_result(result, facts)
        rows.append((result.target, decision.verdict.value, _native(decision, result, policy)))
        platform = target.capabilities.platform
        own = decide(policy, facts, platform=platform).verdict
        notes += [f"{result.target}: {line}" for line in describe_result(result, facts)]
        notes += _difference(result, facts, relate(own, decision.verdict))
    lines = [table(rows), *(f"   = {printable(line)}" for line in notes)]
    return wanted, "\n".join(lines)


def _difference(result: TargetResult, facts: FileFacts, agreement: Agreement) -> list[str]:
    if agreement not in (Agreement.NARROWER, Agreement.WIDER):
        return []
    loss = explaining(facts, agreement, result.losses)
    if loss is None:
        return [f"{result.target}: {agreement.value} than the baseline, and no loss says so"]
    where = f"{loss.rule_name} ({loss.origin})".strip()
    return [f"{result.target}: {agreement.value} by {loss.code}, {loss.message}; {where}"]


def _native(decision: Decision, result: TargetResult, policy: PolicyIR) -> str:
    """The target's reason, with the baseline's rules that the named native rule stands for."""
    rules = {rule.id: rule for rule in policy.rules}
    words = {decision.reason, *decision.reason.split()}
    sources = [
        named(rules[item])
        for native in sorted(words & result.provenance.keys())
        for item in result.provenance[native]
        if item in rules
    ]
    text = printable(decision.reason)
    return f"{text} = {', '.join(dict.fromkeys(sources))}" if sources else text


def _because(decision: Decision, policy: PolicyIR) -> str:
    rules = {rule.id: rule for rule in policy.rules}
    found = [named(rules[item]) for item in decision.because if item in rules]
    if decision.missing:
        found.append(f"not known: {', '.join(decision.missing)}")
    if not found:
        return "no rule permits it" if decision.verdict is Verdict.DENY else ""
    return ", ".join(dict.fromkeys(found))


def named(rule: Rule) -> str:
    """A rule for people: effect, name and place."""
    return printable(f"{rule.effect.value} {rule.name or rule.id} ({rule.origin})")
