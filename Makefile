# Every command of the project. The first target that needs it makes .venv; nothing else has to be installed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test check fmt lint types imports snapshots docs docs-check lock soak live bench conformance coverage mutations clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## the environment, from the hashed lock

$(READY): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9,<1"
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --compile-bytecode --editable .
	touch $(READY)

demo: $(READY) ## the main job on the embedded registry, from an empty folder to a drift mended
	$(BIN)/python -m examples.demo

test: $(READY) ## the whole offline suite
	$(BIN)/pytest -n 2 --dist worksteal

check: lint types imports docs-check test ## everything a change has to pass

fmt: $(READY) ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(READY) ## ruff and codespell
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/codespell

types: $(READY) ## pyright, strict
	$(BIN)/pyright

imports: $(READY) ## the layers
	$(BIN)/lint-imports

snapshots: $(READY) ## accept how tools, resources and prompts look to clients
	UPDATE_SNAPSHOTS=1 $(BIN)/pytest -q tests/tools/test_snapshots.py tests/interfaces/test_surface.py

docs: $(READY) ## write the reference pages
	$(BIN)/schema-mcp reference docs/reference

docs-check: $(READY) ## the reference pages say what the code says, links lead somewhere (the suite runs the guides)
	$(BIN)/pytest -q tests/toolkit/test_reference.py tests/test_guides.py -k "not command and not tutorial"

coverage: $(READY) ## the suite with coverage: 85 % of src, 95 % of the domain
	$(BIN)/pytest -n 2 --dist worksteal --cov --cov-report=
	$(BIN)/coverage report --fail-under=85 --skip-covered | tail -n 5
	$(BIN)/coverage report --fail-under=95 --include='src/schema_mcp/domain/*' | tail -n 1

lock: $(READY) ## bring requirements.lock up to pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.lock

soak: $(READY) ## what needs longer: more kills, larger crowds
	$(BIN)/pytest -m soak

live: $(READY) ## real registries and a real broker, started here (or SCHEMA_MCP_LIVE_URL); then the page about them
	$(BIN)/pytest -m live tests/live
	$(BIN)/python -m tests.live.page

bench: $(READY) ## the benchmarks, as ratios against their baselines
	for one in benchmarks/[a-z]*.py; do $(BIN)/python $$one || exit 1; done

conformance: $(READY) ## the MCP conformance suite and the inspector
	$(BIN)/python -m tests.conformance.run

mutations: $(READY) ## take each guard of docs/security.md out, in a copy, and see its tests fail; ITEMS="7 20" for some
	$(BIN)/python -m tests.security.taken_out $(ITEMS)

clean: ## what was built
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .demo
