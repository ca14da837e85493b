"""The rows that meet in one cell, who is near whom among them, and how they vote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.kernels.knn import KnnIndex, Metric, knn
from spark_balance.kernels.pivots import CANDIDATES
from spark_balance.kernels.projection import Projection

Kind = Literal["all", "mode"]
Said = Mapping[str, NDArray[np.generic]]
# a decision rule that needs no neighbors: given the features of rows and some columns of numbers, what it says of each
RowRule = Callable[..., Said]


@runtime_checkable
class Rule(Protocol):
    """A decision rule: it says something of rows that a cell owns; sent to the workers, it may import kernels alone."""

    def __call__(self, members: Members) -> tuple[Ints, Said]:
        """Return the positions of the rows that it says something of, and columns of what."""


@dataclass(frozen=True)
class Members:
    """The rows of a cell, halo rows included, in the order of their row ids.

    Attributes
    ----------
    points : ndarray of shape (n_rows, n_features)
        Scaled integers held in float64, or in int32 where rows are wide: what distances are computed of.
    class_ids : ndarray of shape (n_rows,)
    row_ids : ndarray of shape (n_rows, 3)
        Two halves of the hash, and the number among identical rows.
    owned : ndarray of shape (n_rows,)
        False for halo rows, which other cells decide on.
    candidates, projection, metric
        As of `knn`.
    """

    points: NDArray[Any]
    class_ids: Ints
    row_ids: Ints
    owned: Bools
    candidates: int = CANDIDATES
    projection: Projection | None = None
    metric: Metric | None = None

    @property
    def _how(self) -> dict[str, Any]:
        return {"candidates": self.candidates, "projection": self.projection, "metric": self.metric}

    @cached_property
    def _indexes(self) -> dict[tuple[int, bool], KnnIndex]:
        return {}

    def of(self, *class_ids: int) -> Ints:
        """Return the positions of the rows of some classes, halo rows included."""
        return np.flatnonzero(np.isin(self.class_ids, class_ids))

    def owned_of(self, *class_ids: int) -> Ints:
        """Return the positions of the rows of some classes that this cell owns."""
        return np.flatnonzero(np.isin(self.class_ids, class_ids) & self.owned)

    def neighbors(self, queries: Ints, k: int) -> Ints:
        """Return positions of the k nearest others of rows, among all, by (distance, row id)."""
        return self._search(queries, k, voting=False)

    def voters(self, queries: Ints, k: int) -> Ints:
        """Return positions of k others of rows that are of the classes of the k nearest.

        They are the k nearest unless they and the row are all of the most frequent class here.
        """
        return self._search(queries, k, voting=True)

    def nearest_of(self, queries: Ints, others: Ints, k: int) -> tuple[Ints, Floats]:
        """Return positions and squared distances of the k nearest of `others`, none of which is a query."""
        found, squares = knn(self.points[others], self.points[queries], k, **self._how)
        return others[found], squares

    def _search(self, queries: Ints, k: int, *, voting: bool) -> Ints:
        if (k, voting) not in self._indexes:
            classes = self.class_ids if voting else None
            self._indexes[k, voting] = KnnIndex(self.points, k, classes=classes, **self._how)
        return self._indexes[k, voting].search(queries)[0]


def agree(near: Ints, own: Ints, kind: Kind) -> Bools:
    """Return which rows have neighbors of their class: all of them, or their most frequent class.

    Parameters
    ----------
    near : ndarray of shape (n_rows, k)
        Class ids of the neighbors.
    own : ndarray of shape (n_rows,)
        Class ids.
    kind : {'all', 'mode'}
        Of equally frequent classes, the mode is the one with the smallest number.
    """
    # a row without neighbors stays
    every = kind == "all" or not near.size
    same: Bools = np.logical_and.reduce(near == own[:, None], axis=1) if every else find_mode(near) == own
    return same


def find_mode(near: Ints) -> Ints:
    """Return the most frequent number of each row; of several, the smallest."""
    if not len(near):
        return near.reshape(-1)
    numbers, place = np.unique(near, return_inverse=True)
    cell = np.arange(len(near))[:, None] * len(numbers) + place.reshape(near.shape)
    counts = np.bincount(cell.ravel(), minlength=len(near) * len(numbers)).reshape(len(near), -1)
    most: Ints = numbers[counts.argmax(axis=1)]
    return most


def elect(near: Ints, values: Ints | Floats, drawn: Ints) -> Ints:
    """Return, for each vote, the position of one of the voters that hold the most frequent value.

    `near` has the positions of the voters of each vote, `values` the id of the value at each position, and `drawn` a
    draw for each vote that chooses between equally frequent values. Voters come first; a place below 0 has none. NaN
    stands for no vote: it wins where no voter has a value.
    """
    given = values[near]
    same = (given[:, :, None] == given[:, None, :]) & (near >= 0)[:, None, :]
    counts = same.sum(axis=2)
    # each value is there once, under the nearest of its voters
    first = same.argmax(axis=2) == np.arange(near.shape[1])
    best = first & (counts == counts.max(axis=1, keepdims=True))
    chosen = np.mod(drawn, best.sum(axis=1))
    place = (best & (np.cumsum(best, axis=1) == chosen[:, None] + 1)).argmax(axis=1)
    winners: Ints = near[np.arange(len(near)), place]
    return winners
