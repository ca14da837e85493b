"""Neighbours inside one cell: first among the rows near a pivot, then wherever a nearer one could still be."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.nearest import least, nearest, norms, one_thread, sides
from spark_balance.kernels.neighbourhood import QUERIES, expected_neighbours
from spark_balance.kernels.pivots import CANDIDATES, ROWS_PER_PIVOT, Cell, Pivots, halves

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BRUTE_ROWS = 5_000  # below, all pairs cost no more than a search
MORE_CANDIDATES = 2_500  # on average, beyond those of the pivot, to make sure of a row's neighbours


def local_neighbours(
    points: Floats, queries: Ints, k: int, more: int | None = MORE_CANDIDATES, codes: Ints | None = None
) -> Ints:
    """Return the k nearest other points of some of the points of a cell.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_features)
        Integers held in float64, in the order of (identity, number).
    queries : ndarray of shape (n_queries,)
        Positions in `points`, ascending.
    k : int
        Neighbours wanted.
    more : int, optional
        Points that a row may be compared with, on average, beyond the first `CANDIDATES`,
        to make sure of its neighbours; None for as many as it takes.
    codes : ndarray of shape (n_points,), optional
        Class numbers, when only the votes of neighbours count. A row of the most frequent class whose
        neighbours all seem to be of that class is then only compared with more rows of other
        classes, which are few: if none is nearer, rows of its class stand for its neighbours.

    Returns
    -------
    ndarray of shape (n_queries, min(k, n_points - 1))
        Positions in `points` by (distance, position): exact unless `more` did not suffice.
    """
    return LocalSearch(points, k, more, codes)(queries)


class LocalSearch:
    """The same search for several sets of queries: what is made of the points is made once.

    See `local_neighbours` for the parameters.

    Attributes
    ----------
    compared : int
        Pairs of a query and a point whose distance was computed, so far.
    """

    def __init__(self, points: Floats, k: int, more: int | None = MORE_CANDIDATES, codes: Ints | None = None) -> None:
        self.compared = 0
        self._more, self._crowds = more, Crowds(points, k)
        self._points = points[self._crowds.kept]
        self._others: Bools = np.ones(len(self._points), dtype=bool)
        if codes is not None:
            own = codes[self._crowds.kept]
            self._others = own != np.bincount(own).argmax()

    def __call__(self, queries: Ints) -> Ints:
        """Return positions of the nearest others of some of the points."""
        return self._crowds.answer(queries, self._search)

    @cached_property
    def _cell(self) -> Cell:
        return Cell.of(self._points, self._others)

    def _search(self, queries: Ints, k: int) -> Ints:
        # pivots compare every point with all of them, twice: too much for a few queries
        few = len(queries) <= len(self._points) // (2 * ROWS_PER_PIVOT)
        # and a pivot must have more candidates than there are neighbours wanted
        if len(self._points) <= BRUTE_ROWS or few or k > CANDIDATES // 4:
            self.compared += len(queries) * len(self._points)
            return nearest(self._points, queries, k)
        with one_thread():
            found, compared = _searched(self._cell, queries, k, self._more)
        self.compared += compared
        return found


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
    kept : ndarray of int
        Positions of the points to search among.
    """

    def __init__(self, points: Floats, k: int) -> None:
        self._k = max(0, min(k, len(points) - 1))
        self._group, rank, self._size = _equals(points)
        # of more than k + 1 equal points only the first k + 1 can be anyone's neighbours
        self.kept = np.flatnonzero(rank <= self._k)

    def answer(self, queries: Ints, search: Callable[[Ints, int], Ints]) -> Ints:
        """Return the k nearest others of queries by a search, which is given positions in `kept`, and k."""
        result = np.empty((len(queries), self._k), dtype=np.int64)
        if self._k == 0:
            return result
        crowded = self._size[self._group[queries]] > self._k
        result[crowded] = _among_equals(self._group, self.kept, queries[crowded], self._k)
        others = queries[~crowded]
        result[~crowded] = self.kept[search(np.searchsorted(self.kept, others), self._k)]
        return result


def candidates(points: int) -> int:
    """Return with how many others, at most on average, `local_neighbours` compares a row of a cell of so many."""
    return points if points <= BRUTE_ROWS else min(points, CANDIDATES + MORE_CANDIDATES)


def pivots(points: int) -> int:
    """Return how many pivots a cell of so many rows has; each of its rows is compared with all of them, twice."""
    return 0 if points <= BRUTE_ROWS else points // ROWS_PER_PIVOT


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


