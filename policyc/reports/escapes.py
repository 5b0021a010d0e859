"""Text from files under judgement, made harmless for CSV, XML, Markdown and workflow commands."""

from __future__ import annotations

import re

from policyc.model.diagnostic import Level
from policyc.reports.safe import printable

SEVERITIES = {Level.ERROR: "critical", Level.WARNING: "major", Level.INFO: "info"}
"""GitLab's words for our levels."""

_XML = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
_COMMAND = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_COMMAND, ":": "%3A", ",": "%2C"}


def cell(text: str) -> str:
    """A CSV cell; one that a spreadsheet would compute gets an apostrophe."""
    shown = printable(text)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") else shown


def attribute(text: str) -> str:
    """The value of an XML attribute, without its quotes."""
    return "".join(_XML.get(char, char) for char in printable(text))


def markdown(text: str) -> str:
    """Text with every character that Markdown or HTML reads as markup written as an entity."""
    return re.sub(r"[^\w ./,:=-]|_|://", lambda hit: _entities(hit[0]), printable(text))


def _entities(text: str) -> str:
    return "".join(f"&#{ord(char)};" for char in text)


def command(text: str) -> str:
    """The message of a GitHub workflow command."""
    return "".join(_COMMAND.get(char, char) for char in printable(text))


def command_property(text: str) -> str:
    """A property of a GitHub workflow command."""
    return "".join(_PROPERTY.get(char, char) for char in printable(text))
