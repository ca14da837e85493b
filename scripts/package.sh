#!/usr/bin/env bash
# Makes in dist/ (or --to FOLDER) the wheel, and the same as a zip, which is what spark-submit's --py-files takes.
# --check installs the wheel with each extra into an empty environment of its own, which needs PyPI and minutes.
set -euo pipefail
folder="$(dirname "$0")/../dist" check=""
while [ $# -gt 0 ]; do
  case "$1" in
    --to) folder="$2"; shift 2 ;;
    --check) check=yes; shift ;;
    *) echo "package: '$1' is not known; use --to FOLDER or --check" >&2; exit 2 ;;
  esac
done
folder="$(mkdir -p "$folder" && cd "$folder" && pwd)"
cd "$(dirname "$0")/.."
python="${PYTHON:-}"
if [ -z "$python" ]; then
  bash scripts/setup.sh
  python=.venv/bin/python
fi
rm -f "$folder"/spark_balance*
"$python" -m hatchling build -t wheel -d "$folder" > /dev/null 2>&1 || "$python" -m hatchling build -t wheel -d "$folder"
wheel="$(ls "$folder"/spark_balance-*.whl)"
# a wheel is a zip, but spark-submit puts only .zip, .egg and .py on the path of its workers
cp "$wheel" "$folder/spark_balance.zip"
ls "$folder"/spark_balance*
[ -z "$check" ] || exec "$python" scripts/check_extras.py "$wheel"
