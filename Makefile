# make quickstart   sets up .venv, then trains on digits that the program draws, evaluates, exports and reports
# make test         sets up .venv, then runs the tests, but for the slow ones
# make test-slow    runs the slow ones: kills, several workers, long runs
# make test-beam    sets up .venv-beam, then runs the tests of the extra "beam", which asks for older packages
# make test-matrix  runs a short set of tests with each supported Python, and with the lowest and newest packages
# make lint         sets up .venv, then checks format, style and types
# make docs         builds the documentation as a site in site/, and fails on a broken link
# make dist         builds the wheel and the source archive, checks them, and runs tests of the source archive
# make lock         writes requirements.txt and requirements/ after a change of pyproject.toml
# make install      only sets up .venv; activate it with: . .venv/bin/activate

PYTHON ?= python3
VENV ?= .venv
# Extras of pyproject.toml, with commas between them. A machine with an NVIDIA driver gets "gpu".
EXTRAS ?= $(shell nvidia-smi >/dev/null 2>&1 && echo gpu)
# Options of make lock: UPGRADE=--upgrade takes the newest versions, --upgrade-package=NAME that of one.
UPGRADE ?=

LOCK = $(if $(findstring gpu,$(EXTRAS)),requirements/gpu.txt,requirements.txt)
STAMP = $(VENV)/installed$(if $(EXTRAS),-$(EXTRAS))
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check

.PHONY: dist docs install install-beam install-release lint lock quickstart test test-beam test-matrix test-slow

install: $(STAMP)

# Without build isolation: the lock has what builds the package.
$(STAMP): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else \
	  f"error: {sys.executable} is Python {v[0]}.{v[1]}\n  expected: 3.11, 3.12 or 3.13\n  to do:    make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP_INSTALL) -r $(LOCK)
	$(VENV)/bin/python $(PIP_INSTALL) --no-build-isolation -e .$(if $(EXTRAS),[$(EXTRAS)])
	@touch $@

quickstart: install
	$(VENV)/bin/tf-ttur train --config quickstart
	@$(VENV)/bin/tf-ttur report runs/quickstart-ttur-seed0 --output runs/quickstart-ttur-seed0/report

test: install
	$(VENV)/bin/python -m pytest -m "not slow"

test-slow: install
	$(VENV)/bin/python -m pytest -m slow --durations=0 --durations-min=5

lint: install
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

# Without the variable the theme prints an advertisement.
docs: install
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict

install-beam: $(VENV)-beam/installed

$(VENV)-beam/installed: requirements/beam.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)-beam
	$(VENV)-beam/bin/python $(PIP_INSTALL) -r requirements/beam.txt
	$(VENV)-beam/bin/python $(PIP_INSTALL) --no-build-isolation -e .[beam]
	@touch $@

test-beam: install-beam
	$(VENV)-beam/bin/python -m pytest tests/metrics/test_beam.py

install-release: $(VENV)-release/installed

$(VENV)-release/installed: requirements/release.txt
	$(PYTHON) -m venv $(VENV)-release
	$(VENV)-release/bin/python $(PIP_INSTALL) -r requirements/release.txt
	@touch $@

# The developers have no common address, so pyroma does not ask for one. The tests run in the unpacked
# source archive; the first of them builds a wheel from it.
dist: install install-release
	rm -rf dist
	$(VENV)-release/bin/python -m build --no-isolation --outdir dist .
	$(VENV)-release/bin/twine check --strict dist/*
	$(VENV)-release/bin/check-wheel-contents dist/*.whl
	$(VENV)-release/bin/pyroma --min 9 --skip-tests AuthorEmail dist/*.tar.gz
	$(VENV)-release/bin/cffconvert --validate
	$(VENV)-release/bin/hadolint Dockerfile
	mkdir dist/unpacked && tar -xzf dist/*.tar.gz -C dist/unpacked --strip-components=1
	cd dist/unpacked && $(abspath $(VENV))/bin/python -m pytest -p no:cacheprovider -n 0 \
	  tests/test_wheel.py tests/test_rooms.py tests/config tests/data/test_prepare.py tests/metrics/test_frechet.py
	rm -rf dist/unpacked

# Interpreters are found on the PATH. With pyenv: PYENV_VERSION=3.11.7:3.12.1:3.13.0 make test-matrix
test-matrix: install-release
	$(VENV)-release/bin/python tests/matrix.py $(ENVIRONMENTS)

LOCK_WITH = $(VENV)-release/bin/uv pip compile --quiet --universal --python-version 3.11 \
  --generate-hashes --no-header --no-annotate $(UPGRADE)

lock: install-release
	$(LOCK_WITH) pyproject.toml --extra test --group lint --output-file requirements.txt
	$(LOCK_WITH) pyproject.toml --extra test --group lint --extra gpu --constraint requirements.txt \
	  --output-file requirements/gpu.txt
	$(LOCK_WITH) pyproject.toml --extra test --extra beam --output-file requirements/beam.txt
	$(LOCK_WITH) --group release --output-file requirements/release.txt
