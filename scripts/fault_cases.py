"""Jobs that are broken on purpose: where they write, what is done to them and when, and what is left of them."""

from __future__ import annotations

import logging
import os
import random
import resource
import shutil
import signal
import sys
import threading
import time
import traceback
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pyspark import SparkContext
from pyspark.sql import SparkSession

from spark_balance.__main__ import _stop
from spark_balance.app import job
from spark_balance.app.config import JobConfig
from spark_balance.app.steps import Steps
from spark_balance.app.storage.address import VERSIONED
from spark_balance.app.storage.local_files import clear_own, data_files
from spark_balance.errors import SparkBalanceError
from spark_balance.frames.engine import engine_name

STEPS = ("count", "prepare", "write", "verify", "commit")
ROWS, FEW = 400, 40
OLD = [(9000 + row, True, 0.0, 0.0) for row in range(7)]
SCHEMA = "id long, late boolean, x double, y double"
JVM = ("spark", "connect")
_SECONDS_TO_STOP = 0.8
Rows = Counter[tuple[Any, ...]]


class Target(NamedTuple):
    """Where the job of a case writes."""

    name: str
    format: str
    mode: str
    engines: tuple[str, ...] = ("sail", *JVM)


TARGETS = (
    Target("Parquet, overwritten", "parquet", "overwrite"),
    Target("Parquet, appended to", "parquet", "append"),
    Target("CSV, new", "csv", "error"),
    Target("JSON, overwritten", "json", "overwrite"),
    Target("ORC, overwritten", "orc", "overwrite", JVM),
    Target("Delta, overwritten", "delta", "overwrite"),
    Target("Iceberg, overwritten", "iceberg", "overwrite"),
)


class Moment(NamedTuple):
    """When a fault happens: at the beginning of a step, some time later, or at a number of files or renames of it."""

    step: str
    when: str = "begins"
    number: int = 0

    def __str__(self) -> str:
        return f"{self.step} {self.when}" + (f" {self.number}" if self.number else "")


MOMENTS = (
    *(Moment(step) for step in STEPS),
    *(Moment(step, "runs") for step in STEPS),
    Moment("write", "file", 1),
    Moment("write", "file", 2),
    *(Moment("commit", "rename", number) for number in (1, 2, 3, 4)),
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


def stop_growth(case: Case) -> None:
    """Let no file grow any more, neither of this process nor of its JVM."""
    case.limit_files(0)


def fill_disk(case: Case) -> None:
    """Fill the disk that holds the target to its last byte."""
    with suppress(OSError), case.filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 20))


def interrupt(case: Case) -> None:
    """Stop the run as a signal does."""
    if threading.current_thread() is threading.main_thread():
        _end_run()
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)


def _end_run() -> None:
    if "pysail" in sys.modules:
        raise KeyboardInterrupt  # what it runs would end with the process, and holds the next case up in this one
    _stop()


FAULTS: dict[str, Callable[[Case], None]] = {
    "a file of the input is deleted": delete_input,
    "a file is added to the input": append_input,
    "a file of the input is truncated": truncate_input,
    "no file can grow": stop_growth,
    "the disk is full": fill_disk,
    "the run is interrupted": interrupt,
}


