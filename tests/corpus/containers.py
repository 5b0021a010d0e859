"""Containers made in code: archives, bombs, packages and container images."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable


def zipped(members: Iterable[tuple[str, bytes]], *, store: bool = False) -> bytes:
    """A ZIP file with these members."""
    buffer = io.BytesIO()
    method = zipfile.ZIP_STORED if store else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()


def encrypted_zip(name: str, data: bytes) -> bytes:
    """A ZIP whose member is marked as encrypted."""
    raw = bytearray(zipped([(name, data)], store=True))
    raw[6] |= 1
    central = raw.rindex(b"PK\x01\x02")
    raw[central + 8] |= 1
    return bytes(raw)


def tarred(members: Iterable[tuple[str, bytes | None, str]]) -> bytes:
    """A tar file: (name, content, "") for files, (name, None, target) for links.

    A target that begins with ``hard:`` makes a hard link, ``dir`` a directory.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data, target in members:
            info = tarfile.TarInfo(name)
            info.mode = 0o755
            if data is not None:
                info.size = len(data)
            elif target == "dir":
                info.type = tarfile.DIRTYPE
            elif target.startswith("hard:"):
                info.type = tarfile.LNKTYPE
                info.linkname = target.removeprefix("hard:")
            else:
                info.type = tarfile.SYMTYPE
                info.linkname = target
            archive.addfile(info, None if data is None else io.BytesIO(data))
    return buffer.getvalue()


def files_tar(**members: bytes) -> bytes:
    """A tar file of plain files; ``__`` in a name stands for a slash."""
    return tarred((name.replace("__", "/"), data, "") for name, data in members.items())


def nested_zip(depth: int, core: bytes) -> bytes:
    """``core`` in a ZIP in a ZIP, ``depth`` times."""
    for _ in range(depth):
        core = zipped([("z.zip", core)], store=True)
    return core


def nested_tar(depth: int, core: bytes) -> bytes:
    """``core`` in a tar in a tar, ``depth`` times, built in linear time."""
    heads: list[bytes] = []
    tails: list[bytes] = []
    size = len(core)
    for _ in range(depth):
        info = tarfile.TarInfo("t.tar")
        info.size = size
        heads.append(info.tobuf(tarfile.USTAR_FORMAT))
        tails.append(bytes(-size % 512 + 1024))
        size += 512 + len(tails[-1])
    return b"".join(reversed(heads)) + core + b"".join(tails)


def bomb(levels: int = 5, width: int = 16, zeros: int = 64 << 20) -> bytes:
    """In the manner of 42.zip: archives of archives whose core expands a thousandfold."""
    inner = zipped([("0", bytes(zeros))])
    for level in range(levels):
        inner = zipped([(f"{level}-{index}.zip", inner) for index in range(width)])
    return inner


def deb(data_tar: bytes, control_tar: bytes, suffix: str = "gz") -> bytes:
    """A Debian package of two tar files, compressed already where the suffix says so."""

    def part(name: str, data: bytes) -> bytes:
        head = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode()
        return head + data + b"\n" * (len(data) % 2)

    return (
        b"!<arch>\n"
        + part("debian-binary", b"2.0\n")
        + part(f"control.tar.{suffix}", control_tar)
        + part(f"data.tar.{suffix}", data_tar)
    )


def docker_image(*layers: bytes) -> bytes:
    """A ``docker save`` archive; the bottom layer first."""
    names = [f"{index}/layer.tar" for index in range(len(layers))]
    manifest = json.dumps([{"Config": "c.json", "RepoTags": ["a:1"], "Layers": names}]).encode()
    members = [(name, data, "") for name, data in zip(names, layers, strict=True)]
    return tarred([*members, ("c.json", b"{}", ""), ("manifest.json", manifest, "")])


def oci_image(*layers: bytes) -> bytes:
    """An OCI image layout in a tar, its layers compressed with gzip."""
    blobs = [gzip.compress(layer, mtime=0) for layer in layers]

    def name(blob: bytes) -> str:
        return "sha256:" + hashlib.sha256(blob).hexdigest()

    manifest = json.dumps({"layers": [{"digest": name(blob)} for blob in blobs]}).encode()
    index = json.dumps({"manifests": [{"digest": name(manifest)}]}).encode()
    stored = [("blobs/" + name(blob).replace(":", "/"), blob, "") for blob in [*blobs, manifest]]
    return tarred([("oci-layout", b"{}", ""), ("index.json", index, ""), *stored])
