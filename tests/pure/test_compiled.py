"""What numba compiled finds what NumPy finds, bit by bit, and both find what comparing all pairs finds."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spark_balance.kernels import compiled, pivot_search, proposals
from spark_balance.kernels.knn import KnnIndex
from spark_balance.kernels.proposals import Side
from spark_balance.kernels.steps import ENOUGH, fastest, in_numpy

WAYS = {"numpy": in_numpy(), "numba": fastest()}


def equal(left, right):
    """Compare bit by bit, and kinds too."""
    for one, other in zip(left, right, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@st.composite
def matrices(draw):
    """Make rows of few values, so that ties and duplicates abound, or of many, up to the limit of the integers."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows, features = draw(st.integers(30, 300)), draw(st.integers(1, 40))
    spread = draw(st.sampled_from([1, 2, 10, 1_000, 2**21 // int(np.sqrt(features) + 1)]))
    far = draw(st.sampled_from([0, 2**20, 2**21]))
    made = rng.integers(-spread, spread + 1, (rows, features)) + far * rng.integers(-1, 2, features)
    return np.clip(made, -(2**21), 2**21).astype(np.float32), rng


def brute(asked, points, names, own, k):
    """Return names and squared distances by (square, name), in whole numbers of Python's size."""
    found = []
    for i, row in enumerate(asked.astype(np.int64)):
        squares = ((points.astype(np.int64) - row) ** 2).sum(axis=1)
        others = [(int(square), int(name)) for j, (square, name) in enumerate(zip(squares, names, strict=True))]
        found.append(sorted(one for j, one in enumerate(others) if not (own and j == i))[:k])
    return [[name for _, name in row] for row in found], [[square for square, _ in row] for row in found]


@given(matrices(), st.sampled_from([1, 2, 5, 17]), st.booleans())
def test_the_nearest_of_points_that_are_shown_in_turns(made, k, own):
    points, rng = made
    n = len(points)
    names = rng.permutation(n) * 3
    asked = points if own else np.clip(points + rng.integers(-2, 3, points.shape), -(2**21), 2**21).astype(np.float32)
    first, again = np.sort(rng.permutation(n)[: max(k + 2, n // 2)]), np.arange(n)
    results = []
    for way in (proposals.nearer, compiled.nearer):
        found, reach = np.full((n, k), -1), np.full((n, k), np.inf)
        # those that were shown are shown again, to some rows nothing is shown twice, and at last there is nothing
        left = np.setdiff1d(again, first)
        for shown, some in ((first, again), (again, again[::2]), (left, again[1::2]), (left[:0], again)):
            way(Side(asked, some), Side(points, shown), points[0], names, own, some, found, reach)
        results.append((found, reach))
    equal(*results)
    found, reach = brute(asked, points, names, own, k)
    equal(results[0], (np.array(found), np.array(reach, dtype=float)))


def test_both_leave_as_much_room_for_rounding(monkeypatch):
    points, told = np.random.default_rng(0).integers(-9, 10, (7, 20)).astype(np.float32), []
    rows, bound = np.arange(7), proposals.rounding
    for way in (proposals, compiled):
        monkeypatch.setattr(way, "rounding", lambda *given: told.append(given) or bound(*given))
        found, reach = np.full((7, 2), -1), np.full((7, 2), np.inf)
        way.nearer(Side(points, rows), Side(points, rows), points[0], rows, True, rows, found, reach)
    assert len(told) == 2
    for one, other in zip(*told, strict=True):
        np.testing.assert_array_equal(one, other)


@given(st.integers(0, 2**32), st.integers(1, 200), st.integers(1, 40))
def test_the_columns_within_a_limit(seed, columns, rows):
    rng = np.random.default_rng(seed)
    values = rng.integers(-5, 6, (rows, columns)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.inf
    own, times, limit = (rng.integers(0, 5, size).astype(np.float32) for size in (rows, rows, columns))
    equal(proposals.within(values, own, times, limit), compiled.within(values, own, times, limit))


def searched(monkeypatch, points, queries, k, **options):
    """Return what both ways find, and how many pairs they compare."""
    results = []
    for way in WAYS.values():
        monkeypatch.setattr(pivot_search, "steps_for", lambda _, way=way: way)
        index = KnnIndex(points, k, **options)
        results.append((*index.search(queries), np.array(index.compared)))
    equal(*results)
    return results[0][:2]


@pytest.mark.parametrize(
    ("features", "spread", "k"),
    [(1, 2**21, 5), (3, 30, 1), (3, 30, 30), (28, 1_000, 1), (28, 1_000, 5), (28, 2**21, 30)],
)
def test_a_cell(monkeypatch, features, spread, k):
    rng = np.random.default_rng(features + spread)
    points = np.rint(rng.normal(0, spread / 4, (9_000, features))).clip(-spread, spread)
    points[rng.permutation(9_000)[:3_000]] = points[rng.permutation(9_000)[:3_000]]
    classes = (rng.random(9_000) < 0.1).astype(np.int64)
    some = np.sort(rng.permutation(9_000)[:5_000])
    for kind in (np.int32, np.float64):
        searched(monkeypatch, points.astype(kind), some, k)
    searched(monkeypatch, np.asfortranarray(points), np.asfortranarray(points[::2] + 1), k)
    searched(monkeypatch, points, some, k, classes=classes)
    found = searched(monkeypatch, points, some, k, how="exact")
    equal(found, KnnIndex(points, k, how="brute").search(some))


def test_more_neighbors_than_others(monkeypatch):
    points = np.random.default_rng(0).integers(0, 3, (10, 2)).astype(float)
    found, _ = searched(monkeypatch, points, np.arange(10), 50)
    assert found.shape == (10, 9)


SEARCH = """
import sys, numpy as np
{before}
from spark_balance.kernels.knn import knn
from spark_balance.kernels.steps import fastest, steps_for
points = np.random.default_rng(0).integers(-50, 50, (6_000, 175)).astype(float)
found, squares = knn(points, np.arange(6_000), 5)
assert steps_for(points.size) is fastest()
print(fastest().made_by, (found * np.arange(1, 6)).sum(), squares.sum())
"""
NO_FOLDER = (
    "from numba.core.caching import CacheImpl\nfor kind in CacheImpl.__subclasses__(): kind._locator_classes = []"
)


def told(before):
    """Return what a new process says of a search: who did it, and sums of what it found."""
    done = subprocess.run(
        [sys.executable, "-c", SEARCH.format(before=before)], capture_output=True, text=True, check=True
    )
    assert not done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("before", "by"),
    [
        ("", "numba"),
        (NO_FOLDER, "numpy"),
        ("sys.modules['numba'] = None", "numpy"),
        ("import numba; del numba.njit", "numpy"),
        ("import numba; numba.njit = lambda *a, **k: 1 / 0", "numpy"),
    ],
    ids=["there", "nowhere to keep what was compiled", "missing", "of another version", "broken"],
)
def test_a_worker_takes_what_works_and_finds_the_same(before, by):
    made_by, version, *sums = told(before)
    assert made_by == by
    assert version == {"numba": compiled.numba, "numpy": np}[by].__version__
    points = np.random.default_rng(0).integers(-50, 50, (6_000, 175)).astype(float)
    found, squares = KnnIndex(points, 5).search(np.arange(6_000))
    assert sums == [str((found * np.arange(1, 6)).sum()), str(squares.sum())]


def test_numba_is_imported_for_a_large_cell_alone():
    code = """
import sys, numpy as np
from spark_balance.kernels.knn import knn
points = np.random.default_rng(0).integers(-50, 50, (6_000, 3))
knn(points, np.arange(6_000), 5)
print("numba" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr
    assert 6_000 * 3 < ENOUGH <= 6_000 * 175
