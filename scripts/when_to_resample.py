"""Run comparisons and put what they measured into docs/when-to-resample.md, between its markers.

python scripts/real_tables.py                       # the tables, once
python scripts/when_to_resample.py             # every conf/compare/*.toml, some minutes; or name them: flights crashes
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from spark_balance.app.session import open_session
from spark_balance.app.steps import Steps
from spark_balance.compare import job as compare_job
from spark_balance.compare.job import CompareConfig
from spark_balance.compare.pages import render_tables

PAGE = Path("docs/when-to-resample.md")


def main(names: list[str]) -> None:
    """Measure, and fill in the page as each comparison ends."""
    spark = open_session("sail", "when to resample")
    for path in sorted(Path("conf/compare").glob("*.toml")):
        if names and path.stem not in names:
            continue
        steps = Steps()
        found, files = compare_job.compare(spark, CompareConfig.load(path, ["report.mode=overwrite"]), steps)
        page = filled(PAGE.read_text(), path.stem, render_tables(found))
        PAGE.write_text(filled(page, "all", tally(page)))
        copy_plots(page, path.stem, files)
        print(f"{path}: {sum(steps.seconds.values()):.0f} s")


def tally(page: str) -> str:
    """Count the treatments whose ranking differs from nothing by more than the spread of the difference."""
    # what is done after the fit ranks as its treatment does
    cells = re.findall(r"^\| [^|,]+ \| ([+-][\d.]+) ± ([\d.]+) \|", page, re.MULTILINE)
    gaps = [float(gap) for gap, spread in cells if abs(float(gap)) > float(spread)]
    worse, better = sum(gap < 0 for gap in gaps), sum(gap > 0 for gap in gaps)
    return (
        f"Of {len(cells)} treatments (by table and classifier) {worse} rank worse than *nothing*, and {better} better, "
        "by\na difference of PR-AUC whose mean is larger than its standard deviation over the folds.\n"
    )


def copy_plots(page: str, name: str, files: list[str]) -> None:
    """Keep the plots that the page shows beside it."""
    for file in map(Path, files):
        kept = PAGE.parent / "plots" / f"{name}-{file.name}"
        if f"](plots/{kept.name})" in page:
            kept.parent.mkdir(exist_ok=True)
            shutil.copy(file, kept)


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
