"""Distinguished (and basic) encoding rules, X.690: a bounded walk over tag-length-value.

Signature blobs are taken apart here and not by a schema, as real ones mix PKCS #7 and CMS
and as every bound must be ours; certificates go to asn1crypto.
"""

from __future__ import annotations

from dataclasses import dataclass

from policyc.readers.reader import MalformedError

INTEGER, BIT_STRING, OCTET_STRING, OID, SEQUENCE, SET = 0x02, 0x03, 0x04, 0x06, 0x30, 0x31
_INDEFINITE = 0x80
_MAX_DEPTH = 24
_MAX_CHILDREN = 4096


@dataclass(frozen=True, slots=True)
class Element:
    """One element: identifier octet and the offsets of its start, content and end in ``data``."""

    data: bytes
    tag: int
    start: int
    content_start: int
    content_end: int
    end: int

    @property
    def content(self) -> bytes:
        """The content octets."""
        return self.data[self.content_start : self.content_end]

    @property
    def encoded(self) -> bytes:
        """The whole element."""
        return self.data[self.start : self.end]


def element(data: bytes, start: int = 0, end: int | None = None, *, depth: int = 0) -> Element:
    """Read the element at ``start``; raises MalformedError if it does not fit before ``end``.

    High tag numbers do not occur in signatures and are refused.
    """
    stop = len(data) if end is None else end
    if start + 2 > stop:
        raise MalformedError("DER: an element is cut off")
    tag, length = data[start], data[start + 1]
    if tag & 0x1F == 0x1F:
        raise MalformedError("DER: high tag number")
    content = start + 2
    if length == _INDEFINITE:
        return _indefinite(data, start, stop, depth)
    if length > _INDEFINITE:
        count = length & 0x7F
        if count > 4 or content + count > stop:
            raise MalformedError("DER: a length is cut off or too long")
        length = int.from_bytes(data[content : content + count], "big")
        content += count
    if content + length > stop:
        raise MalformedError("DER: an element is longer than what holds it")
    return Element(data, tag, start, content, content + length, content + length)


def _indefinite(data: bytes, start: int, stop: int, depth: int) -> Element:
    if depth >= _MAX_DEPTH or not data[start] & 0x20:
        raise MalformedError("BER: indefinite lengths are nested too deeply")
    position = start + 2
    for _ in range(_MAX_CHILDREN):
        if data[position : position + 2] == b"\0\0" and position + 2 <= stop:
            return Element(data, data[start], start, start + 2, position, position + 2)
        position = element(data, position, stop, depth=depth + 1).end
    raise MalformedError("BER: too many parts of indefinite length")


def children(parent: Element) -> tuple[Element, ...]:
    """The elements inside a constructed element; raises MalformedError."""
    found: list[Element] = []
    position = parent.content_start
    while position < parent.content_end:
        if len(found) >= _MAX_CHILDREN:
            raise MalformedError("DER: too many elements")
        item = element(parent.data, position, parent.content_end)
        found.append(item)
        position = item.end
    return tuple(found)


def oid(item: Element) -> str:
    """The dotted text of an OBJECT IDENTIFIER; raises MalformedError."""
    content = item.content
    if item.tag != OID or not content or content[-1] & 0x80 or len(content) > 64:
        raise MalformedError("DER: not an object identifier")
    numbers = []
    value = 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(value)
            value = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(str(number) for number in (first, numbers[0] - 40 * first, *numbers[1:]))


def octets(item: Element) -> bytes:
    """The bytes of an OCTET STRING, also of one in pieces (BER); raises MalformedError."""
    if item.tag == OCTET_STRING:
        return item.content
    if item.tag == OCTET_STRING | 0x20:
        parts = children(item)
        if all(part.tag == OCTET_STRING for part in parts):
            return b"".join(part.content for part in parts)
    raise MalformedError("DER: not an octet string")


def expect(item: Element, tag: int, what: str) -> tuple[Element, ...]:
    """The children of ``item``, which must have ``tag``; raises MalformedError naming ``what``."""
    if item.tag != tag:
        raise MalformedError(f"{what}: unexpected tag {item.tag:#04x}")
    return children(item)
