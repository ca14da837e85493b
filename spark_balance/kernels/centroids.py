"""Cells: bounded groups of near rows, made on the driver from a sample and looked up by the tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.nearest import blocks, sides

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LLOYD_STEPS = 3


@dataclass(frozen=True)
class Cells:
    """Centroids of one class and the margin within which a row is a guest of another cell.

    Attributes
    ----------
    centroids : ndarray of shape (n_cells, n_features)
        Integers held in float64.
    tau : float
        A row is a guest of cell i when its distance to the bisector of its home and i, in units
        of the radius of i, is at most tau: neighbours in a dense cell are nearer than in a sparse one.
    reach : int
        A row can be a guest of the so many cells nearest to its home.
    radius : ndarray of shape (n_cells,), optional
        1 for every cell unless `with_radius` measured it.
    """

    centroids: Floats
    tau: float = 0.0
    reach: int = 48
    radius: Floats | None = None

    def with_radius(self, sample: Floats) -> Cells:
        """Return the same cells with the radius (root mean square, at least 1) that a sample has in each."""
        home = self.homes(sample)
        away = sample - self.centroids[home]
        squares = np.bincount(home, np.einsum("rf,rf->r", away, away), len(self))
        mean = squares / np.maximum(1, np.bincount(home, minlength=len(self)))
        return replace(self, radius=np.maximum(1.0, np.sqrt(mean)))

    def __len__(self) -> int:
        return len(self.centroids)

    def homes(self, points: Floats) -> Ints:
        """Return the cell that each point is at home in."""
        return np.concatenate([distance.argmin(axis=1) for _, distance in self._distances(points)])

    def margins(self, points: Floats) -> tuple[Ints, Ints, Floats]:
        """Return each point's home, the cells near that home, and its distance to their bisectors in radii."""
        homes, near, margins = zip(*self._blocks(points), strict=True)
        return np.concatenate(homes), np.concatenate(near), np.concatenate(margins)

    def guests(self, points: Floats) -> tuple[Ints, Ints, Ints]:
        """Return each point's home, and the (position, cell) pairs of its visits."""
        homes: list[Ints] = []
        visitors: list[Ints] = []
        cells: list[Ints] = []
        start = 0
        for home, near, margin in self._blocks(points):
            row, column = np.nonzero(margin <= self.tau)
            homes.append(home)
            visitors.append(row + start)
            cells.append(near[row, column])
            start += len(home)
        return np.concatenate(homes), np.concatenate(visitors), np.concatenate(cells)

    def unseen(self, points: Floats, away: Floats) -> tuple[Ints, Ints]:
        """Return the (position, cell) pairs where a cell may hold a row nearer than `away` that was no guest.

        A row of cell j that is no guest of cell i is beyond the plane between them by more
        than the margin of i, and a point of i is before that plane by its own distance to it.
        """
        between, nearby = self._geometry
        may_visit = np.zeros((len(self), len(self)), dtype=bool)
        np.put_along_axis(may_visit, nearby, values=True, axis=1)
        radius = np.ones(len(self)) if self.radius is None else self.radius
        margin = max(0.0, self.tau) * radius  # of a row of another cell, to be a guest of this one
        rows, cells = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for block, distance in self._distances(points):
            home = distance.argmin(axis=1)
            apart = 2 * np.sqrt(np.maximum(1.0, between[home]))
            before = (distance - np.take_along_axis(distance, home[:, None], 1)) / apart
            beyond = np.where(may_visit.T[home], margin[home, None], 0.0)
            nearer = before + beyond < away[block, None]
            nearer[np.arange(len(home)), home] = False
            row, cell = np.nonzero(nearer)
            rows.append(row + block.start)
            cells.append(cell)
        return np.concatenate(rows), np.concatenate(cells)

    @cached_property
    def _geometry(self) -> tuple[Floats, Ints]:
        """Squared distances between centroids, and each cell's nearest other cells."""
        norms = np.einsum("cf,cf->c", self.centroids, self.centroids)
        between = norms[:, None] - 2 * self.centroids @ self.centroids.T + norms
        reach = min(self.reach, len(self.centroids) - 1)
        # the cell itself comes first: centroids are distinct
        nearby = np.argsort(between, axis=1, kind="stable")[:, 1 : reach + 1]
        return between, nearby

    def _distances(self, points: Floats) -> Iterator[tuple[slice, Floats]]:
        """Yield the squared distances of some points to all centroids, but for the points' own norms."""
        return blocks(sides(points)[0], sides(self.centroids)[1])

    def _blocks(self, points: Floats) -> Iterator[tuple[Ints, Ints, Floats]]:
        between, nearby = self._geometry
        for _, distance in self._distances(points):
            home = distance.argmin(axis=1)
            near = nearby[home]
            excess = np.take_along_axis(distance, near, 1) - np.take_along_axis(distance, home[:, None], 1)
            unit = 2 * np.sqrt(between[home[:, None], near])
            yield home, near, excess / (unit if self.radius is None else unit * self.radius[near])


def fit_centroids(sample: Floats, n_cells: int, smallest: int, largest: float) -> Floats:
    """Make about `n_cells` centroids by k-means on a sample.

    Parameters
    ----------
    sample : ndarray of shape (n_rows, n_features)
        Integers held in float64, in the order of their draws: the first distinct rows are the starts.
    n_cells : int
        Cells wanted.
    smallest : int
        A cell with fewer sampled rows is given up, its rows go to their next nearest.
    largest : float
        A cell with a larger share of the sample is split again; what stays larger holds copies
        of one row, or rows of cells that were given up.

    Returns
    -------
    ndarray of shape (n, n_features)
        Distinct integer centroids.
    """
    _, first = np.unique(sample, axis=0, return_index=True)
    starts = sample[np.sort(first)[:n_cells]]
    centroids = lloyd(sample, starts)
    for _ in range(8):
        home = Cells(centroids).homes(sample)
        sizes = np.bincount(home, minlength=len(centroids))
        heavy = [
            cell for cell in np.flatnonzero(sizes > largest * len(sample)) if np.ptp(sample[home == cell], axis=0).any()
        ]
        if not heavy:
            break
        parts = [_split(sample[home == cell], largest * len(sample)) for cell in heavy]
        centroids = np.unique(np.concatenate([np.delete(centroids, heavy, axis=0), *parts]), axis=0)
    return _without_small(sample, centroids, smallest)


def _split(rows: Floats, most: float) -> Floats:
    _, first = np.unique(rows, axis=0, return_index=True)
    return lloyd(rows, rows[np.sort(first)[: int(np.ceil(len(rows) / (0.75 * most)))]])


def lloyd(sample: Floats, centroids: Floats, steps: int = LLOYD_STEPS) -> Floats:
    """Move centroids to the middle of the rows nearest to them; those without rows are given up."""
    for _ in range(steps):
        home = Cells(centroids).homes(sample)
        sizes = np.bincount(home, minlength=len(centroids))
        sums = np.column_stack([np.bincount(home, column, len(centroids)) for column in sample.T])
        used = sizes > 0
        # integer centroids keep every distance exact
        centroids = np.unique(np.rint(sums[used] / sizes[used, None]), axis=0)
    return centroids


def _without_small(sample: Floats, centroids: Floats, smallest: int) -> Floats:
    while len(centroids) > 1:
        sizes = np.bincount(Cells(centroids).homes(sample), minlength=len(centroids))
        small = sizes < smallest
        if not small.any():
            break
        if small.all():
            small[np.argmax(sizes)] = False
        centroids = centroids[~small]
    return centroids
