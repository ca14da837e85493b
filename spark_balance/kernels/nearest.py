"""Exact nearest neighbours among a bounded number of rows, ties broken by the order of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_GROUPS = (16, 128)  # of columns: for each neighbour wanted, and at least (measured)
_BLOCK = 2**19  # distances held at once: 4 MiB, about what the processor's cache holds
_ROWS = 16  # but for so many rows at least, each time that all others are read


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
        Positions in `points` by (distance, position): the same on any machine, since
        every product and sum of such integers is exact.
    """
    k = min(k, len(points) - 1)
    result = np.empty((len(queries), max(k, 0)), dtype=np.int64)
    if not result.size:
        return result
    left, right = sides(points)
    names = np.arange(len(points))
    with one_thread():
        for block, distance in blocks(left[queries], right):
            distance[np.arange(len(distance)), queries[block]] = np.inf
            result[block] = least(distance, names, k)[0]
    return result


def among(asked: Floats, others: Floats, k: int) -> tuple[Ints, Floats]:
    """Return the k nearest of other points, and their squared distances.

    Parameters
    ----------
    asked : ndarray of shape (n_asked, n_features)
    others : ndarray of shape (n_others, n_features)
        Integers held in float64; ties go to the first.
    k : int

    Returns
    -------
    tuple of ndarray of shape (n_asked, min(k, n_others))
        Positions in `others` by (distance, position), and squared distances.
    """
    k = min(k, len(others))
    found, away = np.empty((len(asked), k), dtype=np.int64), np.empty((len(asked), k))
    if not found.size:
        return found, away
    right, names = sides(others)[1], np.arange(len(others))
    with one_thread():
        for block, distance in blocks(sides(asked)[0], right):
            found[block], away[block] = least(distance, names, k)
    return found, away + norms(asked)[:, None]


def sides(points: Floats) -> tuple[Floats, Floats]:
    """Return matrices whose product is squared distances, but for the squared norm of the left point.

    The norm of the right point is one more feature; that of the left is the same for all it
    is compared with, and left out.
    """
    left = np.column_stack([points, np.ones(len(points))])
    return left, np.column_stack([-2 * points, norms(points)])


def blocks(left: Floats, right: Floats) -> Iterator[tuple[slice, Floats]]:
    """Yield the product of some rows of the left side with all of the right one, and which rows these are.

    There is one block at least, be it empty.
    """
    step = max(_ROWS, _BLOCK // len(right))
    for start in range(0, max(1, len(left)), step):
        block = slice(start, start + step)
        yield block, left[block] @ right.T


def norms(points: Floats) -> Floats:
    """Return the squared norm of each point."""
    squares: Floats = np.einsum("pf,pf->p", points, points)
    return squares


def least(values: Floats, names: Ints, k: int) -> tuple[Ints, Floats]:
    """Return the names of the columns of the k least values of each row, by (value, name), and those values."""
    rows, columns = values.shape
    if k == 1 and (names[1:] > names[:-1]).all():
        # of equal values the first has the smallest name
        column = values.argmin(axis=1)[:, None]
        return names[column], np.take_along_axis(values, column, axis=1)
    # the k-th least of the minima of some groups of columns bounds the k-th least of all, and few are below it
    groups = max(k, min(columns, max(_GROUPS[0] * k, _GROUPS[1])))
    minima = values[:, : columns // groups * groups].reshape(rows, -1, groups).min(axis=1)
    bound = np.partition(minima, k - 1, axis=1)[:, k - 1 : k]
    flat = np.flatnonzero(values <= bound)
    row, column = np.divmod(flat, columns)
    name, value = names[column], values.ravel()[flat]
    order = np.lexsort((name, value, row))
    first = order[np.searchsorted(row, np.arange(rows))[:, None] + np.arange(k)]
    return name[first], value[first]


def one_thread() -> AbstractContextManager[object]:
    """Keep BLAS to one thread: the engine already runs a task on every core."""
    limit: AbstractContextManager[object] = _threads().limit(limits=1)
    return limit


@cache
def _threads() -> ThreadpoolController:
    """Find the thread pools once: looking for them takes longer than a small search."""
    return ThreadpoolController()
