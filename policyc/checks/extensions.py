"""Extensions and names that people and systems trust or run.

Sources: ATT&CK T1204.002 and T1036.007; Outlook's and Gmail's published blocked attachment
types; Explorer's NeverShowExt registrations; the Windows Script Host; LOLBAS for names.
"""

from __future__ import annotations

RUNS = frozenset(
    """application appref-ms bat chm cmd com cpl dll exe hta jar js jse lnk msc msi msix msp
    mst pif ps1 psm1 py pyw reg scf scr sct settingcontent-ms sh shb shs url vb vbe vbs wsc wsf
    wsh xll""".split()
)
"""Extensions that run, or make something run, on a double click."""

OPENED = frozenset("img iso one onepkg vhd vhdx".split())
"""Extensions that open as a drive or a notebook, with programs one click further."""

LURES = frozenset(
    """avi bmp csv doc docx gif heic htm html jpeg jpg mov mp3 mp4 odp ods odt pdf png ppt pptx
    rtf txt wav webp xls xlsx xml zip""".split()
)
"""Extensions people take for harmless."""

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
