"""Cells that classes share: rows and the neighbors that are asked for meet in one cell."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.sample import CellSize, Sample
from spark_balance.kernels.draws import quantile
from spark_balance.kernels.knn import knn
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors.cell_map import TASK_NUMBERS, split_pools
from spark_balance.neighbors.cells import FEW_SAMPLED, MAX_HALO, WIDE_HALO, Goal, fit_cells
from spark_balance.neighbors.pools import Pool, Question

ROWS = {0: 18_000, 1: 2_000}
POOL = Pool(0, ROWS, {0: "common", 1: "rare"})


def rows_of(code):
    """Make rows of 6 features: the rare class lies inside the common one, but denser."""
    draw = np.random.default_rng(code)
    return draw.normal(size=(ROWS[code], 6)) * (1.0 if code == 0 else 0.7) + 0.3 * code


def sampled(shares):
    """Take a sample as the engine does: the rows with the smallest draws, each class by its own share."""
    rows, draws = {}, {}
    for code, share in shares.items():
        drawn = np.random.default_rng(10 + code).integers(-(2**63), 2**63 - 1, size=ROWS[code])
        order = np.argsort(drawn)
        order = order[drawn[order] <= quantile(share)]
        rows[code], draws[code] = rows_of(code)[order], drawn[order]
    return Sample(FeatureColumns((), (6,)), rows, draws, shares)


def fitted(sample, pools, cell_rows):
    """Fit cells that share tasks, on the scale of an even sample."""
    scale = Scale.fit(sample.evenly(sample.rows), equalize=True)
    return fit_cells(sample, pools, scale, Goal(CellSize(cell_rows)), prove=True).share_tasks()


def test_classes_are_sampled_evenly_whatever_their_own_shares():
    sample = sampled({0: 0.2, 1: 0.9})
    even = sample.evenly([0, 1])
    assert len(even) == pytest.approx(0.2 * sum(ROWS.values()), rel=0.05)
    rare = {tuple(row) for row in sample.rows[1]}
    assert np.mean([tuple(row) in rare for row in even]) == pytest.approx(0.1, abs=0.02)
    # in the order of the draws, so that the first rows are a sample too
    assert np.mean([tuple(row) in rare for row in even[:1000]]) == pytest.approx(0.1, abs=0.03)
    assert len(sample.evenly([7])) == 0


@pytest.mark.parametrize(
    "asked", [Question((0, 1), (0, 1), 3), Question((1,), (0, 1), 10), Question((0,), (1,), 3)], ids=str
)
def test_rows_meet_the_neighbors_they_ask_for(asked):
    cell_map = fitted(sampled({0: 0.3, 1: 1.0}), [(POOL, [asked])], cell_rows=2_000)
    cells = cell_map.pools[0]
    assert len(cells.cells) > 5
    codes = np.repeat([0, 1], [ROWS[0], ROWS[1]])
    points = cell_map.scale.integers(np.concatenate([rows_of(0), rows_of(1)]))
    owners, visitors, visited = cells.assign(points, np.arange(len(points)), codes)
    assert set(codes[visitors]) <= set(asked.among)
    present = np.zeros((len(points), cell_map.n_cells), dtype=bool)
    present[np.arange(len(points)), owners] = True
    present[visitors, visited] = True
    queries = np.random.default_rng(3).permutation(np.flatnonzero(np.isin(codes, asked.queries)))[:1_000]
    others = np.flatnonzero(np.isin(codes, asked.among))
    found = others[knn(points[others], points[queries], asked.k + 1, how="brute")[0]]
    itself = found == queries[:, None]
    found = np.where(itself.any(axis=1)[:, None], found[:, 1:], found[:, :-1])
    recall = present[found, owners[queries][:, None]].mean()
    assert recall > 0.95
    assert cells.estimate.recall == pytest.approx(recall, abs=0.02)
    assert len(visitors) / len(points) == pytest.approx(cells.estimate.halo, abs=0.1)


@pytest.mark.parametrize(
    "asked", [Question((0, 1), (0, 1), 3), Question((1,), (0, 1), 10), Question((0,), (1,), 3)], ids=str
)
def test_what_is_proven_is_true_and_as_much_as_the_sample_says(asked):
    cell_map = fitted(sampled({0: 0.3, 1: 1.0}), [(POOL, [asked])], cell_rows=2_000)
    cells = cell_map.pools[0]
    codes = np.repeat([0, 1], [ROWS[0], ROWS[1]])
    points = cell_map.scale.integers(np.concatenate([rows_of(0), rows_of(1)]))
    owners, visitors, visited = cells.assign(points, np.arange(len(points)), codes)
    present = np.zeros((len(points), cell_map.n_cells), dtype=bool)
    present[np.arange(len(points)), owners] = True
    present[visitors, visited] = True
    queries = np.random.default_rng(3).permutation(np.flatnonzero(np.isin(codes, asked.queries)))[:1_000]
    others = np.flatnonzero(np.isin(codes, asked.among))
    itself = set(asked.queries) <= set(asked.among)
    found, away = knn(points[others], points[queries], asked.k + itself, how="brute")
    proven = cells.proven(points[queries], np.sqrt(away[:, -1]))
    met = present[others[found], owners[queries][:, None]].all(axis=1)
    assert met[proven].all()
    # a bound: rows that it does not prove mostly have their neighbors too
    assert 0.1 < proven.mean() < met.mean() < 1
    assert cells.estimate.proven == pytest.approx(proven.mean(), abs=0.06)


def test_rows_of_a_cell_that_is_dealt_out_are_proven_only_by_their_equals():
    cell_map = fitted(sampled({0: 0.3, 1: 1.0}), [(POOL, [Question((0, 1), (0, 1), 3)])], cell_rows=2_000)
    whole = cell_map.pools[0]
    dealt = replace(whole, shards=np.full(len(whole.cells), 2))
    points = cell_map.scale.integers(rows_of(1)[:100])
    near = np.full(len(points), 1.0)
    assert whole.proven(points, near).any()
    assert not dealt.proven(points, near).any()
    assert dealt.proven(points, 0 * near).all()


def test_a_pool_of_one_cell_is_proven():
    cell_map = fitted(sampled({0: 0.3, 1: 1.0}), [(POOL, [Question((0,), (1,), 3)])], cell_rows=20_000)
    assert cell_map.pools[0].estimate.proven == 1.0


def test_a_question_that_the_sample_cannot_answer_lets_all_visit_that_may():
    cell_map = fitted(sampled({0: 0.3}), [(POOL, [Question((1,), (0, 1), 3)])], cell_rows=2_000)
    # nothing says how far neighbors are, so the bound on halo rows is what is left
    assert cell_map.pools[0].estimate.halo == pytest.approx(MAX_HALO, abs=0.05)
    assert cell_map.pools[0].estimate.proven is None


def test_small_pools_share_tasks_and_cells_of_a_large_one_do_not():
    sample = sampled({0: 0.3, 1: 1.0})
    asked = Question((0,), (0,), 3)
    groups = [(Pool(n, {0: 500}, {0: "common"}), [asked]) for n in range(40)]
    cell_map = fitted(sample, groups, cell_rows=2_000)
    assert (cell_map.n_cells, cell_map.n_tasks) == (40, 1)
    large = fitted(sample, [(POOL, [Question((0, 1), (0, 1), 3)])], cell_rows=2_000)
    assert large.n_tasks == 1 < large.n_cells
    # as many rows as a task of its own takes, in each cell
    whole = replace(large, pools={0: replace(large.pools[0], rows=large.n_cells * TASK_NUMBERS / 6)})
    assert whole.share_tasks().n_tasks == large.n_cells


def test_small_pools_are_one_group_to_the_engine_and_cells_of_a_large_one_are_not():
    sample = sampled({0: 0.3, 1: 1.0})
    small = [(Pool(n, {n: 500}, {n: "common"}), [Question((n,), (n,), 3)]) for n in range(2, 42)]
    cell_map = fitted(sample, [(POOL, [Question((0, 1), (0, 1), 3)]), *small], cell_rows=2_000)
    first = cell_map.pools[2].first
    large, alone = cell_map.labels[:first], cell_map.labels[first:]
    assert len(np.unique(large)) == len(large) > 1
    assert len(np.unique(alone)) == len(np.unique(cell_map.tasks[first:])) < len(alone)
    assert not np.isin(alone, large).any()
    apart = cell_map.apart().labels
    assert len(np.unique(apart)) == cell_map.n_cells
    # each row is looked up by its class
    split = split_pools(np.array([1, 0, 7]), cell_map.pool_of)
    assert [(number, rows.tolist()) for number, rows in split] == [(0, [0, 1]), (7, [2])]


def test_a_thin_sample_says_nothing_of_recall_and_a_whole_one_does():
    asked = Question((0, 1), (0, 1), 3)
    thin = fitted(sampled({0: 0.3, 1: 1.0}), [(POOL, [asked])], cell_rows=300)
    assert thin.pools[0].estimate.sampled < FEW_SAMPLED
    whole = fitted(sampled({0: 1.0, 1: 1.0}), [(POOL, [asked])], cell_rows=300)
    assert math.isinf(whole.pools[0].estimate.sampled)
    assert math.isinf(fitted(sampled({0: 0.3, 1: 1.0}), [(POOL, [asked])], cell_rows=20_000).pools[0].estimate.sampled)


def test_wide_rows_are_searched_where_few_axes_show_them():
    draw = np.random.default_rng(8)
    rows = draw.normal(size=(1_600, 12)) @ draw.normal(size=(12, 220))
    drawn = np.sort(draw.integers(-(2**63), quantile(0.2), 1_600))
    sample = Sample(FeatureColumns((), (220,)), {0: rows}, {0: drawn}, {0: 0.2})
    pools = [(Pool(0, {0: 8_000}, {0: "a"}), [Question((0,), (0,), 5)])]
    cell_map = fitted(sample, pools, cell_rows=2_000)
    [cells] = cell_map.pools.values()
    assert cell_map.projection is cells.space
    assert 10 <= cells.space.judged <= 64
    assert (cells.work, cells.estimate.enough) == (4_000, 2_000)  # of half the width
    assert cells.cells.centroids.shape[1] == cells.space.axes.shape[1] < 220
    assert 1 < cells.n_cells < 10
    assert 0.9 < cells.estimate.recall <= 1
    assert (cells.estimate.proven, cells.visitors) == (None, None)
    # a task holds fewer rows that are wide
    assert cells.estimate.halo < WIDE_HALO
    few = fitted(sample, [(Pool(0, {0: 2_000}, {}), pools[0][1])], cell_rows=2_000).pools[0]
    assert (few.n_cells, few.space, few.estimate.recall, few.estimate.proven) == (1, None, 1.0, 1.0)


def test_a_cell_has_two_rows_of_the_sample_more_than_are_asked_for():
    rows = rows_of(0)[:4_000]
    rows[:4] += 1e4  # so far that they would be a cell of their own
    drawn = np.sort(np.random.default_rng(3).integers(-(2**63), quantile(0.2), 4_000))
    sample = Sample(FeatureColumns((), (6,)), {0: rows}, {0: drawn}, {0: 0.2})
    cell_map = fitted(sample, [(Pool(0, {0: 20_000}), [Question((0,), (0,), 5)])], cell_rows=2_000)
    owner = cell_map.pools[0].cells.owners(cell_map.scale.integers(rows))
    assert np.bincount(owner).min() >= 7


def test_equal_rows_that_no_cell_can_hold_are_dealt_out_to_shards_of_two_cells_rows_at_most():
    rows = rows_of(0)[:4_000]
    rows[np.random.default_rng(2).random(4_000) < 0.65] = 1.0
    equal = int((rows == 1.0).all(axis=1).sum()) * 5  # of the rows that the sample stands for
    drawn = np.sort(np.random.default_rng(3).integers(-(2**63), quantile(0.2), 4_000))
    sample = Sample(FeatureColumns((), (6,)), {0: rows}, {0: drawn}, {0: 0.2})
    cells = fitted(sample, [(Pool(0, {0: 20_000}), [Question((0,), (0,), 3)])], cell_rows=2_000).pools[0]
    assert cells.shards.max() == math.ceil(equal / 4_000) == 4
    assert sorted(cells.shards)[:-1] == [1] * (len(cells.shards) - 1)
    assert cells.candidates == round(20_000 * (1 + cells.estimate.halo) / cells.n_cells)
