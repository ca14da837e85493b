"""What a search in cells will do and cost, from the cells that were fitted, or assumed on paper."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spark_balance.explain.explanation import Step, Table, worker_bytes
from spark_balance.frames.copies import Growth, count_dealt, count_parts
from spark_balance.frames.sample import PER_CELL, Sample, expected_rows
from spark_balance.frames.text import plural
from spark_balance.kernels import Floats
from spark_balance.kernels.knn import count_candidates
from spark_balance.kernels.pivots import CANDIDATES
from spark_balance.kernels.projection import WIDE
from spark_balance.neighbors.cell_map import CellMap, deal_to_tasks
from spark_balance.neighbors.cells import FEW_SAMPLED, MAX_CELLS, Goal, held_bytes, max_halo
from spark_balance.neighbors.pools import Pool

ROW_BYTES = 64  # a shuffled row beside its features: class, cell, row id, number, copies, as the engine packs them
ARROW_BYTES = 2**31  # an Arrow buffer with 32-bit offsets
WORKER_LIMIT = 10**9  # what serverless Spark gives a Python worker
MOST_SKEW = 3.0  # rows of the largest cell, in means


@dataclass(frozen=True)
class CellLoad:
    """What the rows that share cells, a class or a pool of classes, bring to a search."""

    rows: int
    added: int  # synthetic rows wanted of them
    sizes: Floats  # (n_cells,): expected rows of each cell, halo rows included
    centroids: int
    halo: float  # halo copies of a row
    recall: float | None  # None when no data was looked at
    sampled: int  # rows in the driver's sample
    # share of rows whose neighbors are proven, where classes share cells and data was looked at
    proven: float | None = None
    work: int = CANDIDATES  # comparisons of a row that a search may take
    enough: int = 0  # that would reach the recall wanted
    thin: bool = False  # whether the sample is too thin to tell the recall

    @property
    def bases(self) -> int:
        """Rows that are searched for."""
        return min(self.rows, self.added)


def assume_loads(
    rows: Sequence[int], added: Sequence[int], width: int, goal: Goal, *, halo: bool = True
) -> tuple[CellLoad, ...]:
    """Assume cells of equal size with the most halo rows there may be, or none where partitions are searched alone."""
    sampled = expected_rows(rows, width=width, cell_size=goal.cell_size)
    loads = []
    for here, new, some in zip(rows, added, sampled, strict=True):
        cells = goal.count_cells(here)
        copies = max_halo(-(-here // cells), width, room=goal.room) if halo and cells > 1 else 0.0
        sizes = np.full(cells, (1 + copies) * here / cells)
        loads.append(CellLoad(here, new, sizes, cells if halo else 1, copies, None, round(some)))
    return tuple(loads)


def measure_loads(
    sample: Sample, cell_map: CellMap, pools: Sequence[Pool], added: Sequence[int], *, proven: bool = False
) -> tuple[CellLoad, ...]:
    """Take sizes, halo and recall of pools from their cells and the sample that fitted these.

    `added` are the synthetic rows wanted of each pool; with `proven` every neighbor is, whatever the cells hold.
    """
    loads = []
    for pool, new in zip(pools, added, strict=True):
        cells = cell_map.pools[pool.number]
        points, class_ids = sample.evenly_coded(pool.rows)
        sizes = cells.sizes(cell_map.scale.integers(points), pool.count(pool.rows), class_ids)
        known = cells.estimate
        recall = 1.0 if proven else known.recall
        loads.append(
            CellLoad(
                pool.count(pool.rows),
                new,
                sizes,
                len(cells.cells),
                known.halo,
                recall,
                len(points),
                known.proven,
                cells.work,
                known.enough,
                known.sampled < FEW_SAMPLED and not proven,
            )
        )
    return tuple(loads)


@dataclass(frozen=True)
class CellCost:
    """A search in cells: the table, what travels, and the rows that are searched."""

    table: Table
    rows: int  # of the whole table
    width: int  # numbers of a row
    k: int  # neighbors of a base
    carried: int  # columns that travel with the features
    goal: Goal
    loads: tuple[CellLoad, ...]
    number_bytes: int = 8  # of a feature that travels: 8, or 4 where integers are sent
    even: bool = True  # whether a cell makes new rows by the rows that it owns

    @property
    def added(self) -> int:
        """Synthetic rows."""
        return sum(one.added for one in self.loads)

    @property
    def sizes(self) -> Floats:
        """Expected rows of each cell."""
        return np.concatenate([one.sizes for one in self.loads])

    @property
    def tasks(self) -> int:
        """Tasks that search: a small cell shares one."""
        rows, cells = [one.rows for one in self.loads], [len(one.sizes) for one in self.loads]
        return int(deal_to_tasks(rows, cells, self.added, self.width).max()) + 1

    @property
    def dealt(self) -> int:
        """Tasks that new rows are dealt out to; 0 where those that search make them."""
        made = [Growth(one.rows, one.added, one.added / (len(one.sizes) if self.even else 1)) for one in self.loads]
        return count_dealt(made, self.k, self.width)

    @property
    def row_bytes(self) -> int:
        """Bytes of a shuffled row."""
        return self.number_bytes * self.width + 8 * self.carried + ROW_BYTES

    @property
    def centroid_bytes(self) -> int:
        """Bytes of the distances between all centroids, their order, and what they are made of."""
        return 3 * 8 * max(one.centroids for one in self.loads) ** 2

    @property
    def task_bytes(self) -> int:
        """Memory of the worker that searches the largest cell."""
        rows = float(self.sizes.max())
        if self.width > WIDE:
            return worker_bytes() + round(rows * held_bytes(self.width, self.number_bytes))
        slots = max(min(self.k, -(-one.added // one.rows)) for one in self.loads)
        return worker_bytes(rows * self.width, rows / (1 + min(one.halo for one in self.loads)) * slots)

    def facts(self) -> dict[str, Any]:
        """Return what is known of the cells, under the names that the notes of the run have."""
        rows = sum(one.rows for one in self.loads)
        recalls = [one.recall for one in self.loads]
        known = [one.recall * one.rows / rows for one in self.loads if one.recall is not None]
        proven = [one.proven * one.rows / rows for one in self.loads if one.proven is not None]
        compared = sum(
            count_candidates(round(float(one.sizes.mean())), one.work) * one.rows / rows for one in self.loads
        )
        return {
            "cells": len(self.sizes),
            "guests_per_row": float(sum(one.halo * one.rows / rows for one in self.loads)),
            "estimated_recall": None if None in recalls or any(one.thin for one in self.loads) else float(sum(known)),
            **({"estimated_proven": float(sum(proven))} if len(proven) == len(self.loads) else {}),
            "candidates_per_row": round(compared),
            "largest_cell_rows": round(float(self.sizes.max())),
            "largest_to_mean_cell": float(self.sizes.max() / self.sizes.mean()),
            "driver_sample_rows": sum(one.sampled for one in self.loads),
        }

    def place(self, name: str) -> Step:
        """Return the step that assigns rows to cells and brings the rows of a cell together."""
        placed = round(float(self.sizes.sum()))
        held = worker_bytes() + self.centroid_bytes
        size = round(float(self.sizes.sum()) * self.row_bytes)
        return Step(name, self.table.splits(self.rows), self.rows, 0, placed, size, held)

    def search(self, name: str) -> Step:
        """Return the step that searches every cell."""
        return Step(name, self.tasks, task_bytes=self.task_bytes)

    def deal(self, name: str) -> Step:
        """Return the step that deals pairs of a base and a neighbor out to the tasks that make new rows of them."""
        rows = count_parts([(one.rows, one.added) for one in self.loads], self.k, self.width)
        return Step(name, self.tasks, 0, 0, rows, rows * (16 * self.width + 8 * self.carried + ROW_BYTES))

    def exact_steps(self) -> tuple[Step, ...]:
        """Return what proves every neighbor: rows are placed once more, and answers are merged."""
        rows, bases = sum(one.rows for one in self.loads), sum(one.bases for one in self.loads)
        asked = float(sum(one.bases * one.halo for one in self.loads))
        answer = 8 * self.k * (self.width + 4)  # a neighbor's features, distance and identity
        sent = round(rows * self.row_bytes + bases * (self.row_bytes + answer) + asked * self.row_bytes)
        # the answers to a cell's rows are there as they came and as numbers
        held = self.task_bytes + 2 * round(float(self.sizes.max())) * answer
        ask = replace(self.place("search, ask"), shuffle_rows=round(rows + bases + asked), shuffle_bytes=sent)
        back = round((bases + asked) * (answer + self.row_bytes))
        answered = Step("answer", self.tasks, 0, 0, round(bases + asked), back, held)
        return replace(ask, task_bytes=self.task_bytes), answered, Step("merge", self.tasks, task_bytes=held)

    def warnings(self) -> Iterator[str]:
        """Yield a sentence for each promise that breaks."""
        facts, largest = self.facts(), float(self.sizes.max())
        for one in self.loads:
            owned = one.rows / one.centroids
            cell_rows = int(self.goal.cell_size.of(one.rows))
            if one.centroids >= MAX_CELLS and owned > cell_rows:
                yield (
                    f"{one.rows:,} rows of a class in {MAX_CELLS:,} cells, the most a search makes, are {owned:,.0f} "
                    f"rows a cell where {cell_rows:,} are wanted; balance inside within_cols, whose groups have "
                    "cells of their own"
                )
            if one.centroids > 1 and one.sampled / one.centroids < min(FEW_SAMPLED, PER_CELL):
                yield (
                    f"the driver's sample is at its bound: {one.sampled:,} rows for {one.centroids:,} cells, "
                    f"{one.sampled / one.centroids:,.0f} a cell where {PER_CELL:,} are wanted, so cells differ in size "
                    "and their recall is unknown; use fewer features or larger cell_rows"
                )
        held, owned = self.task_bytes, max(one.rows / one.centroids for one in self.loads)
        if held > WORKER_LIMIT:
            yield (
                f"the largest task holds {held / 1e9:,.1f} GB in its Python worker, above {WORKER_LIMIT / 1e9:.0f} GB; "
                f"use cell_rows<={max(1, int(owned * WORKER_LIMIT / held)):,}, or fewer features"
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
        if self.tasks < self.table.cores:
            keep = f"{plural(len(self.sizes), 'cell')} {'keeps' if len(self.sizes) == 1 else 'keep'}"
            yield (
                f"{keep} {self.tasks:,} of {self.table.cores:,} cores at work while neighbors are searched"
                f"{'' if self.dealt else ' and new rows written'}; use smaller cell_rows if that takes long"
            )

    @property
    def assumed(self) -> tuple[str, ...]:
        """What is taken for granted."""
        if None not in [one.recall for one in self.loads]:
            return ()
        return (
            f"recall is unknown, cells are of equal size with {max(one.halo for one in self.loads):.1f} halo copies of "
            "a row, the most there may be, as no data was looked at",
        )
