"""Counts that decay and the distance of shares, against sums over single batches, scipy and draws without a drift."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.special import rel_entr
from scipy.stats import entropy

from spark_balance.frames.decayed import Decayed
from spark_balance.frames.plan import ClassCounts
from spark_balance.kernels.drift import decay, drifted, share_ratios, shares_of, stability_index

ROWS = st.integers(0, 5_000)
BATCHES = st.lists(st.lists(ROWS, min_size=3, max_size=3), min_size=1, max_size=12)
COUNTS = st.lists(ROWS, min_size=2, max_size=6).filter(any)


@given(BATCHES, st.floats(1, 1e6))
def test_a_row_counts_half_after_as_many_newer_ones(batches, half_life):
    held, batches = np.zeros(3), np.array(batches)
    for rows in batches:
        held = decay(held, rows, half_life)
    newer = batches.sum() - batches.sum(axis=1).cumsum()
    wanted = (batches * 0.5 ** (newer / half_life)[:, None]).sum(axis=0)
    assert held == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def test_nothing_is_forgotten_without_rows_or_without_end():
    held, rows = np.array([7.25, 0.1]), np.array([30, 4])
    assert decay(held, rows * 0, 10.0).tolist() == held.tolist()
    assert decay(held, rows, np.inf).tolist() == [37.25, 4.1]
    assert decay(held, rows, 34.0).tolist() == [33.625, 4.05]


@given(COUNTS, st.randoms(use_true_random=False))
def test_the_stability_index_is_the_divergence_both_ways(before, random):
    now = [random.randrange(5_000) for _ in before]
    p, q = ((np.array(rows) + 0.5) / (sum(rows) + 0.5 * len(rows)) for rows in (before, now))
    found = stability_index(np.array(before), np.array(now))
    assert found == pytest.approx(entropy(p, q) + entropy(q, p), abs=1e-12)
    assert found == pytest.approx(stability_index(np.array(now), np.array(before)), abs=1e-12)
    assert shares_of(np.array(before)) == pytest.approx(p)
    assert share_ratios(np.array(before), np.array(now)) == pytest.approx(q / p)


def test_a_class_drifts_by_a_factor_and_beyond_chance():
    before = np.array([99_000.0, 1_000.0])
    for now, most, wanted in [
        ([9_700, 300], 2.0, [False, True]),  # three times as many frauds
        ([9_700, 300], 4.0, [False, False]),
        ([96, 4], 2.0, [False, False]),  # four times as many, of a hundred rows
        ([10_000, 0], 2.0, [False, True]),
        ([300, 0], 2.0, [False, False]),
        ([0, 0], 2.0, [False, False]),
        ([300, 9_700], 2.0, [True, True]),
    ]:
        assert drifted(before, np.array(now), most).tolist() == wanted, now


@given(COUNTS, st.randoms(use_true_random=False), st.floats(1.01, 4))
def test_drifts_are_beyond_the_bound_of_chernoff_and_hoeffding(before, random, most):
    now = [random.randrange(200) for _ in before]
    n, m = sum(now), sum(before)
    found = drifted(np.array(before), np.array(now), most)
    ratios = share_ratios(np.array(before), np.array(now))
    for share, rows, ratio, drifts in zip(shares_of(np.array(before)), now, ratios, found, strict=True):
        divergence = rel_entr(rows / n, share) + rel_entr(1 - rows / n, 1 - share) if n else 0.0
        bound = np.exp(-divergence * n * m / max(n + m, 1))
        assert drifts == (bound < 1e-6 and not 1 / most <= ratio <= most)


@pytest.mark.parametrize("rows", [20, 200, 20_000])
@pytest.mark.parametrize("share", [0.3, 0.01, 0.001])
def test_shares_that_do_not_drift_hardly_ever_seem_to(rows, share):
    before, draw = np.array([1 - share, share]) * 1e6, np.random.default_rng(0)
    alarms = [drifted(before, now, 2.0).any() for now in draw.multinomial(rows, [1 - share, share], 2_000)]
    assert sum(alarms) <= 2


def counts_of(groups, missing=None):
    return ClassCounts("y", groups, missing or {}, ("shop",))


def test_counts_follow_the_batches_group_by_group():
    first = Decayed.of({("a", 0): 8.0, ("a", 1): 2.0}, counts_of({("b",): {0: 3, 1: 1}}, {("b",): 2}), 4.0)
    assert dict(zip(first.keys, first.after, strict=True)) == {
        ("a", 0): 4.0,
        ("a", 1): 1.0,
        ("b", 0): 3.0,
        ("b", 1): 1.0,
    }
    assert first.counts == counts_of({("a",): {0: 4, 1: 1}, ("b",): {0: 3, 1: 1}}, {("b",): 2})
    assert first.by_label(first.before).tolist() == [8.0, 2.0]
    assert first.by_label(first.rows).tolist() == [3.0, 1.0]
    # ten half-lives later shop a is forgotten, and a class of shop b still counts as one row
    later = Decayed.of(dict(zip(first.keys, first.after, strict=True)), counts_of({("b",): {0: 40}}), 4.0)
    assert later.counts == counts_of({("b",): {0: 40, 1: 1}})
    assert later.drifted(2.0) == {}


def test_a_batch_without_rows_changes_nothing():
    held = {("a", 0): 8.5, ("a", 1): 2.0}
    same = Decayed.of(held, counts_of({}, {("a",): 3}), 4.0)
    assert dict(zip(same.keys, same.after, strict=True)) == held
    assert (same.stability_index, same.share_ratios, same.drifted(2.0)) == (None, None, {})
    assert same.counts == counts_of({("a",): {0: 8, 1: 2}}, {("a",): 3})


def test_the_class_that_drifts_is_named_with_its_shares():
    found = Decayed.of({(0,): 990.0, (1,): 10.0}, ClassCounts("y", {(): {0: 160, 1: 40}}, {}), 100.0).drifted(2.0)
    assert found == {1: (pytest.approx(10.5 / 1001), pytest.approx(40.5 / 201))}
