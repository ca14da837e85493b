"""Rows that lack features: their distances and neighbors are scikit-learn's, exact, and rules and cells go by them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from pyspark.sql import types as T
from sklearn.metrics.pairwise import nan_euclidean_distances
from sklearn.preprocessing import StandardScaler

from spark_balance.frames.columns import Feature
from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.sample import CellSize, Sample
from spark_balance.kernels.draws import quantile
from spark_balance.kernels.knn import knn
from spark_balance.kernels.members import Members, elect
from spark_balance.kernels.metrics import FAR, Mixed, Shared
from spark_balance.kernels.recall import nearest_among
from spark_balance.kernels.rules import Edited, OtherClass, Repeated
from spark_balance.kernels.scale import ABSENT, MixedScale, Scale
from spark_balance.kernels.scores import Informative, Nearness
from spark_balance.kernels.selection import Condensed, Links, OneSided, Prototypes
from spark_balance.neighbors.cells import Goal, fit_cells
from spark_balance.neighbors.pools import Pool, Question


def lacking(rows, features, share=0.3, seed=0, steps=8):
    """Return rows of few whole numbers, so that distances tie, some of which are not there."""
    rng = np.random.default_rng(seed)
    raw = rng.integers(0, steps, (rows, features)).astype(np.float64)
    raw[rng.random(raw.shape) < share] = np.nan
    return raw


def true_squares(points, others=None):
    """Return scikit-learn's squared distances, infinite between rows with no feature in common."""
    named = [np.where(one == ABSENT, np.nan, one) for one in (points, points if others is None else others)]
    squares = nan_euclidean_distances(*named, squared=True)
    return np.where(np.isnan(squares), FAR, squares)


@settings(max_examples=60)
@given(st.integers(2, 60), st.integers(1, 5), st.sampled_from([0.0, 0.2, 0.6]), st.integers(0, 10**6), st.booleans())
def test_neighbors_are_those_of_scikit_learns_distance(rows, features, share, seed, equalize):
    raw = lacking(rows, features, share, seed)
    points = Scale.fit(raw, equalize=equalize, lacking=True).integers(raw)
    squares = true_squares(points)
    np.fill_diagonal(squares, np.inf)
    k = min(3, rows - 1)
    found, away = knn(points, np.arange(rows), k, metric=Shared(features))
    assert (found != np.arange(rows)[:, None]).all()
    assert away == pytest.approx(np.sort(squares, axis=1)[:, :k], rel=1e-9, abs=1e-9 * points.max(initial=1) ** 2)
    # ties go to the row id, of exact distances
    exact = np.array([[own_square(a, b) for b in points] for a in points], dtype=object)
    for row, near in enumerate(found):
        others = [(exact[row, other], other) for other in range(rows) if other != row]
        assert near.tolist() == [other for _, other in sorted(others)[:k]]


def own_square(one, other):
    """Return the squared distance of two rows by fractions."""
    both = (one != ABSENT) & (other != ABSENT)
    if not both.any():
        return Fraction(FAR)
    total = sum((int(a) - int(b)) ** 2 for a, b in zip(one[both], other[both], strict=True))
    return Fraction(total * len(one), int(both.sum()))


def test_distances_to_rows_that_are_not_among_the_points():
    scale = Scale.fit(lacking(900, 4), equalize=True, lacking=True)
    points, asked = (scale.integers(lacking(n, 4, seed=n)) for n in (900, 70))
    found, squares = knn(points, asked, 4, metric=Shared(4))
    expected = true_squares(asked, points)
    assert squares == pytest.approx(np.sort(expected, axis=1)[:, :4], rel=1e-9)
    assert np.take_along_axis(expected, found, axis=1) == pytest.approx(squares, rel=1e-9)
    # what cells are fitted by: a row finds itself first, or an equal one, and that is left out
    assert (
        nearest_among(asked, points, 3, Shared(4)) == np.where(squares[:, :1] == 0, found[:, 1:], found[:, :3])
    ).all()


def test_sums_are_exact_at_the_ends_of_the_grid():
    limit = Scale.fit(np.zeros((0, 3)), equalize=True).limit
    points = np.array([[limit, -limit, ABSENT], [-limit, limit, limit - 1], [limit - 1, ABSENT, -limit]])
    squares = np.concatenate([distance for _, distance in Shared(3).distances(points, np.arange(3))])
    expected = [[own_square(a, b) for b in points] for a in points]
    assert squares.tolist() == [[float(one) for one in row] for row in expected]


