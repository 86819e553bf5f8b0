#!/usr/bin/env bash
# Writes requirements.lock anew from pyproject.toml: every platform, every hash, no index addresses.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
  --no-annotate --no-header --quiet "$@" -o requirements.lock
