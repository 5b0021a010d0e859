"""Scripts: by shebang, by an extension that an interpreter is registered for, by tokens.

Source: execve(2) for the shebang line; "Working with AppLocker rules" and the Windows Script
Host for the extensions. A plain text is only called a script by its content if two
independent tokens of one language are in it and its name gives no better explanation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from policyc.model.diagnostic import Proof
from policyc.model.facts import UNKNOWN, Fact, ScriptFacts
from policyc.model.formats import FileFormat, FormatClass
from policyc.model.signatures import Signature
from policyc.readers import powershell, tokens
from policyc.readers.limits import Limits
from policyc.readers.reader import Reader, Reading
from policyc.readers.source import Source

SHEBANG = re.compile(rb"#![ \t]*(/[^\s\0]*)[ \t]*([^\r\n\0]*)")
_HEAD = 64 * 1024

HOSTED = {
    "bat": "batch",
    "cmd": "batch",
    "hta": "hta",
    "js": "javascript",
    "jse": "javascript",
    "ps1": "powershell",
    "ps1xml": "powershell",
    "psc1": "powershell",
    "psd1": "powershell",
    "psm1": "powershell",
    "sct": "scriptlet",
    "vbe": "vbscript",
    "vbs": "vbscript",
    "wsc": "scriptlet",
    "wsf": "wsf",
    "wsh": "wsf",
}
"""Extensions that a Windows script host runs whatever the file's first bytes are."""

LANGUAGES = {
    **HOSTED,
    "applescript": "applescript",
    "awk": "awk",
    "bash": "shell",
    "cjs": "javascript",
    "command": "shell",
    "csh": "shell",
    "fish": "shell",
    "groovy": "groovy",
    "jsp": "jsp",
    "ksh": "shell",
    "lua": "lua",
    "mjs": "javascript",
    "php": "php",
    "php3": "php",
    "php4": "php",
    "php5": "php",
    "phtml": "php",
    "pl": "perl",
    "pm": "perl",
    "py": "python",
    "pyw": "python",
    "r": "r",
    "rb": "ruby",
    "sh": "shell",
    "tcl": "tcl",
    "tcsh": "shell",
    "zsh": "shell",
}
"""Languages by extension, for files that are text."""

_INTERPRETERS = (
    ("python", "python"),
    ("pypy", "python"),
    ("perl", "perl"),
    ("ruby", "ruby"),
    ("php", "php"),
    ("node", "javascript"),
    ("deno", "javascript"),
    ("bun", "javascript"),
    ("lua", "lua"),
    ("pwsh", "powershell"),
    ("powershell", "powershell"),
    ("tclsh", "tcl"),
    ("wish", "tcl"),
    ("expect", "tcl"),
    ("awk", "awk"),
    ("gawk", "awk"),
    ("mawk", "awk"),
    ("sed", "sed"),
    ("make", "make"),
    ("Rscript", "r"),
    ("osascript", "applescript"),
    ("groovy", "groovy"),
    ("guile", "scheme"),
    ("stap", "systemtap"),
    ("busybox", "shell"),
)

_BY_TOKENS = frozenset({"batch", "powershell", "vbscript", "javascript", "php", "python", "shell"})
"""Languages that a plain text may be in without its name saying so."""

_PLAIN = frozenset({"", "txt", "log", "dat", "tmp", "csv", "bin", "bak", "old"})
"""Extensions under which a script may hide; other text has its own explanation."""


_SIGNATURE_BLOCK = re.compile(rb"SIG[^\r\n]{1,8}(?:Begin|End) signature block", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A script and the bytes that show it; ``offset`` is where they stand."""

    facts: ScriptFacts
    offset: int
    evidence: bytes
    meaning: str


def of_shebang(head: bytes) -> Recognised | None:
    """The script that the first line names an interpreter for, or None."""
    match = SHEBANG.match(head)
    if match is None:
        return None
    interpreter = match[1].decode("utf-8", "replace")
    arguments = match[2].decode("utf-8", "replace").strip()
    facts = ScriptFacts(
        language=language_of(interpreter, arguments),
        interpreter=interpreter,
        arguments=arguments,
    )
    return Recognised(facts=facts, offset=0, evidence=match[0][:64], meaning="shebang line")


def language_of(interpreter: str, arguments: str) -> str:
    """The language of a shebang's interpreter; behind ``env`` that of its first operand."""
    name = interpreter.rpartition("/")[2]
    if name == "env":
        operands = [word for word in arguments.split() if word[0] != "-" and "=" not in word]
        name = operands[0].rpartition("/")[2] if operands else ""
    for prefix, language in _INTERPRETERS:
        if name.startswith(prefix):
            return language
    return "shell" if name.endswith("sh") else name or "unknown"


def of_extension(extension: str, *, text: bool) -> Recognised | None:
    """The script that the file's extension makes it, or None."""
    language = (LANGUAGES if text else HOSTED).get(extension)
    if language is None:
        return None
    return Recognised(
        facts=ScriptFacts(language=language), offset=0, evidence=b"", meaning="extension"
    )


def of_tokens(head: bytes, extension: str, claimed: tuple[FileFormat, ...]) -> Recognised | None:
    """The script that two independent tokens show, or None.

    Only names that promise no text of their own kind are looked at: none, ``.txt``,
    ``.log`` and the like, or a document, medium or archive.
    """
    lures = (FormatClass.DOCUMENT, FormatClass.MEDIA, FormatClass.CONTAINER)
    if extension not in _PLAIN and not any(item.format_class in lures for item in claimed):
        return None
    body = tokens.plain(head)
    found = tokens.beginning(body)
    if found is None or found.count < 2 or found.language not in _BY_TOKENS:
        return None
    shift = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    exact = body == head[shift:]
    return Recognised(
        facts=ScriptFacts(language=found.language),
        offset=found.offset + shift if exact else 0,
        evidence=found.evidence if exact else b"",
        meaning=f"{found.count} tokens of {found.language}",
    )


def signatures(source: Source, language: str, limits: Limits) -> Fact[tuple[Signature, ...]]:
    """The signatures of a text; UNKNOWN for a block of a language other than PowerShell."""
    tail = source.read(max(0, source.size - _HEAD), _HEAD)
    # The literal first: most scripts are unsigned, and the pattern is slow.
    narrow = tail.replace(b"\0", b"") if b"\0" in tail else tail
    if b"ignature block" not in narrow or not _SIGNATURE_BLOCK.search(narrow):
        return ()
    return powershell.signatures(source, limits) if language == "powershell" else UNKNOWN


def reading(found: Recognised, source: Source, limits: Limits) -> Reading:
    """The facts of a recognised script."""
    proofs = (
        (Proof(offset=found.offset, data=found.evidence, meaning=found.meaning),)
        if found.evidence
        else ()
    )
    signed = signatures(source, found.facts.language, limits)
    return Reading(script=found.facts, signatures=signed, proofs=proofs)


def _read(source: Source, _path: str, limits: Limits) -> Reading:
    found = of_shebang(source.read(0, 512))
    return Reading() if found is None else reading(found, source, limits)


READER = Reader(format=FileFormat.SCRIPT, read=_read)
