# `make demo` and `make test` each work as the first command in a fresh clone: the virtual environment .venv is made
# when it is missing, and brought up to date when pyproject.toml or constraints.txt change. All that is written stays
# in this folder.

PYTHON ?= python3
PY := .venv/bin/python
PIP := -m pip --disable-pip-version-check --quiet

export MPLCONFIGDIR := $(CURDIR)/.cache/matplotlib
export HYPOTHESIS_STORAGE_DIRECTORY := $(CURDIR)/.cache/hypothesis
export WENGERT_CACHE_DIR := $(CURDIR)/.cache/objects
export MPLBACKEND ?= Agg

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint types layers unit docs bench lowest lock format clean

help:  ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*##[ ]*(.*)/  make \1|\2/' | column -t -s '|' 2>/dev/null \
	  || grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST)

demo: .venv/installed  ## The tour: what the library does, in the terminal and in pictures under demo/out/
	$(PY) -m demo

test: lint types layers unit docs  ## Everything that continuous integration checks, in order

lint: .venv/installed  ## Style (ruff)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: .venv/installed  ## Types (mypy)
	$(PY) -m mypy

layers: .venv/installed  ## The layers of the house (import-linter)
	.venv/bin/lint-imports --no-logo --cache-dir .cache/import_linter

# One BLAS thread a worker. The wheel is built and looked into by tests/test_packaging.py.
unit: .venv/installed  ## Tests, examples in docstrings and in the documentation, the wheel (pytest)
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(PY) -m pytest -q -n auto --dist worksteal --durations 5

# -E: a page that was read before is read again, or its warnings would be heard only once.
docs: .venv/installed  ## The documentation, docs/_build/html/index.html; a warning is an error
	$(PY) -m sphinx -q -E -W --keep-going -b html -d docs/_build/doctrees docs docs/_build/html

bench: .venv/installed-bench  ## Benchmarks against JAX, PyTorch, autograd and C (a large download the first time)
	$(PY) -m benchmarks
	$(PY) -m benchmarks.structure

lowest: .cache/lowest/installed  ## The tests, against the lowest versions that pyproject.toml admits
	.cache/lowest/bin/python -m pytest -q -n auto --dist worksteal

format: .venv/installed  ## Mend style where a machine can
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

lock: .cache/lock/installed  ## Write constraints.txt anew, with the newest versions (use the lowest Python: 3.11)
	(echo '# The versions that `make test` runs with. Written by `make lock`.'; \
	 .cache/lock/bin/python $(PIP) freeze --exclude-editable) > constraints.txt

clean:  ## Back to a fresh clone: removes .venv, caches and everything that was built
	rm -rf .venv .cache build dist docs/_build demo/out benchmarks/out
	find wengert tests docs demo benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# ---------------------------------------------------------------------------------------- virtual environments

define new-venv
	@$(PYTHON) -c 'import sys; sys.exit("Wengert needs Python 3.11 or later; try: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(1)
endef

# The build backend comes first, so that it is pinned too.
.venv/installed: pyproject.toml constraints.txt
	$(call new-venv,.venv)
	$(PY) $(PIP) install -c constraints.txt hatchling editables
	$(PY) $(PIP) install -c constraints.txt --no-build-isolation -e '.[dev]'
	$(PY) -m compileall -q wengert  # so that the first import is as fast as the others
	@touch $@

.venv/installed-bench: .venv/installed
	$(PY) $(PIP) install -c constraints.txt --no-build-isolation -e '.[dev,bench]'
	@touch $@

.cache/lowest/installed: pyproject.toml
	$(call new-venv,.cache/lowest)
	$(PYTHON) -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb")); print(*p["project"]["dependencies"], sep="\n")' \
	  | sed 's/>=/==/' > .cache/lowest/constraints.txt
	.cache/lowest/bin/python $(PIP) install -c .cache/lowest/constraints.txt -e '.[dev]'
	@touch $@

.PHONY: .cache/lock/installed
.cache/lock/installed:
	$(call new-venv,--clear .cache/lock)
	.cache/lock/bin/python $(PIP) install -e '.[dev]'
