#!/usr/bin/env bash
# Looks for what loses rows, and for what no test would notice, longer than the tests do.
#   bash scripts/soak.sh            kills drivers at random moments, KILLS (10) for each of Parquet, Delta and Iceberg on Sail, Delta and
#                                   Iceberg on classic Spark, and looks at the target after each: it is as it was, or finished; then it
#                                   starts runs two at a time into one target
#   bash scripts/soak.sh --hostile  runs HOSTILE (500) jobs with hostile names, drawn anew, on Sail and on classic Spark:
#                                   the right rows, or one sentence with exit 2 and everything as it was
#   bash scripts/soak.sh --mutants  makes MUTANTS (300) changes to the arithmetic, drawn anew each day, and looks whether tests notice
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
  "") look=(--kills "${KILLS:-10}" tests/jobs/test_kills.py) ;;
  --hostile) look=(--hostile "${HOSTILE:-500}" tests/jobs/test_hostile.py) ;;
  --mutants) look=(-n "${MUTANTS:-300}" --seed "$(date +%Y%m%d)") ;;
  *) echo "soak: '$1' is not known; use --hostile, --mutants, or nothing" >&2 && exit 2 ;;
esac
bash scripts/setup.sh
if [[ "${1:-}" == --mutants ]]; then
  exec .venv/bin/python scripts/mutants.py "${look[@]}"
fi
for engine in sail spark; do
  .venv/bin/pytest -q --engine "$engine" "${look[@]}"
done
