"""Native rules to one SiPolicy, with ids derived from what the rules mean."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import TypeVar

from policyc.model.ir import NAMESPACE, Effect, IsProduct, Mode, PolicyIR, RuleId
from policyc.model.version import HIGHEST, LOWEST, FileVersion
from policyc.targets.wdac.capabilities import CAPABILITIES
from policyc.targets.wdac.conditions import (
    SignerTerms,
    encoded_eku,
    hash_of,
    path_of,
    product_of,
)
from policyc.targets.wdac.model import (
    KERNEL,
    USER,
    Eku,
    FileRule,
    FileRuleKind,
    PolicySetting,
    Scenario,
    SettingType,
    Signer,
    SignerGroup,
    SignerRef,
    SiPolicy,
)
from policyc.targets.wdac.native import NativeRule
from policyc.targets.wdac.options import Option
from policyc.targets.wdac.scope import enforces_scripts

T = TypeVar("T")

_DRIVERS = FileRule(
    kind=FileRuleKind.ALLOW,
    id="ID_ALLOW_ALL_DRIVERS",
    friendly_name="policyc: drivers are not governed",
    file_name="*",
)
"""Without it a base policy blocks the drivers a machine starts with."""


@dataclass(slots=True)
class _Parts:
    """The policy while it grows; everything by id, so that equal rules become one."""

    ekus: dict[str, Eku] = field(default_factory=dict)
    file_rules: dict[str, FileRule] = field(default_factory=dict)
    signers: dict[str, Signer] = field(default_factory=dict)
    allowed: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)
    references: set[str] = field(default_factory=set)
    provenance: dict[str, set[RuleId]] = field(default_factory=dict)


def assemble(
    policy: PolicyIR, natives: list[NativeRule], *, protected: bool
) -> tuple[SiPolicy, dict[str, tuple[RuleId, ...]]]:
    """The policy, and which baseline rules each id stands for."""
    parts = _Parts()
    for native in natives:
        identifier = (
            _file_rule(parts, native)
            if native.signer is None
            else _signer(parts, native, native.signer)
        )
        parts.provenance.setdefault(identifier, set()).add(native.source)
    parts.file_rules[_DRIVERS.id] = _DRIVERS
    guid = policy_id(policy.name)
    name = _text(policy.name) or "policyc"
    model = SiPolicy(
        policy_id=guid,
        base_policy_id=guid,
        version=FileVersion.parse(str(CAPABILITIES.setting(policy, "version"))),
        options=_options(policy, protected=protected),
        ekus=_sorted(parts.ekus),
        file_rules=_sorted(parts.file_rules),
        signers=_sorted(parts.signers),
        scenarios=(
            Scenario(
                id="ID_SIGNINGSCENARIO_DRIVERS_1",
                value=KERNEL,
                friendly_name="Drivers",
                product=SignerGroup(rules=(_DRIVERS.id,)),
            ),
            Scenario(
                id="ID_SIGNINGSCENARIO_WINDOWS",
                value=USER,
                friendly_name="User mode",
                product=SignerGroup(
                    allowed=_references(parts.allowed),
                    denied=_references(parts.denied),
                    rules=tuple(sorted(parts.references)),
                ),
            ),
        ),
        # User-mode signers are listed here too, as ConfigCI does.
        ci_signers=tuple(sorted(parts.signers)),
        hvci=0,
        settings=_information(guid, name),
    )
    provenance = {key: tuple(sorted(value)) for key, value in sorted(parts.provenance.items())}
    return model, provenance


def policy_id(name: str) -> str:
    """The policy's GUID: the same name keeps it, so that an update replaces the policy."""
    text = f"wdac policy {name}".encode("utf-8", "backslashreplace").decode()
    return "{" + str(uuid.uuid5(NAMESPACE, text)).upper() + "}"


def _references(names: set[str]) -> tuple[SignerRef, ...]:
    return tuple(SignerRef(signer=name) for name in sorted(names))


def _information(guid: str, name: str) -> tuple[PolicySetting, ...]:
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


def _sorted(items: dict[str, T]) -> tuple[T, ...]:
    return tuple(items[key] for key in sorted(items))


