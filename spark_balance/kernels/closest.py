"""The nearest of very many points to a few rows: every point is met once, in any order, and none is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.kernels.distances import one_thread, slices
from spark_balance.kernels.proposals import rounding, squares_apart

_PAIRS = 2**16  # of a row and a point whose distance is computed exactly at once
_ANY = float(np.finfo(np.float32).max) / 2  # above all distances, and below that of a parent, infinity
_DISTANCES, _LEAST = 2**19, 16  # held at once, of float32, and of points: what the processor's cache holds (measured)


@dataclass(frozen=True)
class Asked:
    """A few rows that look for the nearest of many points.

    Attributes
    ----------
    numbers : ndarray of int32 of shape (n_rows, n_numbers)
        Whole numbers below 2^22, which float32 holds.
    categories : ndarray of int64 of shape (n_rows, n_categories)
    code : ndarray of shape (n_rows,)
        The class of each.
    penalty : float
        What a category that differs adds to a squared distance.
    row, hi, lo : ndarray of shape (n_parents,)
        Rows, and the identities of points that they were made of: these are left out of what is nearest to them.
    """

    numbers: NDArray[np.int32]
    categories: Ints
    code: Ints
    penalty: float
    row: Ints
    hi: Ints
    lo: Ints


@dataclass
class Closest:
    """What is known of the nearest points of each row, of the points met so far; squared distances, or infinity."""

    # points of its class at distance 0, its parents left out; of a row that is one of the points, itself too
    equal: Ints
    own: Floats  # to the nearest of its class that is not equal, its parents left out
    other: Floats  # to the nearest of another class, its parents left out
    parent: Floats  # to the nearest of its parents

    @classmethod
    def unknown(cls, rows: int) -> Closest:
        """Return that of rows that met no point."""
        own, other, parent = np.full((3, rows), np.inf)
        return cls(np.zeros(rows, dtype=np.int64), own, other, parent)


@dataclass
class Search:
    """A search that goes on as points come in: float32 proposes, whole numbers decide."""

    asked: Asked
    found: Closest = field(init=False)

    def __post_init__(self) -> None:
        self._matrix = self.asked.numbers.astype(np.float32)
        self._left = np.column_stack([-2 * self._matrix, np.ones(len(self._matrix), dtype=np.float32)])
        self._norms = np.einsum("pf,pf->p", self._matrix, self._matrix)
        order = np.argsort(self.asked.hi, kind="stable")
        self._row, self._hi, self._lo = self.asked.row[order], self.asked.hi[order], self.asked.lo[order]
        self.found = Closest.unknown(len(self._matrix))

    def meet(self, numbers: NDArray[np.float32], categories: Ints, code: Ints, hi: Ints, lo: Ints) -> None:
        """Compare all rows with some points: their whole numbers, categories, classes and identities."""
        with one_thread():
            for one in np.unique(code):
                there, mine = np.flatnonzero(code == one), self.asked.code == one
                for some in slices(len(there), max(_LEAST, _DISTANCES // max(1, len(self._left)))):
                    block = there[some]
                    self._compare(numbers[block], categories[block], hi[block], lo[block], mine)

    def _compare(self, numbers: NDArray[np.float32], categories: Ints, hi: Ints, lo: Ints, mine: Bools) -> None:
        norms = np.einsum("pf,pf->p", numbers, numbers)
        # without the norm of each row, which is the same for all points
        values = self._left @ np.column_stack([numbers, norms]).T
        for name in range(categories.shape[1]):
            differs = self.asked.categories[:, name, None] != categories[:, name]
            values += np.float32(self.asked.penalty) * differs
        row, point = self._parents_among(hi, lo)
        np.minimum.at(self.found.parent, row, self._squares(row, numbers[point], categories[point]))
        values[row, point] = np.inf
        reach = np.where(mine, self.found.own, self.found.other)
        rounded, least = rounding(self._left.shape[1], self._norms, norms), values.min(axis=1)
        # of its own class the least may be the row itself
        bound = np.where(mine, _ANY, least + 2 * rounded)
        bound = np.minimum(reach - self._norms + rounded, bound).clip(max=_ANY).astype(np.float32)
        near = np.flatnonzero(least <= bound)
        row, point = np.nonzero(values[near] <= bound[near, None])
        for some in slices(len(row), _PAIRS):
            self._decide(near[row[some]], numbers[point[some]], categories[point[some]], mine)

    def _decide(self, row: Ints, numbers: NDArray[np.float32], categories: Ints, mine: Bools) -> None:
        """Take what is nearer than all before, for each pair of a row and a point."""
        squares, own = self._squares(row, numbers, categories), mine[row]
        is_equal = own & (squares == 0)
        np.add.at(self.found.equal, row[is_equal], 1)
        for nearest, some in ((self.found.own, own & ~is_equal), (self.found.other, ~own)):
            np.minimum.at(nearest, row[some], squares[some])

    def _squares(self, row: Ints, numbers: NDArray[np.float32], categories: Ints) -> Floats:
        """Return the squared distance of each row and its point, exactly."""
        squares = squares_apart(self._matrix[row], numbers)
        squares += self.asked.penalty * (self.asked.categories[row] != categories).sum(axis=1)
        return squares

    def _parents_among(self, hi: Ints, lo: Ints) -> tuple[Ints, Ints]:
        """Return the (row, point) pairs of which the point is a parent of the row."""
        first, last = np.searchsorted(self._hi, hi, "left"), np.searchsorted(self._hi, hi, "right")
        count = last - first
        point = np.repeat(np.arange(len(hi)), count)
        place = np.arange(len(point)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
        same = self._lo[place] == lo[point]
        return self._row[place[same]], point[same]
