"""One fuzz target a reader: what it is fed, and what it may raise.

A target takes bytes. Everything else than an exception it names is a finding: another
exception, a crash of the process, or more than a few seconds.
"""

from __future__ import annotations

import gzip
import io
import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import msgspec

from policyc.baseline.dump import dump_baseline
from policyc.checks import check_file
from policyc.inventory import bundles, capabilities
from policyc.inventory.exports import ExportError, read_export
from policyc.inventory.rpm_header import installed_files
from policyc.inventory.schema import from_row
from policyc.inventory.table import encode_row
from policyc.model.artifact import Artifact
from policyc.model.facts import Collection, FileFacts, Platform
from policyc.readers import catalog, certificates, cms
from policyc.readers.file import read_tree
from policyc.readers.limits import Limits
from policyc.readers.reader import MalformedError
from policyc.targets.base import ArtifactError
from policyc.targets.santa.formats.document import read_document, write_document
from policyc.targets.santa.lift import lift as lift_santa
from policyc.targets.santa.lint import lint as lint_santa
from policyc.targets.wdac.build import BuildError
from policyc.targets.wdac.build import build as build_policy
from policyc.targets.wdac.evaluate import evaluate as evaluate_app_control
from policyc.targets.wdac.keys import sign_attributes
from policyc.targets.wdac.lift import lift_artifact
from policyc.targets.wdac.lint import lint_document
from policyc.targets.wdac.model import SiPolicy
from policyc.targets.wdac.parse import is_xml
from policyc.targets.wdac.parse import parse as parse_app_control
from policyc.targets.wdac.read import read_xml
from policyc.targets.wdac.sign import attributes_to_sign, signed_container
from policyc.targets.wdac.write import write_xml
from policyc.verify.synthetic import blank
from tests.corpus import build, containers, signing
from tests.requires import SHARED
from tests.unit.targets.test_wdac_sign import KEY, OWN, signable
from tests.unit.test_packages import rpm_header

TIGHT = replace(
    Limits(), container_seconds=5.0, container_bytes=64 << 20, container_ratio_floor=1 << 20
)


@dataclass(frozen=True, slots=True)
class Target:
    """``seeds`` makes whole inputs, ``feed`` takes damaged ones, ``raises`` is expected."""

    seeds: Callable[[], list[bytes]]
    feed: Callable[[bytes], object]
    raises: tuple[type[Exception], ...] = ()


def file_target(suffix: str, seeds: Callable[[], list[bytes]]) -> Target:
    """A reader of files: members too, to a row and back, and through every check."""

    def feed(data: bytes) -> None:
        with tempfile.NamedTemporaryFile(suffix=suffix) as file:
            file.write(data)
            file.flush()
            for item in read_tree(file.name, f"/x/a{suffix}", TIGHT):
                assert from_row(msgspec.json.decode(encode_row(item))) == item
                if isinstance(item, FileFacts):
                    check_file(item)

    return Target(cache(seeds), feed)


def corpus(folder: str, suffixes: tuple[str, ...] = (), *, largest: int = 60_000) -> list[bytes]:
    """Small real files of a kind, none where the data folder is not there."""
    root = SHARED / "masquerade" / "seeds" / folder
    paths = sorted(path for path in root.rglob("*") if path.is_file()) if root.exists() else []
    return [
        path.read_bytes()
        for path in paths
        if path.stat().st_size <= largest and (not suffixes or path.suffix in suffixes)
    ][:8]


