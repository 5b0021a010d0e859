"""Facts about Windows that lint rules ask: folders users can write to, programs that run anything.

Only names and paths were taken, of what five or more of the sources agree on (folders) or four or
more (programs): the AppLocker policies of NSA (Windows 10 and 11 starter policies, Secure Host
Baseline; public domain), UK NCSC (Apache-2.0), AaronLocker and dcodev1702 (MIT), and the names in
UltimateAppLockerByPassList.
"""

from __future__ import annotations

WRITABLE = (
    "%SYSTEM32%\\COM\\DMP",
    "%SYSTEM32%\\FXSTMP",
    "%SYSTEM32%\\MICROSOFT\\CRYPTO\\RSA\\MACHINEKEYS",
    "%SYSTEM32%\\SPOOL\\DRIVERS\\COLOR",
    "%SYSTEM32%\\SPOOL\\PRINTERS",
    "%SYSTEM32%\\SPOOL\\SERVERS",
    "%SYSTEM32%\\TASKS",
    "%WINDIR%\\REGISTRATION\\CRMLOG",
    "%WINDIR%\\TASKS",
    "%WINDIR%\\TEMP",
    "%WINDIR%\\TRACING",
)
"""Folders of Windows that users can write to."""

_FRAMEWORK = tuple(
    f"%WINDIR%\\MICROSOFT.NET\\{folder}\\V4.0.30319" for folder in ("FRAMEWORK", "FRAMEWORK64")
)
BYPASSES = {
    "ADDINPROCESS.EXE": _FRAMEWORK,
    "ADDINPROCESS32.EXE": _FRAMEWORK,
    "ADDINUTIL.EXE": _FRAMEWORK,
    "CSCRIPT.EXE": ("%SYSTEM32%",),
    "INFDEFAULTINSTALL.EXE": ("%SYSTEM32%",),
    "INSTALLUTIL.EXE": _FRAMEWORK,
    "MSBUILD.EXE": _FRAMEWORK,
    "MSHTA.EXE": ("%SYSTEM32%",),
    "PRESENTATIONHOST.EXE": ("%SYSTEM32%",),
    "REGASM.EXE": _FRAMEWORK,
    "REGSVCS.EXE": _FRAMEWORK,
    "WMIC.EXE": ("%SYSTEM32%\\WBEM",),
    "WSCRIPT.EXE": ("%SYSTEM32%",),
}
"""Programs of Windows that run code of anybody's choice, by original file name, with folders."""

BROAD = frozenset({"S-1-1-0", "S-1-5-4", "S-1-5-11", "S-1-5-32-545"})
"""Everyone, Interactive, Authenticated Users, Users."""

PROBES = {
    "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b": "the text 1",
    "96ad1146eb96877eab5942ae0736b82d8b5e2039a80d3d6932665c1a4c87dcf7": "a comment",
}
"""What PowerShell writes to find out whether scripts are allowed (Get-AppLockerEvents.ps1)."""

REPLACEMENTS = {
    "%ALLUSERSPROFILE%": "%OSDRIVE%\\ProgramData",
    "%APPDATA%": "%OSDRIVE%\\Users\\*\\AppData\\Roaming",
    "%COMMONPROGRAMFILES%": "%PROGRAMFILES%\\Common Files",
    "%HOMEDRIVE%": "%OSDRIVE%",
    "%LOCALAPPDATA%": "%OSDRIVE%\\Users\\*\\AppData\\Local",
    "%PROGRAMDATA%": "%OSDRIVE%\\ProgramData",
    "%PROGRAMFILES(X86)%": "%PROGRAMFILES%",
    "%PROGRAMW6432%": "%PROGRAMFILES%",
    "%PUBLIC%": "%OSDRIVE%\\Users\\Public",
    "%SYSTEMDRIVE%": "%OSDRIVE%",
    "%SYSTEMROOT%": "%WINDIR%",
    "%TEMP%": "%OSDRIVE%\\Users\\*\\AppData\\Local\\Temp",
    "%TMP%": "%OSDRIVE%\\Users\\*\\AppData\\Local\\Temp",
    "%USERNAME%": "*",
    "%USERPROFILE%": "%OSDRIVE%\\Users\\*",
}
"""What to write for an environment variable, none of which AppLocker knows."""