def _options(policy: PolicyIR, *, protected: bool) -> tuple[Option, ...]:
    options = [
        Option.UMCI,
        Option.UNSIGNED_POLICY,
        Option.ADVANCED_BOOT_MENU,
        Option.UPDATE_NO_REBOOT,
    ]
    if set(policy.governs.values()) != {Mode.ENFORCE}:
        options.append(Option.AUDIT_MODE)
    if not enforces_scripts(policy):
        options.append(Option.NO_SCRIPT_ENFORCEMENT)
    if not protected:
        options.append(Option.NO_PATH_PROTECTION)
    return tuple(sorted(options, key=lambda item: item.value))


def _file_rule(parts: _Parts, native: NativeRule) -> str:
    permit = native.rule.effect is Effect.PERMIT
    kind = FileRuleKind.ALLOW if permit else FileRuleKind.DENY
    match = native.rule.match
    blank = FileRule(kind=kind, id="", friendly_name=_label(native.rule.name))
    digest, path, product = hash_of(match), path_of(match), product_of(match)
    if digest is not None:
        rule = replace(blank, hash=digest)
    elif path is not None:
        rule = replace(blank, file_path=path)
    elif product is not None:
        rule = _with_product(blank, product)
    else:
        raise AssertionError("expansion leaves native rules only")
    rule = replace(rule, id=_id(kind.value.upper(), rule))
    parts.file_rules[rule.id] = rule
    parts.references.add(rule.id)
    return rule.id


def _with_product(rule: FileRule, product: IsProduct) -> FileRule:
    """Names and versions. A deny always has both bounds: with one alone it means another thing."""
    bounded = rule.kind is not FileRuleKind.ALLOW
    version = product.version
    file_name = product.original_filename
    if file_name is None and product.name is None:
        file_name = "*"
    return replace(
        rule,
        file_name=file_name,
        product_name=product.name,
        low=version.low if bounded or version.low != LOWEST else None,
        high=version.high if bounded or version.high != HIGHEST else None,
    )


def _signer(parts: _Parts, native: NativeRule, terms: SignerTerms) -> str:
    permit = native.rule.effect is Effect.PERMIT
    ekus: tuple[str, ...] = ()
    if terms.eku is not None:
        value = encoded_eku(terms.eku)
        eku = Eku(id=f"ID_EKU_E{value.upper()}", value=value)
        parts.ekus[eku.id] = eku
        ekus = (eku.id,)
    attribs: tuple[str, ...] = ()
    if terms.product is not None:
        blank = FileRule(kind=FileRuleKind.ATTRIBUTE, id="", friendly_name=_label(native.rule.name))
        attribute = _with_product(blank, terms.product)
        attribute = replace(attribute, id=_id("FILEATTRIB", attribute))
        parts.file_rules[attribute.id] = attribute
        attribs = (attribute.id,)
    signer = Signer(
        id="",
        name=_text(native.rule.name) or "signer",
        root=terms.root.value,
        publisher=terms.publisher,
        ekus=ekus,
        file_attribs=attribs,
    )
    signer = replace(signer, id=_id("SIGNER_A" if permit else "SIGNER_D", signer))
    parts.signers[signer.id] = signer
    (parts.allowed if permit else parts.denied).add(signer.id)
    return signer.id


def _id(prefix: str, item: FileRule | Signer) -> str:
    """``ID_<PREFIX>_<letter><hex>``, from everything but the names for people."""
    if isinstance(item, FileRule):
        meaning = repr(replace(item, friendly_name=None))
    else:
        meaning = repr(replace(item, name=None))
    text = f"wdac {prefix} {meaning}"
    return f"ID_{prefix}_R{uuid.uuid5(NAMESPACE, text).hex.upper()}"


def _label(text: str) -> str | None:
    return _text(text) or None


def _text(text: str) -> str:
    """A name for people: what XML or a console could stumble over becomes ``?``."""
    cleaned = "".join(char if char.isprintable() else "?" for char in text)
    return cleaned if len(cleaned) <= 200 else cleaned[:197] + "..."
