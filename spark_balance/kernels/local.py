"""Neighbours inside one cell: first among the rows near a pivot, then wherever a nearer one could still be."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.crowds import Crowds
from spark_balance.kernels.nearest import among, least, nearest, norms, one_thread, sides
from spark_balance.kernels.neighbourhood import QUERIES, expected_neighbours
from spark_balance.kernels.pivots import CANDIDATES, ROWS_PER_PIVOT, Asked, Cell, Pivots, halves

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

BRUTE_ROWS = 5_000  # below, all pairs cost no more than a search
ROWS_PER_NEIGHBOUR = 400
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


def local_among(asked: Floats, others: Floats, k: int, more: int | None = MORE_CANDIDATES) -> tuple[Ints, Floats]:
    """Return the k nearest of other points, and their squared distances: see `kernels.nearest.among`.

    Exact unless `more` did not suffice: see `local_neighbours`.
    """
    # to put many neighbours in order costs more than to compare with all others
    if len(others) <= max(BRUTE_ROWS, ROWS_PER_NEIGHBOUR * k):
        return among(asked, others, k)
    return LocalSearch(others, k, more).among(asked)


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

    def among(self, rows: Floats) -> tuple[Ints, Floats]:
        """Return positions and squared distances of the points nearest to rows that are none of them."""
        k = self._crowds.k
        if self._all_pairs(len(rows), k):
            self.compared += len(rows) * len(self._points)
            found, away = among(rows, self._points, k)
        else:
            found, away = self._looked_for(Asked.rows(self._cell, rows), k)
            away += norms(rows)[:, None]
        return self._crowds.kept[found], away

    @cached_property
    def _cell(self) -> Cell:
        return Cell.of(self._points, self._others)

    def _search(self, queries: Ints, k: int) -> Ints:
        if self._all_pairs(len(queries), k):
            self.compared += len(queries) * len(self._points)
            return nearest(self._points, queries, k)
        return self._looked_for(Asked.points(self._cell, queries), k)[0]

    def _all_pairs(self, queries: int, k: int) -> bool:
        # pivots compare every point with all of them, twice: too much for a few queries
        few = queries <= len(self._points) // (2 * ROWS_PER_PIVOT)
        # and a pivot must have more candidates than there are neighbours wanted
        return len(self._points) <= BRUTE_ROWS or few or k > CANDIDATES // 4

    def _looked_for(self, asked: Asked, k: int) -> tuple[Ints, Floats]:
        with one_thread():
            some, reach, compared = _searched(self._cell, asked, k, self._more)
        self.compared += compared
        found, away = np.empty_like(some), np.empty_like(reach)
        found[asked.order], away[asked.order] = some, reach
        return found, away


def candidates(points: int) -> int:
    """Return with how many others, at most on average, `local_neighbours` compares a row of a cell of so many."""
    return points if points <= BRUTE_ROWS else min(points, CANDIDATES + MORE_CANDIDATES)


def pivots(points: int) -> int:
    """Return how many pivots a cell of so many rows has; each of its rows is compared with all of them, twice."""
    return 0 if points <= BRUTE_ROWS else points // ROWS_PER_PIVOT


def _searched(cell: Cell, asked: Asked, k: int, more: int | None) -> tuple[Ints, Floats, int]:
    """Return names and distances (but for the norm of the row that asks) of the nearest, and the pairs compared."""
    found, reach = np.empty((len(asked.index), k), dtype=np.int64), np.empty((len(asked.index), k))
    unsure: list[tuple[Ints, Ints]] = []
    budget = compared = 0
    for i, near in enumerate(cell.candidates()):
        rows = slice(asked.ends[i], asked.ends[i + 1])
        left = asked.left(rows)
        if not len(left):
            continue
        distance = left @ cell.right[near].T
        compared += distance.size
        if asked.own:
            distance[np.arange(len(left)), np.searchsorted(near, asked.index[rows])] = np.inf
        found[rows], reach[rows] = least(distance, cell.names[near], k)
        away = np.sqrt(np.maximum(0, reach[rows, -1] + norms(left[:, :-1])))
        budget += len(left) * (len(cell.names) if more is None else more) // ROWS_PER_PIVOT
        row, pivot = cell.pivots.worth_a_look(left, i, away, budget)
        budget -= len(row)
        unsure.append((rows.start + row, pivot))
    row, pivot = (np.concatenate(parts) for parts in zip(*unsure, strict=True))
    alike = asked.alike(cell, found)[row]
    compared += _look_again(cell, asked, row[alike], pivot[alike], found, reach, cell.middles)
    alike = asked.alike(cell, found)[row]
    compared += _look_again(cell, asked, row[~alike], pivot[~alike], found, reach, cell.ends[1:])
    return found, reach, compared


def _look_again(cell: Cell, asked: Asked, rows: Ints, pivots: Ints, found: Ints, reach: Floats, ends: Ints) -> int:
    """Compare rows with points of some pivots, up to an end each; put what is nearer in `found`; return the pairs."""
    order = np.argsort(pivots, kind="stable")
    runs = np.searchsorted(pivots[order], np.arange(len(cell.pivots) + 1))
    nearer, compared = [], 0
    for i in np.flatnonzero((np.diff(runs) > 0) & (ends > cell.ends[:-1])):
        some, start = rows[order[runs[i] : runs[i + 1]]], cell.ends[i]
        distance = asked.left(some) @ cell.right[start : ends[i]].T
        compared += distance.size
        flat = np.flatnonzero(distance <= reach[some, -1:])
        row, column = np.divmod(flat, distance.shape[1])
        one, name = some[row], cell.names[start + column]
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
