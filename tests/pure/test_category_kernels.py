"""Neighbors of rows with categories, and their votes, against the plainest code there is."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest
from pyspark.sql import types as T

from spark_balance.frames.classes import Strata
from spark_balance.frames.plan import ClassPlan, ResamplingPlan
from spark_balance.frames.sample import Sample
from spark_balance.kernels.knn import knn
from spark_balance.kernels.members import elect
from spark_balance.kernels.metrics import BLOCK, PLACES, Mixed, ValueDifference
from spark_balance.kernels.scale import MixedScale, Scale
from spark_balance.neighbors.space import DirectionColumns, MixedColumns, ValueColumns
from spark_balance.neighbors.values import _number_classes


def _rows(n, numbers, categories, values, seed=3):
    draw = np.random.default_rng(seed)
    return np.column_stack(
        [
            draw.integers(-50, 50, (n, numbers)),
            draw.integers(0, 2**52, values)[draw.integers(0, values, (n, categories))],
        ]
    ).astype(float)


def _plainly(distance, queries, k):
    distance = distance.copy()
    np.fill_diagonal(distance, np.inf)
    return np.argsort(distance[queries], axis=1, kind="stable")[:, :k]


@pytest.mark.parametrize("values", [1, 2, 5, 400])
@pytest.mark.parametrize("penalty", [0.0, 7.0, 900.0])
def test_mixed_neighbors_are_the_nearest(values, penalty):
    points = np.concatenate([_rows(300, 2, 3, values), np.tile(_rows(1, 2, 3, 1), (20, 1))])
    distance = ((points[:, None, :2] - points[:, :2]) ** 2).sum(axis=2)
    distance += penalty * (points[:, None, 2:] != points[:, 2:]).sum(axis=2)
    queries = np.arange(0, 320, 3)
    found = knn(points, queries, 5, metric=Mixed(2, penalty))[0]
    np.testing.assert_array_equal(found, _plainly(distance, queries, 5))


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_value_differences_are_the_nearest(classes):
    draw = np.random.default_rng(classes)
    # four values in each of three features, so that many rows are equal
    shares = np.rint(draw.dirichlet(np.ones(classes), (3, 4)) * 2**20)
    held = shares[np.arange(3), draw.integers(0, 4, (400, 3))]
    told = held[:, :, :1] if classes == 2 else held
    points = np.column_stack([told.reshape(400, -1), draw.integers(0, 9, (400, 3))]).astype(float)
    apart = np.abs(told[:, None] - told).sum(axis=3)
    queries = np.arange(0, 400, 7)
    found = knn(points, queries, 40, metric=ValueDifference(3, told.shape[2]))[0]
    np.testing.assert_array_equal(found, _plainly((apart**2).sum(axis=2), queries, 40))


@pytest.mark.parametrize("kernel", [Mixed(2, 50.0), ValueDifference(2, 3)])
def test_many_categories_are_searched_in_bounded_blocks(kernel):
    points = _rows(6_000, 6, 2, 20_000)
    assert len(np.unique(points[:, -1])) > 5_000
    points = points[:, -4:] if kernel == Mixed(2, 50.0) else points
    sizes = [distance.size for _, distance in kernel.distances(points, np.arange(0, 6_000, 20))]
    assert max(sizes) <= BLOCK
    assert len(sizes) > 5


def test_the_penalty_is_the_squared_median_of_the_standard_deviations():
    points = _rows(1_000, 5, 2, 9) * [1, 3, 9, 27, 81, 1, 1]
    assert Mixed.fit(points, 5).penalty == round(float(np.median(points[:, :5].std(axis=0))) ** 2)
    assert Mixed.fit(points[:0], 5).penalty == 0


def test_where_most_numbers_are_constant_categories_vanish():
    points = _rows(200, 3, 2, 9) * [1, 0, 0, 1, 1]
    kernel = Mixed.fit(points, 3)
    assert kernel.penalty == 0
    other = points.copy()
    other[:, 3:] = 4
    np.testing.assert_array_equal(
        knn(points, np.arange(200), 4, metric=kernel)[0], knn(other, np.arange(200), 4, metric=kernel)[0]
    )


def test_numbers_are_scaled_and_categories_are_not():
    rows = _rows(500, 2, 2, 100) * [0.001, 1000, 1, 1]
    scale = MixedScale.of_numbers(rows, 2, equalize=True)
    points = scale.integers(rows)
    np.testing.assert_array_equal(points[:, 2:], rows[:, 2:])
    spread = points[:, :2].std(axis=0)
    assert 0.5 < spread[0] / spread[1] < 2
    np.testing.assert_array_equal(points, np.rint(points))
    # whatever is known of the deviations of categories
    small = rows * [1, 1e-6, 1, 1]
    known = MixedScale.of_numbers(small, 2, equalize=False, deviations=small.std(axis=0))
    assert known.unit == MixedScale.of_numbers(small, 2, equalize=False).unit


def test_places_of_categories_are_as_far_apart_as_the_penalty_says():
    points = _rows(2_000, 2, 1, 2_000)
    embedded = Mixed(2, 10_000.0).embed(points)
    assert embedded.shape == (2_000, 2 + PLACES)
    np.testing.assert_array_equal(embedded, np.rint(embedded))
    apart = ((embedded[:1_000, 2:] - embedded[1_000:, 2:]) ** 2).sum(axis=1)
    assert np.mean(apart) == pytest.approx(10_000, rel=0.1)
    np.testing.assert_array_equal(embedded, Mixed(2, 10_000.0).embed(points))


@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_a_winner_has_the_most_votes(k):
    draw = np.random.default_rng(k)
    values, near = draw.integers(0, 4, 50), draw.integers(0, 50, (3_000, k))
    winners = elect(near, values, draw.integers(-(2**63), 2**63, 3_000))
    ties = Counter()
    for row, winner in zip(near, winners, strict=True):
        counts = Counter(values[row].tolist())
        most = [value for value in counts if counts[value] == max(counts.values())]
        assert winner in row
        assert values[winner] in most
        if len(most) == 2:
            ties[most.index(values[winner])] += 1
    # of two values as frequent, each wins about as often
    assert k == 1 or 0.4 < ties[0] / (ties[0] + ties[1]) < 0.6


def test_squared_distances_are_told_with_the_penalties():
    points = np.array([[3.0, 4, 7, 9], [0, 0, 7, 8], [3, 5, 6, 8]])
    [(_, squares)] = Mixed(2, 10.0).distances(points, np.arange(3))
    assert squares.tolist() == [[0, 35, 21], [35, 0, 44], [21, 44, 0]]


def test_new_rows_lie_between_two_unless_they_have_values_alone():
    spaces = [MixedColumns((), (1,)), DirectionColumns((), (1,)), ValueColumns((), ())]
    assert [one.segment for one in spaces] == [True, True, False]
    assert [one.equalized for one in spaces] == [True, False, False]
    assert [one.width for one in spaces] == [1, 1, 0]


def test_categories_have_the_metric_of_their_class_and_vote():
    mixed = MixedColumns((), (2, 1), (), ("x", "y"))
    assert (mixed.width, mixed.numbers.width, mixed.count_numbers(None)) == (5, 3, 2)
    rows = np.array([[0.0, 0, 0, 1, 2], [4, 8, 16, 1, 2]])
    sample = Sample(mixed, {0: rows}, {0: np.arange(2)}, {0: 1.0})
    scale = Scale(np.zeros(5), np.ones(5), 2.0**20)
    metrics = mixed.metrics(sample, scale, [0, 1])
    assert metrics == {0: Mixed(3, 16.0), 1: Mixed(3, 0.0)}
    votes = mixed.votes(9)
    assert (votes.categories, votes.interpolated, votes.itself, votes.stream) == (2, 3, False, 9)
    values = ValueColumns((), (), (), ("x", "y"), ("vx", "vy"), 6)
    assert values.metrics(sample, scale, [3, 4]) == dict.fromkeys([3, 4], ValueDifference(2, 3))
    votes = values.votes(9)
    assert (votes.categories, votes.interpolated, votes.itself) == (2, 0, True)
    assert (values.width, values.count_numbers(None)) == (8, 4)
    assert values.scale(sample, equalize=True).limit == 2.0**20
    assert values.scale(sample, equalize=True).integers(np.array([[0.5, 1, 2, 3, 4, 5, 6, 7]])).tolist() == [
        [0, 1, 2, 3, 4, 5, 6, 7]
    ]


def test_groups_and_labels_have_numbers():
    entries = [(("de",), "b"), (("de",), "a"), (("fr",), "c"), (("at",), "a")]
    strata = SimpleNamespace(rows=[SimpleNamespace(entry=SimpleNamespace(group=g, label=n)) for g, n in entries])
    assert _number_classes(strata) == ([0, 0, 1, 2], [1, 0, 2, 0])


@pytest.mark.parametrize(
    ("values", "share", "said"),
    [
        (153, 1.0, "has 153 values in 153 rows of class 'fraud'"),
        (151, 1.0, "has 151 values in 153 rows of class 'fraud'"),
        (145, 1.0, None),  # one row in twenty repeats a value
        (153, 0.05, "has 153 values in 153 sampled rows of class 'fraud'"),
        (151, 0.05, None),  # two of a twentieth are some 800 of all
        (3, 1.0, None),
    ],
)
def test_a_category_that_is_nearly_unique_is_an_identity(values, share, said):
    rows = np.stack([np.zeros(153), np.arange(153) % 4, np.arange(153) % values], axis=1)
    few = np.arange(19 * 3.0).reshape(19, 3)  # too few rows to see a key
    plan = ResamplingPlan("SMOTENC", "y", tuple(ClassPlan((), n, 153, 900, "synthesize") for n in ("few", "fraud")))
    strata = Strata.of(plan, T.StructType(), complete=True)
    mixed = MixedColumns((), (1,), (), ("kind", "device_id"))
    sample = Sample(mixed, {0: few, 1: rows}, {}, {0: 1.0, 1: share})
    doubts = list(mixed.doubts(strata, sample))
    assert len(doubts) == (said is not None)
    if said:
        assert doubts[0] == (
            f"SMOTENC: 'device_id' {said}: an identity, not a category; name the categories without it with "
            "categorical_features, or, if it is unique, name it in key_cols"
        )
        assert "with feature_cols" in next(ValueColumns((), (), (), ("kind", "device_id")).doubts(strata, sample))
