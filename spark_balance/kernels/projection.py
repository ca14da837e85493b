"""Wide rows in fewer dimensions: candidates are near there, and the nearest of them are judged in full width."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.distances import norms, slices
from spark_balance.kernels.draws import stream, uniform, xxhash64

AXES = 96  # of a projection
WIDE = 2 * AXES  # numbers of a row above which it is worth one
UNIT = 2.0**20  # length of an axis: products with integers below 2^21, and their sums, are exact in float64
LIMIT = 2.0**21  # coordinates are clipped here
MAKERS = 8_192  # rows that axes are made of, at most
STEPS = 4  # of a subspace iteration
_COARSE = (2.0**10, 2.0**15)  # what the middle row's largest number is held as there, and where numbers are clipped
_JUDGED = 2**19  # numbers judged at once: 4 MiB


class Rows(Protocol):
    """Rows of integers, made when they are asked for, or an array."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> NDArray[Any]: ...


@dataclass(frozen=True)
class Projection:
    """A few axes, about the principal ones, that say most about which rows are near.

    Every number is an integer, every sum of products is exact, and what is rounded is rounded element by element, so
    that axes and coordinates are the same on any machine, whatever its BLAS adds first.
    """

    center: Floats  # (n_features,)
    axes: Floats  # (n_features, n_axes): about orthogonal, of length `UNIT`
    divisor: float  # a power of two
    judged: int = 0  # candidates that are judged in full width; the projection alone decides nothing

    @classmethod
    def fit(cls, points: Floats) -> Projection:
        """Make the axes of a sample of integer points by subspace iteration."""
        points = points[:MAKERS]
        center = np.rint(points.sum(axis=0) / max(1, len(points)))
        local = points - center
        middle = float(np.median(np.abs(local).max(axis=1))) if len(local) else 0.0
        coarse = np.clip(np.rint(local / _power(middle / _COARSE[0])), -_COARSE[1], _COARSE[1])
        features, axes = points.shape[1], min(AXES, points.shape[1])
        at = np.divmod(np.arange(features * axes), axes)
        drawn = uniform(xxhash64(stream(0, "axes"), *at)).reshape(features, axes)
        found = _orthogonal(np.rint(UNIT * (drawn - 0.5)))
        for _ in range(STEPS):
            onto = coarse @ found
            onto = np.rint(onto / _power(float(np.abs(onto).max(initial=0.0)) / _COARSE[1]))
            found = _orthogonal(coarse.T @ onto)
        made = cls(center, found, 1.0)
        reach = float(np.abs((local @ found) / UNIT).max(initial=0.0))
        return cls(center, made.axes, _power(2 * reach / LIMIT))

    def embed(self, points: Rows, kind: type[Any] = np.float64) -> NDArray[Any]:
        """Return the coordinates of integer points, as integers."""
        found = np.empty((len(points), self.axes.shape[1]), dtype=kind)
        for some in slices(len(points), 2**11):
            onto = (points[some] - self.center) @ self.axes
            np.clip(np.rint(onto / (UNIT * self.divisor)), -LIMIT, LIMIT, out=found[some], casting="unsafe")
        return found

    def reach(self, away: Floats) -> Floats:
        """Return how far apart in the projection rows may lie that are as far apart in full."""
        # rounding leaves axes a little less than orthogonal
        apart = self.axes.T @ self.axes / UNIT**2 - np.eye(self.axes.shape[1])
        stretch = math.sqrt(1 + float(np.linalg.norm(apart))) / self.divisor
        return away * stretch + math.sqrt(self.axes.shape[1])


@dataclass(frozen=True)
class Scaled:
    """The integers of rows, made when they are asked for: the matrix of all would be as large as the rows."""

    raw: NDArray[Any]
    integers: Callable[[NDArray[Any]], Floats]
    places: Ints | None = None  # of the rows, where not all are meant

    def __len__(self) -> int:
        return len(self.raw if self.places is None else self.places)

    def __getitem__(self, rows: slice | Ints) -> Floats:
        return self.integers(self.raw[rows if self.places is None else self.places[rows]])


def part(rows: NDArray[Any] | Scaled, places: Ints) -> NDArray[Any] | Scaled:
    """Return some of the rows, to be made when they are asked for if the others are."""
    if isinstance(rows, Scaled):
        return replace(rows, places=places if rows.places is None else rows.places[places])
    return rows[places]


def judge(points: Rows, queries: NDArray[Any], near: Ints, k: int) -> tuple[Ints, Floats]:
    """Return the k nearest of some candidates of each query, by (distance, position), and the squared distances.

    Queries are positions in `points`, or rows of integers.
    """
    k = min(k, near.shape[1])
    found, squares = np.empty((len(near), k), dtype=np.int64), np.empty((len(near), k))
    width = points[:1].shape[1]
    for some in slices(len(near), _JUDGED // max(1, near.shape[1] * width)):
        names = near[some]
        asked = points[queries[some]] if queries.ndim == 1 else queries[some]
        apart = points[names.ravel()].astype(np.float64, copy=False).reshape(*names.shape, width)
        apart = apart - asked[:, None, :]
        away = norms(apart.reshape(-1, width)).reshape(names.shape)
        order = np.lexsort((names, away), axis=1)[:, :k]
        found[some], squares[some] = np.take_along_axis(names, order, 1), np.take_along_axis(away, order, 1)
    return found, squares


def _power(number: float) -> float:
    """Return the smallest power of two that is larger, at least 1."""
    return max(1.0, math.ldexp(1.0, math.frexp(number)[1]))


def _orthogonal(columns: Floats) -> Floats:
    """Return about orthogonal columns of length `UNIT` that span what these do, by Gram and Schmidt on integers."""
    columns = columns.copy()
    # what is left of nearly equal columns is rough: the second time it is no longer
    for _ in range(2):
        columns = np.rint(columns / _power(float(np.abs(columns).max(initial=0.0)) / UNIT))
        for i in range(columns.shape[1]):
            one = columns[:, i]
            # each column by its own largest number, or small ones are rounded away
            one = np.rint(one * (UNIT / max(1.0, float(np.abs(one).max(initial=0.0)))))
            one = np.rint(one * (UNIT / math.sqrt(max(1.0, float(one @ one)))))
            columns[:, i] = one
            onto = (one @ columns[:, i + 1 :]) / UNIT**2
            columns[:, i + 1 :] = np.rint(columns[:, i + 1 :] - one[:, None] * onto)
    return columns
