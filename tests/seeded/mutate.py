"""A seeded fault in the running program: the code of changed functions is put in and taken out."""

from __future__ import annotations

import importlib
import inspect
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.seeded.seeds import Seed


@contextmanager
def seeded(seed: Seed) -> Iterator[None]:
    """Run with the fault; raises AssertionError if the source no longer has the place."""
    module = importlib.import_module(seed.module)
    source = inspect.getsource(module)
    count = source.count(seed.old)
    assert count == 1, f"{seed.module} has {count} times {seed.old!r}; write the seed anew"
    changed = types.ModuleType(seed.module)
    changed.__file__ = module.__file__
    code = compile(source.replace(seed.old, seed.new), str(module.__file__), "exec")
    exec(code, changed.__dict__)  # noqa: S102  (our own source)
    swapped = list(_swap(vars(module), vars(changed), seed.module))
    assert swapped, f"{seed.what}: no function has changed"
    try:
        yield
    finally:
        for function, original in swapped:
            function.__code__ = original
            _forget(module)


def _swap(
    own: dict[str, Any], changed: dict[str, Any], module: str
) -> Iterator[tuple[types.FunctionType, types.CodeType]]:
    """Give every function and method of a module the code it has in the changed one."""
    for name, value in own.items():
        other = changed.get(name)
        if isinstance(value, type) and value.__module__ == module and other is not None:
            yield from _swap(dict(vars(value)), dict(vars(other)), module)
            continue
        function, twin = _plain(value), _plain(other)
        if function is None or twin is None or function.__module__ != module:
            continue
        if _text(function.__code__) != _text(twin.__code__):
            yield function, function.__code__
            function.__code__ = twin.__code__


def _plain(value: object) -> types.FunctionType | None:
    value = getattr(value, "__wrapped__", value)
    value = value.fget if isinstance(value, property) else value
    return value if isinstance(value, types.FunctionType) else None


def _text(code: types.CodeType) -> tuple[object, ...]:
    inner = tuple(
        _text(item) if isinstance(item, types.CodeType) else repr(item) for item in code.co_consts
    )
    return code.co_code, inner, code.co_names


def _forget(module: types.ModuleType) -> None:
    for value in vars(module).values():
        clear = getattr(value, "cache_clear", None)
        if clear is not None:
            clear()
