"""Features as integers, so that every distance is exact on any machine, in any order, categories included."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.distances import sides, slices
from spark_balance.kernels.draws import stream, uniform, xxhash64

BLOCK = 2**18  # distances held at once: with the comparisons about what the processor's cache holds
PLACES = 3  # coordinates that stand for a category where only cells are chosen
BITS = 10  # of a standard deviation that count
STEPS = 4_096  # from the center to the middle row, that are worth clipping far values
FAR = 1_000  # of as many values of a feature one may be clipped, and at least one of all
GRID = 2.0**20  # probabilities are held as multiples of its inverse, so that sums of squares are exact


@dataclass(frozen=True)
class Scale:
    """A center and a factor for each feature, and the largest integer."""

    center: Floats  # (n_features,)
    factor: Floats  # (n_features,)
    # integers are clipped here: squared distances then stay below 2^53 and every product and sum in the search is exact
    limit: float
    unit: float = 1.0  # what distance 1 is in integers: that of the features, or of their standard deviations
    steps: float = math.inf  # from the center to the middle row, in the feature where they are most

    @classmethod
    def fit(cls, sample: Floats, *, equalize: bool, deviations: Floats | None = None) -> Scale:
        """Take the scale from a sample.

        `equalize` divides each feature by its standard deviation, as scikit-learn's `StandardScaler` does, rounded to
        10 bits, so that the last bits of a sum do not matter; without it the features keep their own proportions.
        `deviations` are those of all rows, in place of the sample's.
        Twice the farthest value fits, unless that leaves the middle row fewer than `STEPS`: then one of a thousand
        values may be clipped, and at least one.
        """
        features = sample.shape[1]
        limit = _largest(features)
        if not len(sample):
            return cls(np.zeros(features), np.ones(features), limit)
        center = np.median(sample, axis=0)
        # halves, so that even the difference of the largest doubles is finite
        halves = sample / 2 - center / 2
        away = np.abs(halves)
        reach = away.max(axis=0)
        if deviations is not None:
            # only rows that were not sampled vary
            reach = np.where((reach == 0) & np.isfinite(deviations), deviations / 2, reach)
        varied = np.flatnonzero(reach)
        bits, power = np.ones(features), np.zeros(features)
        if not len(varied):
            return cls(center, bits, limit)
        if equalize:
            # the deviation as parts, whose product may be beyond all doubles
            share = np.std(halves[:, varied] / reach[varied], axis=0)
            if deviations is not None:
                known = deviations[varied] / 2 / reach[varied]
                share = np.where(np.isfinite(known) & (known > 0), known, share)
            spread, whole = np.frexp(share)
            most, more = np.frexp(reach[varied])
            inverse, own = np.frexp(1 / (spread * most))
            bits[varied], power[varied] = np.rint(inverse * 2**BITS) / 2**BITS, own - whole - more - 1
        # how far all rows lie in a feature, all but the farthest, and the middle one
        last = min(len(away), 1 + max(1, len(away) // FAR))
        far, middle = np.partition(away, -last, axis=0)[-last], np.median(away, axis=0)
        ends = [_exponent(one, bits, power) for one in (reach, far, middle)]
        fits, mostly_fits = (math.floor(math.log2(limit / 2) - end) for end in ends[:2])
        common = max(fits, min(mostly_fits, math.ceil(math.log2(STEPS) - ends[2])))
        factor = np.ldexp(bits, np.clip(power + common, -1000, 1000).astype(np.int64))
        return cls(center, factor, limit, 2.0 ** min(max(common, -1000), 1000), 2.0 ** min(ends[2] + common, 100))

    def integers(self, rows: Floats, kind: type[Any] = np.float64) -> NDArray[Any]:
        """Return the rows as integers, held in float64 by default."""
        found = np.empty(rows.shape, dtype=kind)
        for some in slices(len(rows), 2**14):  # so that what is in between stays small
            np.clip(
                np.rint((rows[some] - self.center) * self.factor),
                -self.limit,
                self.limit,
                out=found[some],
                casting="unsafe",
            )
        return found


@dataclass(frozen=True)
class Directions(Scale):
    """The direction of each row, whatever its length: Euclid's distance of two is then a matter of their cosine."""

    @classmethod
    def of(cls, features: int) -> Directions:
        """Return directions on a sphere of radius `unit`, a power of two."""
        unit = _largest(features)
        return cls(np.zeros(features), np.ones(features), unit, unit)

    def integers(self, rows: Floats, kind: type[Any] = np.float64) -> NDArray[Any]:
        """Return the rows at length `unit`, as integers held in float64 by default; a row of zeros stays one."""
        found = np.empty(rows.shape, dtype=kind)
        for some in slices(len(rows), 2**14):
            part = rows[some].astype(np.float64)
            # whole numbers, whose squares have the same sum in any order
            power = np.frexp(np.abs(part).max(axis=1))[1]
            whole = np.rint(np.ldexp(part, (math.frexp(self.limit)[1] - 1 - power)[:, None]))
            length = np.sqrt(np.maximum(1.0, np.einsum("rf,rf->r", whole, whole)))
            np.rint(whole * (self.unit / length)[:, None], out=found[some], casting="unsafe")
        return found


@dataclass(frozen=True)
class MixedScale(Scale):
    """The scale of rows whose first features are numbers; category ids after them are left as they are."""

    numbers: int = 0  # features that are numbers

    @classmethod
    def of_numbers(
        cls, sample: Floats, numbers: int, *, equalize: bool, deviations: Floats | None = None
    ) -> MixedScale:
        """Take the scale from a sample, with room for the penalties of the categories."""
        measured = np.arange(sample.shape[1]) < numbers
        known = None if deviations is None else np.where(measured, deviations, 0.0)
        scale = Scale.fit(np.where(measured, sample, 0.0), equalize=equalize, deviations=known)
        return cls(scale.center, scale.factor, scale.limit, scale.unit, scale.steps, numbers)

    def integers(self, rows: Floats, kind: type[Any] = np.float64) -> NDArray[Any]:
        """Return the rows as integers, held in float64 by default."""
        n = self.numbers
        scaled = Scale(self.center[:n], self.factor[:n], self.limit).integers(rows[:, :n])
        return np.column_stack([scaled, rows[:, n:]]).astype(kind, copy=False)


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


def _largest(features: int) -> float:
    """Return the largest integer of a row, with which every squared distance is below 2^53."""
    return 2.0 ** min(21, (51 - math.ceil(math.log2(max(features, 2)))) // 2)


def _exponent(away: Floats, bits: Floats, power: Floats) -> float:
    """Return the binary logarithm of the largest of these halves of distances, scaled; of none, that of 1."""
    there = np.flatnonzero(away)
    found = np.log2(away[there]) + 1 + np.log2(bits[there]) + power[there]
    return float(found.max()) if len(found) else 0.0
