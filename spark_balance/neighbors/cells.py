"""Fit cells: bounded groups of near rows, made on the driver from a sample, in which rows meet their neighbors."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from operator import attrgetter

import numpy as np

from spark_balance.frames.sample import CellSize, Sample
from spark_balance.kernels import Floats
from spark_balance.kernels.centroids import Cells, fit_centroids
from spark_balance.kernels.distances import norms
from spark_balance.kernels.knn import BRUTE_ROWS, Metric, count_candidates, knn
from spark_balance.kernels.pivots import CANDIDATES
from spark_balance.kernels.recall import (
    QUERIES,
    Estimate,
    choose_margin,
    draw_nearer,
    estimate_recall,
    expect_neighbors,
    expect_neighbors_among,
)
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors.cell_map import CellMap, PoolCells
from spark_balance.neighbors.pools import Pool, Question

MAX_CELLS = 4_000
RECALL = 0.99  # share of the true neighbors that rows find, where nothing else is asked
MAX_WORK = 16_000  # rows that a row is compared with, on average, at most, where nothing else is asked
# shares of what may be missed: by rows that the neighbor was not copied to, and by the search inside a cell
CUT, SKIPPED = 0.35, 0.6
MAX_HALO = 3.0
LOOKS = 4
FEW_SAMPLED = 500  # sampled rows a cell below which recall is unknown: see docs/scale.md
FEW_STEPS = 64  # below it a user is warned
# numbers that a cell owns, as 65,536 rows of 28: 14 MiB
CELL_NUMBERS = 65_536 * 28
MOST_NUMBERS = 3 * CELL_NUMBERS  # where a class is large
TASK_NUMBERS = 4 * MOST_NUMBERS  # that one task may hold, halo rows included: 168 MiB


@dataclass(frozen=True)
class Goal:
    """What a search is to find, and with what."""

    cell_size: CellSize
    recall: float = RECALL  # share of the true neighbors
    max_work: int = MAX_WORK  # comparisons of a row, on average

    def count_cells(self, rows: int) -> int:
        """Return how many cells a pool of this many rows has."""
        return min(MAX_CELLS, -(-rows // int(self.cell_size.of(rows))))


def default_cell_size(width: int, numbers: int = CELL_NUMBERS, most: int = MOST_NUMBERS) -> CellSize:
    """Return how many rows of this width a cell owns by default, of about as many numbers."""
    return CellSize(max(256, numbers // width), max(256, most // width))


def max_halo(cell_rows: int, width: int) -> float:
    """Return how many halo copies of a row there may be at most, in cells of this size."""
    return min(MAX_HALO, max(0.5, TASK_NUMBERS / (width * cell_rows) - 1))


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
    for pool, questions in pools:
        metric = metrics[pool.number] if metrics else None
        made[pool.number] = _fit_pool(sample, pool, questions, scale, metric, first, goal, prove)
        first += int(made[pool.number].shards.sum())
    pool_of = {class_id: pool.number for pool, _ in pools for class_id in pool.rows}
    alone = all(class_id == number for class_id, number in pool_of.items())
    return CellMap(scale, made, metrics=metrics or {}, pool_of={} if alone else pool_of, kind=sample.columns.kind)


def _fit_pool(
    sample: Sample,
    pool: Pool,
    asked: Sequence[Question],
    scale: Scale,
    metric: Metric | None,
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
    if rows <= min(BRUTE_ROWS, cell_rows) and metric is None:
        # one cell, whose rows are all compared: nothing to estimate
        whole, known = Cells(np.zeros((1, sample.columns.width))), Estimate(1.0, 0.0, 1.0 if prove else None)
        return PoolCells(first, whole, np.ones(1, np.int64), known, rows, rows, copied_ids)
    integers = map(scale.integers, sample.rows.values())
    sample = replace(sample, rows=dict(zip(sample.rows, integers, strict=True)))
    points = sample.evenly(pool.rows)
    points = points if metric is None else metric.embed(points)
    wanted = goal.count_cells(rows)
    if wanted == 1 or not len(points):
        whole = Cells(np.zeros((1, points.shape[1])))
        made = PoolCells(first, whole, np.ones(1, np.int64), Estimate(1.0, 0.0), rows, rows, copied_ids, metric)
        pairs = None
    else:
        most = max(one.k for one in asked)
        cells = Cells(fit_centroids(points, wanted, most + 2, 1.5 * cell_rows / rows)).with_radius(points)
        pairs = [_expect(sample, pool, one, metric) for one in asked]
        own = np.concatenate([np.repeat(own, near.shape[1], axis=0) for own, near in pairs])
        near = np.concatenate([near.reshape(-1, points.shape[1]) for _, near in pairs])
        share = pool.count(may) / rows
        # rows of a small class may be copied more often: what costs is the copies for each row of the pool
        copied = sample.evenly(may)
        copied = copied if metric is None else metric.embed(copied)
        most_copies = max_halo(cell_rows, points.shape[1]) / share
        cells, estimate = choose_margin(cells, own, near, copied, recall=1 - CUT * missed, max_halo=most_copies)
        sizes = np.bincount(cells.owners(points), minlength=len(cells)) * rows / len(points)
        shards = np.maximum(1, np.ceil(sizes / (2 * cell_rows))).astype(np.int64)
        estimate = replace(estimate, halo=estimate.halo * share)
        met = round(rows * (1 + estimate.halo) / int(shards.sum()))
        made = PoolCells(first, cells, shards, estimate, rows, met, copied_ids, metric)
    if metric is not None:
        # a metric compares all pairs of a cell
        return made
    inside = cache(lambda work: [_estimate_inside(made, sample, pool, one, work) for one in asked])
    enough = _choose_work(lambda work: min(inside(work), default=1.0), 1 - SKIPPED * missed)
    work = min(enough, goal.max_work)
    found = min(inside(work), default=1.0)
    proven = _estimate_proven(made, asked, inside(work), pairs) if prove else None
    thick = made.shards.tolist() == [1] or 2 * len(points) >= rows
    sampled = math.inf if thick else len(points) / len(made.cells)
    estimate = Estimate(made.estimate.recall * found, made.estimate.halo, proven, enough, sampled)
    return replace(made, estimate=estimate, work=work, candidates=count_candidates(made.candidates, work))


def _choose_work(find: Callable[[int], float], wanted: float) -> int:
    """Return how many comparisons of a row find the recall wanted inside cells."""
    work, found = CANDIDATES, find(CANDIDATES)
    while found < wanted:
        missed, work = 1 - found, 2 * work
        found = find(work)
        if found >= wanted:
            # the logarithm of what is missed falls about evenly
            part = math.log(missed / (1 - wanted)) / math.log(missed / max(1 - found, 1e-4))
            work = math.ceil(work / 2 * (1 + part))
            break
    return work


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


def _estimate_inside(made: PoolCells, sample: Sample, pool: Pool, question: Question, work: int) -> float:
    """Estimate the recall of the searches inside cells from a few of them, chosen by their share of the rows."""
    points, rows = sample.evenly(question.among), pool.count(question.among)
    if made.shards.tolist() == [1]:
        return estimate_recall(points, np.arange(len(points)), rows, question.k, work)
    if not len(points):
        return 1.0
    owner, visitor, visited = made.cells.halo(points)
    share = np.bincount(owner, minlength=len(made.cells)) / len(points)
    by_share = np.argsort(share, kind="stable")
    chosen = by_share[np.searchsorted(np.cumsum(share[by_share]), (np.arange(LOOKS) + 0.5) / LOOKS)]
    recall = 0.0
    for cell, looks in zip(*np.unique(chosen, return_counts=True), strict=True):
        here = np.sort(np.concatenate([np.flatnonzero(owner == cell), visitor[visited == cell]]))
        # a cell that is chosen again and again is asked more, or the estimate depends on few rows
        owned = np.flatnonzero(owner[here] == cell)[-QUERIES * looks // LOOKS :]
        # what is dealt out to shards is mostly equal rows, which are found by their number
        dealt = made.shards[cell] > 1
        there = len(here) * rows // len(points)
        recall += looks * (1.0 if dealt else estimate_recall(points[here], owned, there, question.k, work))
    return float(recall / LOOKS)


def _estimate_proven(
    made: PoolCells, asked: Sequence[Question], inside: Sequence[float], pairs: Sequence[tuple[Floats, Floats]] | None
) -> float | None:
    """Estimate the share of rows whose neighbors are all nearer than any row outside of their cell, and found in it."""
    found = [recall**one.k for recall, one in zip(inside, asked, strict=True)]
    if pairs is None:
        return min(found, default=1.0)
    sure = [made.proven(own, np.sqrt(norms(near[:, -1] - own))) if near.size else None for own, near in pairs]
    proven = [float(np.mean(one)) * all_found for one, all_found in zip(sure, found, strict=True) if one is not None]
    return min(proven, default=None)


def _expect(sample: Sample, pool: Pool, question: Question, metric: Metric | None) -> tuple[Floats, Floats]:
    """Return rows, and where their neighbors are expected, the nearest first."""
    others, there = sample.evenly(question.among), pool.count(question.among)
    own = sample.evenly(question.queries)[:QUERIES]
    if metric is not None:
        embedded = metric.embed(others)
        near = knn(others, np.arange(len(own)), question.k, metric=metric)[0]
        return embedded[: len(own)], draw_nearer(embedded[: len(own)], embedded[near], len(others) / there)
    if set(question.queries) == set(question.among):
        return own, expect_neighbors(others, np.arange(len(own)), there, min(question.k, len(others) - 1))
    return own, expect_neighbors_among(own, others, there, question.k)
