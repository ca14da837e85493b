"""What each step of fitting the cells of a pool is given, and what is made of its answers: the formulas, by hand."""

import math

import numpy as np
import pytest

from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.sample import CellSize, Sample
from spark_balance.kernels.centroids import Cells
from spark_balance.kernels.knn import count_candidates
from spark_balance.kernels.metrics import Mixed
from spark_balance.kernels.projection import MAKERS, UNIT, Projection
from spark_balance.kernels.recall import Estimate
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors import cells
from spark_balance.neighbors.cells import Goal, fit_cells
from spark_balance.neighbors.estimates import expect
from spark_balance.neighbors.pools import Pool, Question

BOTH, RARE = [Question((0, 1), (0, 1), 4), Question((1,), (1,), 7)], [Question((0,), (1,), 4), Question((1,), (1,), 7)]
PLACES = np.array([0.0, 100, 200, 300])  # of the cells, in the first feature; no row is at the last


def sample_of(*counts, width=3):
    """Take as many rows of each class around each place as are asked for."""
    rows, draws = {}, {}
    for code, some in enumerate(counts):
        noise = np.random.default_rng(code).integers(-9, 9, (sum(some), width)).astype(float)
        noise[:, 0] += np.random.default_rng(9).permutation(np.repeat(PLACES[:3], some))
        rows[code], draws[code] = noise, 2 * np.arange(len(noise)) + code
    return Sample(FeatureColumns((), (width,)), rows, draws, dict.fromkeys(rows, 1.0))


@pytest.fixture
def steps(monkeypatch):
    """Answer in place of the steps, and return what each was given last."""
    given = {}

    def answer(name, say):
        def step(*some, **named):
            given[name] = (*some, *named.values())
            return say(*some)

        monkeypatch.setattr(cells, name, step)

    answer("fit_centroids", lambda points, *_: PLACES[:, None] * np.eye(points.shape[1])[0])
    answer("max_halo", lambda *_: 2.0)
    answer("choose_margin", lambda made, *_: (made, Estimate(0.5, 0.25)))
    answer("choose_work", lambda find, wanted: 10_001 if find(4_000) == 0.5625 else 0)
    answer("estimate_inside", lambda made, sample, pool, one, work: (0.5 if work == 4_000 else 0.75) + one.k / 64)
    answer("estimate_proven", lambda *_: 0.25)
    answer("choose_judged", lambda sample, pool, asked, space, wanted: (space, 0.75))
    return given


def fitted(sample, pool, asked, cell_rows=10_000, *, max_work=16_000, metrics=None, prove=True):
    width = sample.columns.width
    scale, goal = Scale(np.zeros(width), np.ones(width), 2.0**21), Goal(CellSize(cell_rows), 0.9, max_work, 1.5)
    made = fit_cells(sample, [(pool, asked)], scale, goal, metrics=metrics, prove=prove)
    return made.pools[pool.number]


@pytest.mark.parametrize(("asked", "may", "share"), [(BOTH, (0, 1), 1.0), (RARE, (1,), 1 / 3)], ids=["both", "rare"])
@pytest.mark.parametrize(("max_work", "work"), [(16_000, 10_001), (9_000, 9_000)])
def test_cells_of_euclids_distance(steps, asked, may, share, max_work, work):
    sample, pool = sample_of((400, 190, 10), (200, 90, 10)), Pool(0, {0: 60_000, 1: 30_000})
    made = fitted(sample, pool, asked, max_work=max_work)
    points, plain = sample.evenly((0, 1)), Cells(PLACES[:, None] * np.eye(3)[0])
    assert (steps["fit_centroids"][0] == points).all()
    assert steps["fit_centroids"][1:] == (9, 7 + 2, 1.5 * 10_000 / 90_000)
    assert steps["max_halo"] == (10_000, 3, sample.columns.number_bytes, 1.5)
    margin, own, near, copied, recall, most = steps["choose_margin"]
    assert (margin.radius == plain.with_radius(points).radius).all()
    pairs = [expect(sample, pool, one, None) for one in asked]
    assert (own == np.concatenate([np.repeat(some, near.shape[1], axis=0) for some, near in pairs])).all()
    assert (near == np.concatenate([near.reshape(-1, 3) for _, near in pairs])).all()
    assert (copied == sample.evenly(may)).all()
    assert (recall, most) == (pytest.approx(1 - 0.35 * 0.1), pytest.approx(2.0 / share))
    # 60,000, 28,000, 2,000 and no rows, of which a shard holds 20,000
    assert made.shards.tolist() == [3, 2, 1, 1]
    assert steps["choose_work"][1] == pytest.approx(1 - 0.6 * 0.1)
    assert made.work == steps["estimate_inside"][4] == work
    assert steps["estimate_proven"][2] == [0.75 + one.k / 64 for one in asked]
    assert all(
        (a == b).all()
        for one, other in zip(steps["estimate_proven"][3], pairs, strict=True)
        for a, b in zip(one, other, strict=True)
    )
    assert made.estimate == Estimate(0.5 * 0.8125, pytest.approx(0.25 * share), 0.25, 10_001, 225.0)
    assert made.candidates == min(round(90_000 * (1 + 0.25 * share) / 7), work)
    assert (made.rows, made.visitors, made.space) == (90_000, None if may == (0, 1) else may, None)


