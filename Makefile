# Touchline: `make demo` shows it, `make test` proves it. Both set up what they need first.
PYTHON ?= /usr/bin/python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
TESTS  ?= tests
# The two cores that everything is planned for. A third worker saves no time, and live runs would lose frames beside it.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow lint format bench soak clean

help: ## list what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## install Debian packages, the virtual environment and Touchline into it

$(STAMP): pyproject.toml debian-packages.txt tools/debian-packages tools/compile-kernels
	@tools/debian-packages
	@echo "Setting up $(VENV) (a minute or two the first time)"
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear --system-site-packages $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy only-if-needed --editable '.[dev]'
	@echo "Compiling kernels (a minute the first time)"
	@tools/compile-kernels $(BIN)/touchline
	@touch $@

demo: $(STAMP) ## film a synthetic match with two cameras and show it seven seconds late
	@$(BIN)/touchline demo

# In the order of the folders, since by default the files with the fewest tests come last, and those take longest.
test: $(STAMP) ## style, types and the tests
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

test-slow: $(STAMP) ## more cases, which would take the tests beyond ten minutes
	@$(BIN)/python -m pytest -n $(WORKERS) -m slow $(TESTS)

lint: $(STAMP) ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(STAMP) ## put the code into the project's style
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(STAMP) ## print the tables of docs/performance.md, measured here and now
	@$(BIN)/python -m benchmarks

soak: $(STAMP) ## push a day of frames through the delay, with faults, in minutes; leaves soak.png and soak.json
	@$(BIN)/touchline soak --hours 24 --faults 1 --png soak.png --report soak.json

clean: ## remove what was built
	rm -rf $(VENV) demo build *.egg-info src/*.egg-info .mypy_cache .ruff_cache .pytest_cache