def export(suffix: str) -> Callable[[bytes], object]:
    def feed(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"x{suffix}"
            path.write_bytes(data)
            for facts in read_export(path):
                assert from_row(msgspec.json.decode(encode_row(facts))) == facts

    return feed


def signed_pe() -> list[bytes]:
    image = build.pe()
    nested = build.authenticode(image, nested=(build.authenticode(image),))
    return [build.attach(image, nested), build.signed_pe(), image]


def machos() -> list[bytes]:
    return [
        build.macho(),
        build.signed_macho(signer=build.identity(), hash_types=(1, 2, 4)),
        *corpus("macho-fat"),
    ]


def tars() -> list[bytes]:
    plain = containers.tarred([("a", b"x" * 600, ""), ("b", None, "hard:a"), ("c", None, "a")])
    return [plain, gzip.compress(plain), *corpus("zip", (".tar",))]


def images() -> list[bytes]:
    layer = containers.files_tar(a=b"#!/bin/sh\n")
    return [containers.docker_image(layer, layer), containers.oci_image(layer)]


def debs() -> list[bytes]:
    part = gzip.compress(containers.files_tar(a=b"#!/bin/sh\n"))
    return [containers.deb(part, part), *corpus("deb-rpm", (".deb",))]


def zips() -> list[bytes]:
    inner = containers.zipped([("a.exe", build.pe()), ("b/c.txt", b"text")])
    return [inner, containers.nested_zip(2, inner), containers.encrypted_zip("a", b"b")]


def plist() -> list[bytes]:
    import plistlib  # noqa: PLC0415

    content = {"CFBundleExecutable": "A", "CFBundleIdentifier": "com.a"}
    return [
        plistlib.dumps(content),
        plistlib.dumps(content, fmt=plistlib.FMT_BINARY),
    ]


def recorded_scripts() -> list[bytes]:
    folder = Path(__file__).resolve().parents[1] / "data"
    return [path.read_bytes() for path in sorted(folder.glob("*.ps1"))]


def bom() -> list[bytes]:
    file = {"type": "file", "name": "/a", "hashes": [{"alg": "SHA-256", "content": "ab" * 32}]}
    rows = [{"path": "/a", "sha256": "ab" * 32, "cdhash": "", "signed": "1", "authority": ""}]
    return [
        json.dumps({"bomFormat": "CycloneDX", "components": [file]}).encode(),
        json.dumps(rows).encode(),
        json.dumps({"columns": rows[0]}).encode() + b"\n" + json.dumps({"snapshot": rows}).encode(),
    ]


def table() -> list[bytes]:
    return [b'FileName,FolderPath,SHA256\r\na.exe,"C:\\a\\a.exe",' + b"ab" * 32 + b"\r\n"]


def _app_control() -> SiPolicy:
    """A small policy with something of everything that a baseline becomes."""
    golden = Path(__file__).resolve().parents[1] / "golden" / "wdac-levels" / "out" / "policy.xml"
    return read_xml(golden.read_bytes()).policy


def app_control_xml() -> list[bytes]:
    folder = SHARED / "wdac" / "policies"
    found = sorted(folder.glob("*.xml"), key=lambda path: (path.stat().st_size, path.name))
    return [write_xml(_app_control()), *(path.read_bytes() for path in found[:12])]


def app_control_binaries() -> list[bytes]:
    folder = SHARED / "wdac" / "binaries"
    found = [path for path in folder.glob("*") if path.suffix != ".json"]
    found.sort(key=lambda path: (path.stat().st_size, path.name))
    made = [build_policy(_app_control(), form) for form in (7, 8)]
    return [*made, *(path.read_bytes() for path in found[:6])]


def app_control_signed() -> list[bytes]:
    """The container around a policy; nobody checks its signature here."""
    body = build_policy(signable())
    return [signed_container(body, OWN, sign_attributes(KEY, attributes_to_sign(body)))]


def app_control(data: bytes) -> None:
    """Read, judged, written, imported: whatever a policy says."""
    artifact = Artifact(name="x", data=data, media_type="")
    found = lift_artifact(artifact)
    dump_baseline(found.policy, [item.message for item in found.lost])
    if is_xml(data):
        document = read_xml(data)
        lint_document(document)
        with suppress(BuildError, ValueError):
            build_policy(document.policy)
    model = parse_app_control((artifact,))
    for collection in (Collection.EXECUTABLE, Collection.DRIVER, Collection.SCRIPT):
        facts = blank(Platform.WINDOWS, collection)
        if facts is not None:
            evaluate_app_control(model, facts)


def santa_files(*suffixes: str) -> Callable[[], list[bytes]]:
    def seeds() -> list[bytes]:
        folder = SHARED / "santa" / "configs"
        found = [path for path in sorted(folder.glob("*/*")) if path.suffix in suffixes]
        small = [path.read_bytes() for path in found if path.stat().st_size < LARGEST_SANTA]
        return small or [b'{"rules": []}']

    return cache(seeds)


LARGEST_SANTA = 5_000


def santa(name: str) -> Callable[[bytes], object]:
    """Read, written back, judged, imported: whatever a file says."""

    def feed(data: bytes) -> None:
        document = read_document(name, data)
        with suppress(ValueError, TypeError, OverflowError):  # what a format cannot hold
            assert read_document(name, write_document(document)).content == document.content
        lint_santa(name, data, ())
        found = lift_santa(Artifact(name=name, data=data, media_type=""))
        with suppress(ValueError):
            dump_baseline(found.policy, [item.message for item in found.lost])

    return feed


TARGETS: dict[str, Target] = {
    "pe": file_target(".exe", signed_pe),
    "elf": file_target("", lambda: [build.elf(), *corpus("elf-dyn")]),
    "macho": file_target("", machos),
    "script": file_target(".ps1", recorded_scripts),
    "msi": file_target(".msi", lambda: [build.msi(), *corpus("msi", largest=400_000)]),
    "zip": file_target(".zip", zips),
    "ooxml": file_target(".docx", lambda: corpus("docx-macro") or zips()),
    "tar": file_target(".tar", tars),
    "image": file_target(".tar", images),
    "deb": file_target(".deb", debs),
    "rpm": file_target(".rpm", lambda: corpus("deb-rpm", (".rpm",)) or debs()),
    "7z": file_target(".7z", lambda: corpus("7z") or zips()),
    "rar": file_target(".rar", lambda: corpus("rar") or zips()),
    "cab": file_target(".cab", lambda: corpus("cab") or zips()),
    "iso": file_target(".iso", lambda: corpus("iso", largest=400_000) or zips()),
    "xar": file_target(".xar", lambda: corpus("xar") or zips()),
    "xz": file_target(".xz", lambda: [_xz(build.pe()), _xz(containers.files_tar(a=b"x"))]),
    "lnk": file_target(".lnk", lambda: [build.lnk(), *corpus("lnk")]),
    "certificate": Target(
        cache(lambda: list(signing.identity().chain)), certificates.parse, (MalformedError,)
    ),
    "cms": Target(
        cache(lambda: [build.authenticode(build.pe())]),
        lambda data: cms.parse(data, TIGHT),
        (MalformedError,),
    ),
    "catalog": Target(
        cache(lambda: [signing.catalog(signing.identity(), [("sha256", bytes(32))] * 3)]),
        lambda data: catalog.parse(data, "x.cat", TIGHT),
        (MalformedError,),
    ),
    "rpm-header": Target(
        cache(lambda: [rpm_header("a", {"/x/y": b"1", "/z": b"2"}, "/g/h")]),
        lambda data: list(installed_files(data)),
        (ValueError,),
    ),
    "plist": Target(cache(plist), lambda data: bundles.parse(data, "A")),
    "capability": Target(
        lambda: [bytes.fromhex("0100000200040000000000000000000000000000")], capabilities.parse
    ),
    "wdac-xml": Target(cache(app_control_xml), app_control, (ArtifactError,)),
    "wdac-binary": Target(cache(app_control_binaries), app_control, (ArtifactError,)),
    "wdac-signed": Target(cache(app_control_signed), app_control, (ArtifactError,)),
    "santa-plist": Target(
        santa_files(".mobileconfig", ".plist"), santa("x.mobileconfig"), (ArtifactError,)
    ),
    "santa-json": Target(santa_files(".json"), santa("x.json"), (ArtifactError,)),
    "santa-toml": Target(santa_files(".toml", ".golden"), santa("x.toml"), (ArtifactError,)),
    "santa-csv": Target(santa_files(".csv"), santa("x.csv"), (ArtifactError,)),
    "export-json": Target(cache(bom), export(".json"), (ExportError,)),
    "export-csv": Target(table, export(".csv"), (ExportError,)),
}
"""Every fuzz target by name."""


def _xz(data: bytes) -> bytes:
    import lzma  # noqa: PLC0415

    buffer = io.BytesIO()
    with lzma.open(buffer, "wb") as file:
        file.write(data)
    return buffer.getvalue()
