"""From bounded rows to figures: shares with their errors, distances, drift."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.report.distribution import largest_gap
from spark_balance.trust.drawn import Drawn
from spark_balance.trust.figures import Correlation, Distance, Drift, OffSupport, Share
from spark_balance.trust.near import Near

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
FAR_QUANTILE = 0.99
OUTLIER_FACTOR = 2.0  # times that quantile
_Z = 1.959964  # of a 95 % interval


def share_of(new: Bools, new_times: Ints, old: Bools, old_times: Ints) -> Share:
    """Return the share of new rows that are marked, and of originals, with Wilson's intervals."""
    (value, error), (originals, other) = _with_error(new, new_times), _with_error(old, old_times)
    return Share(value, originals, error, other)


def _with_error(marked: Bools, times: Ints) -> tuple[float, float]:
    share = average(marked, times)
    # identical rows say the same: fewer rows than there are
    rows = float(times.sum()) ** 2 / float((times.astype(float) ** 2).sum())
    half = _Z / (1 + _Z**2 / rows) * math.sqrt(share * (1 - share) / rows + _Z**2 / (4 * rows**2))
    # the interval is not around the share: of a rare one nearly all of it is above
    return share, half + abs(share - 0.5) * _Z**2 / (rows + _Z**2)


def distance_of(new: Near, held: Near) -> Distance | None:
    """Compare the distances of new rows and of held-out originals to the nearest original."""
    if not (np.isfinite(new.any).all() and np.isfinite(held.any).all()):
        return None
    both = [quantiles(one.any, one.times) for one in (new, held)]
    close = both[1][0]
    nearer = share_of(new.any < close, new.times, held.any < close, held.times)
    named = {f"{q:.0%}": (float(one), float(other)) for q, one, other in zip(QUANTILES, *both, strict=True)}
    middle = named["50%"]
    return Distance(named, middle[0] / middle[1] if middle[1] else 1.0, nearer)


def strangers_of(new: Near, held: Near) -> Share | None:
    """Return the share of new rows whose nearest original is of another class; None where parents are all of it."""
    if not np.isfinite(new.own).all():
        return None
    return share_of(new.strange, new.times, held.strange, held.times)


def off_support_of(new: Near, held: Near) -> OffSupport | None:
    """Return the share of new rows farther from their class than nearly all originals are."""
    if not (np.isfinite(new.own).all() and np.isfinite(held.own).all()):
        return None
    limit = _distance_limit(held)
    share = share_of(new.own > limit, new.times, held.own > limit, held.times)
    outliers = average(find_outliers(new, held), new.times)
    return OffSupport(**asdict(share), outlier_share=outliers, outlier_allowance=1 / len(held.times))


def find_outliers(new: Near, held: Near) -> Bools:
    """Mark the new rows that are far from every original, their parents included."""
    outliers: Bools = np.minimum(new.own, new.parent) > OUTLIER_FACTOR * _distance_limit(held)
    return outliers


def _distance_limit(held: Near) -> float:
    return float(quantiles(held.own, held.times, (FAR_QUANTILE,))[0])


