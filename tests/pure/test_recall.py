"""Where neighbors are expected and how far halo rows reach, against the formulas row by row."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spark_balance.kernels import recall as estimates
from spark_balance.kernels.centroids import Cells
from spark_balance.kernels.knn import BRUTE_ROWS
from spark_balance.kernels.pivots import Pivots, rows_per_pivot
from spark_balance.kernels.recall import (
    Estimate,
    _estimate_dimension,
    choose_margin,
    draw_nearer,
    estimate_recall,
    expect_neighbors,
    nearest_among,
)


def spread(seed, rows=12, k=4, width=5, values=7):
    draw = np.random.default_rng(seed)
    return draw.integers(-values, values, (rows, width)) * 1.0, draw.integers(-values, values, (rows, k, width)) * 1.0


def dimension(own, near):
    logs = []
    for row, others in zip(own, near, strict=True):
        away = np.sort(np.linalg.norm(others - row, axis=1))
        if away[0] > 0:
            logs += np.log(away[-1] / away[:-1]).tolist()
    if not logs:
        return own.shape[1]
    return min(max(1 / np.mean(logs), 1), own.shape[1]) if np.mean(logs) > 0 else own.shape[1]


@given(st.integers(0, 999), st.integers(1, 5), st.integers(1, 6), st.integers(1, 7))
def test_the_dimension_is_how_fast_neighbors_recede(seed, k, width, values):
    own, near = spread(seed, k=k, width=width, values=values)
    assert _estimate_dimension(own, near) == pytest.approx(dimension(own, near))


def test_neighbors_on_a_line_recede_as_fast_as_their_number_and_equal_ones_say_nothing():
    line = np.arange(1.0, 2_001)[None, :, None] * np.ones(3)
    assert _estimate_dimension(np.zeros((1, 3)), line) == pytest.approx(1.0, abs=0.01)
    assert _estimate_dimension(np.zeros((1, 3)), np.zeros((1, 4, 3))) == 3
    assert _estimate_dimension(np.zeros((1, 3)), np.ones((1, 4, 3))) == 3
    assert _estimate_dimension(np.zeros((0, 3)), np.ones((0, 4, 3))) == 3
    assert _estimate_dimension(np.zeros((1, 3)), np.array([[[0.0, 0, 1], [0, 0, 1000]]])) == 1


@given(st.integers(0, 99), st.sampled_from([0.01, 0.5, 0.999, 1.0, 1.5]))
def test_neighbors_of_a_sample_are_drawn_nearer(seed, share):
    own, near = spread(seed)
    by = share ** (1 / dimension(own, near)) if share < 1 else 1.0
    np.testing.assert_array_equal(draw_nearer(own, near, share), np.rint(own[:, None] + by * (near - own[:, None])))


@given(st.integers(0, 999), st.integers(1, 6), st.booleans())
def test_the_nearest_of_others_are_never_the_row_itself(seed, k, among):
    draw = np.random.default_rng(seed)
    others = np.unique(draw.integers(-4, 4, (20, 2)), axis=0) * 1.0
    asked = others[:6] if among else others[:6] + 0.25
    squares = ((asked[:, None] - others) ** 2).sum(axis=2)
    squares[squares == 0] = np.inf
    np.testing.assert_array_equal(nearest_among(asked, others, k), np.argsort(squares, axis=1, kind="stable")[:, :k])


def test_of_few_others_all_are_neighbors():
    others = np.array([[0.0], [1.0], [5.0]])
    assert nearest_among(np.array([[0.25]]), others, 7).tolist() == [[0, 1, 2]]
    # some of the rows are among them: one fewer for all
    assert nearest_among(np.array([[0.0], [4.0]]), others, 7).tolist() == [[1, 2], [2, 1]]


CELLS = Cells(np.array([[0.0, 0], [40, 0], [0, 40], [60, 60]]), radius=np.array([1.0, 2.0, 1.0, 4.0]), reach=2)


def needed_margin(own, near):
    """Return the margin with which a row comes to the owner cell of another, in radii of that cell."""
    away = ((CELLS.centroids - near) ** 2).sum(axis=1)
    home, wanted = away.argmin(), ((CELLS.centroids - own) ** 2).sum(axis=1).argmin()
    if home == wanted:
        return 0.0
    apart = ((CELLS.centroids - CELLS.centroids[home]) ** 2).sum(axis=1)
    if wanted not in np.argsort(apart, kind="stable")[1:3]:
        return np.inf
    return (away[wanted] - away[home]) / (2 * np.sqrt(apart[wanted])) / CELLS.radius[wanted]


@given(st.integers(0, 999), st.sampled_from([0.3, 0.8, 1.0]), st.sampled_from([0.1, 0.5, 1.5, 9.0]))
def test_the_margin_is_what_the_share_of_pairs_needs_or_what_halo_rows_may_cost(seed, recall, most):
    draw = np.random.default_rng(seed)
    own, near, visitors = (np.rint(draw.uniform(-9, 70, (n, 2))) for n in (25, 25, 30))
    needed = np.array([needed_margin(*pair) for pair in zip(own, near, strict=True)])
    made, told = choose_margin(CELLS, own, near, visitors, recall=recall, max_halo=most)
    margins = np.sort(CELLS.margins(visitors)[2].ravel())
    cap = margins[min(len(margins) - 1, int(most * 30))]
    assert made.tau == min(np.sort(needed)[int(np.ceil(recall * 25)) - 1], cap)
    assert told.recall == np.mean(needed <= made.tau)
    assert told.halo == np.count_nonzero(margins <= made.tau) / 30
    unknown, told = choose_margin(CELLS, own[:0], near[:0], visitors, recall=recall, max_halo=most)
    assert (unknown.tau, told.recall) == (cap, 1.0)


def test_of_one_cell_nothing_is_missed():
    one = Cells(np.zeros((1, 2)))
    row = np.zeros((1, 2))
    assert choose_margin(one, row, row, row, recall=0.5, max_halo=1.0) == (one, Estimate(1.0, 0.0))


def test_what_is_searched_by_all_pairs_or_too_thin_to_tell_misses_nothing():
    draw = np.random.default_rng(0)
    points, asked, rows = np.rint(draw.normal(size=(1_000, 8)) * 999), np.arange(1_000), 60_000
    recall = estimate_recall(points, asked, rows, 5, 1_000)
    assert 0.3 < recall < 0.999
    assert estimate_recall(points, asked, max(BRUTE_ROWS, 1_000), 5, 1_000) == 1.0
    assert estimate_recall(points, asked, max(BRUTE_ROWS, 1_000) + 1, 5, 1_000) < 1.0
    assert estimate_recall(points, asked, 6_000, 5, 6_000) == 1.0
    assert estimate_recall(points, asked, rows, 5, rows - 1) > recall
    for few in (1, 3, 23):
        assert estimate_recall(points[:few], asked[:few], rows, 5, 1_000) == 1.0
    # only rows that made no pivots say something
    assert estimate_recall(points, asked[:500], rows, 5, 1_000) == 1.0
    assert estimate_recall(points, asked[500:], rows, 5, 1_000) == recall


@pytest.mark.parametrize(("k", "candidates", "rows"), [(1, 300, 60_000), (4, 1_000, 60_000), (4, 1_000, 500_000)])
def test_the_recall_is_that_of_a_search_for_where_neighbors_are_expected(monkeypatch, k, candidates, rows):
    monkeypatch.setattr(estimates, "QUERIES", 150)
    points = np.rint(np.random.default_rng(k).normal(size=(1_200, 6)) * 99)
    others = points[600:]
    pivots, asked = Pivots(points[:600], others, rows, candidates), others[-150:]
    near = expect_neighbors(others, np.arange(450, 600), rows, k)

    def excess(some):
        grid, middles = pivots.coarse(some)[:, None, :-1], pivots.coarse(pivots.rows)[:, :-1]
        squares = ((grid.astype(float) - middles) ** 2).sum(axis=2)
        return squares - squares.min(axis=1, keepdims=True)

    owner, budget, found = excess(asked).argmin(axis=1), 0.0, []
    for q in sorted(range(150), key=lambda q: owner[q]):
        budget += 0.4 * candidates / rows_per_pivot(rows)
        away = np.linalg.norm(near[q, -1] - asked[q])
        worth = pivots.worth_a_look(asked[q : q + 1], owner[q], np.array([away]), int(budget))[1]
        budget -= len(worth)
        found += [row[owner[q]] <= pivots.limit[owner[q]] or row.argmin() in worth for row in excess(near[q])]
    assert 0.1 < np.mean(found) < 0.99
    assert estimate_recall(points, np.arange(1_200), rows, k, candidates) == np.mean(found)
