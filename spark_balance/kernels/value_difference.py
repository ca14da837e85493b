"""Nearest rows of categories alone: two values are near when the classes of their rows are alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.crowds import Crowds
from spark_balance.kernels.local import local_neighbours
from spark_balance.kernels.nearest import least

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
GRID = 2.0**20  # probabilities are held as multiples of its inverse, so that sums of squares are exact
BLOCK = 2**17  # distances held at once, beside two arrays as large


@dataclass(frozen=True)
class ValueDifference:
    """The value difference metric (Stanfill and Waltz, 1986), each feature's distance squared as imbalanced-learn does.

    Attributes
    ----------
    features : int
    per_feature : int
        Numbers that a value is held as: the probability of each class, or, of two classes, of one.
    """

    features: int
    per_feature: int

    @property
    def numbers(self) -> int:
        """Numbers at the start of a row; what comes after them is no part of the distance."""
        return self.features * self.per_feature

    def nearest(self, points: Floats, queries: Ints, k: int) -> Ints:
        """Return positions of the k nearest others of some rows, by (distance, position), for certain."""
        points = self.embedded(points)
        if self.per_feature == 1:
            # of two classes the distance is Euclid's
            return local_neighbours(points, queries, k, None)
        crowds = Crowds(points, k)
        return crowds.answer(queries, lambda asked, k: self._search(points[crowds.kept], asked, k))

    def embedded(self, points: Floats) -> Floats:
        """Return the points near which near rows are."""
        return np.ascontiguousarray(points[:, : self.numbers])

    def _search(self, points: Floats, queries: Ints, k: int) -> Ints:
        # one row of memory for each number: it is compared with all rows
        columns = np.ascontiguousarray(points.T).reshape(self.features, self.per_feature, len(points))
        names, result = np.arange(len(points)), np.empty((len(queries), k), dtype=np.int64)
        step = max(1, BLOCK // len(points))
        for start in range(0, len(queries), step):
            chunk = queries[start : start + step]
            distance = np.zeros((len(chunk), len(points)))
            for feature in columns:
                apart = np.zeros_like(distance)
                for probability in feature:
                    apart += np.abs(probability[chunk, None] - probability)
                distance += np.square(apart, out=apart)
            distance[np.arange(len(chunk)), chunk] = np.inf
            result[start : start + step] = least(distance, names, k)[0]
        return result
