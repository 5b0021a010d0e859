"""Rules on policies that keep a machine from starting, or cannot be taken back."""

from __future__ import annotations

from policyc.model.diagnostic import Level
from policyc.model.version import HIGHEST, LOWEST
from policyc.targets.wdac.lint_register import Context, Found, lint_rule
from policyc.targets.wdac.model import KERNEL, TAGGING, FileRule, FileRuleKind, SiPolicy
from policyc.targets.wdac.options import Option

_BOOT_EKUS = {
    "Windows": "010a2b0601040182370a0306",
    "early launch antimalware": "010a2b0601040182373d0401",
    "hardware abstraction": "010a2b0601040182373d0501",
    "WHQL": "010a2b0601040182370a0305",
}
"""The EKUs a machine's first drivers are signed with (Microsoft's DefaultWindows template)."""
_PRODUCT_ROOT_2010 = "06"


def _matches_everything(rule: FileRule) -> bool:
    if rule.file_path == "*":
        return True
    names = (
        rule.hash,
        rule.internal_name,
        rule.file_description,
        rule.product_name,
        rule.package_family,
        rule.file_path,
    )
    bounded = rule.low not in (None, LOWEST, HIGHEST) or rule.high not in (None, HIGHEST)
    return rule.file_name == "*" and not any(names) and not bounded


def allows_all(policy: SiPolicy, value: int) -> bool:
    """Whether a scenario of the policy allows every file."""
    rules = {item.id: item for item in policy.file_rules}
    return any(
        rules[name].kind is FileRuleKind.ALLOW and _matches_everything(rules[name])
        for scenario in policy.scenarios
        if scenario.value == value
        for name in scenario.product.rules
        if name in rules
    )


@lint_rule("W030", Level.ERROR, "add the option, or UpdatePolicySigners before signing")
def never_updated(context: Context) -> Found:
    """Neither Enabled:Unsigned System Integrity Policy nor an UpdatePolicySigner.

    Such a policy must be signed and can never be changed or removed; the compiler refuses it.
    """
    policy = context.policy
    if Option.UNSIGNED_POLICY not in policy.options and not policy.update_signers:
        yield 0, "nothing may ever update this policy"


@lint_rule("W031", Level.ERROR, "add Microsoft's signers for scenario 131, or an allow-all there")
def boot_drivers_blocked(context: Context) -> Found:
    """An enforced base policy that does not cover the drivers a machine starts with.

    Drivers of Windows, early launch antimalware, the hardware abstraction layer and WHQL must
    be allowed in scenario 131, or the machine does not start.
    """
    policy = context.policy
    free = policy.is_supplemental or policy.policy_type == TAGGING
    if free or Option.AUDIT_MODE in policy.options or allows_all(policy, KERNEL):
        return
    if not any(item.value == KERNEL for item in policy.scenarios):
        yield 0, "there is no scenario 131: every driver is blocked"
        return
    missing = sorted(name for name, eku in _BOOT_EKUS.items() if not _covers(policy, eku))
    if missing:
        yield 0, f"scenario 131 allows no drivers of: {', '.join(missing)}"


def _covers(policy: SiPolicy, eku: str) -> bool:
    """Whether a signer of the Product Root 2010 allows drivers with the EKU."""
    signers = {item.id: item for item in policy.signers}
    ekus = {item.id: item.value for item in policy.ekus}
    for scenario in policy.scenarios:
        for reference in scenario.product.allowed:
            signer = signers.get(reference.signer)
            if scenario.value != KERNEL or signer is None or not signer.well_known:
                continue
            own = {ekus.get(name) for name in signer.ekus}
            narrow = signer.publisher or signer.oem_id or signer.issuer or signer.file_attribs
            if signer.root == _PRODUCT_ROOT_2010 and own <= {eku} and not narrow:
                return True
    return False


@lint_rule("W032", Level.ERROR, "narrow the deny, or remove it")
def denies_everything(context: Context) -> Found:
    """A deny matches every file."""
    used = {name for scenario in context.policy.scenarios for name in scenario.product.rules}
    for rule in context.policy.file_rules:
        if rule.kind is FileRuleKind.DENY and rule.id in used and _matches_everything(rule):
            yield rule.line, f"{rule.id} denies every file"


@lint_rule("W033", Level.ERROR, "remove SupplementalPolicySigners; they belong to the base policy")
def supplemental_signers_in_supplemental(context: Context) -> Found:
    """A supplemental policy has SupplementalPolicySigners.

    Machines have been seen to fail at start with it.
    """
    if context.policy.is_supplemental and context.policy.supplemental_signers:
        yield 0, "a supplemental policy has SupplementalPolicySigners"


@lint_rule("W034", Level.ERROR, "list who signs supplemental policies, or remove option 17")
def signed_base_without_supplemental_signers(context: Context) -> Found:
    """A base policy that must be signed takes supplementals, and names nobody who signs them."""
    policy = context.policy
    signed = Option.UNSIGNED_POLICY not in policy.options
    takes = Option.SUPPLEMENTAL_POLICIES in policy.options and not policy.is_supplemental
    if signed and takes and not policy.supplemental_signers:
        yield 0, "no SupplementalPolicySigners although supplementals are allowed"


@lint_rule("W035", Level.WARNING, "add the option until the policy has proved itself")
def no_way_out(context: Context) -> Found:
    """An enforced base policy without Enabled:Boot Audit On Failure.

    With it, a blocked boot driver puts the policy into audit mode instead of stopping the start.
    """
    options = context.policy.options
    enforced = Option.AUDIT_MODE not in options and not context.policy.is_supplemental
    if enforced and Option.BOOT_AUDIT_ON_FAILURE not in options:
        yield 0, "a blocked boot driver stops the machine from starting"


@lint_rule("W036", Level.WARNING, "remove the option, or try it on machines of every kind")
def not_audited(context: Context) -> Found:
    """An option that is enforced in audit mode as well: dynamic code security, EV signers."""
    for option in (Option.DYNAMIC_CODE_SECURITY, Option.EV_SIGNERS):
        if option in context.policy.options:
            yield 0, f"{option.value} is enforced even in audit mode"


@lint_rule("W037", Level.INFO, "merge it into no allow list: it would allow everything there")
def allows_everything(context: Context) -> Found:
    """The policy allows every file in some scenario.

    That is right beside denies, and wrong in an allow list.
    """
    for scenario in context.policy.scenarios:
        if allows_all(context.policy, scenario.value):
            yield scenario.line, f"scenario {scenario.value} allows every file"


@lint_rule("W038", Level.ERROR, 'write PolicyType="Supplemental Policy", or make the ids equal')
def kind_and_ids_differ(context: Context) -> Found:
    """The policy's kind and its ids do not agree.

    A base policy is its own base; a supplemental one names another policy as its base.
    """
    policy = context.policy
    if policy.is_legacy or policy.base_policy_id is None:
        return
    same = (policy.policy_id or "").upper() == policy.base_policy_id.upper()
    if same and policy.is_supplemental:
        yield 0, "a supplemental policy names itself as its base"
    if not same and not policy.is_supplemental:
        yield 0, "PolicyID and BasePolicyID differ, and the policy is not supplemental"
    if policy.policy_type_id is not None:
        yield 0, "PolicyTypeID and PolicyID exclude each other"
