"""What a run will cost: amounts of work in, seconds and memory out. Pure arithmetic over a measured model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from spark_balance.errors import SparkBalanceError, nearest_name
from spark_balance.summary import plain, text_table

# what costs time: the seconds of one unit are measured by scripts/bench/model.py
UNITS = {
    "start": "the first job of a session",
    "stage": "a stage that starts and ends",
    "task": "a task of Python that starts and ends",
    "python": "Python workers that start and import NumPy",
    "read": "a number (one column of one row) read",
    "written": "a number written",
    "hashed": "a number hashed for a row's identity",
    "shuffled": "a byte that crosses to Python, is shuffled and crosses again",
    "generated": "a number of a new row, apart from writing it",
    "sampled": "a number of the driver's sample",
    "assigned": "a sampled row compared with a centroid, for each feature",
    "judged": "a sampled row compared with others to estimate recall, for each feature",
    "homed": "a row compared with a centroid",
    "placed": "a row compared with a centroid, for each feature",
    "paired": "a pair of centroids put in order, by a task that places rows",
    "pivoted": "a row compared with a pivot of its cell",
    "distances": "a row compared with a candidate",
    "products": "a row compared with a candidate, for each feature",
}
# what costs memory in a Python worker, in bytes
HELD = {
    "worker": "a worker that holds nothing yet",
    "point": "a number of a row in the largest cell",
    "neighbour": "a number of the neighbours found for the bases of the largest cell",
}


@dataclass(frozen=True)
class Table:
    """The table as far as its cost goes.

    Attributes
    ----------
    numbers : int
        Numbers in a row: one for each column, and all of an array's.
    cores : int
        Tasks that run at the same time.
    """

    numbers: int
    cores: int

    def splits(self, rows: int) -> int:
        """Return the tasks of a scan: one for each 128 MiB, and as many as there are cores."""
        return max(self.cores, math.ceil(8 * rows * self.numbers / 2**27))


@dataclass(frozen=True)
class Part:
    """Tasks of one kind: how many, what they do in all, and how much larger the largest is than the mean."""

    tasks: int
    amounts: Mapping[str, float]
    largest: float = 1.0

    def stretch(self, cores: int) -> float:
        """Return the time that the part takes, as a share of the time that one core alone would take."""
        return max(math.ceil(self.tasks / cores), self.largest) / self.tasks


@dataclass(frozen=True)
class Step:
    """One step of a run; the tasks of its parts run one part after the other.

    Attributes
    ----------
    name : str
    parts : tuple of Part
    rows_read, rows_written, shuffle_rows : int
    shuffle_bytes, task_bytes, driver_bytes : int
        Bytes shuffled by all tasks, and held by the largest of them and by the driver.
    """

    name: str
    parts: tuple[Part, ...]
    rows_read: int = 0
    rows_written: int = 0
    shuffle_rows: int = 0
    shuffle_bytes: int = 0
    task_bytes: int = 0
    driver_bytes: int = 0

    @property
    def tasks(self) -> int:
        """Tasks of all parts."""
        return sum(part.tasks for part in self.parts)

    def work(self, cores: int) -> dict[str, float]:
        """Return how many units of each kind stand between start and end, on so many cores."""
        total = dict.fromkeys(UNITS, 0.0) | {"stage": 1.0}
        for part in self.parts:
            if "python" in part.amounts:
                total["task"] += part.tasks * part.stretch(cores)
            for unit, amount in part.amounts.items():
                # a session and its workers start once
                total[unit] += amount if unit in ("start", "python") else amount * part.stretch(cores)
        return total


@dataclass(frozen=True)
class CostModel:
    """Measured seconds of each unit of work, and bytes of each unit of memory, on one machine."""

    seconds_each: Mapping[str, float]
    bytes_each: Mapping[str, float]
    machine: str
    date: str

    @classmethod
    def of(cls, engine: str) -> CostModel:
        """Return the model of an engine; Connect is classic Spark behind a wire."""
        fitted = _fitted()
        name = "spark" if engine == "connect" else engine
        if name not in fitted["seconds_each"]:
            known = [*fitted["seconds_each"], "connect"]
            raise SparkBalanceError(
                f"explain: engine '{engine}' has no measured model: use one of {', '.join(known)}"
                f"{nearest_name(engine, known)}"
            )
        return cls(fitted["seconds_each"][name], fitted["bytes_each"], fitted["machine"], fitted["date"])

    def seconds(self, step: Step, cores: int) -> float:
        """Return the seconds that a step is expected to take."""
        return sum(self.seconds_each[unit] * amount for unit, amount in step.work(cores).items())

    def worker_bytes(self, points: float, neighbours: float) -> int:
        """Return the memory of a Python worker that searches a cell of so many numbers, and finds so many."""
        each = self.bytes_each
        return round(each["worker"] + each["point"] * points + each["neighbour"] * neighbours)


@cache
def _fitted() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files("spark_balance").joinpath("cost_model.json").read_text())
    return found


@dataclass(frozen=True)
class Sketch:
    """What one sampler says of its run: steps, facts under the names of the run's notes, and what to beware of."""

    steps: tuple[Step, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """What a run will do and cost, known before it runs; prints as a table.

    Attributes
    ----------
    method, engine : str
    rows_before, rows_after, cores : int
    sketch : Sketch
    model : CostModel
    """

    method: str
    engine: str
    rows_before: int
    rows_after: int
    cores: int
    sketch: Sketch
    model: CostModel

    @property
    def seconds(self) -> dict[str, float]:
        """Expected seconds of each step."""
        return {step.name: self.model.seconds(step, self.cores) for step in self.sketch.steps}

    @property
    def shuffle_bytes(self) -> int:
        """Expected bytes that all steps shuffle."""
        return sum(step.shuffle_bytes for step in self.sketch.steps)

    @property
    def brief(self) -> str:
        """The explanation in a line."""
        task = max(step.task_bytes for step in self.sketch.steps)
        return (
            f"about {sum(self.seconds.values()):,.0f} s on {self.cores:,} cores, {self.shuffle_bytes / 1e9:.3g} GB "
            f"shuffled, {task / 1e6:,.0f} MB in the Python worker of the largest task"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as plain values that JSON can carry."""
        seconds = self.seconds
        names = ("tasks", "rows_read", "rows_written", "shuffle_rows", "shuffle_bytes", "task_bytes", "driver_bytes")
        return {
            "method": self.method,
            "engine": self.engine,
            "cores": self.cores,
            "rows_before": self.rows_before,
            "rows_after": self.rows_after,
            "seconds": sum(seconds.values()),
            "steps": [
                {"step": step.name, "seconds": seconds[step.name]} | {name: getattr(step, name) for name in names}
                for step in self.sketch.steps
            ],
            **{name: plain(value) for name, value in self.sketch.facts.items()},
            "assumed": list(self.sketch.assumed),
            "warnings": list(self.sketch.warnings),
            "model": {"machine": self.model.machine, "date": self.model.date},
        }

    def __str__(self) -> str:
        seconds = self.seconds
        head = ("step", "tasks", "rows read", "written", "shuffled", "shuffle MB", "task MB", "driver MB", "seconds")
        body = [
            (
                step.name,
                f"{step.tasks:,}",
                *(_or_dash(n) for n in (step.rows_read, step.rows_written, step.shuffle_rows)),
                *(_or_dash(n / 1e6) for n in (step.shuffle_bytes, step.task_bytes, step.driver_bytes)),
                f"{seconds[step.name]:,.1f}",
            )
            for step in self.sketch.steps
        ]
        title = (
            f"{self.method} on {self.engine}, {self.cores:,} cores: {self.rows_before:,} rows -> {self.rows_after:,}, "
            f"about {sum(seconds.values()):,.0f} s as measured on {self.model.machine} ({self.model.date})"
        )
        facts = [f"{name}: {_said(value)}" for name, value in self.sketch.facts.items()]
        notes = [f"assumed: {one}" for one in self.sketch.assumed] + [f"warning: {one}" for one in self.sketch.warnings]
        return "\n".join([text_table(title, head, body), *facts, *notes])


def _or_dash(number: float) -> str:
    return f"{number:,.0f}" if number else "-"


def _said(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else "unknown" if value is None else str(value)
