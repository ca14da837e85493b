"""Measures of labels, ML-ROS and ML-RUS as arithmetic, against the formulas of the papers on matrices of rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spark_balance import MLROS, MLRUS, MLSMOTE, SMOTE
from spark_balance.frames.plan import ClassCounts
from spark_balance.kernels.label_rounds import clone, remove
from spark_balance.kernels.labelsets import LabelTable, agree
from spark_balance.multilabel.counts import measures_of


def table_of(matrix):
    """Return the table of a matrix of rows and labels, in which 1 is a label that the row has."""
    return LabelTable.of(dict(sorted(Counter(tuple(np.flatnonzero(row).tolist()) for row in matrix).items())))


@pytest.mark.parametrize(
    ("labels", "made"),
    [
        (["[]", '["a","b"]', '["a"] '], "F.from_json(column, 'array<string>')"),
        (["['a', 'b']", "[ 'a']", "[]"], """F.from_json(F.translate(column, "'", '"'), 'array<string>')"""),
        (["[a, b]", "[]"], "F.expr(\"array_remove(split(substr(column, 2, length(column) - 2), ', *'), '')\")"),
        (["a", "b", "a|b"], "F.split(column, ' *[|] *')"),
        (["a", "b", "b; a", "a, b"], "F.split(column, ' *[,;] *')"),
        (["a", "b", "[a]"], None),
        (["a|b", "c"], None),  # a name with a bar
        (["Smith, John", "Smith"], None),
        ([("a",), ("a", "b"), ()], None),
        ([("a|b",), ("a", "b")], "F.split(column, ' *[|] *')"),
        ([1, 2, True], None),
        ([], None),
    ],
)
def test_labels_that_are_texts_of_several_are_told(labels, made):
    counted = ClassCounts("genres", {(): dict.fromkeys(labels, 8)}, {})
    said = f"labels of 'genres' look like texts of several labels, and each counts as one; make arrays with {made}"
    assert (said in str(measures_of(counted))) == (made is not None)
    if len(labels) > 1:
        for sampler in (MLROS(label_col="genres"), MLRUS(label_col="genres"), MLSMOTE(label_col="genres")):
            assert sampler.make_plan(counted).notes == ((said,) if made else ())
        assert not SMOTE(label_col="genres").make_plan(counted).notes


@st.composite
def matrices(draw, rows=60, labels=6):
    """Draw a matrix in which each label has a row."""
    n, m = draw(st.integers(2, rows)), draw(st.integers(1, labels))
    shares = draw(st.lists(st.sampled_from([0.02, 0.1, 0.3, 0.7]), min_size=m, max_size=m))
    matrix = (np.random.default_rng(draw(st.integers(0, 2**32))).random((n, m)) < shares).astype(int)
    matrix[0] |= matrix.sum(axis=0) == 0
    return matrix


def by_hand(matrix):
    """Return IRLbl, MeanIR, CVIR, and SCUMBLE of each row, as the papers write them."""
    counts = matrix.sum(axis=0)
    imbalance = counts.max() / counts
    mean = imbalance.mean()
    deviation = np.sqrt(((imbalance - mean) ** 2).sum() / max(1, matrix.shape[1] - 1))
    scumble = []
    for row in matrix:
        there = imbalance[row == 1]
        scumble.append(1 - there.prod() ** (1 / len(there)) / there.mean() if len(there) else 0.0)
    return imbalance, mean, deviation / mean, np.array(scumble)


@given(matrices())
def test_measures_are_those_of_the_papers(matrix):
    named = Counter(tuple(f"label {i}" for i in np.flatnonzero(row)) for row in matrix)
    found = measures_of(ClassCounts("labels", {(): dict(named)}, {}))
    imbalance, mean, variation, scumble = by_hand(matrix)
    assert [one.rows for one in found.labels.values()] == matrix.sum(axis=0).tolist()
    assert [one.imbalance for one in found.labels.values()] == pytest.approx(imbalance)
    assert found.mean_imbalance == pytest.approx(mean)
    assert found.imbalance_variation == pytest.approx(variation)
    assert found.scumble == pytest.approx(scumble.mean(), abs=1e-12)
    by_label = [scumble[matrix[:, i] == 1].mean() for i in range(matrix.shape[1])]
    assert [one.scumble for one in found.labels.values()] == pytest.approx(by_label, abs=1e-12)
    assert found.cardinality == pytest.approx(matrix.sum(axis=1).mean())
    assert found.density == pytest.approx(matrix.mean())


def test_labels_that_are_as_frequent_are_no_minority():
    table = table_of(np.repeat(np.eye(7, dtype=int), 3, axis=0))
    assert not table.is_minority.any()
    assert not clone(table, 100).any()
    assert not remove(table, 100).any()


@given(matrices(), st.integers(0, 80))
def test_copies_are_as_many_as_wanted_until_no_label_is_rare(matrix, most):
    table = table_of(matrix)
    copies = clone(table, most)
    rare = np.flatnonzero(table.is_minority)
    has_rare = np.bincount(table.set_of, table.is_minority[table.label_of], len(table.rows)) > 0
    assert (copies >= 0).all()
    assert not copies[~has_rare].any()
    assert copies.sum() <= most
    counts = table.count(table.rows + copies)
    if copies.sum() < most:
        # every label has been settled, and one that copies of others make the most frequent can raise the bar again
        settled = counts.max() <= table.mean_imbalance * counts[rare]
        assert settled.all() or counts.max() > table.count(table.rows).max()


def rounds_by_hand(matrix, most, rng):
    """ML-ROS as the paper writes it, row by row, labels compared after each round."""
    imbalance, mean, *_ = by_hand(matrix)
    bags = {i: np.flatnonzero(matrix[:, i]) for i in np.flatnonzero(imbalance > mean)}
    grown = matrix.sum(axis=0).astype(float)
    copied = 0
    while bags and copied < most:
        for rows in list(bags.values())[: most - copied]:
            grown += matrix[rng.choice(rows)]
            copied += 1
        bags = {i: rows for i, rows in bags.items() if grown.max() > mean * grown[i]}
    return copied, grown


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("most", [15, 60, 10_000])
def test_copies_are_what_the_rounds_of_the_paper_give_on_average(seed, most):
    rng = np.random.default_rng(seed)
    matrix = (rng.random((300, 6)) < [0.6, 0.5, 0.3, 0.08, 0.05, 0.04]).astype(int)
    table = table_of(matrix)
    copies = clone(table, most)
    drawn = [rounds_by_hand(matrix, most, rng) for _ in range(50)]
    copied, grown = np.mean([one for one, _ in drawn]), np.mean([one for _, one in drawn], axis=0)
    assert copies.sum() == pytest.approx(copied, rel=0.1)
    assert table.count(table.rows + copies) == pytest.approx(grown, rel=0.05)


@given(matrices(), st.integers(0, 80))
def test_what_goes_has_majority_labels_alone_and_no_label_is_lost(matrix, most):
    table = table_of(matrix)
    gone = remove(table, most)
    counts, before = table.count(table.rows - gone), table.count(table.rows)
    frequent = np.array(table.imbalance) < table.mean_imbalance
    others = np.bincount(table.set_of, ~frequent[table.label_of], len(table.rows))
    there = np.bincount(table.set_of, minlength=len(table.rows))
    assert ((gone >= 0) & (gone <= table.rows)).all()
    assert gone.sum() <= most
    assert not gone[(others > 0) | (there == 0)].any()
    assert (counts >= 1).all()
    assert (counts[~frequent] == before[~frequent]).all()


def test_the_last_row_of_a_label_stays():
    table = LabelTable.of({(): 1, (0,): 1, (0, 1, 2): 3, (1,): 1, (2,): 1, (2, 3): 1})
    gone = remove(table, 5)
    assert gone.tolist() == [0, 0, 3, 0, 1, 0]
    assert table.count(table.rows - gone).tolist() == [1, 1, 1, 1]


def removal_by_hand(matrix, most, rng):
    """ML-RUS row by row, as the docstring says it differs from the paper."""
    imbalance, mean, *_ = by_hand(matrix)
    active, left = imbalance < mean, np.ones(len(matrix), dtype=bool)
    while active.any() and left.sum() > len(matrix) - most:
        may_go = (matrix.sum(axis=1) > 0) & ~matrix[:, ~active].any(axis=1)
        for label in np.flatnonzero(active):
            rows = np.flatnonzero(left & may_go & (matrix[:, label] == 1))
            if len(rows) and left.sum() > len(matrix) - most:
                left[rng.choice(rows)] = False
            active[label] &= len(rows) > 1
        counts = matrix[left].sum(axis=0)
        active &= mean * counts > counts.max()
    return matrix[left].sum(axis=0)


@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("most", [75, 300, 750])
def test_what_goes_is_what_the_rounds_give_on_average(seed, most):
    rng = np.random.default_rng(seed)
    matrix = (rng.random((1500, 6)) < [0.5, 0.4, 0.3, 0.08, 0.05, 0.04]).astype(int)
    table = table_of(matrix)
    gone = remove(table, most)
    left = np.mean([removal_by_hand(matrix, most, rng) for _ in range(8)], axis=0)
    assert gone.sum() == most
    assert table.count(table.rows - gone) == pytest.approx(left, rel=0.02, abs=7)


def test_many_rows_are_dealt_as_few_are():
    sets = [("a",), ("a", "b"), ("b",), ("c",)]
    few = LabelTable.of(dict(zip(sets, [700_000, 40_000, 8_000, 3_000], strict=True)))
    many = LabelTable.of(dict(zip(sets, (few.rows * 2**21).tolist(), strict=True)))
    assert clone(many, 10**16) / 2**21 == pytest.approx(clone(few, 10**10), rel=1e-3)
    assert many.deal(np.array([0, 6 * 2**40, 0]), many.rows).tolist() == [0, 5 * 2**40, 2**40, 0]


@given(matrices(30, 5), st.integers(1, 4), st.data())
def test_labels_that_enough_voters_have_win(matrix, least, data):
    near = np.array(data.draw(st.lists(st.lists(st.integers(0, len(matrix) - 1), min_size=4, max_size=4), min_size=1)))
    labels = [np.flatnonzero(row) for row in matrix]
    starts = np.concatenate([[0], np.cumsum([len(one) for one in labels])])
    ends, chosen = agree(near, starts, np.concatenate(labels), least)
    found = [chosen[ends[i] : ends[i + 1]].tolist() for i in range(len(near))]
    assert found == [np.flatnonzero(matrix[voters].sum(axis=0) >= least).tolist() for voters in near]
