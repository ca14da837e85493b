"""Fit cells: bounded groups of near rows, made on the driver from a sample, in which rows meet their neighbors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from numbers import Integral, Real
from operator import attrgetter

import numpy as np

from spark_balance.errors import ParameterError
from spark_balance.frames.sample import CellSize, Sample
from spark_balance.kernels.centroids import Cells, fit_centroids
from spark_balance.kernels.knn import BRUTE_ROWS, Metric, count_candidates
from spark_balance.kernels.projection import MAKERS, WIDE, Projection
from spark_balance.kernels.recall import Estimate, choose_margin
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors.cell_map import CellMap, PoolCells
from spark_balance.neighbors.estimates import choose_judged, choose_work, estimate_inside, estimate_proven, expect
from spark_balance.neighbors.pools import Pool, Question

MAX_CELLS = 4_000
RECALL = 0.99  # share of the true neighbors that rows find, where nothing else is asked
MAX_WORK = 16_000  # rows that a row is compared with, on average, at most, where nothing else is asked
# shares of what may be missed: by rows that the neighbor was not copied to, and by the search inside a cell
CUT, SKIPPED = 0.35, 0.6
UNJUDGED = 0.2  # and of wide rows besides, by judging too few candidates
MAX_HALO = 3.0
PROJECTED_BYTES = 1_500  # measured, of a row in the largest cell
WIDE_TASK_BYTES = 700 * 10**6  # of wide rows, what a task may hold beside its worker
WIDE_HALO = 1.9  # of wide rows: what is shuffled stays below three times the rows
FEW_SAMPLED = 500  # sampled rows a cell below which recall is unknown: see docs/scale.md
FEW_STEPS = 64  # below it a user is warned
# numbers that a cell owns, as 65,536 rows of 28: 14 MiB
CELL_NUMBERS = 65_536 * 28
MOST_NUMBERS = 3 * CELL_NUMBERS  # where a class is large
TASK_NUMBERS = 4 * MOST_NUMBERS  # that one task may hold, halo rows included: 168 MiB
# memory that a task may take where nothing else is asked, and what a Python worker takes of it before it holds a row
TASK_MB, WORKER_MB = 1_000, 165
ALL_PAIRS_ROWS = 16_384  # of a cell where rows may lack features, whose distances are a matrix product of all pairs
LEAST = {"max_work": 100, "cell_rows": 2, "task_memory_mb": 256}


@dataclass(frozen=True)
class Goal:
    """What a search is to find, and with what."""

    cell_size: CellSize
    recall: float = RECALL  # share of the true neighbors
    max_work: int = MAX_WORK  # comparisons of a row, on average
    room: float = 1.0  # for rows in a task, as a share of `TASK_NUMBERS`

    def count_cells(self, rows: int) -> int:
        """Return how many cells a pool of this many rows has."""
        return min(MAX_CELLS, -(-rows // int(self.cell_size.of(rows))))


@dataclass(frozen=True)
class Wanted:
    """What a user asks of a search."""

    recall: float = RECALL
    max_work: int = MAX_WORK
    cell_rows: int | None = None
    task_memory_mb: int = TASK_MB

    def checked(self, method: str) -> Wanted:
        """Return it, or refuse what is not allowed."""
        if not (isinstance(self.recall, Real) and 0 < self.recall <= 1):
            raise ParameterError(f"{method}: recall={self.recall!r} must be a share, above 0 and at most 1")
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, Integral) or value < least):
                raise ParameterError(f"{method}: {name}={value!r} must be a whole number of at least {least:,}")
        return self

    def goal(self, width: int, number_bytes: int = 8, numbers: int = CELL_NUMBERS, most: int | None = None) -> Goal:
        """Return the goal for rows of this width, in cells of `numbers`, or of `most` rows, unless the user said."""
        room = (self.task_memory_mb - WORKER_MB) / (TASK_MB - WORKER_MB)
        usual = default_cell_size(width, numbers, number_bytes=number_bytes, room=room)
        usual = CellSize(min(usual.rows, most)) if most else usual
        size = CellSize(self.cell_rows) if self.cell_rows else usual
        # an exact search asks other cells for what a cell of the usual recall misses
        return Goal(size, self.recall if self.recall < 1 else RECALL, self.max_work, room)


def held_bytes(width: int, number_bytes: int) -> int:
    """Return what a wide row takes where it is searched: itself, and its projection."""
    return width * number_bytes + PROJECTED_BYTES


def weigh(width: int, number_bytes: int) -> float:
    """Return how many numbers a row is as heavy as where it is searched: a wide one mostly waits to be judged."""
    return width if width <= WIDE else held_bytes(width, number_bytes) * TASK_NUMBERS / WIDE_TASK_BYTES


def default_cell_size(width: int, numbers: int = CELL_NUMBERS, *, number_bytes: int = 8, room: float = 1.0) -> CellSize:
    """Return how many rows of this width a cell owns by default, of about as many numbers."""
    if width > WIDE:
        # few and large: in many dimensions a border is near to most rows
        fit = room * TASK_NUMBERS / ((1 + WIDE_HALO) * weigh(width, number_bytes))
        rows = max(256, int(fit * numbers / CELL_NUMBERS))
        return CellSize(rows, rows)
    most = room * MOST_NUMBERS
    return CellSize(max(256, int(min(numbers, most)) // width), max(256, int(most) // width))


def max_halo(cell_rows: int, width: int, number_bytes: int = 8, room: float = 1.0) -> float:
    """Return how many halo copies of a row there may be at most, in cells of this size."""
    most = MAX_HALO if width <= WIDE else WIDE_HALO
    return min(most, max(0.5, room * TASK_NUMBERS / (weigh(width, number_bytes) * cell_rows) - 1))


def fit_cells(
    sample: Sample,
    pools: Sequence[tuple[Pool, Sequence[Question]]],
    scale: Scale,
    goal: Goal,
    *,
    metrics: Mapping[int, Metric] | None = None,
    prove: bool = False,
) -> CellMap:
    """Make the cells of every pool on the driver, from the sample: cells that can answer what is asked of the pool.

    The halo is as wide and the searches inside are as long as it takes to reach the goal. A pool of few rows is one
    cell. `metrics` has another distance than Euclid's for each pool, by its number; `prove` also estimates the share of
    rows whose neighbors are proven to be the true ones. Each cell has a task of its own: see `CellMap.share_tasks`.
    """
    made, first = dict[int, PoolCells](), 0
    projection = None
    if not metrics and sample.columns.width > WIDE:
        projection = Projection.fit(scale.integers(sample.evenly(sample.rows)[:MAKERS]))
    for pool, questions in pools:
        metric = metrics[pool.number] if metrics else None
        made[pool.number] = _fit_pool(sample, pool, questions, scale, metric or projection, first, goal, prove)
        first += made[pool.number].n_cells
    pool_of = {class_id: pool.number for pool, _ in pools for class_id in pool.rows}
    alone = all(class_id == number for class_id, number in pool_of.items())
    return CellMap(scale, made, metrics=metrics or {}, pool_of={} if alone else pool_of, kind=sample.columns.kind)


def _fit_pool(
    sample: Sample,
    pool: Pool,
    asked: Sequence[Question],
    scale: Scale,
    space: Metric | Projection | None,
    first: int,
    goal: Goal,
    prove: bool,
) -> PoolCells:
    rows, visitors = pool.count(pool.rows), set[int]().union(*map(attrgetter("among"), asked))
    # a pool that would need more cells than MAX_CELLS has larger ones
    cell_rows, missed = max(int(goal.cell_size.of(rows)), -(-rows // MAX_CELLS)), 1 - goal.recall
    may = tuple(sorted(visitors))
    # every row may be copied where every class is asked for
    copied_ids = None if visitors == pool.rows.keys() else may
    projected = isinstance(space, Projection)
    if rows <= min(BRUTE_ROWS, cell_rows) and (space is None or projected):
        # one cell, whose rows are all compared: nothing to estimate
        whole, known = Cells(np.zeros((1, sample.columns.width))), Estimate(1.0, 0.0, 1.0 if prove else None)
        return PoolCells(first, whole, np.ones(1, np.int64), known, rows, rows, copied_ids)
    integers = map(scale.integers, sample.rows.values())
    sample = replace(sample, rows=dict(zip(sample.rows, integers, strict=True)))
    whole_rows, judged = sample, 1.0
    if isinstance(space, Projection):
        space, judged = choose_judged(sample, pool, asked, space, 1 - UNJUDGED * missed)
        sample = replace(sample, rows={one: space.embed(points) for one, points in sample.rows.items()})
    points = sample.evenly(pool.rows)
    points = points if space is None or projected else space.embed(points)
    wanted = goal.count_cells(rows)
    if wanted == 1 or not len(points):
        whole = Cells(np.zeros((1, points.shape[1])))
        made = PoolCells(first, whole, np.ones(1, np.int64), Estimate(1.0, 0.0), rows, rows, copied_ids, space)
        pairs = None
    else:
        most = max(one.k for one in asked)
        cells = Cells(fit_centroids(points, wanted, most + 2, 1.5 * cell_rows / rows)).with_radius(points)
        pairs = [expect(whole_rows, pool, one, space) for one in asked]
        own = np.concatenate([np.repeat(own, near.shape[1], axis=0) for own, near in pairs])
        near = np.concatenate([near.reshape(-1, points.shape[1]) for _, near in pairs])
        share = pool.count(may) / rows
        # rows of a small class may be copied more often: what costs is the copies for each row of the pool
        copied = sample.evenly(may)
        copied = copied if space is None or projected else space.embed(copied)
        width = scale.center.size if projected else points.shape[1]
        most_copies = max_halo(cell_rows, width, whole_rows.columns.number_bytes, goal.room) / share
        cells, estimate = choose_margin(cells, own, near, copied, recall=1 - CUT * missed, max_halo=most_copies)
        sizes = np.bincount(cells.owners(points), minlength=len(cells)) * rows / len(points)
        shards = np.maximum(1, np.ceil(sizes / (2 * cell_rows))).astype(np.int64)
        estimate = replace(estimate, halo=estimate.halo * share)
        met = round(rows * (1 + estimate.halo) / int(shards.sum()))
        made = PoolCells(first, cells, shards, estimate, rows, met, copied_ids, space)
    if space is not None and not projected:
        # a metric compares all pairs of a cell
        return made
    inside = cache(lambda work: [estimate_inside(made, sample, pool, one, work) for one in asked])
    # comparisons in the projection that cost as much as one in full width
    cheap = scale.center.size // points.shape[1] if projected else 1
    enough = -(-choose_work(lambda work: min(inside(work), default=1.0), 1 - SKIPPED * missed) // cheap)
    work = min(enough, goal.max_work) * cheap
    found = min(inside(work), default=1.0) * judged
    # how far the neighbors of wide rows are in full is not known where they are drawn nearer
    proven = estimate_proven(made, asked, inside(work), pairs) if prove and not projected else None
    thick = made.shards.tolist() == [1] or 2 * len(points) >= rows
    sampled = math.inf if thick else len(points) / len(made.cells)
    estimate = Estimate(made.estimate.recall * found, made.estimate.halo, proven, enough, sampled)
    return replace(made, estimate=estimate, work=work, candidates=count_candidates(made.candidates, work))


def describe_few_steps(method: str, steps: float) -> str:
    """Return the sentence that warns of a coarse grid."""
    return (
        f"{method}: far values leave {steps:.0f} steps between the middle rows, below {FEW_STEPS}, so that many look "
        "equally near; take the logarithm of features with a long tail, or clip them"
    )


def describe_unknown_recall(method: str, sampled: float) -> str:
    """Return the sentence that warns of a sample that is too thin to tell the recall."""
    return (
        f"{method}: the driver's sample has {sampled:,.0f} rows a cell, below {FEW_SAMPLED}, so how many of the true "
        "neighbors will be found is unknown; use larger cell_rows or fewer features"
    )


def describe_low_recall(method: str, recall: float, goal: Goal, enough: int) -> str:
    """Return the sentence that warns of a low recall, given the comparisons that would be enough inside cells."""
    use = "larger cell_rows or fewer features"
    if enough > goal.max_work:
        use = (
            f"max_work={enough:,}".replace(",", "_") + f", {enough / goal.max_work:.0f} times the comparisons, or {use}"
        )
    return f"{method}: about {recall:.3f} of the true neighbors will be found, below recall={goal.recall}; use {use}"
