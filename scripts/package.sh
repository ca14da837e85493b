#!/usr/bin/env bash
# Makes in dist/ (or --to FOLDER) the sdist and the wheel, the wheel as a zip, which is what spark-submit's --py-files
# takes, and the recipe for conda-forge with the digest of the sdist.
# --check installs the wheel with each extra into an empty environment of its own, and there has twine check what PyPI
# gets; it needs PyPI and minutes.
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
rm -f "$folder"/spark_balance* "$folder/recipe.yaml"
"$python" -m hatchling build -d "$folder" > /dev/null 2>&1 || "$python" -m hatchling build -d "$folder"
wheel="$(ls "$folder"/spark_balance-*.whl)" sdist="$(ls "$folder"/spark_balance-*.tar.gz)"
# a wheel is a zip, but spark-submit puts only .zip, .egg and .py on the path of its workers
cp "$wheel" "$folder/spark_balance.zip"
digest="$("$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$sdist")"
sed "s/^  sha256: .*/  sha256: $digest/" conda/recipe.yaml > "$folder/recipe.yaml"
ls "$folder"/spark_balance* "$folder/recipe.yaml"
[ -z "$check" ] || exec "$python" scripts/check_extras.py "$wheel" "$sdist"
