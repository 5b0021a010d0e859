"""CEL rules, checked and evaluated by the engine that Santa embeds (the extra ``policyc[cel]``).

The names are those of version 1 (cel/v1.proto), which static rules and sync v1 have. A result is a
number of ReturnValue, or a truth: true allows, false blocks; anything else is an error.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from policyc.targets.santa.model import RulePolicy

MOST_CHARACTERS = 16_384
RESULTS = {
    1: RulePolicy.ALLOWLIST,
    2: RulePolicy.ALLOWLIST_COMPILER,
    3: RulePolicy.BLOCKLIST,
    4: RulePolicy.SILENT_BLOCKLIST,
    9: RulePolicy.SILENT_GUI_BLOCKLIST,
    10: RulePolicy.SILENT_TTY_BLOCKLIST,
}
_FILE = "santa.cel.v1.ExecutableFile"
_TIME = ".google.protobuf.Timestamp"
_FIELDS = (
    ("signing_time", 1, _TIME),
    ("secure_signing_time", 2, _TIME),
    ("signing_id", 3, "string"),
    ("is_platform_binary", 5, "bool"),
    ("team_id", 6, "string"),
)
_OF_A_RUN = re.compile(r"\b(?:args|envs|euid|cwd|path)\b")
_TIME_OF_SIGNING = re.compile(r"\b(?:secure_)?signing_time\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a file says of itself; a time is RFC 3339, empty where the signature has none."""

    signing_id: str = ""
    team_id: str = ""
    is_platform_binary: bool = False
    signing_time: str = ""
    secure_signing_time: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One start of a program."""

    args: tuple[str, ...] = ()
    envs: Mapping[str, str] | None = None
    euid: int = 0
    cwd: str = "/"
    path: str = ""


def available() -> bool:
    """Whether the engine is installed."""
    wanted = ("cel_expr_python", "google.protobuf")
    try:
        return all(importlib.util.find_spec(name) is not None for name in wanted)
    except ModuleNotFoundError:
        return False


def without_texts(expression: str) -> str:
    """The expression without its quoted texts, which hold no names."""
    kept: list[str] = []
    quote, at = "", 0
    while at < len(expression):
        char = expression[at]
        if not quote and char in "\"'":
            quote = char
        elif quote and char == "\\":
            at += 1
        elif quote and char in (quote, "\n"):
            quote = ""
        elif not quote:
            kept.append(char)
        at += 1
    return "".join(kept)


def of_the_file(expression: str) -> bool:
    """Whether facts of an inventory decide: nothing of a run, and no time of signing."""
    plain = without_texts(expression)
    return _OF_A_RUN.search(plain) is None and _TIME_OF_SIGNING.search(plain) is None


def complaint(expression: str) -> str | None:
    """Why Santa would leave the rule out, or None. Raises ImportError without the engine."""
    if len(expression) > MOST_CHARACTERS:
        return f"longer than {MOST_CHARACTERS} characters"
    if any("\ud800" <= char <= "\udfff" for char in expression):
        return "no UTF-8 text"
    found = _compiled(expression)
    return found if isinstance(found, str) else None


def evaluate_cel(expression: str, target: Target, run: Run | None = None) -> RulePolicy | None:
    """The policy an expression gives; None for an error. Raises ImportError without the engine."""
    if complaint(expression) is not None:
        return None
    about = _message(target)
    own = run or Run()
    data = {
        "target": about,
        "args": list(own.args),
        "envs": dict(own.envs or {}),
        "euid": own.euid,
        "cwd": own.cwd,
        "path": own.path,
        **{policy.value: number for number, policy in RESULTS.items()},
    }
    try:
        value = _compiled(expression).eval(data=data).plain_value()
    except RuntimeError:
        return None
    if isinstance(value, bool):
        return RulePolicy.ALLOWLIST if value else RulePolicy.BLOCKLIST
    return RESULTS.get(value) if isinstance(value, int) else None


@lru_cache(maxsize=256)
def _compiled(expression: str) -> Any:  # noqa: ANN401
    """The expression, or the text of what is wrong with it."""
    from cel_expr_python import cel  # noqa: PLC0415

    try:
        found = _environment()[0].compile(expression)
    except (RuntimeError, ValueError, UnicodeError) as error:
        return _first_line(str(error))
    kind = found.return_type()
    if kind not in (cel.Type.BOOL, cel.Type.INT):
        return f"gives {kind}, not a truth or a policy"
    return found


def _first_line(text: str) -> str:
    """The engine's words without its own prefixes and pictures."""
    line = next((part for part in text.splitlines() if part.strip()), text)
    return line.partition("ERROR: ")[2] or line


@lru_cache(maxsize=1)
def _environment() -> tuple[Any, Any]:
    """The names of version 1, and the class of ``target``."""
    from cel_expr_python import cel  # noqa: PLC0415
    from cel_expr_python.ext import ext_strings  # noqa: PLC0415

    pool, message = _pool()
    kinds = cel.Type
    variables = {
        "target": kinds(_FILE),
        "args": kinds.List(kinds.STRING),
        "envs": kinds.Map(kinds.STRING, kinds.STRING),
        "euid": kinds.INT,
        "cwd": kinds.STRING,
        "path": kinds.STRING,
        **{policy.value: kinds.INT for policy in RESULTS.values()},
    }
    extensions = [ext_strings.ExtStrings()]
    return cel.NewEnv(pool, variables=variables, extensions=extensions), message


def _pool() -> tuple[Any, Any]:
    """The message of cel/v1.proto, made here: no compiler of protocols is needed."""
    from google.protobuf import (  # noqa: PLC0415
        descriptor_pb2,
        descriptor_pool,
        message_factory,
        timestamp_pb2,
    )

    field = descriptor_pb2.FieldDescriptorProto
    kinds = {_TIME: field.TYPE_MESSAGE, "string": field.TYPE_STRING, "bool": field.TYPE_BOOL}
    time = descriptor_pb2.FileDescriptorProto()
    timestamp_pb2.DESCRIPTOR.CopyToProto(time)
    file = descriptor_pb2.FileDescriptorProto(
        name="santa/cel/v1.proto", package="santa.cel.v1", syntax="proto3", dependency=[time.name]
    )
    message = file.message_type.add(name=_FILE.rpartition(".")[2])
    for name, number, kind in _FIELDS:
        own = message.field.add(
            name=name, number=number, type=kinds[kind], label=field.LABEL_OPTIONAL
        )
        if kind == _TIME:
            own.type_name = kind
            own.proto3_optional = True
            own.oneof_index = len(message.oneof_decl)
            message.oneof_decl.add(name=f"_{name}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(time)
    pool.Add(file)
    return pool, message_factory.GetMessageClass(pool.FindMessageTypeByName(_FILE))


def _message(target: Target) -> Any:  # noqa: ANN401
    found = _environment()[1](
        signing_id=target.signing_id,
        team_id=target.team_id,
        is_platform_binary=target.is_platform_binary,
    )
    for name in ("signing_time", "secure_signing_time"):
        text = getattr(target, name)
        if text:
            getattr(found, name).FromJsonString(text)
    return found
