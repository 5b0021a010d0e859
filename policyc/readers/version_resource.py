"""The VS_VERSIONINFO resource of a PE image.

Source: "Version Information" and "The .rsrc Section" (Microsoft). Only the StringFileInfo
block that the first VarFileInfo\\Translation entry names counts (VersionInfo.cpp of
AaronLockerV2); without such a block the strings do not exist.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from policyc.model.facts import VersionInfo
from policyc.model.version import FileVersion
from policyc.readers.limits import Limits
from policyc.readers.resource_tree import ResourceTree

_RT_VERSION = 16
_FIXED_SIGNATURE = 0xFEEF04BD
_FIXED_SIZE = 52
_MAX_RESOURCE = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of the resource: its key, its value bytes and the range of its children."""

    key: str
    value: bytes
    children: tuple[int, int]


def read(tree: ResourceTree, limits: Limits) -> VersionInfo | None:
    """Read the first version resource of an image, None without a readable one."""
    data = tree.data(_RT_VERSION, None, _MAX_RESOURCE)
    return None if data is None else parse(data, limits)


def parse(data: bytes, limits: Limits) -> VersionInfo | None:
    """Read a VS_VERSIONINFO structure; None if it is not one."""
    root = _block(data, 0, len(data))
    if root is None or root.key != "VS_VERSION_INFO":
        return None
    version = None
    if len(root.value) >= _FIXED_SIZE:
        signature, _, high, low = struct.unpack_from("<4I", root.value)
        if signature == _FIXED_SIGNATURE:
            version = FileVersion(high << 32 | low)
    parts = tuple(_children(data, root.children, limits))
    strings = _strings(data, parts, limits)
    return VersionInfo(
        product_name=strings.get("productname"),
        original_filename=strings.get("originalfilename"),
        internal_name=strings.get("internalname"),
        file_description=strings.get("filedescription"),
        company_name=strings.get("companyname"),
        file_version=version,
    )


def _translation(data: bytes, parts: tuple[Block, ...], limits: Limits) -> str | None:
    for part in parts:
        if part.key != "VarFileInfo":
            continue
        for variable in _children(data, part.children, limits):
            if variable.key == "Translation" and len(variable.value) >= 4:
                language, page = struct.unpack_from("<HH", variable.value)
                return f"{language:04x}{page:04x}"
    return None


def _strings(data: bytes, parts: tuple[Block, ...], limits: Limits) -> dict[str, str]:
    """The strings of the translated block by lower-case name; empty values are left out."""
    wanted = _translation(data, parts, limits)
    found: dict[str, str] = {}
    for part in parts:
        if part.key != "StringFileInfo":
            continue
        for table in _children(data, part.children, limits):
            if table.key.lower() != wanted:
                continue
            for entry in _children(data, table.children, limits):
                text = entry.value.decode("utf-16-le", "replace").split("\0", 1)[0]
                if text:
                    found.setdefault(entry.key.lower(), text)
            return found
    return found


def _children(data: bytes, span: tuple[int, int], limits: Limits) -> Iterator[Block]:
    offset, end = span
    for _ in range(limits.max_version_strings):
        offset = _align(offset)
        block = _block(data, offset, end)
        if block is None:
            return
        yield block
        offset += struct.unpack_from("<H", data, offset)[0]


def _block(data: bytes, offset: int, end: int) -> Block | None:
    if offset + 6 > end:
        return None
    length, value_length, kind = struct.unpack_from("<HHH", data, offset)
    stop = min(offset + length, end)
    if length < 6:
        return None
    key_end = _key_end(data, offset + 6, stop)
    if key_end is None:
        return None
    key = data[offset + 6 : key_end].decode("utf-16-le", "replace")
    value_start = _align(key_end + 2)
    # A text value is counted in characters by the documentation, in bytes by some tools:
    # text runs to the end of its block and is cut at its NUL.
    value_end = stop if kind == 1 else min(value_start + value_length, stop)
    if kind == 1 and value_length == 0:
        value_end = value_start
    return Block(
        key=key,
        value=data[value_start:value_end],
        children=(
            _align(min(value_start + value_length, stop)) if kind == 0 else value_start,
            stop,
        ),
    )


def _key_end(data: bytes, start: int, stop: int) -> int | None:
    position = start
    while True:
        position = data.find(b"\0\0", position, stop)
        if position < 0:
            return None
        if (position - start) % 2 == 0:
            return position
        position += 1


def _align(offset: int) -> int:
    return (offset + 3) & ~3
