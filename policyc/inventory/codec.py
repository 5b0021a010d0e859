"""Facts to JSON types and back, driven by the dataclasses' own annotations."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from policyc.model.facts import PackageRef, PosixFacts
from policyc.model.identity import DistinguishedName
from policyc.model.signatures import Certificate, Signature
from policyc.model.version import FileVersion


def encode(value: Any) -> Any:  # noqa: ANN401
    """JSON types for a value; nulls, empty texts and empty lists are left out of objects.

    One-value types become their text, versions ``a.b.c.d``, bytes hexadecimal.
    """
    kind: Any = type(value)
    return _encoder(kind)(value)


@cache
def _encoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401
    if kind is str:
        return _text
    if kind in (type(None), int, bool):
        return lambda value: value
    if kind is tuple:
        return lambda value: [encode(item) for item in value]
    if issubclass(kind, enum.Enum):
        return lambda value: value.value
    if kind is bytes:
        return bytes.hex
    if kind is FileVersion:
        return str
    names = _field_names(kind)
    if names in (("value",), ("attributes",)):
        (only,) = names
        return lambda value: encode(getattr(value, only))

    def fields_of(value: Any) -> dict[str, Any]:  # noqa: ANN401
        found = {}
        for name in names:
            item = getattr(value, name)
            if item is not None and (item := encode(item)) not in ("", []):
                found[name] = item
        return found

    return fields_of


def _text(text: str) -> str:
    """Text JSON can carry: a lone surrogate becomes a replacement character."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


@cache
def _field_names(kind: type) -> tuple[str, ...]:
    if not is_dataclass(kind):
        raise TypeError(f"{kind.__name__} has no place in an inventory row")
    return tuple(field.name for field in fields(kind))


@cache
def decoder(kind: Any) -> Callable[[Any], Any]:  # noqa: ANN401
    """Makes values of type ``kind``; raises ValueError or TypeError where one does not fit."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        options = [item for item in get_args(kind) if item is not type(None)]
        options = [item for item in options if get_origin(item) is not Literal]
        inner = decoder(options[0])
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        element = get_args(kind)[0]
        if kind == tuple[str, str]:
            return lambda value: (str(value[0]), str(value[1]))
        inner = decoder(element)
        return lambda value: tuple(inner(item) for item in value or ())
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind
    if kind is bytes:
        return bytes.fromhex
    if kind is FileVersion:
        return FileVersion.parse
    if kind in (str, int, bool):
        return _plain(kind)
    return _dataclass_decoder(kind)


def _plain(kind: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:  # noqa: ANN401
        if value is None:
            return kind()
        if not isinstance(value, kind):
            raise TypeError(f"expected {kind.__name__}, got {value!r}")
        return value

    return check


def _from_text(kind: type) -> Callable[[Any], Any]:
    def build(value: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, str):
            raise TypeError(f"expected text for {kind.__name__}, got {value!r}")
        return kind(value)

    return build


def _dataclass_decoder(kind: type) -> Callable[[Any], Any]:
    names = _field_names(kind)
    if names == ("value",):
        return _from_text(kind)
    if kind is DistinguishedName:
        return lambda value: DistinguishedName(
            attributes=tuple((str(item[0]), str(item[1])) for item in value or ())
        )
    hints = typing.get_type_hints(kind)
    inner = {name: decoder(hints[name]) for name in names}
    texts = [
        field.name
        for field in fields(kind)
        if field.default is MISSING and hints[field.name] in (str, bytes)
    ]

    def build(value: Any) -> Any:  # noqa: ANN401
        if not isinstance(value, dict):
            raise TypeError(f"expected an object for {kind.__name__}, got {value!r}")
        present = {name: value[name] for name in names if value.get(name) is not None}
        # Empty texts are left out of objects.
        present = {**dict.fromkeys(texts, ""), **present}
        return kind(**{name: inner[name](item) for name, item in present.items()})

    return _shared(build) if kind in _SHARED else build


_SHARED = (Certificate, PackageRef, PosixFacts, Signature)
"""Kinds that many files have in common: one value for all of them saves time and memory."""
_KEPT = 65_536


def _shared(build: Callable[[Any], Any]) -> Callable[[Any], Any]:
    kept: dict[bytes, Any] = {}

    def get(value: Any) -> Any:  # noqa: ANN401
        key = msgspec.json.encode(value)
        found = kept.get(key)
        if found is None:
            found = build(value)
            if len(kept) >= _KEPT:
                kept.clear()
            kept[key] = found
        return found

    return get
