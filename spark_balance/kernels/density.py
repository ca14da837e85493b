"""The density of a numeric target by a Gaussian kernel, on a grid, and the weights that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from spark_balance.kernels import Floats

STEPS = 2**14  # of the grid
LEAST_WEIGHT = 1e-6  # before weights are brought to a mean of 1
_BOX, _BULK = 1.3489795003921634, 4.6526957480816815  # from 25 % to 75 %, and from 1 % to 99 %, of a normal density
_REACH = 8  # bandwidths beyond which a kernel is nothing


@dataclass(frozen=True)
class Density:
    """The density of values, from 0 at the rarest of them to 1 at the most common: linear between points of a grid.

    Attributes
    ----------
    start, step : float
        The first point of the grid, and the way to the next.
    heights : ndarray of shape (STEPS + 1,)
    """

    start: float
    step: float
    heights: Floats

    @classmethod
    def fit(cls, values: Floats) -> Density:
        """Estimate the density of values with the bandwidth of Silverman's rule."""
        start, step = float(values.min()), float(np.ptp(values)) / STEPS
        if step <= 0:
            return cls(start, 1.0, np.zeros(STEPS + 1))
        place = (values - start) / step
        left = np.minimum(place.astype(np.int64), STEPS - 1)
        near = place - left
        rows = np.bincount(left, 1 - near, STEPS + 1) + np.bincount(left + 1, near, STEPS + 1)
        # a bandwidth below the step of the grid would be none
        width = max(bandwidth(values) / step, 0.5)
        away = np.arange(-min(STEPS, int(_REACH * width) + 1), min(STEPS, int(_REACH * width) + 1) + 1)
        heights = np.convolve(rows, np.exp(-0.5 * (away / width) ** 2), mode="full")[-away[0] :][: STEPS + 1]
        # single precision drops the last bits, in which machines may differ
        plain = cls(start, step, heights.astype(np.float32).astype(np.float64))
        there = plain(values)
        spread = np.ptp(there)
        return cls(start, step, (plain.heights - there.min()) / spread if spread > 0 else np.zeros(STEPS + 1))

    @cached_property
    def rises(self) -> Floats:
        """What the density gains from each point of the grid to the next."""
        found: Floats = np.diff(self.heights, append=self.heights[-1])
        return found

    def __call__(self, values: ArrayLike) -> Floats:
        """Return the density at values; beyond the grid, that at its ends."""
        place = np.clip((np.asarray(values, dtype=np.float64) - self.start) / self.step, 0, STEPS)
        left = place.astype(np.int64)
        found: Floats = self.heights[left] + (place - left) * self.rises[left]
        return found

    def mean_weight(self, values: Floats, alpha: float) -> float:
        """Return the mean of the weights of values, before it is brought to 1."""
        return float(np.maximum(1 - alpha * self(values), LEAST_WEIGHT).mean())


def bandwidth(values: Floats) -> float:
    """Return the bandwidth of Silverman's rule, of the smaller of standard deviation and scaled interquartile range."""
    if len(values) < 2:
        return 1.0
    box, bulk = (np.subtract(*np.percentile(values, ends)) for ends in ((75, 25), (99, 1)))
    spread = min(float(np.std(values, ddof=1)), box / _BOX) or bulk / _BULK
    return float(spread * (len(values) * 0.75) ** -0.2) or 1.0
