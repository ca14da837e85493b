"""The cells of every class: where a row is at home, where it visits, and where it has not been."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.centroids import Cells
from spark_balance.kernels.dealing import labels, shared
from spark_balance.kernels.neighbourhood import Estimate
from spark_balance.kernels.scale import Scale

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
TASK_NUMBERS = 2**19  # read and made by a task of small cells: a quarter of what a usual cell reads


def tasks_of(rows: Sequence[int], cells: Sequence[int], new: int, width: int) -> Ints:
    """Return the task of each cell, given the rows and cells of each class, the new rows of all and a row's numbers."""
    each = width * (1 + new / sum(rows))
    return shared([each * n for n in rows], cells, TASK_NUMBERS)


@dataclass(frozen=True)
class ClassCells:
    """The cells of one class.

    Attributes
    ----------
    first : int
        The number of its first cell.
    cells : Cells
        Centroids and margin.
    shards : ndarray of shape (n_cells,)
        Tasks that share a cell which could not be cut small enough, since too many of
        its rows are equal: rows are dealt out by identity, and guests visit them all.
    estimate : Estimate
        Recall and guests, from the sample.
    visitors : tuple of int, optional
        Where several classes share cells: the class numbers whose rows may be guests; None for all.
    """

    first: int
    cells: Cells
    shards: Ints
    estimate: Estimate
    visitors: tuple[int, ...] | None = None

    def places(self, points: Floats, lo: Ints, codes: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the cell of each point, and the (position, cell) pairs of its visits, over all classes."""
        home, visitor, visited = self._guests(points, codes)
        return self._start[home] + np.mod(lo, self.shards[home]), *self._of_all_shards(visitor, visited)

    def unseen(self, points: Floats, away: Floats, own: int) -> tuple[Ints, Ints]:
        """Return the (position, cell) pairs where a row nearer than `away` may be that did not visit cell `own`."""
        home = int(np.searchsorted(self._start, own, side="right")) - 1
        asking, cells = self._of_all_shards(*self.cells.unseen(points, away))
        siblings = np.setdiff1d(self._start[home] + np.arange(self.shards[home]), [own])
        apart = np.flatnonzero(away > 0)
        return (
            np.concatenate([asking, np.repeat(apart, len(siblings))]),
            np.concatenate([cells, np.tile(siblings, len(apart))]),
        )

    def proven(self, points: Floats, away: Floats) -> NDArray[np.bool_]:
        """Tell the points whose home holds, at home or as guests, all rows that are nearer than `away`."""
        home = self.cells.homes(points)
        sure: NDArray[np.bool_] = (self.shards[home] == 1) | (away == 0)
        sure[self.cells.unseen(points, away)[0]] = False
        return sure

    @property
    def _start(self) -> Ints:
        start: Ints = self.first + np.cumsum(self.shards) - self.shards
        return start

    def _of_all_shards(self, rows: Ints, cells: Ints) -> tuple[Ints, Ints]:
        spread = self.shards[cells]
        shard = np.arange(spread.sum()) - np.repeat(np.cumsum(spread) - spread, spread)
        return np.repeat(rows, spread), np.repeat(self._start[cells], spread) + shard

    def _guests(self, points: Floats, codes: Ints | None) -> tuple[Ints, Ints, Ints]:
        """Return the home of each point, and the (position, cell) pairs of the visits of those that may."""
        home, visitor, visited = self.cells.guests(points)
        if self.visitors is not None:
            assert codes is not None
            may = np.isin(codes, self.visitors)[visitor]
            visitor, visited = visitor[may], visited[may]
        return home, visitor, visited

    def sizes(self, points: Floats, rows: int, codes: Ints | None = None) -> Floats:
        """Return how many of so many rows each cell is expected to hold, guests included, from a sample of them.

        Where only some classes visit, the class number of each sampled row has to be told.
        """
        if not len(points):
            return np.full(int(self.shards.sum()), rows / self.shards.sum())
        home, _, visited = self._guests(points, codes)
        at_home, guests = (np.bincount(where, minlength=len(self.cells)) for where in (home, visited))
        return np.repeat(at_home / self.shards + guests, self.shards) * (rows / len(points))


@dataclass(frozen=True)
class CellMap:
    """The scale of the features and the cells of every class, by its number.

    Attributes
    ----------
    scale : Scale
    classes : dict of int to ClassCells
        In the order of their cells.
    tasks : ndarray of shape (n_cells,), optional
        The task that each cell is worked on in; by default each has one for itself.
    """

    scale: Scale
    classes: dict[int, ClassCells]
    tasks: Ints | None = None

    @property
    def n_cells(self) -> int:
        """Cells of all classes."""
        return sum(int(one.shards.sum()) for one in self.classes.values())

    @property
    def n_tasks(self) -> int:
        """Tasks that work on the cells."""
        return self.n_cells if self.tasks is None else int(self.tasks.max()) + 1

    def sharing_tasks(self, rows: Mapping[int, int], new: int = 0) -> CellMap:
        """Return the same cells, small ones sharing tasks, given the rows of each class and what they all make."""
        cells = [int(one.shards.sum()) for one in self.classes.values()]
        return replace(self, tasks=tasks_of([rows[code] for code in self.classes], cells, new, self.scale.center.size))

    def without_guests(self) -> CellMap:
        """Return the same cells, which no row visits."""
        classes = {code: replace(one, cells=replace(one.cells, tau=-np.inf)) for code, one in self.classes.items()}
        return replace(self, classes=classes)

    def unseen(self, code: int, label: int, points: Floats, away: Floats) -> tuple[Ints, NDArray[np.int32]]:
        """Return the (position, cell) pairs where a row nearer than `away` may be that did not visit this cell."""
        asking, cells = self.classes[code].unseen(points, away, int(np.flatnonzero(self.labels == label)[0]))
        return asking, self.labels[cells]

    @cached_property
    def labels(self) -> NDArray[np.int32]:
        """The number that each cell is known by to the engine."""
        return labels(range(self.n_cells) if self.tasks is None else self.tasks)
