"""fapolicyd's MIME type of a file, as far as its own code decides it.

Source: get_file_type_from_fd, gather_elf, classify_elf_info, extract_shebang_interpreter,
mime_from_shebang, detect_by_magic_number and detect_text_format in src/library/file.c
(1.4.3 and later). What those functions leave to libmagic is UNKNOWN here, and so is the language
of a script that earlier daemons, which ask libmagic alone, take for text: they know an interpreter
by the beginning of its path, and only in what is text. Measured on 1.1.7 with libmagic 5.44; the
paths are those of fapolicyd-magic and of the oldest libmagic of a distribution that has fapolicyd.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from policyc.model.facts import UNKNOWN, Fact

_KNOWN_INTERPRETERS = frozenset(
    {
        "/lib64/ld-linux-x86-64.so.2",
        "/lib/ld-linux.so.2",
        "/usr/lib64/ld-linux-x86-64.so.2",
        "/usr/lib/ld-linux.so.2",
        "/lib/ld.so.2",
        "/lib/ld-linux-armhf.so.3",
        "/lib/ld-linux-aarch64.so.1",
        "/lib/ld64.so.1",
        "/lib64/ld64.so.2",
    }
)
_LIBRARY_WITH_INTERPRETER = re.compile(r"(?:/usr)?/lib(?:64)?/(?:libc-2|libc\.so|libpthread-2)")
_BY_PREFIX = (
    ("python", "text/x-python"),
    ("perl", "text/x-perl"),
    ("lua", "text/x-lua"),
    ("node", "application/javascript"),
    ("stap", "text/x-systemtap"),
    ("php", "text/x-php"),
)
_OLD = (
    (
        re.compile(
            rb"#! ?(?:/bin/(?:ba)?sh|/usr/bin/(?:env )?(?:ba)?sh|(?:/usr)?/bin/(?:z|tc)sh)"
            rb"(?: |\r|\n|\Z)"
        ),
        "text/x-shellscript",
    ),
    (re.compile(rb"#! ?/usr/bin/(?:env )?python[0-9.]*(?: |\r|\n|\Z)"), "text/x-python"),
    (re.compile(rb"#! ?/usr/bin/(?:env )?perl(?: |\r|\n|\Z)"), "text/x-perl"),
    (re.compile(rb"#! ?/usr/bin/lua[0-9.]*(?: |\r|\n|\Z)"), "text/x-lua"),
    (
        re.compile(rb"#! ?/usr/bin/(?:env )?node(?:js)?(?: |\r|\n|\Z)"),
        "application/javascript",
    ),
    (re.compile(rb"#! ?/usr/bin/php[0-9.]*(?: |\r|\n|\Z)"), "text/x-php"),
)
"""What libmagic knows in every version of a distribution that has fapolicyd."""
_BLANKS = re.compile(rb"[ \t]+")
_NO_TEXT = re.compile(rb"[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f]")
_IMAGE = slice(32769, 32774)
"""Where an ISO 9660 image says CD001: it is one to libmagic, whatever stands before."""
TEXT_BYTES = 1 << 20
"""How much of a file some libmagic looks at before it calls it text."""
_VERSIONED = frozenset({"wish", "tclsh", "jimsh"})
"""text/x-tcl in some versions, text/x-shellscript (their names end in "sh") in others."""
_BY_MAGIC = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"\x1f\x8b", "application/gzip"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ElfView:
    """What fapolicyd gathers about an ELF file; ``bad`` when its header checks fail."""

    type: int
    bad: bool
    interpreter: str | None
    dynamic: bool
    debug: bool


def of_elf(view: ElfView, path: str) -> Fact[str | None]:
    """The type of an ELF file; None where fapolicyd itself has no answer ("?").

    UNKNOWN for a program interpreter outside fapolicyd's list: whether that is
    ``application/x-bad-elf`` depends on the version and on the interpreter's own trust.
    """
    if view.bad:
        return "application/x-bad-elf"
    if view.interpreter is not None and view.interpreter not in _KNOWN_INTERPRETERS:
        return UNKNOWN
    named = {2: "application/x-executable", 1: "application/x-object", 4: "application/x-coredump"}
    if view.type in named:
        return named[view.type]
    if view.interpreter is not None:
        library = _LIBRARY_WITH_INTERPRETER.match(path)
        return "application/x-sharedlib" if library else "application/x-executable"
    if view.dynamic:
        return "application/x-executable" if view.debug else "application/x-sharedlib"
    return None


def of_bytes(head: bytes, size: int) -> Fact[str | None]:
    """The type of a file that is not ELF, from its beginning and its size.

    The first 512 bytes decide, of a script ``TEXT_BYTES``.
    """
    if size == 0:
        return "application/x-empty"
    whole, head = head, head[:512]
    if head[:4] == b"\x7fELF" and len(head) >= 16:
        return "application/x-bad-elf"
    if head[:2] == b"#!":
        name = _interpreter(head)
        if name in _VERSIONED:
            return UNKNOWN
        found = _of_interpreter(name)
        if found is not None:
            return found if found == _of_libmagic(whole) else UNKNOWN
    if len(head) < 4:
        return UNKNOWN
    for magic, mime in _BY_MAGIC:
        if head.startswith(magic):
            return mime
    if head[2:4] == b"\r\n":
        # Taken for Python byte code, whatever the first two bytes are.
        return "application/x-bytecode.python"
    if head[:2] != b"#!" and min(head) >= 0x09:
        return _of_text(head)
    return UNKNOWN


def _of_text(head: bytes) -> Fact[str | None]:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\n\r")
    if len(text) < 5:
        return UNKNOWN
    lower = text[:14].lower()
    if lower == b"<!doctype html" or lower.startswith(b"<html"):
        return "text/html"
    if text.startswith(b"<?xml"):
        return "application/xml"
    if text[:1] in b"{[" and (b'"' in text[:64] or b":" in text[:64]):
        return "application/json"
    return UNKNOWN


def _interpreter(head: bytes) -> str:
    """The base name of the shebang's interpreter as fapolicyd cuts it (``python3``)."""
    line = head[2:255].split(b"\0", 1)[0]
    line = re.split(rb"[\r\n]", line.lstrip(b" \t"), maxsplit=1)[0]
    words = re.split(rb"[ \t]+", line)
    name = words[0].rpartition(b"/")[2]
    if name == b"env":
        rest = [word for word in words[1:] if word]
        while rest and rest[0].startswith(b"-"):
            rest.pop(0)
        name = rest[0].rpartition(b"/")[2] if rest else b""
    text = name.decode("latin-1")
    return re.split(r"\.|(?<=[0-9])[0-9]", text, maxsplit=1)[0]


def _of_libmagic(data: bytes) -> str | None:
    """What daemons before 1.4.3 say of a script, where that does not depend on its libmagic."""
    line = _BLANKS.sub(b" ", data[:255])
    mime = next((mime for pattern, mime in _OLD if pattern.match(line)), None)
    return None if data[_IMAGE] == b"CD001" or _NO_TEXT.search(data) else mime


def _of_interpreter(name: str) -> str | None:
    if name.endswith("sh") and len(name) >= 2:
        return "text/x-shellscript"
    for prefix, mime in _BY_PREFIX:
        if name.startswith(prefix):
            return mime
    return None
