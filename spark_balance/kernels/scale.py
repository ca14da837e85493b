"""Features as integers, so that every distance is exact on any machine, in any order, categories included."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.distances import sides, slices
from spark_balance.kernels.draws import stream, uniform, xxhash64

BLOCK = 2**18  # distances held at once: with the comparisons about what the processor's cache holds
PLACES = 3  # coordinates that stand for a category where only cells are chosen
GRID = 2.0**20  # probabilities are held as multiples of its inverse, so that sums of squares are exact


@dataclass(frozen=True)
class Scale:
    """A center and a power of two for each feature, and the largest integer."""

    center: Floats  # (n_features,)
    factor: Floats  # (n_features,): powers of two, so that scaling itself rounds nothing
    # integers are clipped here: squared distances then stay below 2^53 and every product and sum in the search is exact
    limit: float

    @classmethod
    def fit(cls, sample: Floats, *, equalize: bool) -> Scale:
        """Take the scale from a sample.

        `equalize` gives every feature about the same spread (a power of two near 1 / standard deviation); without it
        the features keep their own proportions.
        """
        features = sample.shape[1]
        limit = 2.0 ** min(21, (51 - math.ceil(math.log2(max(features, 2)))) // 2)
        if not len(sample):
            return cls(np.zeros(features), np.ones(features), limit)
        center = np.median(sample, axis=0)
        # halves, so that even the difference of the largest doubles is finite
        away = np.abs(sample / 2 - center / 2)
        reach = away.max(axis=0)
        varied = reach > 0
        exponent = np.zeros(features)
        if equalize:
            spread = np.std((sample / 2 - center / 2)[:, varied] / reach[varied], axis=0)
            exponent[varied] = -np.round(np.log2(spread) + np.log2(reach[varied]))
        if varied.any():
            # twice the sample's reach fits, since rows that were not sampled lie further out
            exponent += np.floor(math.log2(limit / 4) - np.max(np.log2(reach[varied]) + exponent[varied]))
        return cls(center, np.exp2(np.clip(exponent, -1000, 1000)), limit)

    def integers(self, rows: Floats) -> Floats:
        """Return the rows as integers held in float64."""
        scaled: Floats = np.rint((rows - self.center) * self.factor)
        return np.clip(scaled, -self.limit, self.limit)

    def unit(self, sample: Floats, *, equalized: bool) -> float:
        """Return what distance 1 is in integers: that of the features, or about their spread where it was equalized."""
        if not equalized:
            return float(self.factor[0])
        spread = float(np.median(np.std(self.integers(sample), axis=0))) if len(sample) else 1.0
        return float(np.exp2(np.round(np.log2(max(1.0, spread)))))


@dataclass(frozen=True)
class MixedScale(Scale):
    """The scale of rows whose first features are numbers; category ids after them are left as they are."""

    numbers: int = 0  # features that are numbers

    @classmethod
    def of_numbers(cls, sample: Floats, numbers: int, *, equalize: bool) -> MixedScale:
        """Take the scale from a sample, with room for the penalties of the categories."""
        padded = np.where(np.arange(sample.shape[1]) < numbers, sample, 0.0)
        scale = Scale.fit(padded, equalize=equalize)
        return cls(scale.center, scale.factor, scale.limit, numbers)

    def integers(self, rows: Floats) -> Floats:
        """Return the rows as integers held in float64."""
        n = self.numbers
        scaled = Scale(self.center[:n], self.factor[:n], self.limit).integers(rows[:, :n])
        return np.column_stack([scaled, rows[:, n:]])


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
        columns = [column.astype(np.int64) for column in points[:, :numbers].T]
        n, sums = len(points), [(int(column.sum()), int((column**2).sum())) for column in columns]
        deviations = [math.sqrt((n * squares - total**2) / n**2) for total, squares in sums]
        return cls(numbers, float(np.rint(np.median(deviations) ** 2)))

    @property
    def euclidean(self) -> bool:
        """Whether categories do not count."""
        return self.penalty == 0

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
