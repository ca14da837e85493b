"""How far into the next cells rows must be copied, and what share of the true neighbors a row then meets."""

import math
from dataclasses import dataclass, replace

import numpy as np

from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.centroids import Cells
from spark_balance.kernels.distances import norms
from spark_balance.kernels.knn import BRUTE_ROWS, Metric, knn
from spark_balance.kernels.pivots import CANDIDATES, FIRST, Pivots, halves, rows_per_pivot

QUERIES = 1_000


@dataclass(frozen=True)
class Estimate:
    """What the sample says of cells."""

    recall: float  # share of the true neighbors that rows find
    halo: float  # copies in other cells for each row
    proven: float | None = None  # share of rows whose neighbors are proven; None if not asked for, or not known
    enough: int = 0  # comparisons of a row that would reach the recall wanted inside cells
    sampled: float = math.inf  # rows of the sample in each cell; infinite where it holds most rows


def choose_margin(
    cells: Cells, asked: Floats, neighbors: Floats, visitors: Floats, *, recall: float, max_halo: float
) -> tuple[Cells, Estimate]:
    """Choose the margin of cells that brings rows, `asked`, and where a neighbor of each is expected together.

    `recall` is the share of the pairs that should meet, and `max_halo` the copies that may be spent on it for each of
    the `visitors`, a sample of the rows that may be copied to other cells.
    """
    if len(cells) == 1:
        return cells, Estimate(1.0, 0.0)
    needed = np.empty(0)
    if len(asked):
        wanted = cells.owners(asked)
        owner, near, margin = cells.margins(neighbors)
        needed = np.where(near == wanted[:, None], margin, np.inf).min(axis=1)
        needed[owner == wanted] = 0.0
    # where the sample knows no neighbor, as many rows are copied as may be
    tau = float(np.quantile(needed, recall, method="inverted_cdf")) if len(needed) else np.inf
    margin = cells.margins(visitors)[2]
    most = min(margin.size - 1, int(max_halo * len(visitors)))
    cap = float(np.partition(margin.ravel(), most)[most])
    cells = replace(cells, tau=min(tau, cap))
    held = float(np.mean(needed <= cells.tau)) if len(needed) else 1.0
    return cells, Estimate(held, float(np.count_nonzero(margin <= cells.tau)) / len(visitors))


def expect_neighbors(sample: Floats, queries: Ints, rows: int, k: int) -> Floats:
    """Return where the k nearest neighbors of sampled rows are expected, given the rows that the sample stands for.

    Notes
    -----
    Neighbors in a sample of s out of n rows are further away than the true ones, by
    (n / s)^(1 / d) in d intrinsic dimensions, so they are drawn nearer by that factor.
    """
    return draw_nearer(sample[queries], sample[knn(sample, queries, k, how="brute")[0]], len(sample) / rows)


def nearest_among(asked: Floats, others: Floats, k: int, metric: Metric | None = None) -> Ints:
    """Return the positions of the k nearest of `others`, which some of the rows may be among."""
    found, away = knn(others, asked, k + 1, metric=metric, how="brute")
    # a row that is among them finds itself first; an equal row is in its cell anyway
    first = (away[:, :1] == 0).astype(np.int64)
    k = min(k, found.shape[1] - 1) if first.any() else min(k, found.shape[1])
    nearest: Ints = np.take_along_axis(found, first + np.arange(k), axis=1)
    return nearest


def draw_nearer(own: Floats, near: Floats, share: float) -> Floats:
    """Return where neighbors, found in a sample that is this share of the rows, are expected."""
    nearer = share ** (1 / _estimate_dimension(own, near)) if share < 1 else 1.0
    own = own[:, None, :]
    expected: Floats = np.rint(own + nearer * (near - own))
    return expected


def _estimate_dimension(own: Floats, near: Floats) -> float:
    """Estimate the intrinsic dimension from how fast neighbors recede (Levina and Bickel, 2004)."""
    distance = np.sqrt(((near - own[:, None, :]) ** 2).sum(axis=2))
    distance = np.sort(distance[(distance > 0).all(axis=1)], axis=1)
    if not len(distance) or distance.shape[1] < 2:
        return float(own.shape[1])
    inverse = np.log(distance[:, -1:] / distance[:, :-1]).mean()
    return float(np.clip(1 / inverse if inverse > 0 else np.inf, 1.0, own.shape[1]))


def estimate_recall(sample: Floats, queries: Ints, rows: int, k: int, candidates: int = CANDIDATES) -> float:
    """Estimate the recall of a bounded `knn` for some rows of a cell of this many, from a sample of the cell."""
    if rows <= max(BRUTE_ROWS, candidates) or len(sample) < 4 * (k + 1):
        return 1.0
    makers, others = halves(sample)
    # neighbors are looked for among the others, as nearly all points of a cell are
    queries = queries[queries >= len(makers)][-QUERIES:] - len(makers)
    if not len(queries):
        return 1.0
    neighbors = expect_neighbors(others, queries, rows, k)
    pivots = Pivots(makers, others, rows, candidates)
    asked, flat = others[queries], neighbors.reshape(-1, sample.shape[1])
    owner, _ = pivots.owners(asked)
    near_owner, nearest = pivots.owners(flat)
    excess = pivots.away_from(flat, np.repeat(owner, k)) - nearest
    away = np.sqrt(norms(neighbors[:, -1] - asked))
    budget, looked = 0.0, np.zeros((len(queries), k), dtype=bool)
    for q in np.argsort(owner, kind="stable"):
        budget += (1 - FIRST) * candidates / rows_per_pivot(rows)
        _, worth = pivots.worth_a_look(asked[q : q + 1], owner[q], away[q : q + 1], int(budget))
        budget -= len(worth)
        looked[q] = np.isin(near_owner.reshape(-1, k)[q], worth)
    return float(np.mean((excess.reshape(-1, k) <= pivots.limit[owner][:, None]) | looked))
