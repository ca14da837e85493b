"""Features as integers, so that every distance is exact on any machine, in any order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels import Floats
from spark_balance.kernels.distances import slices

BITS = 10  # of a standard deviation that count
STEPS = 4_096  # from the center to the middle row, that are worth clipping far values
FAR = 1_000  # of as many values of a feature one may be clipped, and at least one of all
ABSENT = -(2.0**31)  # stands for a value that a row lacks among its integers, which are all nearer to 0
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
    lacking: bool = False  # rows may lack values, which are NaN: their integer is `ABSENT`

    @classmethod
    def fit(cls, sample: Floats, *, equalize: bool, deviations: Floats | None = None, lacking: bool = False) -> Scale:
        """Take the scale from a sample.

        `equalize` divides each feature by its standard deviation, as scikit-learn's `StandardScaler` does, rounded to
        10 bits, so that the last bits of a sum do not matter; without it the features keep their own proportions.
        `deviations` are those of all rows, in place of the sample's.
        Twice the farthest value fits, unless that leaves the middle row fewer than `STEPS`: then one of a thousand
        values may be clipped, and at least one. With `lacking` all of this is of the values that are there.
        """
        features = sample.shape[1]
        limit = _largest(features)
        if not len(sample):
            return cls(np.zeros(features), np.ones(features), limit, lacking=lacking)
        median, std = (np.nanmedian, np.nanstd) if lacking else (np.median, np.std)
        if lacking:
            # a feature that no row has is 0
            sample = np.where(np.isnan(sample).all(axis=0), 0.0, sample)
        center = median(sample, axis=0)
        # halves, so that even the difference of the largest doubles is finite
        halves = sample / 2 - center / 2
        away = np.abs(halves)
        middle = median(away, axis=0)
        away = np.nan_to_num(away) if lacking else away
        reach = away.max(axis=0)
        if deviations is not None:
            # only rows that were not sampled vary
            reach = np.where((reach == 0) & np.isfinite(deviations), deviations / 2, reach)
        varied = np.flatnonzero(reach)
        bits, power = np.ones(features), np.zeros(features)
        if not len(varied):
            return cls(center, bits, limit, lacking=lacking)
        if equalize:
            # the deviation as parts, whose product may be beyond all doubles
            share = std(halves[:, varied] / reach[varied], axis=0)
            if deviations is not None:
                known = deviations[varied] / 2 / reach[varied]
                share = np.where(np.isfinite(known) & (known > 0), known, share)
            spread, whole = np.frexp(share)
            most, more = np.frexp(reach[varied])
            inverse, own = np.frexp(1 / (spread * most))
            bits[varied], power[varied] = np.rint(inverse * 2**BITS) / 2**BITS, own - whole - more - 1
        # how far all rows lie in a feature, all but the farthest, and the middle one
        last = min(len(away), 1 + max(1, len(away) // FAR))
        far = np.partition(away, -last, axis=0)[-last]
        ends = [_exponent(one, bits, power) for one in (reach, far, middle)]
        fits, mostly_fits = (math.floor(math.log2(limit / 2) - end) for end in ends[:2])
        common = max(fits, min(mostly_fits, math.ceil(math.log2(STEPS) - ends[2])))
        factor = np.ldexp(bits, np.clip(power + common, -1000, 1000).astype(np.int64))
        unit, steps = 2.0 ** min(max(common, -1000), 1000), 2.0 ** min(ends[2] + common, 100)
        return cls(center, factor, limit, unit, steps, lacking)

    def integers(self, rows: Floats, kind: type[Any] = np.float64) -> NDArray[Any]:
        """Return the rows as integers, held in float64 by default."""
        found = np.empty(rows.shape, dtype=kind)
        for some in slices(len(rows), 2**14):  # so that what is in between stays small
            whole = np.rint((rows[some] - self.center) * self.factor)
            if not self.lacking:
                np.clip(whole, -self.limit, self.limit, out=found[some], casting="unsafe")
                continue
            there = np.clip(whole, -self.limit, self.limit)
            found[some] = np.where(np.isnan(there), ABSENT, there)
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
        cls, sample: Floats, numbers: int, *, equalize: bool, deviations: Floats | None = None, lacking: bool = False
    ) -> MixedScale:
        """Take the scale from a sample, with room for the penalties of the categories."""
        measured = np.arange(sample.shape[1]) < numbers
        known = None if deviations is None else np.where(measured, deviations, 0.0)
        scale = Scale.fit(np.where(measured, sample, 0.0), equalize=equalize, deviations=known, lacking=lacking)
        return cls(scale.center, scale.factor, scale.limit, scale.unit, scale.steps, lacking, numbers)

    def integers(self, rows: Floats, kind: type[Any] = np.float64) -> NDArray[Any]:
        """Return the rows as integers, held in float64 by default."""
        n = self.numbers
        scaled = Scale(self.center[:n], self.factor[:n], self.limit, lacking=self.lacking).integers(rows[:, :n])
        ids = rows[:, n:]
        ids = np.where(np.isnan(ids), ABSENT, ids) if self.lacking else ids
        return np.column_stack([scaled, ids]).astype(kind, copy=False)


def _largest(features: int) -> float:
    """Return the largest integer of a row, with which every squared distance is below 2^53."""
    return 2.0 ** min(21, (51 - math.ceil(math.log2(max(features, 2)))) // 2)


def _exponent(away: Floats, bits: Floats, power: Floats) -> float:
    """Return the binary logarithm of the largest of these halves of distances, scaled; of none, that of 1."""
    there = np.flatnonzero(away)
    found = np.log2(away[there]) + 1 + np.log2(bits[there]) + power[there]
    return float(found.max()) if len(found) else 0.0
