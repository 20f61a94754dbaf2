# Every target sets up what it needs. Another interpreter: make test PYTHON=python3.13 VENV=.venv-3.13
PYTHON ?= python3
VENV ?= .venv
PYTEST_ARGS ?=
# For `make e2e`: the server to test, and what it needs; see tests/e2e/README.md.
export E2E_BASE_URL E2E_MODEL E2E_API_KEY E2E_PROVIDER E2E_MAX_TOKENS
BENCH_ARGS ?=
DOCS_ARGS ?=
bin = $(VENV)/bin

.PHONY: help demo test e2e judge sdks check format data providers bench docs docs-look lock clean dev-env demo-env bench-env sdks-env python-is-new

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: demo-env ## the OpenAI driver against a server on loopback: chat, stream, tools, retry, costs, events, a ledger
	@$(bin)/python -m polydriver demo

# The tests start many processes; without compiled files each of them compiles the package anew.
test: dev-env ## the tests; no key and no network are needed
	env -u PYTHONDONTWRITEBYTECODE $(bin)/python -m pytest -q -n auto $(PYTEST_ARGS)

e2e: dev-env ## the end-to-end tests, against E2E_BASE_URL (with E2E_MODEL, ...) or the providers that have keys
	$(bin)/python -m pytest -rs tests/e2e $(PYTEST_ARGS)

check: dev-env ## lint, format, types, import directions, house rules
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/mypy src tools tests/conftest.py $(wildcard tests/typing examples)
	$(bin)/basedpyright --level error
	$(bin)/lint-imports --no-cache
	$(bin)/python tools/check_house.py

format: dev-env ## put the code into shape: ruff's fixes and its format
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

data: dev-env ## make the table of models and prices anew from public data, and check it
	$(bin)/python tools/build_models.py
	$(bin)/python tools/build_models.py --check

providers: dev-env ## write the table of providers in the documentation anew
	$(bin)/python tools/build_providers.py

judge: dev-env ## bring requests to every model of the catalog before the judges; JUDGE_ARGS="openai gemini" for some drivers
	PYTHONPATH=src:. $(bin)/python -m tests.testing.requests_matrix --all $(JUDGE_ARGS)

sdks: dev-env sdks-env ## the providers' own SDKs, and the AI SDK where npm is, ask the mock server
	SDKS_VENV=$(abspath $(VENV)-sdks) $(bin)/python -m pytest -rs tests/sdks $(PYTEST_ARGS)

bench: bench-env ## the benchmarks beside the bare clients, the openai SDK and LiteLLM, as tables and plots
	$(VENV)-bench/bin/python -m benchmarks --python $(abspath $(VENV)-bench/bin/python) $(BENCH_ARGS)

docs: dev-env ## the documentation, into site/, with a check of every link
	$(bin)/python tools/build_docs.py

docs-look: docs ## every page in Chromium, wide and narrow: nothing may be cut off; DOCS_ARGS="--pictures DIR" keeps pictures
	$(bin)/python tools/look_at_docs.py $(DOCS_ARGS)

lock: python-is-new ## compile requirements/*.lock anew; UPGRADE=1 takes the newest allowed versions
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet 'uv>=0.9,<1'
	UV=$(abspath $(VENV)-lock/bin/uv) bash tools/lock.sh

clean: ## remove environments, caches and what was built
	rm -rf $(VENV) $(VENV)-* build dist site docs/api .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

dev-env demo-env: python-is-new
	@$(PYTHON) tools/bootstrap.py $(@:-env=) --venv $(VENV)

bench-env: python-is-new
	@$(PYTHON) tools/bootstrap.py bench --venv $(VENV)-bench

sdks-env: python-is-new
	@$(PYTHON) tools/bootstrap.py sdks --venv $(VENV)-sdks
	@if command -v npm >/dev/null; then mkdir -p $(VENV)-sdks/node && cp tests/sdks/clients/package.json $(VENV)-sdks/node/ \
		&& npm --prefix $(VENV)-sdks/node install --silent --no-audit --no-fund --no-package-lock; fi

python-is-new:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "polydriver needs Python 3.11 or newer; $(PYTHON) is not. Name one: make PYTHON=python3.13 ..." >&2; exit 1; }
