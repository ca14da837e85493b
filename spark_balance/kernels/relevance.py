"""How much a value of a numeric target matters: control points, the curve through them, and the bins it makes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from spark_balance.kernels import Bools, Floats
from spark_balance.kernels.draws import apportion

Points = tuple[tuple[float, float], ...]  # of a value of the target and its relevance, ascending
WHISKER = 1.5  # of a box plot, in lengths of its box


class Bin(NamedTuple):
    """A range of the target whose values are all rare, or all normal.

    Attributes
    ----------
    name : str
        'low', 'normal' and 'high', or, where there are more ranges, 'rare 1', 'normal 1', ...
    low, high : float
        The least value that is in it, and the least value above that is not.
    rare : bool
        Whether their relevance is at least the threshold.
    """

    name: str
    low: float
    high: float
    rare: bool


@dataclass(frozen=True)
class Curve:
    """The relevance of each value: cubic between two control points, monotone there, constant beyond the last ones.

    The slopes at the points are those of PCHIP (Fritsch and Butland, 1984), and 0 at both ends.
    """

    points: Points

    @cached_property
    def pieces(self) -> list[tuple[float, float, float, float]]:
        """The coefficients of each piece, of the powers 0 to 3 of the distance from its left point."""
        slopes, found = slopes_of(self.points), []
        for i, ((x, y), (right, above)) in enumerate(pairwise(self.points)):
            width, steep = right - x, (above - y) / (right - x)
            square = (3 * steep - 2 * slopes[i] - slopes[i + 1]) / width
            cube = (slopes[i] + slopes[i + 1] - 2 * steep) / width / width
            found.append((y, slopes[i], square, cube))
        return found

    def __call__(self, values: ArrayLike) -> Floats:
        """Return the relevance of values."""
        given = np.asarray(values, dtype=np.float64)
        x = np.array([point[0] for point in self.points])
        place = np.clip(np.searchsorted(x, given, side="right") - 1, 0, len(self.pieces) - 1)
        constant, line, square, cube = np.array(self.pieces)[place].T
        away = given - x[place]
        inside = constant.T + away * (line.T + away * (square.T + away * cube.T))
        ends = np.where(given >= x[-1], self.points[-1][1], inside)
        found: Floats = np.clip(np.where(given < x[0], self.points[0][1], ends), 0.0, 1.0)
        return found

    def bins(self, threshold: float) -> tuple[Bin, ...]:
        """Return the ranges of values whose relevance is at least a threshold, and those between, ascending."""
        known = self(np.array([point[0] for point in self.points])) >= threshold
        cuts = [
            self._crossing(left, right, bool(is_rare), threshold)
            for (left, is_rare), (right, then) in pairwise(zip([x for x, _ in self.points], known, strict=True))
            if is_rare != then
        ]
        ends, rare = [-math.inf, *cuts, math.inf], bool(known[0])
        states = [rare == (i % 2 == 0) for i in range(len(cuts) + 1)]
        return tuple(map(Bin, _names(states), ends, ends[1:], states))

    def _crossing(self, left: float, right: float, before: bool, threshold: float) -> float:
        """Return the least value between two at which it is on the other side of the threshold."""
        while (middle := left + (right - left) / 2) not in (left, right):
            if bool(self(middle) >= threshold) == before:
                left = middle
            else:
                right = middle
        return right


def slopes_of(points: Points) -> list[float]:
    """Return the slope at each control point, those of PCHIP, 0 at both ends: the curve between two is monotone."""
    widths = [right[0] - left[0] for left, right in pairwise(points)]
    steep = [(right[1] - left[1]) / width for (left, right), width in zip(pairwise(points), widths, strict=True)]
    found = [0.0]
    for (h, d), (width, slope) in pairwise(zip(widths, steep, strict=True)):
        one, other = 2 * width + h, width + 2 * h
        # the weighted harmonic mean; 0 at a peak
        found.append((one + other) / (one / d + other / slope) if d * slope > 0 else 0.0)
    return [*found, 0.0]


def goals(rows: Mapping[str, int], how: Literal["balance", "extreme"]) -> dict[str, int]:
    """Return the rows that each bin is to have of all that there are: as many as others, or more the fewer it has."""
    weights = [Fraction(1, 1 if how == "balance" else n) for n in rows.values()]
    shares = [weight / sum(weights) for weight in weights]
    return dict(zip(rows, apportion([sum(rows.values())], shares)[0], strict=True))


def _names(rare: list[bool]) -> list[str]:
    """Name the bins of a target by whether they are rare."""
    if len(rare) <= 3 and rare.count(False) == 1:
        place = rare.index(False)
        return ["low"] * place + ["normal"] + ["high"] * (len(rare) - place - 1)
    seen, names = {True: 0, False: 0}, list[str]()
    for one in rare:
        seen[one] += 1
        names.append(f"{'rare' if one else 'normal'} {seen[one]}")
    return names


class Box(NamedTuple):
    """The five numbers of a box plot: the ends of the whiskers, the hinges, and the median."""

    low: float
    lower: float
    median: float
    upper: float
    high: float


def box_plot(ordered: Floats) -> Box:
    """Return the box plot of values in ascending order: Tukey's hinges, and the farthest values within 1.5 boxes."""
    n = len(ordered)
    depth = (n + 3) // 2 / 2
    places = np.array([depth, (n + 1) / 2, n + 1 - depth]) - 1
    lower, median, upper = (ordered[np.floor(places).astype(int)] + ordered[np.ceil(places).astype(int)]) / 2
    reach = WHISKER * (upper - lower)
    inside: Bools = (ordered >= lower - reach) & (ordered <= upper + reach)
    whiskers = ordered[inside]
    return Box(*map(float, (whiskers[0], lower, median, upper, whiskers[-1])))


def extremes(ordered: Floats) -> Points:
    """Return the control points of Ribeiro (2011): 0 at the median, 1 at the whisker beyond which there are outliers.

    On a side without outliers relevance stays 0. Where a whisker has no length, two points have one value.
    """
    box, least, most = box_plot(ordered), float(ordered[0]), float(ordered[-1])
    left = [(box.low, 1.0)] if least < box.low else [(least, 0.0)] * (least < box.median)
    right = [(box.high, 1.0)] if most > box.high else [(most, 0.0)] * (most > box.median)
    return (*left, (box.median, 0.0), *right)
