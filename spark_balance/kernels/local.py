"""Neighbours inside one cell: cut once more into small cells, by the same rule as the cells themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.centroids import Cells, fit_centroids
from spark_balance.kernels.nearest import nearest
from spark_balance.kernels.neighbourhood import Estimate, with_margin

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BRUTE_ROWS = 5_000  # below, all pairs cost no more than a search
SUB_ROWS = 250  # measured: smaller sub-cells need fewer candidates, but more calls
MOST_CANDIDATES = 8_000
RECALL = 0.996
_SAMPLE = 8_192


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
        points; above, a sub-cell sees the points within a margin of its borders.
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


def sub_cells(sample: Floats, rows: int, k: int) -> tuple[Cells, Estimate]:
    """Cut a cell of so many rows into sub-cells, from a sample of them."""
    centroids = fit_centroids(sample, -(-rows // SUB_ROWS), k + 2, 4 * SUB_ROWS / rows)
    each = rows / len(centroids)
    cells = Cells(centroids, reach=len(centroids)).with_radius(sample)
    return with_margin(cells, sample, rows, k, recall=RECALL, most_guests=max(0.0, MOST_CANDIDATES / each - 1))


def expected_recall(sample: Floats, rows: int, k: int) -> float:
    """Estimate the recall of `local_neighbours` in a cell of so many rows, from a sample of them."""
    if rows <= BRUTE_ROWS or len(sample) <= 2 * (k + 2):
        return 1.0
    return sub_cells(sample, rows, k)[1].recall


def _search(points: Floats, queries: Ints, k: int) -> Ints:
    if len(points) <= BRUTE_ROWS or not len(queries):
        return nearest(points, queries, k)
    # in the order of their identities, the first points are a random sample
    cells, _ = sub_cells(points[:_SAMPLE], len(points), k)
    home, visitor, visited = cells.guests(points)
    cell = np.concatenate([home, visited])
    member = np.concatenate([np.arange(len(points)), visitor])
    order = np.lexsort((member, cell))
    ends = np.searchsorted(cell[order], np.arange(len(cells) + 1))
    result = np.empty((len(queries), k), dtype=np.int64)
    by_home = np.argsort(home[queries], kind="stable")
    query_ends = np.searchsorted(home[queries][by_home], np.arange(len(cells) + 1))
    for i in range(len(cells)):
        mine = by_home[query_ends[i] : query_ends[i + 1]]
        if len(mine):
            members = member[order[ends[i] : ends[i + 1]]]
            found = nearest(points[members], np.searchsorted(members, queries[mine]), k)
            result[mine] = members[found]
    return result
