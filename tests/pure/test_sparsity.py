"""Clusters, and the rows that each is to get: imbalanced-learn's weights, exact sums, no overflow."""

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from imblearn.over_sampling import KMeansSMOTE

from spark_balance.kernels.clusters import by_sparsity, k_means, log_sparsity


@pytest.mark.parametrize("exponent", [None, 2.0])
def test_the_sparsity_is_that_of_imbalanced_learn(exponent):
    oracle = KMeansSMOTE(density_exponent=exponent or "auto")
    for seed in range(5):
        rows = np.random.default_rng(seed).normal(size=(20 + 30 * seed, 3))
        expected = oracle._find_cluster_sparsity(rows.copy())
        assert math.exp(log_sparsity(rows, len(rows), exponent)) == pytest.approx(expected)


@pytest.mark.parametrize("rows", [np.ones((0, 2)), np.ones((1, 2)), np.ones((3, 2))], ids=len)
def test_what_has_no_distances_is_not_sparse(rows):
    assert log_sparsity(rows, max(1, len(rows)), 2.0) == -math.inf
    assert log_sparsity(np.array([[0.0], [3.0]]), 4, 2.0) == pytest.approx(math.log(9 / 4))


def test_millions_of_rows_do_not_overflow():
    rows = np.random.default_rng(0).normal(size=(500, 3)) * 1e6
    logs = [log_sparsity(rows, 10**7, None), log_sparsity(rows * 1.001, 10**7, None)]
    assert logs[0] > 710  # more than a double's exponential holds
    first, second = by_sparsity(logs, 1_000_000)
    assert first + second == 1_000_000
    assert 0 < first < second


@given(st.lists(st.floats(-50, 50) | st.just(-math.inf), min_size=1, max_size=9), st.integers(0, 10_000))
def test_all_rows_are_shared_out(logs, wanted):
    shares = by_sparsity(logs, wanted)
    weights = np.exp(np.array(logs) - max(logs)) if max(logs) > -math.inf else np.ones(len(logs))
    assert sum(shares) == wanted
    assert np.abs(np.array(shares) - weights / weights.sum() * wanted).max() <= 1 + 1e-6


def test_clusters_part_what_is_apart():
    rng = np.random.default_rng(1)
    center = rng.permutation(np.repeat([0, 1, 2], 100))
    points = np.rint(rng.normal(size=(300, 2)) * 10) + 1_000 * center[:, None]
    owners = k_means(points, 3).owners(points)
    assert len({tuple(pair) for pair in zip(owners, center, strict=True)}) == 3
    assert len(k_means(points[:2], 8)) == 2
