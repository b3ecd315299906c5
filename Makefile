# `make demo` and `make test` build what they need in .venv; nothing has to be installed before but Python, make
# and the network.
PYTHON ?= python3
PY := .venv/bin/python
DEMOS := $(filter-out __init__,$(basename $(notdir $(wildcard demos/[a-z]*.py))))

NATIVE := setup.py $(wildcard autograd/_native/*.[ch])

.PHONY: help demo demos generate notebooks test mutants lint format benchmark accuracy clean

help:
	@echo "make demo       learn XOR with a small network"
	@echo "make demos      run every demo at a small size"
	@echo "make notebooks  run the notebooks and store what they show"
	@echo "make generate   print the operations in C and JavaScript from their rows in Python"
	@echo "make test       run every test, the examples in the documentation included"
	@echo "make mutants    put small faults into the core and see that a test notices (an hour or two)"
	@echo "make lint       ruff, format check and mypy"
	@echo "make format     format the code"
	@echo "make benchmark  measure eager and compiled code beside other engines (half an hour)"
	@echo "make accuracy   measure the worst error of every operation beside mpmath (ten minutes)"
	@echo "make clean      remove what these commands made"

demo: .venv/user
	$(PY) -m demos.xor

demos: .venv/dev
	@for demo in $(DEMOS); do echo "== python -m demos.$$demo --small"; $(PY) -m demos.$$demo --small || exit 1; done

generate: .venv/dev
	$(PY) -m autograd._native.header
	$(PY) -m autograd.drawing.javascript

notebooks: .venv/dev
	$(PY) -m demos._notebooks

# The engine in C first, then the one in Python.
test: .venv/dev
	$(PY) -m pytest -n auto --dist loadfile
	AUTOGRAD_PURE_PYTHON=1 $(PY) -m pytest -n auto --dist loadfile autograd nn tests/autograd tests/nn

mutants: .venv/mutants
	$(PY) .ci/mutants.py $(ARGUMENTS)

lint: .venv/dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

format: .venv/dev
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

benchmark: .venv/dev
	$(PY) -m benchmarks.eager
	$(PY) -m benchmarks.compiled

accuracy: .venv/dev
	$(PY) -m benchmarks.accuracy

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	    { echo "Python 3.10 or later is needed; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv .venv || \
	    { rm -rf .venv; echo "On Debian and Ubuntu, venv is a package of its own: apt install python3-venv"; exit 1; }

.venv/user: $(PY) pyproject.toml $(NATIVE)
	$(PY) -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/dev: $(PY) pyproject.toml $(NATIVE)
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ .venv/user

.venv/mutants: .venv/dev
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	@touch $@

clean:
	rm -rf .venv build *.egg-info autograd/_native/*.so autograd/_native/*.pyd .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