def test_wide_cells_are_searched_where_few_axes_show_them(steps, monkeypatch):
    few = Projection(np.zeros(200), UNIT * np.eye(200)[:, :3], 1.0)
    shown = []
    monkeypatch.setattr(Projection, "fit", lambda points: shown.append(points) or few)
    sample = sample_of((6_000, 1_800, 1_200), width=200)
    made = fitted(sample, Pool(0, {0: 90_000}), [Question((0,), (0,), 4)], max_work=120)
    assert [len(points) for points in shown] == [MAKERS]
    assert steps["choose_judged"][4] == pytest.approx(1 - 0.2 * 0.1)
    assert (steps["fit_centroids"][0] == sample.rows[0][:, :3]).all()
    assert steps["max_halo"][1] == 200
    # a comparison there costs as much as 3 numbers of 200
    assert (made.estimate.enough, made.work) == (math.ceil(10_001 / 66), 120 * 66)
    assert made.estimate.recall == pytest.approx(0.5 * 0.8125 * 0.75)
    assert (made.estimate.proven, made.space) == (None, few)
    steps.clear()
    assert fitted(sample_of((60, 18, 12), width=192), Pool(0, {0: 90_000}), [Question((0,), (0,), 4)]).space is None


def test_a_metric_compares_all_pairs_of_a_cell(steps):
    sample, metric = sample_of((400, 120, 80)), Mixed(2, 9.0)
    made = fitted(sample, Pool(7, {0: 60_000}), [Question((0,), (0,), 4)], metrics={7: metric})
    there = metric.embed(sample.rows[0])
    assert (steps["fit_centroids"][0] == there).all()
    assert (steps["choose_margin"][3] == there).all()
    assert steps["max_halo"][1] == there.shape[1] > 3
    assert "choose_work" not in steps
    assert (made.estimate, made.space) == (Estimate(0.5, 0.25), metric)
    assert made.candidates == round(60_000 * 1.25 / 5)


def test_where_nothing_is_asked_nothing_is_missed(steps):
    made = fitted(sample_of((40, 12, 8)), Pool(0, {0: 5_001}), [], 6_000)
    assert steps["choose_work"][0](4_000) == made.estimate.recall == 1.0


@pytest.mark.parametrize(
    ("rows", "cell_rows", "compared"), [(5_000, 5_000, True), (5_001, 6_000, False), (5_000, 4_999, False)]
)
def test_few_rows_of_one_cell_are_all_compared(steps, rows, cell_rows, compared):
    made = fitted(sample_of((40, 12, 8)), Pool(0, {0: rows}), [Question((0,), (0,), 4)], cell_rows)
    assert ("choose_work" not in steps) == compared
    assert rows > cell_rows or (made.cells.centroids.tolist(), made.shards.tolist()) == ([[0.0] * 3], [1])
    assert not compared or (made.estimate, made.candidates) == (Estimate(1.0, 0.0, 1.0), rows)
    assert ("fit_centroids" in steps) == (rows > cell_rows)
    if rows > 5_000:
        assert made.estimate == Estimate(0.8125, 0.0, 0.25, 10_001)
        assert made.candidates == count_candidates(rows, 10_001)
        assert steps["estimate_proven"][3] is None


def test_a_sample_of_half_of_the_rows_says_enough_of_them(steps):
    sample = sample_of((2_000, 600, 400))
    thin = [fitted(sample, Pool(0, {0: rows}), [Question((0,), (0,), 4)], 1_000) for rows in (6_000, 6_001)]
    assert [one.estimate.sampled for one in thin] == [math.inf, 750.0]


def test_of_too_many_cells_each_has_more_rows(steps, monkeypatch):
    monkeypatch.setattr(cells, "MAX_CELLS", 4)
    fitted(sample_of((40, 12, 8)), Pool(0, {0: 90_001}), [Question((0,), (0,), 4)])
    assert (steps["max_halo"][0], steps["fit_centroids"][1]) == (22_501, 4)
