"""Rules on policies that are quietly not what they seem."""

from __future__ import annotations

from collections import Counter

from policyc.model.diagnostic import Level
from policyc.model.version import HIGHEST, LOWEST
from policyc.targets.wdac.lint_register import Context, Found, lint_rule, rank_of
from policyc.targets.wdac.model import USER, FileRuleKind, SiPolicy
from policyc.targets.wdac.options import SUPPLEMENTAL_OPTIONS, Option
from policyc.targets.wdac.paths import is_simple
from policyc.targets.wdac.references import duplicate_ids, groups, wrong_references

_DIGESTS = (16, 20, 32, 48, 64)
_SINCE = {
    Option.UPDATE_NO_REBOOT: "1709",
    Option.DYNAMIC_CODE_SECURITY: "1803",
    Option.SUPPLEMENTAL_POLICIES: "1903",
    Option.NO_PATH_PROTECTION: "1903",
}


def _used_rules(policy: SiPolicy) -> Counter[str]:
    return Counter(name for group in groups(policy) for name in group.rules)


def _all_rule_references(policy: SiPolicy) -> set[str]:
    found = set(_used_rules(policy))
    found |= {name for signer in policy.signers for name in signer.file_attribs}
    for group in groups(policy):
        for reference in (*group.allowed, *group.denied):
            found |= set(reference.exceptions)
    return found


def _all_signer_references(policy: SiPolicy) -> set[str]:
    found = {*policy.update_signers, *policy.ci_signers, *policy.supplemental_signers}
    for group in groups(policy):
        found |= {reference.signer for reference in (*group.allowed, *group.denied)}
    for scenario in policy.scenarios:
        if scenario.artifact is not None:
            found |= {item.signer for item in scenario.artifact.allowed}
            found |= {item.signer for item in scenario.artifact.denied}
    return found


@lint_rule("W001", Level.ERROR, "give every element an id of its own")
def duplicate_id(context: Context) -> Found:
    """An ID stands for two things.

    The compiler refuses the policy.
    """
    for name in duplicate_ids(context.policy):
        yield 0, f"the ID {name} stands for two things"


@lint_rule("W002", Level.ERROR, "remove the reference, or add what it names")
def dangling_reference(context: Context) -> Found:
    """A reference leads nowhere, or to something of the wrong kind.

    The compiler refuses the policy.
    """
    for name, what in wrong_references(context.policy):
        yield 0, f"refers to {name}, which is not {what}"


@lint_rule("W003", Level.WARNING, "refer to it from a scenario, or remove it")
def unreferenced_signer(context: Context) -> Found:
    """A signer that nothing refers to.

    It has no effect, and makes the policy bigger.
    """
    used = _all_signer_references(context.policy)
    for signer in context.policy.signers:
        if signer.id not in used:
            yield signer.line, f"nothing refers to the signer {signer.id}"


@lint_rule("W004", Level.WARNING, "refer to it from a scenario or a signer, or remove it")
def unreferenced_rule(context: Context) -> Found:
    """A file rule that nothing refers to.

    It has no effect: an allow that does not allow, or a deny that does not deny.
    """
    used = _all_rule_references(context.policy)
    for rule in context.policy.file_rules:
        if rule.id not in used:
            yield rule.line, f"nothing refers to the file rule {rule.id}"


@lint_rule("W005", Level.WARNING, "refer to a rule once, from the scenario it is for")
def duplicate_reference(context: Context) -> Found:
    """A file rule is referred to more than once.

    Rules for programs belong to scenario 12, rules for drivers to 131.
    """
    for name, count in sorted(_used_rules(context.policy).items()):
        if count > 1:
            yield 0, f"{count} references to the file rule {name}"


@lint_rule("W006", Level.WARNING, "write one signer for each scenario")
def signer_in_two_scenarios(context: Context) -> Found:
    """A signer is listed more than once.

    A signer belongs to one scenario; tools that merge policies rely on it.
    """
    counts: Counter[str] = Counter()
    for scenario in context.policy.scenarios:
        for reference in (*scenario.product.allowed, *scenario.product.denied):
            counts[reference.signer] += 1
    lines = {item.id: item.line for item in context.policy.signers}
    for name, count in sorted(counts.items()):
        if count > 1:
            yield lines.get(name, 0), f"the signer {name} is listed {count} times"


@lint_rule(
    "W010", Level.ERROR, 'write MinimumFileVersion="0.0.0.0" and the highest version to block'
)
def deny_minimum_only(context: Context) -> Found:
    """A deny has a minimum version and no maximum.

    It blocks that version and those *below* it, not those above.
    """
    for rule in context.policy.file_rules:
        lone = rule.low is not None and rule.high is None
        if rule.kind is FileRuleKind.DENY and lone and rule.low not in (LOWEST, HIGHEST):
            yield rule.line, f"{rule.id} blocks versions up to {rule.low}, not from it on"


@lint_rule("W011", Level.ERROR, "write both bounds")
def deny_maximum_only(context: Context) -> Found:
    """A deny has a maximum version and no minimum.

    It is documented to block that version and those above, and compiles to the same bytes as
    one that blocks up to it.
    """
    for rule in context.policy.file_rules:
        if rule.kind is FileRuleKind.DENY and rule.low is None and rule.high is not None:
            yield rule.line, f"{rule.id} has only a maximum version, {rule.high}"


@lint_rule("W012", Level.WARNING, "write 65535")
def mistyped_limit(context: Context) -> Found:
    """A version has 65355 where 65535 was meant."""
    for rule in context.policy.file_rules:
        for version in (rule.low, rule.high):
            if version is not None and 65355 in version.parts:
                yield rule.line, f"{rule.id} has the version {version}"


