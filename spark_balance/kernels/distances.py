"""Squared distances of whole numbers, exact on any machine: blocks of them, the k smallest, and equal rows."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import cache
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from spark_balance.kernels import Bools, Floats, Ints

Real = TypeVar("Real", np.float32, np.float64)
_GROUPS = (16, 128)  # of columns: for each neighbor, and at least (measured)
_BLOCK = 2**19  # distances held at once: 4 MiB, about what the processor's cache holds
_BITS = 16  # least bits of a factor
_ROWS = 16  # least rows of a block: each block reads all points


def sides(points: Floats) -> tuple[Floats, Floats]:
    """Return matrices whose product is squared distances, except the squared norm of the left point.

    The norm of the right point is one more feature. That of the left point is the same for all points it
    is compared with, and left out.
    """
    left = np.column_stack([points, np.ones(len(points))])
    return left, np.column_stack([-2 * points, norms(points)])


def blocks(left: NDArray[Real], right: NDArray[Real]) -> Iterator[tuple[slice, NDArray[Real]]]:
    """Yield `slices` of the rows of the left side, and the product of each with the whole right side."""
    for block in slices(len(left), max(_ROWS, _BLOCK // len(right))):
        yield block, left[block] @ right.T


def slices(rows: int, step: int) -> Iterator[slice]:
    """Yield slices of at most `step` of some rows (and at least 1), in turn; one empty slice of no rows."""
    step = max(1, step)
    for start in range(0, max(1, rows), step):
        yield slice(start, start + step)


def norms(points: Floats) -> Floats:
    """Return the squared norm of each point."""
    squares: Floats = np.einsum("pf,pf->p", points, points)
    return squares


def k_smallest(values: Floats, k: int) -> tuple[Ints, Floats]:
    """Return the columns of the k smallest values of each row, by (value, column), and those values."""
    rows, columns = values.shape
    if k == 1:
        column = values.argmin(axis=1)[:, None]  # the first of equal values
        return column, np.take_along_axis(values, column, axis=1)
    # the k-th least of the minima of some groups of columns bounds the k-th least of all, and few are below it
    groups = max(k, min(columns, max(_GROUPS[0] * k, _GROUPS[1])))
    minima = values[:, : columns // groups * groups].reshape(rows, -1, groups).min(axis=1)
    bound = np.partition(minima, k - 1, axis=1)[:, k - 1 : k]
    flat = np.flatnonzero(values <= bound)
    row, column = np.divmod(flat, columns)
    value = values.ravel()[flat]
    order = np.lexsort((column, value, row))
    first = order[np.searchsorted(row, np.arange(rows))[:, None] + np.arange(k)]
    return column[first], value[first]


# to look for thread pools takes longer than a small search
find_thread_pools = cache(ThreadpoolController)


class _OneThread:
    """The limit of a process: tasks of Sail share one, and the last that leaves lifts it."""

    def __init__(self) -> None:
        self._lock, self._inside = Lock(), 0
        self._pools: ThreadpoolController | None = None
        self._limits: list[Any] = []
        # threadpoolctl heeds the first thread that sets a limit as long as it lives, and no other
        self._setting = ThreadPoolExecutor(1, thread_name_prefix="one_thread")

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._pools is not find_thread_pools():
                self._pools = find_thread_pools()
                self._limits.append(self._setting.submit(self._pools.limit, limits=1).result())

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            while self._limits and not self._inside:
                self._pools = None
                self._setting.submit(self._limits.pop().restore_original_limits).result()


_one_thread = _OneThread()


def one_thread() -> AbstractContextManager[None]:
    """Keep BLAS to one thread: the engine already runs a task on every core."""
    return _one_thread


class EqualRows:
    """Which points are equal: a row that has many equals knows its k neighbors before any search.

    `group` is the group of equal points that each point is in, `size` that of each group, and `kept` are the
    positions to search among: of more than k + 1 equal points only the first k + 1 can be anyone's neighbors.
    """

    def __init__(self, points: NDArray[Any], k: int) -> None:
        key = _sums_of_products(points)
        order = np.argsort(key, kind="stable")
        new = changes(key[order][:, None])
        same = np.flatnonzero(~new)
        if (points[order[same]] != points[order[same - 1]]).any():
            order = np.lexsort(points.T)
            new = changes(points[order])
        start = np.flatnonzero(new)
        self.size: Ints = np.diff(start, append=len(points))
        self.group, rank = np.empty(len(points), dtype=np.int64), np.empty(len(points), dtype=np.int64)
        self.group[order] = np.repeat(np.arange(len(self.size)), self.size)
        rank[order] = np.arange(len(points)) - np.repeat(start, self.size)
        self.kept: Ints = np.flatnonzero(rank <= k)

    def first_others(self, queries: Ints, k: int) -> Ints:
        """Return the first k equals of points that have at least k."""
        members = self.kept[np.argsort(self.group[self.kept], kind="stable")]
        start = np.searchsorted(self.group[members], self.group[queries])
        first = members[start[:, None] + np.arange(k + 1)]
        # drop the point itself where it is among them, else the last
        drop = np.where((first == queries[:, None]).any(axis=1), np.argmax(first == queries[:, None], axis=1), k)
        others: Ints = first[np.arange(k + 1) != drop[:, None]].reshape(-1, k)
        return others


def _sums_of_products(points: NDArray[Any]) -> Ints:
    """Return a number for each row: equal ones have equal numbers, others hardly ever."""
    features, top = points.shape[1], max(float(-points.min(initial=0)), float(points.max(initial=0)), 1.0)
    draw, bits = np.random.default_rng(0), 52 - int(np.ceil(np.log2(top * features)))
    if bits < _BITS:
        # the low bits of doubles that hold integers are zero
        doubles = np.ascontiguousarray(points + 0.0).view(np.int64)
        wrapped: Ints = (doubles ^ doubles >> 32) @ draw.integers(2**62, size=features)
        return wrapped
    # exact in float64, in any order of summing
    factors = draw.integers(2**bits, size=(features, 2)).astype(np.float64)
    sums = [(points[some].astype(np.float64) @ factors).astype(np.int64) for some in slices(len(points), 2**14)]
    one, other = np.concatenate(sums).T
    mixed: Ints = one * 0x9E3779B97F4A7C1 + other
    return mixed


def changes(rows: NDArray[np.generic]) -> Bools:
    """Return which rows differ from the one before; the first does."""
    result = np.ones(len(rows), dtype=bool)
    result[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return result
