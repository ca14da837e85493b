#!/usr/bin/env bash
# Checks the code, then runs the tests on each engine.
#   bash scripts/test.sh        every test on Sail that is not slow; on classic Spark each family of plans and three jobs
#   bash scripts/test.sh --all  as CI does: everything on Sail, each kind of sampler and job on classic Spark and Spark
#                               Connect too, and the smoke tests on other versions of Spark; the engines side by side
# Classic Spark and Connect need Java; with CI=true none may be left out.
set -uo pipefail
cd "$(dirname "$0")/.."
all=""
case "$*" in
  "") ;;
  --all) all=yes ;;
  *) echo "test: '$*' is not known; use --all, or nothing" >&2 && exit 2 ;;
esac
bin=.venv/bin
work=$(mktemp -d) || exit 1
# four processes of pytest, and what tests start, import the same modules
unset PYTHONDONTWRITEBYTECODE
summary=$work/summary

trap 'rm -rf "$work"' EXIT
# what runs beside the others does not hear Ctrl-C
trap 'trap - TERM; kill 0' INT TERM

java=$(command -v java || true)
# pip works on one core at a time; what fails here is made again, and told, by the tests that need it
if [ -n "$all" ] && [ -n "$java" ]; then bash scripts/versions.sh --make & fi
bash scripts/setup.sh || exit 1
wait
# before any engine starts: several JVMs that resolve packages at once corrupt their Ivy cache
if [ -n "$java" ]; then $bin/python scripts/fetch_jars.py || exit 2; fi

check() { # name, command...
  local name="$1" start=$SECONDS outcome
  shift
  echo "== $name"
  if "$@"; then outcome="ok      $name ($((SECONDS - start)) s)"; else outcome="FAILED  $name"; fi
  echo "$outcome" >>"$summary"
}

# neighboring tests share what a case makes of a frame, so workers take them in blocks
sail=($bin/pytest -q --engine sail -n 2 --dist worksteal)
spark=($bin/pytest -q --engine spark)
[ -n "$all" ] || { sail+=(-m "not slow"); spark+=(-m "smoke and not methods"); }

check "ruff check" $bin/ruff check .
check "ruff format" $bin/ruff format --check .
check "import-linter" $bin/lint-imports
# takes half a minute of one core, which the engines leave while they start
check "mypy --strict" $bin/mypy >"$work/mypy" 2>&1 &
# beside it one process compiles what all of them import
$bin/pytest -q --collect-only --engine sail >"$work/collected" 2>&1
checks=6
on_java=("spark")
[ -z "$all" ] || { checks=8; on_java+=("connect" "other versions of Spark"); }
if $bin/python -c 'import sys; from spark_balance.app.session import find_java; sys.exit(find_java() is None)'; then
  # each engine plans on one core at a time; Sail's tests, which are many and short, fill what the JVMs leave
  check "tests on sail" nice "${sail[@]}" >"$work/sail" 2>&1 &
  if [ -n "$all" ]; then
    check "tests on connect" nice -n 5 $bin/pytest -q --engine connect >"$work/connect" 2>&1 &
    check "smoke tests on other versions of Spark" nice -n 5 bash scripts/versions.sh >"$work/versions" 2>&1 &
  fi
  check "tests on spark" "${spark[@]}"
  wait
  for log in mypy connect versions sail; do [ ! -e "$work/$log" ] || cat "$work/$log"; done
else
  check "tests on sail" "${sail[@]}"
  wait
  cat "$work/mypy"
  for engine in "${on_java[@]}"; do
    echo "LEFT OUT tests on $engine: no Java 17 or newer was found" >>"$summary"
  done
fi

echo
cat "$summary"
[ -n "$all" ] || echo "bash scripts/test.sh --all also runs the slow tests, Spark Connect, and other versions of Spark"
[ "${CI:-}" = true ] && bad='^(FAILED|LEFT OUT)' || bad='^FAILED'
# a check that was killed has no line at all
[ "$(wc -l <"$summary")" -eq "$checks" ] && ! grep -Eq "$bad" "$summary"