class Case:
    """A job in a folder of its own, with what its target holds before."""

    def __init__(self, spark: SparkSession, folder: Path, target: Target) -> None:
        self.folder, self.target, self.spark = folder, target, spark
        self.filler = folder.with_name(f"{folder.name}.filler")
        number = np.arange(ROWS)
        table = pd.DataFrame({"id": number, "late": number < FEW, "x": np.sin(number), "y": np.cos(number)})
        (folder / "in").mkdir(parents=True)
        for part in (0, 1):
            table.iloc[part::2].to_parquet(folder / "in" / f"part-{part}.parquet", index=False)
        # a catalog keeps the Iceberg tables of Spark
        in_catalog = target.format == "iceberg" and engine_name(spark) in JVM
        self.table = f"lake.db.t{uuid.uuid4().hex[:8]}" if in_catalog else None
        self.before: Rows = Counter() if target.mode == "error" else Counter(OLD)
        if self.before:
            old = spark.createDataFrame(OLD, SCHEMA).coalesce(1)
            if self.table:
                spark.sql("CREATE NAMESPACE IF NOT EXISTS lake.db")
                old.writeTo(self.table).using("iceberg").create()
            else:
                writer = old.write.format(target.format)
                writer.options(**({"header": "true"} if target.format == "csv" else {})).save(str(folder / "out"))
        self._roots = [folder]
        if self.table:
            lake = Path(str(spark.conf.get("spark.sql.catalog.lake.warehouse")))
            self._roots.append(lake / "db" / self.table.rpartition(".")[2] / "data")
        self._there = self._data()
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def tables(self) -> dict[str, Any]:
        """Return the configuration of the job."""
        place = {"table": self.table} if self.table else {"path": str(self.folder / "out")}
        manifest = str(self.folder / "manifest.json")
        return {
            "input": {"path": str(self.folder / "in")},
            "sampler": {"smote": {"label_col": "late", "key_cols": "id", "random_state": 1}},
            "output": {**place, "format": self.target.format, "mode": self.target.mode, "manifest": manifest},
        }

    def rows(self) -> Rows:
        """Return how often the target holds each row."""
        if self.table:
            self.spark.catalog.refreshTable(self.table)
            return Counter(tuple(row) for row in self.spark.table(self.table).collect())
        out = self.folder / "out"
        if not out.exists():
            return Counter()
        reader = self.spark.read.format(self.target.format)
        if self.target.format not in VERSIONED:
            reader = reader.schema(SCHEMA)
        if self.target.format == "csv":
            reader = reader.option("header", "true")
        return Counter(tuple(row) for row in reader.load(str(out)).collect())

    def left(self) -> list[str]:
        """Return what the run left beside input, target and manifest, which is nothing."""
        known = ("in", "out", "manifest.json", "job.toml", "job.py")
        left = [path.name for path in self.folder.iterdir() if path.name not in known]
        if self.table:
            refs = self.spark.table(f"{self.table}.refs").select("name").collect()
            left += [f"branch {name}" for (name,) in refs if name != "main"]
        return sorted(left)

    def staged(self) -> int:
        """Return how many files of data the run has written so far."""
        return len(self._data() - self._there)

    def limit_files(self, most: int | None) -> None:
        """Let files grow to so many bytes, or as far as before."""
        limits = self._limits if most is None else (most, self._limits[1])
        for process in _own_processes():
            with suppress(ProcessLookupError):
                resource.prlimit(process, resource.RLIMIT_FSIZE, limits)

    def _data(self) -> set[str]:
        found = set()
        for root in self._roots:
            # folders come and go meanwhile, which walk does not mind
            for folder, _, names in os.walk(root):
                is_data = root.name == "data" or ".staging-" in folder
                found |= {f"{folder}/{name}" for name in names if is_data and not name.startswith((".", "_"))}
        return found


def _own_processes() -> list[int]:
    """Return this process, and with a JVM that and all below it, Python workers too."""
    gateway = SparkContext._gateway
    java = getattr(getattr(gateway, "proc", None), "pid", None)
    found, below = [os.getpid()], [java] if java else []
    while below:
        process = below.pop()
        found.append(process)
        for tasks in Path(f"/proc/{process}/task").glob("*/children"):
            with suppress(OSError):
                below += map(int, tasks.read_text().split())
    return found


class Outcome(NamedTuple):
    """What came of a case: how the run ended, in which state it left the target, what it left beside."""

    end: str
    state: str
    left: list[str]

    @property
    def is_good(self) -> bool:
        """Say whether nothing was lost, left or explained by a traceback."""
        return self.state != "LOST" and not self.left and self.end != "a traceback"


class Whole(NamedTuple):
    """A run that nothing disturbs: the rows that its target holds then, and the seconds of its steps."""

    rows: Rows
    seconds: dict[str, float]


def run_whole(spark: SparkSession, folder: Path, target: Target) -> Whole:
    """Run a job that nothing disturbs."""
    case = Case(spark, folder, target)
    seconds = job.run(spark, JobConfig.of(case.tables())).seconds
    return Whole(case.rows(), seconds)


