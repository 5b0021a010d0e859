"""File capabilities: the names in a file's ``security.capability`` attribute.

Source: linux/capability.h (struct vfs_cap_data, the numbers), capabilities(7).
"""

from __future__ import annotations

import os
import struct

_ATTRIBUTE = b"security.capability"
_NAMES = (
    "chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable "
    "net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio "
    "sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time "
    "sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog "
    "wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore"
).split()
_WORDS = {1: 1, 2: 2, 3: 2}


def of_file(path: bytes) -> tuple[str, ...]:
    """The permitted and inheritable capabilities of a file, none where it has no attribute."""
    try:
        raw = os.getxattr(path, _ATTRIBUTE, follow_symlinks=False)
    except OSError:
        # Most files have none, and some file systems cannot hold any.
        return ()
    return parse(raw)


def parse(raw: bytes) -> tuple[str, ...]:
    """The names in an attribute value, sorted; ``cap_NUMBER`` for one without a name."""
    if len(raw) < 4:
        return ()
    (head,) = struct.unpack_from("<I", raw)
    words = _WORDS.get(head >> 24, 0)
    if len(raw) < 4 + 8 * words:
        return ()
    bits = 0
    for index in range(words):
        permitted, inheritable = struct.unpack_from("<II", raw, 4 + 8 * index)
        bits |= (permitted | inheritable) << 32 * index
    return tuple(
        sorted(
            f"cap_{_NAMES[number]}" if number < len(_NAMES) else f"cap_{number}"
            for number in range(32 * words)
            if bits >> number & 1
        )
    )
