#!/usr/bin/env bash
# Checks the code, then runs the tests on each engine: everything on Sail, each kind of sampler and job on
# classic Spark and Spark Connect too, which need Java. With CI=true no engine may be left out.
set -uo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh || exit 1
bin=.venv/bin
work=$(mktemp -d) || exit 1
summary=$work/summary

trap 'rm -rf "$work"' EXIT
# what runs beside the others does not hear Ctrl-C
trap 'trap - TERM; kill 0' INT TERM

check() { # name, command...
  local name="$1" start=$SECONDS outcome
  shift
  echo "== $name"
  if "$@"; then outcome="ok      $name ($((SECONDS - start)) s)"; else outcome="FAILED  $name"; fi
  echo "$outcome" >>"$summary"
}

check "ruff check" $bin/ruff check .
check "ruff format" $bin/ruff format --check .
check "mypy --strict" $bin/mypy
check "import-linter" $bin/lint-imports
if $bin/python -c 'import sys; from spark_balance.app.session import find_java; sys.exit(find_java() is None)'; then
  # Sail has no JVM and fills what cores the JVM leaves idle while it plans and compiles
  check "tests on sail" nice $bin/pytest -q --engine sail -n 2 >"$work/sail" 2>&1 &
  check "tests on spark" $bin/pytest -q --engine spark
  check "tests on connect" $bin/pytest -q --engine connect
  wait
  cat "$work/sail"
else
  check "tests on sail" $bin/pytest -q --engine sail -n 2
  for engine in spark connect; do
    echo "LEFT OUT tests on $engine: no Java 17 or newer was found" >>"$summary"
  done
fi

echo
cat "$summary"
[ "${CI:-}" = true ] && bad='^(FAILED|LEFT OUT)' || bad='^FAILED'
# a check that was killed has no line at all
[ "$(wc -l <"$summary")" -eq 7 ] && ! grep -Eq "$bad" "$summary"
