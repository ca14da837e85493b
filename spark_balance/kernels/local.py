"""Neighbours inside one cell: first among the rows near a pivot, then wherever a nearer one could still be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.centroids import lloyd
from spark_balance.kernels.nearest import least, nearest, norms, one_thread, sides
from spark_balance.kernels.neighbourhood import QUERIES, expected_neighbours

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BRUTE_ROWS = 5_000  # below, all pairs cost no more than a search
CANDIDATES = 2_500  # points that a row is compared with first
MORE_CANDIDATES = 3_500  # and then, on average, to make sure of its neighbours
ROWS_PER_PIVOT = 64  # measured: fewer rows need fewer candidates, but more calls
_SAMPLE = 4_096  # points that make the pivots and their limits
_BLOCK = 2**21  # distances held at once


def local_neighbours(points: Floats, queries: Ints, k: int, more: int | None = MORE_CANDIDATES) -> Ints:
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
        points; above, exact too, as long as that takes no more than `CANDIDATES` and on
    average `MORE_CANDIDATES` points a row.
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
    found = _search(points[kept], np.searchsorted(kept, others), k, more)
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
        # points that made the pivots are nearer to them than others are, and not asked
        excess = sides(others[:_SAMPLE])[0] @ sides(pivots)[1].T
        excess -= excess.min(axis=1, keepdims=True)
        last = min(len(excess) - 1, len(excess) * CANDIDATES // rows)
        limit = np.partition(excess, last, axis=0)[last]
        # dense ones first: what they do not need is left for the sparse ones to look again
        order = np.argsort(limit, kind="stable")
        self.limit: Floats = limit[order]
        self.left, self.right = sides(pivots[order])
        self._norms = norms(pivots[order])

    def __len__(self) -> int:
        return len(self.limit)

    def homes(self, left: Floats) -> tuple[Ints, Floats]:
        """Return the pivot of each point, and the distance to it that excess is measured from."""
        home, own = np.empty(len(left), dtype=np.int64), np.empty(len(left))
        step = max(1, _BLOCK // len(self))
        for start in range(0, len(left), step):
            distance = left[start : start + step] @ self.right.T
            home[start : start + step] = distance.argmin(axis=1)
            own[start : start + step] = distance.min(axis=1)
        return home, own

    def worth_a_look(self, left: Floats, i: int, away: Floats, most: int) -> NDArray[np.bool_]:
        """Tell for rows of pivot i which pivots may have a nearer point that was no candidate; the likeliest `most`.

        Such a point is beyond the plane between the two pivots by more than limit / (2 apart),
        and the row is before it by the difference of its distances / (2 apart): none is
        nearer than `away`, the last neighbour's distance, when the two make more than that.
        """
        apart = np.sqrt(np.maximum(1.0, self.left[i] @ self.right.T + self._norms[i]))
        needed = left @ self.right.T
        needed -= needed[:, i : i + 1] - self.limit[i]
        reached = away[:, None] * (2 * apart)
        worth: NDArray[np.bool_] = needed <= reached
        worth[:, i] = False
        if np.count_nonzero(worth) > most and most < worth.size:
            ratio = np.where(worth, needed / np.maximum(reached, 1.0), np.inf)
            worth = ratio < np.partition(ratio.ravel(), most)[most]
        return worth


@dataclass
class Cell:
    """The points of a cell, those of one pivot side by side, so that candidates are read in runs."""

    pivots: Pivots
    left: Floats
    right: Floats
    own: Floats
    names: Ints
    ends: Ints

    @classmethod
    def of(cls, points: Floats) -> Cell:
        """Gather the points around their pivots."""
        pivots = Pivots(*_halves(points), len(points))
        left, right = sides(points)
        home, own = pivots.homes(left)
        names = np.argsort(home, kind="stable")
        ends = np.searchsorted(home[names], np.arange(len(pivots) + 1))
        return cls(pivots, left[names], right[names], own[names], names, ends)

    def candidates(self) -> Iterator[tuple[int, Ints]]:
        """Return each pivot with the places of its candidates."""
        step = max(1, _BLOCK // len(self.names))
        for start in range(0, len(self.pivots), step):
            excess = self.pivots.right[start : start + step] @ self.left.T
            excess -= self.own
            for i, one in enumerate(excess, start):
                yield i, np.flatnonzero(one <= self.pivots.limit[i])


def _search(points: Floats, queries: Ints, k: int, more: int | None) -> Ints:
    if len(points) <= BRUTE_ROWS or not len(queries):
        return nearest(points, queries, k)
    with one_thread():
        cell = Cell.of(points)
        found, reach = np.empty((len(points), k), dtype=np.int64), np.empty((len(points), k))
        asked = np.zeros(len(points), dtype=bool)
        asked[queries] = True
        asked = asked[cell.names]
        unsure: list[tuple[Ints, Ints]] = []
        budget = 0
        for i, near in cell.candidates():
            rows = cell.ends[i] + np.flatnonzero(asked[cell.ends[i] : cell.ends[i + 1]])
            if not len(rows):
                continue
            left = cell.left[rows]
            distance = left @ cell.right[near].T
            distance[np.arange(len(rows)), np.searchsorted(near, rows)] = np.inf
            found[rows], reach[rows] = least(distance, cell.names[near], k)
            away = np.sqrt(np.maximum(0, reach[rows, -1] + norms(left[:, :-1])))
            budget += len(rows) * (len(points) if more is None else more) // ROWS_PER_PIVOT
            flat = np.flatnonzero(cell.pivots.worth_a_look(left, i, away, budget))
            budget -= len(flat)
            row, pivot = np.divmod(flat, len(cell.pivots))
            unsure.append((rows[row], pivot))
        _look_again(cell, np.concatenate([r for r, _ in unsure]), np.concatenate([p for _, p in unsure]), found, reach)
    result = np.empty((len(points), k), dtype=np.int64)
    result[cell.names] = found
    return result[queries]


def _look_again(cell: Cell, rows: Ints, pivots: Ints, found: Ints, reach: Floats) -> None:
    """Compare rows with all points of some pivots, and put what is nearer into `found` and `reach`."""
    order = np.argsort(pivots, kind="stable")
    ends = np.searchsorted(pivots[order], np.arange(len(cell.pivots) + 1))
    nearer = []
    for i in np.flatnonzero(np.diff(ends)):
        asked, start = rows[order[ends[i] : ends[i + 1]]], cell.ends[i]
        distance = cell.left[asked] @ cell.right[start : cell.ends[i + 1]].T
        flat = np.flatnonzero(distance <= reach[asked, -1:])
        row, column = np.divmod(flat, distance.shape[1])
        nearer.append((asked[row], cell.names[start + column], distance.ravel()[flat]))
    if not nearer:
        return
    row, name, value = (np.concatenate(parts) for parts in zip(*nearer, strict=True))
    changed = np.unique(row)
    k = found.shape[1]
    row = np.concatenate([np.repeat(changed, k), row])
    name = np.concatenate([found[changed].ravel(), name])
    value = np.concatenate([reach[changed].ravel(), value])
    order = np.lexsort((name, value, row))
    row, name, value = row[order], name[order], value[order]
    # a neighbour that was known is there twice
    new = np.concatenate([[True], (row[1:] != row[:-1]) | (name[1:] != name[:-1])])
    row, name, value = row[new], name[new], value[new]
    first = np.searchsorted(row, changed)[:, None] + np.arange(k)
    found[changed], reach[changed] = name[first], value[first]


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
    left = sides(others[queries])[0]
    home, _ = pivots.homes(left)
    near_left = sides(neighbours.reshape(-1, sample.shape[1]))[0]
    near_home, own = pivots.homes(near_left)
    excess = np.einsum("nf,nf->n", near_left, np.repeat(pivots.right[home], k, axis=0)) - own
    away = np.sqrt(norms(neighbours[:, -1] - others[queries]))
    budget, looked = 0, np.zeros((len(queries), k), dtype=bool)
    for q in np.argsort(home, kind="stable"):
        budget += MORE_CANDIDATES // ROWS_PER_PIVOT
        worth = pivots.worth_a_look(left[q : q + 1], home[q], away[q : q + 1], budget)[0]
        budget -= int(np.count_nonzero(worth))
        looked[q] = worth[near_home.reshape(-1, k)[q]]
    return float(np.mean((excess.reshape(-1, k) <= pivots.limit[home][:, None]) | looked))


def _halves(sample: Floats) -> tuple[Floats, Floats]:
    """Part the points that make the pivots from the others."""
    makers = min(_SAMPLE, len(sample) // 2)
    return sample[:makers], sample[makers:]
