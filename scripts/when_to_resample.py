"""Run comparisons and put what they measured into docs/when-to-resample.md, between its markers.

python scripts/real_tables.py                       # the tables, once
python scripts/when_to_resample.py             # every conf/compare/*.toml, some minutes; or name them: flights crashes
"""

from __future__ import annotations

import sys
from pathlib import Path

from spark_balance import job
from spark_balance.compare_config import CompareConfig
from spark_balance.report.markdown import tables
from spark_balance.session import open_session

PAGE = Path("docs/when-to-resample.md")


def main(names: list[str]) -> None:
    """Measure, and fill in the page as each comparison ends."""
    spark = open_session("sail", "when to resample")
    for path in sorted(Path("conf/compare").glob("*.toml")):
        if names and path.stem not in names:
            continue
        steps = job.Steps()
        found, _ = job.compare(spark, CompareConfig.load(path, ["report.mode=overwrite"]), steps)
        PAGE.write_text(filled(PAGE.read_text(), path.stem, tables(found)))
        print(f"{path}: {sum(steps.seconds.values()):.0f} s")


def filled(page: str, name: str, text: str) -> str:
    """Replace what stands between the two markers of that name."""
    begin, end = f"<!-- compare {name} -->\n", f"<!-- /compare {name} -->"
    head, found, rest = page.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{PAGE} has no place for {name}: add the lines {begin.strip()} and {end}")
    return f"{head}{begin}{text}\n{end}{tail}"


if __name__ == "__main__":
    main(sys.argv[1:])
