# Every target uses .venv, made from the hashed lock file; nothing is installed outside this folder.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help venv demo up down test soak bench check format migrate lock

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

venv: .venv/.ready  ## make the environment that all targets use (.venv)

.venv/.ready: requirements-dev.lock
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements-dev.lock
	@touch $@

demo: venv  ## bill two businesses end to end on the embedded stack: invoice, mail, collect, remind, suspend, reactivate
	$(BIN)/python -m dev demo

up: venv  ## run the embedded stack in the foreground and print its addresses (Ctrl-C stops it, data stays in .stack/)
	$(BIN)/python -m dev up

down: venv  ## stop an embedded stack that runs detached
	$(BIN)/python -m dev down

# What starts whole stacks wants its usual ports and goes first, alone; the rest runs file by file in two processes.
STACKS := tests/dev tests/journeys

test: venv  ## run all tests with branch coverage
	$(BIN)/python -m pytest $(STACKS) --cov --cov-report= --cov-fail-under=0
	$(BIN)/python -m pytest $(STACKS:%=--ignore=%) --numprocesses=2 --dist=loadfile --cov --cov-append --cov-report=term

LIVES ?= 1000

soak: venv  ## take LIVES=1000 invoices through suspension and back while workers are killed, and count every letter
	$(BIN)/python -m benchmarks.soak_collections --lives $(LIVES)

bench: venv  ## measure how long reactivation takes after payment, in bare activity round trips of the same run
	$(BIN)/python -m benchmarks.reactivation

check: venv  ## lint, types, import rules and house rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m lint

format: venv  ## format the code and mend what the linter can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

migrate: venv  ## bring the database named by DATABASE_URL up to date
	$(BIN)/python -m manage migrate

lock: venv  ## make the hashed lock files anew from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --output-file requirements.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --constraint requirements.lock --output-file requirements-dev.lock
