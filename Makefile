# make quickstart   sets up .venv, then trains on digits that the program draws, evaluates, exports and reports
# make test         sets up .venv, then runs the tests, but for the slow ones
# make test-slow    runs the slow ones: kills, several workers, long runs
# make test-beam    sets up .venv-beam, then runs the tests of the extra "beam", which asks for older packages
# make lint         sets up .venv, then checks format, style and types
# make docs         builds the documentation as a site in site/, and fails on a broken link
# make install      only sets up .venv; activate it with: . .venv/bin/activate

PYTHON ?= python3
VENV ?= .venv

.PHONY: docs install install-beam lint quickstart test test-slow test-beam

install: $(VENV)/installed

$(VENV)/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else \
	  f"error: {sys.executable} is Python {v[0]}.{v[1]}\n  expected: 3.11, 3.12 or 3.13\n  to do:    make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -e .
	@touch $@

quickstart: install
	$(VENV)/bin/tf-ttur train --config quickstart
	@$(VENV)/bin/tf-ttur report runs/quickstart-ttur-seed0 --output runs/quickstart-ttur-seed0/report

test: install
	$(VENV)/bin/python -m pytest -m "not slow"

test-slow: install
	$(VENV)/bin/python -m pytest -m slow

lint: install
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

# Without the variable the theme prints an advertisement.
docs: install
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict

install-beam: $(VENV)-beam/installed

$(VENV)-beam/installed: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)-beam
	grep -v '^pillow==' requirements.txt > $(VENV)-beam/requirements.txt
	$(VENV)-beam/bin/python -m pip install --quiet --disable-pip-version-check -r $(VENV)-beam/requirements.txt -e .[beam]
	@touch $@

test-beam: install-beam
	$(VENV)-beam/bin/python -m pytest tests/metrics/test_beam.py
