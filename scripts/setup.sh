#!/usr/bin/env bash
# Makes .venv with the library, the engines and what the tests need; `setup.sh EXTRAS PACKAGE...` takes these alone.
# Needs bash, Python >= 3.11 with venv, and PyPI; does nothing when nothing changed, or when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

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

all="spark,sail,test"
extras="${1:-$all}"
made="$(cat pyproject.toml constraints.txt | cksum) $("$python" -V) $PWD"
there="$(cat .venv/made-from 2>/dev/null || true)"
if [ -x .venv/bin/python ] && { [ "$there" = "$made $all" ] || [ "$there" = "$made $*" ]; }; then
  exit 0
fi
case "$extras" in
  *spark*) size="550 MB, of which Spark is 435" ;;
  *) size="170 MB" ;;
esac
echo "setup: making .venv with $("$python" -V); pip downloads about $size, once: .[$extras] ${*:2}"
"$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --disable-pip-version-check $(flags_for_once) \
  --constraint constraints.txt --editable ".[$extras]" "${@:2}"
# last, so that a broken installation is made again
echo "$made ${*:-$all}" > .venv/made-from
