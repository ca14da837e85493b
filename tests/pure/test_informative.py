"""The weights of MWMOTE, against its formulas row by row."""

import numpy as np
from hypothesis import given, strategies as st

from spark_balance.kernels.members import Members
from spark_balance.kernels.scores import MOST_LEVEL, Informative, levels_of, weight_of


def _nearest(points, of, among, k):
    away = ((points[among] - points[of]) ** 2).sum(axis=1)
    order = [among[i] for i in np.lexsort((among, away)) if among[i] != of]
    return order[:k]


@given(st.integers(0, 2**32))
def test_weights_are_those_of_the_paper(seed):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 6, (60, 2)).astype(float)
    codes = (rng.random(60) < 0.3).astype(int)
    owned = rng.random(60) < 0.8
    ids = np.column_stack([np.arange(60), np.zeros(60, int), np.zeros(60, int)])
    rows, said = Informative("w", (1,), 4, 3, 5, 5.0, 2.0, 1.0)(Members(points, codes, ids, owned))
    every = np.arange(60)
    own = np.array([i for i in every if codes[i] == 1 and any(codes[_nearest(points, i, every, 4)] == 1)], dtype=int)
    border = {j for i in own for j in _nearest(points, i, every[codes != 1], 3)}
    weights = np.zeros(60)
    for j in sorted(border):
        near = _nearest(points, j, own, 5)
        away = np.linalg.norm(points[near] - points[j], axis=1) / 2
        close = np.minimum(5.0, np.divide(1, away, out=np.full(len(near), np.inf), where=away > 0)) * 2 / 5
        weights[near] += close * close / close.sum()
    assert rows.tolist() == every[(codes == 1) & owned].tolist()
    expected = weights[rows]
    assert ((said["w"] == 0) == (expected == 0)).all()
    for level, weight in zip(said["w"], expected, strict=True):
        assert abs(weight_of(int(level)) - weight) <= weight / 31


@given(st.lists(st.floats(1e-8, 1e8), min_size=2, max_size=20))
def test_levels_rise_with_weights_and_keep_them_to_a_thirtieth(weights):
    weights = np.sort(weights)
    levels = levels_of(weights)
    assert (np.diff(levels) >= 0).all()
    assert levels.min() >= 1
    assert levels.max() <= MOST_LEVEL
    assert levels_of(np.zeros(1)).tolist() == [0]
    assert weight_of(0) == 0
    for weight, level in zip(weights, levels, strict=True):
        assert abs(weight_of(int(level)) - weight) <= weight / 31


def test_levels_never_change_between_releases():
    weights = [0.0, 2.0**-40, 2.0**-32, 2.0**-32 * 1.0625, 1.0, 1.99, 2.0**30, 1e300]
    assert levels_of(np.array(weights)).tolist() == [0, 1, 1, 2, 513, 528, 993, 1_000]


@given(st.integers(2, 12))
def test_without_a_number_half_of_the_class_are_neighbors_of_the_border(rows):
    # a row of another class in the middle of a line, of which the nearest half has weights
    points = np.arange(rows + 1.0)[:, None] ** 2
    codes = np.array([0] + [1] * rows)
    ids = np.column_stack([np.arange(rows + 1)] * 3)
    members = Members(points, codes, ids, np.ones(rows + 1, dtype=bool))
    _, said = Informative("w", (1,), 2, 1, None, 5.0, 2.0, 1.0)(members)
    assert np.flatnonzero(said["w"]).tolist() == list(range(max(1, rows // 2)))
