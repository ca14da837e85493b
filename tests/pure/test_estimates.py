"""What is estimated from a sample, against the plainest code there is, and what a user may ask of a search."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.sample import Sample
from spark_balance.kernels.centroids import Cells
from spark_balance.kernels.metrics import Mixed
from spark_balance.kernels.projection import UNIT, Projection
from spark_balance.neighbors import estimates
from spark_balance.neighbors.estimates import (
    MAX_JUDGED,
    choose_judged,
    choose_work,
    estimate_inside,
    estimate_proven,
    expect,
)
from spark_balance.neighbors.pools import Pool, Question


def sample_of(*classes):
    """Take all rows of some classes as a sample, each class after the other in the order of draws."""
    ends = np.cumsum([0, *map(len, classes)])
    draws = {code: np.arange(ends[code], ends[code + 1]) for code in range(len(classes))}
    columns = FeatureColumns((), (classes[0].shape[1],))
    return Sample(columns, dict(enumerate(classes)), draws, dict.fromkeys(draws, 1.0))


def ranked(points, queries):
    """Return all others of each query, the nearest first, by all pairs."""
    squares = ((points[queries, None] - points) ** 2).sum(axis=2)
    squares[np.arange(len(queries)), queries] = np.inf
    return np.argsort(squares, axis=1, kind="stable")[:, :-1]


def few_axes(points):
    return Projection(np.zeros(points.shape[1]), UNIT * np.eye(points.shape[1])[:, :4], 1.0)


@pytest.mark.parametrize("wanted", [0.5, 0.9, 0.999])
@pytest.mark.parametrize(("rows", "ks"), [(90, (3, 2)), (90, (20,)), (50, (60,)), (600, (5,))])
def test_as_many_candidates_are_judged_as_hold_the_neighbors(rows, ks, wanted):
    points, k = np.random.default_rng(rows).integers(-99, 99, (rows, 9)).astype(float), max(ks)
    asked = [Question((0,), (0,), one) for one in ks]
    chosen, share = choose_judged(sample_of(points), Pool(0, {0: rows}), asked, few_axes(points), wanted)
    queries, most = np.arange(min(500, rows)), min(max(MAX_JUDGED, 4 * k), rows - 1)
    true, near = ranked(points, queries)[:, : min(k, most)], ranked(points[:, :4], queries)[:, :most].tolist()
    place = [
        some.index(one) + 1 if one in some else most + 1 for some, row in zip(near, true, strict=True) for one in row
    ]
    enough = next(judged for judged in range(most + 2) if np.mean(np.array(place) <= judged) >= wanted)
    assert chosen.judged == min(max(2 * k, enough), max(MAX_JUDGED, 4 * k))
    assert share == np.mean(np.array(place) <= chosen.judged)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_a_sample_without_neighbors_judges_twice_as_many_as_are_wanted(rows):
    points = np.ones((rows, 9))
    asked = [Question((0,), (0,), 7)]
    chosen, share = choose_judged(sample_of(points), Pool(0, {0: 5}), asked, few_axes(points), 0.9)
    assert (chosen.judged, share) == (14, 1.0)


QUESTIONS = [Question((0,), (0,), 4), Question((0,), (0, 1), 4), Question((0,), (1,), 4)]


@pytest.mark.parametrize(
    ("space", "asked"),
    [*((space, asked) for space in (None, "projection") for asked in QUESTIONS), ("metric", QUESTIONS[0])],
    ids=str,
)
def test_of_all_rows_the_neighbors_are_expected_where_they_are(space, asked):
    draw = np.random.default_rng(4)
    classes = [np.unique(draw.integers(-999, 999, (n, 6)), axis=0).astype(float) for n in (40, 30)]
    pool = Pool(0, dict(enumerate(map(len, classes))))
    embeds = {"metric": Mixed(4, 9.0), "projection": few_axes(classes[0])}.get(space)
    own, near = expect(sample_of(*classes), pool, asked, embeds)
    others = np.concatenate([classes[code] for code in asked.among])
    squares = ((classes[0][:, None] - others) ** 2).sum(axis=2)
    if space == "metric":
        numbers = ((classes[0][:, None, :4] - others[:, :4]) ** 2).sum(axis=2)
        squares = numbers + 9.0 * (classes[0][:, None, 4:] != others[:, 4:]).sum(axis=2)
    squares[(classes[0][:, None] == others).all(axis=2)] = np.inf
    true = others[np.argsort(squares, axis=1, kind="stable")[:, :4]]
    place = embeds.embed if space else np.asarray
    np.testing.assert_array_equal(own, place(classes[0]))
    np.testing.assert_array_equal(near.reshape(-1, own.shape[1]), place(true.reshape(-1, 6)))


@pytest.mark.parametrize(("wanted", "work"), [(0.5, 4_000), (0.9, 8_000), (0.99, 16_000), (0.999, 24_000)])
def test_what_is_missed_falls_evenly_between_two_tries(wanted, work):
    asked = []
    made = choose_work(lambda tried: asked.append(tried) or 1 - 0.1 ** (tried / 8_000), wanted)
    assert made == pytest.approx(work, abs=1)
    assert asked == [4_000 * 2**i for i in range(len(asked))]


def test_nothing_that_is_missed_counts_as_a_ten_thousandth():
    # from 0.1 to 0.0001 missed: 0.01 is a third of the way from 4,000 to 8,000
    assert choose_work(lambda tried: 0.9 if tried == 4_000 else 1.0, 0.99) == math.ceil(4_000 * (1 + 1 / 3))


def test_a_few_cells_stand_for_all_by_their_share_of_the_rows(monkeypatch):
    asked = []

    def estimate_recall(points, queries, rows, k, work):
        asked.append((len(points), queries.tolist(), rows, k, work))
        return {20: 0.5, 70: 0.9}[len(queries)]

    monkeypatch.setattr(estimates, "estimate_recall", estimate_recall)
    points = np.repeat([[0.0], [100.0], [200.0]], [70, 10, 20], axis=0)[np.random.default_rng(1).permutation(100)]
    made = SimpleNamespace(cells=Cells(np.array([[0.0], [100.0], [200.0]])), shards=np.ones(3, np.int64))
    pool, question = Pool(0, {0: 1_000}), Question((0,), (0,), 4)
    assert estimate_inside(made, sample_of(points), pool, question, 77) == (0.5 + 3 * 0.9) / 4
    assert asked == [(70, list(range(70)), 700, 4, 77), (20, list(range(20)), 200, 4, 77)]
    dealt = SimpleNamespace(cells=made.cells, shards=np.array([2, 1, 1]))
    assert estimate_inside(dealt, sample_of(points), pool, question, 77) == (0.5 + 3 * 1.0) / 4
    assert estimate_inside(made, sample_of(points[:0]), pool, question, 77) == 1.0
    # halo rows are candidates, and rows of the last draws are asked: as many as the looks at their cell
    asked.clear()
    wide = SimpleNamespace(cells=replace(made.cells, tau=60.0), shards=made.shards)
    monkeypatch.setattr(estimates, "QUERIES", 28)
    monkeypatch.setattr(estimates, "estimate_recall", lambda *given: asked.append(given) or 1.0)
    estimate_inside(wide, sample_of(points), pool, question, 77)
    assert [(len(rows), len(queries), there) for rows, queries, there, *_ in asked] == [(80, 21, 800), (30, 7, 300)]
    assert [rows[queries].ravel().tolist() for rows, queries, *_ in asked] == [[0.0] * 21, [200.0] * 7]


def test_what_is_proven_is_that_of_the_question_where_it_is_least():
    asked = [Question((0,), (0,), 2), Question((0,), (1,), 1), Question((1,), (1,), 3)]
    own, near = np.zeros((4, 2)), np.array([[[1.0, 0], [3, 4]], [[1, 0], [6, 8]], [[0, 1], [0, 2]], [[0, 1], [1, 0]]])
    made = SimpleNamespace(proven=lambda own, away: away < 5)
    pairs = [(own, near), (own, near[:, :1]), (own, near[:, :0])]
    assert estimate_proven(made, asked, [0.9, 1.0, 0.1], pairs) == pytest.approx(0.5 * 0.9**2)
    assert estimate_proven(made, asked, [0.9, 0.3, 0.1], pairs) == pytest.approx(0.3)
    assert estimate_proven(made, asked[2:], [0.1], pairs[2:]) is None
    assert estimate_proven(made, asked, [0.9, 0.5, 0.9], None) == 0.5
    assert estimate_proven(made, [], [], None) == 1.0
