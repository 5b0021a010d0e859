"""docs/masquerade.md holds the manual of every check, as the docstrings have it."""

from __future__ import annotations

import inspect
import os

from policyc.checks import CHECKS
from tests.requires import PROJECT

PAGE = PROJECT / "docs" / "masquerade.md"
HEAD = """# Masquerade findings

What a file is against what its name claims. Error: the content proves it and the name denies
it, or the name carries an active deception. Warning: plausible, with honest uses. Information:
context. Technique ids are ATT&CK 18.1.

Not found: encrypted payloads, steganography, encoded code that nothing here decodes, flat `.com`
programs, raw shellcode, valid polyglots of formats that are not listed.

## Using it

- `policyc check PATH --format html -o findings.html` writes one page that needs no network:
  figures,
  filter and search, the proving bytes of each finding, and how to recognise each deception.
- A finding that is right for you is accepted in the baseline, by code and by hash or path, with a
  reason and, if you like, an owner and a last day:

```yaml
policyc: 1
name: Front desk
rules:
  - permit: {package: {manager: dpkg}}
accept:
  - finding: M005
    sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    reason: exported by the scanner of the front desk
    owner: desk@example.org
    until: 2027-03-01
```

  `policyc check PATH -b policyc.yaml` leaves it out and says which acceptances meet nothing;
  with `--on DATE` those that have ended do not count. An accepted file may also become a rule
  of a `from:` inventory, which no file with an error does otherwise, and
  `forbid: {masquerade: error}` leaves it alone.
- `--extensions FILE` adds rows to the table of extensions: tab-separated, with a header of
  `extension` and any of `class` (`runs`, `opens`, `code`, `macros`, `listed`), `platform`,
  `handler`, `hidden`, `lure`, `formats`, `lists`, `sources`. `policyc explain .scr` shows a row.
- `--icons FILE` compares the icons of unsigned programs with a list that you supply
  (tab-separated: `hash`, `owner`, `name`); `policyc explain PROGRAM` prints the hash of one.
- `--second-opinion` shows what `file` says about each finding, `--magika` (with
  `policyc[magika]`) lets Magika name the language of texts called `.txt`, `.log`, `.csv`, `.dat`,
  `.tmp` or nothing, of 200 bytes or more, from a score of 0.95. Members of archives are not asked.


"""


def page() -> str:
    parts = [
        f"## {item.code} {item.name}\n\n{', '.join(item.techniques)}\n\n"
        f"{inspect.cleandoc(item.manual)}\n"
        for item in sorted(CHECKS.values(), key=lambda item: item.code)
    ]
    return HEAD + "\n".join(parts)


def test_the_page_is_what_the_checks_say() -> None:
    if os.environ.get("POLICYC_UPDATE_GOLDEN") == "1":
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()
