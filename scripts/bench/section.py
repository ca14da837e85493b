"""What the sections of the benchmark share: a command line, cold processes, and a place in the one result file.

A section is a script that makes a list of rows (JSON objects) and is run as

    .venv/bin/python scripts/bench/<section>.py [--quick] [--engines spark,sail] [--rounds 3] [name ...]

What has to start cold it asks of itself: the same script, run again with `--one` and a request.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from machine import commit, machine, named, now
from memory_watch import Peak, watched

from spark_balance.app.session import find_java

Row = dict[str, Any]
DATA = Path(os.environ.get("BENCH_DATA", "data/bench"))
RESULTS = Path("docs/bench/results.json")
QUICK_RESULTS = DATA / "quick" / "results.json"


@dataclass(frozen=True)
class Options:
    """What the command line asked for; `names` are the only cases to run, none for all."""

    quick: bool
    engines: tuple[str, ...]
    rounds: int
    names: tuple[str, ...]

    def wants(self, name: str) -> bool:
        """Tell whether a case is to be run."""
        return not self.names or name in self.names


@dataclass(frozen=True)
class Cold:
    """What a cold process answered, its seconds from start to end, and its peak memory."""

    answer: Row
    process_seconds: float
    peak: Peak


def main(measure: Callable[[Options], list[Row]], one: Callable[[Row], Row], *, rounds: int = 3) -> None:
    """Run a section, so many rounds of it unless told else, or one request of it in this process."""
    parser = argparse.ArgumentParser(description=(sys.modules["__main__"].__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, one round: minutes, not hours")
    parser.add_argument("--engines", default="spark,sail")
    parser.add_argument("--rounds", type=int, default=0, help=f"{rounds}, or 1 with --quick")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*", help="the only cases to run; nothing is then written to the results")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(json.loads(given.one))))
        return
    engines = tuple(engine for engine in given.engines.split(",") if _is_there(engine))
    options = Options(given.quick, engines, given.rounds or (1 if given.quick else rounds), tuple(given.names))
    DATA.mkdir(parents=True, exist_ok=True)
    start = time.time()
    rows = measure(options)
    if options.names:
        print(json.dumps(rows, indent=1))
    else:
        _save(Path(sys.argv[0]).stem, rows, time.time() - start, options)


def cold(request: Row, *, say: str) -> Cold:
    """Run one request of this script in a process of its own; stop everything when it fails."""
    print(f"  {say} ... ", end="", flush=True)
    command = [sys.executable, sys.argv[0], "--one", json.dumps(request)]
    start = time.time()
    # files and not pipes, which would have to be read while memory is watched
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        with subprocess.Popen(command, stdout=out, stderr=err) as process:
            peak = watched(process)
        seconds = time.time() - start
        for file in (out, err):
            file.seek(0)
        said, complaints = out.read(), err.read()
    if process.returncode:
        raise SystemExit(f"{say} failed:\n{complaints}\n{said}")
    print(f"{seconds:.1f} s", flush=True)
    return Cold(json.loads(said.strip().splitlines()[-1]), seconds, peak)


def median(values: Sequence[float]) -> float:
    """Return the median, or NaN of nothing."""
    return float(statistics.median(values)) if values else float("nan")


def results_path(quick: bool) -> Path:
    """Return the result file: quick numbers never mix with real ones."""
    return QUICK_RESULTS if quick else RESULTS


def load(path: Path) -> dict[str, Any]:
    """Return the results so far."""
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"sections": {}}
    return found


def _save(section: str, rows: list[Row], seconds: float, options: Options) -> None:
    """Replace one section of the result file and leave the others as they are."""
    path = results_path(options.quick)
    results = load(path)
    here = machine()
    results["machine"] = here
    results["sections"][section] = {
        "machine": named(here),
        "commit": commit(),
        "date": now(),
        "seconds": round(seconds, 1),
        "rounds": options.rounds,
        "quick": options.quick,
        "rows": rows,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1, default=float) + "\n")


def _is_there(engine: str) -> bool:
    if engine == "spark" and find_java() is None:
        print("engine spark is left out: no Java 17 or newer was found", file=sys.stderr)
        return False
    return True