def _searched(cell: Cell, queries: Ints, k: int, more: int | None) -> tuple[Ints, int]:
    points = len(cell.names)
    found, reach = np.empty((points, k), dtype=np.int64), np.empty((points, k))
    asked = np.zeros(points, dtype=bool)
    asked[queries] = True
    asked = asked[cell.names]
    unsure: list[tuple[Ints, Ints]] = []
    budget = compared = 0
    for i, near in enumerate(cell.candidates()):
        rows = cell.ends[i] + np.flatnonzero(asked[cell.ends[i] : cell.ends[i + 1]])
        if not len(rows):
            continue
        left = cell.left[rows]
        distance = left @ cell.right[near].T
        compared += distance.size
        distance[np.arange(len(rows)), np.searchsorted(near, rows)] = np.inf
        found[rows], reach[rows] = least(distance, cell.names[near], k)
        away = np.sqrt(np.maximum(0, reach[rows, -1] + norms(left[:, :-1])))
        budget += len(rows) * (points if more is None else more) // ROWS_PER_PIVOT
        row, pivot = cell.pivots.worth_a_look(left, i, away, budget)
        budget -= len(row)
        unsure.append((rows[row], pivot))
    row, pivot = (np.concatenate(parts) for parts in zip(*unsure, strict=True))
    alike = cell.alike(asked, found)[row]
    compared += _look_again(cell, row[alike], pivot[alike], found, reach, cell.middles)
    alike = cell.alike(asked, found)[row]
    compared += _look_again(cell, row[~alike], pivot[~alike], found, reach, cell.ends[1:])
    result = np.empty((points, k), dtype=np.int64)
    result[cell.names] = found
    return result[queries], compared


def _look_again(cell: Cell, rows: Ints, pivots: Ints, found: Ints, reach: Floats, ends: Ints) -> int:
    """Compare rows with points of some pivots, up to an end each; put what is nearer in `found`; return the pairs."""
    order = np.argsort(pivots, kind="stable")
    runs = np.searchsorted(pivots[order], np.arange(len(cell.pivots) + 1))
    nearer, compared = [], 0
    for i in np.flatnonzero((np.diff(runs) > 0) & (ends > cell.ends[:-1])):
        asked, start = rows[order[runs[i] : runs[i + 1]]], cell.ends[i]
        distance = cell.left[asked] @ cell.right[start : ends[i]].T
        compared += distance.size
        flat = np.flatnonzero(distance <= reach[asked, -1:])
        row, column = np.divmod(flat, distance.shape[1])
        one, name = asked[row], cell.names[start + column]
        new = (found[one] != name[:, None]).all(axis=1)
        nearer.append((one[new], name[new], distance.ravel()[flat[new]]))
    if not nearer:
        return compared
    row, name, value = (np.concatenate(parts) for parts in zip(*nearer, strict=True))
    changed = np.unique(row)
    k = found.shape[1]
    row = np.concatenate([np.repeat(changed, k), row])
    name = np.concatenate([found[changed].ravel(), name])
    value = np.concatenate([reach[changed].ravel(), value])
    order = np.lexsort((name, value, row))
    row, name, value = row[order], name[order], value[order]
    first = np.searchsorted(row, changed)[:, None] + np.arange(k)
    found[changed], reach[changed] = name[first], value[first]
    return compared


def expected_recall(sample: Floats, queries: Ints, rows: int, k: int) -> float:
    """Estimate the recall of `local_neighbours` for some rows of a cell of so many, from a sample of it."""
    if rows <= BRUTE_ROWS or len(sample) < 4 * (k + 1):
        return 1.0
    makers, others = halves(sample)
    # neighbours are looked for among the others, as nearly all points of a cell are
    queries = queries[queries >= len(makers)][-QUERIES:] - len(makers)
    if not len(queries):
        return 1.0
    neighbours = expected_neighbours(others, queries, rows, k)
    pivots = Pivots(makers, others, rows)
    left = sides(others[queries])[0]
    home, _ = pivots.homes(left)
    near_left = sides(neighbours.reshape(-1, sample.shape[1]))[0]
    near_home, own = pivots.homes(near_left)
    excess = np.einsum("nf,nf->n", near_left, np.repeat(pivots.right[home], k, axis=0)) - own
    away = np.sqrt(norms(neighbours[:, -1] - others[queries]))
    budget, looked = 0, np.zeros((len(queries), k), dtype=bool)
    for q in np.argsort(home, kind="stable"):
        budget += MORE_CANDIDATES // ROWS_PER_PIVOT
        _, worth = pivots.worth_a_look(left[q : q + 1], home[q], away[q : q + 1], budget)
        budget -= len(worth)
        looked[q] = np.isin(near_home.reshape(-1, k)[q], worth)
    return float(np.mean((excess.reshape(-1, k) <= pivots.limit[home][:, None]) | looked))
