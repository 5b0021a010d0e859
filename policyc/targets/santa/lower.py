"""Baseline rules to Santa rules: forbid wins must hold where the most specific rule wins."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from policyc.lowering.containment import Containers
from policyc.lowering.expand import expand
from policyc.lowering.losses import loss
from policyc.lowering.principals import for_everybody
from policyc.model.decision import holds, signature_satisfies
from policyc.model.facts import UNKNOWN, Collection, FileFacts
from policyc.model.identity import CertSha256, Digest
from policyc.model.inventory import Inventory
from policyc.model.ir import (
    AllOf,
    Effect,
    HasHash,
    Mode,
    PolicyIR,
    Rule,
    RuleId,
    SignedBy,
)
from policyc.model.known_files import file_index
from policyc.model.loss import Drift, Loss
from policyc.targets.base import Lowered
from policyc.targets.santa.capabilities import CAPABILITIES, governs
from policyc.targets.santa.conditions import (
    SYMLINKS,
    expression,
    identifier_for,
    is_platform_code,
    needs_leaf,
    pattern_for,
)
from policyc.targets.santa.floor import floor_losses, oldest
from policyc.targets.santa.model import (
    PLATFORM_SINCE,
    ClientMode,
    RulePolicy,
    RuleType,
    SantaPolicy,
    SantaRule,
    release_text,
)

_TARGET = "santa"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Native:
    """A rule that Santa can say, and the baseline rule it stands for.

    ``identifier`` is its type and identifier; None for a path, and for platform code, which
    Santa permits by itself.
    """

    rule: Rule
    source: Rule
    identifier: tuple[RuleType, str] | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "identifier", identifier_for(self.rule.match))


def lower(policy: PolicyIR, inventory: Inventory) -> Lowered[SantaPolicy]:
    """Lower a policy that is specialised to Santa."""
    files = tuple(facts for facts in inventory.files if governs(facts))
    losses: list[Loss] = []
    natives = _natives(policy, files, losses)
    forbids = [item for item in natives if item.rule.effect is Effect.FORBID]
    containers = Containers((item.rule.match, item) for item in forbids)
    permits = [
        item
        for item in natives
        if item.rule.effect is Effect.PERMIT and not _dead(item, forbids, containers, files)
    ]
    losses += _precedence_losses(permits, forbids, files)
    losses += floor_losses(policy, files)
    table: dict[tuple[RuleType, str], SantaRule] = {}
    provenance: dict[str, set[RuleId]] = {}
    paths: dict[Effect, set[str]] = {Effect.PERMIT: set(), Effect.FORBID: set()}
    for item in (*permits, *forbids):  # a forbid replaces a permit of the same identifier
        identifier = item.identifier
        if identifier is None:
            native = _unnamed(item.rule, paths)
        else:
            table[identifier] = _santa_rule(identifier, item.rule)
            native = f"{identifier[0].name} {identifier[1]}"
        provenance.setdefault(native, set()).add(item.source.id)
    enforced = policy.governs.get(Collection.EXECUTABLE) is Mode.ENFORCE
    model = SantaPolicy(
        name=_text(policy.name) or "policyc",
        organization=_text(str(CAPABILITIES.setting(policy, "organization"))),
        mode=ClientMode.LOCKDOWN if enforced else ClientMode.MONITOR,
        rules=tuple(table[key] for key in sorted(table)),
        allowed_path_regex=_joined(paths[Effect.PERMIT]),
        blocked_path_regex=_joined(paths[Effect.FORBID]),
        min_version=oldest(policy),
    )
    return Lowered(
        model=model,
        provenance={key: tuple(sorted(value)) for key, value in sorted(provenance.items())},
        losses=tuple(dict.fromkeys(losses)),
    )


def _unnamed(rule: Rule, paths: dict[Effect, set[str]]) -> str:
    """The native id of a rule that is no identifier; a path joins those of its effect."""
    if is_platform_code(rule.match):
        return "platform code"
    pattern = pattern_for(rule.match)
    if pattern is None:
        raise AssertionError("expansion leaves identities and paths only")
    paths[rule.effect].add(expression(pattern))
    return f"path {rule.effect.value} {pattern}"


def _joined(expressions: set[str]) -> str:
    r"""One expression anchored at both ends; Santa has one key and adds ``^`` by itself.

    ``\z`` and not ``$``, which in ICU also matches before a final newline.
    """
    return rf"^(?:{'|'.join(sorted(expressions))})\z" if expressions else ""


def _natives(policy: PolicyIR, files: tuple[FileFacts, ...], losses: list[Loss]) -> list[_Native]:
    natives = []
    for source in policy.ordered():
        rule = for_everybody(source, files, losses, target=_TARGET)
        if rule is None:
            continue
        if is_platform_code(rule.match) and not rule.unless:
            natives += _platform_code(rule, source, files, losses, oldest(policy))
            continue
        if needs_leaf(rule.match) and not rule.unless and not _is_native(rule):
            natives += _by_leaf(rule, source, files, losses)
            continue
        expansion = expand([rule], files, target=_TARGET, native=_is_native, digest_of=_digest)
        losses += expansion.losses
        natives += [_Native(rule=item.rule, source=source) for item in expansion.rules]
    for item in natives:
        losses += _form_losses(item.rule, files)
    return natives


def _is_native(rule: Rule) -> bool:
    named = identifier_for(rule.match) is not None or pattern_for(rule.match) is not None
    return named and not rule.unless


def _digest(facts: FileFacts) -> Digest | None:
    digest = facts.hashes.sha256
    return None if digest is UNKNOWN else digest


def _by_leaf(
    rule: Rule, source: Rule, files: tuple[FileFacts, ...], losses: list[Loss]
) -> list[_Native]:
    """Stand in the signing certificates seen for a condition on the signer."""
    (atom,) = rule.match.atoms
    if not isinstance(atom, SignedBy):
        raise TypeError("only a signer condition has certificates")
    leaves: set[CertSha256] = set()
    for facts in file_index(files).satisfying(rule):
        if facts.signatures is UNKNOWN:
            continue
        leaves |= {
            signature.leaf.sha256
            for signature in facts.signatures
            if signature.leaf is not None and signature_satisfies(atom, signature)
        }
    losses.append(
        loss(
            "L016",
            Drift.NARROWS if rule.effect is Effect.PERMIT else Drift.WIDENS,
            target=_TARGET,
            covers=(rule.match,),
            files=files,
            rule=source,
            message=f"Santa names signers by certificate, Team ID or signing ID; "
            f"{len(leaves)} certificates of the inventory stand in",
            remedy="use signer: {team: …}, which outlives certificates",
        )
    )
    return [
        _Native(rule=replace(rule, match=AllOf(frozenset({SignedBy(leaf=leaf)}))), source=source)
        for leaf in sorted(leaves)
    ]


def _platform_code(
    rule: Rule,
    source: Rule,
    files: tuple[FileFacts, ...],
    losses: list[Loss],
    release: tuple[int, int],
) -> list[_Native]:
    """Nothing to write for a permit that every machine's Santa grants; else the IDs seen."""
    permit = rule.effect is Effect.PERMIT
    own = [_Native(rule=rule, source=source)] if permit else []
    if permit and release >= PLATFORM_SINCE:
        return own
    seen = {
        signature.signing_id
        for facts in file_index(files).satisfying(rule)
        if facts.signatures is not UNKNOWN
        for signature in facts.signatures
        if signature.platform_binary and signature.signing_id is not None
    }
    since = f"before {release_text(PLATFORM_SINCE)} " if permit else ""
    losses.append(
        loss(
            "L030",
            Drift.NARROWS if permit else Drift.WIDENS,
            target=_TARGET,
            covers=(rule.match,),
            files=files,
            rule=source,
            message=f"{since}Santa has no word for all of Apple's own code; {len(seen)} signing "
            "IDs of the inventory stand in",
            remedy="scan a Mac of each release of macOS, so that the inventory holds them",
        )
    )
    matches = [SignedBy(signing_id=item) for item in sorted(seen)]
    return own + [
        _Native(rule=replace(rule, match=AllOf(frozenset({atom}))), source=source)
        for atom in matches
        if identifier_for(AllOf(frozenset({atom}))) is not None
    ]


