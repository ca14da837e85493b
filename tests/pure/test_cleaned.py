"""The neighbourhood cleaning rule against its definition."""

from __future__ import annotations

import numpy as np
from groups import members
from hypothesis import given, strategies as st

from spark_balance.kernels.rules import Cleaned


def nearest(cell, row, k):
    others = np.delete(np.arange(len(cell.class_ids)), row)
    away = ((cell.points[others] - cell.points[row]) ** 2).sum(axis=1)
    return others[np.lexsort((others, away))[:k]]


def most(codes):
    return max(sorted(set(codes)), key=codes.count)


@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(6, 60),
    k=st.integers(1, 5),
    targeted=st.sampled_from([(0,), (0, 1), (0, 1, 2)]),
    crowding=st.sampled_from([(0,), (1,)]),
)
def test_rows_go_that_are_outvoted_and_those_around_outvoted_minority_rows(seed, rows, k, targeted, crowding):
    cell = members(seed, rows)
    expected = set()
    for row in np.flatnonzero(cell.owned):
        near = nearest(cell, row, k)
        own = int(cell.class_ids[row])
        if own in targeted and most(cell.class_ids[near].tolist()) != own:
            expected.add(row)
        # the row itself has a vote, and then loses k other neighbors
        if own == 2 and most([own, *cell.class_ids[near[: k - 1]].tolist()]) != own:
            expected.update(other for other in near if cell.class_ids[other] in crowding)
    gone, said = Cleaned(targeted, (2,), crowding, k)(cell)
    assert (gone.tolist(), said) == (sorted(expected), {})
