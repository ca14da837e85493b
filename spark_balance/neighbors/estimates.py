"""Estimate from the sample what a search in cells will find: what is at hand, what is looked at, what is judged."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from spark_balance.frames.sample import Sample
from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.distances import norms
from spark_balance.kernels.knn import Metric, knn
from spark_balance.kernels.pivots import CANDIDATES
from spark_balance.kernels.projection import Projection
from spark_balance.kernels.recall import QUERIES, draw_nearer, estimate_recall, nearest_among
from spark_balance.neighbors.cell_map import PoolCells
from spark_balance.neighbors.pools import Pool, Question

LOOKS = 4
MAX_JUDGED = 64  # candidates of a row


def choose_work(find: Callable[[int], float], wanted: float) -> int:
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


def estimate_inside(made: PoolCells, sample: Sample, pool: Pool, question: Question, work: int) -> float:
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


def estimate_proven(
    made: PoolCells, asked: Sequence[Question], inside: Sequence[float], pairs: Sequence[tuple[Floats, Floats]] | None
) -> float | None:
    """Estimate the share of rows whose neighbors are all nearer than any row outside of their cell, and found in it."""
    found = [recall**one.k for recall, one in zip(inside, asked, strict=True)]
    if pairs is None:
        return min(found, default=1.0)
    sure = [made.proven(own, np.sqrt(norms(near[:, -1] - own))) if near.size else None for own, near in pairs]
    proven = [float(np.mean(one)) * all_found for one, all_found in zip(sure, found, strict=True) if one is not None]
    return min(proven, default=None)


def choose_judged(
    sample: Sample, pool: Pool, asked: Sequence[Question], projection: Projection, wanted: float
) -> tuple[Projection, float]:
    """Choose how many candidates are judged in full width, and return the share of the true neighbors among them.

    In the projection other rows come before some true neighbors: the more, the more rows there are. How they grow from
    a quarter of the sample to the whole of it is carried on to all rows.
    """
    points, k = sample.evenly(pool.rows), max(one.k for one in asked)
    limit = max(MAX_JUDGED, 4 * k)
    between, fewer = (_between(some, projection, k, limit) for some in (points, points[: len(points) // 4]))
    last = [float(np.quantile(one, wanted, method="inverted_cdf")) if one.size else 0.0 for one in (fewer, between)]
    times = math.log(max(1.0, pool.count(pool.rows) / max(1, len(points))), 4)
    growth = max(1.0, last[1] / max(1.0, last[0])) ** times
    judged = min(max(2 * k, k + math.ceil(last[1] * growth)), limit)
    return replace(projection, judged=judged), float(np.mean(between * growth <= judged - k)) if between.size else 1.0


def _between(points: Floats, projection: Projection, k: int, limit: int) -> Ints:
    """Return how many more than k rows are as near in the projection as each true neighbor; at most `limit` are."""
    queries, most = np.arange(min(QUERIES // 2, len(points))), min(limit, len(points) - 1)
    if most < 1:
        return np.empty(0, dtype=np.int64)
    true = knn(points, queries, min(k, most), how="brute")[0]
    near = knn(projection.embed(points), queries, most, how="brute")[0]
    same = near[:, None, :] == true[:, :, None]
    place: Ints = np.where(same.any(axis=2), 1 + same.argmax(axis=2), most + 1)
    return np.maximum(0, place - k)


def expect(sample: Sample, pool: Pool, question: Question, space: Metric | Projection | None) -> tuple[Floats, Floats]:
    """Return where rows lie, and where their neighbors are expected, the nearest first.

    Neighbors in a sample of s out of n rows are further away than the true ones, by (n / s)^(1 / d) in d intrinsic
    dimensions, so they are drawn nearer by that factor; but not where rows lack features, since what neighbors have in
    those stays as far apart.
    """
    others, there = sample.evenly(question.among), pool.count(question.among)
    own = sample.evenly(question.queries)[:QUERIES]
    metric = None if isinstance(space, Projection) else space
    if set(question.queries) == set(question.among) or (metric is not None and metric.complete):
        most = min(question.k, len(others) - 1)
        found = knn(others, np.arange(len(own)), most, metric=metric, how="brute")[0]
    else:
        found = nearest_among(own, others, question.k, metric)
    near = others[found]
    if space is not None:
        own, near = space.embed(own), space.embed(near.reshape(-1, near.shape[2]))
        near = near.reshape(*found.shape, own.shape[1])
    return own, draw_nearer(own, near, len(others) / there if metric is None or metric.complete else 1.0)
