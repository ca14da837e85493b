#!/usr/bin/env bash
# Kills drivers at random moments, KILLS (10) for each of Parquet, Delta and Iceberg on Sail, Delta and Iceberg on classic Spark,
# and looks at the target after each: it is as it was, or finished. Then it starts runs two at a time into one target.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
for engine in sail spark; do
  .venv/bin/pytest -q --engine "$engine" --kills "${KILLS:-10}" tests/jobs/test_kills.py
done
