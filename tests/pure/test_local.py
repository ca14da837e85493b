"""Neighbors inside a cell: exact while it is small, true for nearly all when it is large, equals included."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spark_balance.kernels import distances
from spark_balance.kernels.distances import EqualRows, _sums_of_products, slices
from spark_balance.kernels.knn import BRUTE_ROWS, KnnIndex, count_candidates, knn
from spark_balance.kernels.pivots import CANDIDATES, FIRST
from spark_balance.kernels.recall import estimate_recall


def nearest(points, queries, k):
    """Compare all pairs."""
    return knn(points, queries, k, how="brute")[0]


@given(st.integers(0, 2**32), st.integers(2, 60), st.integers(1, 3), st.integers(1, 5), st.integers(1, 8))
def test_a_small_cell_is_searched_exactly_duplicates_and_all(seed, rows, features, values, k):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, values, (rows, features)).astype(float) * rng.choice([1.0, -1.0], (rows, features))
    queries = np.flatnonzero(rng.random(rows) < 0.6)
    np.testing.assert_array_equal(knn(points, queries, k)[0], nearest(points, queries, k))


@pytest.mark.parametrize("rows", [1, 2, 6])
def test_a_row_by_itself_or_with_few_others(rows):
    assert knn(np.arange(float(rows))[:, None], np.arange(rows), 5)[0].shape == (rows, rows - 1)


def test_many_copies_of_few_rows_are_searched_exactly():
    rng = np.random.default_rng(0)
    points = rng.integers(0, 4, (4 * BRUTE_ROWS, 2)).astype(float)
    queries = np.sort(rng.permutation(len(points))[:300])
    np.testing.assert_array_equal(knn(points, queries, 5)[0], nearest(points, queries, 5))


def test_a_large_cell_is_searched_nearly_exactly():
    rng = np.random.default_rng(1)
    points = np.rint(rng.normal(size=(3 * BRUTE_ROWS, 6)) @ rng.normal(size=(6, 12)) * 1e4)
    queries = np.sort(rng.permutation(len(points))[:1500])
    found, true = knn(points, queries, 5)[0], nearest(points, queries, 5)
    assert not (found == queries[:, None]).any()
    assert np.mean([len(np.intersect1d(one, other)) for one, other in zip(found, true, strict=True)]) >= 0.98 * 5
    distance = ((points[found] - points[queries][:, None]) ** 2).sum(axis=2)
    assert (np.diff(distance, axis=1) >= 0).all()


def shared(found, true):
    return np.mean([len(np.intersect1d(one, other)) for one, other in zip(found, true, strict=True)]) / true.shape[1]


@pytest.mark.parametrize("dense", [0.0, 0.9])
@pytest.mark.parametrize("latent", [6, 30])
def test_the_expected_recall_is_the_measured_one(latent, dense):
    rng = np.random.default_rng(latent)
    rows = 60_000
    points = rng.normal(size=(rows, latent)) @ rng.normal(size=(latent, 40))
    points[rng.random(rows) < dense] *= 0.05
    points = np.rint(points * 1e4)
    found = knn(points, np.arange(rows), 5)[0]
    queries = np.sort(rng.permutation(rows)[:1000])
    measured = shared(found[queries], nearest(points, queries, 5))
    sample = points[:15_000]
    # it may say too little, hardly ever too much
    assert measured - 0.03 <= estimate_recall(sample, np.arange(len(sample)), rows, 5) <= measured + 0.01
    # 30 dimensions are past what a bounded number of candidates can hold: the estimate must say so
    assert (measured == 1) == (latent == 6)


@pytest.mark.parametrize("latent", [6, 30])
def test_without_a_bound_on_the_candidates_all_neighbors_are_true(latent):
    rng = np.random.default_rng(latent)
    points = np.rint(rng.normal(size=(15_000, latent)) @ rng.normal(size=(latent, 40)) * 1e3)
    queries = np.sort(rng.permutation(len(points))[:1500])
    np.testing.assert_array_equal(knn(points, queries, 5, how="exact")[0], nearest(points, queries, 5))


@pytest.mark.parametrize("latent", [2, 6, 30])
def test_the_nearest_of_many_rows_to_others_are_found_with_their_distances(latent):
    rng = np.random.default_rng(latent)
    points = np.rint(rng.normal(size=(16_000, latent)) @ rng.normal(size=(latent, 40)) * 1e3)
    asked, others = points[:3_000], points[3_000:]
    others[:100], others[100:200] = others[200], asked[:100]  # more equals than are wanted, and rows that ask
    true, away = knn(others, asked, 5, how="brute")
    found, distance = knn(others, asked, 5, how="exact")
    np.testing.assert_array_equal(found, true)
    np.testing.assert_array_equal(distance, away)
    assert shared(knn(others, asked, 5)[0], true) > (0.99 if latent <= 6 else 0.9)
    search = KnnIndex(others, 5)
    search.search(asked)
    assert search.compared <= 1.2 * len(asked) * count_candidates(len(others))


@pytest.mark.parametrize("classes", [1, 2, 3])
@pytest.mark.parametrize("latent", [2, 6, 30])
def test_where_only_votes_count_the_classes_of_all_neighbors_are_true(latent, classes):
    rng = np.random.default_rng(latent)
    points = np.rint(rng.normal(size=(15_000, latent)) @ rng.normal(size=(latent, 40)) * 1e3)
    codes = rng.permutation(3)[np.minimum(rng.geometric(0.95, len(points)) - 1, classes - 1)]
    # beside rows of their own class, so that some are found only when looked for again
    codes[np.argsort(points[:, 0])[:100]] = codes.min()
    queries = np.sort(rng.permutation(len(points))[:4000])
    true = nearest(points, queries, 5)
    found = knn(points, queries, 5, classes=codes, how="exact")[0]
    assert not (found == queries[:, None]).any()
    np.testing.assert_array_equal(np.sort(codes[found], axis=1), np.sort(codes[true], axis=1))
    # whoever is not among rows of the largest class alone gets its true neighbors, in their order
    mixed = (codes[np.column_stack([queries, true])] != np.bincount(codes).argmax()).any(axis=1)
    np.testing.assert_array_equal(found[mixed], true[mixed])


def test_rows_far_from_a_dense_blob_are_searched_again_among_all():
    rng = np.random.default_rng(4)
    points = np.rint(rng.normal(size=(40_000, 3)) @ rng.normal(size=(3, 12)) * 100)
    far = np.arange(0, 40_000, 100)
    points[far] = np.rint(rng.normal(size=(len(far), 12)) * 1e4)
    found = knn(points, np.arange(len(points)), 5)[0][far]
    assert shared(found, nearest(points, far, 5)) > 0.98


class SameKey:
    """A generator of factors that give every row one key."""

    def integers(self, high, size):
        return np.zeros(size, dtype=np.int64)


@pytest.mark.parametrize("unit", [1.0, 2.0**50])
@pytest.mark.parametrize("collide", [False, True])
def test_equal_rows_are_those_of_equal_values(monkeypatch, collide, unit):
    points = np.random.default_rng(3).integers(-2, 2, (400, 3)) * unit
    points[::7] *= -0.0  # as much as 0.0
    if collide:
        monkeypatch.setattr(distances.np.random, "default_rng", lambda seed: SameKey())
    equals = EqualRows(points, 2)
    values = [tuple(row) for row in points]
    ranks = [values[:i].count(value) for i, value in enumerate(values)]
    assert equals.kept.tolist() == [i for i, rank in enumerate(ranks) if rank <= 2]
    for size, value in zip(equals.size[equals.group], values, strict=True):
        assert size == values.count(value)


def test_slices_are_of_a_row_at_least_and_one_is_of_no_rows():
    for rows, step, ends in ((0, 1, [1]), (1, 1, [1]), (2, 0, [1, 2]), (7, 3, [3, 6, 9])):
        assert [one.stop for one in slices(rows, step)] == ends
        assert [one.start for one in slices(rows, step)] == [0, *ends[:-1]]


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_keys_of_rows_add_up_as_long_as_they_are_exact(sign):
    one, other = np.random.default_rng(0).integers(0, 2**19, (2, 50, 64))
    one[0], other[0] = 2**19, 2**19
    first, second, both = np.split(_sums_of_products(sign * np.concatenate([one, other, one + other])), 3)
    assert (first + second == both).all()
    assert len(np.unique(both)) == 50


def test_more_neighbors_than_a_pivot_has_candidates_are_found():
    points = np.random.default_rng(0).integers(-500, 500, (BRUTE_ROWS + 1, 3)).astype(float)
    queries = np.arange(1_000)
    assert (knn(points, queries, 2_000)[0] == nearest(points, queries, 2_000)).all()


@pytest.mark.parametrize("rows", [3_000, 12_000])
def test_comparisons_are_counted_and_bounded_on_average(rows):
    points = np.rint(np.random.default_rng(3).normal(size=(rows, 12)) * 1_000)  # no index helps much
    search = KnnIndex(points, 5)
    search.search(np.arange(rows))
    assert rows * FIRST * CANDIDATES <= search.compared <= 1.1 * rows * count_candidates(rows)


@pytest.mark.parametrize("rows", [300, 3 * BRUTE_ROWS])
@pytest.mark.parametrize("how", ["bounded", "exact", "brute"])
def test_integers_of_four_bytes_are_searched_as_those_held_in_float64(rows, how):
    points = np.random.default_rng(5).integers(-(2**21), 2**21, (rows, 5))
    queries = np.arange(0, rows, 3)
    for asked in (queries, points[queries]):
        whole, halved = (
            knn(points.astype(kind), asked if asked.ndim == 1 else asked.astype(kind), 5, how=how)
            for kind in (np.float64, np.int32)
        )
        np.testing.assert_array_equal(whole[0], halved[0])
        np.testing.assert_array_equal(whole[1], halved[1])
