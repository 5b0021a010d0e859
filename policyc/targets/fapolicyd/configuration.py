"""``fapolicyd.conf``, sized for the number of trust entries."""

from __future__ import annotations

import math

from policyc.targets.fapolicyd.model import TrustEntry

_MIB = 1 << 20


def configuration(
    version: str, trust: tuple[TrustEntry, ...], *, permissive: bool
) -> tuple[tuple[str, str], ...]:
    """Keys every daemon of ``version`` knows; an unknown key would keep it from starting.

    The database takes about 1.6 bytes for each byte of path and 84 more an entry; three
    quarters of ``db_max_size`` (MiB) may be used, and 2.x keeps two generations.
    """
    used = sum(1.6 * (len(entry.path) + 84) for entry in trust)
    size = max(10, math.ceil(used / _MIB / 0.75) + 1)
    if version == "2.0":
        size *= 3
    return (
        ("permissive", "1" if permissive else "0"),
        ("nice_val", "14"),
        ("q_size", "800"),
        ("uid", "fapolicyd"),
        ("gid", "fapolicyd"),
        ("do_stat_report", "1"),
        ("detailed_report", "1"),
        ("db_max_size", str(size)),
        ("subj_cache_size", "4099"),
        ("obj_cache_size", "8191"),
        ("watch_fs", "ext2,ext3,ext4,tmpfs,xfs,vfat,iso9660,btrfs"),
        ("trust", "file"),
        ("integrity", "sha256"),
        ("syslog_format", "rule,dec,perm,auid,pid,exe,:,path,ftype,trust"),
        ("rpm_sha256_only", "0"),
        ("allow_filesystem_mark", "0"),
    )
