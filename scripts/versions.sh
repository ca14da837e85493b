#!/usr/bin/env bash
# Runs the smoke tests on other versions of Spark: every method once, three jobs, and the table formats that have jars for it.
#   bash scripts/versions.sh              as CI does: every method on 3.5 and 4.1, a method of each family of plans on 4.0 and 4.3
#   bash scripts/versions.sh 4.0 4.1      every method on these versions; scripts/versions lists the packages of each
#   bash scripts/versions.sh --make 4.0   only makes its environment, data/versions/4.0, and fetches its jars; of all without a version
# Needs Java 17 or newer and, once for each version, PyPI (some 500 MB) and Maven Central (up to 60 MB).
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
make=""
if [ "${1:-}" = --make ]; then make=yes; shift; fi
brief=""
[ $# -gt 0 ] || { set -- 3.5 4.0 4.1 4.3; brief="4.0 4.3"; }
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
  "$folder/bin/python" scripts/fetch_jars.py "$version"
  [ -z "$make" ] || continue
  echo "== Spark $version: $("$folder/bin/python" -m pip freeze | grep -iE '^(pyspark|pandas|numpy|pyarrow)=' | xargs)"
  marks=smoke
  [[ " $brief " != *" $version "* ]] || marks="smoke and not methods"
  # not all of the tests: others import what is not installed here
  PYTHONPATH="$PWD:$PWD/tests" "$folder/bin/python" -m pytest -q -p no:cacheprovider --engine spark -m "$marks" \
    $(grep -rlE "mark.smoke|smoke=True|mark_place\(" tests --include="test_*.py") || failed=1
done
exit $failed
