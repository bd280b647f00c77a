# One target a task; CI and the pre-commit hooks call the same ones. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= python3
export CORPUSKIT_DATA ?= $(CURDIR)/data

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: $(BIN)/pip ## Build the release wheel's contents in place and install corpuskit into .venv
	$(BIN)/pip install --quiet uv && $(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev,train]'

.PHONY: dev
dev: ## Rebuild the compiled core after a change in rust/ (release, incremental)
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --skip-install --quiet

.PHONY: demo
demo: ## Run the main job on the sample data and print its report
	$(BIN)/corpuskit process tests/data/sample -o out/sample --force

.PHONY: fmt
fmt: ## Format Rust and Python
	cargo fmt
	$(BIN)/ruff format
	$(BIN)/ruff check --fix-only --quiet

.PHONY: lint
lint: lint-rust lint-python gen-check ## Formats, clippy, ruff, mypy, generated files

.PHONY: lint-rust
lint-rust:
	cargo fmt --check
	cargo clippy --release --workspace --all-targets --quiet -- -D warnings

.PHONY: lint-python
lint-python:
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/mypy train/run.py

.PHONY: gen
gen: ## Write the generated mirrors: plan dataclasses, JSON schema, stub, reference page
	$(BIN)/python -m corpuskit._gen

.PHONY: gen-check
gen-check: ## Fail if a generated mirror is stale
	$(BIN)/python -m corpuskit._gen --check

.PHONY: test
test: test-rust test-python ## All fast tests

.PHONY: test-rust
test-rust:
	cargo test --release --workspace --tests

.PHONY: test-python
test-python:
	$(BIN)/pytest -n 2 --dist worksteal

.PHONY: cases
cases: ## Run the case files; `make cases UPDATE=1` rewrites what they expect
	$(BIN)/pytest tests/test_cases.py $(if $(UPDATE),--update)

.PHONY: acceptance
acceptance: ## Every acceptance point, one line each (long; wants `make data`)
	$(BIN)/python tests/acceptance/run.py

.PHONY: acceptance-fast
acceptance-fast: ## The acceptance points that take seconds
	$(BIN)/python tests/acceptance/run.py -m "not slow"

.PHONY: fuzz
fuzz: ## Ten minutes of mutated input over every parser; `SECONDS_=60` for one
	CORPUSKIT_FUZZ_SECONDS=$(or $(SECONDS_),600) cargo test --release --package corpuskit-core --test fuzz -- --nocapture

.PHONY: bench
bench: ## Every benchmark, with its ratios (minutes; installs the systems compared against)
	$(BIN)/pip install --quiet --editable '.[dev,bench]'
	$(BIN)/python benches/run.py

.PHONY: bench-fast
bench-fast: ## The benchmarks on small inputs: answers checked, ratios printed
	$(BIN)/python benches/run.py --fast

.PHONY: data
data: ## Unpack the real corpora that the deep tests read into data/
	$(BIN)/python tests/data/unpack.py

.PHONY: sample
sample: ## Make tests/data/sample again from the unpacked corpora
	$(BIN)/python tests/data/make_sample.py

.PHONY: corpora
corpora: ## Count what share of each public corpus arrives; writes docs/corpora.md (wants `make data`)
	PYTHONPATH=tests $(BIN)/python tests/corpora_page.py

.PHONY: versions
versions: ## The tests that touch foreign packages, with the lowest and the highest versions that are allowed
	$(BIN)/python tests/versions.py

.PHONY: ci
ci: ## What CI runs
	.ci/run

.PHONY: clean
clean: ## Remove what the targets above made, but for data/
	rm -rf target out dist .benchmarks .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find python tests benches -name __pycache__ -prune -exec rm -rf {} +
	rm -f python/corpuskit/_core*.so
