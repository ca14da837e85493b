"""Who may be near, by float32 at half the cost: its rounding is bounded, so integers decide among few, exactly."""

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.distances import slices

Singles = NDArray[np.float32]
Whole = NDArray[np.int32]
_VALUES = 2**19  # distances held at once: 2 MiB, about half of what the processor's cache holds
_GROUPS = (16, 128)  # of columns: for each neighbor, and at least (measured)
_UNIT = 2.0**-24  # what a rounding in float32 moves a number by, relatively


def propose_nearest(queries: Whole, points: Whole, near: Whole, k: int, own: Ints | None = None) -> tuple[Ints, Ints]:
    """Return the (query, point) pairs among which the k nearest points of each query are, in the order of queries.

    `near` is a row close to them all: the closer, the fewer pairs. `own` is the point that each query is: it is not one
    of its neighbors.
    """
    left, left_reach = _local(queries, near)
    right, right_reach = _local(points, near)
    rounded = 2 * _rounding(left.shape[1], left_reach, right_reach)
    right[:, -1] = np.einsum("pf,pf->p", right, right)
    left *= np.float32(-2)
    left[:, -1] = 1
    columns = len(points)
    groups = max(k, min(columns, max(_GROUPS[0] * k, _GROUPS[1])))
    pairs = []
    for block in slices(len(queries), _VALUES // columns):
        values = left[block] @ right.T
        if own is not None:
            values[np.arange(len(values)), own[block]] = np.inf
        # the k-th least of the minima of some groups of columns bounds the k-th least of all, and few are below it
        minima = values[:, : columns // groups * groups].reshape(len(values), -1, groups).min(axis=1)
        bound = (np.partition(minima, k - 1, axis=1)[:, k - 1] + rounded[block]).astype(np.float32)
        row, column = np.divmod(np.flatnonzero(values <= bound[:, None]), columns)
        pairs.append((row + block.start, column))
    row, column = map(np.concatenate, zip(*pairs, strict=True))
    return row, column


def propose_within(queries: Whole, points: Whole, near: Whole, squares: Floats) -> tuple[Ints, Ints]:
    """Return the (query, point) pairs among which those at most `squares` apart, one for each query, are."""
    left, left_reach = _local(queries, near)
    right, right_reach = _local(points, near)
    bound = squares - np.einsum("qf,qf->q", left, left, dtype=np.float64)
    bound = (bound + _rounding(left.shape[1], left_reach, right_reach)).astype(np.float32)
    right[:, -1] = np.einsum("pf,pf->p", right, right)
    left *= np.float32(-2)
    left[:, -1] = 1
    pairs = []
    for block in slices(len(queries), _VALUES // len(points)):
        flat = np.flatnonzero(left[block] @ right.T <= bound[block, None])
        row, column = np.divmod(flat, len(points))
        pairs.append((row + block.start, column))
    row, column = map(np.concatenate, zip(*pairs, strict=True))
    return row, column


def squares_apart(left: Whole, right: Whole) -> Floats:
    """Return the squared distance of each pair of rows of whole numbers, exactly."""
    apart = (left - right).astype(np.float64)
    squares: Floats = np.einsum("pf,pf->p", apart, apart)
    return squares


def _local(points: Whole, near: Whole) -> tuple[Singles, Singles]:
    """Return whole numbers below 2^22 from a row near them, exact in float32, a place for their norm, and the norm."""
    local = np.zeros((len(points), points.shape[1] + 1), dtype=np.float32)
    np.subtract(points, near, out=local[:, :-1], casting="unsafe")
    reach: Singles = np.sqrt(np.einsum("pf,pf->p", local, local))
    return local, reach


def _rounding(terms: int, left: Singles, right: Singles) -> Floats:
    """Bound what rounding can move the product of each left row with any right one, and of their norms."""
    reach = left.astype(np.float64) + float(right.max(initial=0.0))
    bound: Floats = (2 * terms + 8) * _UNIT * reach**2
    return bound
