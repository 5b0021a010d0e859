"""The HTML report in a real browser: what a person sees, does, and must be safe from."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from policyc.checks import CHECKS
from policyc.model.diagnostic import Finding, Level, Opinion, Proof
from policyc.reports.html import findings_html
from tests.requires import absent, require_module

MANUALS = {item.code: (item.name, inspect.cleandoc(item.manual)) for item in CHECKS.values()}
HOSTILE = (
    "/d/</script><script>window.owned=1</script>.pdf",
    '/d/"><img src=x onerror=window.owned=1>.pdf',
    "/d/<!--<script>.pdf",
    "/d/{{ 7*7 }}${7*7}&lt;b&gt;.pdf",
    "/d/invoice\u202efdp.exe",
    "/d/line\nbreak\x1b[2J.pdf",
    "/d/\u2028window.owned=1//.pdf",
    "/d/\udcff.pdf",
)
FINDING = Finding(
    code="M003",
    level=Level.ERROR,
    path="/home/ann/invoice.pdf",
    message="the content is pe, the extension .pdf claims pdf",
    techniques=("T1036.008",),
    claimed=("pdf",),
    actual="pe",
    sha256="ab" * 32,
    proofs=(Proof(offset=128, data=b"PE\0\0d\x86", meaning="PE signature"),),
    permitted=("dll", "exe"),
    opinions=(Opinion(tool="file(1)", says="application/x-dosexec"),),
)


def page(findings: list[Finding]) -> str:
    return findings_html(findings, MANUALS, files=12, skipped=1)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = require_module("playwright.sync_api")
    program = shutil.which("chromium")
    if program is None:
        absent("the program chromium")
    with api.sync_playwright() as running:
        started = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


class Opened:
    """A page, everything it complained about and everything it asked the network for."""

    def __init__(self, browser: Any, path: Path, width: int = 1200) -> None:
        self.tab = browser.new_page(viewport={"width": width, "height": 900})
        self.said: list[str] = []
        self.asked: list[str] = []
        self.tab.on("console", lambda message: self.said.append(message.text))
        self.tab.on("pageerror", lambda error: self.said.append(str(error)))
        self.tab.on("request", lambda request: self.asked.append(request.url))
        self.tab.goto(path.as_uri())

    def paths(self) -> list[str]:
        return list(self.tab.locator("#list summary .path").all_text_contents())


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Any]:
    tabs: list[Opened] = []

    def opened(findings: list[Finding], width: int = 1200) -> Opened:
        file = tmp_path / f"{len(tabs)}.html"
        file.write_text(page(findings), encoding="utf-8")
        tabs.append(Opened(browser, file, width))
        return tabs[-1]

    yield opened
    for item in tabs:
        own = item.tab.url
        item.tab.close()
        assert item.said == []
        assert item.asked == [own]


def test_the_same_findings_make_the_same_page() -> None:
    assert page([FINDING]) == page([FINDING])


def test_an_opened_finding_shows_its_proof_and_how_to_accept_it(show: Any) -> None:
    tab = show([FINDING]).tab
    tab.locator("summary").click()
    text = tab.locator("details .body").inner_text()
    assert "00000080  50 45 00 00 64 86" in text
    assert "|PE..d.|" in text
    assert 'xxd -s 128 -l 6 -- "$FILE"' in text
    assert "Usual extensions of pe: dll, exe." in text
    assert "file(1) says application/x-dosexec" in text
    assert "How to recognise it" in text
    assert "- finding: M003" in text
    assert f"sha256: {'ab' * 32}" in text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_and_nothing_else(show: Any, name: str) -> None:
    hostile = replace(FINDING, path=name, message=f"about {name}", accepted=name)
    opened = show([hostile, replace(hostile, accepted="")])
    tab = opened.tab
    tab.locator("#accepted").check()
    for summary in tab.locator("summary").all():
        summary.click()
    assert tab.evaluate("window.owned") is None
    assert tab.locator("img, iframe, object").count() == 0
    assert tab.locator("script").count() == 2
    shown = opened.paths()
    assert len(shown) == 2
    assert not any(char in shown[0] for char in "\u202e\n\x1b\u2028")
    if name.isprintable():
        assert shown[0] == name


def test_filter_search_and_keys(show: Any) -> None:
    other = replace(
        FINDING, code="M002", level=Level.WARNING, path="/home/bob/photo.jpg.exe", sha256="cd" * 32
    )
    quiet = replace(FINDING, path="/home/carl/old.pdf", accepted="known; ann")
    opened = show([FINDING, other, quiet])
    tab = opened.tab
    assert opened.paths() == [FINDING.path, other.path]
    tab.keyboard.press("/")
    tab.keyboard.type("cdcd")
    _wait_for_one(tab)
    assert opened.paths() == [other.path]
    assert tab.locator("#count").inner_text() == "1 of 3 findings"
    tab.keyboard.press("Escape")
    assert opened.paths() == [FINDING.path, other.path]
    tab.keyboard.press("j")
    tab.keyboard.press("j")
    assert tab.evaluate("document.activeElement.querySelector('.path').textContent") == other.path
    tab.keyboard.press("Enter")
    assert tab.locator("details[open]").count() == 1
    tab.locator("input[value=error]").uncheck()
    assert opened.paths() == [other.path]
    tab.locator("input[value=error]").check()
    tab.locator("#accepted").check()
    assert len(opened.paths()) == 3
    tab.locator("#by-code button", has_text="M002").click()
    assert opened.paths() == [other.path]


def _wait_for_one(tab: Any) -> None:
    """Typing is answered after a moment; the page's policy forbids scripts that wait for it."""
    api = require_module("playwright.sync_api")
    api.expect(tab.locator("#list details")).to_have_count(1)


def test_ten_thousand_findings_without_lag(show: Any) -> None:
    many = [replace(FINDING, path=f"/srv/{n:05d}.pdf", sha256=f"{n:064x}") for n in range(10_000)]
    tab = show(many).tab
    assert tab.locator("#count").inner_text() == "10,000 of 10,000 findings"
    assert tab.locator("#list details").count() <= 300
    tab.locator("#search").fill("09999")
    _wait_for_one(tab)
    # The time of drawing alone, so that a slow machine does not fail it.
    spent = tab.evaluate(
        """() => { const box = document.getElementById('accepted'); const from = performance.now();
        box.click(); return performance.now() - from; }"""
    )
    assert spent < 500


def test_a_narrow_screen_needs_no_sideways_scrolling(show: Any) -> None:
    tab = show([replace(FINDING, path="/" + "x" * 300 + ".pdf")], width=400).tab
    tab.locator("summary").click()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(show: Any, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5, for every colour that carries text."""
    tab = show([FINDING]).tab
    tab.emulate_media(color_scheme=scheme)
    names = ("front", "dim", "error", "warning", "info", "accepted")
    style = "getComputedStyle(document.documentElement).getPropertyValue"
    for ground in ("back", "card"):
        dark = _luminance(tab.evaluate(f"{style}('--{ground}')"))
        for name in names:
            light = _luminance(tab.evaluate(f"{style}('--{name}')"))
            high, low = max(light, dark), min(light, dark)
            assert (high + 0.05) / (low + 0.05) >= 4.5, (scheme, ground, name)


def _luminance(colour: str) -> float:
    parts = [int(colour.strip()[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_printing_opens_what_is_listed(show: Any) -> None:
    tab = show([FINDING]).tab
    tab.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert tab.locator("details[open] .body").count() == 1
    tab.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert tab.locator("details[open]").count() == 0
