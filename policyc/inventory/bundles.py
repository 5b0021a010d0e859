"""Application bundles: the Info.plist of a main executable's bundle.

Source: "Bundle Structures" and "Information Property List" (Apple): ``X.app/Contents/MacOS``
holds the executable that ``CFBundleExecutable`` of ``X.app/Contents/Info.plist`` names.
"""

from __future__ import annotations

import os
import plistlib

from policyc.model.facts import AppBundle
from policyc.readers.codesign import BROKEN_PLIST

_MAX_PLIST = 4 << 20
_MAX_TEXT = 1024


def of_executable(path: bytes) -> AppBundle | None:
    """The bundle whose main executable stands at ``path``, None if it is no such file."""
    folder, _, name = path.rpartition(b"/")
    plist = os.path.dirname(folder) + b"/Info.plist"  # noqa: PTH120  (byte paths)
    try:
        if os.path.islink(plist):  # noqa: PTH114
            return None
        with open(plist, "rb") as file:  # noqa: PTH123
            data = file.read(_MAX_PLIST + 1)
    except OSError:
        return None
    return parse(data, os.fsdecode(name)) if len(data) <= _MAX_PLIST else None


def parse(data: bytes, executable: str) -> AppBundle | None:
    """The bundle that a property list describes, if ``executable`` is its main executable."""
    try:
        content = plistlib.loads(data)
    except BROKEN_PLIST:
        return None
    if not isinstance(content, dict) or content.get("CFBundleExecutable") != executable:
        return None
    texts = {
        key: value[:_MAX_TEXT]
        for key, value in content.items()
        if isinstance(key, str) and isinstance(value, str)
    }
    return AppBundle(
        identifier=texts.get("CFBundleIdentifier", ""),
        version=texts.get("CFBundleShortVersionString", texts.get("CFBundleVersion", "")),
        name=texts.get("CFBundleName", ""),
    )
