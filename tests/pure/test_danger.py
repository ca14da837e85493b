"""Neighbors of other classes, against brute force; danger and adaptive counts as imbalanced-learn has them."""

import numpy as np
from hypothesis import given, strategies as st

from spark_balance.kernels.members import Members
from spark_balance.kernels.rules import OtherClass, adaptive, in_danger


def members(seed, rows=40, classes=3, values=4):
    """Return a cell of rows with many ties, some of them halo rows."""
    rng = np.random.default_rng(seed)
    points = rng.integers(0, values, (rows, 2)).astype(float)
    ids = np.column_stack([np.arange(rows), np.zeros(rows, int), np.zeros(rows, int)])
    return Members(points, rng.integers(0, classes, rows), ids, rng.random(rows) < 0.7)


@given(st.integers(0, 2**32), st.integers(1, 9))
def test_neighbors_of_other_classes_are_counted(seed, k):
    cell = members(seed)
    rows, said = OtherClass("n", (0, 2), k)(cell)
    assert rows.tolist() == [i for i in range(40) if cell.owned[i] and cell.class_ids[i] != 1]
    for row, count in zip(rows, said["n"], strict=True):
        away = ((cell.points - cell.points[row]) ** 2).sum(axis=1)
        near = [i for i in np.lexsort((np.arange(40), away)) if i != row][:k]
        assert count == sum(cell.class_ids[i] != cell.class_ids[row] for i in near)


def test_danger_is_half_or_more_but_not_all():
    assert [n for n in range(11) if in_danger(n, 10)] == [5, 6, 7, 8, 9]
    assert [n for n in range(6) if in_danger(n, 5)] == [3, 4]
    assert not [n for n in range(2) if in_danger(n, 1)]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=200).filter(any), st.integers(1, 2_000))
def test_adaptive_counts_are_those_of_imbalanced_learn(others, wanted):
    ratio = np.array(others) / 5
    ratio /= np.sum(ratio)
    product = ratio * wanted
    expected = np.rint(product).astype(int)
    found = adaptive({n: others.count(n) for n in set(others)}, 5, wanted)
    # its sum rounds as it goes, which matters where a row's share is half a row
    halves = np.abs(product % 1 - 0.5) < 1e-9
    assert [found[n] for n in np.array(others)[~halves].tolist()] == expected[~halves].tolist()
