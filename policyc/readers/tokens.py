"""Signs of script languages in text.

Each sign is a linear expression with a literal that is looked for first, which costs a tenth.
One sign proves nothing about a text that may be a text; two independent signs of a language
do, and one is enough where the name says that the content is no text at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class _Token:
    """A sign of a language in lower-case text; one of ``needs`` stands in every match."""

    pattern: re.Pattern[bytes]
    needs: tuple[bytes, ...]


def _token(pattern: bytes, *needs: bytes) -> _Token:
    return _Token(re.compile(pattern, re.MULTILINE), needs)


_BEGINNING = 4096

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
            _token(rb"^@?\"?[\w:\\.-]{1,200}\.exe\"?[ \t]", b".exe"),
            _token(rb"\.exe\"?[ \t]+[/-]\w", b".exe"),
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
            _token(rb"\brequire[ \t]*\([ \t]*['\"]", b"require"),
            _token(
                rb"^[ \t]*(?:var|let|const)[ \t]+[\w$\{][\w$\{, }]{0,79}=", b"var", b"let", b"const"
            ),
            _token(
                rb"\bfunction\b(?:[ \t]+[\w$]{1,80})?[ \t]*\([^)\n]{0,200}\)[ \t\r\n]*\{",
                b"function",
            ),
            _token(rb"\bmodule\.exports\b|\bexports\.\w", b"exports"),
            _token(rb"^['\"]use strict['\"]", b"use strict"),
            _token(
                rb"\b(?:eval|settimeout|console\.log)[ \t]*\(",
                b"eval",
                b"settimeout",
                b"console.log",
            ),
            _token(rb"\([^)\n]{0,80}\)[ \t]*=>[ \t]*\{", b"=>"),
        ),
    ),
    (
        "php",
        (
            _token(rb"<\?php\b", b"<?php"),
            _token(rb"<\?=", b"<?="),
            _token(rb"\b(?:eval|system|base64_decode|shell_exec|passthru)[ \t]*\([ \t]*\$", b"("),
            _token(rb"^[ \t]*\$\w+[ \t]*=[^=]", b"$"),
            _token(rb"\b(?:echo|print)[ \t(]+['\"$]", b"echo", b"print"),
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
    (
        "hta",
        (
            _token(rb"<hta:application\b", b"<hta:"),
            _token(rb"<script\b[^>]{0,200}(?:vbscript|jscript)", b"<script"),
            _token(rb"<script\b", b"<script"),
            _token(rb"\b(?:activexobject|createobject)[ \t]*\(", b"activexobject", b"createobject"),
            _token(rb"\bwindow\.(?:close|resizeto|moveto)\b", b"window."),
        ),
    ),
    (
        "script markup",
        (
            _token(rb"<(?:job|package)\b[^>]{0,200}>", b"<job", b"<package"),
            _token(
                rb"<(?:scriptlet|component|registration)\b",
                b"<scriptlet",
                b"<component",
                b"<registration",
            ),
            _token(rb"<script\b[^>]{0,200}language", b"<script"),
            _token(rb"<!\[cdata\[", b"<![cdata["),
            _token(rb"<(?:ms|msxsl|xsl):script\b", b":script"),
            _token(rb"<xsl:(?:stylesheet|transform|template|value-of)\b", b"<xsl:"),
            _token(rb"xmlns:(?:user|ms|msxsl|xsl)=", b"xmlns:"),
        ),
    ),
    (
        "jsp",
        (
            _token(rb"<%@[ \t]*(?:page|taglib|include|import)\b", b"<%@"),
            _token(rb"<%[=!]?[ \t\r\n]", b"<%"),
            _token(rb"<(?:jsp|c|fmt):\w", b"<jsp:", b"<c:", b"<fmt:"),
            _token(rb"\brequest\.getparameter[ \t]*\(", b"getparameter"),
            _token(rb"\bruntime\.getruntime\b", b"getruntime"),
        ),
    ),
    (
        "msbuild",
        (
            _token(
                rb"<project\b[^>]{0,300}(?:xmlns|sdk|toolsversion|defaulttargets)[ \t]*=",
                b"<project",
            ),
            _token(
                rb"<(?:usingtask|target|propertygroup|itemgroup)\b",
                b"<usingtask",
                b"<target",
                b"<propertygroup",
                b"<itemgroup",
            ),
            _token(rb"<code\b[^>]{0,100}language", b"<code"),
        ),
    ),
    (
        "perl",
        (
            _token(rb"^[ \t]*use[ \t]+(?:strict|warnings|[A-Za-z]+::\w+)", b"use"),
            _token(rb"^[ \t]*(?:my|our)[ \t]+[\$@%(]", b"my", b"our"),
            _token(rb"^sub[ \t]+\w+", b"sub"),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Signs:
    """The signs of one language: how many, and the first with its place in the text."""

    language: str
    count: int
    offset: int
    evidence: bytes


def strongest(body: bytes) -> Signs | None:
    """The language with the most signs in ``body`` (see ``plain``), None without any."""
    lower = body.lower()
    best: Signs | None = None
    for language, tokens in _TOKENS:
        hits = [
            hit
            for token in tokens
            if any(need in lower for need in token.needs)
            and (hit := token.pattern.search(lower)) is not None
        ]
        if hits and (best is None or len(hits) > best.count):
            first = min(hits, key=lambda hit: hit.start())
            evidence = body[first.start() : first.end()][:64]
            best = Signs(language, len(hits), first.start(), evidence)
    return best


@lru_cache(maxsize=2)
def _of_beginning(start: bytes) -> Signs | None:
    """Two readers ask about the same text, one after the other."""
    return None if _is_prose(start) else strongest(start)


def beginning(body: bytes) -> Signs | None:
    """``strongest`` for a text that may be prose about code: its first 4 KiB, if no prose."""
    return _of_beginning(body[:_BEGINNING])


def _is_prose(body: bytes) -> bool:
    """Whether a third of the lines are sentences: six words and hardly a sign between them."""
    lines = [line for line in body.split(b"\n") if line.strip()]
    sentences = sum(
        len(words := line.split()) >= 6
        and sum(word.strip(b".,:;!?()'\"").isalpha() for word in words) * 4 >= len(words) * 3
        and not line.lstrip().startswith((b"#", b"//", b"'", b"*", b"rem ", b"REM ", b"::", b"<"))
        for line in lines
    )
    return sentences * 3 >= len(lines)


def plain(head: bytes) -> bytes:
    """The text in a byte form that signs can be searched in: UTF-16 becomes UTF-8."""
    if head.startswith(b"\xff\xfe"):
        return head[2:].decode("utf-16-le", "replace").encode("utf-8", "replace")
    if head.startswith(b"\xfe\xff"):
        return head[2:].decode("utf-16-be", "replace").encode("utf-8", "replace")
    return head.removeprefix(b"\xef\xbb\xbf")
