"""Pivots: rows of a cell that the others gather around, and the candidates of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.centroids import lloyd
from spark_balance.kernels.nearest import blocks, norms, sides

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CANDIDATES = 1_500  # points that a row is compared with first
ROWS_PER_PIVOT = 192  # measured: fewer rows find a little more, and cost more
JUDGES = 4_096  # points that make the pivots, and as many that set their limits
_ROUNDED = 1 + 1e-12  # what rounding leaves open is looked at


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
        excess = sides(pivots)[1] @ sides(others[:JUDGES])[0].T
        excess -= excess.min(axis=0)
        judges = excess.shape[1]
        last = min(judges - 1, judges * CANDIDATES // rows)
        limit = np.partition(excess, last, axis=1)[:, last]
        # dense ones first: what they do not need is left for the sparse ones to look again
        order = np.argsort(limit, kind="stable")
        self.limit: Floats = limit[order]
        self.left, self.right = sides(pivots[order])
        self._norms = norms(pivots[order])

    def __len__(self) -> int:
        return len(self.limit)

    def homes(self, left: Floats) -> tuple[Ints, Floats]:
        """Return the pivot of each point, and the distance to it that excess is measured from."""
        homes, owns = [], []
        for _, excess in blocks(left, self.right):
            homes.append(excess.argmin(axis=1))
            owns.append(np.take_along_axis(excess, homes[-1][:, None], axis=1)[:, 0])
        return np.concatenate(homes), np.concatenate(owns)

    def gathered(self, left: Floats) -> tuple[Ints, NDArray[np.int32], NDArray[np.int32]]:
        """Return the homes, and the (point, pivot) pairs of candidates, in one look at all distances."""
        homes, points, pivots = [], [], []
        for block, excess in blocks(left, self.right):
            home = excess.argmin(axis=1)
            excess -= np.take_along_axis(excess, home[:, None], axis=1)
            point, pivot = np.divmod(np.flatnonzero(excess <= self.limit), len(self))
            homes.append(home)
            # CANDIDATES for each pivot and more: in half the memory
            points.append((point + block.start).astype(np.int32))
            pivots.append(pivot.astype(np.int32))
        home, point, pivot = map(np.concatenate, (homes, points, pivots))
        return home, point, pivot

    def worth_a_look(self, left: Floats, i: int, away: Floats, most: int) -> tuple[Ints, Ints]:
        """Return the (row, pivot) pairs, of rows of pivot i, where a nearer point may be that was no candidate.

        Such a point is beyond the plane between the two pivots by more than limit / (2 apart),
        and the row is before it by the difference of its distances / (2 apart): none is
        nearer than `away`, the last neighbour's distance, when the two make more than that.
        Of more than `most` pairs, only the likeliest.
        """
        twice = 2 * np.sqrt(np.maximum(1.0, self.left[i] @ self.right.T + self._norms[i]))
        needed = left @ self.right.T
        needed -= needed[:, i : i + 1] - self.limit[i]
        needed[:, i] = np.inf
        row, pivot = np.divmod(np.flatnonzero(needed <= (away * _ROUNDED)[:, None] * twice), len(self))
        if len(row) > most:
            ratio = needed[row, pivot] / twice[pivot] / np.maximum(away[row], 1.0)
            likely = ratio < np.partition(ratio, most)[most]
            row, pivot = row[likely], pivot[likely]
        return row, pivot


@dataclass
class Cell:
    """The points of a cell, those of one pivot side by side, so that candidates are read in runs.

    Attributes
    ----------
    others : ndarray of bool
        The points of other classes than the most frequent one, by name; without classes, all.
    middles : ndarray of int
        Where they end among the points of each pivot, of which they are the first.
    runs : ndarray of int
        The places of the candidates, pivot after pivot, each plus the number of its pivot times the points.
    """

    pivots: Pivots
    left: Floats
    right: Floats
    names: Ints
    ends: Ints
    middles: Ints
    others: Bools
    runs: Ints

    @classmethod
    def of(cls, points: Floats, others: Bools) -> Cell:
        """Gather the points around their pivots."""
        pivots = Pivots(*halves(points), len(points))
        left, right = sides(points)
        home, point, pivot = pivots.gathered(left)
        names = np.lexsort((~others, home))
        ends = np.searchsorted(home[names], np.arange(len(pivots) + 1))
        middles = ends[:-1] + np.bincount(home[others], minlength=len(pivots))
        place = np.empty(len(names), dtype=np.int64)
        place[names] = np.arange(len(names))
        runs = place[point] + pivot.astype(np.int64) * len(names)
        runs.sort()
        return cls(pivots, left[names], right[names], names, ends, middles, others, runs)

    def candidates(self) -> Iterator[Ints]:
        """Yield the places of each pivot's candidates."""
        points = len(self.names)
        starts = np.searchsorted(self.runs, np.arange(len(self.pivots) + 1) * points)
        for i in range(len(self.pivots)):
            yield self.runs[starts[i] : starts[i + 1]] - i * points


@dataclass(frozen=True)
class Asked:
    """Rows that look for neighbours in a cell, those of one pivot side by side.

    Attributes
    ----------
    matrix : ndarray of shape (n_rows, n_features + 1)
        The left side of a product of distances.
    index : ndarray of shape (n_asked,)
        Rows of the matrix, pivot after pivot.
    ends : ndarray of shape (n_pivots + 1,)
        Where those of each pivot begin in `index`, and end.
    order : ndarray of shape (n_asked,)
        The place of each among the rows as they were given.
    own : bool
        The matrix is that of the cell: rows are not their own neighbours.
    """

    matrix: Floats
    index: Ints
    ends: Ints
    order: Ints
    own: bool

    @classmethod
    def points(cls, cell: Cell, names: Ints) -> Asked:
        """Ask for some points of the cell, by their names in ascending order."""
        asked = np.zeros(len(cell.names), dtype=bool)
        asked[names] = True
        index = np.flatnonzero(asked[cell.names])
        order = np.searchsorted(names, cell.names[index])
        return cls(cell.left, index, np.searchsorted(index, cell.ends), order, own=True)

    @classmethod
    def rows(cls, cell: Cell, rows: Floats) -> Asked:
        """Ask for rows that are no points of the cell."""
        left = sides(rows)[0]
        home, _ = cell.pivots.homes(left)
        index = np.argsort(home, kind="stable")
        ends = np.searchsorted(home[index], np.arange(len(cell.pivots) + 1))
        return cls(left, index, ends, index, own=False)

    def left(self, asked: slice | Ints) -> Floats:
        """Return the left side of some of them."""
        return self.matrix[self.index[asked]]

    def alike(self, cell: Cell, found: Ints) -> Bools:
        """Tell the points that are not others of the cell, and have found no others."""
        alike: Bools = ~np.logical_or.reduce(cell.others[found], axis=1)
        if self.own:
            alike &= ~cell.others[cell.names[self.index]]
        return alike


def halves(sample: Floats) -> tuple[Floats, Floats]:
    """Part the points that make the pivots from the others."""
    makers = min(JUDGES, len(sample) // 2)
    return sample[:makers], sample[makers:]
