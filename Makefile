# The words a newcomer types. `make demo` and `make test` need python3, python3-venv and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_FLAGS ?= --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast test-real check bench fuzz nightly accept-masquerade docs clean

help: ## what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: pyproject.toml
	@echo "installing policyc into $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install $(PIP_FLAGS) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "installing what the tests need …"
	@$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[dev]'
	@touch $@

demo: $(VENV)/.installed ## scan real files, check them, compile four policies, prove them
	@$(BIN)/python examples/quickstart/demo.py

test: $(VENV)/.installed-dev ## all tests, slow ones included
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup

test-fast: $(VENV)/.installed-dev ## the tests of under three minutes
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m 'not slow'

test-real: $(VENV)/.installed-dev ## what the real fapolicyd does with compiled policies, in a private namespace (root)
	@$(BIN)/python -m pytest -q tests/real

check: $(VENV)/.installed-dev ## what CI checks: format, lint, types, import contracts, fast tests
	$(BIN)/ruff format --check policyc tests benchmarks examples docs
	$(BIN)/ruff check policyc tests benchmarks examples docs
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -n 2 --dist loadgroup -m 'not slow'

bench: $(VENV)/.installed ## speed and memory as ratios to reference commands
	@$(BIN)/python benchmarks/bench.py

fuzz: $(VENV)/.installed-dev ## damage every kind of input for longer (FUZZ examples a reader)
	@POLICYC_FUZZ=$(or $(FUZZ),5000) $(BIN)/python -m pytest -q -n 2 tests/fuzz

nightly: $(VENV)/.installed-dev ## the conformance suite over ten times as many random baselines
	@POLICYC_EXAMPLES=2000 $(BIN)/python -m pytest -q -n 2 --timeout 3600 tests/conformance

accept-masquerade: $(VENV)/.installed-dev ## the masquerade check against its goals, on real and deceptive files
	@$(BIN)/python -m tests.acceptance.masquerade

docs: $(VENV)/.installed-dev ## the documentation as a site, with strict links, in site/
	@$(BIN)/mkdocs build --strict

clean: ## remove what make made
	rm -rf $(VENV) demo dist build site
