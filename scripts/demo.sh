#!/usr/bin/env bash
# The main job on real data: flights of 2013, of which 1 in 12 was late, counted and resampled three ways.
set -euo pipefail
cd "$(dirname "$0")/.."
bash scripts/setup.sh
.venv/bin/python scripts/flights.py data/flights
# a job that finds its own output does nothing, and here it is to be seen
rm -rf data/flights_{downsampled,upsampled,smote}{,.manifest.json}
for job in describe downsample upsample smote; do
  echo
  echo "\$ spark-balance $job conf/jobs/$job.toml"
  .venv/bin/spark-balance "$job" "conf/jobs/$job.toml" "$@"
done
