"""Pivots: rows of a cell that the others gather around, and the candidates of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.kernels.centroids import lloyd
from spark_balance.kernels.distances import blocks, k_smallest, norms, sides

CANDIDATES = 1_500  # points that a row is compared with first
ROWS_PER_PIVOT = 192  # measured: fewer rows find a little more, and cost more
JUDGES = 4_096  # points that make the pivots, and as many that set their limits
_ROUNDED = 1 + 1e-12  # what rounding leaves open is looked at


class Pivots:
    """Rows of a cell that the others gather around.

    A point's excess over a pivot is how much further (in squared distance) that pivot is
    than the point's own. A pivot's rows are searched among the points of least excess.
    Its limit is the largest excess of a candidate, from a sample of the points.
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

    def owners(self, left: Floats) -> tuple[Ints, Floats]:
        """Return the pivot of each point, and the distance to it that excess is measured from."""
        parts = [(distance.argmin(axis=1), distance.min(axis=1)) for _, distance in blocks(left, self.right)]
        owner, own = map(np.concatenate, zip(*parts, strict=True))
        return owner, own

    def worth_a_look(self, left: Floats, i: int, away: Floats, most: int) -> tuple[Ints, Ints]:
        """Return the (row, pivot) pairs, of rows of pivot i, where a nearer point may be that was no candidate.

        Such a point is beyond the plane between the two pivots by more than limit / (2 apart), and the row is before
        it by the difference of its distances / (2 apart): none is nearer than `away`, the last neighbor's distance,
        when the two make more than that. Of more than `most` pairs, only the likeliest.
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
class PivotCell:
    """The points of a cell, those of one pivot side by side, so that candidates are read in runs."""

    pivots: Pivots
    left: Floats
    right: Floats
    names: Ints
    ends: Ints
    middles: Ints  # where they end among the points of each pivot, of which they are the first
    others: Bools  # the points of other classes than the most frequent one, by name; without classes, all
    runs: Ints  # the places of the candidates, pivot after pivot, each plus the number of its pivot times the points

    @classmethod
    def gather(cls, points: Floats, others: Bools) -> PivotCell:
        """Gather the points around their pivots."""
        pivots = Pivots(*halves(points), len(points))
        left, right = sides(points)
        parts = []
        for block, excess in blocks(left, pivots.right):
            owner = excess.argmin(axis=1)
            excess -= np.take_along_axis(excess, owner[:, None], axis=1)
            point, pivot = np.divmod(np.flatnonzero(excess <= pivots.limit), len(pivots))
            # CANDIDATES for each pivot and more: in half the memory
            parts.append((owner, (point + block.start).astype(np.int32), pivot.astype(np.int32)))
        owner, point, pivot = map(np.concatenate, zip(*parts, strict=True))
        names = np.lexsort((~others, owner))
        ends = np.searchsorted(owner[names], np.arange(len(pivots) + 1))
        middles = ends[:-1] + np.bincount(owner[others], minlength=len(pivots))
        place = np.empty(len(names), dtype=np.int64)
        place[names] = np.arange(len(names))
        runs = place[point] + pivot.astype(np.int64) * len(names)
        runs.sort()
        return cls(pivots, left[names], right[names], names, ends, middles, others, runs)

    def candidates(self) -> Iterator[Ints]:
        """Yield the places of each pivot's candidates."""
        points = len(self.names)
        runs = np.split(self.runs, np.searchsorted(self.runs, np.arange(1, len(self.pivots)) * points))
        yield from (run - i * points for i, run in enumerate(runs))


@dataclass(frozen=True)
class Queries:
    """Rows that look for neighbors in a cell, those of one pivot side by side."""

    matrix: Floats  # (n_rows, n_features + 1): the left side of a product of distances
    index: Ints  # (n_asked,): rows of the matrix, pivot after pivot
    ends: Ints  # (n_pivots + 1,): where those of each pivot begin in `index`, and end
    order: Ints  # (n_asked,): the place of each among the rows as they were given
    own: bool  # the matrix is that of the cell: rows are not their own neighbors

    @classmethod
    def of_points(cls, cell: PivotCell, names: Ints) -> Queries:
        """Ask for some points of the cell, by their names in ascending order."""
        asked = np.zeros(len(cell.names), dtype=bool)
        asked[names] = True
        index = np.flatnonzero(asked[cell.names])
        order = np.searchsorted(names, cell.names[index])
        return cls(cell.left, index, np.searchsorted(index, cell.ends), order, own=True)

    @classmethod
    def of_rows(cls, cell: PivotCell, rows: Floats) -> Queries:
        """Ask for rows that are not points of the cell."""
        left = sides(rows)[0]
        owner, _ = cell.pivots.owners(left)
        index = np.argsort(owner, kind="stable")
        ends = np.searchsorted(owner[index], np.arange(len(cell.pivots) + 1))
        return cls(left, index, ends, index, own=False)

    def left(self, asked: slice | Ints) -> Floats:
        """Return the left side of some of them."""
        return self.matrix[self.index[asked]]

    def alike(self, cell: PivotCell, found: Ints) -> Bools:
        """Return which of them are not others of the cell, and have found no others."""
        alike: Bools = ~np.logical_or.reduce(cell.others[found], axis=1)
        return alike & ~cell.others[cell.names[self.index]] if self.own else alike


def halves(sample: Floats) -> tuple[Floats, Floats]:
    """Part the points that make the pivots from the others."""
    makers = min(JUDGES, len(sample) // 2)
    return sample[:makers], sample[makers:]


def search_around_pivots(cell: PivotCell, asked: Queries, k: int, more: int | None) -> tuple[Ints, Floats, int]:
    """Return names and distances (without the norm of the row that asks) of the nearest, and the pairs compared."""
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
        found[rows], reach[rows] = k_smallest(distance, k, cell.names[near])
        away = np.sqrt(np.maximum(0, reach[rows, -1] + norms(left[:, :-1])))
        budget += len(left) * (len(cell.names) if more is None else more) // ROWS_PER_PIVOT
        row, pivot = cell.pivots.worth_a_look(left, i, away, budget)
        budget -= len(row)
        unsure.append((rows.start + row, pivot))
    row, pivot = map(np.concatenate, zip(*unsure, strict=True))
    alike = asked.alike(cell, found)[row]
    compared += _look_again(cell, asked, row[alike], pivot[alike], found, reach, cell.middles)
    # some that were alike have found others now
    alike = asked.alike(cell, found)[row]
    compared += _look_again(cell, asked, row[~alike], pivot[~alike], found, reach, cell.ends[1:])
    return found, reach, compared


def _look_again(
    cell: PivotCell, asked: Queries, rows: Ints, pivots: Ints, found: Ints, reach: Floats, ends: Ints
) -> int:
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
    changed, k = np.unique(np.concatenate([row for row, _, _ in nearer])), found.shape[1]
    nearer.append((np.repeat(changed, k), found[changed].ravel(), reach[changed].ravel()))
    row, name, value = map(np.concatenate, zip(*nearer, strict=True))
    order = np.lexsort((name, value, row))
    first = order[np.searchsorted(row[order], changed)[:, None] + np.arange(k)]
    found[changed], reach[changed] = name[first], value[first]
    return compared
