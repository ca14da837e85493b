"""The relevance of a numeric target: the curve against scipy, box plots by hand, and bins by brute force."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator

from spark_balance.kernels.relevance import Curve, box_plot, extremes, slopes_of

PHI = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.8, 0.9, 1.0])


@st.composite
def points(draw):
    """Draw control points, whose values ascend."""
    values = draw(st.lists(st.integers(-1000, 1000), min_size=2, max_size=7, unique=True))
    return tuple((value / 8, draw(PHI)) for value in sorted(values))


def reference(of):
    """Return scipy's curve: PCHIP's slopes inside, 0 at the ends, constant beyond."""
    x, y = np.array(of).T
    slopes = PchipInterpolator(x, y).derivative()(x)
    slopes[[0, -1]] = 0
    spline = CubicHermiteSpline(x, y, slopes)
    return lambda values: spline(np.clip(values, x[0], x[-1]))


@given(points())
def test_the_curve_is_that_of_scipy_and_monotone_between_points(of):
    curve = Curve(of)
    values = np.linspace(of[0][0] - 5, of[-1][0] + 5, 501)
    np.testing.assert_allclose(curve(values), reference(of)(values), atol=1e-9)
    np.testing.assert_allclose(curve([x for x, _ in of]), [y for _, y in of], atol=1e-12)
    for (left, one), (right, other) in pairwise(of):
        steps = np.diff(curve(np.linspace(left, right, 64)))
        assert (steps * np.sign(other - one) >= -1e-12).all()
    assert slopes_of(of)[0] == slopes_of(of)[-1] == 0


@given(points(), st.sampled_from([0.05, 0.3, 0.8, 1.0]))
def test_bins_hold_the_values_on_one_side_of_the_threshold(of, threshold):
    curve = Curve(of)
    bins = curve.bins(threshold)
    assert bins[0].low == -math.inf
    assert bins[-1].high == math.inf
    assert len({one.name for one in bins}) == len(bins)
    for one, following in pairwise(bins):
        assert one.high == following.low
        assert one.rare != following.rare
    for value in (x for one in of for x in (one[0], one[0] + 0.03, one[0] - 0.7)):
        [found] = [one for one in bins if one.low <= value < one.high]
        # what rounding may move across lies at the threshold itself
        assert found.rare == (curve(value) >= threshold) or abs(curve(value) - threshold) < 1e-9
    for one in bins[1:]:
        below = np.nextafter(one.low, -math.inf)
        assert (curve(one.low) >= threshold) == one.rare or abs(curve(one.low) - threshold) < 1e-12
        assert (curve(below) >= threshold) != one.rare or abs(curve(below) - threshold) < 1e-12


@pytest.mark.parametrize(
    ("of", "names"),
    [
        (((0, 1), (5, 0), (9, 1)), ["low", "normal", "high"]),
        (((0, 0), (9, 1)), ["normal", "high"]),
        (((0, 1), (9, 0)), ["low", "normal"]),
        (((0, 0), (5, 1), (9, 0)), ["normal 1", "rare 1", "normal 2"]),
        (((0, 0), (9, 0.5)), ["normal"]),
        (((0, 1), (9, 1)), ["rare 1"]),
    ],
)
def test_bins_have_names(of, names):
    assert [one.name for one in Curve(of).bins(0.8)] == names


def by_hand(values):
    """Return the box plot by the definition of R's `fivenum` and `boxplot.stats`."""
    ordered, n = sorted(values), len(values)
    half = ordered[: (n + 1) // 2]
    other = ordered[n // 2 :]
    lower, median, upper = map(np.median, (half, ordered, other))
    inside = [x for x in ordered if lower - 1.5 * (upper - lower) <= x <= upper + 1.5 * (upper - lower)]
    return inside[0], lower, median, upper, inside[-1]


@given(st.lists(st.integers(-50, 200), min_size=1, max_size=40))
def test_a_box_plot_is_that_of_r(values):
    np.testing.assert_allclose(box_plot(np.sort(np.array(values, dtype=float))), by_hand(values))


def test_extremes_follow_the_outliers():
    middle = np.arange(20.0)
    assert extremes(np.array([*middle, 90.0])) == ((0.0, 0.0), (10.0, 0.0), (19.0, 1.0))
    assert extremes(np.array([-90.0, *middle, 90.0])) == ((0.0, 1.0), (9.5, 0.0), (19.0, 1.0))
    assert extremes(middle) == ((0.0, 0.0), (9.5, 0.0), (19.0, 0.0))
    assert [one.name for one in Curve(extremes(middle)).bins(0.8)] == ["normal"]
    # most values are equal: a whisker has no length, and nothing lies between 0 and 1
    assert extremes(np.array([5.0] * 9 + [7.0])) == ((5.0, 0.0), (5.0, 1.0))
