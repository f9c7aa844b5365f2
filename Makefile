# Openfloor. `make help` lists what there is to do.

# Whoever names a Python gets that one; else install.py takes the quickest build of the first found.
THIS_PYTHON := $(if $(PYTHON),--this-python)
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv/bin
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help run setup setup-dev test drills check lock bench

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: setup ## Install what is missing, then run everything (PORT=8000)
	@exec $(VENV)/python manage.py serve

setup: python ## Install what the program needs
	@$(PYTHON) install.py $(THIS_PYTHON)

setup-dev: python ## Install what working on it needs, too
	@$(PYTHON) install.py --dev $(THIS_PYTHON)

test: setup-dev ## Every test but the drills, from nothing
	@$(VENV)/python -m pytest -n $(WORKERS) --dist worksteal -q --ignore tests/faults

drills: setup-dev ## Running programs that are killed, cut off and restored
	@$(VENV)/python -m pytest -n $(WORKERS) --dist worksteal -q tests/faults

check: setup-dev ## Style, types, layers, migrations, deployment settings
	@echo "  Style";       $(VENV)/ruff check --quiet .
	@echo "  Format";      $(VENV)/ruff format --check --quiet . || { echo "Run: $(VENV)/ruff format ."; exit 1; }
	@echo "  Types";       $(VENV)/mypy --no-error-summary
	@echo "  Layers";      out=$$($(VENV)/lint-imports --no-logo --no-cache 2>&1) || { echo "$$out"; exit 1; }
	@echo "  Migrations";  OPENFLOOR_HOME=$(CURDIR)/var/check $(VENV)/python -W ignore manage.py makemigrations --check --dry-run --verbosity 1 >/dev/null
	@echo "  Deployment";  PRODUCTION=1 SECRET_KEY=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(64))') \
		DATABASE_URL=postgresql://nobody@localhost/none $(VENV)/python manage.py check --deploy --fail-level WARNING >/dev/null
	@echo "All is well."

lock: setup-dev ## Compile requirements.in into fully pinned requirements.txt (needs uv)
	@for name in requirements requirements-traces requirements-dev; do \
		uv pip compile --universal --python-version 3.11 --generate-hashes --quiet \
			--no-emit-index-url --custom-compile-command "make lock" $$name.in -o $$name.txt; done

bench: setup-dev ## Measure: what an order costs, how many go through
	@$(VENV)/python -m benchmarks

.PHONY: python
python:
	@test -n "$(PYTHON)" || { echo "Openfloor needs Python 3.11 or newer; this is $$(python3 --version 2>&1 || echo no Python at all)." >&2; exit 1; }
