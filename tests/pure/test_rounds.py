"""Repeated editing against a loop over brute force, and imbalanced-learn's rules for when to stop."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from groups import members
from hypothesis import given, strategies as st

from spark_balance.kernels import rules as rounds
from spark_balance.kernels.rules import Repeated, last_round


def nearest_of(cell, row, left, k):
    """Return the k nearest of other rows, by the definition alone."""
    others = left[left != row]
    away = ((cell.points[others] - cell.points[row]) ** 2).sum(axis=1)
    return others[np.lexsort((others, away))[:k]]


def slowly(cell, targeted, votes, kind, may):
    """Return the round in which each row goes, 0 for never, by the definition alone."""
    went = np.zeros(len(cell.class_ids), dtype=int)
    for number, k in enumerate(votes, start=1):
        left = np.flatnonzero(went == 0)
        for row in left[np.isin(cell.class_ids[left], targeted) & may[left]]:
            near = cell.class_ids[nearest_of(cell, row, left, k)].tolist()
            if kind == "all":
                stays = all(code == cell.class_ids[row] for code in near)
            else:
                stays = not near or max(sorted(set(near)), key=near.count) == cell.class_ids[row]
            if not stays:
                went[row] = number
    return went


@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(1, 60),
    votes=st.lists(st.integers(1, 4), min_size=1, max_size=5) | st.integers(1, 4).map(lambda k: [k] * 5),
    kind=st.sampled_from(["all", "mode"]),
    targeted=st.sampled_from([(0,), (0, 1), (0, 1, 2)]),
    spare=st.integers(0, 3),
)
def test_rows_go_when_they_go_by_brute_force(seed, rows, votes, kind, targeted, spare):
    cell = members(seed, rows)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rounds, "SPARE", spare)
        gone, said = Repeated(targeted, tuple(sorted(votes)), kind, ("round", "rows"))(cell)
    may = cell.owned | (cell.class_ids != np.bincount(cell.class_ids).argmax())
    went = np.where(cell.owned, slowly(cell, targeted, sorted(votes), kind, may), 0)
    assert gone.tolist() == np.flatnonzero(went).tolist()
    assert said["round"].tolist() == went[gone].tolist()
    assert said["rows"].tolist() == [1] * len(gone)


@given(seed=st.integers(0, 2**32), rows=st.integers(1, 60), share=st.floats(0, 1))
def test_of_too_many_rows_that_go_only_the_numbers_are_told(seed, rows, share):
    cell = members(seed, rows)
    judge = Repeated((0, 1), (1, 2, 3), "all", ("round", "rows"))
    every, of_every = judge(cell)
    told, of_told = replace(judge, share=share)(cell)
    if len(every) <= share * len(cell.owned_of(0, 1)):
        assert told.tolist() == every.tolist()
    else:
        alike = Counter(zip(cell.class_ids[every], of_every["round"], strict=True))
        assert (
            Counter(dict(zip(zip(cell.class_ids[told], of_told["round"], strict=True), of_told["rows"], strict=True)))
            == alike
        )
        assert len(told) == len(alike)


@pytest.mark.parametrize(
    ("removed", "until_none", "allow_minority", "expected"),
    [
        ([{0: 5}, {0: 1}, {}, {}], True, False, (3, True)),
        ([{0: 5}, {}, {0: 1}], False, False, (3, False)),
        ([{0: 5}, {0: 1}], True, False, (2, False)),  # no round was left to see that there are no more
        ([{0: 5}, {0: 86}, {0: 1}], True, False, (2, False)),  # 9 rows left of class 0, the minority has 10
        ([{0: 5}, {0: 85}, {}], True, False, (3, True)),  # 10 left: as many as the minority is enough
        ([{0: 5}, {1: 31}, {0: 1}], False, False, (2, False)),  # class 1 is too small
        ([{0: 5}, {0: 86}, {0: 1}], False, True, (3, False)),
        ([{0: 5}, {0: 95}, {1: 1}], False, True, (2, False)),  # class 0 is gone
        ([{2: 4}, {2: 3}, {}], True, False, (3, True)),  # the minority itself may lose rows
    ],
)
def test_editing_stops_when_imbalanced_learn_stops(removed, until_none, allow_minority, expected):
    stopped = last_round({0: 100, 1: 40, 2: 10}, 2, removed, until_none=until_none, allow_minority=allow_minority)
    assert stopped == expected
