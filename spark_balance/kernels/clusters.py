"""Clusters of a bounded number of rows, the same on any machine, and the new rows that each gets."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.centroids import Cells, fit_k_means, means
from spark_balance.kernels.distances import norms, one_thread, sides
from spark_balance.kernels.draws import apportion
from spark_balance.kernels.knn import knn
from spark_balance.kernels.members import Said
from spark_balance.kernels.scale import Scale

LLOYD_STEPS = 30
K_MEANS_STEPS = 20
PAIRED = 1_000  # rows whose distances to each other are averaged
TRIES = 4  # rows that are tried as the next start
GOLDEN = 0.6180339887498949


def clustered(points: Floats, n: int) -> Ints:
    """Return the cluster of each row, none of `n` empty: Lloyd's k-means, started by k-means++ in one fixed way.

    The points are integers held in float64, in the order of their draws. Equal rows are split where fewer than `n`
    rows differ.
    """
    centroids = points[_starts(points, n)]
    owner = np.full(len(points), -1)
    for _ in range(LLOYD_STEPS):
        moved = _nearest(centroids, points)
        if (moved == owner).all():
            break
        owner = moved
        # integer centroids keep every distance exact
        centroids = np.rint(means(points, owner, n))
    return owner


def clustered_by(points: Floats, n: int, estimator: Any, seed: int) -> Ints:
    """Do the same by a clusterer of scikit-learn's kind, which has `n_clusters` and `cluster_centers_`."""
    return _nearest(_centers(points, n, estimator, seed), points)


def _centers(points: Floats, n: int, estimator: Any, seed: int) -> Floats:
    from sklearn.base import clone

    names = {name: seed for name in estimator.get_params() if name.rpartition("__")[2] == "random_state"}
    with one_thread():
        fitted = clone(estimator).set_params(n_clusters=n, **names).fit(points)
    return np.rint(np.asarray(fitted.cluster_centers_, dtype=np.float64))


def refuse_clusterer(name: str, estimator: Any) -> str | None:
    """Return why an object is not a clusterer of scikit-learn's kind, or None."""
    made = hasattr(estimator, "get_params") and not isinstance(estimator, type)
    if made and "n_clusters" in estimator.get_params() and hasattr(estimator, "fit"):
        return None
    return (
        f"{name}={estimator!r} has no parameter n_clusters; give a clusterer like those of scikit-learn, such as "
        "MiniBatchKMeans(n_init=1)"
    )


def medoids(points: Floats, owner: Ints, n: int) -> Ints:
    """Return the position of the row of each cluster that is nearest to its centroid, the first of several."""
    away = norms(points - np.rint(means(points, owner, n))[owner])
    # stable sorts: equally near rows stay in their order
    order = np.lexsort((away, owner))
    first: Ints = order[np.searchsorted(owner[order], np.arange(n))]
    return first


def _starts(points: Floats, n: int) -> Ints:
    """Choose starts far apart, each the best of a few whose chance grows with their distance to the starts so far.

    What is drawn are multiples of the golden ratio, which fill [0, 1) evenly: the rows are in random order.
    """
    chosen = np.zeros(n, dtype=np.int64)
    own, (left, right) = norms(points), sides(points)
    with one_thread():
        away = right[:1] @ left.T + own
        for i in range(1, n):
            ends = np.cumsum(away)
            if not ends[-1]:
                # fewer rows that differ than clusters: equal rows are dealt out later
                break
            drawn = (np.arange(i * TRIES, (i + 1) * TRIES) * GOLDEN) % 1.0 * ends[-1]
            tried = np.minimum(np.searchsorted(ends, drawn, side="right"), len(points) - 1)
            nearer = np.minimum(away, right[tried] @ left.T + own)
            best = np.cumsum(nearer, axis=1)[:, -1].argmin()
            chosen[i], away = tried[best], nearer[best]
    return chosen


def _nearest(centroids: Floats, points: Floats) -> Ints:
    """Return the nearest centroid of each row, but give each empty cluster the farthest row of one that has others."""
    found, squares = knn(centroids, points, 1, how="brute")
    owner, sizes = found[:, 0], np.bincount(found[:, 0], minlength=len(centroids))
    waiting = iter(np.argsort(-squares[:, 0], kind="stable"))
    for cluster in np.flatnonzero(sizes == 0):
        row = next(row for row in waiting if sizes[owner[row]] > 1)
        sizes[owner[row]] -= 1
        sizes[cluster] += 1
        owner[row] = cluster
    return owner


def k_means(sample: Floats, clusters: int) -> Cells:
    """Make clusters of a sample in the order of its draws; fewer when it has fewer distinct rows."""
    return Cells(fit_k_means(sample, clusters, K_MEANS_STEPS) if len(sample) else np.zeros((1, sample.shape[1])))


def k_means_by(sample: Floats, estimator: Any, seed: int) -> Cells:
    """Do the same by a clusterer of scikit-learn's kind."""
    most = len(np.unique(sample, axis=0))
    if not most:
        return k_means(sample, 1)
    return Cells(_centers(sample, min(most, estimator.get_params()["n_clusters"]), estimator, seed))


def log_sparsity(sample: Floats, rows: int, exponent: float | None) -> float:
    """Return the logarithm of mean distance ** exponent / rows, a cluster's sparsity (Douzas et al., 2018).

    `sample` are some of the rows of a class in the cluster, in the order of their draws, of which the first 1,000 are
    measured; `rows` is the number of all. Without `exponent`, it is imbalanced-learn's log(rows, 1.6) ** 1.8 * 0.16.
    """
    few = sample[:PAIRED]
    if len(few) < 2:
        return -math.inf
    own = norms(few)
    squares = np.maximum(0.0, own[:, None] - 2 * few @ few.T + own)
    np.fill_diagonal(squares, 0.0)
    mean = float(np.sqrt(squares).sum()) / (len(few) ** 2 - len(few))
    if exponent is None:
        exponent = math.log(rows, 1.6) ** 1.8 * 0.16
    return (exponent * math.log(mean) if mean > 0 else -math.inf) - math.log(rows)


def by_sparsity(logs: Sequence[float], wanted: int) -> list[int]:
    """Share rows out to clusters in proportion to their sparsity, exactly; evenly where it is 0 for all."""
    highest = max(logs)
    weights = [math.exp(log - highest) if highest > -math.inf else 1.0 for log in logs]
    total = sum(map(Fraction, weights))
    return apportion([wanted], [Fraction(weight) / total for weight in weights])[0]


@dataclass(frozen=True)
class NearestCluster:
    """Says which cluster each row is in, in column `name`: that of the nearest centroid, of those of its class."""

    name: str
    scale: Scale
    clusters: Mapping[int, Cells]

    def __call__(self, features: Floats, class_ids: Ints) -> Said:
        """Return the cluster of each row."""
        points, cluster = self.scale.integers(features), np.empty(len(class_ids), dtype=np.int32)
        for one in np.unique(class_ids):
            cluster[class_ids == one] = self.clusters[int(one)].owners(points[class_ids == one])
        return {self.name: cluster}
