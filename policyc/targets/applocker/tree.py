"""An XML document as a tree with the exact place of each element; bounded and hardened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from policyc.targets.base import ArtifactError

LIMIT = 100 << 20
"""Bytes that are read: the largest Group Policy object ("Determine Group Policy structure")."""

_DEPTH = 32
_NODES = 2_000_000


@dataclass(slots=True)
class Node:
    """An element: its attributes, elements, and place, which count from 1.

    ``stray`` says that there is text in it that is no white space.
    """

    tag: str
    attributes: dict[str, str]
    line: int
    column: int
    children: list[Node] = field(default_factory=list)
    stray: bool = False

    def find(self, tag: str) -> Node | None:
        """The first child of a name."""
        return next((child for child in self.children if child.tag == tag), None)

    def below(self) -> Iterator[Node]:
        """Everything in it, in the order of the document."""
        for child in self.children:
            yield child
            yield from child.below()


def load(data: bytes, roots: tuple[str, ...] = ()) -> Node:
    """The root element; raises ArtifactError with line and column for what is no safe XML.

    With ``roots``, a document that begins with another element is refused without reading on.

    UTF-8, UTF-16 and the 8-bit encodings are read as the byte order mark or declaration says.
    A document type is refused, and with it every entity.
    """
    if len(data) > LIMIT:
        raise ArtifactError(f"larger than {LIMIT >> 20} MiB")
    builder = _Builder(roots)
    try:
        builder.parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        message = f"not XML: {reason}"
        raise ArtifactError(message, line=error.lineno, column=error.offset + 1) from error
    except (LookupError, ValueError) as error:  # an encoding that does not exist
        raise ArtifactError(f"not XML: {error}", line=1, column=1) from error
    finally:
        del builder.parser  # each knows the other: the tree would wait for a garbage collection
    if builder.root is None:
        raise ArtifactError("not XML: no element", line=1, column=1)
    return builder.root


class _Builder:
    def __init__(self, roots: tuple[str, ...]) -> None:
        self.root: Node | None = None
        self._roots = roots
        self._open: list[Node] = []
        self._count = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= _DEPTH:
            raise self._wrong(f"elements are more than {_DEPTH} deep")
        if self._count > _NODES:
            raise self._wrong(f"more than {_NODES:,} elements")
        line, column = self._place()
        node = Node(tag, attributes, line, column)
        if self._open:
            self._open[-1].children.append(node)
        elif self._roots and tag not in self._roots:
            raise self._wrong(f"<{tag}> is no {self._roots[0]}")
        else:
            self.root = node
        self._open.append(node)

    def _end(self, _tag: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        if text.strip():
            self._open[-1].stray = True

    def _doctype(self, *_arguments: object) -> None:
        raise self._wrong("a document type has no place in a policy")

    def _place(self) -> tuple[int, int]:
        return self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1

    def _wrong(self, message: str) -> ArtifactError:
        line, column = self._place()
        return ArtifactError(message, line=line, column=column)
