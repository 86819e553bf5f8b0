#!/usr/bin/env bash
# Creates .venv from the locked, hashed dependencies. Idempotent: does nothing when the lock has not changed.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
command -v "$python" >/dev/null || { echo "isomanager needs Python 3.11 or newer, and '$python' was not found. On Debian: apt-get install python3 python3-venv" >&2; exit 2; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "isomanager needs Python 3.11 or newer; '$python' is $("$python" -V 2>&1). Set PYTHON=/path/to/python3.11 (or newer)." >&2; exit 2; }
"$python" -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing. On Debian: apt-get install python3-venv" >&2; exit 2; }

wanted=$(cat requirements.lock pyproject.toml | cksum | tr -d ' ')
stamp=.venv/.locked
if [ -x .venv/bin/isomanager ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted $PWD" ]; then exit 0; fi

echo "Making .venv from requirements.lock (one to three minutes the first time) ..."
"$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock 2> >(grep -v "is ignored: it is neither a file" >&2)
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . 2> >(grep -v "is ignored: it is neither a file" >&2)
echo "$wanted $PWD" > "$stamp"
