"""Fit cells: bounded groups of near rows, made on the driver from a sample, in which rows meet their neighbors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter

import numpy as np
from pyspark.sql import Column, functions as F

from spark_balance.frames.classes import Strata
from spark_balance.frames.row_ids import by_code
from spark_balance.frames.sample import Sample
from spark_balance.kernels import Floats
from spark_balance.kernels.centroids import Cells, fit_centroids
from spark_balance.kernels.distances import norms
from spark_balance.kernels.knn import BRUTE_ROWS, Metric, count_candidates, knn
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

MAX_CELLS = 4_000
RECALL = 0.998
MAX_HALO = 0.9
LOOKS = 4
LOW_RECALL = 0.99  # below it a user is warned
# a cell of this many numbers is 14 MiB: large for few halo rows, small beside a worker's memory
CELL_NUMBERS = 65_536 * 28


@dataclass(frozen=True)
class Pool:
    """Rows that search each other: those of a class, of the classes of a group, or of a class in a cluster."""

    number: int
    rows: dict[int, int]  # of each class, by its id
    labels: dict[int, object] = field(default_factory=dict)  # that the class ids stand for

    def count(self, class_ids: Iterable[int]) -> int:
        """Return the rows of some classes."""
        return sum(map(self.rows.__getitem__, class_ids))

    @property
    def minority(self) -> int:
        """The id of the smallest class; of several, that of the smallest label."""
        return min(self.rows, key=lambda class_id: (self.rows[class_id], class_id))


@dataclass(frozen=True)
class Question:
    """What is asked of a pool: the rows of some classes look for k neighbors among those of some, all by class id."""

    queries: tuple[int, ...]
    among: tuple[int, ...]
    k: int


def pools_of(strata: Strata) -> list[Pool]:
    """Return a pool for each group of classes, in the order of the plan."""
    groups: dict[tuple[object, ...], Pool] = {}
    for row in strata.rows:
        pool = groups.setdefault(row.entry.group, Pool(len(groups), {}, {}))
        pool.rows[row.code] = row.entry.before
        pool.labels[row.code] = row.entry.label
    return list(groups.values())


def pools_of_classes(rows: Mapping[int, int], k: int) -> list[tuple[Pool, list[Question]]]:
    """Return a pool for each class alone, whose number is its class id, with the question for k neighbors."""
    return [(Pool(one, {one: some}), [Question((one,), (one,), k)]) for one, some in rows.items()]


def pool_number(pools: Sequence[Pool]) -> Column:
    """Return the number of the pool that a row's class is in; NULL for rows of none."""
    if len(pools) == 1:
        return F.lit(pools[0].number)
    return by_code({class_id: pool.number for pool in pools for class_id in pool.rows}).cast("int")


def count_cells(rows: int, cell_rows: int) -> int:
    """Return how many cells a pool of this many rows has."""
    return min(MAX_CELLS, -(-rows // cell_rows))


def default_cell_rows(width: int, numbers: int = CELL_NUMBERS) -> int:
    """Return how many rows of this width a cell owns by default, of about as many numbers."""
    return max(256, numbers // width)


def fit_cells(
    sample: Sample,
    pools: Sequence[tuple[Pool, Sequence[Question]]],
    scale: Scale,
    *,
    cell_rows: int,
    metrics: Mapping[int, Metric] | None = None,
    prove: bool = False,
) -> CellMap:
    """Make the cells of every pool on the driver, from the sample: cells that can answer what is asked of the pool.

    A pool of at most `cell_rows` rows is one cell. `metrics` has another distance than Euclid's for each pool, by its
    number; `prove` also estimates the share of rows whose neighbors are proven to be the true ones. Each cell has a
    task of its own: see `CellMap.share_tasks`.
    """
    made, first = dict[int, PoolCells](), 0
    for pool, questions in pools:
        metric = metrics[pool.number] if metrics else None
        made[pool.number] = _fit_pool(sample, pool, questions, scale, metric, first, cell_rows, prove)
        first += int(made[pool.number].shards.sum())
    return CellMap(scale, made, metrics=metrics or {})


def _fit_pool(
    sample: Sample,
    pool: Pool,
    asked: Sequence[Question],
    scale: Scale,
    metric: Metric | None,
    first: int,
    cell_rows: int,
    prove: bool,
) -> PoolCells:
    rows, visitors = pool.count(pool.rows), set[int]().union(*map(attrgetter("among"), asked))
    # a pool that would need more cells than MAX_CELLS has larger ones
    cell_rows = max(cell_rows, -(-rows // MAX_CELLS))
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
    wanted = count_cells(rows, cell_rows)
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
        cells, estimate = choose_margin(cells, own, near, copied, recall=RECALL, max_halo=MAX_HALO / share)
        sizes = np.bincount(cells.owners(points), minlength=len(cells)) * rows / len(points)
        shards = np.maximum(1, np.ceil(sizes / (2 * cell_rows))).astype(np.int64)
        estimate = replace(estimate, halo=estimate.halo * share)
        met = round(rows * (1 + estimate.halo) / int(shards.sum()))
        made = PoolCells(first, cells, shards, estimate, rows, met, copied_ids, metric)
    if metric is not None:
        # a metric compares all pairs of a cell
        return made
    inside = [_estimate_inside(made, sample, pool, one) for one in asked]
    recall = made.estimate.recall * min(inside, default=1.0)
    proven = _estimate_proven(made, asked, inside, pairs) if prove else None
    estimate = Estimate(recall, made.estimate.halo, proven)
    return replace(made, estimate=estimate, candidates=count_candidates(made.candidates))


def describe_low_recall(method: str, recall: float) -> str:
    """Return the sentence that warns of a low recall."""
    return (
        f"{method}: cells are estimated to hold {recall:.3f} of the true neighbors, below {LOW_RECALL}; "
        "use larger cell_rows or fewer features"
    )


def _estimate_inside(made: PoolCells, sample: Sample, pool: Pool, question: Question) -> float:
    """Estimate the recall of the searches inside cells from a few of them, chosen by their share of the rows."""
    points, rows = sample.evenly(question.among), pool.count(question.among)
    if made.shards.tolist() == [1]:
        return estimate_recall(points, np.arange(len(points)), rows, question.k)
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
        recall += looks * (1.0 if dealt else estimate_recall(points[here], owned, there, question.k))
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
