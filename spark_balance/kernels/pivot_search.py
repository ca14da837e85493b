"""Search a cell around its pivots: first among the candidates of a row's pivot, then where nearer points may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.kernels.pivots import Pivots, halves, rows_per_pivot
from spark_balance.kernels.proposals import Side, Singles
from spark_balance.kernels.steps import Steps, steps_for


@dataclass
class PivotCell:
    """The points of a cell, those of one pivot side by side, so that candidates are read in runs."""

    steps: Steps
    pivots: Pivots
    rows: Singles
    names: Ints
    ends: Ints
    middles: Ints  # where they end among the points of each pivot, of which they are the first
    others: Bools  # the points of other classes than the most frequent one, by name; without classes, all
    runs: Ints  # the places of the candidates, pivot after pivot, each plus the number of its pivot times the points

    @classmethod
    def gather(cls, points: NDArray[np.generic], others: Bools, candidates: int) -> PivotCell:
        """Gather the points around their pivots."""
        steps, pivots = steps_for(points.size), Pivots(*halves(points), len(points), candidates)
        owner, count, pivot = pivots.gather(points, steps.within)
        names = np.lexsort((~others, owner))
        ends = np.searchsorted(owner[names], np.arange(len(pivots) + 1))
        middles = ends[:-1] + np.bincount(owner[others], minlength=len(pivots))
        place = np.empty(len(names), dtype=np.int64)
        place[names] = np.arange(len(names))
        pivot *= len(names)
        pivot += np.repeat(place, count)
        pivot.sort()
        rows = np.ascontiguousarray(points[names], dtype=np.float32)
        return cls(steps, pivots, rows, names, ends, middles, others, pivot)

    def candidates(self) -> Iterator[Ints]:
        """Yield the places of each pivot's candidates."""
        points = len(self.names)
        runs = np.split(self.runs, np.searchsorted(self.runs, np.arange(1, len(self.pivots)) * points))
        yield from (run - i * points for i, run in enumerate(runs))


@dataclass(frozen=True)
class Queries:
    """Rows that look for neighbors in a cell, those of one pivot side by side."""

    matrix: Singles  # (n_rows, n_features)
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
        return cls(cell.rows, index, np.searchsorted(index, cell.ends), order, own=True)

    @classmethod
    def of_rows(cls, cell: PivotCell, rows: NDArray[np.generic]) -> Queries:
        """Ask for rows that are not points of the cell."""
        owner, _ = cell.pivots.owners(rows)
        index = np.argsort(owner, kind="stable")
        ends = np.searchsorted(owner[index], np.arange(len(cell.pivots) + 1))
        return cls(np.array(rows, dtype=np.float32, order="C"), index, ends, index, own=False)

    def rows(self, some: Ints) -> Singles:
        """Return some of them."""
        return self.matrix.take(self.index[some], axis=0)

    def alike(self, cell: PivotCell, found: Ints) -> Bools:
        """Return which of them are not others of the cell, and have found no others."""
        alike: Bools = ~np.logical_or.reduce(cell.others[found], axis=1)
        return alike & ~cell.others[cell.names[self.index]] if self.own else alike


def search_around_pivots(cell: PivotCell, asked: Queries, k: int, more: int) -> tuple[Ints, Floats, int]:
    """Return names and squared distances of the nearest, and the pairs compared."""
    found, reach = np.full((len(asked.index), k), -1), np.full((len(asked.index), k), np.inf)
    unsure: list[tuple[Ints, Ints]] = []
    budget = compared = 0
    for i, near in enumerate(cell.candidates()):
        some = np.arange(asked.ends[i], asked.ends[i + 1])
        if not len(some):
            continue
        compared += _compare(cell, asked, i, some, near, found, reach)
        budget += len(some) * more // rows_per_pivot(len(cell.names))
        row, pivot = cell.pivots.worth_a_look(asked.rows(some), i, np.sqrt(reach[some, -1]), budget, cell.steps.within)
        budget -= len(row)
        unsure.append((some[row], pivot))
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
    """Compare rows with points of some pivots, up to an end each; return the pairs."""
    # 16 bits hold the number of a pivot, and are put in order without comparisons
    order = np.argsort(pivots.astype(np.uint16), kind="stable")
    runs = np.searchsorted(pivots[order], np.arange(len(cell.pivots) + 1))
    compared = 0
    for i in np.flatnonzero((np.diff(runs) > 0) & (ends > cell.ends[:-1])):
        points = np.arange(cell.ends[i], ends[i])
        compared += _compare(cell, asked, int(i), rows[order[runs[i] : runs[i + 1]]], points, found, reach)
    return compared


def _compare(cell: PivotCell, asked: Queries, i: int, some: Ints, points: Ints, found: Ints, reach: Floats) -> int:
    """Compare rows with points, both around pivot i; put what is nearer in `found`; return the pairs."""
    queries, others = Side(asked.matrix, asked.index[some]), Side(cell.rows, points)
    cell.steps.nearer(queries, others, cell.pivots.rows[i], cell.names, asked.own, some, found, reach)
    return len(some) * len(points)
