"""Pages that are made from the program: one for each code, one for each target.

So a page cannot say what the program does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from policyc.baseline.codes import BASELINE_CODES
from policyc.checks import CHECKS
from policyc.cli.manual import page_of
from policyc.compiler.codes import CODES as PROOF_CODES
from policyc.diff.codes import CODES as DIFF_CODES
from policyc.lowering.losses import LOSSES
from policyc.targets import load_target, target_names
from policyc.targets.base import Capabilities, Support, Supports
from policyc.targets.lint_codes import lint_pages

_SPAN = re.compile(r"``?([^`]+)``?")
_SPECIAL = re.compile(r"([\\*_\[\]#|~+!-])")
_ANCHOR = re.compile(r"[^\w\s-]")
_CODE = re.compile(r"\b([BDLMV]\d{3})\b")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages; mkdocs then reads them like files."""
    for name, text in (*_code_pages(), *_target_pages()):
        files.append(File.generated(config, name, content=text))
    return files


def _families() -> list[tuple[str, list[str]]]:
    """Headings with their codes; the losses and checks have longer pages elsewhere."""
    native = sorted(lint_pages())
    targets = {"W": "App Control", "A": "AppLocker", "F": "fapolicyd", "S": "Santa"}
    others: dict[str, list[str]] = {}
    for code in native:
        others.setdefault(f"Lint: {targets[code[0]]}", []).append(code)
    return [
        ("Baseline", sorted(BASELINE_CODES)),
        ("Losses", sorted(LOSSES)),
        ("Masquerade findings", sorted(CHECKS)),
        ("Differences", sorted(DIFF_CODES)),
        ("Proof", sorted(PROOF_CODES)),
        *sorted(others.items()),
    ]


def _code_pages() -> Iterable[tuple[str, str]]:
    index = ["# Codes\n\n`policyc explain CODE` prints the same pages.\n"]
    for title, codes in _families():
        index.append(f"## {title}\n\n| code | what |\n|---|---|")
        for code in codes:
            page = page_of(code)
            assert page is not None, code
            head, _, body = page.partition("\n")
            what = head.partition(" ")[2]
            index.append(f"| [{code}]({code}.md) | {_plain(what)} |")
            yield f"codes/{code}.md", f"# {code}: {_plain(what)}\n\n{_body(body)}\n{_more(code)}"
        index.append("")
    yield "codes/index.md", "\n".join(index)


def _more(code: str) -> str:
    if code in CHECKS:
        anchor = _slug(f"{code} {CHECKS[code].name}")
        return f"\n[Among the other findings](../masquerade.md#{anchor})\n"
    title = BASELINE_CODES[code].title if code in BASELINE_CODES else None
    title = LOSSES[code].title if code in LOSSES else title
    if title is None:
        return ""
    return f"\n[What is shown](../diagnostics.md#{_slug(f'{code} {title}')})\n"


def _slug(heading: str) -> str:
    """The anchor that the table of contents gives a heading."""
    return re.sub(r"[-\s]+", "-", _ANCHOR.sub("", heading).strip().lower())


def _body(text: str) -> str:
    """Paragraphs of a manual as Markdown; what is indented stays a listing."""
    blocks = re.split(r"\n\s*\n", text.strip("\n"))
    return "\n\n".join(
        block if block.startswith("    ") else _lines(block, _plain) for block in blocks
    )


def _lines(block: str, make: Callable[[str], str]) -> str:
    return "\n".join(make(line) for line in block.splitlines())


def _plain(text: str) -> str:
    """Text in which only code spans are Markdown."""
    parts: list[str] = []
    at = 0
    for match in _SPAN.finditer(text):
        parts += [_escaped(text[at : match.start()]), f"`{match[1]}`"]
        at = match.end()
    return "".join([*parts, _escaped(text[at:])])


def _escaped(text: str) -> str:
    html = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", html)


def _target_pages() -> Iterable[tuple[str, str]]:
    rows = ["# Targets\n", "| target | platform | can govern |", "|---|---|---|"]
    for name in target_names():
        own = load_target(name).capabilities
        governed = ", ".join(sorted(item.value for item in own.collections))
        rows.append(f"| [{own.title}]({name}.md) | {own.platform.value} | {governed} |")
        yield f"targets/{name}.md", _target_page(own)
    rows.append(
        "\n*Exact*: what the baseline says. *Lossy*: always with a typed loss that says in which "
        "direction it differs. *Vacuous*: no file that the target is asked about can have it. The "
        "tests hold each entry to what a compile does."
    )
    yield "targets/index.md", "\n".join(rows)


def _can_be(support: Supports) -> bool:
    return {support.permit, support.forbid} != {Support.VACUOUS}


def _target_page(own: Capabilities) -> str:
    lines = [
        f"# {own.title}: what it can say\n",
        "| condition | permit | forbid | |",
        "|---|---|---|---|",
    ]
    order = list(Support)
    found = [(probe, item) for probe, item in own.supports.items() if _can_be(item)]
    for probe, support in sorted(found, key=lambda each: order.index(each[1].permit)):
        note = _CODE.sub(r"[\1](../codes/\1.md)", _plain(support.note))
        words = (_plain(probe.value), support.permit.value, support.forbid.value, note)
        lines.append(f"| {' | '.join(words)} |")
    never = [probe.value for probe, item in own.supports.items() if not _can_be(item)]
    if never:
        named = ", ".join(map(_plain, never))
        lines.append(
            f"\nNo file that it is asked about can have these, so they say nothing: {named}."
        )
    if own.settings:
        lines += ["\n## Settings\n", "| setting | default | meaning |", "|---|---|---|"]
        for item in own.settings:
            default = _plain(str(item.default)) if item.default not in ("", ()) else ""
            doc = item.doc + (f" ({', '.join(item.choices)})" if item.choices else "")
            lines.append(f"| `{item.name}` | {default} | {_plain(doc)} |")
    return "\n".join(lines) + "\n"
