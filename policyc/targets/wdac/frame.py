"""What a policy says beside its rules: ids, kind, options, scenarios, names."""

from __future__ import annotations

import uuid

from policyc.model.ir import NAMESPACE, Mode, PolicyIR
from policyc.model.version import FileVersion
from policyc.targets.wdac.capabilities import CAPABILITIES, tag_of
from policyc.targets.wdac.choices import Choices
from policyc.targets.wdac.model import (
    BASE,
    KERNEL,
    SUPPLEMENTAL,
    TAGGING,
    USER,
    AppIdTags,
    PolicySetting,
    Scenario,
    SettingType,
    SiPolicy,
)
from policyc.targets.wdac.options import Option
from policyc.targets.wdac.scope import enforces_scripts, governs_drivers, governs_user_mode

_KINDS = {"base": BASE, "supplemental": SUPPLEMENTAL, "tagging": TAGGING}
_TAGGING = (
    Option.ADVANCED_BOOT_MENU,
    Option.AUDIT_MODE,
    Option.NO_SCRIPT_ENFORCEMENT,
    Option.STORE_APPLICATIONS,
    Option.UMCI,
    Option.UNSIGNED_POLICY,
)
"""What one open implementation sets in the binary of a tagging policy, whatever its XML says."""


def framed(policy: PolicyIR, choices: Choices) -> SiPolicy:
    """The policy without its rules."""
    guid = base_id(choices.policy_id) if choices.policy_id else policy_id(policy.name)
    base = base_id(choices.base) if choices.kind == "supplemental" else guid
    return SiPolicy(
        policy_type=_KINDS[choices.kind],
        policy_id=guid,
        base_policy_id=base,
        version=FileVersion.parse(str(CAPABILITIES.setting(policy, "version"))),
        options=_options(policy, choices),
        scenarios=_scenarios(policy, choices),
        hvci=0,
        settings=information(guid, text_for_people(policy.name) or "policyc"),
    )


def policy_id(name: str) -> str:
    """The policy's GUID: the same name keeps it, so that an update replaces the policy."""
    text = f"wdac policy {name}".encode("utf-8", "backslashreplace").decode()
    return "{" + str(uuid.uuid5(NAMESPACE, text)).upper() + "}"


def base_id(text: str) -> str:
    """The GUID that a text is, or that of the baseline with this name."""
    try:
        return "{" + str(uuid.UUID(text.strip("{}"))).upper() + "}"
    except ValueError:
        return policy_id(text)


def information(guid: str, name: str) -> tuple[PolicySetting, ...]:
    """Name and id show up in events; without the id they lack the policy's details."""
    return tuple(
        PolicySetting(
            provider="PolicyInfo",
            key="Information",
            name=key,
            type=SettingType.STRING,
            value=value,
        )
        for key, value in (("Id", guid.strip("{}")), ("Name", name))
    )


def _options(policy: PolicyIR, choices: Choices) -> tuple[Option, ...]:
    """Only a base policy has a mode, user-mode integrity and script enforcement of its own."""
    options = [Option.UNSIGNED_POLICY]
    if choices.kind == "tagging":
        options = list(_TAGGING)
    if choices.kind == "base":
        options += [Option.ADVANCED_BOOT_MENU, Option.UPDATE_NO_REBOOT]
        if governs_user_mode(policy):
            options.append(Option.UMCI)
        if set(policy.governs.values()) != {Mode.ENFORCE}:
            options.append(Option.AUDIT_MODE)
        if not enforces_scripts(policy):
            options.append(Option.NO_SCRIPT_ENFORCEMENT)
        if choices.allow_supplementals:
            options.append(Option.SUPPLEMENTAL_POLICIES)
        if choices.intelligent_security_graph:
            options.append(Option.INVALIDATE_EAS)
    if choices.kind != "tagging":
        if choices.managed_installer:
            options.append(Option.MANAGED_INSTALLER)
        if choices.intelligent_security_graph:
            options.append(Option.INTELLIGENT_SECURITY_GRAPH)
    if not choices.protected:
        options.append(Option.NO_PATH_PROTECTION)
    return tuple(sorted(options, key=lambda item: item.value))


def _scenarios(policy: PolicyIR, choices: Choices) -> tuple[Scenario, ...]:
    """Drivers, where the policy is about them, and user mode. A base always speaks of drivers."""
    found = []
    if choices.kind == "base" or governs_drivers(policy):
        found.append(
            Scenario(id="ID_SIGNINGSCENARIO_DRIVERS_1", value=KERNEL, friendly_name="Drivers")
        )
    if governs_user_mode(policy):
        tags = AppIdTags(tags=tuple(tag_of(item) for item in choices.tags), enforce_dll=False)
        found.append(
            Scenario(
                id="ID_SIGNINGSCENARIO_WINDOWS",
                value=USER,
                friendly_name="User mode",
                app_id_tags=tags if choices.kind == "tagging" else None,
            )
        )
    return tuple(found)


def text_for_people(text: str) -> str:
    """A name for people: what XML or a console could stumble over becomes ``?``."""
    cleaned = "".join(char if char.isprintable() else "?" for char in text)
    return cleaned if len(cleaned) <= 200 else cleaned[:197] + "..."
