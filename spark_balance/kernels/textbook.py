"""Neighbours as most SMOTEs find them: scikit-learn's model, fitted to the rows at hand."""

from __future__ import annotations

import numpy as np

from spark_balance.kernels.nearest import Floats, Ints, one_thread


def fitted_neighbours(points: Floats, queries: Ints, k: int) -> Ints:
    """Return the k nearest other points of some of the points, fewer when there are no more.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_features)
    queries : ndarray of shape (n_queries,)
        Positions in `points`.
    k : int

    Returns
    -------
    ndarray of shape (n_queries, min(k, n_points - 1))
        Positions in `points`, nearest first.
    """
    from sklearn.neighbors import NearestNeighbors  # takes as long to import as a small search to run

    k = min(k, len(points) - 1)
    if k < 1:
        return np.empty((len(queries), 0), dtype=np.int64)
    # one thread, so that equally near points come in one order on any machine
    with one_thread():
        # asked without points it leaves out each point itself
        found: Ints = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points).kneighbors(return_distance=False)
    return found[queries].astype(np.int64)
