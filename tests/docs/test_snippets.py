"""Every baseline shown in the documentation is one, and the schema agrees with the reader."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from policyc.baseline import json_schema, load_baseline, parse_baseline
from policyc.baseline.codes import BASELINE_CODES
from policyc.checks import CHECKS
from policyc.compiler import compile_policy
from policyc.lowering.losses import LOSSES
from policyc.model.inventory import Inventory
from policyc.targets import default_targets
from tests.requires import PROJECT

PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
SNIPPETS = [
    pytest.param(match[1], id=f"{page.name}-{number}")
    for page in PAGES
    for number, match in enumerate(re.finditer(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL))
]
EXAMPLES = sorted((PROJECT / "examples").rglob("policyc.yaml"))
SETS = sorted((PROJECT / "baselines").glob("*.yaml"))
SCHEMA = PROJECT / "docs" / "policyc.schema.json"


class _Yaml12(yaml.SafeLoader):
    """Editors read YAML 1.2, in which a date is a text."""


_Yaml12.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def as_an_editor_reads(text: str) -> Any:
    return yaml.load(text, Loader=_Yaml12)  # noqa: S506  (a SafeLoader)


@pytest.mark.parametrize("text", SNIPPETS)
def test_documented_baselines_compile(text: str) -> None:
    loaded = parse_baseline(text, "snippet.yaml", lambda _: Inventory())
    assert loaded.policy is not None, loaded.diagnostics
    for result in compile_policy(loaded.policy, Inventory(), default_targets()):
        assert result.failure is None
    jsonschema.validate(as_an_editor_reads(text), json_schema())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_examples_compile_without_a_refusal(path: Path) -> None:
    loaded = load_baseline(path, Inventory())
    assert loaded.policy is not None, loaded.diagnostics
    for result in compile_policy(loaded.policy, Inventory(), default_targets()):
        assert result.failure is None
        assert result.refused == (), result.target
    jsonschema.validate(as_an_editor_reads(path.read_text()), json_schema())


def test_the_schema_in_the_documentation_is_the_one_printed() -> None:
    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("POLICYC_UPDATE_GOLDEN") == "1":
        SCHEMA.write_text(text, encoding="utf-8")
    assert SCHEMA.read_text(encoding="utf-8") == text
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("path", [*EXAMPLES, *SETS], ids=lambda path: path.stem)
def test_examples_lead_an_editor_to_the_schema(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    match = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert match
    assert (path.parent / match[1]).resolve() == SCHEMA
    jsonschema.validate(yaml.safe_load(path.read_text()), json_schema())


@pytest.mark.parametrize("path", sorted((PROJECT / "tests/errors/cases").glob("*.yaml")), ids=str)
def test_what_compiles_fits_the_schema(path: Path) -> None:
    text = path.read_text()
    if parse_baseline(text, path.name, lambda _: Inventory()).policy is not None:
        jsonschema.validate(yaml.load(text, Loader=yaml.BaseLoader) | {"policyc": 1}, json_schema())  # noqa: S506


@pytest.mark.parametrize(
    "value",
    [
        {"policyc": 1, "name": "x", "rules": [{"permit": {"pth": "/a"}}]},
        {"policyc": 1, "name": "x", "rules": [{"note": "neither"}]},
        {"policyc": 2, "name": "x", "rules": []},
        {"policyc": 1, "rules": []},
        {"policyc": 1, "name": "x"},
        {"policyc": 1, "name": "x", "include": ["/etc/passwd"]},
        {"policyc": 1, "name": "x", "rules": [], "groups": {"a": [{"pth": "/a"}]}},
        {"policyc": 1, "name": "x", "rules": [], "profiles": {"a": {"name": "x"}}},
        {"policyc": 1, "name": "x", "rules": [{"permit": {"path": "/a"}, "until": "soon"}]},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(value: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value, json_schema())
    assert parse_baseline(yaml.safe_dump(value), "x", lambda _: Inventory()).policy is None


def test_codes_named_in_the_documentation_exist() -> None:
    known = {*LOSSES, *CHECKS, *BASELINE_CODES}
    for page in PAGES:
        for code in re.findall(r"\b[BLM][0-9]{3}\b", page.read_text()):
            assert code in known, f"{page.name} names {code}"
