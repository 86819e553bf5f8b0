# isomanager: `make demo` shows the main job, `make test` runs every check. Both make what they need first.
.PHONY: env demo test lint types imports units lock clean

PYTHON ?= python3
BIN = .venv/bin

env:
	@PYTHON=$(PYTHON) scripts/make_env.sh

demo: env
	@$(BIN)/python -m cli.demo

test: env
	@scripts/run_checks.sh

lint: env
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: env
	@for platform in linux darwin win32; do echo "mypy --platform $$platform" && $(BIN)/mypy --platform $$platform || exit 1; done

imports: env
	@$(BIN)/lint-imports

units: env
	@$(BIN)/python -m pytest

lock: env
	@scripts/lock.sh

clean:
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info build dist
