"""Neighbours inside a cell: exact while it is small, true for nearly all when it is large, equals included."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_balance.kernels.local import BRUTE_ROWS, local_neighbours
from spark_balance.kernels.nearest import nearest


@given(st.integers(0, 2**32), st.integers(2, 60), st.integers(1, 3), st.integers(1, 5), st.integers(1, 8))
def test_a_small_cell_is_searched_exactly_duplicates_and_all(seed, rows, features, values, k):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, values, (rows, features)).astype(float) * rng.choice([1.0, -1.0], (rows, features))
    queries = np.flatnonzero(rng.random(rows) < 0.6)
    np.testing.assert_array_equal(local_neighbours(points, queries, k), nearest(points, queries, k))


@pytest.mark.parametrize("rows", [1, 2, 6])
def test_a_row_by_itself_or_with_few_others(rows):
    assert local_neighbours(np.arange(float(rows))[:, None], np.arange(rows), 5).shape == (rows, rows - 1)


def test_many_copies_of_few_rows_are_searched_exactly():
    rng = np.random.default_rng(0)
    points = rng.integers(0, 4, (4 * BRUTE_ROWS, 2)).astype(float)
    queries = np.sort(rng.permutation(len(points))[:300])
    np.testing.assert_array_equal(local_neighbours(points, queries, 5), nearest(points, queries, 5))


def test_a_large_cell_is_searched_nearly_exactly():
    rng = np.random.default_rng(1)
    points = np.rint(rng.normal(size=(3 * BRUTE_ROWS, 6)) @ rng.normal(size=(6, 12)) * 1e4)
    queries = np.sort(rng.permutation(len(points))[:1500])
    found, true = local_neighbours(points, queries, 5), nearest(points, queries, 5)
    assert not (found == queries[:, None]).any()
    assert np.mean([len(np.intersect1d(one, other)) for one, other in zip(found, true, strict=True)]) >= 0.98 * 5
    distance = ((points[found] - points[queries][:, None]) ** 2).sum(axis=2)
    assert (np.diff(distance, axis=1) >= 0).all()
