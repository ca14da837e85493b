"""What a search in cells will do and cost, and what breaks a promise: numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from spark_balance.cost import CostModel, Part, Sketch, Step, Table
from spark_balance.plans.cell_map import tasks_of
from spark_balance.plans.cells import MOST_CELLS, MOST_GUESTS
from spark_balance.plans.keep import Share
from spark_balance.plans.sample import PER_CELL, RECORD_BYTES
from spark_balance.samplers.cell_work import ClassWork
from spark_balance.samplers.steps import chosen, counted, written

Floats = NDArray[np.float64]
ROW_BYTES = 64  # a shuffled row beside its features: class, cell, identity, number, copies, as the engine packs them
ARROW_BYTES = 2**31  # an Arrow buffer with 32-bit offsets
WORKER_BYTES = 10**9  # what serverless Spark gives a Python worker
FEW_SAMPLED = 500  # sampled rows a cell below which sizes are uneven and recall is overestimated: see docs/scale.md
MOST_SKEW = 3.0  # rows of the largest cell, in means


@dataclass(frozen=True)
class CellSearch:
    """The whole search: the table, what travels, and the classes that grow."""

    number_bytes: ClassVar[int] = 8  # of a feature that travels

    table: Table
    rows: int  # of the whole table
    width: int
    k: int
    keys: int
    carried: int  # columns that travel with the features
    cell_rows: int
    only_added: bool
    classes: tuple[ClassWork, ...]

    @property
    def added(self) -> int:
        """Synthetic rows."""
        return sum(one.added for one in self.classes)

    @property
    def sizes(self) -> Floats:
        """Expected rows of each cell of all classes."""
        return np.concatenate([one.sizes for one in self.classes])

    @property
    def loads(self) -> Floats:
        """Expected rows of each task, which searches one cell or several small ones."""
        rows, cells = [one.rows for one in self.classes], [len(one.sizes) for one in self.classes]
        loads: Floats = np.bincount(tasks_of(rows, cells, self.added, self.width), self.sizes).astype(np.float64)
        return loads

    @property
    def shuffle_bytes(self) -> int:
        """Bytes that are shuffled."""
        row = self.number_bytes * self.width + 8 * self.carried + ROW_BYTES
        return round(float(self.sizes.sum()) * row)

    def facts(self) -> dict[str, Any]:
        """Return what there is to know of the cells, under the names that the run's notes have."""
        rows = sum(one.rows for one in self.classes)
        recalls = [one.recall for one in self.classes]
        known = [one.recall * one.rows / rows for one in self.classes if one.recall is not None]
        proven = [one.proven * one.rows / rows for one in self.classes if one.proven is not None]
        return {
            "cells": len(self.sizes),
            "guests_per_row": float(sum(one.guests * one.rows / rows for one in self.classes)),
            "estimated_recall": None if None in recalls else float(sum(known)),
            **({"estimated_proven": float(sum(proven))} if len(proven) == len(self.classes) else {}),
            "candidates_per_row": round(sum(one.candidates * one.rows / rows for one in self.classes)),
            "largest_cell_rows": round(float(self.sizes.max())),
            "largest_to_mean_cell": float(self.sizes.max() / self.sizes.mean()),
            "driver_sample_rows": sum(one.sampled for one in self.classes),
        }

    def task_bytes(self, model: CostModel) -> int:
        """Return the memory of the worker that searches the largest cell."""
        slots = max(min(self.k, -(-one.added // one.rows)) for one in self.classes)
        points = float(self.sizes.max()) * self.width
        guests = min(one.guests for one in self.classes)
        return model.worker_bytes(points, points / (1 + guests) * slots)

    def steps(self, model: CostModel) -> tuple[Step, ...]:
        """Return every step of the run."""
        table, width, classes = self.table, self.width, self.classes
        shares = [Share(one.rows, one.added) for one in classes]
        return (
            counted(table, self.rows),
            self._sampled(),
            *chosen(table, shares, self.rows, self.keys),
            self._placed(model),
            self._made(model, float(sum(one.bases * one.candidates for one in classes)), width),
        )

    def _scan(self) -> dict[str, float]:
        """Return the scan of the rows to grow: a file whose classes are mixed is read whole."""
        grown = sum(one.rows for one in self.classes)
        return {
            # without a key, a row's identity is the hash of all its columns
            "read": float(self.rows * (self.width + self.keys + 1 if self.keys else self.table.numbers)),
            "hashed": float(grown * (self.keys or self.table.numbers)),
        }

    @property
    def _between(self) -> int:
        """Return the bytes of the distances between all centroids, their order, and what they are made of."""
        return 3 * 8 * max(one.centroids for one in self.classes) ** 2

    def _sampled(self) -> Step:
        rows = sum(one.sampled for one in self.classes)
        assigned = sum(one.sampled * one.centroids for one in self.classes) * self.width
        judged = sum(one.judged for one in self.classes) * self.width
        driver = Part(1, {"sampled": float(rows * self.width), "assigned": float(assigned), "judged": judged})
        scan = Part(self.table.splits(self.rows), self._scan())
        held = rows * (8 * self.width + RECORD_BYTES) + self._between
        return Step("sample", (scan, driver), rows_read=self.rows, driver_bytes=held)

    def _placed(self, model: CostModel) -> Step:
        compared = float(sum(one.rows * one.centroids for one in self.classes))
        splits = self.table.splits(self.rows)
        work = self._scan() | {
            "homed": compared,
            "placed": compared * self.width,
            # every task finds for itself which centroids are near to which
            "paired": float(splits * sum(one.centroids**2 for one in self.classes)),
            "python": 1.0,
            "shuffled": float(self.shuffle_bytes),
        }
        return Step(
            "place",
            (Part(splits, work),),
            rows_read=self.rows,
            shuffle_rows=round(float(self.sizes.sum())),
            shuffle_bytes=self.shuffle_bytes,
            task_bytes=model.worker_bytes(0, 0) + self._between,
        )

    def _made(self, model: CostModel, compared: float, width: int) -> Step:
        """Return the step that searches, makes the new rows, and writes them and the originals."""
        work = {
            "distances": compared,
            "products": compared * width,
            # all rows look for their pivot, and bases for those of which a nearer row could be
            "pivoted": sum((float(one.sizes.sum()) + one.bases) * one.pivots for one in self.classes),
            "generated": float(self.added * width),
            "written": float(self.added * self.table.numbers),
            "python": 1.0,
        }
        loads = self.loads
        new = Part(len(loads), work, float(loads.max() / loads.mean()))
        originals = written(self.table, self.rows, self.rows)
        parts = (new,) if self.only_added else (*originals.parts, new)
        return Step(
            "search, write",
            parts,
            rows_read=0 if self.only_added else self.rows,
            rows_written=self.added + (0 if self.only_added else self.rows),
            task_bytes=self.task_bytes(model),
        )

    def warnings(self, model: CostModel) -> Iterator[str]:
        """Tell what breaks a promise."""
        facts, largest = self.facts(), float(self.sizes.max())
        for one in self.classes:
            home = one.rows / one.centroids
            if one.centroids >= MOST_CELLS and home > self.cell_rows:
                yield (
                    f"{one.rows:,} rows of a class in the most cells there are, {MOST_CELLS:,}, are {home:,.0f} rows a "
                    f"cell where {self.cell_rows:,} are wanted; balance inside within_cols, whose groups have cells "
                    "of their own"
                )
            if one.centroids > 1 and one.sampled / one.centroids < min(FEW_SAMPLED, PER_CELL):
                yield (
                    f"the driver's sample is at its bound: {one.sampled:,} rows for {one.centroids:,} cells, "
                    f"{one.sampled / one.centroids:,.0f} a cell where {PER_CELL:,} are wanted, so cells differ in size "
                    "and the estimate of recall is rough; use fewer features or larger cell_rows"
                )
        held = self.task_bytes(model)
        if held > WORKER_BYTES:
            yield (
                f"the largest task holds {held / 1e9:,.1f} GB in its Python worker, above {WORKER_BYTES / 1e9:.0f} GB; "
                f"use cell_rows<={max(1, int(self.cell_rows * WORKER_BYTES / held)):,}, or fewer features"
            )
        if self.number_bytes * self.width * largest >= ARROW_BYTES:
            yield (
                f"the largest cell holds {self.number_bytes * self.width * largest / 2**30:,.1f} GiB of features, "
                "and an Arrow buffer at most 2; use smaller cell_rows"
            )
        if facts["largest_to_mean_cell"] > MOST_SKEW:
            yield (
                f"the largest cell has {largest:,.0f} rows, {facts['largest_to_mean_cell']:.1f} times the mean, "
                "and its task ends last; use smaller cell_rows"
            )
        tasks = len(self.loads)
        if tasks < self.table.cores:
            yield (
                f"{len(self.sizes):,} cells keep {tasks:,} of {self.table.cores:,} cores at work while "
                "neighbours are searched and new rows written; use smaller cell_rows if that takes long"
            )

    @property
    def assumed(self) -> tuple[str, ...]:
        """What is taken for granted."""
        if None not in [one.recall for one in self.classes]:
            return ()
        return (
            f"recall is unknown, cells are of equal size and guests as many as may be, {MOST_GUESTS} a row, "
            "as no data was looked at",
        )

    def sketch(self, model: CostModel, small: tuple[str, ...] = ()) -> Sketch:
        """Return all of it, after the warnings of classes that are too small to be here."""
        return Sketch(self.steps(model), self.facts(), self.assumed, (*small, *self.warnings(model)))


class CellJudging(CellSearch):
    """A search that makes no rows: each is judged by its neighbours, and those that stay are written."""

    number_bytes: ClassVar[int] = 4

    @property
    def added(self) -> int:
        """Synthetic rows: none."""
        return 0

    def _made(self, model: CostModel, compared: float, width: int) -> Step:
        """Return the step that judges, joins the verdicts to the rows and writes those that stay."""
        step = super()._made(model, compared, width)
        return replace(step, name="judge, write")
