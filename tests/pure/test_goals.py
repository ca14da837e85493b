"""What a user may ask of a search, and the cells and warnings that follow from it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spark_balance.errors import ParameterError, RecallWarning
from spark_balance.frames.sample import CellSize
from spark_balance.kernels.centroids import Cells
from spark_balance.kernels.metrics import Mixed
from spark_balance.kernels.projection import UNIT, Projection
from spark_balance.kernels.recall import Estimate
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors import join
from spark_balance.neighbors.cell_map import CellMap, PoolCells
from spark_balance.neighbors.cells import (
    MAX_HALO,
    WIDE_HALO,
    WORKER_MB,
    Goal,
    Wanted,
    default_cell_size,
    describe_few_steps,
    max_halo,
)
from spark_balance.neighbors.plain import warn_of_recall

NUMBERS = 65_536 * 28  # of a cell

GOOD = [
    {"recall": 1e-9},
    {"recall": 1},
    {"max_work": 100},
    {"cell_rows": 2},
    {"cell_rows": None},
    {"task_memory_mb": 256},
]
BAD = [{"recall": 0}, {"recall": 1.001}, {"recall": "all"}, {"max_work": 99}, {"cell_rows": 1}, {"task_memory_mb": 255}]
BAD += [{"cell_rows": True}, {"max_work": 200.0}, {"cell_rows": "9"}]


@pytest.mark.parametrize("asked", GOOD, ids=str)
def test_what_a_user_may_ask_of_a_search(asked):
    wanted = Wanted(**asked)
    assert wanted.checked("M") is wanted


@pytest.mark.parametrize("asked", BAD, ids=str)
def test_what_a_user_may_not_ask_of_a_search(asked):
    with pytest.raises(ParameterError, match=f"M: {next(iter(asked))}=.* must be a "):
        Wanted(**asked).checked("M")


def test_a_goal_is_what_was_asked_or_the_usual():
    assert (Wanted().recall, Wanted().max_work, Wanted().task_memory_mb) == (0.99, 16_000, 1_000)
    goal = Wanted(0.9, 200, 50).goal(28)
    assert (goal.recall, goal.max_work, goal.cell_size.of(10**6), goal.room) == (0.9, 200, 50, 1.0)
    assert Wanted(1).goal(28).recall == 0.99
    half = WORKER_MB + (1_000 - WORKER_MB) // 2
    assert Wanted(task_memory_mb=half).goal(28).room == pytest.approx(0.5, abs=0.001)
    assert Wanted(task_memory_mb=half).goal(28).cell_size == default_cell_size(
        28, room=Wanted(task_memory_mb=half).goal(28).room
    )
    for width in (28, 1_000):
        assert Wanted().goal(width).cell_size == default_cell_size(width)


def cells_of(estimate, **changes):
    made = PoolCells(0, Cells(np.zeros((1, 2))), np.ones(1, np.int64), estimate, 10, 10)
    return CellMap(Scale(np.zeros(2), np.ones(2), 9.0), {0: replace(made, **changes)})


@pytest.mark.parametrize(
    ("sampled", "recall", "words"),
    [
        (500, 0.9, None),
        (499, 0.9, "has 499 rows a cell, below 500, so how many of the true neighbors will be found is unknown"),
        (500, 0.899, "about 0.899 of the true neighbors will be found, below recall=0.9; use max_work=30_000, 3 times"),
        (500, 0.899, "below recall=0.9; use larger cell_rows or fewer features"),
    ],
)
def test_a_low_recall_and_an_unknown_one_are_warned_of(sampled, recall, words, recwarn):
    work = 10_000 if words is None or "max_work" in words else 30_000
    goal = Wanted(0.9, work).goal(2)
    warn_of_recall("M", cells_of(Estimate(recall, 0.0, None, 30_000, sampled)), goal)
    assert [str(one.message) for one in recwarn if words and words in str(one.message)] == [
        str(one.message) for one in recwarn
    ]
    assert len(recwarn) == (words is not None)
    assert all(one.category is RecallWarning for one in recwarn)


def test_a_coarse_grid_is_told_by_its_steps():
    assert "leave 12 steps between the middle rows, below 64, " in describe_few_steps("M", 12.3)


def test_all_pools_are_searched_with_the_most_that_one_needs():
    one, other = (cells_of(Estimate(1, 0)).pools[0] for _ in range(2))
    wide = Projection(np.zeros(9), UNIT * np.eye(9)[:, :4], 1.0, judged=7)
    pools = {0: replace(one, work=50, space=wide), 1: replace(other, first=1, work=80, space=replace(wide, judged=9))}
    cells = replace(cells_of(Estimate(1, 0)), pools=pools)
    assert (cells.work, cells.projection.judged, cells.n_cells, cells.n_tasks) == (80, 9, 2, 2)
    assert (cells.share_tasks().n_tasks, cells_of(Estimate(1, 0)).share_tasks().tasks) == (1, None)
    assert cells_of(Estimate(1, 0), space=Mixed(1, 2.0)).projection is None
    # small pools that share a task are one group, unless they are kept apart
    assert [len(set(one.labels)) for one in (cells.share_tasks(), cells.share_tasks().apart())] == [1, 2]
    owner, visitor, visited = pools[1].assign(np.zeros((3, 2)), np.arange(3), np.zeros(3, np.int64))
    assert (owner.tolist(), visitor.size, visited.size) == ([1] * 3, 0, 0)


@given(width=st.integers(1, 2_000), rows=st.integers(1, 10**6), room=st.floats(0.1, 4))
def test_halo_rows_fit_the_task(width, rows, room):
    assert 0.5 <= max_halo(rows, width, room=room) <= 3


def test_a_search_of_partitions_needs_scikit_learn(monkeypatch):
    join.check_scikit_learn("M")
    monkeypatch.setattr(join, "find_spec", lambda name: None)
    with pytest.raises(ParameterError, match="needs scikit-learn"):
        join.check_scikit_learn("M")


def test_a_cell_holds_as_many_numbers_whatever_the_width():
    for width in (1, 10, 28, 192):
        size, room = default_cell_size(width), default_cell_size(width, room=0.5)
        assert (size.rows, size.most) == (NUMBERS // width, 3 * NUMBERS // width)
        assert (room.rows, room.most) == (NUMBERS // width, 3 * NUMBERS // 2 // width)
    assert default_cell_size(28, room=0.1).rows == default_cell_size(28, room=0.1).most == int(0.3 * NUMBERS) // 28
    assert default_cell_size(28, 28_000).rows == 1_000
    assert default_cell_size(100, 100) == replace(default_cell_size(100), rows=256)
    assert default_cell_size(100, room=0.001) == CellSize(256, 256)
    # of wide rows, what is held of one and its halo rows fills the memory
    for width in (193, 1_000, 8_000):
        size = default_cell_size(width)
        assert size.rows == size.most
        held = size.rows * (1 + WIDE_HALO) * (8 * width + 1_500)
        assert held == pytest.approx(700e6, rel=0.01)
        assert default_cell_size(width, number_bytes=4).rows > 1.3 * size.rows
        assert default_cell_size(width, room=0.5).rows == pytest.approx(size.rows / 2, abs=1)
        assert max_halo(size.rows, width) == pytest.approx(WIDE_HALO, abs=0.01)
        assert max_halo(6 * size.rows // 5, width) == pytest.approx((1 + WIDE_HALO) / 1.2 - 1, abs=0.01)
        assert max_halo(2 * size.rows, width) == 0.5
    assert default_cell_size(10**6).rows == 256
    assert max_halo(NUMBERS // 10, 10) == MAX_HALO
    assert max_halo(6 * NUMBERS // 192, 192) == pytest.approx(1.0, rel=1e-4)
    assert max_halo(6 * NUMBERS // 10, 10) == pytest.approx(1.0, rel=1e-5)
    assert max_halo(6 * NUMBERS // 10, 10, room=1.25) == pytest.approx(1.5, rel=1e-5)


def test_a_pool_has_as_many_cells_as_its_rows_fill():
    goal = Goal(CellSize(10))
    assert (goal.recall, goal.max_work, goal.room) == (0.99, 16_000, 1.0)
    assert [goal.count_cells(rows) for rows in (1, 10, 11, 20, 21, 39_990, 40_001, 10**6)] == [
        1,
        1,
        2,
        2,
        3,
        3_999,
        4_000,
        4_000,
    ]
