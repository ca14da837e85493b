"""What the sample says of recall and halo rows, against what is measured over all rows."""

from functools import cache

import numpy as np
import pytest

from spark_balance.kernels.centroids import Cells, fit_centroids
from spark_balance.kernels.knn import knn
from spark_balance.kernels.recall import QUERIES, choose_margin, expect_neighbors
from spark_balance.kernels.scale import Scale

ROWS, K = 20_000, 5
WANTED = {"recall": 0.997, "max_halo": 0.6}


def with_margin(cells, sample, rows, k, **wanted):
    """Choose the margin for rows that ask for neighbors among themselves, from a sample of them."""
    queries = np.arange(min(QUERIES, len(sample)))
    neighbors = expect_neighbors(sample, queries, rows, min(k, len(sample) - 1))
    asked = np.repeat(sample[queries], neighbors.shape[1], axis=0)
    return choose_margin(cells, asked, neighbors.reshape(-1, sample.shape[1]), sample, **wanted)


@cache
def points():
    """Make 28 features of 10 latent dimensions, in random order."""
    rng = np.random.default_rng(11)
    latent = rng.normal(size=(ROWS, 10))
    raw = np.tanh(latent @ rng.normal(size=(10, 28)) / 3) + 0.01 * rng.normal(size=(ROWS, 28))
    return Scale.fit(raw, equalize=True).integers(raw)


@cache
def true_neighbors():
    queries = np.random.default_rng(1).permutation(ROWS)[:3000]
    return queries, knn(points(), queries, K, how="brute")[0]


@cache
def fitted(sampled, n_cells=8, **wanted):
    sample = points()[:sampled]
    bare = Cells(fit_centroids(sample, n_cells, K + 2, 1.5 / n_cells))
    return with_margin(bare, sample, ROWS, K, **(WANTED | wanted))


def measured(cells):
    """Return the share of true neighbors that are present in the cell of the row, and the visits for each row."""
    owners, visitors, visited = cells.halo(points())
    present = np.zeros((ROWS, len(cells)), dtype=bool)
    present[np.arange(ROWS), owners] = True
    present[visitors, visited] = True
    queries, found = true_neighbors()
    return present[found, owners[queries][:, None]].mean(), len(visitors) / ROWS


@pytest.mark.parametrize("sampled", [2_000, 5_000, ROWS])
@pytest.mark.parametrize("n_cells", [2, 8, 20])
def test_the_estimated_recall_is_the_measured_one(sampled, n_cells):
    cells, estimate = fitted(sampled, n_cells)
    assert len(cells) >= 2
    assert estimate.recall == pytest.approx(measured(cells)[0], abs=0.03)
    assert 0.5 < estimate.recall <= 1


@pytest.mark.parametrize("most", [0.0, 0.1, 0.3])
def test_the_estimate_follows_when_few_halo_rows_are_allowed(most):
    cells, estimate = fitted(2_000, max_halo=most)
    recall, halo_rows = measured(cells)
    assert estimate.recall == pytest.approx(recall, abs=0.03)
    assert halo_rows == pytest.approx(most, abs=0.03)


def test_more_halo_rows_hold_more_of_the_neighbors():
    recalls = [measured(fitted(2_000, max_halo=most)[0])[0] for most in (0.0, 0.1, 0.3, 2.0)]
    assert recalls == sorted(recalls)
    assert recalls[0] < 0.9 < 0.99 < recalls[-1]


@pytest.mark.parametrize("recall", [0.9, 0.97, 0.997])
def test_the_margin_gives_the_recall_that_is_asked_and_little_more(recall):
    cells, estimate = fitted(5_000, recall=recall, max_halo=7.0)
    assert estimate.recall == pytest.approx(recall, abs=0.002)
    assert measured(cells)[0] == pytest.approx(recall, abs=0.02)


@pytest.mark.parametrize("sampled", [2_000, 5_000])
def test_halo_rows_for_each_row_are_those_measured(sampled):
    cells, estimate = fitted(sampled)
    assert estimate.halo == pytest.approx(measured(cells)[1], abs=0.04)


def test_halo_rows_of_a_sample_of_all_rows_are_counted_exactly():
    cells, estimate = fitted(ROWS)
    assert estimate.halo == measured(cells)[1]


@pytest.mark.parametrize("most", [0.0, 0.25, 0.6])
def test_the_cap_on_halo_rows_is_honored(most):
    estimate = fitted(5_000, recall=1.0, max_halo=most)[1]
    # one row more: the margin is that of a sampled row
    assert most - 0.01 <= estimate.halo <= most + 1 / 5_000


def test_one_cell_holds_every_neighbor():
    cells, estimate = with_margin(Cells(np.zeros((1, 28))), points()[:500], ROWS, K, **WANTED)
    assert (estimate.recall, estimate.halo, len(cells)) == (1.0, 0.0, 1)


def test_blobs_far_apart_need_no_halo_rows():
    rng = np.random.default_rng(0)
    sample = rng.permutation(1e5 * np.eye(3)[np.repeat([0, 1, 2], 300)] + rng.integers(-50, 50, (900, 3)))
    cells, estimate = with_margin(Cells(1e5 * np.eye(3)), sample, 9_000, K, **WANTED)
    assert (estimate.recall, estimate.halo, cells.tau) == (1.0, 0.0, 0.0)


def test_the_centroids_stay_and_the_same_sample_gives_the_same_margin():
    bare = Cells(fit_centroids(points()[:2_000], 8, K + 2, 0.2))
    once, again = (with_margin(bare, points()[:2_000].copy(), ROWS, K, **WANTED) for _ in range(2))
    np.testing.assert_array_equal(once[0].centroids, bare.centroids)
    assert once[0].tau == again[0].tau > 0
    assert once[1] == again[1]


@pytest.mark.parametrize("k", [1, 2, 50])
def test_few_sampled_rows_and_any_k_give_an_estimate(k):
    sample = points()[:60]
    cells, estimate = with_margin(Cells(sample[:3]), sample, ROWS, k, **WANTED)
    assert 0 <= estimate.recall <= 1
    assert np.isfinite(cells.tau)


def test_equal_rows_give_an_estimate():
    sample = np.repeat([[0.0, 0.0], [9.0, 0.0]], 50, axis=0)
    cells, estimate = with_margin(Cells(sample[[0, -1]]), sample, 1_000, K, **WANTED)
    assert (estimate.recall, estimate.halo, cells.tau) == (1.0, 0.0, 0.0)
