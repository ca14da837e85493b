"""Clusters: exactly so many, none empty, as tight as scikit-learn's, the same in any order of equal rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from spark_balance.kernels.centroids import Cells, means
from spark_balance.kernels.clusters import (
    NearestCluster,
    _starts,
    clustered,
    clustered_by,
    k_means,
    k_means_by,
    medoids,
    refuse_clusterer,
)
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


@given(st.integers(0, 2**32), st.integers(2, 40), st.integers(2, 12))
def test_each_start_is_the_best_of_four_that_multiples_of_the_golden_ratio_draw(seed, rows, n):
    points = np.random.default_rng(seed).integers(0, 20, (rows, 2)).astype(float)
    squares, chosen = ((points[:, None] - points) ** 2).sum(axis=2), [0]
    for i in range(1, n):
        away = squares[chosen].min(axis=0)
        if not away.any():
            chosen += [0] * (n - i)
            break
        ends = np.cumsum(away)
        tried = [int((ends <= j * 0.6180339887498949 % 1 * ends[-1]).sum()) for j in range(4 * i, 4 * i + 4)]
        chosen.append(min(tried, key=lambda one: np.minimum(away, squares[one]).sum()))
    assert _starts(points, n).tolist() == chosen


def test_the_middle_row_is_the_nearest_to_the_mean():
    points = np.array([[0.0], [10.0], [4.0], [100.0], [101.0]])
    assert medoids(points, np.array([0, 0, 0, 1, 1]), 2).tolist() == [2, 3]


def test_another_clusterer_gives_as_many():
    points = np.random.default_rng(0).integers(0, 4, (60, 2)).astype(float)
    owner = clustered_by(points, 25, MiniBatchKMeans(n_init=1, batch_size=64), 3)
    assert set(owner.tolist()) == set(range(25))
    assert (owner == clustered_by(points, 25, MiniBatchKMeans(n_init=1, batch_size=64), 3)).all()


def test_a_sample_has_as_many_clusters_as_rows_that_differ_at_most():
    sample = np.repeat([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]], 4, axis=0)
    for wanted, made in [(2, 2), (3, 3), (8, 3)]:
        estimator = KMeans(wanted, n_init=1)
        assert len(k_means_by(sample, estimator, 3)) == made
        assert estimator.n_clusters == wanted
    assert set(k_means_by(sample, KMeans(3, n_init=1), 3).owners(sample[[0, 4, 8]])) == {0, 1, 2}
    for none in (k_means_by(sample[:0], KMeans(3), 3), k_means(sample[:0], 5)):
        np.testing.assert_array_equal(none.centroids, [[0.0, 0.0]])
    assert len(k_means(sample, 2)) == 2


def test_the_seed_is_every_seed_of_the_clusterer():
    class Seeded(BaseEstimator):
        def __init__(self, n_clusters=8, random_state=None, part=None):
            self.n_clusters, self.random_state, self.part = n_clusters, random_state, part

        def fit(self, rows):
            seen.append((self.random_state, self.part.random_state))
            self.cluster_centers_ = rows[: self.n_clusters]
            return self

    seen = []
    k_means_by(np.array([[0.0], [1.0], [5.0]]), Seeded(2, part=KMeans()), 7)
    assert seen == [(7, 7)]


@pytest.mark.parametrize("given", [KMeans, LogisticRegression(), "k-means", 8, StandardScaler()])
def test_what_is_no_clusterer_is_refused(given):
    assert "has no parameter n_clusters; give a clusterer" in refuse_clusterer("kmeans_estimator", given)
    assert refuse_clusterer("kmeans_estimator", MiniBatchKMeans()) is None


def test_what_has_clusters_but_cannot_be_fitted_is_refused():
    class Unfit:
        def get_params(self):
            return {"n_clusters": 8}

    assert refuse_clusterer("kmeans_estimator", Unfit()) is not None


def test_a_row_is_in_the_nearest_cluster_of_its_class():
    scale = Scale(np.zeros(1), np.ones(1), 2.0**20)
    clusters = {4: Cells(np.array([[0.0], [10.0]])), 6: Cells(np.array([[8.0], [0.0], [4.0]]))}
    told = NearestCluster("c", scale, clusters)(
        np.array([[1.0], [9.0], [9.0], [1.0], [4.0]]), np.array([4, 4, 6, 6, 6])
    )
    assert told["c"].tolist() == [0, 1, 0, 1, 2]
