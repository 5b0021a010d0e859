"""Witnesses from a policy as it was read back, without a look at the baseline.

The words of every native record (hashes, names, version bounds, paths, identifiers) become
files. A rule that lowering put in and the baseline never had is met here and nowhere else.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias, get_type_hints

from policyc.model.facts import Collection, FileFacts, Platform, Trait, VersionInfo
from policyc.model.identity import (
    DIGEST_KINDS,
    AuthenticodeSha256,
    CdHash,
    CertSha256,
    Digest,
    PageHash,
    PublisherName,
    Sha256Flat,
    SigningId,
    TbsHash,
    TeamId,
)
from policyc.model.ir import SignedBy
from policyc.model.path import style_of
from policyc.model.variants import varied
from policyc.model.version import HIGHEST, LOWEST, FileVersion
from policyc.verify.signing import signature_for
from policyc.verify.synthetic import (
    Known,
    blank,
    sealed,
    with_digest,
    with_product,
    with_signature,
)
from policyc.verify.witness import FULL, bounds, paths_near

Named: TypeAlias = Mapping[type[Digest], Sequence[Container[str]]]
"""Digests that a baseline names, by their kind, in one or more parts."""
_HEX = re.compile(r"[0-9a-fA-F]{40}|[0-9a-fA-F]{64}", re.ASCII)
_SIGNERS = 4
"""Signers of the policy that are tried on every product, beside the inventory's own."""
_LABELS = frozenset({"name", "friendly_name", "description", "comment", "organization"})
"""Fields for people: what they say decides nothing."""
_PRODUCT = frozenset({"product", "product_name"})
_ORIGINAL = frozenset({"binary", "file_name"})
_VARIABLES = {
    "%OSDRIVE%": "C:",
    "%WINDIR%": "C:\\Windows",
    "%SYSTEM32%": "C:\\Windows\\System32",
    "%PROGRAMFILES%": "C:\\Program Files",
}


@dataclass(slots=True)
class _Words:
    """What one native record says, by the kind of fact it speaks of."""

    digests: list[Digest] = field(default_factory=list)
    signers: list[SignedBy] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    trees: list[str] = field(default_factory=list)
    product: str | None = None
    original: str | None = None
    internal: str | None = None
    description: str | None = None
    versions: tuple[FileVersion, ...] = ()

    @property
    def key(self) -> Hashable:
        """What two records with the same words have in common."""
        digests = tuple((type(item), item.value) for item in self.digests)
        lists = (digests, tuple(self.signers), tuple(self.paths), tuple(self.trees))
        return (*lists, self.product, self.original, self.internal, self.description, self.versions)

    @property
    def form(self) -> Hashable:
        """Which kinds of words there are."""
        words = (self.digests, self.signers, self.paths, self.trees, self.product, self.original)
        return (*map(bool, (*words, self.internal, self.description)), len(self.versions))

    def is_of(self, world: Known) -> bool:
        """Whether they only say what a file of the inventory is, which is decided with it."""
        if self.info or self.trees or not self.digests:
            return False
        own = [world.of(digest) for digest in self.digests]
        paths = {facts.path for facts in own if facts is not None}
        return len(paths) == 1 and set(self.paths) <= paths

    @property
    def info(self) -> bool:
        names = (self.product, self.original, self.internal, self.description)
        return any(names) or bool(self.versions)


