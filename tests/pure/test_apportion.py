"""Whole units dealt out by shares."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

from hypothesis import given, strategies as st

from spark_balance.kernels.draws import apportion

shares = st.lists(st.integers(1, 50), min_size=2, max_size=6).map(
    lambda given: [Fraction(w, sum(given)) for w in given]
)
counts = st.lists(st.integers(0, 200), min_size=1, max_size=30)


@given(counts, shares)
def test_every_part_has_the_floor_or_the_ceiling_of_its_share(counts, shares):
    for count, dealt in zip(counts, apportion(counts, shares), strict=True):
        assert sum(dealt) == count
        assert all(floor(count * s) <= given <= ceil(count * s) for s, given in zip(shares, dealt, strict=True))


@given(st.integers(0, 10_000), shares)
def test_one_class_gets_the_largest_remainders(count, shares):
    [dealt] = apportion([count], shares)
    due = [count * s for s in shares]
    more = sorted(range(len(shares)), key=lambda part: floor(due[part]) - due[part])[: count - sum(map(floor, due))]
    assert dealt == [floor(one) + (part in more) for part, one in enumerate(due)]


@given(counts, st.integers(1, 9))
def test_two_parts_are_within_a_row_in_total(counts, first):
    dealt = apportion(counts, [Fraction(first, 10), Fraction(10 - first, 10)])
    assert abs(sum(one for one, _ in dealt) - Fraction(first * sum(counts), 10)) < 1


@given(counts, st.integers(2, 12))
def test_folds_differ_by_at_most_a_row_in_total(counts, folds):
    totals = [sum(part) for part in zip(*apportion(counts, [Fraction(1, folds)] * folds), strict=True)]
    assert max(totals) - min(totals) <= 1


def test_many_small_classes_do_not_all_favour_one_part():
    dealt = apportion([1] * 100, [Fraction(4, 5), Fraction(1, 5)])
    assert [sum(part) for part in zip(*dealt, strict=True)] == [80, 20]
