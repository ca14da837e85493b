"""Nearest rows of numbers and categories: a category that differs counts as much as a typical standard deviation."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.crowds import Crowds
from spark_balance.kernels.draws import stream, uniform, xxhash64
from spark_balance.kernels.local import local_neighbours
from spark_balance.kernels.nearest import least, one_thread, sides
from spark_balance.kernels.scale import Scale

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BLOCK = 2**18  # distances held at once: with the comparisons about what the processor's cache holds
PLACES = 3  # coordinates that stand for a category where only cells are chosen
_PLACES_STREAM = stream(0, "places of categories")


@dataclass(frozen=True)
class MixedScale(Scale):
    """The scale of rows whose first features are numbers, and the others numbers of categories, left as they are.

    Attributes
    ----------
    numbers : int
        Features that are numbers.
    """

    numbers: int = 0

    @classmethod
    def of_numbers(cls, sample: Floats, numbers: int, *, equalise: bool) -> MixedScale:
        """Take the scale from a sample, with room for the penalties of the categories."""
        padded = np.where(np.arange(sample.shape[1]) < numbers, sample, 0.0)
        scale = Scale.fit(padded, equalise=equalise)
        return cls(scale.center, scale.factor, scale.limit, numbers)

    def integers(self, rows: Floats) -> Floats:
        """Return the rows as integers held in float64."""
        n = self.numbers
        scaled = np.rint((rows[:, :n] - self.center[:n]) * self.factor[:n])
        return np.column_stack([np.clip(scaled, -self.limit, self.limit), rows[:, n:]])


@dataclass(frozen=True)
class Mixed:
    """SMOTE-NC's distance: the numbers' squared distance, and `penalty` for each category that differs.

    Attributes
    ----------
    numbers : int
        Features that are numbers; those after them are numbers of categories.
    penalty : float
        An integer, the square of the median of the numbers' standard deviations.
    """

    numbers: int
    penalty: float

    @classmethod
    def of(cls, points: Floats, numbers: int) -> Mixed:
        """Take the penalty from (a sample of) the rows of a class, by sums of integers: the same on any machine."""
        if not len(points):
            return cls(numbers, 0.0)
        columns = [column.astype(np.int64) for column in points[:, :numbers].T]
        n, sums = len(points), [(int(column.sum()), int((column**2).sum())) for column in columns]
        deviations = [math.sqrt((n * squares - total**2) / n**2) for total, squares in sums]
        return cls(numbers, float(np.rint(np.median(deviations) ** 2)))

    def nearest(self, points: Floats, queries: Ints, k: int) -> Ints:
        """Return positions of the k nearest others of some rows, by (distance, position), all pairs compared."""
        if self.penalty == 0:
            return local_neighbours(np.ascontiguousarray(points[:, : self.numbers]), queries, k, None)
        crowds = Crowds(points, k)
        return crowds.answer(queries, lambda asked, k: self._search(points[crowds.kept], asked, k))

    def embedded(self, points: Floats) -> Floats:
        """Return integer points near which near rows are: a category's place is drawn from its number.

        Places of different categories are, on average, as far apart as the penalty says.
        """
        parts = [points[:, : self.numbers]]
        width = math.sqrt(6 * self.penalty / PLACES)
        for i, column in enumerate(points[:, self.numbers :].T):
            code = column.astype(np.int64)
            drawn = [uniform(xxhash64(_PLACES_STREAM, i, place, code)) for place in range(PLACES)]
            parts += [np.rint(width * (one - 0.5))[:, None] for one in drawn]
        return np.column_stack(parts)

    def _search(self, points: Floats, queries: Ints, k: int) -> Ints:
        left, right = sides(points[:, : self.numbers])
        # small numbers instead of hashes: less to compare
        codes = [np.unique(column, return_inverse=True)[1].astype(np.int32) for column in points[:, self.numbers :].T]
        names, result = np.arange(len(points)), np.empty((len(queries), k), dtype=np.int64)
        step = max(1, BLOCK // len(points))
        with one_thread():
            for start in range(0, len(queries), step):
                chunk = queries[start : start + step]
                distance = left[chunk] @ right.T
                distance += self.penalty * _differing(codes, chunk)
                distance[np.arange(len(chunk)), chunk] = np.inf
                result[start : start + step] = least(distance, names, k)[0]
        return result


def _differing(codes: list[NDArray[np.int32]], chunk: Ints) -> NDArray[np.uint16]:
    """Count the categories that differ, for each row of a chunk and each row."""
    count = np.zeros((len(chunk), len(codes[0])), dtype=np.uint16)
    for column in codes:
        count += column[chunk, None] != column
    return count
