"""What float32 proposes: all that integers may choose, whatever rounds, and on the coarse grid exactly."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spark_balance.kernels.pivots import Pivots
from spark_balance.kernels.proposals import Side, propose, rounding, squares_apart
from spark_balance.neighbors.cells import MAX_WORK
from spark_balance.neighbors.estimates import choose_work


def placed(seed, far):
    """Return queries and points that lie near each other, and this far from the row that they are measured from."""
    rng = np.random.default_rng(seed)
    features, spread = int(rng.integers(1, 40)), int(rng.integers(1, 5_000))
    center = rng.integers(-far, far + 1, features)
    made = [center + rng.integers(-spread, spread + 1, (rows, features)) for rows in (30, 200)]
    return *(side(np.clip(rows, -(2**21), 2**21)) for rows in made), np.zeros(features, np.float32)


def side(rows):
    """Return all of these rows."""
    return Side(rows.astype(np.float32), np.arange(len(rows)))


def squared(queries, points):
    apart = queries.matrix[:, None].astype(np.int64) - points.matrix[None].astype(np.int64)
    return (apart**2).sum(axis=2)


cases = given(st.integers(0, 2**32), st.sampled_from([0, 100, 10_000, 2**21]))


@cases
def test_the_nearest_are_proposed_however_far_the_row_is_that_all_are_measured_from(seed, far):
    queries, points, near = placed(seed, far)
    away, k = squared(queries, points), 5
    row, column = propose(queries, points, near, np.full(len(away), np.inf), k)
    assert (np.diff(row) >= 0).all()
    told = np.zeros(away.shape, dtype=bool)
    told[row, column] = True
    assert told[away <= np.sort(away, axis=1)[:, k - 1 : k]].all()
    assert (squares_apart(queries.matrix[row], points.matrix[column]) == away[row, column]).all()


def test_rounding_is_bounded_by_two_for_each_product_and_sum_and_eight():
    bound = rounding(3, np.array([9.0, 0.0], np.float32), np.array([1.0, 16.0], np.float32))
    assert bound.tolist() == [14 * 2.0**-24 * 49, 14 * 2.0**-24 * 16]
    assert rounding(3, np.array([9.0], np.float32), np.empty(0, np.float32)).tolist() == [14 * 2.0**-24 * 9]


@cases
def test_all_within_a_distance_are_proposed(seed, far):
    queries, points, near = placed(seed, far)
    away = squared(queries, points)
    for place in (3, 30):  # fewer than the neighbors that are asked for, and more
        bound = np.sort(away, axis=1)[:, place].astype(float)
        row, column = propose(queries, points, near, bound, 5)
        told = np.zeros(away.shape, dtype=bool)
        told[row, column] = True
        assert told[away <= bound[:, None]].all()


def test_near_a_row_that_all_are_close_to_few_are_proposed_in_vain():
    rng = np.random.default_rng(0)
    points = side(rng.integers(-1_000, 1_000, (5_000, 28)) + 10**6)
    row, _ = propose(side(points.matrix[:100]), points, points.matrix[0], np.full(100, np.inf), 5)
    assert len(row) < 100 * 5 * 3


@pytest.mark.parametrize("features", [1, 2, 28, 768])
@pytest.mark.parametrize("far", [10, 10**6])
def test_on_the_coarse_grid_float32_is_exact(features, far):
    rng = np.random.default_rng(features)
    points = np.rint(rng.standard_t(2, (3_000, features)) * far).clip(-(2**21), 2**21)
    pivots = Pivots(points[:1_000], points[1_000:], len(points), 4_000)
    grid = pivots.coarse(points)
    whole, right = grid.astype(np.int64), pivots._right.astype(np.int64)
    assert ((grid @ pivots._right.T).astype(np.int64) == whole @ right.T).all()
    # every partial sum is below 2^24, so the order of the terms does not matter
    assert (np.abs(whole) @ np.abs(right.T)).max() <= 2**24


@pytest.mark.parametrize("falls", [0.3, 1.0, 3.0])
def test_as_many_comparisons_are_chosen_as_find_what_is_wanted(falls):
    def find(work):
        return 1 - 0.4 * np.exp(-falls * work / 4_000)

    work = choose_work(find, 0.994)
    assert find(work) >= 0.994
    # and hardly more
    assert work == 4_000 or find(0.8 * work) < 0.994


def test_what_no_search_finds_is_not_looked_for_forever():
    assert choose_work(lambda work: 1.0 if work >= 10**6 else 0.5, 0.994) > MAX_WORK
