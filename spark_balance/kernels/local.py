"""Neighbours inside one cell: rows are searched together with the rows near them, and again where that is in doubt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.centroids import lloyd
from spark_balance.kernels.nearest import least, nearest, norms, one_thread, sides
from spark_balance.kernels.neighbourhood import QUERIES, expected_neighbours

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BRUTE_ROWS = 5_000  # below, all pairs cost no more than a search
CANDIDATES = 5_000  # points that a row is compared with
ROWS_PER_PIVOT = 64  # measured: fewer rows need fewer candidates, but more calls
DOUBT = 1.25  # measured on five data sets: below, 2 to 90 % of the neighbours were missed; above 2, none
MORE_CANDIDATES = 2_500  # a row, on average, for searching doubtful rows again among all points
JUDGES = 4_096  # points that make the pivots and their limits
_BLOCK = 2**21  # distances held at once


def local_neighbours(points: Floats, queries: Ints, k: int) -> Ints:
    """Return the k nearest other points of some of the points of a cell.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_features)
        Integers held in float64, in the order of (identity, number).
    queries : ndarray of shape (n_queries,)
        Positions in `points`, ascending.
    k : int
        Neighbours wanted.

    Returns
    -------
    ndarray of shape (n_queries, min(k, n_points - 1))
        Positions in `points` by (distance, position). Exact up to `BRUTE_ROWS` distinct
        points; above, a row sees about `CANDIDATES` points, and doubtful rows see all, as long
    as that makes no more than `MORE_CANDIDATES` a row on average.
    """
    k = max(0, min(k, len(points) - 1))
    if k == 0:
        return np.empty((len(queries), 0), dtype=np.int64)
    group, rank, size = _equals(points)
    # of more than k + 1 equal points only the first k + 1 can be anyone's neighbours
    kept = np.flatnonzero(rank <= k)
    result = np.empty((len(queries), k), dtype=np.int64)
    crowded = size[group[queries]] > k
    result[crowded] = _among_equals(group, kept, queries[crowded], k)
    others = queries[~crowded]
    found = _search(points[kept], np.searchsorted(kept, others), k)
    result[~crowded] = kept[found]
    return result


def candidates(points: int) -> int:
    """Return with how many others, at most on average, `local_neighbours` compares a row of a cell of so many."""
    return points if points <= BRUTE_ROWS else min(points, CANDIDATES + MORE_CANDIDATES)


def pivots(points: int) -> int:
    """Return how many pivots a cell of so many rows has; each of its rows is compared with all of them, twice."""
    return 0 if points <= BRUTE_ROWS else points // ROWS_PER_PIVOT


def _equals(points: Floats) -> tuple[Ints, Ints, Ints]:
    """Return each point's group of equal points, its rank in it, and the size of each group."""
    rows = np.ascontiguousarray(points + 0.0).view(np.dtype((np.void, points.itemsize * points.shape[1]))).ravel()
    _, group, size = np.unique(rows, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    rank = np.empty(len(points), dtype=np.int64)
    rank[order] = np.arange(len(points)) - np.repeat(np.cumsum(size) - size, size)
    return group, rank, size


def _among_equals(group: Ints, kept: Ints, queries: Ints, k: int) -> Ints:
    """Return the first k equals of points that have at least k."""
    members = kept[np.argsort(group[kept], kind="stable")]
    start = np.searchsorted(group[members], group[queries])
    first = members[start[:, None] + np.arange(k + 1)]
    # drop the point itself where it is among them, else the last
    drop = np.where((first == queries[:, None]).any(axis=1), np.argmax(first == queries[:, None], axis=1), k)
    others: Ints = first[np.arange(k + 1) != drop[:, None]].reshape(-1, k)
    return others


class Pivots:
    """Rows of a cell that the others gather around.

    A point's excess over a pivot is how much further (in squared distance) that pivot is
    than the point's own. A pivot's rows are searched among the points of least excess.

    Attributes
    ----------
    right : ndarray of shape (n_pivots, n_features + 1)
        The pivots as the right side of a product of distances.
    limit : ndarray of shape (n_pivots,)
        The largest excess of a candidate, from a sample of the points.
    """

    def __init__(self, makers: Floats, others: Floats, rows: int) -> None:
        # in the order of their identities, the first points are a random sample;
        # one step towards the middle of their rows, as k-means does, halves what is missed
        pivots = lloyd(makers, np.unique(makers[: max(1, rows // ROWS_PER_PIVOT)], axis=0), steps=1)
        self.right = sides(pivots)[1]
        # points that made the pivots are nearer to them than others are, and not asked
        excess = sides(others[:JUDGES])[0] @ self.right.T
        excess -= excess.min(axis=1, keepdims=True)
        last = min(len(excess) - 1, len(excess) * CANDIDATES // rows)
        self.limit: Floats = np.partition(excess, last, axis=0)[last]

    def homes(self, left: Floats) -> tuple[Ints, Floats]:
        """Return the pivot of each point, and the distance to it that excess is measured from."""
        home, own = np.empty(len(left), dtype=np.int64), np.empty(len(left))
        step = max(1, _BLOCK // len(self.limit))
        for start in range(0, len(left), step):
            distance = left[start : start + step] @ self.right.T
            home[start : start + step] = distance.argmin(axis=1)
            own[start : start + step] = distance.min(axis=1)
        return home, own


def _search(points: Floats, queries: Ints, k: int) -> Ints:
    if len(points) <= BRUTE_ROWS or not len(queries):
        return nearest(points, queries, k)
    with one_thread():
        pivots = Pivots(*_halves(points), len(points))
        left, right = sides(points)
        home, own = pivots.homes(left)
        # rows of one pivot side by side, so that candidates are read in runs
        names = np.argsort(home, kind="stable")
        left, right, own = left[names], right[names], own[names]
        mine = np.flatnonzero(np.isin(names, queries))
        found = np.empty((len(points), k), dtype=np.int64)
        reach = np.empty(len(points))
        ends = np.searchsorted(home[names[mine]], np.arange(len(pivots.limit) + 1))
        step = max(1, _BLOCK // len(points))
        for start in range(0, len(pivots.limit), step):
            excess = pivots.right[start : start + step] @ left.T
            excess -= own
            candidate = excess <= pivots.limit[start : start + step, None]
            for i, near in enumerate(candidate, start):
                asked = mine[ends[i] : ends[i + 1]]
                if len(asked):
                    members = np.flatnonzero(near)
                    distance = left[asked] @ right[members].T
                    distance[np.arange(len(asked)), np.searchsorted(members, asked)] = np.inf
                    found[names[asked]], values = least(distance, names[members], k)
                    reach[names[asked]] = values[:, -1]
    again = queries[_doubtful(pivots.limit[home[queries]], reach[queries] + norms(points[queries]), len(points))]
    found[again] = nearest(points, again, k)
    return found[queries]


def _doubtful(limit: Floats, reach: Floats, rows: int) -> NDArray[np.bool_]:
    """Tell the rows whose last neighbour is so far that a nearer one may have been left out; not too many of them."""
    ratio = limit / np.maximum(reach, 1)
    most = min(len(ratio) - 1, len(ratio) * MORE_CANDIDATES // rows)
    doubtful: NDArray[np.bool_] = ratio < min(DOUBT, np.partition(ratio, most)[most])
    return doubtful


def expected_recall(sample: Floats, queries: Ints, rows: int, k: int) -> float:
    """Estimate the recall of `local_neighbours` for some rows of a cell of so many, from a sample of it."""
    if rows <= BRUTE_ROWS or len(sample) < 4 * (k + 1):
        return 1.0
    makers, others = _halves(sample)
    # neighbours are looked for among the others, as nearly all points of a cell are
    queries = queries[queries >= len(makers)][-QUERIES:] - len(makers)
    if not len(queries):
        return 1.0
    neighbours = expected_neighbours(others, queries, rows, k)
    pivots = Pivots(makers, others, rows)
    home, _ = pivots.homes(sides(others[queries])[0])
    left = sides(neighbours.reshape(-1, sample.shape[1]))[0]
    _, own = pivots.homes(left)
    excess = np.einsum("nf,nf->n", left, np.repeat(pivots.right[home], k, axis=0)) - own
    limit = pivots.limit[home]
    sure = ~_doubtful(limit, norms(neighbours[:, -1] - others[queries]), rows)
    return 1.0 - float(np.mean((excess.reshape(-1, k) > limit[:, None]) & sure[:, None]))


def _halves(sample: Floats) -> tuple[Floats, Floats]:
    """Part the points that make the pivots from the others."""
    makers = min(JUDGES, len(sample) // 2)
    return sample[:makers], sample[makers:]
