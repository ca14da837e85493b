"""The k nearest points of some rows, ties broken by the order of the points."""

from collections.abc import Callable, Iterator
from typing import Any, Generic, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.distances import EqualRows, blocks, k_smallest, norms, one_thread, sides
from spark_balance.kernels.pivot_search import PivotCell, Queries, search_around_pivots
from spark_balance.kernels.pivots import CANDIDATES, FIRST, rows_per_pivot
from spark_balance.kernels.projection import Projection, Rows, judge

BRUTE_ROWS = 5_000  # below, all pairs cost no more than a search
ROWS_PER_NEIGHBOR = 400

Value = TypeVar("Value")
How = Literal["bounded", "exact", "brute", "scikit-learn"]


class Metric(Protocol):
    """A distance other than Euclid's; it travels to the workers."""

    @property
    def euclidean(self) -> bool:
        """Whether it is Euclid's distance of what is measured."""

    @property
    def complete(self) -> bool:
        """Whether all features count in every distance: nothing is nearer to a row than its equals, then."""

    def measured(self, points: Floats) -> Floats:
        """Return the numbers of each point that count; equal ones are at distance 0."""

    def embed(self, points: Floats) -> Floats:
        """Return integer points near which, by Euclid's distance, near rows mostly are."""

    def distances(self, points: Floats, queries: NDArray[Any]) -> Iterator[tuple[slice, Floats]]:
        """Yield slices of the queries, positions in `points` (or rows), and their squared distances to all points."""


def knn(
    points: Rows,
    queries: NDArray[Any],
    k: int,
    *,
    metric: Metric | None = None,
    projection: Projection | None = None,
    classes: Ints | None = None,
    how: How = "bounded",
    candidates: int = CANDIDATES,
) -> tuple[Ints, Floats]:
    """Return the k nearest points of each query, and the squared distances to them.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_features)
        Integers below 2^22, held in float64 or int32, in the order of their row ids. Squared distances below 2^53 are
        exact, so the result is the same on any machine.
    queries : ndarray of int of shape (n_queries,), or ndarray of float of shape (n_queries, n_features)
        Positions in `points`, ascending; such a row is not its own neighbor. Or rows that are not among `points`.
    k : int
        Neighbors of each query.
    metric : Metric, optional
        Another distance than Euclid's; all pairs are compared. Queries are positions where it is `complete`.
    projection : Projection, optional
        Where 'bounded' looks for candidates among many points, the nearest of which are then judged in full width.
    classes : ndarray of shape (n_points,), optional
        Class ids, when only the classes of the neighbors count. A query of the most frequent class whose
        neighbors all seem to be of that class is then only compared with more rows of other classes, which are
        few: if none is nearer, rows of its class stand for its neighbors.
    how : {'bounded', 'exact', 'brute', 'scikit-learn'}
        'bounded' compares a row of a large cell with at most `candidates` points on average, and may miss some
        neighbors; 'exact' compares it with as many as it takes; 'brute' with all; 'scikit-learn' fits its
        `NearestNeighbors` (brute force, ties in its order).
    candidates : int

    Returns
    -------
    positions, squares : ndarray of shape (n_queries, min(k, n_others))
        Positions in `points` by (distance, position), and squared distances.
    """
    index = KnnIndex(points, k, metric=metric, projection=projection, classes=classes, how=how, candidates=candidates)
    return index.search(queries)


class _computed_once(Generic[Value]):  # noqa: N801 - as `cached_property`
    """`cached_property` without its lock, which until Python 3.12 lets one of Sail's tasks compute at a time."""

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute = compute

    def __get__(self, index: Any, _: type[Any]) -> Value:
        value = vars(index)[self._compute.__name__] = self._compute(index)
        return value


