"""Wide rows in a projection: the same on any machine, near rows near there, and the judged ones truly nearest."""

from functools import cache

import numpy as np
import pytest

from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.sample import Sample
from spark_balance.kernels.knn import knn
from spark_balance.kernels.projection import AXES, LIMIT, UNIT, Projection, Scaled, judge, part
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors.estimates import MAX_JUDGED, _between, choose_judged
from spark_balance.neighbors.pools import Pool, Question

ROWS, WIDTH, K = 6_000, 400, 5


@cache
def raw(width=WIDTH):
    draw = np.random.default_rng(4)
    latent = draw.normal(size=(ROWS, 40)) * np.linspace(3, 0.5, 40)
    return (latent @ draw.normal(size=(40, width)) + 0.1 * draw.normal(size=(ROWS, width))).astype(np.float32)


@cache
def scaled(width=WIDTH):
    scale = Scale.fit(raw(width).astype(np.float64), equalize=True)
    return scale, scale.integers(raw(width))


@cache
def fitted():
    return Projection.fit(scaled()[1][:2_000])


def test_axes_do_not_depend_on_the_order_of_any_sum():
    """Rows are summed in another order, and features in whole numbers of any size."""
    points = scaled()[1][:2_000]
    again = Projection.fit(points[np.random.default_rng(0).permutation(len(points))])
    assert (again.axes == fitted().axes).all()
    assert (again.center == fitted().center).all()
    exact = (points[:50] - fitted().center).astype(object) @ fitted().axes.astype(object)
    expected = np.rint(exact.astype(np.float64) / (UNIT * fitted().divisor))
    assert (fitted().embed(points[:50]) == np.clip(expected, -LIMIT, LIMIT)).all()


@pytest.mark.parametrize("width", [200, 4_096])
def test_the_farthest_rows_stay_exact(width):
    """Half of the rows at one corner of the grid, half at the other: no sum may leave what float64 holds exactly."""
    limit = 2.0 ** ((51 - int(np.ceil(np.log2(width)))) // 2)
    signs = np.where(np.random.default_rng(1).random((200, width)) < 0.5, -limit, limit)
    made = Projection.fit(signs)
    assert 2.0**19 <= np.abs(made.embed(signs)).max() < 2.0**20, "twice as far fits"
    exact = (signs[:9] - made.center).astype(object) @ made.axes.astype(object)
    assert (np.abs(exact) < 2**53).all()
    assert (made.embed(signs[:9]) == np.rint(exact.astype(np.float64) / (UNIT * made.divisor))).all()


def test_axes_are_orthogonal_and_hold_what_principal_axes_hold():
    axes, points = fitted().axes / UNIT, scaled()[1][:2_000]
    assert axes.shape == (WIDTH, AXES)
    assert np.abs(axes.T @ axes - np.eye(AXES)).max() < 1e-4
    spread = np.cov(points.T)
    best = np.linalg.eigvalsh(spread)[-AXES:].sum()
    assert np.trace(axes.T @ spread @ axes) > 0.99 * best


def test_one_far_row_leaves_the_axes_of_the_others():
    points = np.rint(scaled()[1][:2_000] / 1_024)
    points[0] = 2.0**19
    axes, spread = Projection.fit(points).axes / UNIT, np.cov(points[1:].T)
    assert np.trace(axes.T @ spread @ axes) > 0.99 * np.linalg.eigvalsh(spread)[-AXES:].sum()


def test_no_two_rows_are_farther_there_than_they_may_be():
    points, made = scaled()[1][:500], fitted()
    there = made.embed(points)
    away = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert (np.linalg.norm(there[:, None] - there[None], axis=2) <= made.reach(away)).all()
    # nor may they be much farther than in full
    assert (made.reach(away) <= 1.001 * away / made.divisor + np.sqrt(AXES)).all()


def test_rows_of_no_dimension_have_axes():
    made = Projection.fit(np.ones((5, 300)))
    assert (made.embed(np.ones((2, 300))) == 0).all()
    assert (Projection.fit(np.empty((0, 300))).embed(np.ones((2, 300))) == made.embed(np.ones((2, 300)))).all()


@pytest.mark.parametrize("as_rows", [False, True])
def test_candidates_are_judged_in_full_width(as_rows):
    """Of equally near ones the first counts; it does not matter whether integers are there or made."""
    scale, points = scaled()
    points = points[:300].copy()
    points[7] = points[3]
    near = np.array([[9, 7, 3, 250], [8, 1, 299, 2]])
    asked = np.array([5, 6])
    found, squares = judge(points, points[asked] if as_rows else asked, near, 3)
    for one, names, got, away in zip(asked, near, found, squares, strict=True):
        true = sorted((float(((points[one] - points[name]) ** 2).sum()), name) for name in names)[:3]
        assert list(zip(away, got, strict=True)) == true
    lazy = part(Scaled(raw(), scale.integers), np.arange(100, 400))
    whole = scaled()[1][100:400]
    same = judge(lazy, lazy[asked] if as_rows else asked, near, 3)
    assert all((one == other).all() for one, other in zip(same, judge(whole, asked, near, 3), strict=True))


def test_more_candidates_are_judged_among_more_rows():
    """What a sample says of itself is too few: among more rows, more of them seem nearer than a true neighbor."""
    draw = np.random.default_rng(5)
    cloud = draw.normal(size=(8_000, WIDTH)) / np.sqrt(np.arange(1, WIDTH + 1))
    points = Scale.fit(cloud, equalize=False).integers(cloud)
    made, some = Projection.fit(points[:2_000]), points[:2_000]
    sample = Sample(FeatureColumns((), (WIDTH,)), {0: some}, {0: np.arange(len(some))}, {0: 1.0})
    judged = {}
    for rows in (len(some), len(points)):
        chosen, share = choose_judged(sample, Pool(0, {0: rows}), [Question((0,), (0,), K)], made, 0.998)
        judged[rows] = chosen.judged
        assert share >= 0.998
    asked = np.arange(500)
    true, near = (
        knn(all_of_them, asked, k, how="brute")[0] for all_of_them, k in ((points, K), (made.embed(points), 64))
    )

    def found(first):
        return np.mean((near[:, :first, None] == true[:, None, :]).any(axis=1))

    assert judged[len(some)] < judged[len(points)] < MAX_JUDGED
    assert not _between(points[:1], made, K, MAX_JUDGED).size, "a row alone has no neighbors"
    assert found(judged[len(some)]) < 0.99 < 0.997 < found(judged[len(points)]) < 1


def test_neighbors_are_the_true_ones_and_distances_exact():
    scale, points = scaled()
    queries = np.arange(0, ROWS, 7)
    _, away = knn(points, queries, K, how="brute")
    made = Projection(fitted().center, fitted().axes, fitted().divisor, judged=20)
    for rows in (points.astype(np.int32), Scaled(raw(), scale.integers)):
        found, squares = knn(rows, queries, K, projection=made)
        assert (squares == ((points[found] - points[queries][:, None]) ** 2).sum(axis=2)).all()
        assert np.mean(squares <= away[:, -1:]) > 0.99
    few, _ = knn(points[:5_000], np.arange(50), K, projection=made)
    assert (few == knn(points[:5_000], np.arange(50), K, how="brute")[0]).all(), "few points are all compared"
    assert (knn(points, points[:50], 1, projection=made)[0][:, 0] == np.arange(50)).all()
