"""Cells: every row at its nearest centroid, halo rows by geometry, sizes as asked."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spark_balance.kernels import distances
from spark_balance.kernels.centroids import Cells, fit_centroids
from spark_balance.kernels.scale import Scale

ROWS, SMALLEST = 3000, 7


def rows_of(kind, features):
    rng = np.random.default_rng(3)
    shape = (ROWS, features)
    raw = {
        "gauss": lambda: rng.normal(size=shape),
        "heavy": lambda: rng.standard_cauchy(size=shape),
        "blobs": lambda: 20 * rng.normal(size=(10, features))[rng.integers(0, 10, ROWS)] + rng.normal(size=shape),
        "lopsided": lambda: np.where(rng.random((ROWS, 1)) < 0.95, 1e-3, 100.0) * rng.normal(size=shape),
        "grid": lambda: rng.integers(0, 3, shape).astype(float),
        "spike": lambda: np.where(rng.random((ROWS, 1)) < 0.6, 0.0, rng.normal(size=shape)),
    }[kind]()
    return Scale.fit(raw, equalize=True).integers(raw)


KINDS = ("gauss", "heavy", "blobs", "lopsided", "grid", "spike")
every_kind = pytest.mark.parametrize("kind", KINDS)
every_width = pytest.mark.parametrize("features", [1, 2, 28])


def squared(points, centers):
    """Return squared distances in whole numbers: no rounding anywhere."""
    return ((points.astype(np.int64)[:, None, :] - centers.astype(np.int64)[None]) ** 2).sum(axis=2)


@every_kind
@every_width
def test_centroids_are_distinct_whole_numbers_and_no_cell_is_too_small(kind, features):
    sample = rows_of(kind, features)
    found = fit_centroids(sample, 12, SMALLEST, 1.5 / 12)
    assert len(np.unique(found, axis=0)) == len(found)
    assert (found == np.rint(found)).all()
    sizes = np.bincount(squared(sample, found).argmin(axis=1), minlength=len(found))
    assert len(found) == 1 or sizes.min() >= SMALLEST


@pytest.mark.parametrize("kind", ["gauss", "heavy", "blobs", "lopsided", "grid"])
@every_width
def test_no_cell_is_too_large_unless_its_rows_are_equal(kind, features):
    sample = rows_of(kind, features)
    found = fit_centroids(sample, 12, 1, 1.5 / 12)
    owner = squared(sample, found).argmin(axis=1)
    for cell in range(len(found)):
        rows = sample[owner == cell]
        assert len(rows) <= 1.5 / 12 * ROWS or not np.ptp(rows, axis=0).any()


def test_a_cell_of_the_fewest_and_the_most_rows_stays():
    sample = np.array([[100.0 * (i % 2) + i // 2] for i in range(16)])
    assert fit_centroids(sample, 2, 8, 0.5).tolist() == [[4], [104]]


@every_kind
@every_width
def test_a_cell_is_too_large_only_by_copies_of_one_row_or_rows_of_cells_given_up(kind, features):
    sample = rows_of(kind, features)
    most = 1.5 / 12 * ROWS
    found = fit_centroids(sample, 12, SMALLEST, 1.5 / 12)
    owner = squared(sample, found).argmin(axis=1)
    for cell in range(len(found)):
        copies = np.unique(sample[owner == cell], axis=0, return_counts=True)[1]
        # the allowance is for the rows of small cells that were given up
        assert copies.sum() <= most or copies.sum() - copies.max() <= 1.25 * most


@every_kind
def test_the_same_sample_gives_the_same_centroids(kind):
    sample = rows_of(kind, 5)
    once, again = (fit_centroids(sample.copy(), 12, SMALLEST, 0.2) for _ in range(2))
    np.testing.assert_array_equal(once, again)


@pytest.mark.parametrize("value", [0.0, -0.0, 17.0])
def test_equal_rows_are_one_cell_where_they_are(value):
    found = fit_centroids(np.full((500, 3), value), 12, SMALLEST, 0.125)
    assert found.tolist() == [[value] * 3]


def test_a_zero_with_a_sign_is_no_place_of_its_own():
    sample = np.random.default_rng(0).choice([0.0, -0.0, 5.0], (300, 2))
    assert len(fit_centroids(sample, 12, 1, 0.5)) == 4


@pytest.mark.parametrize("rows", [1, 2, SMALLEST])
def test_a_few_rows_are_one_cell(rows):
    sample = np.arange(float(rows))[:, None] * 100
    assert len(fit_centroids(sample, 5, SMALLEST, 0.5)) == 1


def test_blobs_far_apart_are_not_shared_by_cells():
    rng = np.random.default_rng(1)
    blob = np.repeat(np.arange(4), 500)
    sample = 100_000 * np.eye(4)[blob] + rng.integers(-50, 50, (2000, 4))
    owner = Cells(fit_centroids(sample[rng.permutation(2000)], 8, SMALLEST, 0.3)).owners(sample)
    assert all(len(np.unique(blob[owner == cell])) == 1 for cell in np.unique(owner))


@st.composite
def cells_and_points(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    features, size = draw(st.integers(1, 4)), draw(st.sampled_from([4, 100, 2**20]))
    centers = np.unique(rng.integers(-size, size, (draw(st.integers(1, 20)), features)), axis=0).astype(float)
    points = rng.integers(-size, size, (draw(st.integers(1, 40)), features)).astype(float)
    tau = draw(st.sampled_from([0.0, 0.3, 0.8])) * size
    return Cells(rng.permutation(centers), tau, draw(st.sampled_from([1, 3, 48]))), points


@given(cells_and_points())
def test_home_is_the_nearest_centroid_and_the_lower_of_two(case):
    cells, points = case
    np.testing.assert_array_equal(cells.owners(points), squared(points, cells.centroids).argmin(axis=1))


def oracle_visits(cells, points):
    """Walk to every bisector: (point, cell) pairs surely within tau, and those too close to it to say."""
    sure, unsure = set(), set()
    owners = squared(points, cells.centroids).argmin(axis=1)
    between = squared(cells.centroids, cells.centroids)
    for place, (point, owner) in enumerate(zip(points, owners, strict=True)):
        center = cells.centroids[owner]
        others = [i for i in np.argsort(between[owner], kind="stable") if i != owner]
        for other in others[: cells.reach]:
            step = cells.centroids[other] - center
            gap = ((center + cells.centroids[other]) / 2 - point) @ step / np.linalg.norm(step)
            if abs(gap - cells.tau) <= 1e-9 * max(1.0, abs(cells.centroids).max()):
                unsure.add((place, int(other)))
            elif gap < cells.tau:
                sure.add((place, int(other)))
    return sure, unsure


@given(cells_and_points())
def test_halo_rows_are_the_rows_within_tau_of_a_border_to_a_near_cell(case):
    cells, points = case
    owners, visitors, visited = cells.halo(points)
    np.testing.assert_array_equal(owners, cells.owners(points))
    pairs = list(zip(visitors.tolist(), visited.tolist(), strict=True))
    sure, unsure = oracle_visits(cells, points)
    assert len(set(pairs)) == len(pairs)
    assert sure <= set(pairs) <= sure | unsure


@given(cells_and_points())
def test_margins_are_what_halo_rows_go_by(case):
    cells, points = case
    _, near, margin = cells.margins(points)
    assert near.shape == margin.shape == (len(points), min(cells.reach, len(cells) - 1))
    assert (margin >= 0).all()
    row, column = np.nonzero(margin <= cells.tau)
    _, visitors, visited = cells.halo(points)
    np.testing.assert_array_equal(np.stack([row, near[row, column]]), np.stack([visitors, visited]))


def test_a_row_on_the_border_is_a_halo_row_even_of_margin_zero():
    cells = Cells(np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 10.0]]))
    owners, visitors, visited = cells.halo(np.array([[2.0, 1.0], [1.0, 0.0], [2.0, -8.0]]))
    assert owners.tolist() == [0, 0, 0]
    assert list(zip(visitors, visited, strict=True)) == [(0, 1), (2, 1)]


def test_one_cell_is_the_owner_of_every_row_and_has_no_halo_rows():
    owners, visitors, visited = Cells(np.zeros((1, 2)), tau=1e9).halo(np.arange(10.0).reshape(5, 2))
    assert (owners.tolist(), visitors.tolist(), visited.tolist()) == ([0] * 5, [], [])


def test_no_points_have_no_owners():
    assert Cells(np.zeros((3, 2))).owners(np.empty((0, 2))).shape == (0,)


def test_the_size_of_a_block_and_of_a_batch_changes_nothing(monkeypatch):
    points = rows_of("gauss", 5)
    cells = replace(Cells(fit_centroids(points, 30, SMALLEST, 0.1)), tau=2e4)
    whole = cells.halo(points)
    monkeypatch.setattr(distances, "_BLOCK", 1000)
    for one, other in zip(whole, cells.halo(points), strict=True):
        np.testing.assert_array_equal(one, other)
    parts = [cells.halo(points[start : start + 701]) for start in range(0, ROWS, 701)]
    np.testing.assert_array_equal(whole[0], np.concatenate([part[0] for part in parts]))
    np.testing.assert_array_equal(whole[2], np.concatenate([part[2] for part in parts]))
    assert len(whole[1]) > ROWS / 10


@given(st.integers(0, 2**32), st.integers(2, 12), st.integers(1, 4), st.floats(0, 1.5), st.integers(1, 12))
def test_every_nearer_row_that_was_no_halo_row_is_in_a_cell_to_ask(seed, n_cells, features, tau, reach):
    rng = np.random.default_rng(seed)
    points = rng.integers(-40, 40, (150, features)).astype(float)
    centroids = np.unique(points[:n_cells], axis=0)
    cells = Cells(centroids, tau=tau, reach=reach).with_radius(points)
    owner, visitor, visited = cells.halo(points)
    here = np.zeros((len(points), len(cells)), dtype=bool)
    here[np.arange(len(points)), owner] = True
    here[visitor, visited] = True
    away = rng.uniform(0, 60, len(points))
    asked = np.zeros_like(here)
    asked[cells.unseen(points, away)] = True
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    missed = (distance < away[:, None] * (1 - 1e-9)) & ~here[:, owner].T & ~asked[:, owner]
    assert not missed.any()
    # and a cell far beyond reach is not asked
    assert not cells.unseen(points, np.zeros(len(points)))[0].size
