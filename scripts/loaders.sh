#!/usr/bin/env bash
# Has dbt and Airflow load the model and the DAG of docs/etl.md. Their packages fit beside no others, so they get an
# environment of their own, data/loaders, which needs PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
make_environment data/loaders "${PYTHON:-python3}" \
  dbt-core==1.11.16 dbt-spark==1.11.0 apache-airflow==3.3.2 apache-airflow-providers-apache-spark==6.3.4
exec data/loaders/bin/python scripts/loaders.py
