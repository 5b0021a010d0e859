"""Scripts: by shebang, by an extension that an interpreter is registered for, by tokens.

Source: execve(2) for the shebang line; "Working with AppLocker rules" and the Windows Script
Host for the extensions. A plain text is only called a script by its content if two
independent tokens of one language are in it and its name gives no better explanation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from policyc.model.diagnostic import Proof
from policyc.model.facts import UNKNOWN, Fact, ScriptFacts, Signature
from policyc.model.formats import FileFormat, FormatClass
from policyc.readers import powershell
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

_PLAIN = frozenset({"", "txt", "log", "dat", "tmp", "csv", "bin", "bak", "old"})
"""Extensions under which a script may hide; other text has its own explanation."""


@dataclass(frozen=True, slots=True)
class _Token:
    """A sign of a language in lower-case text; one of ``needs`` stands in every match."""

    pattern: re.Pattern[bytes]
    needs: tuple[bytes, ...]


def _token(pattern: bytes, *needs: bytes) -> _Token:
    return _Token(re.compile(pattern, re.MULTILINE), needs)


# Looking for the literal first costs a tenth of looking for the pattern.
_TOKENS: tuple[tuple[str, tuple[_Token, ...]], ...] = (
    (
        "batch",
        (
            _token(rb"^@?echo[ \t]+off\b", b"echo"),
            _token(rb"^@?(?:setlocal|endlocal)\b", b"setlocal", b"endlocal"),
            _token(rb"%~[dpnxfs]*[0-9]", b"%~"),
            _token(rb"^@?goto[ \t]+:?\w", b"goto"),
            _token(
                rb"^@?if[ \t]+(?:not[ \t]+)?(?:exist|errorlevel|defined)\b",
                b"exist",
                b"errorlevel",
                b"defined",
            ),
            _token(rb"^@?set[ \t]+\w+=", b"set"),
            _token(rb"^@?rem[ \t]", b"rem"),
            _token(rb"^@?(?:start|call)[ \t]+\S", b"start", b"call"),
        ),
    ),
    (
        "powershell",
        (
            _token(rb"^[ \t]*\[cmdletbinding\(", b"[cmdletbinding("),
            _token(rb"^[ \t]*param[ \t]*\(", b"param"),
            _token(rb"\bnew-object[ \t]+\S", b"new-object"),
            _token(
                rb"\b(?:invoke-expression|invoke-webrequest|start-process|set-strictmode)\b",
                b"invoke-",
                b"start-process",
                b"set-strictmode",
            ),
            _token(rb"\$(?:_|env:|psscriptroot|null|true|false)\b", b"$"),
            _token(rb"\bwrite-(?:host|output|error|verbose)\b", b"write-"),
            _token(rb"^[ \t]*function[ \t]+\w+-\w+", b"function"),
            _token(
                rb"\[(?:system\.)?(?:convert|text\.encoding|io\.file|reflection\.assembly)\]::",
                b"]::",
            ),
        ),
    ),
    (
        "vbscript",
        (
            _token(
                rb"^[ \t]*(?:set[ \t]+\w+[ \t]*=[ \t]*)?(?:wscript\.)?createobject[ \t]*\(",
                b"createobject",
            ),
            _token(rb"=[ \t]*createobject[ \t]*\(", b"createobject"),
            _token(
                rb"\bwscript\.(?:shell|echo|sleep|quit|arguments|scriptfullname)\b", b"wscript."
            ),
            _token(rb"^[ \t]*option[ \t]+explicit\b", b"explicit"),
            _token(rb"^[ \t]*on[ \t]+error[ \t]+resume[ \t]+next\b", b"resume"),
            _token(rb"^[ \t]*dim[ \t]+\w+[ \t\r]*(?:,|$)", b"dim"),
            _token(rb"^[ \t]*end[ \t]+(?:sub|function|if)\b", b"end"),
        ),
    ),
    (
        "javascript",
        (
            _token(rb"\bnew[ \t]+activexobject[ \t]*\(", b"activexobject"),
            _token(rb"\bwscript\.(?:createobject|shell|echo|sleep|quit|arguments)\b", b"wscript."),
        ),
    ),
    (
        "php",
        (
            _token(rb"\A\s*<\?php\b", b"<?php"),
            _token(rb"\$_(?:get|post|request|server|files|cookie)\b", b"$_"),
        ),
    ),
    (
        "python",
        (
            _token(
                rb"^(?:import|from)[ \t]+[\w.]+(?:[ \t]+import\b|[ \t\r]*$)", b"import", b"from"
            ),
            _token(rb"^if[ \t]+__name__[ \t]*==[ \t]*['\"]__main__['\"]", b"__main__"),
            _token(rb"^(?:def|class)[ \t]+\w+[^\n]{0,200}:[ \t\r]*$", b"def", b"class"),
        ),
    ),
    (
        "shell",
        (
            _token(rb"^[ \t]*set[ \t]+-[eux]+\b", b"set"),
            _token(rb"^[ \t]*(?:fi|esac|done)[ \t\r]*$", b"fi", b"esac", b"done"),
            _token(rb"\bcurl[ \t][^\n|]{0,200}\|[ \t]*(?:ba)?sh\b", b"curl"),
            _token(rb"^[ \t]*(?:export|local)[ \t]+\w+=", b"export", b"local"),
            _token(rb"^[ \t]*if[ \t]+\[\[?[ \t]", b"if"),
        ),
    ),
)
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
    body = plain(head)
    lower = body.lower()
    best: tuple[int, str, re.Match[bytes]] | None = None
    for language, tokens in _TOKENS:
        hits = [
            hit
            for token in tokens
            if any(need in lower for need in token.needs)
            and (hit := token.pattern.search(lower)) is not None
        ]
        if len(hits) >= 2 and (best is None or len(hits) > best[0]):
            best = (len(hits), language, min(hits, key=lambda hit: hit.start()))
    if best is None:
        return None
    shift = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    return Recognised(
        facts=ScriptFacts(language=best[1]),
        offset=best[2].start() + shift if body == head[shift:] else 0,
        evidence=body[best[2].start() : best[2].end()][:64] if body == head[shift:] else b"",
        meaning=f"{best[0]} tokens of {best[1]}",
    )


def plain(head: bytes) -> bytes:
    """The text in a byte form that tokens can be searched in: UTF-16 becomes UTF-8."""
    if head.startswith(b"\xff\xfe"):
        return head[2:].decode("utf-16-le", "replace").encode("utf-8", "replace")
    if head.startswith(b"\xfe\xff"):
        return head[2:].decode("utf-16-be", "replace").encode("utf-8", "replace")
    return head.removeprefix(b"\xef\xbb\xbf")


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
