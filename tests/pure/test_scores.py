"""Scores keep the order of what they stand for; hardness is that of models that have not seen the row."""

from __future__ import annotations

import numpy as np
from groups import members
from hypothesis import given, strategies as st
from sklearn.naive_bayes import GaussianNB

from spark_balance.kernels.draws import quotas
from spark_balance.kernels.hardness import Hardness, learn_hardness, own_probability, to_hardness
from spark_balance.kernels.scale import Scale
from spark_balance.kernels.scores import UNKNOWN, Farness, FarthestOf, Nearness, ascending, descending, farthest, summed

positive = st.floats(0, allow_nan=False)


@given(st.lists(positive, min_size=1))
def test_scores_are_in_the_order_of_the_numbers_or_the_opposite(numbers):
    values = np.array(numbers)
    assert (np.argsort(ascending(values), kind="stable") == np.argsort(values, kind="stable")).all()
    assert (np.argsort(descending(values), kind="stable") == np.argsort(-values, kind="stable")).all()
    assert (descending(values) > UNKNOWN).all()
    assert ascending(np.array([-0.0])) == ascending(np.array([0.0]))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.randoms(use_true_random=False))
def test_the_farthest_are_those_of_a_sort(rows, others, k, random):
    points, there = (
        np.array([[float(random.randrange(-9, 9)) for _ in range(2)] for _ in range(n)]) for n in (rows, others)
    )
    squares = ((points[:, None] - there) ** 2).sum(axis=2)
    assert (farthest(points, there, k) == np.sort(squares, axis=1)[:, -min(k, others) :]).all()


def test_fewer_neighbors_than_wanted_are_infinitely_far():
    assert summed(np.array([[1.0, 4.0]]), 2).tolist() == [3.0]
    assert summed(np.array([[1.0, 4.0]]), 3).tolist() == [np.inf]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=6), st.integers(0, 120))
def test_quotas_are_even_and_leave_nothing(rows, most):
    dealt = quotas(rows, most)
    assert sum(dealt) == min(sum(rows), most)
    assert all(given <= have for given, have in zip(dealt, rows, strict=True))
    short = [given for given, have in zip(dealt, rows, strict=True) if given < have]
    assert not short or max(dealt) <= min(short) + 1


def _rows():
    draw = np.random.default_rng(1)
    rows = {0: draw.normal(0, 1, (50, 2)), 1: draw.normal(2, 1, (20, 2))}
    return rows, {code: np.sort(draw.integers(-(2**63), 2**63 - 1, len(some))) for code, some in rows.items()}


def test_a_sampled_row_is_judged_by_a_model_that_has_not_seen_it():
    rows, draws = _rows()
    told = learn_hardness(rows, draws, GaussianNB(), 5, whole=True)
    assert told.model is None
    held = {code: np.arange(len(some)) % 5 == 3 for code, some in rows.items()}
    model = GaussianNB().fit(np.concatenate([rows[code][~held[code]] for code in rows]), np.repeat([0, 1], [40, 16]))
    for code in rows:
        expected = to_hardness(own_probability(model, rows[code][held[code]], np.full(held[code].sum(), code)))
        got = told.score(rows[code][held[code]], np.full(held[code].sum(), code), draws[code][held[code]])
        assert (got == expected).all()


def test_other_rows_are_judged_by_the_model_of_all():
    rows, draws = _rows()
    told = learn_hardness(rows, draws, GaussianNB(), 5, whole=False)
    new, codes = np.array([[0.0, 0.0], [2.0, 2.0], [2.0, 2.0]]), np.array([0, 1, 0])
    model = GaussianNB().fit(np.concatenate(list(rows.values())), np.repeat([0, 1], [50, 20]))
    got = told.score(new, codes, np.array([-(2**63), 1, 2**63 - 1]))  # before, between and after those of the sample
    assert (got == to_hardness(own_probability(model, new, codes))).all()
    assert got[0] < got[2] > got[1]


def test_a_class_that_no_model_has_seen_is_as_hard_as_can_be():
    rows = {0: np.zeros((4, 1)), 1: np.ones((1, 1))}
    told = learn_hardness(rows, {0: np.arange(4), 1: np.arange(1)}, GaussianNB(), 2, whole=True)
    assert told.scores[1].tolist() == [2**24]


def test_each_group_has_its_own_models():
    rows, draws = _rows()
    one = learn_hardness(rows, draws, GaussianNB(), 5, whole=True)
    two = learn_hardness({2: rows[1], 3: rows[0]}, {2: draws[1], 3: draws[0]}, GaussianNB(), 4, whole=True)
    judge = Hardness("s", {0: 7, 1: 7, 2: 9, 3: 9}, {7: one, 9: two})
    told = judge(
        np.concatenate([rows[0][:3], rows[1][:2], rows[1][:2]]),
        np.array([0, 0, 0, 1, 1, 2, 2]),
        np.concatenate([draws[0][:3], draws[1][:2], draws[1][:2]]),
    )
    assert told["s"].tolist() == [*one.scores[0][:3], *one.scores[1][:2], *two.scores[2][:2]]


@given(st.integers(0, 99), st.integers(1, 4))
def test_the_farthest_of_its_class_score_a_row(seed, k):
    draw = np.random.default_rng(seed)
    features, others = draw.integers(-9, 9, (6, 2)).astype(float), {c: draw.integers(-9, 9, (7, 2)) for c in (3, 5)}
    codes = np.array([3, 5, 5, 3, 5, 3])
    scale = Scale(np.zeros(2), np.ones(2), 2.0**20)
    told = FarthestOf("s", scale, {c: some.astype(float) for c, some in others.items()}, k)(features, codes)
    for row, code, score in zip(features, codes, told["s"], strict=True):
        squares = np.sort(((row - others[code]) ** 2).sum(axis=1))[-k:].astype(float)
        assert score == ascending(summed(squares[None], k))[0]


@given(st.integers(0, 999), st.integers(1, 3))
def test_near_rows_are_named_by_the_minority_and_scored_by_it_or_what_stands_for_it(seed, k):
    cell, landmarks = members(seed, 14), {c: np.random.default_rng(c).integers(0, 9, (k, 2)) for c in (0, 1)}
    near = Nearness("s", (0, 1), (2,), k, {c: some.astype(float) for c, some in landmarks.items()})
    squares = ((cell.points[:, None] - cell.points) ** 2).sum(axis=2)
    few, asking = np.flatnonzero(cell.class_ids == 2), np.flatnonzero((cell.class_ids == 2) & cell.owned)
    rows, told = near(cell)
    assert rows.tolist() == [i for i in range(14) if cell.owned[i] and cell.class_ids[i] != 2]
    there = {i: squares[i][few] for i in rows}
    if len(few) < k:
        there = {i: ((cell.points[i] - landmarks[cell.class_ids[i]]) ** 2).sum(axis=1) for i in rows}
    sums = np.array([summed(np.sort(there[i])[:k][None].astype(float), k)[0] for i in rows])
    assert told["s"].tolist() == ascending(sums).tolist()
    named = set()
    for row in asking:
        for code in (0, 1):
            own = np.flatnonzero(cell.class_ids == code)
            named |= set(own[np.argsort(squares[row][own], kind="stable")[:k]].tolist())
    known, told = Farness(near, "named", k)(cell)
    assert set(known.tolist()) == named | set(rows.tolist())
    assert {i for i, is_named in zip(known.tolist(), told["named"], strict=True) if is_named} == named
    of = dict(zip(rows.tolist(), descending(sums).tolist(), strict=True))
    assert told["s"].tolist() == [of.get(i, UNKNOWN) for i in known.tolist()]
