# Everything starts from here: `make demo` and `make test` set up what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
BESIDE := -n 3 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-vllm coverage lint format lock bench screenshots clean

help: ## Show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(READY) ## Set up .venv from requirements.lock

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than Python 3.11; name another one: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## Plan, simulate and judge the 70 bundled scenarios; print the tables
	$(BIN)/workbench run --db demo.db --arms vanilla,agent,planner,full --judges a,b
	@echo "kept in demo.db: try \`$(BIN)/workbench show runs --db demo.db\`, \`… show scores …\`, \`… show dialogues …\`"

test: $(READY) ## Run all tests
	$(BIN)/python -m pytest $(BESIDE)

test-fast: $(READY) ## Run the tests that take less than a few seconds each
	$(BIN)/python -m pytest $(BESIDE) -m "not slow"

coverage: $(READY) ## Run all tests and print which lines none of them reaches; takes nearly twice as long
	$(BIN)/python -m pytest $(BESIDE) --cov --cov-report=term-missing:skip-covered

test-vllm: $(READY) ## Test on a real vLLM server without a GPU; builds its environment once (2.5 GB)
	@$(BIN)/python -m tests.vllm.environment > /dev/null; code=$$?; \
	if [ $$code -eq 77 ] && [ "$${CI:-}" = true ]; then echo "make test-vllm: skipped, its environment can't be had on this machine"; \
	elif [ $$code -ne 0 ]; then exit 1; \
	else export WORKBENCH_TEST_VLLM=1; $(BIN)/python -m pytest tests/vllm || { [ "$${CI:-}" = true ] && \
	echo "make test-vllm: once more what failed: real servers on a busy machine" && $(BIN)/python -m pytest --last-failed tests/vllm; }; fi

lint: $(READY) ## Check style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY) ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: ## Renew requirements.lock from pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-tools
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --upgrade --strip-extras --allow-unsafe --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra dev --output-file requirements.lock pyproject.toml

bench: $(READY) ## Measure speed and memory; prints figures
	$(BIN)/python -m tests.benchmarks

screenshots: $(READY) ## Make the README's pictures from real output
	$(BIN)/python docs/make_screenshots.py

clean: ## Remove what was built here, never a database
	rm -rf $(VENV) build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
