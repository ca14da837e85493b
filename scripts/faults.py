"""Break a job at the beginning of each of its steps, look at what is left, and write the table of docs/operators.md.

``python scripts/faults.py`` takes a minute on Sail; exit code 1 if a target lost or gained a row. Tests run some of it.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import tomli_w
from pyspark.sql import SparkSession

from spark_balance.app import job
from spark_balance.app.config import JobConfig
from spark_balance.app.session import open_session
from spark_balance.app.steps import Steps
from spark_balance.app.storage.local_files import clear_own, data_files
from spark_balance.errors import SparkBalanceError

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "operators.md"
STEPS = ("count", "prepare", "write", "verify", "commit")
ROWS, FEW = 400, 40
_SCHEMA = "id long, late boolean, x double, y double"
Rows = Counter[tuple[Any, ...]]
# a process of its own, which signals itself when a step begins
SIGNALED = """
import os, sys
from spark_balance.app import cli
from spark_balance.__main__ import main

show_step, step, number = cli.show_step, sys.argv.pop(1), int(sys.argv.pop(1))

def show(name, spark=None):
    if name == step:
        os.kill(os.getpid(), number)
    return show_step(name, spark)

cli.show_step = show
main()
"""


class Target(NamedTuple):
    """Where the job of a case writes."""

    name: str
    format: str
    mode: str


TARGETS = (
    Target("Parquet, overwritten", "parquet", "overwrite"),
    Target("Parquet, appended to", "parquet", "append"),
    Target("CSV, new", "csv", "error"),
    Target("Delta, overwritten", "delta", "overwrite"),
)


def _source(case: Case) -> Path:
    return case.folder / "in" / "part-1.parquet"


def delete_input(case: Case) -> None:
    """Delete a file of the input."""
    _source(case).unlink()


def append_input(case: Case) -> None:
    """Add a file to the input."""
    shutil.copy(_source(case), case.folder / "in" / "part-2.parquet")


def truncate_input(case: Case) -> None:
    """Cut a file of the input in half."""
    os.truncate(_source(case), _source(case).stat().st_size // 2)


def fill_disk(case: Case) -> None:
    """Let no file grow any more, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


def interrupt(case: Case) -> None:
    """Stop the run as Ctrl-C does."""
    raise SystemExit(128 + signal.SIGINT)


FAULTS: dict[str, Callable[[Case], None]] = {
    "a file of the input is deleted": delete_input,
    "a file is added to the input": append_input,
    "a file of the input is truncated": truncate_input,
    "the disk is full": fill_disk,
    "the run is interrupted": interrupt,
}


class Case:
    """A job in a folder of its own, with what its target holds before."""

    def __init__(self, spark: SparkSession, folder: Path, target: Target) -> None:
        self.folder, self.target, self._spark = folder, target, spark
        number = np.arange(ROWS)
        table = pd.DataFrame({"id": number, "late": number < FEW, "x": np.sin(number), "y": np.cos(number)})
        (folder / "in").mkdir(parents=True)
        for part in (0, 1):
            table.iloc[part::2].to_parquet(folder / "in" / f"part-{part}.parquet", index=False)
        if target.mode != "error":
            old = spark.createDataFrame([(9000 + row, True, 0.0, 0.0) for row in range(7)], _SCHEMA)
            old.write.format(target.format).save(str(folder / "out"))
        self.before = self.rows()
        self.files = self._others()

    def tables(self) -> dict[str, Any]:
        """Return the configuration of the job."""
        return {
            "input": {"path": str(self.folder / "in")},
            "sampler": {"smote": {"label_col": "late", "key_cols": "id", "random_state": 1}},
            "output": {
                "path": str(self.folder / "out"),
                "format": self.target.format,
                "mode": self.target.mode,
                "manifest": str(self.folder / "manifest.json"),
            },
        }

    def rows(self) -> Rows:
        """Return how often the target holds each row."""
        out = self.folder / "out"
        if not out.exists():
            return Counter()
        reader = self._spark.read.format(self.target.format).schema(_SCHEMA)
        if self.target.format == "csv":
            reader = reader.option("header", "true")
        return Counter(tuple(row) for row in reader.load(str(out)).collect())

    def left(self) -> list[str]:
        """Return what lies beside input, target and manifest, which is nothing."""
        return sorted({*self._others()} - {*self.files})

    def _others(self) -> list[str]:
        return [
            path.name for path in self.folder.iterdir() if path.name not in ("in", "out", "manifest.json", "job.toml")
        ]


class Outcome(NamedTuple):
    """What came of a case: how the run ended, in which state it left the target, what it left beside."""

    end: str
    state: str
    left: list[str]

    @property
    def is_good(self) -> bool:
        """Say whether nothing was lost, left or explained by a traceback."""
        return self.state != "LOST" and not self.left and self.end != "a traceback"


