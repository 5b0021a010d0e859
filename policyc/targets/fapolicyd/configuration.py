"""``fapolicyd.conf``: what each version knows, and settings sized for the trust entries."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache

from policyc.targets.fapolicyd.daemon.version import DaemonVersion
from policyc.targets.fapolicyd.model import TrustEntry

_MIB = 1 << 20
_KEYS = frozenset(
    """permissive nice_val q_size uid gid do_stat_report detailed_report db_max_size
    subj_cache_size obj_cache_size watch_fs trust integrity syslog_format rpm_sha256_only
    allow_filesystem_mark""".split()
)
_LATER = (
    ((1, 3, 3), "report_interval"),
    ((1, 4, 0), "ignore_mounts"),
    ((1, 5, 0), "reset_strategy"),
    ((1, 5, 0), "timing_collection"),
    ((2, 0, 0), "decision_threads"),
)


@cache
def known_keys(version: DaemonVersion) -> frozenset[str]:
    """The keys a version knows; with any other it does not start (conf.c)."""
    return _KEYS | {name for numbers, name in _LATER if version.since(*numbers)}


def database_mib(version: DaemonVersion, paths: Iterable[str]) -> int:
    """``db_max_size`` for entries with these paths.

    An entry takes about 1.6 bytes for each byte of path and 84 more; three quarters of the
    database may be used, and 2.x keeps two generations (measured on four daemons).
    """
    known = list(paths)
    written = len("".join(known).encode("utf-8", "surrogateescape"))
    used = 1.6 * (written + 84 * len(known))
    size = max(10, math.ceil(used / _MIB / 0.75) + 1)
    return size * 3 if version.since(2, 0) else size


def configuration(
    version: DaemonVersion, trust: tuple[TrustEntry, ...], *, permissive: bool, rpm: bool = False
) -> tuple[tuple[str, str], ...]:
    """Settings for a policy. Keys that only later versions know are left out."""
    old = not version.since(1, 3, 6)
    size = database_mib(version, (entry.path for entry in trust))
    # How many files the machine's packages have is not known here; a large one has 300,000.
    size = max(size, database_mib(version, ("x" * 60 for _ in range(300_000)))) if rpm else size
    return (
        ("permissive", "1" if permissive else "0"),
        ("nice_val", "14"),
        ("q_size", "800"),
        ("uid", "fapolicyd"),
        ("gid", "fapolicyd"),
        ("do_stat_report", "1"),
        ("detailed_report", "1"),
        ("db_max_size", str(size)),
        # Slots are a process number or an inode modulo the size, so sizes are prime.
        ("subj_cache_size", "1549" if old else "4099"),
        ("obj_cache_size", "8191"),
        ("watch_fs", "ext2,ext3,ext4,tmpfs,xfs,vfat,iso9660,btrfs"),
        ("trust", "rpmdb,file" if rpm else "file"),
        ("integrity", "sha256"),
        ("syslog_format", "rule,dec,perm,auid,pid,exe,:,path,ftype,trust"),
        ("rpm_sha256_only", "0"),
        ("allow_filesystem_mark", "0"),
    )
