"""Each class ends with exactly the rows that the plan says."""

from __future__ import annotations

import pytest
from cases import BUILT_IN, CASES, crossed
from frames import LABELS, labelled, rows_by_label


def test_every_registered_sampler_has_a_case():
    assert {case.method for case in CASES} == set(BUILT_IN)


@pytest.mark.parametrize("label", LABELS)
@crossed(lambda case: case.exact and case.method in ("random_over", "random_under", "smote"), everywhere=())
def test_counts_are_exact_for_every_label_type(spark, case, label):
    df = labelled(spark, [230, 61], label)
    before = rows_by_label(df)
    assert sorted(before.values()) == [61, 230]
    assert rows_by_label(case().fit_resample(df)) == case.expected(before)


@crossed(lambda case: case.exact and case.own, everywhere=())
@pytest.mark.parametrize(
    ("before", "wish", "over", "under"),
    [
        ({"a": 300, "b": 120, "c": 50}, "auto", {"a": 300, "b": 300, "c": 300}, {"a": 50, "b": 50, "c": 50}),
        ({"a": 500, "b": 60}, 0.5, {"a": 500, "b": 250}, {"a": 120, "b": 60}),
        ({"a": 40, "b": 40}, "auto", {"a": 40, "b": 40}, {"a": 40, "b": 40}),
    ],
    ids=["auto", "ratio", "balanced"],
)
def test_a_plan_is_imbalanced_learns_arithmetic(spark, case, before, wish, over, under):
    plan = case(sampling_strategy=wish).plan(labelled(spark, [1, 1]), counts=before)
    assert plan.targets == (over if case.adds else under)


@crossed(lambda case: case.exact and case.own, everywhere=())
@pytest.mark.parametrize("label", ["decimal"])
def test_counts_are_exact_for_a_dict(spark, case, label):
    df = labelled(spark, [200, 100, 50], label)
    values = sorted(rows_by_label(df))
    wish = dict(zip(values[1:], [207, 50] if case.adds else [33, 1], strict=True))
    after = {values[0]: 200, **wish}
    if case.part:
        after = {values[1]: 107}
    assert rows_by_label(case(sampling_strategy=wish).fit_resample(df)) == after


@crossed(lambda case: case.exact and case.own, everywhere=())
def test_a_ratio_counts_as_in_imbalanced_learn(spark, case):
    df = labelled(spark, [500, 60], "boolean")
    after = {False: 500, True: 250} if case.adds else {False: 120, True: 60}
    if case.part:
        after = {True: 250 - 60}
    assert rows_by_label(case(sampling_strategy=0.5).fit_resample(df)) == after


@crossed(lambda case: case.cleans, everywhere=())
@pytest.mark.parametrize("label", ["boolean", "decimal"])
def test_only_the_classes_of_a_list_are_cleaned(spark, case, label):
    df = labelled(spark, [60, 60], label)
    first, second = sorted(rows_by_label(df))
    sampler = case(sampling_strategy=[second])
    after = rows_by_label(sampler.fit_resample(df))
    assert after[first] == 60
    assert after.get(second, 0) < 60
    assert [entry.action for entry in sampler.plan(df).classes] == ["keep", case.kind.action]


@pytest.mark.parametrize("label", ["float", "double"])
@crossed(lambda case: case.exact and case.method in ("random_over", "random_under", "smote"), everywhere=())
def test_negative_zero_is_the_class_zero(spark, case, label):
    from pyspark.sql import functions as F

    df = labelled(spark, [120, 40], "int")
    signed = F.when(F.col("id") % 2 == 0, F.lit(0.0)).otherwise(F.lit("-0.0").cast("double"))
    df = df.withColumn("label", F.when(F.col("label") == 0, signed).otherwise(F.lit(1.0)).cast(label))
    out = case().fit_resample(df).withColumn("label", (F.col("label") > 0.5).cast("int"))
    assert rows_by_label(out) == case.expected({0: 120, 1: 40})
