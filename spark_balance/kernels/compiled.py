"""The steps of a search that cost most, compiled by numba: the results of their namesakes in NumPy, bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
import scipy.linalg.cython_blas  # noqa: F401 - numba loads it with the first product, and its threads

from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.proposals import Side, Singles, rounding

VERSION = str(numba.__version__)
Function = TypeVar("Function", bound=Callable[..., Any])
_VALUES, _POINTS = 2**17, 512  # of a product: half of what a core's own cache holds (measured)
_CHUNK = 64  # values that are looked at together


def compiled(signature: str, *, loose: bool = False) -> Callable[[Function], Function]:
    """Compile a function when the module is imported, or read what an earlier process compiled.

    `loose` lets sums be taken in any order: of numbers whose sums are exact, or whose rounding is bounded. Without a
    folder to keep what was compiled in, this raises: to compile takes longer than it saves in a few cells.
    """
    fastmath = {"reassoc", "contract", "nsz"} if loose else False

    def compile_it(function: Function) -> Function:
        made: Any = numba.njit(signature, cache=True, nogil=True, error_model="numpy", fastmath=fastmath)(function)
        return cast("Function", made)

    return compile_it


def nearer(
    queries: Side, points: Side, near: Singles, names: Ints, own: bool, some: Ints, found: Ints, reach: Floats
) -> None:
    """Put the points that are nearer among the neighbors of some rows: see `proposals.nearer`."""
    # near points first, as those of one pivot lie side by side: they bound what is worth a look in the others
    at = np.roll(points.rows, -int(np.searchsorted(points.rows, queries.rows[0]))) if own else points.rows
    left, norms = _local(*queries, near, -2)
    right, others = _local(*points._replace(rows=at), near, 1)
    shift = rounding(left.shape[1], norms, others) - norms
    left[:, -1], right[:, -1] = 1, others
    itself = names[queries.rows] if own else np.full(len(some), -1)
    _compare(left, right, shift, some, itself, names[at], found, reach)


@compiled("Tuple((f4[:,::1], f4[::1]))(f4[:,::1], i8[:], f4[::1], f4)", loose=True)
def _local(matrix: Singles, rows: Ints, near: Singles, times: float) -> tuple[Singles, Singles]:
    """Return rows as seen from a row near them, times a number, with a place for one more, and their squared norms."""
    n, width = len(rows), matrix.shape[1]
    local, norms = np.empty((n, width + 1), dtype=np.float32), np.empty(n, dtype=np.float32)
    for i in range(n):
        row, out, norm = matrix[rows[i]], local[i], np.float32(0)
        for j in range(width):
            away = row[j] - near[j]
            out[j] = away * times
            norm += away * away
        norms[i] = norm
    return local, norms


@compiled("f8(f4[::1], f4[::1])", loose=True)
def _square_apart(left: Singles, right: Singles) -> float:
    """Return the squared distance of two rows of whole numbers, exactly."""
    total = 0.0
    for j in range(len(left) - 1):
        away = np.float64(left[j] * np.float32(-0.5) - right[j])
        total += away * away
    return total


@compiled("void(f4[:,::1], f4[:,::1], f4[:,::1], f8[::1], i8[:], i8[:], i8[:], i8[:,::1], f8[:,::1])", loose=True)
def _insert(
    product: Singles,
    left: Singles,
    right: Singles,
    shift: Floats,
    some: Ints,
    itself: Ints,
    names: Ints,
    found: Ints,
    reach: Floats,
) -> None:
    """Put points into the lists of rows, where the product says that whole numbers must decide, and they say so."""
    last, columns = found.shape[1] - 1, product.shape[1]
    none, one = np.float32(0), np.float32(1)
    for q in range(len(product)):
        at, row = some[q], product[q]
        bound = np.float32(reach[at, last] + shift[q])
        for start in range(0, columns, _CHUNK):
            chunk = row[start : start + _CHUNK]
            low = none
            for j in range(len(chunk)):
                low += one if chunk[j] <= bound else none
            if low == none:
                continue
            for j in range(len(chunk)):
                if not chunk[j] <= bound or names[start + j] == itself[q]:
                    continue
                square, name = _square_apart(left[q], right[start + j]), names[start + j]
                place = last + 1
                while place > 0 and (
                    square < reach[at, place - 1] or (square == reach[at, place - 1] and name < found[at, place - 1])
                ):
                    place -= 1
                # it may be there already
                if place > last or (place > 0 and found[at, place - 1] == name):
                    continue
                for i in range(last, place, -1):
                    found[at, i], reach[at, i] = found[at, i - 1], reach[at, i - 1]
                found[at, place], reach[at, place] = name, square
                bound = np.float32(reach[at, last] + shift[q])


@compiled("void(f4[:,::1], f4[:,::1], f8[::1], i8[:], i8[:], i8[:], i8[:,::1], f8[:,::1])")
def _compare(
    left: Singles, right: Singles, shift: Floats, some: Ints, itself: Ints, names: Ints, found: Ints, reach: Floats
) -> None:
    """Compare rows with points, some of each at a time; in one call, as Sail's tasks share one lock of Python."""
    room = np.empty(_VALUES, dtype=np.float32)
    rows = _VALUES // max(1, min(_POINTS, len(right)))
    for i in range(0, len(left), rows):
        a = left[i : i + rows]
        for j in range(0, len(right), _POINTS):
            b = right[j : j + _POINTS]
            product = room[: len(a) * len(b)].reshape(len(a), len(b))
            np.dot(a, b.T, product)
            some_of, itself_of, shift_of = some[i : i + rows], itself[i : i + rows], shift[i : i + rows]
            _insert(product, a, b, shift_of, some_of, itself_of, names[j : j + _POINTS], found, reach)


@compiled("Tuple((i8[::1], i8[::1]))(f4[:,::1], f4[::1], f4[::1], f4[::1])")
def within(values: Singles, own: Singles, times: Singles, limit: Singles) -> tuple[Ints, Ints]:
    """Return how many columns of each row are above its `own` by little, and which: see `proposals.within`."""
    rows, columns = values.shape
    count, column, end = np.zeros(rows, dtype=np.int64), np.empty(64 * rows + columns, dtype=np.int64), 0
    marks = np.zeros(-(-columns // 8) * 8, dtype=np.uint8)
    eights = marks.view(np.uint64)
    for i in range(rows):
        start = end
        if len(column) < start + columns:
            wider = np.empty(2 * len(column) + columns, dtype=np.int64)
            wider[:start] = column[:start]
            column = wider
        for j in range(columns):
            marks[j] = values[i, j] - own[i] <= times[i] * limit[j]
        for eight in range(len(eights)):
            if eights[eight] == 0:
                continue
            for j in range(8 * eight, 8 * eight + 8):
                if marks[j]:
                    column[end] = j
                    end += 1
        count[i] = end - start
    return count, column[:end].copy()  # a view would keep what is not used
