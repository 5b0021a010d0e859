"""Real signed files from public registries, pinned by the SHA-256 of their archives.

``registry.tsv`` lists registry (``pypi`` or ``npm``), project, version, file and digest. An
archive is downloaded once into ``$POLICYC_TEST_CACHE`` (``~/.cache/policyc-tests`` unless
set) and checked on every use.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tests.requires import absent

TABLE = Path(__file__).with_name("registry.tsv")
_SIMPLE = "application/vnd.pypi.simple.v1+json"
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Pin:
    """One archive of a registry."""

    registry: str
    project: str
    version: str
    file: str
    sha256: str


def pins(registry: str | None = None) -> list[Pin]:
    """The pinned archives, of one registry or all."""
    lines = TABLE.read_text().splitlines()[1:]
    found = [Pin(*line.split("\t")) for line in lines]
    return [pin for pin in found if registry in (None, pin.registry)]


def fetch(pin: Pin) -> Path:
    """The archive's path; skips, or fails in CI, where the registry cannot be reached."""
    chosen = os.environ.get("POLICYC_TEST_CACHE")
    folder = Path(chosen) if chosen else Path.home() / ".cache" / "policyc-tests"
    path = folder / pin.file
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        data = _download(pin)
        scratch = path.with_name(f".{path.name}.{os.getpid()}")
        scratch.write_bytes(data)
        scratch.replace(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == pin.sha256, f"{pin.file} is not the file that was pinned"
    return path


def _download(pin: Pin) -> bytes:
    for attempt in range(_TRIES):
        try:
            return _get(_url(pin), {})
        except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
            if attempt == _TRIES - 1:
                absent(f"{pin.file} from {pin.registry} ({error})")
            time.sleep(1 + attempt)
    raise AssertionError("unreachable")


def _url(pin: Pin) -> str:
    if pin.registry == "npm":
        base = os.environ.get("NPM_CONFIG_REGISTRY", "https://registry.npmjs.org").rstrip("/")
        name = pin.project.rpartition("/")[2]
        return f"{base}/{pin.project}/-/{name}-{pin.version}.tgz"
    base = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
    listing = json.loads(_get(f"{base}/{pin.project}/", {"Accept": _SIMPLE}))
    url = next((item["url"] for item in listing["files"] if item["filename"] == pin.file), None)
    return absent(f"{pin.file} on {base}") if url is None else str(url)


def _get(url: str, headers: dict[str, str]) -> bytes:
    assert url.startswith("https://"), url
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  (https only, see above)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        data: bytes = answer.read()
        return data
