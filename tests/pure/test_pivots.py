"""Pivots, and who is a candidate of which, against the plainest code there is."""

import numpy as np
import pytest

from spark_balance.kernels.pivots import (
    CANDIDATES,
    FIRST,
    JUDGES,
    PIVOTS,
    ROWS_PER_PIVOT,
    Pivots,
    halves,
    rows_per_pivot,
)
from spark_balance.kernels.proposals import within


def test_a_cell_has_few_pivots_and_each_many_rows():
    assert [rows_per_pivot(rows) for rows in (1, ROWS_PER_PIVOT * PIVOTS, 200 * PIVOTS, 200 * PIVOTS + PIVOTS)] == [
        ROWS_PER_PIVOT,
        ROWS_PER_PIVOT,
        200,
        201,
    ]
    for rows in (0, 1, 7, 2 * JUDGES, 2 * JUDGES + 1, 3 * JUDGES):
        makers, others = halves(np.arange(float(rows))[:, None])
        assert len(makers) == min(JUDGES, rows // 2)
        assert [*makers[:, 0], *others[:, 0]] == list(range(rows))


@pytest.fixture(scope="module", params=[50, 800, 5_000], ids=["on a fine grid", "on one between", "on a coarse one"])
def made(request):
    """Return pivots of rows of two features, and those rows."""
    draw = np.random.default_rng(0)
    rows = np.rint(draw.normal(size=(3_000, 2)) * request.param)
    rows[::100] *= 20  # some lie beyond the grid
    return Pivots(*halves(rows), len(rows), 500), rows


def apart(pivots, rows):
    """Return the squared distances from rows to pivots on the grid of these pivots."""
    grid = np.clip(np.rint((rows - pivots._center) / pivots._step), -pivots._edge, pivots._edge)
    middles = np.clip(np.rint((pivots.rows - pivots._center) / pivots._step), -pivots._edge, pivots._edge)
    return ((grid[:, None] - middles) ** 2).sum(axis=2)


def test_the_grid_holds_nearly_all_rows_in_steps_that_float32_adds_exactly(made):
    pivots, rows = made
    assert pivots._edge == np.floor(np.sqrt(2**24 / 6))
    inside = np.abs(rows[: len(rows) // 2] - pivots._center).max(axis=1) <= pivots._edge * pivots._step
    assert inside.mean() >= 0.99
    assert pivots._step >= 1
    assert (pivots._moved == 0) == (pivots._step == 1)
    if pivots._step > 1:
        assert (
            pivots._edge * (pivots._step * 0.999) < np.sort(np.abs(rows[:1_500] - pivots._center).max(axis=1))[1_484:]
        ).all()
        assert pivots._moved == pytest.approx(np.sqrt(2))
    assert (pivots.coarse(rows)[:, :-1] == np.rint(pivots.coarse(rows)[:, :-1])).all()
    assert (pivots.coarse(rows)[:, -1] == 1).all()


def test_a_row_is_around_the_nearest_pivot(made):
    pivots, rows = made
    assert len(pivots) == -(-len(rows) // ROWS_PER_PIVOT)
    owner, own = pivots.owners(rows)
    squares = apart(pivots, rows)
    assert (owner == squares.argmin(axis=1)).all()
    # what is left out of a distance is the same for all pivots
    grid = pivots.coarse(rows)[:, :-1].astype(float)
    np.testing.assert_array_equal(own + (grid**2).sum(axis=1), squares.min(axis=1))
    np.testing.assert_array_equal(pivots.away_from(rows, owner), own)


def test_the_limit_of_a_pivot_is_the_excess_of_its_last_candidate(made):
    pivots, rows = made
    squares = apart(pivots, rows[len(rows) // 2 :])
    excess = np.sort(squares - squares.min(axis=1, keepdims=True), axis=0)
    last = int(len(excess) * FIRST * 500 / len(rows))
    np.testing.assert_array_equal(pivots.limit, excess[last])
    assert (np.diff(pivots.limit) >= 0).all()


def test_the_candidates_of_a_pivot_are_within_its_limit(made):
    pivots, rows = made
    owner, count, pivot = pivots.gather(rows, within)
    squares = apart(pivots, rows)
    candidates = squares - squares.min(axis=1, keepdims=True) <= pivots.limit
    assert (owner == squares.argmin(axis=1)).all()
    assert (count == candidates.sum(axis=1)).all()
    assert (pivot == np.nonzero(candidates)[1]).all()
    assert candidates.sum() / len(pivots) == pytest.approx(FIRST * 500, rel=0.1)


def test_a_nearer_row_is_a_candidate_or_around_a_pivot_worth_a_look(made):
    pivots, rows = made
    owner, _ = pivots.owners(rows)
    squares = apart(pivots, rows)
    candidates = squares - squares.min(axis=1, keepdims=True) <= pivots.limit
    looked = 0
    for i in range(len(pivots)):
        some = np.flatnonzero(owner == i)[:20]
        away = ((rows[some, None] - rows) ** 2).sum(axis=2)
        last = np.sort(away, axis=1)[:, 15]
        row, pivot = pivots.worth_a_look(rows[some], i, np.sqrt(last), 10**9)
        assert i not in pivot
        worth = np.zeros((len(some), len(pivots)), dtype=bool)
        worth[row, pivot] = True
        nearer = away < last[:, None]
        assert (candidates[:, i] | worth[:, owner])[nearer].all()
        looked += worth.sum()
        # of fewer pairs the likeliest: those that a row needs least room for
        half = len(row) // 2
        few_row, few_pivot = pivots.worth_a_look(rows[some], i, np.sqrt(last), half)
        assert len(few_row) <= half
        assert set(zip(few_row, few_pivot, strict=True)) <= set(zip(row, pivot, strict=True))
        assert not len(pivots.worth_a_look(rows[some], i, np.zeros(len(some)) - 1e9, 10**9)[0])
    assert 0.02 < looked / (20 * len(pivots) ** 2) < 0.5


def test_usual_candidates_are_more_than_a_pivot_has_rows():
    assert CANDIDATES * FIRST > 10 * ROWS_PER_PIVOT
