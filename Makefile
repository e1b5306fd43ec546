# The two commands: `make demo` and `make test`. Both set up .venv first, once.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv
DEMO_TABLE := results/demo_table5

export PATH := $(CURDIR)/$(BIN):$(PATH)
# One thread per process: two training processes side by side use two cores best, and busy
# waiting threads slow each other down up to tenfold.
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export OMP_WAIT_POLICY := passive

.PHONY: help setup demo test lint bench pins

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup: .venv/.complete ## make .venv with the pinned packages (download, then about two minutes)

# A set-up that was killed leaves .installing behind; the next one starts from nothing.
.venv/.complete: envs/requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; ok = (3, 11) <= v[:2] <= (3, 13); ok or sys.exit(f"Python 3.11 to 3.13 is needed, {sys.executable} is {v[0]}.{v[1]}; name another one: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@if [ -e .venv/.installing ] || ! [ -x $(BIN)/python ]; then $(PYTHON) -m venv --clear .venv; fi
	@rm -f $@; touch .venv/.installing
	@[ -x $(BIN)/pip ] || $(BIN)/python -m ensurepip --upgrade --default-pip
	$(BIN)/python -m pip install --quiet "$$(grep '^uv==' envs/requirements.txt)"
	$(UV) pip sync --python $(BIN)/python --compile-bytecode envs/requirements.txt
	$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@mv .venv/.installing $@

demo: setup ## videos to results/demo_table5.csv on generated data, and print the table
	$(BIN)/python -m pipelines.io.run_workflow $(DEMO_TABLE).csv
	@cat $(DEMO_TABLE).md

test: lint ## all checks and the whole test suite
	$(BIN)/python -m pytest -n 2

lint: setup ## ruff, mypy, import layers, snakefmt, snakemake --lint, codespell
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check workflow/Snakefile rules
	$(BIN)/snakemake --lint
	$(BIN)/codespell

bench: setup ## every benchmark, to results/benchmarks.csv (under 25 minutes on 2 cores)
	$(BIN)/python -m tests.benchmarks.run

pins: setup ## compile envs/requirements.txt anew from envs/requirements.in
	$(UV) pip compile --universal --no-header --no-emit-index-url --no-annotate \
		--override envs/overrides.txt --python-version 3.11 \
		envs/requirements.in -o envs/requirements.txt
