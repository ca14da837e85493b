"""Clusters: exactly so many, none empty, as tight as scikit-learn's, the same in any order of equal rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.datasets import load_breast_cancer, load_digits

from spark_balance.kernels.centroids import means
from spark_balance.kernels.clusters import clustered, clustered_by, medoids
from spark_balance.kernels.scale import Scale


def _inertia(points, owner, n):
    return float(((points - means(points, owner, n)[owner]) ** 2).sum())


@given(st.integers(1, 40), st.integers(1, 3), st.integers(1, 5), st.randoms(use_true_random=False))
def test_no_cluster_is_empty_however_equal_the_rows(rows, width, values, random):
    points = np.array([[float(random.randrange(values)) for _ in range(width)] for _ in range(rows)])
    n = random.randint(1, rows)
    owner = clustered(points, n)
    assert set(owner.tolist()) == set(range(n))
    chosen = medoids(points, owner, n)
    assert len(set(chosen.tolist())) == n
    assert owner[chosen].tolist() == list(range(n))


@pytest.mark.parametrize("n", [8, 150])
@pytest.mark.parametrize("load", [load_breast_cancer, load_digits])
def test_they_are_as_tight_as_scikit_learns(load, n):
    rows = load().data
    points = Scale.fit(rows, equalize=False).integers(rows)
    points = points[np.random.default_rng(0).permutation(len(points))]
    assert _inertia(points, clustered(points, n), n) <= 1.05 * KMeans(n, random_state=0).fit(points).inertia_


def test_the_middle_row_is_the_nearest_to_the_mean():
    points = np.array([[0.0], [10.0], [4.0], [100.0], [101.0]])
    assert medoids(points, np.array([0, 0, 0, 1, 1]), 2).tolist() == [2, 3]


def test_another_clusterer_gives_as_many():
    points = np.random.default_rng(0).integers(0, 4, (60, 2)).astype(float)
    owner = clustered_by(points, 25, MiniBatchKMeans(n_init=1, batch_size=64), 3)
    assert set(owner.tolist()) == set(range(25))
    assert (owner == clustered_by(points, 25, MiniBatchKMeans(n_init=1, batch_size=64), 3)).all()
