#!/usr/bin/env bash
# Makes .venv with the library, the engines and what the demo and the tests need.
# Needs bash, Python >= 3.11 with venv, and PyPI; does nothing when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."

python=""
for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11 python; do
  if [ -n "$candidate" ] && "$candidate" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python="$candidate"
    break
  fi
done
if [ -z "$python" ]; then
  echo "setup: no Python >= 3.11 with venv was found; install one, or name it: PYTHON=/path/to/python3" >&2
  exit 2
fi

wanted="$(cat pyproject.toml constraints.txt | cksum) $("$python" -V) $PWD"
if [ -x .venv/bin/python ] && [ "$(cat .venv/made-from 2>/dev/null || true)" = "$wanted" ]; then
  exit 0
fi
echo "setup: making .venv with $("$python" -V); the first time takes a minute or two"
"$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
  --constraint constraints.txt --editable '.[spark,sail,test]'
# last, so that a broken installation is made again
echo "$wanted" > .venv/made-from