def native_witnesses(
    model: object,
    world: Known,
    platform: Platform,
    collections: Iterable[Collection],
    named: Named = MappingProxyType({}),
) -> Iterator[FileFacts]:
    """Files around every record of a parsed policy, in the policy's own order.

    ``named`` are the digests of the baseline, which settle what kind of digest a text is.
    """
    blanks = [blank(platform, item) for item in sorted(collections, key=lambda each: each.value)]
    starts = [item for item in blanks if item is not None]
    settled = _Settled(named, world)
    words = _distinct((_words(record, settled) for record in _telling(model, world)), world)
    signers = list(dict.fromkeys(item for found in words for item in found.signers))
    signed = [
        signature
        for item in signers
        if (signature := signature_for(item, world, platform)) is not None
    ]
    for start in starts:
        yield sealed(start)
        for signature in signed:
            yield sealed(with_signature(start, signature))
    alike: Counter[Hashable] = Counter()
    moved: Counter[Hashable] = Counter()
    for found in words:
        form = found.form
        alike[form] += 1
        brief = alike[form] > FULL
        for digest in found.digests:
            if world.of(digest) is not None:
                # The inventory's file itself is decided with the inventory.
                moved[form] += 1
                if moved[form] > FULL:
                    continue
            yield from _of_digest(digest, starts, world)
        for text in sorted(set(found.trees) - world.trees):
            tree = (Trait(kind="fs-verity", detail=text),)
            yield from (sealed(varied(start, traits=tree)) for start in starts)
        for start in starts:
            for path in found.paths:
                yield from (sealed(varied(start, path=item)) for item in _places(path, start))
        if not found.info:
            continue
        for version in found.versions or (None,):
            info = VersionInfo(
                product_name=found.product,
                original_filename=found.original,
                internal_name=found.internal,
                file_description=found.description,
                file_version=version,
            )
            own = world.by_product.get((found.product or "").upper(), [])
            for start in starts[: 1 if brief else 2]:
                image = with_product(start, info)
                if image is not None:
                    yield sealed(image)
                    for signature in (own or signed)[:1] if brief else (*own, *signed[:_SIGNERS]):
                        yield sealed(with_signature(image, signature))


def _distinct(words: Iterable[_Words], world: Known) -> list[_Words]:
    """The same words once: many records repeat each other for another kind of file.

    Of those that only say what some file of the inventory is, the first of each form are kept.
    """
    kept: dict[Hashable, _Words] = {}
    alike: Counter[Hashable] = Counter()
    for found in words:
        if found.is_of(world):
            alike[found.form] += 1
            if alike[found.form] > FULL:
                continue
        kept.setdefault(found.key, found)
    return list(kept.values())


def _of_digest(digest: Digest, starts: list[FileFacts], world: Known) -> Iterator[FileFacts]:
    own = world.of(digest)
    if own is not None:
        yield from (varied(own, path=path) for path in paths_near(own.path)[1:])
        return
    for start in starts:
        made = with_digest(start, digest)
        if made is not None:
            yield sealed(made)


def _places(path: str, start: FileFacts) -> Iterator[str]:
    dotted = f".{start.extension}" if start.extension else ""
    literal = path.replace("*", "w")
    if path.endswith(("/", "\\")):
        literal = path + "w"
        yield path.rstrip("/\\") + "x" + dotted
    full = literal + dotted if literal != path else literal
    yield full
    yield from paths_near(full)


def _records(value: object) -> Iterator[object]:
    """Every dataclass in the model, outermost first."""
    if isinstance(value, _SCALARS):
        return
    names = _names(type(value))
    if names:
        yield value
        for name in names:
            part = getattr(value, name)
            if not isinstance(part, _SCALARS):
                yield from _records(part)
    elif isinstance(value, tuple):
        for part in value:
            if _is_leaf(type(part)):
                yield part
            elif not isinstance(part, str):
                yield from _records(part)


_SCALARS = (str, int, bytes, FileVersion, type, type(None))
_NAMES: dict[type, tuple[str, ...]] = {}