class KnnIndex:
    """The same search for several sets of queries: what is made of the points is made once. Parameters as of `knn`."""

    def __init__(
        self,
        points: Rows,
        k: int,
        *,
        metric: Metric | None = None,
        projection: Projection | None = None,
        classes: Ints | None = None,
        how: How = "bounded",
        candidates: int = CANDIDATES,
    ) -> None:
        self.compared = 0  # pairs of a query and a point whose distance was computed so far
        self._projection = projection if how == "bounded" and len(points) > BRUTE_ROWS else None
        self._whole, self._wanted = points, k
        if self._projection is not None:
            points, k = self._projection.embed(points, np.int32), max(k, self._projection.judged)
        else:
            points = points[:]
        if metric is not None:
            # a search leaves equal rows out, which may be nearer to others
            points, how = metric.measured(points), "exact" if metric.complete else "brute"
            metric = None if metric.euclidean else metric
        self._points, self._k, self._metric, self._classes, self._how = points, k, metric, classes, how
        self._candidates = candidates

    def search(self, queries: NDArray[Any]) -> tuple[Ints, Floats]:
        """Return the positions of the nearest points of each query, and the squared distances to them."""
        with one_thread():
            return self._search(queries)

    def _search(self, queries: NDArray[Any]) -> tuple[Ints, Floats]:
        if self._projection is None or not len(queries):
            return self._near_rows(queries) if queries.ndim == 2 else self._near_points(queries)
        if queries.ndim == 2:
            near, _ = self._near_rows(self._projection.embed(queries))
        else:
            near, _ = self._near_points(queries)
        self.compared += near.size
        return judge(self._whole, queries, near, self._wanted)

    def _near_points(self, queries: Ints) -> tuple[Ints, Floats]:
        k = max(0, min(self._k, len(self._points) - 1))
        if k == 0 or not len(queries):
            return np.empty((len(queries), k), dtype=np.int64), np.empty((len(queries), k))
        if self._how == "scikit-learn":
            from sklearn.neighbors import NearestNeighbors  # takes as long to import as a small search to run

            # asked without points it leaves out each point itself; by one thread equally near points come in one order
            fitted = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(self._points.astype(np.float64))
            away, near = fitted.kneighbors()
            return near[queries].astype(np.int64), away[queries] ** 2
        if self._how == "brute":
            return self._brute(self._points, queries, k)
        found, squares = np.empty((len(queries), k), dtype=np.int64), np.zeros((len(queries), k))
        crowded = self._equals.size[self._equals.group[queries]] > k
        found[crowded] = self._equals.first_others(queries[crowded], k)
        others = np.searchsorted(self._equals.kept, queries[~crowded])
        near, squares[~crowded] = self._search_kept(others, k)
        found[~crowded] = self._equals.kept[near]
        return found, squares

    def _near_rows(self, rows: Floats) -> tuple[Ints, Floats]:
        k = min(self._k, len(self._points))
        rows = rows if self._metric is None else self._metric.measured(rows)
        # to put many neighbors in order costs more than to compare with all points
        if self._how == "brute" or len(self._points) <= max(BRUTE_ROWS, ROWS_PER_NEIGHBOR * self._k):
            return self._brute(self._points, rows, k)
        found, squares = self._search_kept(rows, k)
        return self._equals.kept[found], squares

    @_computed_once
    def _equals(self) -> EqualRows:
        return EqualRows(self._points, max(0, min(self._k, len(self._points) - 1)))

    @_computed_once
    def _kept(self) -> Floats:
        kept = self._equals.kept
        return self._points if len(kept) == len(self._points) else self._points[kept]

    @_computed_once
    def _cell(self) -> PivotCell:
        others = np.ones(len(self._kept), dtype=bool)
        if self._classes is not None:
            own = self._classes[self._equals.kept]
            others = own != np.bincount(own).argmax()
        return PivotCell.gather(self._kept, others, self._candidates)

    def _search_kept(self, queries: NDArray[Any], k: int) -> tuple[Ints, Floats]:
        """Search among the points that are left of equal ones."""
        points = len(self._kept)
        # pivots compare every point with all of them, twice: too much for a few queries
        few = len(queries) <= points // (2 * rows_per_pivot(points))
        # and a pivot must have more candidates than a row has neighbors
        if self._metric is not None or points <= max(BRUTE_ROWS, self._candidates) or few or k > CANDIDATES // 10:
            return self._brute(self._kept, queries, k)
        asked = Queries.of_points(self._cell, queries) if queries.ndim == 1 else Queries.of_rows(self._cell, queries)
        more = points if self._how == "exact" else round((1 - FIRST) * self._candidates)
        some, reach, compared = search_around_pivots(self._cell, asked, k, more)
        self.compared += compared
        found, squares = np.empty_like(some), np.empty_like(reach)
        found[asked.order], squares[asked.order] = some, reach
        return found, squares

    def _brute(self, points: NDArray[Any], queries: NDArray[Any], k: int) -> tuple[Ints, Floats]:
        found, squares = np.empty((len(queries), k), dtype=np.int64), np.empty((len(queries), k))
        if not found.size:
            return found, squares
        self.compared += len(queries) * len(points)
        own = queries.ndim == 1
        points = points.astype(np.float64, copy=False)
        queries = queries if own else queries.astype(np.float64, copy=False)
        if self._metric is not None:
            parts, beyond = self._metric.distances(points, queries), np.zeros(len(queries))
        else:
            left, right = sides(points) if own else (sides(queries)[0], sides(points)[1])
            parts = blocks(left[queries] if own else left, right)
            beyond = norms(points[queries] if own else queries)
        for block, distance in parts:
            if own:
                distance[np.arange(len(distance)), queries[block]] = np.inf
            found[block], squares[block] = k_smallest(distance, k)
        return found, squares + beyond[:, None]


def count_candidates(rows: int, candidates: int = CANDIDATES) -> int:
    """Return how many others a row of a cell of this size is compared with, on average at most."""
    return rows if rows <= BRUTE_ROWS else min(rows, candidates)
