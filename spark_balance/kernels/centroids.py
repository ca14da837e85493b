"""Cells: bounded groups of near rows, made on the driver from a sample and looked up by the tasks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.distances import blocks, norms, sides

LLOYD_STEPS = 3


@dataclass(frozen=True)
class Cells:
    """Centroids, and the margin within which a row is also copied to another cell, as a halo row."""

    centroids: Floats  # (n_cells, n_features): integers held in float64
    # a row is a halo row of cell i when its distance to the bisector of its owner cell and i, in units of the radius of
    # i, is at most tau: neighbors in a dense cell are nearer than in a sparse one
    tau: float = 0.0
    reach: int = 48  # a row can be a halo row of this many cells, those nearest to its owner cell
    radius: Floats | None = None  # (n_cells,): 1 for every cell unless `with_radius` measured it

    def __len__(self) -> int:
        return len(self.centroids)

    def with_radius(self, sample: Floats) -> Cells:
        """Return the same cells with the radius (root mean square, at least 1) that a sample has in each."""
        owner = self.owners(sample)
        squares = np.bincount(owner, norms(sample - self.centroids[owner]), len(self))
        mean = squares / np.maximum(1, np.bincount(owner, minlength=len(self)))
        return replace(self, radius=np.maximum(1.0, np.sqrt(mean)))

    def owners(self, points: Floats) -> Ints:
        """Return the cell that owns each point: that of the nearest centroid."""
        return np.concatenate([distance.argmin(axis=1) for _, distance in self._distances(points)])

    def margins(self, points: Floats) -> tuple[Ints, Ints, Floats]:
        """Return each point's owner cell, the cells near that one, and its distance to their bisectors in radii."""
        owners, near, margins = zip(*(found for _, *found in self._margins(points)), strict=True)
        return np.concatenate(owners), np.concatenate(near), np.concatenate(margins)

    def halo(self, points: Floats) -> tuple[Ints, Ints, Ints]:
        """Return each point's owner cell, and the (position, cell) pairs of halo rows."""
        parts = []
        for block, owner, near, margin in self._margins(points):
            row, column = np.nonzero(margin <= self.tau)
            parts.append((owner, row + block.start, near[row, column]))
        owner, visitor, visited = map(np.concatenate, zip(*parts, strict=True))
        return owner, visitor, visited

    def unseen(self, points: Floats, away: Floats) -> tuple[Ints, Ints]:
        """Return the (position, cell) pairs where a cell may own a row nearer than `away` that was not a halo row.

        A row of cell j that is not a halo row of cell i is beyond the plane between them by more
        than the margin of i, and a point of i is before that plane by its own distance to it.
        """
        between, nearby = self._geometry
        may_visit = np.zeros((len(self), len(self)), dtype=bool)
        np.put_along_axis(may_visit, nearby, values=True, axis=1)
        radius = np.ones(len(self)) if self.radius is None else self.radius
        margin = max(0.0, self.tau) * radius  # of a row of another cell, to be a halo row of this one
        parts = []
        for block, distance in self._distances(points):
            owner = distance.argmin(axis=1)
            apart = 2 * np.sqrt(np.maximum(1.0, between[owner]))
            before = (distance - np.take_along_axis(distance, owner[:, None], 1)) / apart
            beyond = np.where(may_visit.T[owner], margin[owner, None], 0.0)
            nearer = before + beyond < away[block, None]
            nearer[np.arange(len(owner)), owner] = False
            row, cell = np.nonzero(nearer)
            parts.append((row + block.start, cell))
        rows, cells = map(np.concatenate, zip(*parts, strict=True))
        return rows, cells

    @cached_property
    def _geometry(self) -> tuple[Floats, Ints]:
        """Squared distances between centroids, and each cell's nearest other cells."""
        own = norms(self.centroids)
        between = own[:, None] - 2 * self.centroids @ self.centroids.T + own
        # the cell itself comes first: centroids are distinct
        return between, np.argsort(between, axis=1, kind="stable")[:, 1 : self.reach + 1]

    def _distances(self, points: Floats) -> Iterator[tuple[slice, Floats]]:
        """Yield the squared distances of some points to all centroids, without the points' own norms."""
        return blocks(sides(points)[0], sides(self.centroids)[1])

    def _margins(self, points: Floats) -> Iterator[tuple[slice, Ints, Ints, Floats]]:
        between, nearby = self._geometry
        for block, distance in self._distances(points):
            owner = distance.argmin(axis=1)
            near = nearby[owner]
            excess = np.take_along_axis(distance, near, 1) - np.take_along_axis(distance, owner[:, None], 1)
            unit = 2 * np.sqrt(between[owner[:, None], near])
            yield block, owner, near, excess / (unit if self.radius is None else unit * self.radius[near])


def fit_centroids(sample: Floats, n_cells: int, smallest: int, largest: float) -> Floats:
    """Make about `n_cells` distinct integer centroids by k-means on a sample.

    The sample has integers held in float64, in the order of their draws: the first distinct rows are the starts. A cell
    with fewer than `smallest` sampled rows is given up, its rows go to their next nearest. A cell with a share of the
    sample above `largest` is split again; what stays larger holds copies of one row, or rows of cells that were given
    up.
    """
    centroids, most = fit_k_means(sample, n_cells), largest * len(sample)
    for _ in range(8):
        owner = Cells(centroids).owners(sample)
        large = np.flatnonzero(np.bincount(owner, minlength=len(centroids)) > most)
        heavy = [cell for cell in large if np.ptp(sample[owner == cell], axis=0).any()]
        if not heavy:
            break
        crowds = [sample[owner == cell] for cell in heavy]
        parts = [fit_k_means(rows, int(np.ceil(len(rows) / (0.75 * most)))) for rows in crowds]
        centroids = np.unique(np.concatenate([np.delete(centroids, heavy, axis=0), *parts]), axis=0)
    while len(centroids) > 1:
        sizes = np.bincount(Cells(centroids).owners(sample), minlength=len(centroids))
        small = sizes < smallest
        if not small.any():
            break
        if small.all():
            small[np.argmax(sizes)] = False
        centroids = centroids[~small]
    return centroids


def fit_k_means(sample: Floats, n: int, steps: int = LLOYD_STEPS) -> Floats:
    """Make n centroids of a sample, of which the first distinct rows are the starts; fewer if it has fewer."""
    _, first = np.unique(sample, axis=0, return_index=True)
    return lloyd(sample, sample[np.sort(first)[:n]], steps)


def lloyd(sample: Floats, centroids: Floats, steps: int) -> Floats:
    """Move centroids to the middle of the rows nearest to them; those without rows are given up."""
    for _ in range(steps):
        owner = Cells(centroids).owners(sample)
        used = np.flatnonzero(np.bincount(owner))
        # integer centroids keep every distance exact
        centroids = np.unique(np.rint(means(sample, np.searchsorted(used, owner), len(used))), axis=0)
    return centroids


def means(rows: Floats, owner: Ints, n: int) -> Floats:
    """Return the mean of the rows of each of n owners, summed in the order of the rows."""
    sums = np.column_stack([np.bincount(owner, column, n) for column in rows.T])
    averages: Floats = sums / np.bincount(owner, minlength=n)[:, None]
    return averages
