# make install | test | lint | bench: the four words; make slow: the tests that take minutes; make demo: the main job on a sample
# article; make docs: the pages, in docs/_build; make audit: known holes of the pinned versions, asked of
# PyPI, or of OSV with PIP_AUDIT_VULNERABILITY_SERVICE=osv; a version that the service does not know is an error.
# PEERS=environment/bin/python lets bench measure the peers too.
# PACKAGE=dist/quoteattr-….whl tests what a user installs, TESTS=folder tests a copy of tests/ away from the source.
PYTHON ?= python3
VENV ?= .venv
PACKAGE ?= --editable .
TESTS ?= .
PEERS ?=

BIN := $(abspath $(VENV))/bin
INSTALLED := $(VENV)/.installed

.PHONY: install test slow lint audit bench demo docs

install: $(INSTALLED)

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt $(PACKAGE)[dev]
	touch $@

test: install
	cd $(TESTS) && $(BIN)/pytest --pyargs quoteattr quoteattr.models tests

slow: install
	cd $(TESTS) && $(BIN)/pytest --pyargs tests -m slow

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict quoteattr models

audit: install
	$(BIN)/pip-audit --requirement constraints.txt --no-deps --disable-pip --strict

bench: install
	$(BIN)/python benchmarks/accuracy.py
	$(BIN)/python benchmarks/stages.py
	$(BIN)/python benchmarks/speed.py $(if $(PEERS),--peers-python $(PEERS))

docs: install
	$(BIN)/sphinx-build -q -W --keep-going docs docs/_build

demo: install
	$(BIN)/quoteattr extract quoteattr/data/sample.txt
