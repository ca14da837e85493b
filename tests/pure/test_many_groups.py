"""What the driver does for a class, where a group of classes is one of a hundred thousand: a few calls, no more."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from pyspark.sql import types as T

from spark_balance import RandomOverSampler, RandomUnderSampler
from spark_balance.base.node import Classes
from spark_balance.frames.classes import Strata
from spark_balance.frames.copies import share_numbers, shares_of
from spark_balance.frames.plan import ClassCounts
from spark_balance.kernels.draws import band

SCHEMA = T.StructType([T.StructField("group", T.LongType()), T.StructField("label", T.IntegerType())])
HERE = SimpleNamespace(sparkSession=SimpleNamespace(createDataFrame=lambda table, _: table))


def _planned(sampler, groups):
    """Do on the driver all that comes after the count, for groups of two classes."""
    counted = {(group,): {label: 6 + 7 * label + group % 5 for label in (0, 1)} for group in range(groups)}
    plan = sampler.make_plan(ClassCounts("label", counted, {}, ("group",)))
    sampler.check_plan(plan)
    strata = Strata.of(plan, SCHEMA, complete=True)
    assert Classes(strata, sampler.action).changing.entries
    shares = shares_of(strata, "after")
    band(shares.extra, shares.rows)
    return strata.table(HERE, share_numbers(shares), "is_")


def _calls(work, *given):
    """Count the calls of functions while some work is done."""
    calls = 0

    def count(_frame, event, _of):
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work(*given)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("kind", [RandomOverSampler, RandomUnderSampler])
def test_a_class_takes_the_driver_few_calls(kind):
    sampler = kind(label_col="label", within_cols="group")
    assert _planned(sampler, 7).num_rows == 14
    one, many = (_calls(_planned, sampler, groups) for groups in (1, 1_001))
    assert (many - one) / 2_000 <= 19


def test_many_sets_of_labels_are_written_by_a_few_calls_each():
    def written(sets):
        counts = ClassCounts("labels", {(): {(f"label {i:06}",): i + 1 for i in range(sets)}}, {})
        return counts.to_dict()

    few, many = _calls(written, 500), _calls(written, 2_000)
    assert many <= 4.5 * few
