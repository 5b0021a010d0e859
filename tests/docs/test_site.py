"""The documentation as a site: strict links, a page a code, nothing from elsewhere."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from policyc.cli.manual import every_code
from policyc.targets import target_names

PROJECT = Path(__file__).resolve().parents[2]
_LOADED = re.compile(
    r"""<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)=["']?(//|https?:)"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    words = ["build", "--strict", "--quiet", "-f", str(PROJECT / "mkdocs.yml"), "-d", str(out)]
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.mark.slow
def test_every_code_has_its_page(site: Path) -> None:
    codes = set(every_code())
    pages = {path.name for path in (site / "codes").iterdir() if path.is_dir()}
    assert pages == codes
    for code in codes:
        assert code in (site / "codes" / code / "index.html").read_text()


@pytest.mark.slow
def test_every_target_has_its_page(site: Path) -> None:
    assert {path.name for path in (site / "targets").iterdir() if path.is_dir()} == set(
        target_names()
    )


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 100
    for page in pages:
        text = page.read_text()
        found = [match[0] for match in _LOADED.finditer(text)]
        assert not found, (page, found)


@pytest.mark.slow
def test_manuals_cannot_become_markup(site: Path) -> None:
    """Angle brackets of a manual are text, and what it stars is not emphasised."""
    page = (site / "codes" / "L018" / "index.html").read_text()
    assert "<code>*</code>" in page
    hooks = runpy.run_path(str(PROJECT / "docs" / "hooks.py"))
    hostile = hooks["_plain"]("<script>alert(1)</script> [x](javascript:y) **b** `<i>`")
    assert "<script" not in hostile
    assert "\\[x\\](javascript:y)" in hostile
    assert "\\*\\*b" in hostile
