"""Native rules to one SiPolicy, with ids derived from what the rules mean."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import TypeVar

from policyc.model.identity import Oid
from policyc.model.ir import NAMESPACE, AllOf, Effect, IsProduct, PolicyIR, RuleId
from policyc.model.version import HIGHEST, LOWEST
from policyc.targets.wdac.choices import Choices
from policyc.targets.wdac.conditions import (
    SignerTerms,
    encoded_eku,
    family_of,
    hash_of,
    path_of,
    product_of,
)
from policyc.targets.wdac.frame import framed, text_for_people
from policyc.targets.wdac.model import (
    KERNEL,
    USER,
    Eku,
    FileRule,
    FileRuleKind,
    Signer,
    SignerGroup,
    SignerRef,
    SiPolicy,
)
from policyc.targets.wdac.native import NativeRule
from policyc.targets.wdac.scope import governs_drivers, governs_user_mode
from policyc.targets.wdac.signer_sets import built_in

T = TypeVar("T")

_DRIVERS = FileRule(
    kind=FileRuleKind.ALLOW,
    id="ID_ALLOW_ALL_DRIVERS",
    friendly_name="policyc: drivers are not governed",
    file_name="*",
)
"""Without it a base policy blocks the drivers a machine starts with."""


@dataclass(slots=True)
class _Group:
    """What one scenario refers to; signers with the file rules that lift them."""

    allowed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    denied: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rules: set[str] = field(default_factory=set)

    def product(self) -> SignerGroup:
        """As the policy holds it."""
        return SignerGroup(
            allowed=_references(self.allowed),
            denied=_references(self.denied),
            rules=tuple(sorted(self.rules)),
        )


@dataclass(slots=True)
class _Parts:
    """The policy while it grows; everything by id, so that equal rules become one."""

    ekus: dict[str, Eku] = field(default_factory=dict)
    file_rules: dict[str, FileRule] = field(default_factory=dict)
    signers: dict[str, Signer] = field(default_factory=dict)
    groups: dict[int, _Group] = field(default_factory=lambda: {KERNEL: _Group(), USER: _Group()})
    provenance: dict[str, set[RuleId]] = field(default_factory=dict)


def assemble(
    policy: PolicyIR, natives: list[NativeRule], choices: Choices
) -> tuple[SiPolicy, dict[str, tuple[RuleId, ...]]]:
    """The policy, and which baseline rules each id stands for."""
    parts = _Parts()
    for native in natives:
        identifier = (
            _file_rule(parts, native, choices)
            if native.signer is None
            else _signer(parts, native, native.signer, choices)
        )
        parts.provenance.setdefault(identifier, set()).add(native.source)
    _add_built_in(parts, policy, choices)
    if not governs_drivers(policy) and choices.kind == "base":
        parts.file_rules[_DRIVERS.id] = _DRIVERS
        parts.groups[KERNEL].rules.add(_DRIVERS.id)
    model = framed(policy, choices)
    user = parts.groups[USER]
    model = replace(
        model,
        ekus=_sorted(parts.ekus),
        file_rules=_sorted(parts.file_rules),
        signers=_sorted(parts.signers),
        scenarios=tuple(
            replace(item, product=parts.groups[item.value].product()) for item in model.scenarios
        ),
        # User-mode signers are listed here too, as ConfigCI does; not those of its own roots.
        ci_signers=tuple(
            sorted(
                name for name in {*user.allowed, *user.denied} if not parts.signers[name].well_known
            )
        ),
    )
    provenance = {key: tuple(sorted(value)) for key, value in sorted(parts.provenance.items())}
    return model, provenance


def _add_built_in(parts: _Parts, policy: PolicyIR, choices: Choices) -> None:
    for scenario in (USER, KERNEL):
        if not (governs_drivers(policy) if scenario == KERNEL else governs_user_mode(policy)):
            continue
        for item in built_in(choices.signer_sets, scenario):
            known = isinstance(item.root, int)
            signer = Signer(
                id="",
                name=item.name,
                root=f"{item.root:02x}" if isinstance(item.root, int) else item.root.value,
                well_known=known,
                ekus=_eku(parts, item.eku),
            )
            prefix = "SIGNER_K" if scenario == KERNEL else "SIGNER_"
            signer = replace(signer, id=_id(f"{prefix}A", signer))
            parts.signers[signer.id] = signer
            parts.groups[scenario].allowed[signer.id] = ()


def _eku(parts: _Parts, oid: Oid | None) -> tuple[str, ...]:
    if oid is None:
        return ()
    value = encoded_eku(oid)
    eku = Eku(id=f"ID_EKU_E{value.upper()}", value=value)
    parts.ekus[eku.id] = eku
    return (eku.id,)


def _references(signers: dict[str, tuple[str, ...]]) -> tuple[SignerRef, ...]:
    return tuple(SignerRef(signer=name, exceptions=signers[name]) for name in sorted(signers))


def _sorted(items: dict[str, T]) -> tuple[T, ...]:
    return tuple(items[key] for key in sorted(items))


def _file_rule(parts: _Parts, native: NativeRule, choices: Choices) -> str:
    kind = FileRuleKind.ALLOW if native.rule.effect is Effect.PERMIT else FileRuleKind.DENY
    rule = _made(kind, native.rule.match, native.label or native.rule.name, choices)
    parts.file_rules[rule.id] = rule
    parts.groups[native.scenario].rules.add(rule.id)
    return rule.id


def _made(kind: FileRuleKind, match: AllOf, label: str, choices: Choices) -> FileRule:
    """The file rule of a condition that has one."""
    blank = FileRule(kind=kind, id="", friendly_name=_label(label))
    digest, product, family = hash_of(match), product_of(match), family_of(match)
    path = path_of(match, many_wildcards=choices.many_wildcards)
    if digest is not None:
        rule = replace(blank, hash=digest)
    elif path is not None:
        rule = replace(blank, file_path=path)
    elif family is not None:
        rule = replace(blank, package_family=family)
    elif product is not None:
        rule = _with_product(blank, product, bounded=kind is FileRuleKind.DENY)
    elif not match.atoms:
        rule = _with_product(blank, IsProduct(), bounded=kind is FileRuleKind.DENY)
    else:
        raise AssertionError("expansion leaves native rules only")
    return replace(rule, id=_id(kind.value.upper(), rule))


def _with_product(rule: FileRule, product: IsProduct, *, bounded: bool) -> FileRule:
    """Names and versions. What denies has both bounds: with one alone it means another thing."""
    version = product.version
    file_name = product.original_filename
    if not any(name is not None for name in product.names):
        file_name = "*"
    return replace(
        rule,
        file_name=file_name,
        internal_name=product.internal_name,
        file_description=product.file_description,
        product_name=product.name,
        low=version.low if bounded or version.low != LOWEST else None,
        high=version.high if bounded or version.high != HIGHEST else None,
    )


def _signer(parts: _Parts, native: NativeRule, terms: SignerTerms, choices: Choices) -> str:
    permit = native.rule.effect is Effect.PERMIT
    attribs: tuple[str, ...] = ()
    if terms.product is not None:
        blank = FileRule(kind=FileRuleKind.ATTRIBUTE, id="", friendly_name=_label(native.rule.name))
        attribute = _with_product(blank, terms.product, bounded=not permit)
        attribute = replace(attribute, id=_id("FILEATTRIB", attribute))
        parts.file_rules[attribute.id] = attribute
        attribs = (attribute.id,)
    # An exception of an allowed signer is written as a deny, and the other way round.
    kind = FileRuleKind.DENY if permit else FileRuleKind.ALLOW
    exceptions = [_made(kind, item, native.rule.name, choices) for item in native.exceptions]
    parts.file_rules.update({item.id: item for item in exceptions})
    signer = Signer(
        id="",
        name=text_for_people(native.rule.name) or "signer",
        root=terms.root.value,
        publisher=terms.publisher,
        oem_id=terms.oem,
        ekus=_eku(parts, terms.eku),
        file_attribs=attribs,
    )
    lifted = tuple(sorted({item.id for item in exceptions}))
    prefix = f"SIGNER_{'K' if native.scenario == KERNEL else ''}{'A' if permit else 'D'}"
    signer = replace(signer, id=_id(prefix, signer, lifted))
    parts.signers[signer.id] = signer
    group = parts.groups[native.scenario]
    (group.allowed if permit else group.denied)[signer.id] = lifted
    return signer.id


def _id(prefix: str, item: FileRule | Signer, lifted: tuple[str, ...] = ()) -> str:
    """``ID_<PREFIX>_<letter><hex>``, from everything but the names for people."""
    if isinstance(item, FileRule):
        meaning = repr(replace(item, friendly_name=None))
    else:
        meaning = repr(replace(item, name=None)) + "".join(lifted)
    text = f"wdac {prefix} {meaning}"
    return f"ID_{prefix}_R{uuid.uuid5(NAMESPACE, text).hex.upper()}"


def _label(text: str) -> str | None:
    return text_for_people(text) or None
