"""Nearest neighbors against an oracle in whole numbers: ties by (distance, position), self by position."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spark_balance.kernels.knn import knn


def nearest(points, queries, k):
    """Compare all pairs."""
    return knn(points, queries, k, how="brute")[0]


def oracle(points, queries, k):
    whole = points.astype(np.int64)
    result = []
    for query in queries:
        distance = ((whole - whole[query]) ** 2).sum(axis=1)
        order = sorted((int(d), place) for place, d in enumerate(distance) if place != query)
        result.append([place for _, place in order[:k]])
    return np.array(result, dtype=np.int64).reshape(len(queries), min(k, len(points) - 1))


def same(points, queries, k):
    found = nearest(points, np.asarray(queries, dtype=np.int64), k)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, oracle(points, queries, k))


@st.composite
def grids(draw):
    """Make integer points of few values, so that ties and duplicates abound."""
    rows, features, values = draw(st.integers(1, 40)), draw(st.integers(1, 4)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    step = draw(st.sampled_from([1, 1000, 2**20]))
    return (rng.integers(0, values, (rows, features)) * step - 2**20).astype(np.float64)


@given(grids(), st.integers(1, 12), st.data())
def test_it_finds_what_the_oracle_finds(points, k, data):
    queries = data.draw(st.lists(st.integers(0, len(points) - 1), unique=True, max_size=10))
    same(points, queries, k)


@given(grids(), st.integers(1, 12))
def test_the_textbook_model_finds_points_as_near(points, k):
    """Which of equally near points it takes is scikit-learn's to say."""
    queries = np.arange(len(points))
    (found, squares), wanted = knn(points, queries, k, how="scikit-learn"), nearest(points, queries, k)
    assert found.shape == wanted.shape
    assert (found != queries[:, None]).all()
    for places in (found, wanted):
        assert all(len(set(row)) == len(row) for row in places)
    away = [np.linalg.norm(points[places] - points[:, None], axis=2) for places in (found, wanted)]
    np.testing.assert_array_equal(*away)
    np.testing.assert_allclose(squares, away[0] ** 2, atol=1e-6)


@pytest.mark.parametrize("k", [1, 4, 5, 8, 9, 10, 50])
def test_k_up_to_and_above_the_number_of_others(k):
    points = np.random.default_rng(k).integers(0, 4, (10, 2)).astype(float)
    found = nearest(points, np.arange(10), k)
    assert found.shape == (10, min(k, 9))
    same(points, range(10), k)


@pytest.mark.parametrize("rows", [2, 3, 7, 8, 300])
def test_identical_points_have_the_first_others_as_neighbors(rows):
    points = np.ones((rows, 3))
    same(points, range(rows), 5)


@pytest.mark.parametrize("features", [1, 2, 28])
def test_more_places_and_copies_than_one_chunk_holds(features):
    rng = np.random.default_rng(features)
    points = np.repeat(rng.integers(-50, 50, (300, features)), rng.integers(1, 12, 300), axis=0).astype(float)
    points = points[rng.permutation(len(points))]
    same(points, rng.permutation(len(points))[:600], 5)


def test_a_long_line_of_equal_steps_is_all_ties():
    same(np.arange(1500.0)[:, None], range(1500), 5)


def test_far_points_of_large_numbers_are_told_apart_by_one():
    # squared distances of 2^44 and more that differ by little: float32 or a rounded product would mix them up
    rng = np.random.default_rng(1)
    points = np.rint(rng.choice([-1, 1], (200, 28)) * 2.0**20 + rng.integers(-2, 3, (200, 28)))
    same(points, range(200), 20)


@pytest.mark.parametrize(("rows", "queries", "shape"), [(1, [0], (1, 0)), (5, [], (0, 3)), (2, [1], (1, 1))])
def test_few_points_or_no_queries(rows, queries, shape):
    points = np.arange(float(rows))[:, None]
    assert nearest(points, np.array(queries, dtype=np.int64), 3).shape == shape


def test_one_query_at_a_time_finds_the_same():
    points = np.random.default_rng(2).integers(0, 5, (400, 3)).astype(float)
    together = nearest(points, np.arange(400), 5)
    alone = np.concatenate([nearest(points, np.array([query]), 5) for query in range(0, 400, 7)])
    np.testing.assert_array_equal(together[::7], alone)


@given(st.integers(0, 2**32), st.integers(2, 60), st.integers(1, 8))
def test_the_order_of_the_points_does_not_matter_without_ties(seed, rows, k):
    rng = np.random.default_rng(seed)
    # on a line at powers of two every distance is of its own
    points = rng.permutation(2.0 ** np.arange(min(rows, 22)))[:, None]
    order = rng.permutation(len(points))
    straight = nearest(points, np.arange(len(points)), k)
    shuffled = nearest(points[order], np.arange(len(points)), k)
    np.testing.assert_array_equal(points[straight][order], points[order][shuffled])


def test_ties_go_to_the_lower_position_wherever_it_is():
    points = np.array([[5.0], [0.0], [10.0], [5.0], [4.0], [6.0]])
    assert nearest(points, np.array([0, 3]), 3).tolist() == [[3, 4, 5], [0, 4, 5]]
    assert nearest(points[::-1].copy(), np.array([5]), 2).tolist() == [[2, 0]]
