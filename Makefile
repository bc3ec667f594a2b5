# The course with make. The README has the same steps without it; PYTHON=python3.12 chooses another Python.
#
# make run   makes .venv, installs what the course needs, starts it, prints its address (PORT=8502: another port;
#            HOST=0.0.0.0: for the whole network, not this machine alone)
# make test  installs what the tests need, a browser included, and runs lint, types and every test
# make bench measures speed and size on this machine, under ten minutes; benchmarks/README.md says how
# make bench-full takes all parts in their long form: an hour and more on an idle machine

PORT ?= 8501
HOST := 127.0.0.1
PYTHON ?=
PYTEST ?=
V := .venv/bin/python

.PHONY: help run test bench bench-full lint format types clean environment environment-dev browser

help:
	@sed -n 's/^# \(make \|   \)/\1/p' Makefile
	@echo "make lint, make format, make types, make clean"

run: environment
	@$(V) -m course_lib start --host $(HOST) --port $(PORT)

# Lint and types come first because they are quick. Most tests share nothing and run on two cores, a file at a time;
# those in a real browser come after them, two at a time: they mostly wait for a page to be drawn.
test: environment-dev lint types browser
	$(V) -m pytest -n 2 --dist loadfile --ignore=tests/browser $(PYTEST)
	$(V) -m pytest -n 2 --dist loadfile tests/browser $(PYTEST)

bench: environment-dev browser
	$(V) -m benchmarks

bench-full: environment-dev browser
	$(V) -m benchmarks --full

lint: environment-dev
	$(V) -m ruff check
	$(V) -m ruff format --check

format: environment-dev
	$(V) -m ruff check --fix
	$(V) -m ruff format

types: environment-dev
	$(V) -m mypy

# .venv and caches; runs, answers and prepared data (LIVEREC_HOME) stay.
clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis test-results
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

environment:
	@PYTHON='$(PYTHON)' sh tools/environment.sh requirements.txt

environment-dev:
	@PYTHON='$(PYTHON)' sh tools/environment.sh requirements.txt requirements-dev.txt

browser: environment-dev
	@$(V) tools/browser.py
