"""Exact nearest neighbours among a bounded number of rows, ties broken by the order of the rows."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import ThreadpoolController

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_CHUNK = 256


def nearest(points: Floats, queries: Ints, k: int) -> Ints:
    """Return the k nearest other points of some of the points.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_features)
        Integers held in float64, in the order of (identity, number).
    queries : ndarray of shape (n_queries,)
        Positions in `points`.
    k : int
        Neighbours wanted; the point itself, by position, is not one of them.

    Returns
    -------
    ndarray of shape (n_queries, min(k, n_points - 1))
        Positions in `points` by (distance, position): the same on any machine.
    """
    k = min(k, len(points) - 1)
    if k < 1 or not len(queries):
        return np.empty((len(queries), max(k, 0)), dtype=np.int64)
    asked = min(k + 2, len(points))
    # one thread: the engine already runs a task on every core
    with _threads().limit(limits=1):
        model = NearestNeighbors(n_neighbors=asked, algorithm="brute").fit(points)
        found = model.kneighbors(points[queries], return_distance=False)
    distance = _squared(points, queries, found)
    itself = found == queries[:, None]
    distance[itself] = -1.0
    order = np.lexsort((found, distance), axis=1)
    found, distance = np.take_along_axis(found, order, 1), np.take_along_axis(distance, order, 1)
    # whether the row found itself or not, the first k others are here unless the last is a tie
    shown = itself.any(axis=1)
    result = np.where(shown[:, None], found[:, 1 : k + 1], found[:, :k])
    last = np.where(shown, distance[:, k], distance[:, k - 1])
    if asked < len(points):
        tied = np.flatnonzero(last >= distance[:, -1])
        result[tied] = _by_force(points, queries[tied], k)
    return result


@cache
def _threads() -> ThreadpoolController:
    """Find the thread pools of BLAS and OpenMP once: looking for them takes longer than a small search."""
    return ThreadpoolController()


def _squared(points: Floats, queries: Ints, found: Ints) -> Floats:
    """Return exact squared distances, in chunks that stay small."""
    distance = np.empty(found.shape)
    for start in range(0, len(queries), 4 * _CHUNK):
        rows = slice(start, start + 4 * _CHUNK)
        difference = points[found[rows]] - points[queries[rows]][:, None, :]
        distance[rows] = np.einsum("qkf,qkf->qk", difference, difference)
    return distance


def _by_force(points: Floats, queries: Ints, k: int) -> Ints:
    """Search again for rows whose last neighbour is one of several equally far ones."""
    result = np.empty((len(queries), k), dtype=np.int64)
    places, of_query = np.unique(points[queries], axis=0, return_inverse=True)
    norms = np.einsum("pf,pf->p", points, points)
    of_query = of_query.reshape(-1)
    by_place = np.argsort(of_query, kind="stable")
    ends = np.searchsorted(of_query[by_place], np.arange(len(places) + 1))
    for start in range(0, len(places), _CHUNK):
        chunk = places[start : start + _CHUNK]
        distances = norms - 2 * (chunk @ points.T) + np.einsum("pf,pf->p", chunk, chunk)[:, None]
        reach = np.partition(distances, k, axis=1)[:, k]
        for i, row in enumerate(distances):
            near = np.flatnonzero(row <= reach[i])
            first = near[np.argsort(row[near], kind="stable")][: k + 1]
            for place in by_place[ends[start + i] : ends[start + i + 1]]:
                query = queries[place]
                # a point beyond the first k + 1 of its equals is not in the list, which then has one too many
                result[place] = first[first != query][:k]
    return result