def list_columns_out_of_range(rows: Floats, old: Floats, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns in which rows are outside the range of the originals, the most frequent first."""
    outside = ((rows < old.min(axis=0)) | (rows > old.max(axis=0))).sum(axis=0)
    order = np.argsort(-outside, kind="stable")
    return tuple(names[i] for i in order.tolist() if outside[i])


def average(marked: Bools, times: Ints) -> float:
    """Return the share of rows that are marked, each as often as it is there."""
    return float(np.average(marked, weights=times))


def commonest_value(new: Drawn, old: Drawn, categories: tuple[str, ...]) -> tuple[str, Share] | None:
    """Return the category of which one value grew most among its new rows, and the share of rows that have it."""
    found = []
    for i, name in enumerate(categories):
        values, place = np.unique(new.categories[:, i], return_inverse=True)
        most = values[np.bincount(place, new.times).argmax()]
        sides = [(rows.categories[:, i] == most, rows.times) for rows in (new, old)]
        found.append((name, share_of(*sides[0], *sides[1])))
    return max(found, key=lambda one: one[1].value - one[1].originals, default=None)


def quantiles(values: Floats, times: Ints, at: tuple[float, ...] = QUANTILES) -> Floats:
    """Return quantiles of values, each as often as it is there: the first value that this share is at most."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(times[order])
    places = np.searchsorted(reached, np.ceil(np.array(at) * reached[-1] - 1e-9))
    found: Floats = values[order][np.minimum(places, len(values) - 1)]
    return found


def drift_of(new: Drawn, old: Drawn, numbers: tuple[str, ...], categories: tuple[str, ...]) -> Drift:
    """Compare how new rows and originals are spread."""
    halves = _halve(old)
    gaps = [dict(_gaps(*pair, numbers, categories)) for pair in ((new, old), halves)]
    ordered = dict(sorted(gaps[0].items(), key=lambda one: -one[1]))
    return Drift(ordered, {name: gaps[1][name] for name in ordered}, _noise(new, old))


def compare_correlations(new: Drawn, old: Drawn, numbers: tuple[str, ...]) -> Correlation:
    """Return the largest difference between a correlation in new rows and in originals; 0 for a single number."""
    if len(numbers) < 2:
        return Correlation(0.0, 0.0, (), _noise(new, old))
    halves = _halve(old)
    apart, other = (np.abs(_correlations(one) - _correlations(two)) for one, two in ((new, old), halves))
    first, second = np.unravel_index(apart.argmax(), apart.shape)
    pair = numbers[int(first)], numbers[int(second)]
    return Correlation(float(apart.max()), float(other.max()), pair, _noise(new, old))


def _halve(rows: Drawn) -> tuple[Drawn, Drawn]:
    return rows.take(np.arange(0, len(rows.code), 2)), rows.take(np.arange(1, len(rows.code), 2))


def _noise(new: Drawn, old: Drawn) -> float:
    return math.sqrt(1 / max(1, len(new.code)) + 1 / max(1, len(old.code)))


def _gaps(one: Drawn, other: Drawn, numbers: tuple[str, ...], categories: tuple[str, ...]) -> Any:
    weights = one.times.astype(float), other.times.astype(float)
    for i, name in enumerate(numbers):
        yield name, largest_gap(one.numbers[:, i], weights[0], other.numbers[:, i], weights[1])
    for i, name in enumerate(categories):
        values, place = np.unique(np.concatenate([one.categories[:, i], other.categories[:, i]]), return_inverse=True)
        parts = np.split(place, [len(one.code)])
        shares = [np.bincount(part, w, len(values)) / w.sum() for part, w in zip(parts, weights, strict=True)]
        yield name, float(np.abs(shares[0] - shares[1]).sum() / 2)


def _correlations(rows: Drawn) -> Floats:
    """Return the correlations of all numbers; those of a constant are 0."""
    width, total = rows.numbers.shape[1], rows.times.sum()
    if not width or total < 2:
        return np.zeros((width, width))
    centered, _ = center(rows.numbers, rows.times)
    spread = np.sqrt(np.average(centered**2, axis=0, weights=rows.times))
    scaled = np.divide(centered, spread, out=np.zeros_like(centered), where=spread > 0)
    found: Floats = (scaled * rows.times[:, None]).T @ scaled / total
    return found


def center(numbers: Floats, weights: Floats | Ints) -> tuple[Floats, Floats]:
    """Return how far numbers are from their mean, in parts of the farthest, and how far that is; of a constant 1."""
    away = numbers - np.average(numbers, axis=0, weights=weights)
    most = np.abs(away).max(axis=0)
    most = np.where(most > 0, most, 1)  # squares of what a double holds may be beyond it
    return away / most, most


def weigh(rows: Drawn, stands_for: Mapping[int, float]) -> Floats:
    """Return how many rows each drawn one counts for, given how many one of each class stands for."""
    counted: Floats = rows.times * np.array([stands_for[code] for code in rows.code.tolist()])
    return counted
