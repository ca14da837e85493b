"""How the values of a column are spread, and how far two spreads are apart; every value counts by its weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spark_balance.kernels import Floats

_BINS = 30
_WHOLE_BINS = 40  # whole numbers of so few values have a bin each
_TAIL = 0.5  # per cent of the values at each end that go into the first and the last bin


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation of the values that are there, and the share that is not; NaN when none is."""

    mean: float
    sd: float
    missing: float

    @classmethod
    def of(cls, values: Floats, weights: Floats) -> Spread:
        """Measure a column, in which a missing value is NaN."""
        there = np.isfinite(values)
        total, here = weights.sum(), weights[there].sum()
        if not here:
            return cls(float("nan"), float("nan"), 1.0 if total else 0.0)
        mean = float(np.average(values[there], weights=weights[there]))
        variance = float(np.average((values[there] - mean) ** 2, weights=weights[there]))
        return cls(mean, variance**0.5, float(1 - here / total))


def largest_gap(one: Floats, one_weights: Floats, other: Floats, other_weights: Floats) -> float:
    """Return the largest distance of two distribution functions (Kolmogorov and Smirnov's); 0 where one is empty."""
    sides = [(one, one_weights), (other, other_weights)]
    sides = [(values[there], weights[there]) for values, weights in sides for there in (np.isfinite(values),)]
    if not all(weights.sum() > 0 for _, weights in sides):
        return 0.0
    points = np.unique(np.concatenate([values for values, _ in sides]))
    below = []
    for values, weights in sides:
        order = np.argsort(values, kind="stable")
        steps = np.concatenate([[0.0], np.cumsum(weights[order])]) / weights.sum()
        below.append(steps[np.searchsorted(values[order], points, side="right")])
    return float(np.abs(below[0] - below[1]).max())


def bin_edges(values: Floats) -> Floats:
    """Return edges that show these values: a bin for each of a few whole numbers, else equal bins without the tails."""
    values = values[np.isfinite(values)]
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = values.min(), values.max()
    if high - low < _WHOLE_BINS and (values == np.rint(values)).all():
        return np.arange(low - 0.5, high + 1.0)
    inner = np.percentile(values, [_TAIL, 100 - _TAIL])
    low, high = inner if inner[1] > inner[0] else (low, high)
    edges: Floats = np.linspace(low, high, _BINS + 1) if high > low else np.array([low - 0.5, low + 0.5])
    return edges


def bin_shares(values: Floats, weights: Floats, edges: Floats) -> Floats:
    """Return the share of each bin; values beyond the edges are in the outermost ones."""
    there = np.isfinite(values)
    found = np.histogram(np.clip(values[there], edges[0], edges[-1]), edges, weights=weights[there])[0]
    shares: Floats = found / max(found.sum(), np.finfo(float).tiny)
    return shares
