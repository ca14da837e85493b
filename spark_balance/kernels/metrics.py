"""Distances other than Euclid's: of numbers and categories, of values, and of rows that lack some of their features."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.kernels.distances import sides, slices
from spark_balance.kernels.draws import stream, uniform, xxhash64
from spark_balance.kernels.scale import ABSENT

BLOCK = 2**18  # distances held at once: with the comparisons about what the processor's cache holds
PLACES = 3  # coordinates that stand for a category where only cells are chosen
FAR = float(np.finfo(np.float64).max)  # the squared distance of two rows that have no feature in common


@dataclass(frozen=True)
class Mixed:
    """SMOTE-NC's distance: the numbers' squared distance, and `penalty` for each category that differs."""

    numbers: int  # features that are numbers; category ids come after them
    penalty: float  # an integer, the square of the median of the numbers' standard deviations

    @classmethod
    def fit(cls, points: Floats, numbers: int) -> Mixed:
        """Take the penalty from (a sample of) the rows of a class, by sums of integers: the same on any machine."""
        if not len(points):
            return cls(numbers, 0.0)
        there = [column[column != ABSENT].astype(np.int64) for column in points[:, :numbers].T]
        sums = [(max(1, len(column)), int(column.sum()), int((column**2).sum())) for column in there]
        deviations = [math.sqrt((n * squares - total**2) / n**2) for n, total, squares in sums]
        return cls(numbers, float(np.rint(np.median(deviations) ** 2)))

    @property
    def euclidean(self) -> bool:
        """Whether categories do not count."""
        return self.penalty == 0

    @property
    def complete(self) -> bool:
        """Whether all features count in every distance."""
        return True

    def measured(self, points: Floats) -> Floats:
        """Return the numbers of each point that count."""
        return np.ascontiguousarray(points[:, : self.numbers]) if self.euclidean else points

    def embed(self, points: Floats) -> Floats:
        """Return integer points near which near rows are: a category's place is drawn from its id.

        Places of different categories are, on average, as far apart as the penalty says.
        """
        parts = [points[:, : self.numbers]]
        width, places = math.sqrt(6 * self.penalty / PLACES), stream(0, "places of categories")
        for i, column in enumerate(points[:, self.numbers :].T):
            category = column.astype(np.int64)
            drawn = [uniform(xxhash64(places, i, place, category)) for place in range(PLACES)]
            parts += [np.rint(width * (one - 0.5))[:, None] for one in drawn]
        return np.column_stack(parts)

    def distances(self, points: Floats, queries: Ints) -> Iterator[tuple[slice, Floats]]:
        """Yield slices of the queries, and their squared distances to all points."""
        left, right = sides(points[:, : self.numbers])
        # the norm of the left point as one more feature
        left, right = np.column_stack([left, right[:, -1]]), np.column_stack([right, np.ones(len(right))])
        # small numbers instead of hashes: less to compare
        ids = [np.unique(column, return_inverse=True)[1].astype(np.int32) for column in points[:, self.numbers :].T]
        for block in slices(len(queries), BLOCK // len(points)):
            rows = queries[block]
            differing = np.zeros((len(rows), len(points)), dtype=np.uint16)
            for column in ids:
                differing += column[rows, None] != column
            distance = left[rows] @ right.T
            distance += self.penalty * differing
            yield block, distance


@dataclass(frozen=True)
class ValueDifference:
    """The value difference metric (Stanfill and Waltz, 1986), its distances squared as imbalanced-learn does."""

    features: int
    per_feature: int  # numbers that a value is held as: the probability of each class, or, of two classes, of one

    @property
    def numbers(self) -> int:
        """Numbers at the start of a row; those after them do not count."""
        return self.features * self.per_feature

    @property
    def euclidean(self) -> bool:
        """Whether there are two classes: the distance is Euclid's then."""
        return self.per_feature == 1

    @property
    def complete(self) -> bool:
        """Whether all features count in every distance."""
        return True

    def measured(self, points: Floats) -> Floats:
        """Return the numbers of each point that count."""
        return self.embed(points)

    def embed(self, points: Floats) -> Floats:
        """Return the points near which near rows are."""
        return np.ascontiguousarray(points[:, : self.numbers])

    def distances(self, points: Floats, queries: Ints) -> Iterator[tuple[slice, Floats]]:
        """Yield slices of the queries, and their squared distances to all points."""
        # one row of memory for each number: it is compared with all rows
        columns = np.ascontiguousarray(points[:, : self.numbers].T).reshape(self.features, self.per_feature, -1)
        # two arrays as large beside the distances
        for block in slices(len(queries), BLOCK // 2 // len(points)):
            rows = queries[block]
            distance = np.zeros((len(rows), len(points)))
            for feature in columns:
                apart = np.zeros_like(distance)
                for probability in feature:
                    apart += np.abs(probability[rows, None] - probability)
                distance += np.square(apart, out=apart)
            yield block, distance


@dataclass(frozen=True)
class Shared:
    """Squared distance over the features that both rows have, times all features by those (Dixon, 1979).

    scikit-learn's `nan_euclidean_distances`, squared, except that rows with no feature in common are `FAR` apart, where
    it gives NaN. Values that a row lacks are `ABSENT`.
    """

    numbers: int  # features that are numbers; category ids come after them
    penalty: float = 0.0  # of two categories that differ; 0 where categories do not count

    @property
    def euclidean(self) -> bool:
        """Whether it is Euclid's distance of what is measured: never, as it depends on the pair what is."""
        return False

    @property
    def complete(self) -> bool:
        """Whether all features count in every distance."""
        return False

    def measured(self, points: Floats) -> Floats:
        """Return the features of each point that count."""
        return points if self.penalty else np.ascontiguousarray(points[:, : self.numbers])

    def embed(self, points: Floats) -> Floats:
        """Return integer points near which near rows mostly are: in the center of a number that a row lacks."""
        return Mixed(self.numbers, self.penalty).embed(np.where(points == ABSENT, 0.0, points))

    def distances(self, points: Floats, queries: NDArray[np.generic]) -> Iterator[tuple[slice, Floats]]:
        """Yield slices of the queries, positions or rows, and their squared distances to all points."""
        rows = points[queries] if queries.ndim == 1 else queries.astype(np.float64)
        n, features = self.numbers, points.shape[1]
        has_rows, has_points = rows != ABSENT, points != ABSENT
        # numbers that no row lacks need no mask
        whole = has_rows[:, :n].all(axis=0) & has_points[:, :n].all(axis=0)
        left = _left(rows[:, :n], has_rows[:, :n], whole)
        right = _right(points[:, :n], has_points[:, :n], whole)
        counted = [has[:, :n][:, ~whole].astype(np.float32) for has in (has_rows, has_points)]
        ids = [np.unique(np.append(rows[:, i], points[:, i]), return_inverse=True)[1] for i in range(n, features)]
        for block in slices(len(rows), BLOCK // len(points)):
            # sums of whole numbers below 2^53: exact in any order
            distance = left[block] @ right.T
            shared = (counted[0][block] @ counted[1].T).astype(np.float64)
            shared += np.count_nonzero(whole)
            for i, both in enumerate(ids, n):
                own, other = both[: len(rows)][block], both[len(rows) :]
                known = has_rows[block, i, None] & has_points[:, i]
                shared += known
                distance += self.penalty * (known & (own[:, None] != other))
            distance *= features
            np.divide(distance, shared, out=distance, where=shared > 0)
            distance[shared == 0] = FAR
            yield block, distance


def _left(rows: Floats, has: Bools, whole: Bools) -> Floats:
    """Return the sides whose product with `_right` is the sum of (row - point)^2 over the numbers that both have."""
    zeroed = np.where(has, rows, 0.0)[:, ~whole]
    complete = rows[:, whole]
    squares = np.einsum("rf,rf->r", complete, complete)
    return np.column_stack([complete, squares, np.ones(len(rows)), zeroed, zeroed**2, has[:, ~whole]])


def _right(points: Floats, has: Bools, whole: Bools) -> Floats:
    zeroed = np.where(has, points, 0.0)[:, ~whole]
    complete = points[:, whole]
    squares = np.einsum("pf,pf->p", complete, complete)
    return np.column_stack([-2 * complete, np.ones(len(points)), squares, -2 * zeroed, has[:, ~whole], zeroed**2])