def run_whole(spark: SparkSession, folder: Path, target: Target) -> Rows:
    """Return the rows that the target holds after a run that nothing disturbs."""
    case = Case(spark, folder, target)
    job.run(spark, JobConfig.of(case.tables()))
    return case.rows()


def run_case(spark: SparkSession, folder: Path, target: Target, whole: Rows, fault: str, step: str) -> Outcome:
    """Run a job whose step begins with a fault."""
    case = Case(spark, folder, target)

    @contextmanager
    def begin(name: str, _: SparkSession | None) -> Iterator[None]:
        if name == step:
            FAULTS[fault](case)
        yield

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        job.run(spark, JobConfig.of(case.tables()), steps=Steps(begin))
        end = "done"
    except SystemExit:
        clear_own()
        end = "stopped"
    except SparkBalanceError as refused:
        end = f"exit {refused.exit_code}"
    except Exception:
        traceback.print_exc()
        end = "a traceback"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    return _outcome(end, case, whole)


def run_signaled(
    spark: SparkSession, folder: Path, target: Target, whole: Rows, number: signal.Signals, step: str
) -> Outcome:
    """Run a job in a process of its own, which gets a signal when a step begins."""
    case = Case(spark, folder, target)
    (folder / "job.toml").write_text(tomli_w.dumps(case.tables()))
    command = [sys.executable, "-c", SIGNALED, step, str(int(number)), "smote", str(folder / "job.toml")]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--engine", "sail"], capture_output=True, text=True, cwd=folder, env=env, timeout=120, check=False
    )
    said = [line for line in done.stderr.splitlines() if not line.startswith("engine: ")]
    one_line = len(said) == 1 and said[0].endswith("; what was staged is removed")
    end = f"exit {done.returncode}" if one_line and done.returncode == 128 + number else "a traceback"
    if end == "a traceback":
        sys.stderr.write(f"exit {done.returncode}: {done.stderr}\n")
    return _outcome(end, case, whole)


def _outcome(end: str, case: Case, whole: Rows) -> Outcome:
    found = case.rows()
    is_finished = found == whole and (case.folder / "manifest.json").exists()
    state = "finished" if is_finished else "as it was" if found == case.before else "LOST"
    # a target that did not exist has no file either
    if state == "as it was" and case.target.mode == "error" and data_files(case.folder / "out"):
        state = "LOST"
    return Outcome(end, state, case.left())


def table(found: dict[tuple[str, str], list[Outcome]]) -> str:
    """Return the table of a fault and a target's outcomes."""
    lines = ["| at the beginning of each step | target | cases | as it was | finished | lost | how the runs ended |"]
    lines.append("|---|---|---|---|---|---|---|")
    for (fault, target), outcomes in found.items():
        states = Counter(one.state for one in outcomes)
        ends = ", ".join(f"{number} {end}" for end, number in sorted(Counter(one.end for one in outcomes).items()))
        cells = [fault, target, len(outcomes), *(states[name] for name in ("as it was", "finished", "LOST")), ends]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    every = [one for outcomes in found.values() for one in outcomes]
    lost, left = sum(one.state == "LOST" for one in every), sum(bool(one.left) for one in every)
    return "\n".join([*lines, "", f"Cases tried: {len(every)}, lost: {lost}, with something left: {left}.", ""])


def main() -> None:
    """Run every case and write the table."""
    spark = open_session("sail")
    found: dict[tuple[str, str], list[Outcome]] = {}
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        whole = {target: run_whole(spark, Path(name) / f"{target.format}-{target.mode}", target) for target in TARGETS}
        for number, (target, fault, step) in enumerate(product(TARGETS, FAULTS, STEPS)):
            outcome = run_case(spark, Path(name) / str(number), target, whole[target], fault, step)
            print(f"{target.name}, {step}, {fault}: {outcome}", flush=True)
            found.setdefault((fault, target.name), []).append(outcome)
        target = TARGETS[0]
        for which, step in product((signal.SIGTERM, signal.SIGINT), ("start", *STEPS)):
            outcome = run_signaled(spark, Path(name) / f"{which.name}-{step}", target, whole[target], which, step)
            print(f"{target.name}, {step}, {which.name}: {outcome}", flush=True)
            found.setdefault((f"{which.name} to the process", target.name), []).append(outcome)
    marked = re.compile("(<!-- faults -->\n).*?(<!-- /faults -->)", re.DOTALL)
    text = marked.sub(lambda match: match[1] + table(found) + match[2], PAGE.read_text())
    PAGE.write_text(text)
    bad = [one for outcomes in found.values() for one in outcomes if not one.is_good]
    sys.stdout.flush()
    os._exit(1 if bad else 0)


if __name__ == "__main__":
    main()
