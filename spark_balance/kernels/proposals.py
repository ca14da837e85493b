"""Who is nearer: float32 proposes at half the cost; its rounding is bounded, so whole numbers decide among few."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.kernels.distances import slices

Singles = NDArray[np.float32]
_VALUES = 2**19  # distances held at once: 2 MiB, about half of what the processor's cache holds
_GROUPS = (16, 128)  # of columns: for each neighbor, and at least (measured)
_UNIT = 2.0**-24  # what a rounding in float32 moves a number by, relatively


class Side(NamedTuple):
    """Some rows of a matrix of whole numbers below 2^22: float32 holds them and their differences exactly."""

    matrix: Singles  # (n_rows, n_features)
    rows: Ints  # (n_some,)

    def local(self, near: Singles) -> tuple[Singles, Singles]:
        """Return the rows as seen from a row near them, with a place for one more number, and their squared norms."""
        local = np.zeros((len(self.rows), self.matrix.shape[1] + 1), dtype=np.float32)
        np.subtract(self.matrix.take(self.rows, axis=0), near, out=local[:, :-1])
        return local, np.einsum("pf,pf->p", local[:, :-1], local[:, :-1])


def nearer(
    queries: Side, points: Side, near: Singles, names: Ints, own: bool, some: Ints, found: Ints, reach: Floats
) -> None:
    """Put the points that are nearer than the neighbors of some rows so far among those, by (value, name).

    Parameters
    ----------
    queries, points : Side
        Each query is compared with each point. With `own` they are of one matrix, and a row is not its own neighbor.
    near : ndarray of shape (n_features,)
        A row close to them all: the closer, the fewer distances are computed twice.
    names : ndarray of shape (n_rows,)
        The name of each row of the matrix of the points.
    some : ndarray of shape (n_queries,)
        The place of each query in `found` and `reach`, ascending.
    found, reach : ndarray of shape (n_places, k)
        Names and squared distances of the neighbors so far; infinity where one is missing.
    """
    row, column = propose(queries, points, near, reach[some, -1], found.shape[1] + own)
    one, place = some[row], points.rows[column]
    value, name = squares_apart(queries.matrix[queries.rows[row]], points.matrix[place]), names[place]
    new = (value <= reach[one, -1]) & ~(found[one] == name[:, None]).any(axis=1)
    if own:
        new &= queries.rows[row] != place
    changed = one[new][_new(one[new])]
    one = np.concatenate([one[new], np.repeat(changed, found.shape[1])])
    name = np.concatenate([name[new], found[changed].ravel()])
    value = np.concatenate([value[new], reach[changed].ravel()])
    found[changed], reach[changed] = first_k(one, name, value, found.shape[1])


def propose(queries: Side, points: Side, near: Singles, reach: Floats, k: int) -> tuple[Ints, Ints]:
    """Return the (query, point) pairs, in the order of queries, that whole numbers must decide on.

    All that are at most `reach` apart, a squared distance for each query; where it is infinite, all that are among the
    k nearest of these points.
    """
    left, own = queries.local(near)
    right, norms = points.local(near)
    rounded = rounding(left.shape[1], own, norms)
    bound = (reach - own + rounded).astype(np.float32)
    right[:, -1] = norms
    left *= np.float32(-2)
    left[:, -1] = 1
    columns = len(right)
    pairs = []
    for block in slices(len(left), _VALUES // max(1, columns)):
        values, most = left[block] @ right.T, bound[block]
        if k < columns and np.isinf(most).any():
            most = np.minimum(most, (_kth_at_most(values, k) + 2 * rounded[block]).astype(np.float32))
        row, column = np.divmod(np.flatnonzero(values <= most[:, None]), max(1, columns))
        pairs.append((row + block.start, column))
    row, column = map(np.concatenate, zip(*pairs, strict=True))
    return row, column


def within(values: Singles, own: Singles, times: Singles, limit: Singles) -> tuple[Ints, Ints]:
    """Return how many columns of each row are above its `own` by at most `times` their limit, and which, row by row."""
    low = np.flatnonzero(values - own[:, None] <= times[:, None] * limit)
    starts = np.arange(len(values) + 1) * len(limit)
    count = np.diff(np.searchsorted(low, starts))
    return count, low - np.repeat(starts[:-1], count)


def squares_apart(left: Singles, right: Singles) -> Floats:
    """Return the squared distance of each pair of rows of whole numbers, exactly."""
    apart = (left - right).astype(np.float64)
    squares: Floats = np.einsum("pf,pf->p", apart, apart)
    return squares


def first_k(row: Ints, name: Ints, value: Floats, k: int) -> tuple[Ints, Floats]:
    """Return names and values of the k least of each row, by (value, name), in the order of rows."""
    order = np.lexsort((name, value, row))
    first = order[np.flatnonzero(_new(row[order]))[:, None] + np.arange(k)]
    return name[first], value[first]


def _new(ordered: Ints) -> Bools:
    """Return which numbers differ from the one before; the first does."""
    return np.diff(ordered, prepend=-1) > 0


def _kth_at_most(values: Singles, k: int) -> Singles:
    """Return a bound of the k-th least value of each row that few values are below."""
    columns = values.shape[1]
    # the k-th least of the minima of some groups of columns bounds the k-th least of all
    groups = max(k, min(columns, max(_GROUPS[0] * k, _GROUPS[1])))
    minima = values[:, : columns // groups * groups].reshape(len(values), -1, groups).min(axis=1)
    bound: Singles = np.partition(minima, k - 1, axis=1)[:, k - 1]
    return bound


def rounding(terms: int, left: Singles, right: Singles) -> Floats:
    """Bound what rounding can move the product of each left row with any right one, given their squared norms."""
    reach = np.sqrt(left.astype(np.float64)) + np.sqrt(float(right.max(initial=0.0)))
    bound: Floats = (2 * terms + 8) * _UNIT * reach**2
    return bound
