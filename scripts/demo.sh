#!/usr/bin/env bash
# The main job on real data: flights of 2013, of which 1 in 12 was late, counted and resampled three ways, in one
# session on Sail; `--engine spark` takes classic Spark, which needs Java 17.
set -euo pipefail
cd "$(dirname "$0")/.."
case " $* " in
  *" spark "* | *" connect "* | *=spark* | *=connect*) bash scripts/setup.sh cli,spark,demo ;;
  *) bash scripts/setup.sh cli,demo pysail pyspark-client ;; # the client alone: Sail needs no Spark
esac
.venv/bin/python scripts/flights.py data/flights
# a job that finds its own output does nothing, and here it is to be seen
rm -rf data/flights_{downsampled,upsampled,smote}{,.manifest.json}
exec .venv/bin/python scripts/demo.py "$@"
