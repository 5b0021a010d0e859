"""A Group Policy object as the backup folder that ``Import-GPO`` reads.

Sources: a backup of NSA's policy, whose structure is followed, and two public scripts that make
such folders for ``Import-GPO`` and leave the same fields empty: domain, controller, security
descriptor, report. Nothing was imported here: no domain was at hand.

Import-GPO takes the settings only, so the object's rights are those of the object it goes into.
Identifiers come from the content and the time is fixed, so that one policy has one backup.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from lxml import etree

from policyc.model.ir import NAMESPACE

_OPERATIONS = "http://www.microsoft.com/GroupPolicy/GPOOperations"
_MANIFEST = f"{_OPERATIONS}/Manifest"
_BKP = f"{{{_OPERATIONS}}}"
_TIME = "2000-01-01T00:00:00"
_VERSION = "65537"
"""Version 1 in the directory (upper half) and in the system volume (lower half)."""

_REGISTRY = "{35378EAC-683F-11D2-A89A-00C04FBBCFA2}"
_SECURITY = "{827D319E-6EAC-11D2-A4EA-00C04F79F83A}"
_FOLDERS = "{F15C46CD-82A0-4C2D-A210-5D0D3182A418}"
_EXTENSIONS = (
    f"[{_REGISTRY}{{62C1845D-C4A6-4ACB-BBB0-C895FD090385}}]"
    f"[{_SECURITY}{{803E14A0-B4FB-11D0-A0D0-00A0C90F574B}}]"
)
_MACHINE = "DomainSysvol\\GPO\\Machine"
_TEMPLATE = "microsoft\\windows nt\\SecEdit\\GptTmpl.inf"


def backup_files(registry: bytes, template: bytes, name: str) -> Mapping[str, bytes]:
    """The files by their path below the folder that ``Import-GPO -Path`` names.

    ``registry`` is a registry.pol, ``template`` the security template with the service's start.
    """
    content = registry + b"\0" + template
    identifier = _guid("backup", content)
    policy = _guid("object", content)
    instance = _instance(policy, identifier, name)
    manifest = etree.Element(f"{{{_MANIFEST}}}Backups", nsmap={None: _MANIFEST, "mfst": _MANIFEST})
    manifest.set(f"{{{_MANIFEST}}}version", "1.0")
    manifest.append(_instance(policy, identifier, name))
    machine = f"{identifier}/{_MACHINE}".replace("\\", "/")
    return {
        "manifest.xml": _bytes(manifest),
        f"{identifier}/Backup.xml": _bytes(_scheme(policy, name)),
        f"{identifier}/bkupInfo.xml": _bytes(instance),
        f"{machine}/registry.pol": registry,
        f"{machine}/{_TEMPLATE}".replace("\\", "/"): template,
    }


def _guid(what: str, content: bytes) -> str:
    text = f"applocker {what} {content.hex()}"
    return f"{{{str(uuid.uuid5(NAMESPACE, text)).upper()}}}"


def _instance(policy: str, identifier: str, name: str) -> etree._Element:
    """What the console lists: the object, the backup, when and of what."""
    values = {
        "GPOGuid": policy,
        "GPODomain": "",
        "GPODomainGuid": "",
        "GPODomainController": "",
        "BackupTime": _TIME,
        "ID": identifier,
        "Comment": "",
        "GPODisplayName": name,
    }
    root = etree.Element(f"{{{_MANIFEST}}}BackupInst", nsmap={None: _MANIFEST})
    for key, value in values.items():
        _field(root, f"{{{_MANIFEST}}}{key}", value)
    return root


def _scheme(policy: str, name: str) -> etree._Element:
    root = etree.Element(
        f"{_BKP}GroupPolicyBackupScheme", nsmap={"bkp": _OPERATIONS, None: _OPERATIONS}
    )
    root.set(f"{_BKP}version", "2.0")
    root.set(f"{_BKP}type", "GroupPolicyBackupTemplate")
    own = etree.SubElement(root, f"{_BKP}GroupPolicyObject")
    etree.SubElement(own, f"{_BKP}SecurityGroups")
    etree.SubElement(own, f"{_BKP}FilePaths")
    settings = etree.SubElement(own, f"{_BKP}GroupPolicyCoreSettings")
    values = {
        "ID": policy,
        "Domain": "",
        "SecurityDescriptor": "",
        "DisplayName": name,
        "Options": "0",
        "UserVersionNumber": "0",
        "MachineVersionNumber": _VERSION,
        "MachineExtensionGuids": _EXTENSIONS,
        "UserExtensionGuids": "",
        "WMIFilter": "",
    }
    for key, value in values.items():
        _field(settings, f"{_BKP}{key}", value)
    _file(_extension(own, _REGISTRY, "Registry"), "registry.pol")
    security = _file(_extension(own, _SECURITY, "Security"), _TEMPLATE)
    security.set(f"{_BKP}ReEvaluateFunction", "SecurityValidateSettings")
    folders = _extension(own, _FOLDERS, "Unknown Extension")
    for folder in ("Microsoft", "Microsoft\\Windows NT", "Microsoft\\Windows NT\\SecEdit"):
        item = etree.SubElement(folders, f"{_BKP}FSObjectDir")
        _placed(item, folder)
    return root


def _extension(parent: etree._Element, identifier: str, name: str) -> etree._Element:
    element = etree.SubElement(parent, f"{_BKP}GroupPolicyExtension")
    element.set(f"{_BKP}ID", identifier)
    element.set(f"{_BKP}DescName", name)
    return element


def _file(parent: etree._Element, path: str) -> etree._Element:
    return _placed(etree.SubElement(parent, f"{_BKP}FSObjectFile"), path)


def _placed(element: etree._Element, path: str) -> etree._Element:
    element.set(f"{_BKP}Path", f"%GPO_MACH_FSPATH%\\{path}")
    element.set(f"{_BKP}Location", f"{_MACHINE}\\{path}")
    return element


def _field(parent: etree._Element, tag: str, value: str) -> None:
    element = etree.SubElement(parent, tag)
    if value:
        element.text = etree.CDATA(value)


def _bytes(root: etree._Element) -> bytes:
    data: bytes = etree.tostring(root, xml_declaration=True, encoding="utf-8")
    return data.replace(b"\n", b"\r\n") + b"\r\n"