def test_rows_with_nothing_in_common_come_last():
    points = np.array([[0.0, ABSENT], [ABSENT, 0.0], [900.0, ABSENT], [ABSENT, ABSENT], [5.0, 7.0]])
    found, squares = knn(points, np.arange(5), 4, metric=Shared(2))
    assert found.tolist() == [[4, 2, 1, 3], [4, 0, 2, 3], [4, 0, 1, 3], [0, 1, 2, 4], [0, 1, 2, 3]]
    assert (squares == FAR).sum(axis=1).tolist() == [2, 3, 2, 4, 1]


def test_the_scale_is_of_the_values_that_are_there():
    rng = np.random.default_rng(3)
    raw = rng.normal(size=(400, 4)) * [1, 10, 100, 1] + 5
    raw[rng.random(raw.shape) < 0.3] = np.nan
    raw[:, 3] = np.nan
    scale = Scale.fit(raw, equalize=True, lacking=True)
    known = StandardScaler().fit(raw[:, :3])
    spread = 1 / (scale.factor[:3] * known.scale_)
    assert spread / spread[0] == pytest.approx(1, rel=2e-3)
    assert scale.center.tolist() == [*np.nanmedian(raw[:, :3], axis=0), 0.0]
    for kind in (np.float64, np.int32):
        assert ((scale.integers(raw, kind) == ABSENT) == np.isnan(raw)).all()
    by_all = Scale.fit(raw[:50], equalize=True, deviations=np.array([*known.scale_, np.nan]), lacking=True)
    assert 1 / (by_all.factor[:3] * known.scale_) == pytest.approx(by_all.unit**-1, rel=2e-3)


def test_rows_that_lack_nothing_have_the_usual_scale_and_neighbors():
    raw = np.random.default_rng(4).normal(size=(300, 3))
    usual, own = Scale.fit(raw, equalize=True), Scale.fit(raw, equalize=True, lacking=True)
    assert (usual.factor == own.factor).all()
    points = own.integers(raw)
    assert (points == usual.integers(raw)).all()
    rows = np.arange(300)
    near, squares = knn(points, rows, 5)
    found, away = knn(points, rows, 5, metric=Shared(3))
    assert (near == found).all()
    assert away == pytest.approx(squares, rel=1e-12)


def test_categories_count_where_both_rows_have_one():
    rng = np.random.default_rng(5)
    raw = np.column_stack([lacking(80, 2, seed=5), rng.integers(0, 3, (80, 2)).astype(float)])
    raw[rng.random(raw.shape) < 0.2] = np.nan
    scale = MixedScale.of_numbers(raw, 2, equalize=False, lacking=True)
    points = scale.integers(raw)
    assert ((points == ABSENT) == np.isnan(raw)).all()
    there = [points[points[:, i] != ABSENT, i] for i in range(2)]
    penalty = Mixed.fit(points, 2).penalty
    assert penalty == np.rint(np.median([np.std(one) for one in there]) ** 2)
    squares = np.concatenate([distance for _, distance in Shared(2, penalty).distances(points, np.arange(80))])
    for one in range(80):
        for other in range(80):
            both = (points[one] != ABSENT) & (points[other] != ABSENT)
            apart = [*(points[one, :2] - points[other, :2]) ** 2, *(penalty * (points[one, 2:] != points[other, 2:]))]
            expected = sum(np.array(apart)[both]) * 4 / both.sum() if both.any() else FAR
            assert squares[one, other] == pytest.approx(expected, rel=1e-9)
    # no penalty, no share of the categories
    found, _ = knn(points, np.arange(80), 4, metric=Shared(2))
    assert (found == knn(points[:, :2], np.arange(80), 4, metric=Shared(2))[0]).all()
    assert Shared(2, penalty).embed(points).shape == (80, 2 + 2 * 3)


def test_a_category_that_voters_lack_wins_only_where_all_do():
    near = np.array([[0, 1, 2], [0, 1, 3], [0, 1, 1]])
    values = np.array([np.nan, np.nan, 7.0, 3.0])
    assert values[elect(near, values, np.arange(3))][:2].tolist() == [7.0, 3.0]
    assert np.isnan(values[elect(near, values, np.arange(3))[2]])


def members(rows=150, seed=6):
    raw = lacking(rows, 3, 0.25, seed, steps=40)
    points = Scale.fit(raw, equalize=False, lacking=True).integers(raw)
    codes = (np.random.default_rng(seed).random(rows) < 0.3).astype(np.int64)
    ids = np.column_stack([np.arange(rows)] * 3)
    return Members(points, codes, ids, np.ones(rows, dtype=bool), metric=Shared(3))


