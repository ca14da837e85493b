#!/usr/bin/env bash
# Runs the smoke tests on other versions of Spark: every method once, three jobs, Delta and Iceberg where they are had.
#   bash scripts/versions.sh              3.5, and of 4.3 a method of each family of plans, as CI does
#   bash scripts/versions.sh 4.0 4.2      these; scripts/versions has a file for each, of all that is installed
#   bash scripts/versions.sh --make 4.0   only its environment, data/versions/4.0; of those of CI without a version
# Needs Java 17 or newer and, once for each version, PyPI (some 500 MB).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
make=""
if [ "${1:-}" = --make ]; then make=yes; shift; fi
brief=""
[ $# -gt 0 ] || { set -- 3.5 4.3; brief=4.3; }
for version in "$@"; do
  if [ ! -e "scripts/versions/$version.txt" ]; then
    echo "versions: '$version' is not known; give some of $(cd scripts/versions && ls | sed 's/.txt$//' | xargs)" >&2
    exit 2
  fi
done

failed=0
for version in "$@"; do
  folder=data/versions/$version
  make_environment "$folder" "${PYTHON:-python3}" $(grep -v '^#' "scripts/versions/$version.txt")
  [ -z "$make" ] || continue
  echo "== Spark $version: $("$folder/bin/python" -m pip freeze | grep -iE '^(pyspark|pandas|numpy|pyarrow)=' | xargs)"
  marks=smoke
  [ "$version" != "$brief" ] || marks="smoke and not methods"
  # not all of the tests: others import what is not installed here
  PYTHONPATH="$PWD:$PWD/tests" "$folder/bin/python" -m pytest -q -p no:cacheprovider --engine spark -m "$marks" \
    $(grep -rlE "mark.smoke|smoke=True" tests --include="test_*.py") || failed=1
done
exit $failed