def _form_losses(rule: Rule, files: tuple[FileFacts, ...]) -> list[Loss]:
    identifier = identifier_for(rule.match)
    if identifier is not None and identifier[0] is RuleType.CDHASH:
        drift = Drift.NARROWS if rule.effect is Effect.PERMIT else Drift.WIDENS
        return [
            loss(
                "L025",
                drift,
                target=_TARGET,
                covers=(rule.match,),
                files=files,
                rule=rule,
                message="Santa takes a CDHash only from a slice that enforces its signature",
                remedy="use hash: {sha256: …} or the signing ID",
            )
        ]
    pattern = pattern_for(rule.match)
    if pattern is not None and pattern.text.startswith(SYMLINKS):
        return [
            loss(
                "L026",
                Drift.COSMETIC,
                target=_TARGET,
                covers=(rule.match,),
                files=files,
                rule=rule,
                message=f"{pattern} is behind a symbolic link on macOS and never matches",
                remedy=f"write /private{pattern}",
            )
        ]
    return []


def _dead(
    permit: _Native,
    forbids: list[_Native],
    containers: Containers[_Native],
    files: tuple[FileFacts, ...],
) -> bool:
    """Whether the baseline denies all that the permit names, as far as is known.

    Santa would let the specific permit win, so such a permit must not be written.
    """
    if any(True for _ in containers.of(permit.rule.match)):
        return True
    known = _known(permit, files)
    if not known:
        return False
    return any(
        forbid.identifier is not None
        and all(holds(forbid.rule.match, facts) is True for facts in known)
        for forbid in forbids
    )