def _names(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a dataclass or a named tuple; none for anything else."""
    if kind not in _NAMES:
        own = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
        _NAMES[kind] = getattr(kind, "_fields", tuple(item.name for item in own))
    return _NAMES[kind]


_LEAVES: dict[type, bool] = {}


def _is_leaf(kind: type[Any]) -> bool:
    """Whether it is a named tuple of texts and numbers alone."""
    if kind not in _LEAVES:
        hints = get_type_hints(kind) if hasattr(kind, "_fields") else {}
        _LEAVES[kind] = bool(hints) and set(hints.values()) <= {str, int, bytes, bool}
    return _LEAVES[kind]


class _Settled:
    """Digests whose kind the baseline or the inventory settles."""

    def __init__(self, named: Named, world: Known) -> None:
        self._kinds = [
            (kind, (*named.get(kind, ()), world.by_digest[kind])) for kind in DIGEST_KINDS
        ]
        self._files = world.by_digest[Sha256Flat]
        self._met = 0

    def digests(self, text: str) -> list[Digest]:
        """The text as every kind of digest that it is known as."""
        return [
            kind(text) for kind, lists in self._kinds if any(text in digests for digests in lists)
        ]

    def texts(self, value: object) -> Iterator[str]:
        """The texts in a value; of long lists of the inventory's contents the first.

        A set of a policy has thousands, and they are decided with the inventory.
        """
        if isinstance(value, str):
            yield value
        elif isinstance(value, tuple) and not _names(type(value)):
            for part in value:
                if len(value) > FULL and part in self._files:
                    self._met += 1
                    if self._met > FULL:
                        continue
                yield from self.texts(part)


def _telling(model: object, world: Known) -> Iterator[object]:
    """The records; of those that only give a file of the inventory its name, the first.

    A trust file has 100,000 of them.
    """
    alike = 0
    files = world.by_digest[Sha256Flat]
    for record in _records(model):
        own = files.get(getattr(record, "sha256", ""))
        if own is not None and getattr(record, "path", "") == own.path:
            alike += 1
            if alike > FULL:
                continue
        yield record


def _words(record: object, settled: _Settled) -> _Words:
    """The words of a record.

    Only a text that nobody named may be of any kind: no file has one kind's digest as another's.
    """
    found = _Words()
    low = high = None
    for name in _names(type(record)):
        if name in _LABELS:
            continue
        value = getattr(record, name)
        if isinstance(value, FileVersion) and name in ("low", "high"):
            low = value if name == "low" else low
            high = value if name == "high" else high
        for text in settled.texts(value):
            digests = settled.digests(text)
            if digests:
                found.digests.extend(digests)
            else:
                _read(name, text, found)
    if (low or LOWEST, high or HIGHEST) != (LOWEST, HIGHEST):
        found.versions = bounds(low or LOWEST, high or HIGHEST)
    _read_chain(record, found)
    return found


def _read(name: str, text: str, found: _Words) -> None:
    if name in _PRODUCT and text != "*":
        found.product = text
    elif name in _ORIGINAL and text != "*":
        found.original = text
    elif name == "internal_name":
        found.internal = text
    elif name == "file_description":
        found.description = text
    elif name == "publisher" and "=" in text:
        found.signers.append(SignedBy(publisher=PublisherName(text)))
    elif name.endswith("_path_regex"):
        found.paths.extend(_expression(text))
    elif _HEX.fullmatch(text) and name != "root":
        found.digests.extend(_digests(text))
        if len(text) == 64:
            found.signers.append(SignedBy(leaf=CertSha256(text)))
    elif name == "properties" and text.startswith("sha256:"):
        found.trees.append(text.removeprefix("sha256:"))
    elif name == "identifier":
        found.signers.extend(_identifier(text))
    else:
        path = _path(text)
        if style_of(path) is not None and path.isprintable():
            found.paths.append(path)


def is_placeholder(digest: str) -> bool:
    """One digit repeated is what placeholders are written as: no file has such a digest."""
    return len(set(digest)) == 1


def _digests(text: str) -> list[Digest]:
    if is_placeholder(text):
        return []
    if len(text) == 40:
        return [CdHash(text), PageHash(text)]
    return [Sha256Flat(text), AuthenticodeSha256(text), PageHash(text)]


def _identifier(text: str) -> list[SignedBy]:
    try:
        if ":" in text:
            return [SignedBy(signing_id=SigningId(text))]
        return [SignedBy(team=TeamId(text))]
    except ValueError:
        # Not of Santa's two shapes: the evaluator cannot match a file by it either.
        return []


def _read_chain(record: object, found: _Words) -> None:
    """A certificate somewhere in the chain, and the leaf's name where the record has one."""
    root = getattr(record, "root", None)
    name = getattr(record, "publisher", None)
    if not isinstance(root, str):
        return
    try:
        tbs = TbsHash(root)
    except ValueError:
        # A well-known root number: no hash that a file could be made for.
        return
    found.signers.append(SignedBy(issuer=tbs))
    if isinstance(name, str):
        found.signers.append(SignedBy(issuer=tbs, common_name=name))


def _path(text: str) -> str:
    head, separator, tail = text.partition("\\")
    return _VARIABLES.get(head.upper(), head) + separator + tail


def _expression(text: str) -> Iterator[str]:
    """The literal beginnings of a path expression's branches."""
    for branch in re.split(r"[|()]", text):
        plain = re.match(r"(?:[\w/ ,@=-]|\\.)*", branch.lstrip("^?:"))
        literal = re.sub(r"\\(.)", r"\1", plain[0]) if plain else ""
        if literal.startswith("/"):
            yield literal
