"""Members of containers: archives, packages, installers, disk and container images.

Nothing is written under a name: a member is read in memory or in an unnamed temporary file.
Links inside a container are no files; what a budget cuts off is a recorded skip.
"""

from __future__ import annotations

from policyc.readers.containers.expand import expand, opens
from policyc.readers.containers.member import Budget, Member

__all__ = ["Budget", "Member", "expand", "opens"]
