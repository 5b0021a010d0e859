"""Two policies under another one's id: the same rules in audit mode, and one that allows all.

Both have the next version, so that they replace the policy on machines that have it.
"""

from __future__ import annotations

from dataclasses import replace

from policyc.model.version import HIGHEST, FileVersion
from policyc.targets.wdac.model import (
    KERNEL,
    USER,
    FileRule,
    FileRuleKind,
    Scenario,
    SignerGroup,
    SiPolicy,
)
from policyc.targets.wdac.options import Option

_ALLOW = tuple(
    FileRule(kind=FileRuleKind.ALLOW, id=f"ID_ALLOW_ALL_{name}", file_name="*")
    for name in ("DRIVERS", "USER_MODE")
)


def next_version(version: FileVersion) -> FileVersion:
    """One more in the last number; the highest stays."""
    return version if version == HIGHEST else FileVersion(version.value + 1)


def audit_twin(policy: SiPolicy) -> SiPolicy:
    """The same policy, only reporting. For a base policy that is enforced."""
    options = tuple(sorted({*policy.options, Option.AUDIT_MODE}, key=lambda item: item.value))
    return replace(policy, options=options, version=next_version(policy.version))


def rollback(policy: SiPolicy) -> SiPolicy:
    """A base policy of the same id that allows every file and may be removed unsigned.

    Of the old one stay the ids and who may sign an update: a signed policy goes only when one
    that is signed by them and has the option for unsigned policies has replaced it.
    """
    kept = {*policy.update_signers, *policy.supplemental_signers}
    signers = tuple(
        replace(item, ekus=(), except_ekus=(), file_attribs=())
        for item in policy.signers
        if item.id in kept
    )
    names = (("ID_SIGNINGSCENARIO_DRIVERS_1", KERNEL), ("ID_SIGNINGSCENARIO_WINDOWS", USER))
    options = (
        Option.ADVANCED_BOOT_MENU,
        Option.NO_SCRIPT_ENFORCEMENT,
        Option.UNSIGNED_POLICY,
        Option.UPDATE_NO_REBOOT,
    )
    return replace(
        policy,
        version=next_version(policy.version),
        options=options,
        extra_options=(),
        ekus=(),
        file_rules=_ALLOW,
        artifact_rules=(),
        signers=signers,
        scenarios=tuple(
            Scenario(id=name, value=value, product=SignerGroup(rules=(rule.id,)))
            for (name, value), rule in zip(names, _ALLOW, strict=True)
        ),
        ci_signers=(),
        hvci=0,
        macros=(),
        app_settings=(),
    )
