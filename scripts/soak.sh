#!/usr/bin/env bash
# Looks for what loses rows, and for what no test would notice, longer than the tests do.
#   bash scripts/soak.sh            kills drivers at random moments, KILLS (10) for each of Parquet, Delta and Iceberg on Sail, Delta and
#                                   Iceberg on classic Spark, and looks at the target after each: it is as it was, or finished; then it
#                                   starts runs two at a time into one target; then --faults
#   bash scripts/soak.sh --faults   breaks jobs on each engine at MOMENTS (4) for each fault and target, drawn anew, and runs a job on
#                                   the cluster of scripts/cluster.sh from another folder, in an environment of PATH and HOME alone
#   bash scripts/soak.sh --hostile  runs HOSTILE (500) commands with hostile names, drawn anew, on each engine:
#                                   the right rows, or one sentence with exit 2 and everything as it was
#   bash scripts/soak.sh --mutants  makes MUTANTS (300) changes to the arithmetic, drawn anew each day, and looks whether tests notice
#   bash scripts/soak.sh --sklearn  runs the checks and tests of imbalanced-learn and scikit-learn on every sampler of spark_balance.sklearn
set -euo pipefail
cd "$(dirname "$0")/.."

setup() { bash scripts/setup.sh && .venv/bin/python scripts/fetch_jars.py; }

on_engines() {
  local engines="$1" && shift
  for engine in $engines; do
    .venv/bin/pytest -q --engine "$engine" "$@" || return
  done
}

faults() {
  for engine in sail spark connect; do
    timeout -k 10 3600 .venv/bin/python scripts/faults.py --engine "$engine" --moments "${MOMENTS:-4}" || return
  done
  root="$PWD" elsewhere="$(mktemp -d)"
  trap 'rmdir "$elsewhere"' EXIT
  (cd "$elsewhere" && env -i PATH="$PATH" HOME="$HOME" timeout 1800 "$root/.venv/bin/python" "$root/scripts/cluster_check.py" --once)
}

case "${1:-}" in
  "") setup && on_engines "sail spark" --kills "${KILLS:-10}" tests/jobs/test_kills.py && faults ;;
  --faults) setup && faults ;;
  --hostile) setup && on_engines "sail spark connect" --hostile "${HOSTILE:-500}" tests/jobs/test_hostile.py ;;
  --mutants) setup && .venv/bin/python scripts/mutants.py -n "${MUTANTS:-300}" --seed "$(date +%Y%m%d)" ;;
  --sklearn) setup && .venv/bin/pytest -q --hostile 16 tests/ml/test_sklearn_checks.py && .venv/bin/python scripts/imbalanced_learn.py ;;
  *) echo "soak: '$1' is not known; use --faults, --hostile, --mutants, --sklearn, or nothing" >&2 && exit 2 ;;
esac
