# Every target installs what it needs into .venv first; a second call installs nothing again.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip is upgraded first and everything is pinned: a stock pip can resolve for ten minutes.
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
SOURCES := pyproject.toml setup.py constraints.txt diag/formats/_xspace.pyx

.PHONY: demo test lint bench clean help

help:  ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /	/'

demo: $(VENV)/.demo  ## install, start a real server, capture and diagnose it
	$(BIN)/diag demo

test: $(VENV)/.dev  ## install what tests need and run them all
	$(BIN)/python -m pytest

lint: $(VENV)/.dev  ## format, rules, types, layers, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

bench: $(VENV)/.dev  ## measure accuracy and speed, write the tables into docs/
	$(BIN)/python -m benchmarks

clean:  ## remove everything that was built or installed
	rm -rf $(VENV) build *.egg-info diag/formats/_xspace.c diag/formats/*.so

$(VENV)/.pip:
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade pip
	@touch $@

$(VENV)/.demo: $(VENV)/.pip $(SOURCES)
	@echo "installing diag with its demo server (TensorFlow: 1.9 GB, about a minute) ..." >&2
	$(PIP) install -c constraints.txt -e '.[demo,tensorboard]'
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	@echo "installing what the tests need ..." >&2
	$(PIP) install -c constraints.txt -e '.[demo,tensorboard,dev]'
	@touch $@
