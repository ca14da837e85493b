#!/usr/bin/env bash
# Has dbt and Airflow load the model and the DAG of docs/etl.md. Their packages fit beside no others, so they get an
# environment of their own, data/loaders, which needs PyPI.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=data/loaders
packages=(dbt-core==1.11.16 dbt-spark==1.11.0 apache-airflow==3.3.2 apache-airflow-providers-apache-spark==6.3.4)

made="${packages[*]}"
if [ "$(cat $folder/made-from 2>/dev/null || true)" != "$made" ]; then
  "${PYTHON:-python3}" -m venv --clear $folder
  $folder/bin/python -m pip install --quiet --disable-pip-version-check "${packages[@]}"
  echo "$made" > $folder/made-from
fi
exec $folder/bin/python scripts/loaders.py