def _known(permit: _Native, files: tuple[FileFacts, ...]) -> list[FileFacts]:
    """The inventory's files of the content that a permit by hash names."""
    if not any(isinstance(atom, HasHash) for atom in permit.rule.match.atoms):
        return []
    return [
        facts
        for facts in file_index(files).possible(permit.rule.match)
        if holds(permit.rule.match, facts) is True
    ]


def _precedence_losses(
    permits: list[_Native], forbids: list[_Native], files: tuple[FileFacts, ...]
) -> list[Loss]:
    identities = [item for item in permits if item.identifier is not None]
    # Santa's own permit of platform code comes before its paths, too.
    before_paths = identities or any(is_platform_code(item.rule.match) for item in permits)
    found = [
        _path_loss(forbid.rule, files)
        for forbid in forbids
        if forbid.identifier is None and before_paths
    ]
    for permit in identities:
        known = _known(permit, files)
        beaten = [forbid for forbid in forbids if _beats(permit, forbid, known)]
        if beaten:
            found.append(_specific_loss(permit, beaten, files))
    return found


def _beats(permit: _Native, forbid: _Native, known: list[FileFacts]) -> bool:
    """Whether Santa could let ``permit`` win where the baseline lets ``forbid``."""
    own, other = permit.identifier, forbid.identifier
    if own is None or other is None or own[0] >= other[0]:
        return False
    if own[0] is RuleType.SIGNINGID and other[0] is RuleType.TEAMID:
        return False  # the same team would have been dead, another is disjoint
    # A hash names one content; if that is known not to be forbidden, nothing can go wrong.
    return not known or any(holds(forbid.rule.match, facts) is not False for facts in known)


def _path_loss(rule: Rule, files: tuple[FileFacts, ...]) -> Loss:
    return loss(
        "L021",
        Drift.WIDENS,
        target=_TARGET,
        covers=(rule.match,),
        files=files,
        rule=rule,
        message="santa evaluates path rules after every identity rule, so permits win here",
        remedy="forbid the files by hash or signer, or accept L021 for santa with a reason",
    )


def _specific_loss(permit: _Native, beaten: list[_Native], files: tuple[FileFacts, ...]) -> Loss:
    names = sorted({item.source.name or str(item.source.origin) for item in beaten})
    return loss(
        "L022",
        Drift.WIDENS,
        target=_TARGET,
        covers=tuple(AllOf(permit.rule.match.atoms | item.rule.match.atoms) for item in beaten),
        files=files,
        rule=permit.source,
        message=f"santa lets this more specific permit win over {', '.join(names)}",
        remedy="scan the file so that the conflict can be decided, or accept L022 for santa",
    )


def _santa_rule(identifier: tuple[RuleType, str], rule: Rule) -> SantaRule:
    permit = rule.effect is Effect.PERMIT
    return SantaRule(
        type=identifier[0],
        identifier=identifier[1],
        policy=RulePolicy.ALLOWLIST if permit else RulePolicy.BLOCKLIST,
        comment=_text(rule.name),
    )


def _text(text: str) -> str:
    cleaned = "".join(char if char.isprintable() else "?" for char in text)
    return cleaned if len(cleaned) <= 200 else cleaned[:197] + "..."
