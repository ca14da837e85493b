#!/usr/bin/env bash
# Measures what docs/benchmarks.md and other pages show: every section, or those that are named.
#   bash scripts/bench.sh                          all of it: hours, on a machine that does nothing else
#   bash scripts/bench.sh --quick                  small sizes, one round: minutes; results in data/bench/quick
#   bash scripts/bench.sh [--quick] recall memory  only these; the others stay in the results as they are
# Data goes to data/bench (about 6 GB while it runs), or to $BENCH_DATA.
set -euo pipefail
cd "$(dirname "$0")/.."
sections=(timings sizes recall wide any_size decisions guests scaling memory task_memory end_to_end trust local_frames bytes_read profile_stages ways local_models methods simulate_cells)

quick="" wanted=()
for word in "$@"; do
  case " --quick ${sections[*]} " in
    *" $word "*) ;;
    *) echo "bench: '$word' is not known; use --quick or some of: ${sections[*]}" >&2 && exit 2 ;;
  esac
  if [ "$word" = --quick ]; then quick=yes; else wanted+=("$word"); fi
done
if [ ${#wanted[@]} = 0 ]; then wanted=("${sections[@]}"); fi

bash scripts/setup.sh
python=.venv/bin/python
if ! $python -c 'import imblearn, matplotlib, psutil' 2>/dev/null; then
  echo "bench: adding what draws and watches to .venv"
  $python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
fi
$python scripts/flights.py data/flights

summary=() failed=0
for section in "${wanted[@]}"; do
  start=$SECONDS
  echo "== $section"
  outcome=""
  # hours of other sections are not thrown away for one
  $python "scripts/bench/$section.py" ${quick:+--quick} || { outcome=" FAILED after" failed=1; }
  summary+=("$section:$outcome $((SECONDS - start)) s")
done
$python scripts/bench/report.py ${quick:+--quick}
echo
printf '%s\n' "${summary[@]}"
exit $failed
