# Needs make and Python 3.11 or newer, and nothing else. `make` alone lists the targets.
# Another interpreter: make PYTHON=python3.12 test

PYTHON ?= python3
VENV = .venv
BIN = $(VENV)/bin
REAL_VENV = .venv-real
NODE_CLIENT = tests/real/node
LOCK_VENV = build/lock-venv
PIP_INSTALL = pip install --quiet --no-input --disable-pip-version-check
COMPILE = $(LOCK_VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"
NEW_ENOUGH = $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "Python 3.11 or newer is needed, and \`$(PYTHON)\` is not that." >&2; \
	echo "Name another one: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }

.PHONY: help venv demo test test-real lint bench lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1|/p' Makefile | while IFS='|' read -r name does; do \
		printf '  make %-9s %s\n' "$$name" "$$does"; done

venv: $(VENV)/.installed ## make .venv from the locked, hash-checked dependencies

demo: venv ## show the gateway at work, against model servers of its own (ARGS=--once to stop by itself)
	@$(BIN)/oneai demo $(ARGS)

test: lint ## lint, then run the tests on every core (ARGS goes to pytest)
	@echo "== pytest"
	@$(BIN)/python -m pytest -n auto $(ARGS)

test-real: venv $(REAL_VENV)/.installed $(NODE_CLIENT)/node_modules/.installed ## run the gateway against real clients and model servers (ARGS goes to pytest)
	@echo "== pytest tests/real"
	@$(BIN)/python -m pytest tests/real -n auto $(ARGS)

lint: venv ## ruff and mypy
	@echo "== ruff check"
	@$(BIN)/ruff check --quiet .
	@echo "== ruff format"
	@$(BIN)/ruff format --quiet --check . || { echo "not formatted; mend it with: $(BIN)/ruff format ."; exit 1; }
	@echo "== mypy"
	@$(BIN)/mypy

bench: venv ## load the gateway and print one table (ARGS goes to the bench)
	@$(BIN)/python -m bench $(ARGS)

# An existing environment is kept and brought up to the lock; one that doesn't run any more is made anew.
define environment
	@$(NEW_ENOUGH)
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "\`$(PYTHON)\` has no venv module. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@$(1)/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "== make $(1)"; $(PYTHON) -m venv --clear $(1); }
endef

$(VENV)/.locked: requirements/dev.txt
	$(call environment,$(VENV))
	@echo "== install requirements/dev.txt"
	@$(BIN)/python -m $(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	@echo "== install oneai, editable"
	@$(BIN)/python -m $(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# The lock is whole: what it leaves out on purpose (see pyproject.toml) is not to be fetched after all.
$(REAL_VENV)/.installed: requirements/real.txt
	$(call environment,$(REAL_VENV))
	@echo "== install requirements/real.txt"
	@$(REAL_VENV)/bin/python -m $(PIP_INSTALL) --require-hashes --no-deps --only-binary=:all: -r requirements/real.txt
	@touch $@

$(NODE_CLIENT)/node_modules/.installed: $(NODE_CLIENT)/package-lock.json
	@command -v node >/dev/null && command -v npm >/dev/null || { \
		echo "make test-real needs Node.js 18 or newer, and npm. On Debian or Ubuntu: apt-get install nodejs npm" >&2; \
		exit 1; }
	@echo "== npm ci in $(NODE_CLIENT)"
	@cd $(NODE_CLIENT) && npm ci --silent --no-audit --no-fund
	@touch $@

# dev.txt is solved first and constrains the others, so that the tests run what the image ships.
# Versions stay as they are where they still fit; `make lock ARGS=--upgrade` takes the newest.
lock: ## solve the dependencies again into requirements/ (ARGS=--upgrade for the newest)
	@$(NEW_ENOUGH)
	@echo "== make $(LOCK_VENV)"
	@$(PYTHON) -m venv $(LOCK_VENV)
	@$(LOCK_VENV)/bin/python -m $(PIP_INSTALL) --require-hashes -r requirements/lock.txt
	@echo "== solve"
	@echo uv | $(COMPILE) $(ARGS) - -o requirements/lock.txt >/dev/null
	@$(COMPILE) $(ARGS) pyproject.toml --extra ocr --group dev -o requirements/dev.txt >/dev/null
	@$(COMPILE) pyproject.toml --extra ocr -c requirements/dev.txt -o requirements/ocr.txt >/dev/null
	@$(COMPILE) pyproject.toml -c requirements/dev.txt -o requirements/run.txt >/dev/null
	@$(COMPILE) $(ARGS) --group real -o requirements/real.txt >/dev/null
	@$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| $(COMPILE) - -c requirements/dev.txt -o requirements/build.txt >/dev/null
	@echo "requirements/ is up to date; see what changed with: git diff --stat requirements"

clean: ## remove caches and build results (environments stay)
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './$(VENV)/*' -not -path './$(REAL_VENV)/*' -prune -exec rm -rf {} +
