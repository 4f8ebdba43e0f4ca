# Two commands matter: `make demo` shows the whole way, `make test` proves it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Files of tests at a time; most of them wait for other processes.
WORKERS ?= 2
SIDEBAR := src/jupyter_mlops/labextension/package.json

.PHONY: demo test lint format lock sidebar bench clean

demo: $(READY)
	$(BIN)/python scripts/demo.py

# The sidebar needs Node.js; where there is none its tests say so and skip.
test: $(READY)
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory sidebar; fi
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)
	@if command -v npm >/dev/null; then cd labextension && npm test --silent; fi

lint: $(READY) labextension/node_modules/.package-lock.json
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/generate_types.py --check
	$(BIN)/python scripts/generate_commands.py --check
	cd labextension && npm run --silent lint:check

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd labextension && npm run --silent lint

bench: $(READY)
	$(BIN)/python -m benchmarks.compile
	$(BIN)/python -m benchmarks.pipeline
	$(BIN)/python -m benchmarks.capture
	$(BIN)/python -m benchmarks.logging
	$(BIN)/python -m benchmarks.fingerprints
	$(BIN)/python -m benchmarks.runs
	$(BIN)/python -m benchmarks.rerun
	$(BIN)/python -m benchmarks.sweep

sidebar: $(SIDEBAR)

$(SIDEBAR): labextension/node_modules/.package-lock.json $(wildcard labextension/src/*.ts labextension/src/*.tsx labextension/src/*/* labextension/style/* labextension/schema/*) labextension/package.json
	cd labextension && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent build

labextension/node_modules/.package-lock.json: labextension/package-lock.json labextension/.npmrc
	cd labextension && npm ci --silent
	@touch $@

# Bytecode halves the time of every import where Python may not write it itself.
$(READY): requirements/dev.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --require-hashes -r requirements/uv.txt
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements/dev.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --no-deps -e .
	@touch $@

# Write the lock anew after a change of pyproject.toml; it names no registry.
lock:
	$(BIN)/uv pip compile pyproject.toml --extra lab --extra examples --extra tune --extra dask --group test --group lint \
	  --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --quiet -o requirements/dev.txt
	grep -A1000 '^uv==' requirements/dev.txt | awk 'NR>1 && /^[a-z]/{exit} {print}' > requirements/uv.txt

clean:
	rm -rf $(VENV) .demo labextension/node_modules labextension/lib src/jupyter_mlops/labextension
