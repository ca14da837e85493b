"""Condensing keeps what classifies the rest, whatever the order of the rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from groups import members
from hypothesis import given, strategies as st

from spark_balance.kernels.draws import xxhash64
from spark_balance.kernels.selection import Condensed


def classified(points, codes, row, among, k):
    """Return the class of a row by its k nearest among some, by (distance, position)."""
    away = ((points[among] - points[row]) ** 2).sum(axis=1)
    near = codes[among[np.lexsort((among, away))[:k]]].tolist()
    return max(sorted(set(near)), key=near.count)


@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(1, 80),
    k=st.integers(1, 3),
    seeds=st.integers(1, 3),
    targeted=st.sampled_from([(0,), (0, 1), (0, 1, 2)]),
)
def test_every_row_that_goes_is_classified_right_by_what_stays(seed, rows, k, seeds, targeted):
    cell = members(seed, rows, halo=0.0)
    gone, _ = Condensed(targeted, k, seeds, 7)(cell)
    stays = np.setdiff1d(np.arange(rows), gone)
    assert set(cell.class_ids[gone]) <= set(targeted)
    for row in gone:
        assert classified(cell.points, cell.class_ids, row, stays, k) == cell.class_ids[row]


@given(seed=st.integers(0, 2**32), rows=st.integers(1, 80))
def test_halo_rows_of_the_targeted_classes_stay_out_of_it(seed, rows):
    cell = members(seed, rows)
    gone, _ = Condensed((0, 1), 1, 1, 7)(cell)
    known = np.flatnonzero(cell.owned | (cell.class_ids == 2))
    alone = replace(cell, **{name: getattr(cell, name)[known] for name in ("points", "class_ids", "row_ids", "owned")})
    assert known[Condensed((0, 1), 1, 1, 7)(alone)[0]].tolist() == gone.tolist()


def test_little_is_kept_of_classes_that_are_apart():
    cell = members(3, 400, values=50, classes=2, halo=0.0)
    cell = replace(cell, points=cell.points + 1000.0 * cell.class_ids[:, None])
    gone, _ = Condensed((0,), 1, 1, 7)(cell)
    assert len(gone) == np.count_nonzero(cell.class_ids == 0) - 1
    other, _ = Condensed((0,), 1, 1, 8)(cell)
    assert set(gone) != set(other)


@pytest.mark.parametrize("targeted", [(0,), (0, 1)])
def test_the_fewest_are_kept_that_border_on_another_class(targeted):
    # on a line, 0 0 0 0 0 1 1 1 1 1: what is inside is not needed
    cell = members(5, 10, halo=0.0)
    line = replace(cell, points=np.arange(10.0)[:, None], class_ids=np.repeat([0, 1], 5))
    gone, _ = Condensed(targeted, 1, 1, 7)(line)
    kept = np.setdiff1d(np.arange(10), gone)
    assert 4 in kept or 5 in kept
    assert np.count_nonzero(line.class_ids[kept] == 0) <= 3


@given(seed=st.integers(0, 2**32), rows=st.integers(2, 60), k=st.integers(1, 3), seeds=st.integers(1, 3))
def test_the_nearest_row_that_each_kept_row_gets_wrong_is_kept_too(seed, rows, k, seeds):
    cell, targeted = members(seed, rows), (0, 1)
    kept = np.flatnonzero(cell.class_ids == 2).tolist()
    for code in targeted:
        own = cell.owned_of(code)
        kept += own[np.argsort(xxhash64(7, *cell.row_ids[own].T), kind="stable")[:seeds]].tolist()
    left = set(cell.owned_of(*targeted).tolist()) - set(kept)
    while True:
        among, wrong = np.sort(kept), {}
        for row in left:
            if len(among) and classified(cell.points, cell.class_ids, row, among, k) != cell.class_ids[row]:
                away = ((cell.points[among] - cell.points[row]) ** 2).sum(axis=1)
                near = among[np.lexsort((among, away))[0]]
                wrong.setdefault(near, []).append((away.min(), row))
        if not wrong:
            break
        new = [min(some)[1] for some in wrong.values()]
        kept, left = kept + new, left - set(new)
    assert set(Condensed(targeted, k, seeds, 7)(cell)[0].tolist()) == left
