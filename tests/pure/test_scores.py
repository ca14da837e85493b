"""Scores keep the order of what they stand for; hardness is that of models that have not seen the row."""

from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st
from sklearn.naive_bayes import GaussianNB

from spark_balance.kernels.draws import quotas
from spark_balance.kernels.hardness import learn_hardness, own_probability, to_hardness
from spark_balance.kernels.scores import UNKNOWN, ascending, descending, farthest, summed

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
    got = told.score(new, codes, np.array([1, 2, 3]))
    assert (got == to_hardness(own_probability(model, new, codes))).all()
    assert got[0] < got[2] > got[1]


def test_a_class_that_no_model_has_seen_is_as_hard_as_can_be():
    rows = {0: np.zeros((4, 1)), 1: np.ones((1, 1))}
    told = learn_hardness(rows, {0: np.arange(4), 1: np.arange(1)}, GaussianNB(), 2, whole=True)
    assert told.scores[1].tolist() == [2**24]
