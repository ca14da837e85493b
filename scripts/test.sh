#!/usr/bin/env bash
# Checks the code, then runs the tests on each engine: everything on Sail, each kind of sampler and job on
# classic Spark and Spark Connect too, which need Java. With CI=true no engine may be left out.
set -uo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh || exit 1
bin=.venv/bin
summary=()
failed=0

check() { # name, command...
  local name="$1" start=$SECONDS
  shift
  echo "== $name"
  if "$@"; then
    summary+=("ok      $name ($((SECONDS - start)) s)")
  else
    summary+=("FAILED  $name")
    failed=1
  fi
}

check "ruff check" $bin/ruff check .
check "ruff format" $bin/ruff format --check .
check "mypy --strict" $bin/mypy
check "import-linter" $bin/lint-imports
check "tests on sail" $bin/pytest -q --engine sail -n 2
if $bin/python -c 'import sys; from spark_balance.session import find_java; sys.exit(find_java() is None)'; then
  check "tests on spark" $bin/pytest -q --engine spark
  check "tests on connect" $bin/pytest -q --engine connect
else
  for engine in spark connect; do
    summary+=("LEFT OUT tests on $engine: no Java 17 or newer was found")
  done
  [ "${CI:-}" = true ] && failed=1
fi

echo
printf '%s\n' "${summary[@]}"
exit $failed
