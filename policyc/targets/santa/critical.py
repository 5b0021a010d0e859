"""Programs that Santa allows before it looks at any rule, by signing ID.

The paths are those of criticalSystemBinaryPaths in SNTRuleTable.mm; a Mac adds what else its
Endpoint Security framework mutes. Santa reads the signing IDs from the files when it starts; here
they are inferred from the paths.
"""

from __future__ import annotations

SANTA_TEAM = "ZMCG7MLDV9"
"""North Pole Security, who sign Santa."""

_OF_MACOS = """WindowServer tccd cfprefsd securityd opendirectoryd sandboxd syspolicyd runningboardd
amfid watchdogd trustd dyld xpcproxy ocspd"""
_OF_SANTA = "ctl bundleservice metricservice syncservice sleigh netd"

CRITICAL = frozenset(
    {f"platform:com.apple.{name}" for name in _OF_MACOS.split()}
    | {f"{SANTA_TEAM}:com.northpolesec.santa.{name}" for name in _OF_SANTA.split()}
    | {f"{SANTA_TEAM}:com.northpolesec.santa"}
)

FLOOR = {
    "platform:com.apple.mdmclient": "the MDM client of macOS",
    f"{SANTA_TEAM}:com.northpolesec.santa.daemon": "Santa's own system extension",
}
"""What no policy should block, though Santa would: without it nobody can take a policy back."""
