"""Iterative stratification on sets of labels, against the algorithm of the paper row by row."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

from spark_balance.kernels import stratify as module
from spark_balance.kernels.labelsets import LabelTable
from spark_balance.kernels.stratify import _fill, stratify


def matrix_of(rows, labels, seed):
    """Draw rows of some labels from frequent to rare, without those that no row has."""
    matrix = (np.random.default_rng(seed).random((rows, labels)) < np.linspace(0.6, 0.02, labels)).astype(int)
    return matrix[:, matrix.any(axis=0)]


def table_of(matrix):
    return LabelTable.of(dict(sorted(Counter(tuple(np.flatnonzero(row).tolist()) for row in matrix).items())))


def by_hand(matrix, shares, rng):
    """Algorithm 1 of Sechidis, Tsoumakas and Vlahavas (2011): the rows of each label in each part, and all of it."""
    shares = np.array(shares, dtype=float)
    lacks, lacks_of = shares * len(matrix), np.outer(matrix.sum(axis=0), shares)
    open_rows = set(range(len(matrix)))
    parts = np.zeros(len(matrix), dtype=int)

    def give(row, part):
        parts[row] = part
        open_rows.discard(row)
        lacks[part] -= 1
        lacks_of[matrix[row] == 1, part] -= 1

    def neediest(*needs):
        among = np.arange(len(shares))
        for need in needs:
            among = among[need[among] >= need[among].max() - 1e-9]
        return rng.choice(among)

    while any(matrix[row].any() for row in open_rows):
        counts = matrix[sorted(open_rows)].sum(axis=0)
        label = min((one for one in range(matrix.shape[1]) if counts[one]), key=lambda one: counts[one])
        for row in sorted(one for one in open_rows if matrix[one, label]):
            give(row, neediest(lacks_of[label], lacks))
    for row in sorted(open_rows):
        give(row, neediest(lacks))
    return np.array([[*matrix[parts == part].sum(axis=0), (parts == part).sum()] for part in range(len(shares))])


def uneven(counts, matrix):
    """Return the label distribution of the paper, by which it compares: how far the odds of labels in parts are off."""
    has, rows = counts[:, :-1], counts[:, -1:]
    whole = matrix.sum(axis=0)
    return np.abs(has / (rows - has) - whole / (len(matrix) - whole)).mean()


@pytest.mark.parametrize("shares", [[Fraction(1, 5)] * 5, [Fraction(4, 5), Fraction(1, 5)]], ids=["folds", "split"])
@pytest.mark.parametrize("labels", [4, 9])
def test_labels_are_as_even_as_by_the_algorithm_of_the_paper(shares, labels):
    ours, theirs, sizes, paper_sizes = [], [], [], []
    for seed in range(12):
        matrix = matrix_of(150, labels, seed)
        table = table_of(matrix)
        dealt = stratify(table, shares, seed)
        counts = np.array([[*table.count(part), part.sum()] for part in dealt.T])
        paper = by_hand(matrix, shares, np.random.default_rng(seed))
        ours.append(uneven(counts, matrix))
        theirs.append(uneven(paper, matrix))
        due = np.array([float(150 * share) for share in shares])
        sizes.append(np.abs(counts[:, -1] - due).mean())
        paper_sizes.append(np.abs(paper[:, -1] - due).mean())
    # within three standard errors of the paper's, which draws between parts that lack as much
    assert np.mean(ours) <= np.mean(theirs) + 3 * np.std(theirs) / len(theirs) ** 0.5
    assert np.mean(sizes) <= np.mean(paper_sizes) + 1


@given(
    st.integers(1, 60), st.integers(1, 6), st.integers(0, 99), st.sampled_from([[1, 1], [8, 2], [1, 1, 1], [7, 2, 1]])
)
def test_every_row_is_dealt_once_and_the_rarest_label_exactly(rows, labels, seed, weights):
    table = table_of(matrix_of(rows, labels, seed))
    shares = [Fraction(weight, sum(weights)) for weight in weights]
    dealt = stratify(table, shares, seed)
    assert (dealt >= 0).all()
    assert dealt.sum(axis=1).tolist() == table.rows.tolist()
    counts = table.count(table.rows)
    if len(counts):
        # it is dealt first, when no part lacks more or less than its share of it
        rarest = int(counts.argmin())
        has = [int(table.count(part)[rarest]) for part in dealt.T]
        assert all(abs(one - counts[rarest] * share) < 1 for one, share in zip(has, shares, strict=True))


def test_many_rows_are_dealt_by_their_shares(monkeypatch):
    shares = [Fraction(3, 4), Fraction(1, 4)]
    matrix = matrix_of(2_000, 6, 1)
    few = table_of(matrix)
    many = LabelTable(few.labels, few.rows * 10**6, few.label_of, few.set_of)
    monkeypatch.setattr(module, "ONE_BY_ONE", 500)
    dealt = stratify(many, shares, 5)
    assert dealt.sum(axis=1).tolist() == many.rows.tolist()
    assert np.abs(dealt - np.outer(many.rows, [0.75, 0.25])).max() <= 600
    counts = np.array([many.count(part) for part in dealt.T])
    assert np.abs(counts - np.outer([0.75, 0.25], many.count(many.rows))).max() <= 10


@given(st.integers(0, 50), st.lists(st.integers(-30, 60), min_size=1, max_size=5), st.integers(1, 7))
def test_parts_are_filled_up_to_one_level(rows, lacks, unit):
    given_rows = _fill(rows, lacks, unit)
    after = [lack - unit * one for lack, one in zip(lacks, given_rows, strict=True)]
    assert sum(given_rows) == rows
    # none that got a row lacks less than another by more than about a row
    assert all(left >= max(after) - 2 * unit for left, one in zip(after, given_rows, strict=True) if one)


def test_another_seed_deals_other_rows():
    table = table_of(matrix_of(150, 9, 3))
    one, other = (stratify(table, [Fraction(1, 3)] * 3, seed) for seed in (1, 2))
    assert (one != other).any()
    assert (stratify(table, [Fraction(1, 3)] * 3, 1) == one).all()
