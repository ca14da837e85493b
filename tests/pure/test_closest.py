"""What is nearest to a few rows, of points that come in any blocks: as comparing all with all has it."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spark_balance.kernels.closest import Asked, Search


def drawn(seed, far):
    """Return points and rows that ask, of small numbers or far ones, with equal points, categories and parents."""
    rng = np.random.default_rng(seed)
    points, rows, width = int(rng.integers(1, 200)), int(rng.integers(1, 12)), int(rng.integers(0, 6))
    categories, classes = int(rng.integers(0, 3)), int(rng.integers(1, 4))
    spread = int(rng.integers(1, 2_000))

    def some(n):
        numbers = np.clip(far + rng.integers(-spread, spread + 1, (n, width)) // 2 * 2, -(2**21), 2**21)
        return numbers, rng.integers(0, 3, (n, categories)), rng.integers(0, classes, n)

    there, asking = some(points), some(rows)
    taken = rng.integers(0, points, rows)
    same = rng.random(rows) < 0.3  # rows that equal a point
    for mine, of in zip(asking, there, strict=True):
        mine[same] = of[taken[same]]
    hi, lo = rng.integers(0, 40, points), rng.integers(0, 40, points)
    row = np.repeat(np.arange(rows), 2)
    parent = rng.integers(0, points, 2 * rows)
    asked = Asked(asking[0].astype(np.int32), asking[1], asking[2], 2.0**14, row, hi[parent], lo[parent])
    return asked, (*there, hi, lo)


def met(asked, points, cuts):
    """Meet the points in blocks."""
    search = Search(asked)
    for block in np.split(np.arange(len(points[2])), cuts):
        numbers, categories, code, hi, lo = (one[block] for one in points)
        search.meet(numbers.astype(np.float32), categories, code, hi, lo)
    return search.found


@given(st.integers(0, 2**32), st.sampled_from([0, 1_000, 2**21]))
def test_every_distance_is_that_of_the_nearest(seed, far):
    asked, points = drawn(seed, far)
    numbers, categories, code, hi, lo = points
    found = met(asked, points, [len(code) // 3, len(code) // 2])
    for row in range(len(asked.code)):
        squares = ((asked.numbers[row].astype(np.int64) - numbers) ** 2).sum(axis=1).astype(float)
        squares += asked.penalty * (asked.categories[row] != categories).sum(axis=1)
        mine = asked.row == row
        parents = {(h, one) for h, one in zip(asked.hi[mine], asked.lo[mine], strict=True)}
        is_parent = np.array([(h, one) in parents for h, one in zip(hi, lo, strict=True)], dtype=bool)
        own = (code == asked.code[row]) & ~is_parent
        other = (code != asked.code[row]) & ~is_parent
        assert found.equal[row] == (own & (squares == 0)).sum()
        assert found.own[row] == squares[own & (squares > 0)].min(initial=np.inf)
        assert found.other[row] == squares[other].min(initial=np.inf)
        assert found.parent[row] == squares[is_parent].min(initial=np.inf)


@pytest.mark.parametrize("rows", [1, 3_000])
def test_blocks_of_thousands_of_points_hide_no_nearer_one(rows):
    rng = np.random.default_rng(rows)
    points, asking = rng.integers(-9_000, 9_000, (5_000, 12)), rng.integers(-9_000, 9_000, (rows, 12))
    nothing, none = np.empty(0, dtype=np.int64), np.empty((5_000, 0), dtype=np.int64)
    code, mine = np.arange(5_000) % 2, np.arange(rows) % 2
    asked = Asked(asking.astype(np.int32), none[:rows], mine, 0.0, nothing, nothing, nothing)
    found = met(asked, (points, none, code, code, code), [])
    away = (asking**2).sum(axis=1)[:, None] - 2 * asking @ points.T + (points**2).sum(axis=1)
    same = mine[:, None] == code
    assert (found.own == np.where(same, away, np.inf).min(axis=1)).all()
    assert (found.other == np.where(same, np.inf, away).min(axis=1)).all()
