"""Names that people and systems trust. Extensions stand in the table of ``readers.claims``.

Sources: LOLBAS, Sigma's lists of system files and renamed binaries (names only).
"""

from __future__ import annotations

NEVER_MACROS = frozenset("docx dotx xlsx xltx pptx potx ppsx".split())
"""Office formats that promise to hold no macros."""

OPAQUE = frozenset("dat tmp bin bak old".split())
"""Extensions that say nothing about the content."""

PROTECTED = frozenset(
    f"{name}.exe"
    for name in """svchost lsass csrss smss wininit winlogon services explorer taskhostw spoolsv
    dwm conhost rundll32 regsvr32 dllhost sihost runtimebroker fontdrvhost lsaiso wermgr
    searchindexer taskmgr userinit audiodg ctfmon""".split()
)
"""Programs of Windows that live below the Windows folder only."""

RENAMED = frozenset(
    f"{name}.exe"
    for name in """cmd powershell pwsh cscript wscript mshta rundll32 regsvr32 certutil
    bitsadmin msbuild installutil regasm regsvcs cmstp psexec psexec64 procdump procdump64
    wmic msiexec schtasks reg net net1 nltest ftp curl forfiles mavinject msxsl odbcconf
    esentutl vssadmin wevtutil ie4uinit finger adfind""".split()
)
"""Programs that attackers bring or copy under another name, by their original file name."""
