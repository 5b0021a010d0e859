"""Faults to be found: one small change of the source each, as a slip of the hand would be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seed:
    """In ``module``, ``old`` (which stands there once) becomes ``new``; ``what`` goes wrong."""

    target: str
    module: str
    old: str
    new: str
    what: str

    @property
    def part(self) -> str:
        """Which arrow of the pipeline is hurt."""
        return self.module.rpartition(".")[2]


def _on(target: str, part: str, old: str, new: str, what: str) -> Seed:
    return Seed(target, f"policyc.targets.{target}.{part}", old, new, what)


def _shared(target: str, part: str, old: str, new: str, what: str) -> Seed:
    return Seed(target, f"policyc.lowering.{part}", old, new, what)


SEEDS = (
    # App Control
    _on(
        "wdac",
        "assemble",
        "FileRuleKind.ALLOW if native.rule.effect is Effect.PERMIT else FileRuleKind.DENY",
        "FileRuleKind.DENY if native.rule.effect is Effect.PERMIT else FileRuleKind.ALLOW",
        "permits by file rule are denies",
    ),
    _on(
        "wdac",
        "assemble",
        "(group.allowed if permit else group.denied)[signer.id]",
        "group.allowed[signer.id]",
        "denied signers are allowed",
    ),
    _on(
        "wdac",
        "assemble",
        "high=version.high if bounded or version.high != HIGHEST else None",
        "high=None",
        "the upper version bound is forgotten",
    ),
    _on(
        "wdac",
        "assemble",
        "        product_name=product.name,\n",
        "",
        "the product's name is forgotten",
    ),
    _on(
        "wdac",
        "conditions",
        "root, name = leaf.tbs, name or leaf.common_name",
        "root, name = leaf.tbs, None",
        "the leaf's own name is left out",
    ),
    _on(
        "wdac",
        "conditions",
        'text = pattern.text.replace("**", "*")',
        'text = pattern.text.replace("**", "*").rstrip("*") + "*"',
        "one file becomes all that begins with its path",
    ),
    _on(
        "wdac",
        "publishers",
        "return Drift.NARROWS if rule.effect is Effect.PERMIT else Drift.WIDENS",
        "return Drift.WIDENS if rule.effect is Effect.PERMIT else Drift.NARROWS",
        "the direction of L016 is turned",
    ),
    _on(
        "wdac",
        "form_losses",
        "isinstance(atom, SignedBy) and atom.leaf is None",
        "isinstance(atom, SignedBy) and atom.leaf is not None",
        "L029 stands on the wrong rules",
    ),
    _on(
        "wdac",
        "write",
        "Hash=None if rule.hash is None else rule.hash.upper()",
        "Hash=None if rule.hash is None else rule.hash.upper()[::-1]",
        "hashes are written backwards",
    ),
    _on(
        "wdac",
        "write",
        "MinimumFileVersion=None if rule.low is None",
        "MinimumFileVersion=None if rule.low is not None",
        "lower version bounds are not written",
    ),
    _on(
        "wdac",
        "read",
        "line=element.sourceline or 0,\n        **values,",
        'line=element.sourceline or 0,\n        **{**values, "low": None},',
        "lower version bounds are not read",
    ),
    _on(
        "wdac",
        "evaluate",
        "if denied is True:",
        "if denied is None:",
        "an explicit deny does not win",
    ),
    _on(
        "wdac",
        "match",
        "return None if facts.writable_by_users is UNKNOWN else not facts.writable_by_users",
        "return True",
        "path rules count where users can write",
    ),
    _on(
        "wdac",
        "match",
        'leaf is None or leaf.key == "ec"',
        "leaf is None",
        "elliptic signatures count",
    ),
    _on(
        "wdac",
        "facets",
        "return name, (word.upper(),)",
        "return name, (word,)",
        "the index compares names with case",
    ),
    # AppLocker
    _on(
        "applocker",
        "lower",
        "action=Action.ALLOW if rule.effect is Effect.PERMIT else Action.DENY",
        "action=Action.ALLOW",
        "forbids are allows",
    ),
    _on(
        "applocker",
        "lower",
        "(item, condition, _exceptions(rule, condition, item))",
        "(item, condition, ())",
        "exceptions are dropped",
    ),
    _on(
        "applocker",
        "lower",
        "        own[placeholder.id] = placeholder\n",
        "",
        "a collection may be empty, which allows everything",
    ),
    _on(
        "applocker",
        "lower",
        "if needs_signature(rule.match) and",
        "if False and",
        "L019 is forgotten",
    ),
    _on(
        "applocker",
        "conditions",
        'text = pattern.text.replace("**", "*")',
        'text = pattern.text.replace("\\\\**", "*")',
        "a tree's folder only begins like it",
    ),
    _on(
        "applocker",
        "conditions",
        "high=product.version.high",
        "high=product.version.low",
        "the upper version bound is the lower one",
    ),
    _on(
        "applocker",
        "conditions",
        "collections -= PE_COLLECTIONS",
        "collections &= PE_COLLECTIONS",
        "flat hashes stand in the collections of programs only",
    ),
    _on(
        "applocker",
        "xml",
        "_section(condition.high, HIGHEST)",
        "_section(condition.high, condition.high)",
        "the upper version bound is written as *",
    ),
    _on(
        "applocker",
        "read",
        'low=_version(span, "LowSection", LOWEST)',
        "low=LOWEST",
        "the lower version bound is not read",
    ),
    _on(
        "applocker",
        "read",
        "exceptions=exceptions",
        "exceptions=()",
        "exceptions are not read",
    ),
    _on("applocker", "decide", "if denied is True:", "if False:", "an explicit deny does not win"),
    _on(
        "applocker",
        "match",
        "condition.low <= version <= condition.high",
        "condition.low <= version < condition.high",
        "the upper version bound is left out",
    ),
    _on(
        "applocker",
        "match",
        "        if inner is True:\n            return False\n",
        "",
        "an exception that holds lifts nothing",
    ),
    # fapolicyd
    _on(
        "fapolicyd",
        "lower",
        "for decision, items in ((DENY, forbids), (ALLOW, permits))",
        "for decision, items in ((ALLOW, permits), (DENY, forbids))",
        "permits stand before forbids",
    ),
    _on(
        "fapolicyd",
        "lower",
        "    rules += _closing(policy)\n",
        "",
        "the closing denies are forgotten",
    ),
    _on(
        "fapolicyd",
        "hashes",
        "range(0, len(ordered), _SET_SIZE)",
        "range(_SET_SIZE, len(ordered), _SET_SIZE)",
        "the first set of hashes is lost",
    ),
    _on(
        "fapolicyd",
        "lower",
        'return (("dir", pattern.directory),)',
        'return (("dir", pattern.directory[:-1]),)',
        "a tree's folder only begins like it",
    ),
    _on(
        "fapolicyd",
        "lower",
        "types += [EXECUTABLE, SHARED, BAD]",
        "types += [EXECUTABLE]",
        "forbidden folders do not forbid libraries",
    ),
    _on(
        "fapolicyd",
        "hashes",
        "        and digest.value in permitted\n",
        "",
        "every known file is trusted",
    ),
    _on(
        "fapolicyd",
        "hashes",
        "return tuple(sorted(set().union(*(item.digests for item in items))))",
        "return tuple(sorted(set().union(*(item.digests[:1] for item in items))))",
        "of a list of hashes only the first is kept",
    ),
    _on(
        "fapolicyd",
        "lower",
        "rule = replace(bare, subject=item.subject)",
        "rule = bare",
        "a rule for some is one for everybody",
    ),
    _on("fapolicyd", "printer", "perm={rule.perm}", "perm=open", "every rule is about opening"),
    _on(
        "fapolicyd",
        "printer",
        'f"{path} {size} ',
        'f"{path} {size + 1} ',
        "trust entries have a wrong size",
    ),
    _on(
        "fapolicyd",
        "parse",
        "object=_side(rest[colon + 1 :], _OBJECT, sets)",
        "object=_side(rest[colon + 1 :], _OBJECT, sets)[:1]",
        "only the first field of an object is read",
    ),
    _on(
        "fapolicyd",
        "evaluate",
        'own == (value == "1")',
        'own != (value == "1")',
        "trusted means not trusted",
    ),
    _on(
        "fapolicyd",
        "evaluate",
        "facts.ftype, self.trusted(facts), numbers",
        "facts.ftype, None, numbers",
        "files are taken for alike whatever trust says",
    ),
    _on(
        "fapolicyd",
        "evaluate",
        'rule.decision.startswith("allow")',
        'rule.decision.startswith("a")and rule.perm != "any"',
        "allow rules of any permission deny",
    ),
    # Santa
    _on(
        "santa",
        "lower",
        "policy=RulePolicy.ALLOWLIST if permit else RulePolicy.BLOCKLIST",
        "policy=RulePolicy.ALLOWLIST",
        "forbids are allows",
    ),
    _on(
        "santa",
        "lower",
        "blocked_path_regex=_joined(paths[Effect.FORBID])",
        'blocked_path_regex=""',
        "forbidden paths are lost",
    ),
    _on(
        "santa",
        "lower",
        "        if beaten:\n",
        "        if not beaten:\n",
        "L022 stands on the wrong rules",
    ),
    _on(
        "santa",
        "lower",
        "forbid.identifier is None and before_paths",
        "forbid.identifier is not None and before_paths",
        "L021 stands on the wrong rules",
    ),
    _on(
        "santa",
        "lower",
        "if any(True for _ in containers.of(permit.rule.match)):",
        "if False:",
        "dead permits are kept",
    ),
    _on("santa", "conditions", '"[^/]*"', '".*"', "* crosses separators"),
    _on("santa", "conditions", '"(?s:.*)"', '"[^/]*"', "** stays within a component"),
    _on(
        "santa",
        "emit",
        'keys["BlockedPathRegex"] = model.blocked_path_regex',
        'keys["BlockedPathRegex"] = model.allowed_path_regex',
        "the blocked expression is the allowed one",
    ),
    _on(
        "santa",
        "parse",
        "return text.lower()",
        "return text.upper()",
        "hashes are read in upper case",
    ),
    _on(
        "santa",
        "decide",
        'blocks = state.value.endswith("BLOCKLIST")',
        "blocks = False",
        "a blocking rule allows",
    ),
    _on(
        "santa",
        "floor",
        "denied = list(_CRITICAL)",
        "denied = []",
        "a forbid of a critical program is said to hold",
    ),
    _on(
        "santa",
        "lower",
        "if permit and release >= PLATFORM_SINCE:",
        "if release >= PLATFORM_SINCE:",
        "a forbid of platform code writes nothing and no loss says so",
    ),
    _on(
        "santa",
        "decide",
        "for kind in RuleType:",
        "for kind in reversed(RuleType):",
        "the least specific rule wins",
    ),
    _on(
        "santa",
        "evaluate",
        "piece.flags & _ENFORCED",
        "True",
        "a CDHash counts without enforcement",
    ),
    # What all targets share
    _shared(
        "wdac",
        "expand",
        "losses.extend(_expansion_losses(rule, files, target, found))",
        "pass",
        "the Loss of an expansion is forgotten",
    ),
    _shared(
        "fapolicyd",
        "expand",
        "Drift.WIDENS if permit else Drift.NARROWS,\n            target=target,\n"
        "            covers=tuple(item.match for item in found)",
        "Drift.NARROWS if permit else Drift.WIDENS,\n            target=target,\n"
        "            covers=tuple(item.match for item in found)",
        "the direction of L011 is turned",
    ),
    _shared(
        "wdac",
        "authenticode",
        "found = [] if contents and len(images) == len(contents) else [rule]",
        "found = []",
        "flat hashes of unknown content are dropped",
    ),
    _shared(
        "santa",
        "specialise",
        "        if own is not None:\n",
        "        if own is not None and rule.effect is Effect.PERMIT:\n",
        "forbids are left out",
    ),
    _shared(
        "fapolicyd",
        "specialise",
        "return rule if kept == rule.unless else replace(rule, unless=kept)",
        "return replace(rule, unless=frozenset())",
        "exceptions are left out",
    ),
    _shared(
        "santa",
        "principals",
        "return None if permit else replace",
        "return replace(rule, principals=frozenset()) if permit else replace",
        "a permit for some is one for everybody",
    ),
)
