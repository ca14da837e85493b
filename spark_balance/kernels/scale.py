"""Features as integers, so that every distance is exact on any machine, in any order."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """A centre and a power of two for each feature, and the largest integer.

    Attributes
    ----------
    center : ndarray of shape (n_features,)
    factor : ndarray of shape (n_features,)
        Powers of two, so that scaling itself rounds nothing.
    limit : float
        Integers are clipped here: squared distances then stay below 2^53 and every
        product and sum in the search is exact.
    """

    center: Floats
    factor: Floats
    limit: float

    @classmethod
    def fit(cls, sample: Floats, *, equalise: bool) -> Scale:
        """Take the scale from a sample.

        Parameters
        ----------
        sample : ndarray of shape (n_rows, n_features)
        equalise : bool
            True gives every feature about the same spread (a power of two near
            1 / standard deviation); False keeps the features' own proportions.
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
        if equalise:
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

    def unit(self, sample: Floats, *, equalised: bool) -> float:
        """Return what distance 1 is in integers: that of the features, or about their spread where it was equalised."""
        if not equalised:
            return float(self.factor[0])
        spread = float(np.median(np.std(self.integers(sample), axis=0))) if len(sample) else 1.0
        return float(np.exp2(np.round(np.log2(max(1.0, spread)))))
