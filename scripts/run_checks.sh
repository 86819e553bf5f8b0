#!/usr/bin/env bash
# Every check, in the order in which they are quickest to fail: lint, types on three platforms, import contracts, tests.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin

scripts/install_test_programs.sh

echo "== lint"
$bin/ruff check .
$bin/ruff format --check .

for platform in linux darwin win32; do
  echo "== types ($platform)"
  $bin/mypy --platform "$platform"
done

echo "== import contracts"
$bin/lint-imports

echo "== tests"
# a file is tested by one process; each process has its own Prefect server, which most of the time waits
$bin/python -m pytest -n 2 --dist loadfile "$@"