class _Fault:
    """A fault that waits for its moment in a run."""

    def __init__(self, case: Case, fault: Callable[[Case], None], moment: Moment, seconds: float) -> None:
        self._case, self._fault, self._moment, self._seconds = case, fault, moment, seconds
        self.happened = False

    @contextmanager
    def begin(self, step: str, _: SparkSession | None) -> Iterator[None]:
        """Begin a step."""
        wait = {"runs": self._later, "file": self._later, "rename": self._at_rename}
        if step != self._moment.step:
            yield
        elif self._moment.when == "begins":
            self._happen()
            yield
        else:
            with wait[self._moment.when]():
                yield

    def _happen(self) -> None:
        self.happened = True
        self._fault(self._case)

    @contextmanager
    def _later(self) -> Iterator[None]:
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(over,))
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()

    def _watch(self, over: threading.Event) -> None:
        if self._moment.when == "runs":
            over.wait(self._seconds)
        while self._case.staged() < self._moment.number and not over.is_set():
            time.sleep(0.001)
        if not over.is_set():
            self._happen()

    @contextmanager
    def _at_rename(self) -> Iterator[None]:
        real, done = {name: getattr(os, name) for name in ("rename", "replace")}, [0]

        def counted(name: str) -> Callable[..., None]:
            def move(*places: Any) -> None:
                done[0] += 1
                if done[0] == self._moment.number:
                    self._happen()
                real[name](*places)

            return move

        for name in real:
            setattr(os, name, counted(name))
        try:
            yield
        finally:
            for name, function in real.items():
                setattr(os, name, function)


def run_case(
    spark: SparkSession, folder: Path, target: Target, whole: Whole, fault: str, moment: Moment, seed: int = 0
) -> Outcome | None:
    """Run a job that is broken at a moment; None if that did not come."""
    case = Case(spark, folder, target)
    chance = random.Random(f"{seed} {target.name} {fault} {moment}")
    waits = _Fault(case, FAULTS[fault], moment, chance.uniform(0, whole.seconds[moment.step] / 2))
    is_running = [True]

    def stop(*_: Any) -> None:
        if is_running[0]:
            _end_run()

    before, stderr = signal.signal(signal.SIGUSR1, stop), sys.stderr
    try:
        job.run(spark, JobConfig.of(case.tables()), steps=Steps(waits.begin))
        end = "done"
    except (KeyboardInterrupt, SystemExit):
        end = "stopped"
    except SparkBalanceError as refused:
        case.limit_files(None)
        # a failure of the engine that is not explained has its log
        is_explained = refused.exit_code != 1 or refused.__cause__ is None
        end = f"exit {refused.exit_code}" if is_explained else "a traceback"
        if not is_explained:
            sys.stderr.write(f"{refused}\n")
    except Exception:
        case.limit_files(None)
        traceback.print_exc()
        end = "a traceback"
    finally:
        is_running[0] = False
        signal.alarm(0)
        case.limit_files(None)
        case.filler.unlink(missing_ok=True)
    until = time.monotonic() + _SECONDS_TO_STOP
    while end in ("stopped", "exit 1") and time.monotonic() < until:
        # what the process does at its end: Sail would end with it, and writes on in this one
        clear_own()
        time.sleep(0.1 if case.left() else _SECONDS_TO_STOP / 4)
    signal.signal(signal.SIGUSR1, before)
    logging.disable(logging.NOTSET)
    sys.stderr = stderr
    found = outcome(end, case, whole)
    if found.state == "LOST" or found.left:
        sys.stderr.write(f"{target.name}, {fault}, {moment}: {found}\n")
    return found if waits.happened else None


def outcome(end: str, case: Case, whole: Whole) -> Outcome:
    """Look at what a run left."""
    found, left = case.rows(), case.left()
    if found == whole.rows and case.target.mode != "append" and not (case.folder / "manifest.json").exists():
        # stopped between data and manifest, which the next run writes
        job.run(case.spark, JobConfig.of(case.tables()))
        found = case.rows()
    is_finished = found == whole.rows and (case.folder / "manifest.json").exists()
    state = "finished" if is_finished else "as it was" if found == case.before else "LOST"
    # a target that did not exist has no file either
    if state == "as it was" and case.target.mode == "error" and data_files(case.folder / "out"):
        state = "LOST"
    return Outcome(end, state, [*left, *case.left()])
