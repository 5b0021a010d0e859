"""Checks of members of archives."""

from __future__ import annotations

from collections.abc import Iterator

from policyc.checks.content import trait
from policyc.checks.registry import Hit, When, check
from policyc.model.diagnostic import Level
from policyc.model.facts import FileFacts


@check("M050", "unverifiable-member", "T1027.013", when=When.TRAITS)
def unverifiable_member(facts: FileFacts) -> Iterator[Hit]:
    """A member of an archive is encrypted.

    Why: nothing can say what it is; whoever sent the password can.
    Recognise: the password stands in the same message as the archive.
    """
    found = trait(facts, "encrypted")
    if found is not None:
        yield Hit(level=Level.WARNING, message=f"cannot be verified: {found.detail}")


@check("M051", "member-leaves-folder", "T1036.005", when=When.TRAITS)
def member_leaves_folder(facts: FileFacts) -> Iterator[Hit]:
    """A member's name would leave the folder that the archive is unpacked into.

    Why: it lands where it is started from, such as the Startup folder.
    Recognise: the archive's list shows names with ``..`` or with a drive letter.
    """
    found = trait(facts, "traversal")
    if found is not None:
        yield Hit(level=Level.WARNING, message=found.detail)
