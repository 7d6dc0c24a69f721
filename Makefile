# make run, make test, make lint, make clean. Needed: Python 3.11 or newer, pip and make.

SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
PY := $(VENV)/bin/python
# The servers that checks start keep their state here, apart from the data of `make run`.
CHECKS := $(CURDIR)/$(VENV)/checks
PYTHON := $(shell for p in python3.11 python3 python3.12 python3.13; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_NO_INPUT = 1
export PIP_ROOT_USER_ACTION = ignore

.PHONY: help run test lint types arrows checks bench-realtime fuzz install clean

help:
	@echo 'make run    install what is missing, start everything, and stop it on Ctrl-C (PORT, STATE_DIR, MARKET_DATA)'
	@echo 'make test   lint, types, arrows, checks and tests'
	@echo 'make lint   formatting and lint only'
	@echo 'make bench-realtime  every gate of the push server, within ten minutes (ARGS=--quick: within 90 s)'
	@echo 'make fuzz   ask the API anything that its OpenAPI document allows, and forbids (ARGS=--quick: less of it)'
	@echo 'make clean  remove the virtual environment and caches; the data in .state stay'

run: install
	@exec $(PY) manage.py up

test: lint types arrows checks
	@$(PY) -m pytest -n 2 -q

lint: install
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

types: install
	@STATE_DIR='$(CHECKS)' $(PY) -m mypy config accounts stocks portfolios screening realtime benchmarks clients/python clients/tests manage.py

arrows: install
	@$(VENV)/bin/lint-imports

checks: install
	@STATE_DIR='$(CHECKS)' $(PY) manage.py makemigrations --check --dry-run
	@STATE_DIR='$(CHECKS)' $(PY) manage.py spectacular --validate --fail-on-warn --file /dev/null
	@secret() { $(PY) -c 'import secrets; print(secrets.token_urlsafe(48))'; }; \
	ENVIRONMENT=production STATE_DIR='$(CHECKS)' ALLOWED_HOSTS=stockroom.example MARKET_DATA=none DEBUG= \
	RATE_LIMITS=on SECRET_KEY=$$(secret) JWT_SIGNING_KEY=$$(secret) API_KEY_PEPPER=$$(secret) \
	DATABASE_URL=postgresql://stockroom@127.0.0.1/stockroom REDIS_URL=redis://127.0.0.1/0 \
	$(PY) manage.py check --deploy --fail-level WARNING

# The machine should do nothing else meanwhile.
bench-realtime: install
	@$(PY) benchmarks/realtime_gates.py $(ARGS)

# Schemathesis gets an environment of its own, so that the project's packages stay as they are pinned.
fuzz: install
	@$(PY) benchmarks/fuzz.py $(ARGS)

# Installs again only when requirements.txt is not what was installed last.
install:
	@if ! $(PY) -c '' 2>/dev/null; then \
		if [ -z '$(PYTHON)' ]; then echo 'Error: Python 3.11 or newer is needed.' >&2; exit 1; fi; \
		rm -rf $(VENV); \
		$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 \
			|| { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV); }; \
	fi
	@if ! cmp -s requirements.txt $(VENV)/requirements.installed; then \
		echo 'Installing requirements.txt'; \
		if $(PY) -m pip --version >/dev/null 2>&1; then pip="$(PY) -m pip"; \
		else pip="$(PYTHON) -m pip --python $(PY)"; fi; \
		$$pip install --quiet --requirement requirements.txt \
			&& cp requirements.txt $(VENV)/requirements.installed; \
	fi

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis staticfiles
	find . -name __pycache__ -type d -not -path './.state/*' -exec rm -rf {} +
