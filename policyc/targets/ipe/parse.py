"""IPE's policy text to the model, as security/ipe/policy_parser.c reads it."""

from __future__ import annotations

import re

from policyc.model.artifact import Artifact
from policyc.targets.base import ArtifactError
from policyc.targets.ipe.model import IpePolicy, IpeRule

_OPERATIONS = frozenset(
    {"EXECUTE", "FIRMWARE", "KMODULE", "KEXEC_IMAGE", "KEXEC_INITRAMFS", "POLICY", "X509_CERT"}
)
_ACTIONS = frozenset({"ALLOW", "DENY"})
_TRUTH = re.compile(r"TRUE|FALSE")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_ROOT = re.compile(r"[a-z0-9-]+:[0-9a-f]+")
_PROPERTIES = {
    "boot_verified": _TRUTH.fullmatch,
    "dmverity_signature": _TRUTH.fullmatch,
    "fsverity_signature": _TRUTH.fullmatch,
    "dmverity_roothash": _ROOT.fullmatch,
    "fsverity_digest": _DIGEST.fullmatch,
}
_VERSION = re.compile(r"([0-9]{1,5})\.([0-9]{1,5})\.([0-9]{1,5})", re.ASCII)


def parse(artifacts: tuple[Artifact, ...]) -> IpePolicy:
    """Read one policy text; raises ArtifactError."""
    if len(artifacts) != 1:
        raise ArtifactError(f"one policy text is read, not {len(artifacts)}")
    (artifact,) = artifacts
    try:
        text = artifact.data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArtifactError("not UTF-8", artifact=artifact.name) from error
    header: tuple[str, tuple[int, int, int]] | None = None
    defaults: dict[str | None, str] = {}
    rules: list[IpeRule] = []
    for number, line in enumerate(text.replace("\r", "\n").split("\n"), 1):
        words = line.partition("#")[0].split()
        try:
            if not words:
                continue
            if header is None:
                header = _header(words)
            elif words[0] == "DEFAULT":
                _default(words[1:], defaults)
            else:
                rules.append(_rule(words))
        except ValueError as error:
            raise ArtifactError(str(error), artifact=artifact.name, line=number) from error
    if header is None:
        raise ArtifactError("no header", artifact=artifact.name)
    if None not in defaults and not defaults.keys() >= _OPERATIONS:
        raise ArtifactError("no default for some operation", artifact=artifact.name)
    name, version = header
    return IpePolicy(
        name=name, version=version, defaults=tuple(defaults.items()), rules=tuple(rules)
    )


def _header(words: list[str]) -> tuple[str, tuple[int, int, int]]:
    if len(words) != 2 or not words[0].startswith("policy_name="):
        raise ValueError("the header is policy_name=… policy_version=…")
    match = _VERSION.fullmatch(words[1].removeprefix("policy_version="))
    name = words[0].removeprefix("policy_name=")
    if not name or not words[1].startswith("policy_version=") or match is None:
        raise ValueError("the header is policy_name=… policy_version=MAJOR.MINOR.REVISION")
    first, second, third = (int(part) for part in match.groups())
    if max(first, second, third) > 0xFFFF:
        raise ValueError("a part of the version is above 65535")
    return name, (first, second, third)


def _pair(word: str, key: str, known: frozenset[str]) -> str:
    name, equals, value = word.partition("=")
    if name != key or not equals or value not in known:
        raise ValueError(f"{word!r} is not {key}=… as IPE knows it")
    return value


def _default(words: list[str], defaults: dict[str | None, str]) -> None:
    if len(words) not in (1, 2):
        raise ValueError("a default is DEFAULT [op=…] action=…")
    operation = _pair(words[0], "op", _OPERATIONS) if len(words) == 2 else None
    if operation in defaults:
        raise ValueError("a default stands twice")
    defaults[operation] = _pair(words[-1], "action", _ACTIONS)


def _rule(words: list[str]) -> IpeRule:
    if len(words) < 2:
        raise ValueError("a rule is op=… [property=…] action=…")
    properties = []
    for word in words[1:-1]:
        name, _, value = word.partition("=")
        if name not in _PROPERTIES or not _PROPERTIES[name](value):
            raise ValueError(f"{word!r} is no property that IPE knows")
        properties.append((name, value))
    return IpeRule(
        op=_pair(words[0], "op", _OPERATIONS),
        properties=tuple(properties),
        action=_pair(words[-1], "action", _ACTIONS),
    )
