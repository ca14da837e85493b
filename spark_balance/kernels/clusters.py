"""Exactly so many clusters of a bounded number of rows, the same on any machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.nearest import among, norms, one_thread, sides

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LLOYD_STEPS = 30
TRIES = 4  # rows that are tried as the next start
GOLDEN = 0.6180339887498949


def clustered(points: Floats, n: int) -> Ints:
    """Return the cluster of each row, none of `n` empty: Lloyd's k-means, started by k-means++ in one fixed way.

    Parameters
    ----------
    points : ndarray of shape (n_rows, n_features)
        Integers held in float64, in the order of their draws.
    n : int
        Clusters, at most as many as there are rows; equal rows are split where there are fewer that differ.
    """
    centroids = points[_starts(points, n)]
    home = np.full(len(points), -1)
    for _ in range(LLOYD_STEPS):
        # integer centroids keep every distance exact
        found, away = among(points, centroids, 1)
        moved = _none_empty(found[:, 0], away[:, 0], n)
        if (moved == home).all():
            break
        home = moved
        centroids = np.rint(means(points, home, n))
    return home


def clustered_by(points: Floats, n: int, estimator: Any, seed: int) -> Ints:
    """Do the same by a clusterer of scikit-learn's kind, which has `n_clusters` and `cluster_centers_`."""
    from sklearn.base import clone

    names = {name: seed for name in estimator.get_params() if name.rpartition("__")[2] == "random_state"}
    with one_thread():
        fitted = clone(estimator).set_params(n_clusters=n, **names).fit(points)
    centroids = np.rint(np.asarray(fitted.cluster_centers_, dtype=np.float64))
    found, away = among(points, centroids, 1)
    return _none_empty(found[:, 0], away[:, 0], n)


def means(rows: Floats, home: Ints, n: int) -> Floats:
    """Return the mean of each cluster, summed in the order of the rows."""
    sums = np.column_stack([np.bincount(home, column, n) for column in rows.T])
    averages: Floats = sums / np.bincount(home, minlength=n)[:, None]
    return averages


def medoids(points: Floats, home: Ints, n: int) -> Ints:
    """Return the position of the row of each cluster that is nearest to its centroid, the first of several."""
    centroids = np.rint(means(points, home, n))
    apart = points - centroids[home]
    order = np.lexsort((np.arange(len(points)), np.einsum("pf,pf->p", apart, apart), home))
    first: Ints = order[np.searchsorted(home[order], np.arange(n))]
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


def _none_empty(home: Ints, away: Floats, n: int) -> Ints:
    """Give each empty cluster a row: the one farthest from its centroid whose cluster has others."""
    sizes = np.bincount(home, minlength=n)
    empty = np.flatnonzero(sizes == 0)
    if not len(empty):
        return home
    home = home.copy()
    waiting = iter(np.argsort(-away, kind="stable"))
    for cluster in empty:
        row = next(row for row in waiting if sizes[home[row]] > 1)
        sizes[home[row]] -= 1
        sizes[cluster] += 1
        home[row] = cluster
    return home
