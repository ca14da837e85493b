"""What `explain` returns: the steps of a run with their rows, bytes, tasks and memory, and what to beware of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from spark_balance.frames.copies import Share
from spark_balance.frames.text import TextTable, plain, plural, show_facts, shown, size
from spark_balance.kernels import Ints
from spark_balance.neighbors.cells import WORKER_MB

# the memory of a Python worker in bytes, fitted to what scripts/bench/task_memory.py measures; numba takes 120 MB more
WORKER_BYTES = WORKER_MB * 10**6  # a worker that holds no rows yet
POINT_BYTES = 24  # a number of a row in the largest cell (measured)
PAIR_BYTES = 250  # a base and a neighbor that its new rows use, which are found together (measured)
HASH_BYTES = 40  # shuffled of a row to find its duplicates: class id, row id, count, as the engine packs them


@dataclass(frozen=True)
class Table:
    """The table, as far as the cost of reading it goes."""

    numbers: int  # in a row: one for each column, and all of an array's
    cores: int  # tasks that run at the same time

    def splits(self, rows: int) -> int:
        """Return the tasks of a scan: one for each 128 MiB, and as many as there are cores."""
        return max(self.cores, math.ceil(8 * rows * self.numbers / 2**27))


@dataclass(frozen=True)
class Step:
    """One step of a run."""

    name: str
    tasks: int
    rows_read: int = 0
    rows_written: int = 0
    shuffle_rows: int = 0
    shuffle_bytes: int = 0  # of all tasks
    task_bytes: int = 0  # held by the largest task
    driver_bytes: int = 0
    times: int = 1  # that the engine computes the step; every other figure is that of one time


def _tables(cost: Explanation) -> list[TextTable]:
    head = ("step", "times", "tasks", "rows read", "written", "shuffled", "shuffle MB", "task MB", "driver MB")
    body = [
        (
            step.name,
            f"{step.times:,}",
            f"{step.tasks:,}",
            *(_number_or_dash(n) for n in (step.rows_read, step.rows_written, step.shuffle_rows)),
            *(_number_or_dash(n / 1e6) for n in (step.shuffle_bytes, step.task_bytes, step.driver_bytes)),
        )
        for step in cost.steps
    ]
    title = f"{cost.method} on {plural(cost.cores, 'core')}: {cost.rows_before:,} rows -> {cost.rows_after:,}"
    assumed, warnings = (f"assumed: {one}" for one in cost.assumed), (f"warning: {one}" for one in cost.warnings)
    return [TextTable(title, head, body, notes=[*show_facts(cost.facts), *assumed, *warnings])]


@shown(_tables)
@dataclass(frozen=True)
class Explanation:
    """What a run will do and cost, known before it runs; prints as a table.

    Attributes
    ----------
    method : str
    rows_before, rows_after, cores : int
    steps : tuple of Step
        In the order in which they run.
    facts : dict of str to object
        What is known of the cells, under the names that the notes of the run have.
    assumed, warnings : tuple of str
        What is taken for granted, and what breaks a promise.
    """

    method: str
    rows_before: int
    rows_after: int
    cores: int
    steps: tuple[Step, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def shuffle_bytes(self) -> int:
        """Bytes that all steps are expected to shuffle."""
        return sum(step.times * step.shuffle_bytes for step in self.steps)

    @property
    def rows_written(self) -> int:
        """Rows that all steps are expected to write."""
        return sum(step.rows_written for step in self.steps)

    @property
    def brief(self) -> str:
        """The explanation in a line."""
        task = max(step.task_bytes for step in self.steps)
        return (
            f"{plural(sum(step.times for step in self.steps), 'step')}, {size(self.shuffle_bytes)} shuffled, "
            f"{size(task)} in the Python worker of the largest task"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as plain values that JSON can carry."""
        names = ("times", "tasks", "rows_read", "rows_written", "shuffle_rows", "shuffle_bytes", "task_bytes")
        return {
            "method": self.method,
            "cores": self.cores,
            "rows_before": self.rows_before,
            "rows_after": self.rows_after,
            "shuffle_bytes": self.shuffle_bytes,
            "steps": [
                {"step": step.name} | {name: getattr(step, name) for name in (*names, "driver_bytes")}
                for step in self.steps
            ],
            **{name: plain(value) for name, value in self.facts.items()},
            "assumed": list(self.assumed),
            "warnings": list(self.warnings),
        }


def worker_bytes(points: float = 0.0, pairs: float = 0.0) -> int:
    """Return the memory of a Python worker that holds a cell of `points` numbers and finds `pairs` of rows."""
    return round(WORKER_BYTES + POINT_BYTES * points + PAIR_BYTES * pairs)


def _number_or_dash(number: float) -> str:
    return f"{number:,.0f}" if number else "-"


def choose(table: Table, rows: int, shares: Share[Ints], *, keyed: bool) -> Iterator[Step]:
    """Yield the step that finds which rows of a class are taken once more, if a share has a remainder.

    Of `rows` that are scanned; without a key the hashes of all columns are shuffled to number duplicates.
    """
    among = int(shares.rows[shares.extra > 0].sum())
    if among and keyed:
        yield Step("choose", table.splits(rows), rows)
    elif among:
        # duplicates are counted for the rows and for the threshold, and the rows are then read in two parts
        yield Step("choose", table.splits(rows), 3 * rows, 0, 2 * among, 2 * among * HASH_BYTES)


def choose_groups(table: Table, rows: int, shares: Share[Ints]) -> Iterator[Step]:
    """Yield the step that finds which groups of a class are taken once more; there are at most as many as rows."""
    among = int(shares.rows[shares.extra > 0].sum())
    if among:
        yield Step("choose", table.splits(rows), 2 * rows, 0, 3 * among, 3 * among * HASH_BYTES)
