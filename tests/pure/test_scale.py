"""Features as integers: within the limit, exact in every product, about equally spread."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from imblearn.under_sampling import EditedNearestNeighbours
from sklearn.datasets import make_classification
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from spark_balance.kernels.knn import knn
from spark_balance.kernels.scale import Directions, Scale

WIDTHS = [1, 2, 3, 28, 64, 500, 512, 513, 3000]


def heavy(seed, rows, features):
    """Make rows of very different spreads, some with heavy tails."""
    rng = np.random.default_rng(seed)
    spread = 10.0 ** rng.uniform(-6, 6, features)
    return rng.uniform(-10, 10, features) * spread + spread * rng.standard_t(
        rng.integers(2, 20, features), (rows, features)
    )


shapes = st.tuples(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 12))


@given(shapes, st.booleans())
def test_rows_become_whole_numbers_within_the_limit(shape, equalize):
    sample = heavy(*shape)
    scale = Scale.fit(sample, equalize=equalize)
    inside, outside = scale.integers(sample), scale.integers(sample * 1e9)
    for rows in (inside, outside):
        assert rows.dtype == np.float64
        assert (rows == np.rint(rows)).all()
        assert (np.abs(rows) <= scale.limit).all()
    # the sample fills between a quarter and a half of the room: nothing of it is clipped, or it was worth it
    filled = scale.limit / 4 - 1 <= np.abs(inside).max() <= scale.limit / 2
    assert not np.ptp(sample, axis=0).any() or filled or scale.steps <= 2 * 4_096


@given(shapes, st.booleans())
def test_factors_have_ten_bits(shape, equalize):
    bits = np.frexp(Scale.fit(heavy(*shape), equalize=equalize).factor)[0] * 2**10
    assert (bits == np.rint(bits)).all()


@given(shapes)
def test_proportions_are_kept_when_spreads_are_not_to_be_equal(shape):
    assert len(set(Scale.fit(heavy(*shape), equalize=False).factor)) == 1


@given(shapes)
def test_features_are_divided_by_their_standard_deviation(shape):
    sample = heavy(*shape)
    scale = Scale.fit(sample, equalize=True)
    expected = scale.unit / StandardScaler().fit(sample).scale_
    np.testing.assert_allclose(scale.factor, expected, rtol=2**-10)


def test_deviations_of_all_rows_replace_those_of_the_sample():
    sample = np.random.default_rng(0).normal(size=(500, 5)) * [1.0, 3.0, 1.0, 1.0, 0.0]
    known = np.array([1.5, 2.0, 0.0, np.inf, 0.01])
    scale = Scale.fit(sample, equalize=True, deviations=known)
    # sums that are beyond all doubles say nothing; a feature may vary outside of the sample alone
    expected = np.where([True, True, False, False, True], known, sample.std(axis=0))
    np.testing.assert_allclose(scale.factor, scale.unit / expected, rtol=2**-10)
    assert scale.integers(np.eye(5))[4, 4] != 0
    # twice the farthest value fits: that of a row which lies one deviation away
    for away in (8.0, 9.0):
        alone = Scale.fit(np.zeros((9, 1)), equalize=False, deviations=np.array([away]))
        assert alone.limit / 4 < alone.integers(np.array([[away]])) <= alone.limit / 2


def test_neighbors_are_those_that_scikit_learn_finds_after_its_standard_scaler():
    rng = np.random.default_rng(0)
    sample = rng.normal(size=(4_000, 8)) @ rng.normal(size=(8, 20)) * rng.uniform(0.6, 0.8, 20)
    found = knn(Scale.fit(sample, equalize=True).integers(sample), np.arange(len(sample)), 5)[0]
    scaled = StandardScaler().fit_transform(sample)
    true = NearestNeighbors(n_neighbors=5).fit(scaled).kneighbors(return_distance=False)
    same = [len(np.intersect1d(one, other)) for one, other in zip(found, true, strict=True)]
    assert np.mean(same) >= 0.99 * 5


@pytest.mark.parametrize("equalize", [True, False])
def test_one_far_value_leaves_the_other_rows_apart(equalize):
    sample = np.random.default_rng(0).normal(size=(5_000, 3))
    alone = Scale.fit(sample, equalize=equalize)
    sample[17, 1] = 1e8
    scale = Scale.fit(sample, equalize=equalize)
    assert scale.steps >= 4_096
    assert alone.steps >= 4_096
    # its own feature has that deviation, as StandardScaler has it; the others are as they were
    assert len(np.unique(scale.integers(sample)[:, 0])) > 4_000
    assert np.abs(scale.integers(sample)[17, 1]) == scale.limit or equalize


@pytest.mark.parametrize("sentinel", [1e8, 1e12])
@pytest.mark.parametrize("equalize", [True, False])
def test_one_sentinel_leaves_the_decisions_of_imbalanced_learn(equalize, sentinel):
    rows, label = make_classification(768, 8, n_informative=5, weights=[0.65], flip_y=0.1, random_state=0)
    rows = rows * [3.4, 32, 19, 16, 115, 7.9, 0.33, 11.8] + [3.8, 120, 69, 20, 80, 32, 0.47, 33]
    rows[100, 4] = sentinel
    near = knn(Scale.fit(rows, equalize=equalize).integers(rows), np.arange(len(rows)), 3)[0]
    ours = np.flatnonzero((label == 1) | (label[near] == 0).all(axis=1))
    theirs = EditedNearestNeighbours()
    theirs.fit_resample(StandardScaler().fit_transform(rows) if equalize else rows, label)
    both = np.intersect1d(ours, theirs.sample_indices_)
    assert 300 < len(both) >= 0.99 * len(np.union1d(ours, theirs.sample_indices_))


def test_steps_are_those_of_the_middle_row():
    sample = np.random.default_rng(0).normal(size=(5_000, 3)) * [1.0, 5.0, 0.1]
    scale = Scale.fit(sample, equalize=False)
    assert scale.steps == pytest.approx(np.median(np.abs(scale.integers(sample)[:, 1])), rel=0.01)


@pytest.mark.parametrize("rows", [3, 9, 1_000, 1_999, 2_000, 4_001])
def test_one_of_a_thousand_values_may_be_clipped_and_one_at_least(rows):
    near = np.resize([-1.0, 1.0], rows)
    for far, fits in ((max(1, rows // 1_000), True), (max(1, rows // 1_000) + 1, False)):
        if far >= rows / 2:  # the middle row is one of them
            continue
        near[:far] = 1e9
        scale = Scale.fit(near[:, None], equalize=False)
        assert (scale.steps >= 4_096) == fits
        assert (np.abs(scale.integers(near[:, None])) == scale.limit).sum() == far * fits


def test_steps_are_few_where_many_values_are_far():
    sample = np.random.default_rng(0).normal(size=(5_000, 1))
    sample[::100] *= 1e9
    assert Scale.fit(sample, equalize=False).steps < 64


@given(shapes, st.booleans())
def test_a_scaled_value_is_the_nearest_integer_of_its_exact_value(shape, equalize):
    sample = heavy(*shape)
    scale = Scale.fit(sample, equalize=equalize)
    scaled = np.clip((sample - scale.center) * scale.factor, -scale.limit, scale.limit)
    assert (np.abs(scaled - scale.integers(sample)) <= 0.5).all()


@pytest.mark.parametrize("features", WIDTHS)
def test_every_product_and_distance_is_exact(features):
    limit = Scale.fit(np.zeros((0, features)), equalize=True).limit
    rng = np.random.default_rng(features)
    rows = np.concatenate(
        [
            np.full((1, features), limit),
            np.full((1, features), -limit),
            rng.choice([-limit, limit], (3, features)),
            rng.integers(-int(limit), int(limit), (5, features), endpoint=True).astype(float),
        ]
    )
    whole = rows.astype(np.int64).astype(object)
    norms = np.einsum("rf,rf->r", rows, rows)
    assert (rows @ rows.T).astype(np.int64).tolist() == (whole @ whole.T).tolist()
    distance = norms[:, None] - 2 * (rows @ rows.T) + norms
    exact = [[((one - other) ** 2).sum() for other in whole] for one in whole]
    assert distance.astype(np.int64).tolist() == exact
    # every partial sum is below 2^53, so the order of the terms does not matter
    assert max(max(row) for row in exact) <= 2**53


@pytest.mark.parametrize(("features", "bits"), [(1, 21), (28, 21), (500, 21), (512, 21), (513, 20)])
def test_the_limit_gives_as_many_bits_as_the_features_allow(features, bits):
    assert Scale.fit(np.zeros((0, features)), equalize=False).limit == 2.0**bits


@pytest.mark.parametrize("equalize", [True, False])
def test_constant_columns_are_no_distance(equalize):
    sample = np.column_stack([np.full(50, 1e9), np.arange(50.0), np.full(50, -3.5)])
    scaled = Scale.fit(sample, equalize=equalize).integers(sample)
    assert not scaled[:, [0, 2]].any()
    assert len(np.unique(scaled[:, 1])) == 50


@pytest.mark.parametrize("equalize", [True, False])
def test_a_sample_of_equal_rows_has_one_integer_row(equalize):
    sample = np.full((9, 4), 0.1)
    scale = Scale.fit(sample, equalize=equalize)
    assert not scale.integers(sample).any()
    assert (scale.factor == 1).all()


def test_an_empty_sample_leaves_the_features_as_they_are():
    assert Scale.fit(np.empty((0, 2)), equalize=True).unit == 1.0
    scale = Scale.fit(np.empty((0, 3)), equalize=True)
    assert scale.integers(np.array([[1.2, -7.6, 1e12]])).tolist() == [[1.0, -8.0, scale.limit]]


def test_the_order_of_the_features_changes_nothing():
    sample = heavy(5, 200, 10)
    order = np.random.default_rng(0).permutation(10)
    straight = Scale.fit(sample, equalize=True).integers(sample)
    assert (Scale.fit(sample[:, order], equalize=True).integers(sample[:, order]) == straight[:, order]).all()


@pytest.mark.parametrize("width", [1, 3, 768])
def test_directions_have_one_length_and_no_other_trace_of_it(width):
    rows = np.random.default_rng(5).normal(size=(200, width)) * np.logspace(-30, 30, 200)[:, None]
    scale = Directions.of(width)
    made = scale.integers(rows)
    assert made == pytest.approx(rows / np.linalg.norm(rows, axis=1)[:, None] * scale.unit, abs=2)
    assert (made == scale.integers(rows * 2.0**40)).all()
    assert (made == scale.integers(rows, np.int32)).all()
    # no sum of squares of a difference may leave what float64 holds exactly
    assert (np.abs(made).astype(object) ** 2).sum(axis=1).max() * 4 < 2**53
    assert (scale.integers(np.zeros((2, width))) == 0).all()
    assert np.isfinite(scale.integers(np.array([[1.7e308] * width, [5e-324] * width]))).all()


@pytest.mark.parametrize("width", [1, 3, 768])
def test_directions_are_those_of_rows_that_fill_the_grid(width):
    rows = np.random.default_rng(6).normal(size=(20, width)) * np.logspace(-9, 9, 20)[:, None]
    scale = Directions.of(width)
    for row, made in zip(rows.tolist(), scale.integers(rows).tolist(), strict=True):
        _, power = math.frexp(max(map(abs, row)))
        whole = [round(math.ldexp(one, int(math.log2(scale.limit)) - power)) for one in row]
        shorter = scale.unit / math.sqrt(sum(one * one for one in whole))
        assert made == [round(one * shorter) for one in whole]
