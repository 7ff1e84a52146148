# `make` lists the targets. Each makes .venv, or completes it, when that is needed.
UNIT ?= convolution
BIN := .venv/bin
RUN := PATH="$(CURDIR)/$(BIN):$$PATH"
NEEDS := bootstrap.py pyproject.toml course/pyproject.toml constraints.txt

# The first Python that is new enough; `make PYTHON=/path/to/python` to choose.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: help setup demo test lab validate bench fuzz site kit attacks
help:
	@echo 'make demo       grade a class of invented submissions of unit 1, end to end (in build/demo)'
	@echo 'make lab        open the lectures and the exercises in JupyterLab'
	@echo 'make setup      make .venv with all that the tests need, torch included'
	@echo 'make test       lint and run all tests'
	@echo 'make validate   prove the grader: answers, stubs, right variants, mistakes (UNIT=all)'
	@echo 'make fuzz       a million random frames and 20,000 notebooks through what reads a submission: 5 minutes'
	@echo 'make kit        one zip per unit, for students, in kits/'
	@echo 'make site       build the course as pages, the lectures executed: build/site/index.html'
	@echo 'make attacks    grade hundreds of hostile submissions, and let plain nbgrader grade them, too: half an hour'
	@echo 'make bench      time grading a class, beside plain nbgrader'

setup: .venv/ready-to-test

demo: .venv/ready-to-run
	@$(RUN) python -m tests.demo

test: .venv/ready-to-test
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) pytest -n auto --dist loadgroup

# What you edit stands in work/: it is copied there once, and never overwritten.
lab: .venv/ready-to-run
	@$(RUN) python -m backpass lab $(filter-out all,$(UNIT)) $(LAB)

validate: .venv/ready-to-test
	@$(RUN) autograder validate $(filter-out all,$(UNIT))

kit: .venv/ready-to-run
	@for unit in $(notdir $(wildcard source/*)); do $(RUN) autograder release $$unit --kit || exit; done

site: .venv/ready-to-test
	@$(RUN) sphinx-build -q -W --keep-going docs build/site
	@echo 'The site: build/site/index.html'

bench: .venv/ready-to-test
	@$(RUN) python -m benchmarks.class

# Too long for `make test`, which grades a sample: pytest collects these files only by name.
attacks: .venv/ready-to-test
	@$(RUN) pytest tests/attacks/all_*.py

fuzz: .venv/ready-to-test
	@$(RUN) python -m tests.fuzz

.venv/ready-to-run: $(NEEDS)
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed, and none was found.' >&2; exit 2; }
	@$(PYTHON) bootstrap.py run

.venv/ready-to-test: $(NEEDS)
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed, and none was found.' >&2; exit 2; }
	@$(PYTHON) bootstrap.py test
