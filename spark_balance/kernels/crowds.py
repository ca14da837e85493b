"""Rows that have many equals: their neighbours are known before any search."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Crowds:
    """Any search, spared rows that have many equals.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_features)
        What makes rows equal: rows at distance 0 from each other, and no others.
    k : int
        Neighbours wanted.

    Attributes
    ----------
    k : int
        As many as there are others.
    kept : ndarray of int
        Positions of the points to search among.
    """

    def __init__(self, points: Floats, k: int) -> None:
        self.k = max(0, min(k, len(points) - 1))
        self._group, rank, self._size = _equals(points)
        # of more than k + 1 equal points only the first k + 1 can be anyone's neighbours
        self.kept = np.flatnonzero(rank <= self.k)

    def answer(self, queries: Ints, search: Callable[[Ints, int], Ints]) -> Ints:
        """Return the k nearest others of queries by a search, which is given positions in `kept`, and k."""
        result = np.empty((len(queries), self.k), dtype=np.int64)
        if self.k == 0:
            return result
        crowded = self._size[self._group[queries]] > self.k
        result[crowded] = _among_equals(self._group, self.kept, queries[crowded], self.k)
        others = queries[~crowded]
        result[~crowded] = self.kept[search(np.searchsorted(self.kept, others), self.k)]
        return result


def _equals(points: Floats) -> tuple[Ints, Ints, Ints]:
    """Return each point's group of equal points, its rank in it, and the size of each group."""
    # equal rows have equal sums of products that wrap around; rows that are not, hardly ever
    bits = np.ascontiguousarray(points + 0.0).view(np.int64)
    # the low bits of doubles that hold integers are zero
    key = (bits ^ bits >> 32) @ np.random.default_rng(0).integers(2**62, size=points.shape[1])
    order = np.argsort(key, kind="stable")
    new = _changes(points[order])
    if (new & ~_changes(key[order][:, None])).any():
        order = np.lexsort(points.T)
        new = _changes(points[order])
    start = np.flatnonzero(new)
    size = np.diff(start, append=len(points))
    group, rank = np.empty(len(points), dtype=np.int64), np.empty(len(points), dtype=np.int64)
    group[order] = np.repeat(np.arange(len(size)), size)
    rank[order] = np.arange(len(points)) - np.repeat(start, size)
    return group, rank, size


def _changes(rows: NDArray[np.generic]) -> Bools:
    """Tell the rows that are not equal to the one before; the first is not."""
    result = np.ones(len(rows), dtype=bool)
    result[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return result


def _among_equals(group: Ints, kept: Ints, queries: Ints, k: int) -> Ints:
    """Return the first k equals of points that have at least k."""
    members = kept[np.argsort(group[kept], kind="stable")]
    start = np.searchsorted(group[members], group[queries])
    first = members[start[:, None] + np.arange(k + 1)]
    # drop the point itself where it is among them, else the last
    drop = np.where((first == queries[:, None]).any(axis=1), np.argmax(first == queries[:, None], axis=1), k)
    others: Ints = first[np.arange(k + 1) != drop[:, None]].reshape(-1, k)
    return others
