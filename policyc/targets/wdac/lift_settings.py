"""What a policy says beside its rules, as settings of a baseline, and what these cannot say."""

from __future__ import annotations

from collections.abc import Iterator

from policyc.model.facts import Collection
from policyc.model.ir import Setting
from policyc.targets.lifted import Note
from policyc.targets.wdac.lint_boot import allows_all
from policyc.targets.wdac.model import KERNEL, TAGGING, USER, FileRuleKind, SignerGroup, SiPolicy
from policyc.targets.wdac.options import Option
from policyc.targets.wdac.paths import is_simple

_KEPT = frozenset(
    {
        Option.UMCI,
        Option.AUDIT_MODE,
        Option.NO_SCRIPT_ENFORCEMENT,
        Option.NO_PATH_PROTECTION,
        Option.SUPPLEMENTAL_POLICIES,
        Option.MANAGED_INSTALLER,
        Option.INTELLIGENT_SECURITY_GRAPH,
        Option.INVALIDATE_EAS,
        Option.UNSIGNED_POLICY,
        Option.ADVANCED_BOOT_MENU,
        Option.UPDATE_NO_REBOOT,
        Option.INHERIT_DEFAULT,
    }
)
"""Options that a baseline asks for or that every compile writes; one has no effect."""
_HOSTS = frozenset({Collection.SCRIPT, Collection.INSTALLER})


def governed_by(policy: SiPolicy) -> frozenset[Collection]:
    """What the policy decides about; drivers not where all of them are allowed."""
    found: set[Collection] = set()
    scenarios = {item.value: item.product for item in policy.scenarios}
    tagging = policy.policy_type == TAGGING
    if Option.UMCI in policy.options or policy.is_supplemental or tagging:
        found |= {Collection.EXECUTABLE, Collection.LIBRARY}
        if Option.NO_SCRIPT_ENFORCEMENT not in policy.options or tagging:
            found |= _HOSTS
    if not tagging and not _free_drivers(policy):
        found.add(Collection.DRIVER)
    if policy.is_supplemental:
        if scenarios.get(USER, SignerGroup()) == SignerGroup():
            found -= {Collection.EXECUTABLE, Collection.LIBRARY, *_HOSTS}
        if scenarios.get(KERNEL, SignerGroup()) == SignerGroup():
            found.discard(Collection.DRIVER)
    return frozenset(found)


def _free_drivers(policy: SiPolicy) -> bool:
    """Whether all drivers are allowed and none is denied."""
    kinds = {item.id: item.kind for item in policy.file_rules}
    denied = any(
        item.product.denied or any(kinds[name] is FileRuleKind.DENY for name in item.product.rules)
        for item in policy.scenarios
        if item.value == KERNEL
    )
    demands = {Option.WHQL, Option.EV_SIGNERS} & set(policy.options)
    return allows_all(policy, KERNEL) and not denied and not demands


def settings_of(policy: SiPolicy) -> Iterator[tuple[str, Setting]]:
    """Settings that differ from their defaults, and the ids, which a new compile keeps."""
    yield "version", str(policy.version)
    if policy.policy_id is not None:
        yield "policy_id", policy.policy_id
    if policy.policy_type == TAGGING:
        yield "kind", "tagging"
        tags = [
            tag for item in policy.scenarios if item.app_id_tags for tag in item.app_id_tags.tags
        ]
        yield "tags", tuple(f"{key}={value}" for key, value in tags)
    if policy.is_supplemental:
        yield "kind", "supplemental"
        yield "base", policy.base_policy_id or ""
    for name, option in (
        ("allow_supplementals", Option.SUPPLEMENTAL_POLICIES),
        ("managed_installer", Option.MANAGED_INSTALLER),
        ("intelligent_security_graph", Option.INTELLIGENT_SECURITY_GRAPH),
    ):
        if option in policy.options:
            yield name, True
    if Option.NO_PATH_PROTECTION in policy.options:
        yield "runtime_path_protection", False
    if any(item.file_path and not is_simple(item.file_path) for item in policy.file_rules):
        yield "min_os", "win11"


def setting_notes(policy: SiPolicy) -> Iterator[Note]:
    """What is lost beside the rules, and what any baseline of App Control shares."""
    for option in sorted(set(policy.options) - _KEPT, key=lambda item: item.value):
        yield Note(message=f"the option {option.value} is lost")
    for text in policy.extra_options:
        yield Note(message=f"the option {text} is lost")
    if policy.is_legacy:
        yield Note(message="the format of before Windows 1903 is lost")
    if policy.update_signers or policy.supplemental_signers:
        yield Note(message="the signers of updates and supplementals are lost: sign again")
    if policy.hvci:
        yield Note(message="the hypervisor options are lost")
    if policy.artifact_rules or policy.app_settings:
        yield Note(message="artifact rules and application settings are lost")
    for item in policy.settings:
        if (item.provider, item.key) != ("PolicyInfo", "Information"):
            yield Note(message=f"the setting {item.provider} {item.key} is lost", line=item.line)
    for scenario in policy.scenarios:
        groups = (scenario.test, scenario.test_signing, scenario.artifact)
        if any(item not in (None, SignerGroup()) for item in groups) or scenario.inherited:
            yield Note(message="signers for test signing are left out", line=scenario.line)
    if any(item.package_family for item in policy.file_rules):
        yield Note(message="that packaged apps run by their family only is App Control's own")
    if policy.signers:
        yield Note(message="Windows ignores ECDSA signatures, a baseline does not", lost=False)
    if Option.NO_PATH_PROTECTION not in policy.options and any(
        item.file_path for item in policy.file_rules
    ):
        text = "Windows ignores path rules where users can write, a baseline does not"
        yield Note(message=text, lost=False)
