"""Break jobs at moments of their steps, look at what is left, and write the table of docs/operators.md.

``python scripts/faults.py --engine spark`` fills the column of an engine; exit code 1 if a target lost or gained a row.
Tests run some of it. With root's rights the jobs run on a small disk of their own, which is filled to its last byte.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from fault_cases import FAULTS, JVM, MOMENTS, TARGETS, Outcome, run_case, run_whole
from fault_signals import SIGNALS, run_signaled
from pyspark.sql import SparkSession

from spark_balance.app.engines import stop_java
from spark_balance.app.session import open_session

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "operators.md"
ENGINES = {"sail": "Sail", "spark": "classic Spark", "connect": "Spark Connect"}
HEAD = ("what happens", "target")
TOTAL = ("cases, lost, with something left", "")
MARKED = re.compile("(<!-- faults -->\n).*?(<!-- /faults -->)", re.DOTALL)
Found = dict[tuple[str, str], list[Outcome]]


def column(found: Found) -> dict[tuple[str, str], str]:
    """Return the cells of one engine: how often its runs ended in which way, and the sums."""
    cells = {}
    for case, outcomes in found.items():
        ways = Counter(f"{one.state}, {one.end}" for one in outcomes)
        cells[case] = "; ".join(f"{number} {way}" for way, number in sorted(ways.items()))
    every = [one for outcomes in found.values() for one in outcomes]
    lost, left = sum(one.state == "LOST" for one in every), sum(bool(one.left) for one in every)
    return cells | {TOTAL: f"{len(every)}, {lost}, {left}"}


def table(columns: dict[str, dict[tuple[str, str], str]]) -> str:
    """Return the table of all engines."""
    cases = list(dict.fromkeys(case for cells in columns.values() for case in cells if case != TOTAL))
    lines = [[*HEAD, *columns], ["---"] * (len(HEAD) + len(columns))]
    lines += [[*case, *(cells.get(case, "") for cells in columns.values())] for case in (*cases, TOTAL)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def columns_of(text: str) -> dict[str, dict[tuple[str, str], str]]:
    """Return the columns of a table that `table` wrote."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    if not lines or tuple(lines[0][:2]) != HEAD:
        return {}
    return {
        name: {(line[0], line[1]): line[place] for line in lines[2:] if line[place]}
        for place, name in enumerate(lines[0][2:], start=2)
    }


def filled(page: str, engine: str, found: Found) -> str:
    """Return the page with the column of an engine made anew, and the others as they were."""

    def fill(match: re.Match[str]) -> str:
        columns = columns_of(match[0]) | {ENGINES[engine]: column(found)}
        return match[1] + table({name: columns[name] for name in ENGINES.values() if name in columns}) + match[2]

    return MARKED.sub(fill, page)


def session_of(engine: str, work: Path) -> SparkSession:
    """Open a small session that has all formats of the engine."""
    if engine == "sail":
        return open_session(engine)
    sys.path.append(str(ROOT / "tests"))
    formats = importlib.import_module("formats")

    conf = {
        **formats.table_formats(work / "lake"),
        **formats.QUICK,
        "spark.master": "local[2]",
        "spark.sql.shuffle.partitions": "2",
        "spark.log.level": "OFF",
        "spark.local.dir": str(work / "local"),
    }
    return open_session(engine, spark_conf={**conf, "spark.sql.warehouse.dir": str(work / "warehouse")})


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """Mount a disk of 256 MB on a folder; yield False where that is not allowed."""
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=256m", "faults", str(folder)], capture_output=True, check=False
        ).returncode
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def break_jobs(
    engine: str, work: Path, most: int, seed: int, only: str, is_small: bool
) -> Iterator[tuple[str, str, Outcome]]:
    """Break jobs in one session, each fault and target at so many moments, then end some by signals."""
    spark, number, chance = session_of(engine, work), 0, random.Random(seed)
    for target in TARGETS:
        if engine not in target.engines or only not in target.name:
            continue
        whole = run_whole(spark, work / f"{target.format}-{target.mode}", target)
        for fault in FAULTS:
            if fault == "the disk is full" and not is_small:
                continue
            if fault == "the run is interrupted" and engine == "sail":
                continue  # its server may not answer afterwards: signals interrupt processes of their own, below
            moments = chance.sample(MOMENTS, min(most, len(MOMENTS)))
            for moment in sorted(moments, key=MOMENTS.index):
                number += 1
                outcome = run_case(spark, work / str(number), target, whole, fault, moment, seed)
                print(f"{engine}, {target.name}, {fault}, {moment}: {outcome or 'did not come'}", flush=True)
                if outcome is not None:
                    yield fault, target.name, outcome
    if only not in "signals":
        return
    target = TARGETS[0]
    whole = run_whole(spark, work / "signaled", target)
    for _, way, which in product(range(max(1, most // 2)), SIGNALS[engine], ("SIGTERM", "SIGINT")):
        number += 1
        outcome = run_signaled(spark, work / str(number), target, whole, engine, way, which, chance)
        print(f"{engine}, {which} to {way}: {outcome}", flush=True)
        yield f"{which} to {way}", target.name, outcome


def _end(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # the disk is unmounted first
    sys.exit(128 + number)


def main() -> None:
    """Break jobs on one engine and fill its column of the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--engine", choices=ENGINES, default="sail")
    words.add_argument("--moments", type=int, help="moments of each fault and target; all on Sail, else 4")
    words.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    words.add_argument("--only", default="", help="part of the name of targets, or signals; nothing for all")
    words.add_argument("--more", action="store_true", help="add to the outcomes of earlier runs, in data/faults")
    words.add_argument("--write", action="store_true", help="write the column into docs/operators.md")
    given = words.parse_args()
    signal.signal(signal.SIGTERM, _end)
    print(f"seed {given.seed}")
    most = given.moments or (4 if given.engine in JVM else len(MOMENTS))
    log, found = ROOT / "data" / "faults" / f"{given.engine}.jsonl", Found()
    log.parent.mkdir(parents=True, exist_ok=True)
    if not given.more:
        log.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as name, small_disk(Path(name)) as is_small:
        for case in break_jobs(given.engine, Path(name), most, given.seed, given.only, is_small):
            with log.open("a") as file:
                file.write(f"{json.dumps(case)}\n")
        stop_java()
    for fault, target, outcome in map(json.loads, log.read_text().splitlines()):
        found.setdefault((fault, target), []).append(Outcome(*outcome))
    if given.write:
        PAGE.write_text(filled(PAGE.read_text(), given.engine, found))
    print(column(found)[TOTAL])
    bad = [one for outcomes in found.values() for one in outcomes if not one.is_good]
    sys.stdout.flush()
    # Sail's server would be waited for
    os._exit(1 if bad else 0)


if __name__ == "__main__":
    main()
