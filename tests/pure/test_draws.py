"""Draws: Spark's bits in NumPy, streams that share nothing, bands that always hold the threshold."""

import itertools

import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.stats import poisson

from spark_balance.kernels.draws import band, poisson_rate, poisson_steps, quantile, stream, uniform, xxhash64

IDS = np.arange(20_000)
int64 = st.integers(-(2**63), 2**63 - 1)


def test_xxhash64_has_the_bits_of_spark():
    # F.xxhash64(F.lit(5).cast("bigint"), "id") over spark.range(4), on classic Spark and on Sail
    assert xxhash64(5, np.arange(4)).tolist() == [
        -8387534019531596278,
        -1506331844789302082,
        8861219939555908067,
        8857883350123394280,
    ]


@given(st.lists(st.tuples(int64, int64), min_size=1, max_size=5))
def test_a_row_has_one_hash_wherever_it_stands(rows):
    first, second = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    together = xxhash64(first, second)
    assert together.dtype == np.int64
    assert together.tolist() == [xxhash64([a], [b])[0] for a, b in rows]


def test_the_order_of_columns_counts():
    assert not np.intersect1d(xxhash64(1, IDS), xxhash64(IDS, 1)[2:]).size


@given(st.lists(int64, min_size=1, max_size=20))
def test_uniform_is_the_upper_53_bits(draws):
    drawn = uniform(np.array(draws, dtype=np.int64))
    assert drawn.tolist() == [((d % 2**64) >> 11) / 2**53 for d in draws]
    assert all(0 <= u < 1 for u in drawn)


def test_uniform_keeps_its_ends_apart_from_one():
    assert uniform(np.array([0, -1, -(2**63)])).tolist() == [0.0, 1 - 2.0**-53, 0.5]


def test_draws_are_even():
    counts = np.histogram(uniform(xxhash64(stream(7, "keep"), IDS)), 20, (0, 1))[0]
    expected = len(IDS) / 20
    # chi-squared with 19 degrees of freedom: above 60 once in 4 million
    assert ((counts - expected) ** 2 / expected).sum() < 60


def test_streams_differ_by_seed_and_by_what_is_drawn():
    numbers = [stream(seed, what) for seed in range(-50, 50) for what in ("keep", "gap", "rank")]
    assert len(set(numbers)) == 300
    assert stream(1, "1/keep") != stream(11, "/keep")
    assert all(-(2**63) <= number < 2**63 for number in numbers)


def test_a_stream_never_changes_between_releases():
    assert (stream(42, "keep"), stream(0, "gap")) == (1772984841241732194, -2379724803625319481)


@pytest.mark.parametrize("seed", [0, 1, 41, 42, 2**31 - 1])
def test_consecutive_seeds_share_no_draws(seed):
    one, other = (xxhash64(stream(s, "keep"), IDS) for s in (seed, seed + 1))
    assert not np.intersect1d(one, other).size
    for shift in range(-3, 4):
        # 20,000 pairs: five standard deviations
        assert abs(np.corrcoef(uniform(one), np.roll(uniform(other), shift))[0, 1]) < 5 / np.sqrt(len(IDS))


def test_draws_of_one_row_for_different_ends_are_independent():
    kinds = [uniform(xxhash64(stream(3, what), IDS)) for what in ("keep", "gap", "rank")]
    for one, other in itertools.combinations(kinds, 2):
        assert abs(np.corrcoef(one, other)[0, 1]) < 5 / np.sqrt(len(IDS))


@given(st.floats(0, 1))
def test_a_quantile_has_its_share_of_all_draws_below(share):
    assert -(2**63) <= int(quantile(share)) < 2**63
    assert abs((int(quantile(share)) + 2**63) - share * 2.0**64) <= 2**11


def test_quantile_ends():
    assert quantile([0, 0.25, 0.5, 1]).tolist() == [-(2**63), -(2**62), 0, 2**63 - 1]


@given(st.integers(1, 2000), st.data(), st.integers(0, 2**32))
def test_the_band_holds_the_nth_smallest_draw(rows, data, seed):
    wanted = data.draw(st.integers(1, rows))
    low, high = band(wanted, rows)
    assert low <= np.sort(xxhash64(seed, np.arange(rows)))[wanted - 1] <= high


@given(st.integers(1, 2000), st.data(), st.integers(0, 2**32))
def test_the_band_holds_it_when_the_number_of_draws_is_only_expected(rows, data, seed):
    wanted = data.draw(st.integers(1, rows))
    expected = poisson_rate(wanted, rows) * rows
    drawn = np.random.default_rng(seed).poisson(expected)
    assert drawn >= wanted
    low, high = band(wanted, expected, poisson=True)
    assert low <= np.sort(xxhash64(seed, np.arange(drawn)))[wanted - 1] <= high


@pytest.mark.parametrize("rows", [10_000, 1_600_000, 10**10])
@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_the_band_holds_few_others(rows, share):
    low, high = band(int(share * rows), rows)
    assert (high - low) / 2**64 * rows <= 16 * np.sqrt(rows * share * (1 - share)) + 82


@pytest.mark.parametrize("rate", [1e-9, 0.01, 0.5, 1.0, 3.7, 12.0, 61.0, 300.0])
def test_poisson_steps_are_the_distribution_function(rate):
    steps = poisson_steps(rate)
    np.testing.assert_allclose(steps, poisson.cdf(np.arange(len(steps)), rate), rtol=1e-12)
    # what is left out is never drawn: a uniform draw is at most 1 - 2^-53
    assert poisson.sf(len(steps), rate) < 1e-14
    assert max(steps) < 1 - 2.0**-53
    copies = np.searchsorted(steps, uniform(xxhash64(1, IDS)), side="right")
    assert copies.mean() == pytest.approx(rate, abs=6 * np.sqrt(rate / len(IDS)) + 1e-9)


def test_no_rate_gives_no_steps():
    assert poisson_steps(0.0) == []


@given(st.integers(1, 10**9), st.data())
def test_the_poisson_rate_is_sure_to_give_enough(rows, data):
    wanted = data.draw(st.integers(1, rows))
    assert poisson.cdf(wanted - 1, poisson_rate(wanted, rows) * rows) < 1e-20
