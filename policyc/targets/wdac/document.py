"""A SiPolicy XML document as a tree: hardened parsing, and what is wrong with it, by line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from lxml import etree

from policyc.model.version import FileVersion
from policyc.targets.base import ArtifactError

NS = "{urn:schemas-microsoft-com:sipolicy}"
LIMIT = 64 << 20
"""Bytes of a document that are read; the largest public policy has less than two million."""
_HEAD = 1 << 16
_HARDENED: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": False,
    "remove_comments": True,
    "remove_pis": True,
}
GUID = re.compile(r"\{[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\}", re.ASCII)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})*", re.ASCII)
_NUMBER = re.compile(r"\+?[0-9]{1,20}", re.ASCII)
_LOOSE_VERSION = re.compile(r"[0-9]{0,20}.[0-9]{0,20}.[0-9]{0,20}.[0-9]{0,20}", re.ASCII)
"""What the schema takes for a version; its dots are any character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that is not as it should be.

    ``schema`` says that the XML schema forbids it. ``fatal`` says that the policy cannot be
    evaluated or compiled with it.
    """

    line: int
    message: str
    schema: bool
    fatal: bool


@dataclass(slots=True)
class Notes:
    """Collects problems while a document is read."""

    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        element: Any,  # noqa: ANN401
        what: str,
        *,
        schema: bool = True,
        fatal: bool = True,
    ) -> None:
        """Record what is wrong with an element."""
        self.problems.append(
            Problem(
                line=element.sourceline or 0,
                message=f"<{tag(element)}> {what}",
                schema=schema,
                fatal=fatal,
            )
        )


def load(data: bytes) -> Any:  # noqa: ANN401
    """The root of a policy; ArtifactError if it is not well-formed or no SiPolicy.

    Nothing outside the document is read, no entity is resolved, and a document type, which a
    policy has no use for, is refused.
    """
    if len(data) > LIMIT:
        raise ArtifactError(f"more than {LIMIT >> 20} MiB are not read")
    if len(data) > _HEAD:
        _refuse_others(data[:_HEAD])
    try:
        root = etree.fromstring(data, etree.XMLParser(**_HARDENED))
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        raise ArtifactError(f"not XML: {getattr(error, 'msg', error)}", line=line) from error
    _check_root(root)
    return root


def _refuse_others(head: bytes) -> None:
    """Refuse what begins with another element before there is a tree of all of it."""
    try:
        for _, root in etree.iterparse(BytesIO(head), events=("start",), **_HARDENED):
            _check_root(root)
            return
    except etree.XMLSyntaxError:
        return  # reading it all says what is wrong


def _check_root(root: Any) -> None:  # noqa: ANN401
    if root.getroottree().docinfo.doctype:
        raise ArtifactError("a document type has no place in a policy", line=1)
    if root.tag != f"{NS}SiPolicy":
        raise ArtifactError(f"<{tag(root)}> is no SiPolicy", line=root.sourceline or 0)


def tag(element: Any) -> str:  # noqa: ANN401
    """The name without the policy's namespace."""
    return str(element.tag).removeprefix(NS)


def elements(parent: Any) -> list[Any]:  # noqa: ANN401
    """Child elements; entities that were not resolved are left out."""
    return [] if parent is None else [item for item in parent if isinstance(item.tag, str)]


def children(parent: Any, name: str, member: str, notes: Notes) -> list[Any]:  # noqa: ANN401
    """The members of the list ``name`` below ``parent``; others are problems."""
    found = []
    for item in elements(parent.find(NS + name)):
        if tag(item) == member:
            found.append(item)
        else:
            notes.add(item, f"has no place in {name}")
    return found


def content(parent: Any, name: str) -> str | None:  # noqa: ANN401
    """The text of a child without white space around it, or None if there is no child."""
    text = parent.findtext(NS + name)
    return None if text is None else str(text).strip()


def once(parent: Any, notes: Notes, known: frozenset[str]) -> None:  # noqa: ANN401
    """Children that stand there twice or have no place there: only one would count."""
    seen = set()
    for child in elements(parent):
        name = tag(child)
        if name not in known:
            notes.add(child, f"has no place in {tag(parent)}")
        elif name in seen:
            notes.add(child, "stands there twice")
        seen.add(name)


def attributes(element: Any, known: frozenset[str], notes: Notes) -> None:  # noqa: ANN401
    """Attributes that have no place there."""
    for name in sorted(str(item) for item in element.attrib):
        if name not in known and not name.startswith("{"):
            notes.add(element, f"has {name}, which the schema does not know")


def required(element: Any, name: str, notes: Notes) -> str:  # noqa: ANN401
    """The value of an attribute; its absence is a problem and reads as the empty string."""
    value: str | None = element.get(name)
    if value is None:
        notes.add(element, f"has no {name}")
    return value or ""


def identifier(element: Any, prefixes: str, notes: Notes, name: str = "ID") -> str:  # noqa: ANN401
    """An id with one of the prefixes (``ALLOW|FILE``), upper-case and legal to the schema."""
    text = required(element, name, notes)
    if text and not re.fullmatch(rf"ID_(?:{prefixes})_[A-Z][_A-Z0-9]*", text, re.ASCII):
        # Windows and the evaluator only compare ids: an illegal one is a problem of form.
        notes.add(element, f"has the {name} {text!r}, which is not ID_{prefixes}_…", fatal=False)
    return text


def hexadecimal(element: Any, name: str, notes: Notes) -> str:  # noqa: ANN401
    """An attribute's hexadecimal text in lower case."""
    text = required(element, name, notes).strip()
    if not _HEX.fullmatch(text):
        notes.add(element, f"has a {name} that is not hexadecimal")
        return ""
    return text.lower()


def is_hexadecimal(text: str) -> bool:
    """Whether the text is whole bytes in hexadecimal."""
    return _HEX.fullmatch(text.strip()) is not None


def number(element: Any, text: str, limit: int, notes: Notes) -> int | None:  # noqa: ANN401
    """A number from 0 to ``limit``, or None and a problem."""
    if not _NUMBER.fullmatch(text) or int(text) > limit:
        notes.add(element, f"has {text[:40]!r}, which is not a number from 0 to {limit}")
        return None
    return int(text)


def version(element: Any, text: str, notes: Notes) -> FileVersion | None:  # noqa: ANN401
    """A version of four numbers, or None and a problem."""
    try:
        return FileVersion.parse(text)
    except ValueError as error:
        bad = len(text) > 64 or not _LOOSE_VERSION.fullmatch(text)
        notes.add(element, str(error)[:200], schema=bad)
        return None


def guid(root: Any, name: str, notes: Notes) -> str | None:  # noqa: ANN401
    """A GUID with braces as it stands; one of another form is a problem."""
    text = content(root, name)
    if text is not None and not GUID.fullmatch(text):
        notes.add(root, f"has the {name} {text[:60]!r}, which is no GUID in braces")
    return text