def test_rules_go_by_the_neighbors_that_rows_have():
    here = members()
    squares = true_squares(here.points)
    np.fill_diagonal(squares, np.inf)
    order = np.argsort(squares, axis=1, kind="stable")
    rows, said = OtherClass("others", (0, 1), 5)(here)
    others = here.class_ids[order[:, :5]] != here.class_ids[:, None]
    assert said["others"].tolist() == others.sum(axis=1)[rows].tolist()
    gone, _ = Edited((0, 1), 3, "all")(here)
    disagree = (here.class_ids[order[:, :3]] != here.class_ids[:, None]).any(axis=1)
    assert gone.tolist() == np.flatnonzero(disagree).tolist()
    first, _ = Repeated((0, 1), (3,), "all", ("round", "rows"))(here)
    assert first.tolist() == gone.tolist()
    few = here.of(1)
    rows, sums = Nearness("score", (0,), (1,), 3, {}).sums(here)
    expected = np.sqrt(np.sort(squares[np.ix_(rows, few)], axis=1)[:, :3]).sum(axis=1)
    assert sums == pytest.approx(expected, rel=1e-9)
    far = Nearness("score", (0,), (1,), len(few) + 1, {0: here.points[few]}).sums(here)[1]
    assert np.isinf(far).all()
    linked, _ = Links([f"c{i}" for i in range(6)])(here)
    nearest = order[:, 0]
    mutual = [row for row in range(150) if nearest[nearest[row]] == row]
    mutual = [row for row in mutual if here.class_ids[row] != here.class_ids[nearest[row]]]
    assert set(mutual) <= set(linked.tolist())


def test_rules_that_select_go_by_them_too():
    here = members()
    weights = Informative("weight", (1,), 5, 3, 3, 5.0, 2.0, 1.0)(here)[1]["weight"]
    assert (weights >= 0).all()
    assert weights.any()
    gone, _ = Condensed((0,), 1, 1, 0)(here)
    kept = np.setdiff1d(np.arange(150), gone)
    squares = true_squares(here.points)
    classified = here.class_ids[kept[np.argmin(squares[np.ix_(gone, kept)], axis=1)]]
    assert (classified == here.class_ids[gone]).all()
    seeds = here.of(0)[:1]
    known = Prototypes(here.points[seeds], here.class_ids[seeds], here.row_ids[seeds])
    rule = OneSided({0: 1}, known, 1, [f"c{i}" for i in range(6)])
    some = np.union1d(seeds, here.of(1))
    rest = np.setdiff1d(here.of(0), seeds)
    right = rest[here.class_ids[some[np.argmin(squares[np.ix_(rest, some)], axis=1)]] == 0]
    assert rule._redundant(here, 0, 1).tolist() == right.tolist()


SHARE = 0.2  # of the rows, in the sample


@pytest.mark.parametrize("among", [(0,), (0, 1)])
def test_the_estimate_of_cells_is_of_the_distance_that_is_searched(among):
    rows, k = 9_000, 5
    rng = np.random.default_rng(8)
    raw = rng.normal(size=(rows, 3)) @ rng.normal(size=(3, 6)) + 0.1 * rng.normal(size=(rows, 6))
    raw[rng.random(raw.shape) < 0.15] = np.nan
    columns = FeatureColumns((Feature("x", T.ArrayType(T.DoubleType()), "array"),), (6,), lacking=True)
    draws = rng.integers(-(2**63), 2**63 - 1, rows)
    first = np.arange(rows) if among == (0,) else np.arange(0, rows, 3)
    parts = [first] if among == (0,) else [first, np.setdiff1d(np.arange(rows), first)]
    of = dict(enumerate(parts))
    sampled = {i: o[draws[o] <= quantile(SHARE)] for i, o in of.items()}
    taken, drawn = ({i: some[o] for i, o in sampled.items()} for some in (raw, draws))
    sample = Sample(columns, taken, drawn, dict.fromkeys(of, SHARE))
    scale = columns.scale(sample, equalize=True)
    pool = Pool(0, {i: len(o) for i, o in of.items()})
    asked = [Question((0,), among, k)]
    metrics = columns.metrics(sample, scale, [0])
    assert metrics == {0: Shared(6)}
    made = fit_cells(sample, [(pool, asked)], scale, Goal(CellSize(1_200)), metrics=metrics, prove=True).pools[0]
    points, codes = scale.integers(raw), np.zeros(rows, dtype=np.int64)
    for i, of_class in of.items():
        codes[of_class] = i
    owner, visitor, visited = made.assign(points, np.zeros(rows, dtype=np.int64), codes)
    held = {(int(row), int(cell)) for row, cell in zip(visitor, visited, strict=True)}
    queries = of[0][rng.permutation(len(of[0]))[:300]]
    queries.sort()
    true = knn(points, queries, k, metric=metrics[0])[0]
    pairs = [(near, row) for row, all_near in zip(queries.tolist(), true.tolist(), strict=True) for near in all_near]
    met = [owner[near] == owner[row] or (near, owner[row]) in held for near, row in pairs]
    assert made.n_cells > 4
    assert made.estimate.recall == pytest.approx(np.mean(met), abs=0.03)
