# The few commands of this repository. Each makes the virtual environment that it needs and uses nothing but
# Python, a C compiler and make. `make demo` and `make test` are the two that a newcomer wants.
SHELL := /bin/bash
PYTHON ?= python3
DEMO := .venv-demo
TEST := .venv-test
WORKERS ?= 2
SOURCES := $(shell find src -name '*.py' -o -name '*.pxd' -o -name '*.pyx' -o -name '*.c' -o -name '*.h' -o -name '*.inc')
# The rooms whose semantics must not depend on compilation; a room that is not there yet is left out.
UNCOMPILED := $(wildcard tests/core tests/cases tests/ops tests/table tests/autograd tests/test_table.py tests/test_seed.py)
PIP := -m pip install --quiet --disable-pip-version-check

# `make ext` builds with $(PYTHON) if it was given, else with the test environment's Python if that is there.
ifeq ($(origin PYTHON),file)
EXT_PYTHON := $(if $(wildcard $(TEST)/.ready),$(TEST)/bin/python,$(PYTHON))
else
EXT_PYTHON := $(PYTHON)
endif

.PHONY: help demo test suite suite-pure lint bench nightly ext clean
help:
	@echo "make demo      build, run the six seed programs, train a small network with frozen layers"
	@echo "make test      lint, types and the whole suite, compiled and uncompiled, beside PyTorch 2.13.0"
	@echo "make bench     write benchmarks/RESULTS.md from one run beside PyTorch"
	@echo "make nightly   the long tests"
	@echo "make lint      ruff and mypy"
	@echo "make ext       build the extensions in place, as far as they changed"
	@echo "make clean     remove what was built (not the virtual environments)"

demo: $(DEMO)/.ready
	$(DEMO)/bin/headgate demo

$(DEMO)/.ready: pyproject.toml setup.py $(SOURCES)
	test -x $(DEMO)/bin/python || $(PYTHON) -m venv $(DEMO)
	rm -rf build/lib* build/bdist* build/wheels
	$(DEMO)/bin/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheels .
	$(DEMO)/bin/python $(PIP) --force-reinstall --no-deps build/wheels/*.whl
	$(DEMO)/bin/python $(PIP) "$$(ls build/wheels/*.whl)[demo]"
	touch $@

# PyTorch comes first and alone, so that nothing else can choose another build of it.
$(TEST)/.ready: pyproject.toml
	test -x $(TEST)/bin/python || $(PYTHON) -m venv $(TEST)
	$(TEST)/bin/python $(PIP) torch==2.13.0
	$(TEST)/bin/python $(PIP) "numpy>=2" "Cython>=3.3" "setuptools>=77" wheel
	$(TEST)/bin/python $(PIP) --no-build-isolation --editable ".[test]"
	touch $@

test: lint suite suite-pure

suite: $(TEST)/.ready
	HEADGATE_BUILD_KEEP_GOING= $(TEST)/bin/python setup.py --quiet build_ext --inplace
	HYPOTHESIS_PROFILE=ci $(TEST)/bin/python -m pytest -q -n $(WORKERS) --dist=worksteal

suite-pure: $(TEST)/.ready
	HEADGATE_PURE=1 $(TEST)/bin/python -m pytest -q -n $(WORKERS) --dist=worksteal $(UNCOMPILED)

nightly: $(TEST)/.ready ext
	HEADGATE_NIGHTLY=1 HYPOTHESIS_PROFILE=nightly $(TEST)/bin/python -m pytest -q -n $(WORKERS)

lint: $(TEST)/.ready
	$(TEST)/bin/python -m ruff check .
	$(TEST)/bin/python -m mypy

bench: $(TEST)/.ready ext
	$(TEST)/bin/python -m benchmarks

ext:
	HEADGATE_BUILD_KEEP_GOING=1 $(EXT_PYTHON) setup.py --quiet build_ext --inplace

clean:
	rm -rf build src/*.egg-info
	find src -name '*.so' -o -name '*.pyd' | xargs rm -f
