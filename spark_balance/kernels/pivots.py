"""Pivots: rows of a cell that the others gather around, and the candidates of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.centroids import lloyd
from spark_balance.kernels.distances import blocks, slices
from spark_balance.kernels.proposals import Singles, within

CANDIDATES = 4_000  # points that a row is compared with, on average, where nothing asks for more
FIRST = 0.6  # share of them that are looked at first; the others where they are most likely to be nearer
ROWS_PER_PIVOT = 192  # measured: fewer rows find a little more, and cost more
PIVOTS = 900  # of a cell, at most
JUDGES = 8_192  # points that make the pivots, and as many that set their limits
_ROUNDED = 1 + 1e-6  # what rounding leaves open is looked at
_INSIDE = 0.99  # share of the points that the coarse grid holds; others are moved to its edge

Within = Callable[[Singles, Singles, Singles, Singles], tuple[Ints, Ints]]  # as of `within`


class Pivots:
    """Rows of a cell that the others gather around.

    A point's excess over a pivot is how much further (in squared distance) that pivot is
    than the point's own. A pivot's rows are searched among the points of least excess.
    Its limit is the largest excess of a candidate, from a sample of the points.

    Excess is measured on a grid so coarse that float32 holds every product and sum of it exactly: the same on any
    machine, at half the cost. Points move by less than half a step, and to the nearest place inside the grid.
    """

    def __init__(self, makers: Floats, others: Floats, rows: int, candidates: int) -> None:
        features = makers.shape[1]
        # in the order of their identities, the first points are a random sample;
        # one step towards the middle of their rows, as k-means does, halves what is missed
        pivots = lloyd(makers, np.unique(makers[: -(-rows // rows_per_pivot(rows))], axis=0), steps=1)
        # three products of features x edge^2 are below 2^24
        self._edge = float(np.floor(np.sqrt(2**24 / (3 * features))))
        self._center = np.rint(makers.mean(axis=0))
        reach = np.abs(makers - self._center).max(axis=1)
        self._step = max(1.0, float(np.quantile(reach, _INSIDE, method="inverted_cdf")) / self._edge)
        # how much nearer, in steps, two points may come to each other
        self._moved = float(np.sqrt(features)) if self._step > 1 else 0.0
        left = self.coarse(pivots)
        # points that made the pivots are nearer to them than others are, and not asked
        excess = _right(left) @ self.coarse(others[:JUDGES]).T
        excess -= excess.min(axis=0)
        judges = excess.shape[1]
        last = min(judges - 1, int(judges * FIRST * candidates / rows))
        limit = np.partition(excess, last, axis=1)[:, last]
        # dense ones first: what they do not need is left for the sparse ones to look again
        order = np.argsort(limit, kind="stable")
        self.limit: Singles = limit[order]
        self.rows: Singles = pivots[order].astype(np.float32)
        self._left = left[order]
        self._right = _right(self._left)

    def __len__(self) -> int:
        return len(self.limit)

    def coarse(self, points: NDArray[np.generic]) -> Singles:
        """Return points on the coarse grid, and a 1 for the norm of a pivot."""
        grid = np.ones((len(points), points.shape[1] + 1), dtype=np.float32)
        for block in slices(len(points), 2**14):
            steps = np.rint((points[block] - self._center) / self._step)
            np.clip(steps, -self._edge, self._edge, out=grid[block, :-1], casting="unsafe")
        return grid

    def owners(self, points: NDArray[np.generic]) -> tuple[Ints, Singles]:
        """Return the pivot of each point, and the distance to it that excess is measured from."""
        parts = [(excess.argmin(axis=1), excess.min(axis=1)) for _, excess in self._excess(points)]
        owner, own = map(np.concatenate, zip(*parts, strict=True))
        return owner, own

    def gather(self, points: NDArray[np.generic], within: Within) -> tuple[Ints, Ints, Ints]:
        """Return the pivot of each point, how many it is a candidate of, and which those are, point by point."""
        parts = []
        for _, excess in self._excess(points):
            owner = excess.argmin(axis=1)
            own = np.take_along_axis(excess, owner[:, None], axis=1)[:, 0]
            count, pivot = within(excess, own, np.ones_like(own), self.limit)
            parts.append((owner, count, pivot))
        owner, count, pivot = map(np.concatenate, zip(*parts, strict=True))
        return owner, count, pivot

    def worth_a_look(
        self, points: NDArray[np.generic], i: int, away: Floats, most: int, within: Within = within
    ) -> tuple[Ints, Ints]:
        """Return the (row, pivot) pairs, of rows of pivot i, where a nearer point may be that was no candidate.

        Such a point is beyond the plane between the two pivots by more than limit / (2 apart), and the row is before
        it by the difference of its distances / (2 apart): none is nearer than `away`, the last neighbor's distance,
        when the two make more than that. Of more than `most` pairs, only the likeliest.
        """
        twice = 2 * np.sqrt(np.maximum(1, self._left[i] @ self._right.T + self._right[i, -1]))
        before = self.coarse(points) @ self._right.T
        own = before[:, i] - self.limit[i]
        before[:, i] = np.inf
        steps = ((away / self._step + self._moved) * _ROUNDED).astype(np.float32)
        count, pivot = within(before, own, steps, twice)
        row = np.repeat(np.arange(len(points)), count)
        if len(row) > most:
            ratio = (before[row, pivot] - own[row]) / (np.maximum(steps[row], 1) * twice[pivot])
            likely = ratio < np.partition(ratio, most)[most]
            row, pivot = row[likely], pivot[likely]
        return row, pivot

    def away_from(self, points: NDArray[np.generic], pivots: Ints) -> Singles:
        """Return the squared distance of each point to a pivot each, without its own norm."""
        away: Singles = np.einsum("pf,pf->p", self.coarse(points), self._right[pivots])
        return away

    def _excess(self, points: NDArray[np.generic]) -> Iterator[tuple[int, Singles]]:
        """Yield where some points start, and their squared distances to all pivots, without their own norms."""
        for part in slices(len(points), 2**16):
            for block, excess in blocks(self.coarse(points[part]), self._right):
                yield part.start + block.start, excess


def rows_per_pivot(rows: int) -> int:
    """Return how many rows of a cell a pivot has, on average."""
    return max(ROWS_PER_PIVOT, rows // PIVOTS)


def halves(sample: NDArray[Any]) -> tuple[Floats, NDArray[Any]]:
    """Part the points that make the pivots from the others."""
    makers = min(JUDGES, len(sample) // 2)
    return sample[:makers].astype(np.float64), sample[makers:]


def _right(left: Singles) -> Singles:
    """Return what a point on the grid is multiplied with for its squared distances, without its own norm."""
    right = -2 * left
    right[:, -1] = np.einsum("pf,pf->p", left[:, :-1], left[:, :-1])
    return right
