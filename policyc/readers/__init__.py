"""Bytes to FileFacts: one module a format, bounded, never raising for what a file contains.

The format libraries are imported when a file of their format is met, so that importing
this package stays cheap.
"""

from __future__ import annotations

from policyc.readers.file import READERS, read_bytes, read_file, read_tree
from policyc.readers.limits import Limits
from policyc.readers.reader import Reader, Reading
from policyc.readers.walk import Entry, endpoint_path, walk

__all__ = [
    "READERS",
    "Entry",
    "Limits",
    "Reader",
    "Reading",
    "endpoint_path",
    "read_bytes",
    "read_file",
    "read_tree",
    "walk",
]