@lint_rule("W013", Level.ERROR, "write the whole digest")
def bad_digest_length(context: Context) -> Found:
    """A hash or TBS hash has a length that no algorithm gives."""
    for rule in context.policy.file_rules:
        if rule.hash is not None and len(rule.hash) // 2 not in _DIGESTS:
            yield rule.line, f"{rule.id} has a hash of {len(rule.hash) // 2} bytes"
    for signer in context.policy.signers:
        if not signer.well_known and len(signer.root) // 2 not in _DIGESTS:
            yield signer.line, f"{signer.id} has a TBS hash of {len(signer.root) // 2} bytes"


@lint_rule("W014", Level.WARNING, "use one * at the beginning or the end, or target win11")
def several_wildcards(context: Context) -> Found:
    """A path has wildcards that only Windows 11 understands.

    Older Windows takes one ``*`` at the beginning or the end.
    """
    if context.min_os >= rank_of("win11"):
        return
    for rule in context.policy.file_rules:
        if rule.file_path is not None and not is_simple(rule.file_path):
            yield rule.line, f"{rule.id} has the path {rule.file_path}"


@lint_rule("W015", Level.WARNING, "move the reference to scenario 12")
def path_in_kernel(context: Context) -> Found:
    """A path rule stands in a scenario other than 12.

    Path rules count in user mode only.
    """
    rules = {item.id: item for item in context.policy.file_rules}
    for scenario in context.policy.scenarios:
        for name in scenario.product.rules:
            rule = rules.get(name)
            if rule is not None and rule.file_path is not None and scenario.value != USER:
                yield rule.line, f"{name} is a path rule in scenario {scenario.value}"


@lint_rule("W016", Level.WARNING, "target 1903 or later, or use other rules")
def too_new(context: Context) -> Found:
    """The policy needs a newer Windows than it is meant for."""
    policy = context.policy
    for option in policy.options:
        since = _SINCE.get(option)
        if since is not None and context.min_os < rank_of(since):
            yield 0, f"the option {option.value} needs Windows {since}"
    if context.min_os < rank_of("1903"):
        if not policy.is_legacy:
            yield 0, "policies with a PolicyID need Windows 1903"
        for rule in policy.file_rules:
            if rule.file_path is not None:
                yield rule.line, f"{rule.id} is a path rule, which needs Windows 1903"


@lint_rule("W020", Level.WARNING, "add the setting PolicyInfo/Information/Id")
def no_policy_id_setting(context: Context) -> Found:
    """The policy has no setting PolicyInfo Id.

    Events then lack the policy's details.
    """
    if not _has_setting(context.policy, "Id"):
        yield 0, "there is no setting PolicyInfo Id"


@lint_rule("W021", Level.WARNING, "add the setting PolicyInfo/Information/Name")
def no_policy_name_setting(context: Context) -> Found:
    """The policy has no setting PolicyInfo Name.

    ``citool -lp`` and events show no name then.
    """
    if not _has_setting(context.policy, "Name"):
        yield 0, "there is no setting PolicyInfo Name"


def _has_setting(policy: SiPolicy, name: str) -> bool:
    return any(item.provider == "PolicyInfo" and item.name == name for item in policy.settings)


@lint_rule("W022", Level.WARNING, "add the option Enabled:UMCI, or remove scenario 12")
def user_mode_without_umci(context: Context) -> Found:
    """Scenario 12 in a base policy without Enabled:UMCI.

    Its rules are dead: only drivers are checked.
    """
    policy = context.policy
    if policy.is_supplemental or Option.UMCI in policy.options:
        return
    for scenario in policy.scenarios:
        if scenario.value == USER:
            yield scenario.line, "scenario 12 has no effect without Enabled:UMCI"


@lint_rule("W023", Level.WARNING, "remove the option; the base policy decides it")
def base_option_in_supplemental(context: Context) -> Found:
    """A supplemental policy has an option that only a base policy may have."""
    if context.policy.is_supplemental:
        for option in sorted(set(context.policy.options), key=lambda item: item.value):
            if option not in SUPPLEMENTAL_OPTIONS:
                yield 0, f"a supplemental policy cannot have {option.value}"


@lint_rule("W024", Level.ERROR, "move the deny to the base policy")
def deny_in_supplemental(context: Context) -> Found:
    """A supplemental policy denies something.

    Windows ignores what a supplemental policy denies.
    """
    if context.policy.is_supplemental:
        for rule in context.policy.file_rules:
            if rule.kind is FileRuleKind.DENY:
                yield rule.line, f"{rule.id} is ignored in a supplemental policy"


@lint_rule("W025", Level.WARNING, "write the option once")
def duplicate_option(context: Context) -> Found:
    """An option stands there twice."""
    for option, count in Counter(context.policy.options).items():
        if count > 1:
            yield 0, f"the option {option.value} stands there {count} times"


@lint_rule("W026", Level.WARNING, "keep one of the two")
def duplicate_setting(context: Context) -> Found:
    """A setting stands there twice."""
    keys = Counter((item.provider, item.key, item.name) for item in context.policy.settings)
    for key, count in keys.items():
        if count > 1:
            yield 0, f"the setting {'/'.join(key)} stands there {count} times"


@lint_rule("W027", Level.INFO, "allow every packaged app that is needed by its family")
def package_rules(context: Context) -> Found:
    """A rule names a package family.

    From then on every packaged app must be allowed that way; signers no longer count for them.
    """
    for rule in context.policy.file_rules:
        if rule.package_family is not None:
            yield rule.line, f"{rule.id} switches packaged apps to rules on families"
            return
