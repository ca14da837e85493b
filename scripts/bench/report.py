"""Write the results down: docs/benchmarks.md, the plots, and the marked tables of other pages. Measures nothing.

.venv/bin/python scripts/bench/report.py [--quick]
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import goals
import plots
from paper import limits, paper
from section import load, results_path
from tables import TABLES as MEASURED, number
from work_tables import WORK_TABLES

PAGE = Path("docs/benchmarks.md")
SHOWN = (Path("docs/neighbors.md"), Path("docs/scale.md"), Path("docs/methods.md"))
TABLES = MEASURED | WORK_TABLES
_MARKED = re.compile(r"(<!-- bench (\w+) -->\n).*?(<!-- /bench -->)", re.DOTALL)
TITLES = {
    "timings": "Seconds against the floor",
    "sizes": "SMOTE of five tables against the floor",
    "recall": "Share of true neighbors",
    "quality": "What the synthetic rows are worth",
    "guests": "Recall against halo copies",
    "task_memory": "Memory of a task that searches",
    "wide": "Wide rows",
    "decisions": "Decisions on rows",
    "largest_tasks": "The largest task of new rows",
    "against": "Groups, and an extract",
    "scaling": "Time and memory against rows",
    "memory": "Memory on awkward data",
    "end_to_end": "Read, SMOTE and write G",
    "trust": "An assessment of new rows",
    "local_frames": "Frames of pandas, polars and pyarrow",
    "bytes_read": "Bytes read from the source",
    "profile_stages": "Where the time goes",
    "ways": "Other settings",
    "local_models": "Neighbors inside a cell",
    "methods": "Every method on data set G",
    "simulate_cells": "Cells of classes that do not fit here",
}
ABOUT = {
    "timings": "Data set G: 1.6 M + 100 k rows x 28 doubles (a quick run: a tenth). Seconds from an open session to "
    "written Parquet; the floor counts the classes, then reads and writes as many rows. Each job runs in a cold "
    "process; SMOTE and replication go to 1:1, and SMOTE's floor jitters its copies. G lies in a file system in "
    "memory, whose times vary less than a disk's. Ratios move with the machine and from run to run.",
    "sizes": "28 features each. R has 16 M + 16 k rows and grows to a tenth of the majority. All others go to 1:1. "
    "G has 1.6 M + 100 k rows, G5 8 M + 500 k and M2 3 M + 2 M. H has the shape of HIGGS, 5.83 M + 1.46 M.",
    "recall": "5 neighbors, brute force over all rows of the class as the truth, for 2,000 bases. Distances are "
    "compared on a grid of integers: 'except rounding' counts a neighbor as true that is further than the true one "
    "by two steps of it at most.",
    "quality": "Exact copies are synthetic rows equal to an original row.",
    "task_memory": "Beside the worker itself, which takes 165 MB, and numba 120 more.",
    "wide": "`array<float>` by SMOTE on Sail with default parameters, 1,000 bases against brute force.",
    "decisions": "ENN and TomekLinks keep rows, BorderlineSMOTE grows them. What one cell would decide is found by "
    "brute force over all rows, for some of those that are judged.",
    "largest_tasks": "One row in 400 grown to balance, its rows read by one task.",
    "against": "`within_cols` of many groups, each of 60 or 20 rows with 4 features, against one of as many rows. "
    "SMOTE of one row in 1,000 to a tenth of the others with `extract_path`, against none.",
    "guests": "Small cells, so that there are many borders; only the bound on halo copies is changed.",
    "scaling": "SMOTE to three times the minority; RSS is the high-water mark of any one worker, PSS is sampled.",
    "memory": "One run each. Sail has no worker processes: its tasks run in the process, client included.",
    "end_to_end": "The same Parquet in and as many rows out; whole processes include imports and the session.",
    "trust": "`assess_synthetic` of the 1.5 M new rows of G, written with their provenance, against the SMOTE that "
    "wrote them. Memory is that of any one worker of Spark, and of the whole process on Sail, where tasks run inside.",
    "local_frames": "Ten doubles a row and a label that is 1 in one row of a hundred, by SMOTE on Sail. The first call "
    "imports spark_balance and opens the engine; the whole process makes the frame, too.",
    "bytes_read": "Classic Spark's event log, with Parquet's vectored IO off, whose bytes Hadoop does not count.",
    "profile_stages": "Classic Spark's event log. Times except `wall` are sums over tasks, which run side by side.",
    "methods": "One run each, from an open session to written Parquet; the bound is that of methods that clean."
    " Measured again after 04fe64d, the process of `SMOTEENN` held 4,899 MB and that of `SMOTETomek` 6,969 MB.",
    "ways": "The same rows by other settings, against the job as it is; each is a cold process.",
    "local_models": "Microseconds a row on one thread, the making of the index included, and the share of the true 5 "
    "nearest in brackets.",
    "simulate_cells": "The real kernels on generated blocks of rows, which are placed, counted and forgotten.",
}
CAPTIONS = {
    "time.svg": "Time against rows",
    "memory.svg": "Memory against rows",
    "guests.svg": "Recall against halo copies",
    "recall.svg": "Recall against rows",
    "largest-task.svg": "The largest task against the imbalance",
}


def blocks(results: dict[str, Any], figures: list[str]) -> dict[str, str]:
    """Return every piece of Markdown that can be shown, by its name."""
    sections = results["sections"]
    made = {"goals": goals.table({name: section["rows"] for name, section in sections.items()})}
    machines: dict[str, list[str]] = {}
    for name, section in sections.items():
        machines.setdefault(section["machine"], []).append(name)
    told = [f"{', '.join(names)} on {machine}" for machine, names in machines.items()]
    made["machine"] = f"Measured: {'; '.join(told)}, by `bash scripts/bench.sh`."
    made["paper"], made["limits"] = paper(), limits()
    made["plots"] = "\n".join(f"![{CAPTIONS[Path(figure).name]}]({figure})" for figure in figures)
    for name, (section, table) in TABLES.items():
        if section in sections and sections[section]["rows"]:
            made[name] = table(sections[section]["rows"])
    return made


def document(results: dict[str, Any], made: dict[str, str]) -> str:
    """Return the page of all results."""
    versions = ", ".join(f"{name} {value}" for name, value in results["machine"].items() if name != "memory_gb")
    quick = any(section["quick"] for section in results["sections"].values())
    small = "A quick run: it shows that everything runs; its sizes are too small to judge what is promised."
    older = "Each section names the commit that it measured, which may be older than this page; the goals are today's."
    parts = ["# Measured", small if quick else "", made["machine"], versions, older, made["goals"], made["plots"]]
    for name, title in TITLES.items():
        if name in made:
            section = results["sections"][TABLES[name][0]]
            told = f"{section['date']}, commit {section['commit']}, rounds: {section['rounds']}, "
            told += f"{number(section['seconds'], ',.0f')} s in all" + (", a quick run" if section["quick"] else "")
            parts += [f"## {title}", ABOUT[name], made[name], f"({told})"]
    return "\n\n".join(part for part in parts if part) + "\n"


def filled(text: str, made: dict[str, str]) -> str:
    """Replace what stands between `<!-- bench name -->` and `<!-- /bench -->` where that name was measured."""

    def block(found: re.Match[str]) -> str:
        begin, name, end = found.groups()
        return f"{begin}{made[name]}\n{end}" if made.get(name) else found[0]

    return _MARKED.sub(block, text)


def main() -> None:
    """Write everything that the result file has."""
    path = results_path("--quick" in sys.argv)
    results = load(path)
    if not results["sections"]:
        raise SystemExit(f"{path} holds nothing yet: run a section first")
    drawn = plots.draw(results["sections"], path.parent)
    quick = "--quick" in sys.argv
    page = path.parent / "benchmarks.md" if quick else PAGE
    page.write_text(document(results, blocks(results, [str(file.relative_to(page.parent)) for file in drawn])))
    print(f"wrote {page} and {len(drawn)} plots")
    # quick numbers are for looking at, not for showing
    if not quick:
        made = blocks(results, [str(file) for file in drawn])
        for shown in SHOWN:
            shown.write_text(filled(shown.read_text(), made))


if __name__ == "__main__":
    main()
