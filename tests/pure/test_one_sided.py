"""One-sided selection against its definition: one row after the other."""

from __future__ import annotations

import numpy as np
import pytest
from groups import members
from hypothesis import given, strategies as st

from spark_balance.kernels.selection import OneSided, Prototypes

PAIR = ["a", "b", "c", "d", "e", "f"]


def ordered(cell, row, among):
    away = ((cell.points[among] - cell.points[row]) ** 2).sum(axis=1)
    return among[np.lexsort((among, away))]


def removed(gone, pairs):
    """Return the rows that go by themselves, and the links that are named twice."""
    named = {}
    for row, *pair in zip(gone.tolist(), *[pairs[name].tolist() for name in PAIR], strict=True):
        named.setdefault(tuple(pair), []).append(row)
    alone = {rows[0] for pair, rows in named.items() if pair[:3] == pair[3:]}
    linked = {row for pair, rows in named.items() if pair[:3] != pair[3:] and len(rows) == 2 for row in rows}
    return alone, linked


@given(seed=st.integers(0, 2**32), rows=st.integers(2, 60), k=st.integers(1, 3), seeds=st.integers(1, 3))
def test_rows_go_that_minority_and_seeds_classify_then_links_of_the_rest(seed, rows, k, seeds):
    cell = members(seed, rows, halo=0.0)
    drawn = np.random.default_rng(seed)
    selected = [drawn.permutation(np.flatnonzero(cell.class_ids == code))[:seeds] for code in (0, 1)]
    far = np.flatnonzero(cell.class_ids == 2)[: drawn.integers(0, 4)]
    known = np.sort(np.concatenate([*selected, far]))
    left = np.ones(rows, dtype=bool)
    for code in (0, 1):
        others = np.sort(np.concatenate([np.flatnonzero(cell.class_ids == 2), selected[code]]))
        for row in np.setdiff1d(np.flatnonzero(cell.class_ids == code), selected[code]):
            near = cell.class_ids[ordered(cell, row, others)[:k]].tolist()
            left[row] = max(sorted(set(near)), key=near.count) != code
    staying = np.flatnonzero(left)
    nearest = {row: ordered(cell, row, staying[staying != row])[0] for row in staying if len(staying) > 1}
    links = {
        row for row, near in nearest.items() if cell.class_ids[row] != cell.class_ids[near] and nearest[near] == row
    }
    judge = OneSided({0: 2, 1: 2}, Prototypes(cell.points[known], cell.class_ids[known], cell.row_ids[known]), k, PAIR)
    assert removed(*judge(cell)) == (set(np.flatnonzero(~left)), links)


@pytest.mark.parametrize("owner", [0, 1])
def test_a_minority_row_that_no_halo_row_brings_counts_where_it_is_known(owner):
    cell = members(1, 8, halo=0.0)
    cell.points[:] = np.array([[0.0, i] for i in range(8)])
    cell.class_ids[:] = owner
    far = Prototypes(np.array([[0.0, 9.0], [0.0, -30.0]]), np.array([2, owner]), np.array([[1, 1, 0], [2, 2, 0]]))
    alone, linked = removed(*OneSided({0: 2, 1: 2}, far, 1, PAIR)(cell))
    assert (alone, linked) == (set(), set())  # nearer to the minority than to the seed
    near = Prototypes(np.array([[0.0, 9.0], [0.0, -3.0]]), far.class_ids, far.row_ids)
    alone, _ = removed(*OneSided({0: 2, 1: 2}, near, 1, PAIR)(cell))
    assert alone == {0, 1, 2}


def test_rows_stay_where_nothing_classifies_them():
    cell = members(1, 8, halo=0.0)
    cell.class_ids[:] = 0
    none = Prototypes(cell.points[:0], cell.class_ids[:0], cell.row_ids[:0])
    assert removed(*OneSided({0: 2}, none, 1, PAIR)(cell)) == (set(), set())
