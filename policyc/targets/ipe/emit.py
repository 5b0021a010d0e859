"""The policy's text. Every token is checked by its form here, so none can become two."""

from __future__ import annotations

import re

from policyc.model.artifact import Artifact
from policyc.targets.ipe.model import IpePolicy

FILE_NAME = "ipe.policy"
_TOKEN = re.compile(r"[A-Za-z0-9._:-]+", re.ASCII)


def emit(model: IpePolicy) -> tuple[Artifact, ...]:
    """One text file, to be signed (PKCS #7) and written to securityfs."""
    version = ".".join(str(part) for part in model.version)
    lines = [f"policy_name={_token(model.name)} policy_version={_token(version)}"]
    for operation, action in model.defaults:
        named = "" if operation is None else f"op={_token(operation)} "
        lines.append(f"DEFAULT {named}action={_token(action)}")
    for rule in model.rules:
        words = [f"{_token(name)}={_token(value)}" for name, value in rule.properties]
        lines.append(" ".join((f"op={_token(rule.op)}", *words, f"action={_token(rule.action)}")))
    data = "".join(f"{line}\n" for line in lines).encode("ascii")
    return (Artifact(name=FILE_NAME, data=data, media_type="text/plain"),)


def _token(text: str) -> str:
    if not _TOKEN.fullmatch(text):
        raise ValueError(f"{text!r} is no token of an IPE policy")
    return text
