"""With within_cols each group is balanced by itself, and neighbors never cross."""

from __future__ import annotations

from functools import reduce

import pytest
from cases import crossed
from frames import FEATURES, digest, labelled, number
from pyspark.sql import DataFrame, functions as F

from spark_balance import SMOTE, BorderlineSMOTE, RandomUnderSampler, SparkBalanceError, TomekLinks, class_counts


def _grouped(spark):
    """Return three classes in four groups, the last one NULL."""
    group = number(31, 4)
    day = F.when(group < 3, F.concat(F.lit("day "), group.cast("string")))
    return labelled(spark, [900, 300, 120]).withColumn("day", day)


def _groups(df):
    found = df.groupBy("day", "label").agg(F.count(F.lit(1))).collect()
    groups = {}
    for day, label, rows in found:
        groups.setdefault(str(day), {})[label] = rows
    return groups


@crossed(lambda case: case.exact and case.own, everywhere=())
def test_each_group_is_balanced(spark, case):
    df = _grouped(spark)
    before = _groups(df)
    assert len(before) == 4
    assert len({classes["class 0"] for classes in before.values()}) > 1
    wanted = {day: case.expected(classes) for day, classes in before.items()}
    out = case(within_cols="day").fit_resample(df)
    assert _groups(out) == {day: classes for day, classes in wanted.items() if classes}


TIMES = {
    "timestamp": "timestamp_seconds(1700000000 + 3600 * (id % 2))",
    "timestamp_ntz": "cast(timestamp_seconds(1700000000 + 3600 * (id % 2)) as timestamp_ntz)",
    "binary": "cast(cast(id % 2 as string) as binary)",
}


@pytest.mark.engines("sail", "connect")
@pytest.mark.parametrize("kind", TIMES)
def test_a_group_is_a_time_too(spark, kind):
    df = labelled(spark, [60, 20]).withColumn("day", F.expr(TIMES[kind]))
    links = TomekLinks(
        label_col="label", key_cols="id", within_cols="day", feature_cols=FEATURES, output="removed_keys"
    ).fit_resample(df)
    assert links.schema["day"].dataType == df.schema["day"].dataType
    # the group of a removed row is that of its key
    assert links.join(df, ["id", "day"]).count() == links.count() > 0


@pytest.mark.parametrize(
    ("value", "kind"), [("named_struct('a', id)", "struct<a:bigint>"), ("map('a', id)", "map<string,bigint>")]
)
def test_what_holds_several_values_is_no_group(spark, value, kind):
    df = labelled(spark, [60, 20]).withColumn("day", F.expr(value))
    with pytest.raises(
        SparkBalanceError, match=f"RandomUnderSampler: within_cols names column 'day' of type {kind}; a group"
    ):
        RandomUnderSampler(label_col="label", within_cols="day").fit_resample(df)


def test_counts_within_one_column_take_its_name(spark):
    df = _grouped(spark)
    counts = class_counts(df, "label", within_cols="day")
    assert counts == class_counts(df, "label", ["day"])
    assert counts.within_cols == ("day",)


@crossed(lambda case: case.exact and case.own and case.label == "keyed", everywhere=())
def test_a_group_that_meets_the_ratio_stays_as_it_is(spark, case):
    df = labelled(spark, [100, 20, 30, 25]).withColumn("day", (F.col("id") >= 120).cast("int"))
    df = df.withColumn("label", F.col("label").isin("class 1", "class 3"))
    out = case(within_cols="day", sampling_strategy=0.5).fit_resample(df)
    first = {False: 100, True: 50} if case.adds else {False: 40, True: 20}
    assert _groups(out) == {"0": first, "1": {False: 30, True: 25}}


@pytest.mark.parametrize("neighbors", [pytest.param("cells", marks=pytest.mark.every_engine), "partition"])
def test_neighbors_never_cross(spark, neighbors):
    df = _grouped(spark)
    smote = SMOTE(
        label_col="label",
        within_cols="day",
        key_cols="id",
        feature_cols=FEATURES,
        neighbors=neighbors,
        cell_rows=40,
        provenance_col="p",
        output="added",
    )
    out = smote.fit_resample(df).select("day", "label", "p.base.id", F.col("p.neighbor.id").alias("near")).collect()
    home = {row.id: (row.day, row.label) for row in df.select("id", "day", "label").collect()}
    assert len(out) > 1_000
    assert {day for day, *_ in out} == {"day 0", "day 1", "day 2", None}
    assert all(home[row.id] == home[row.near] == (row.day, row.label) for row in out)


@crossed(lambda case: case.exact and case.own and not case.part and case.label == "keyed", everywhere=())
def test_given_counts_name_the_group_and_the_label(spark, case):
    df = _grouped(spark)
    known = class_counts(df, "label", ["day"])
    flat = {(*group, label): rows for group, classes in known.groups.items() for label, rows in classes.items()}
    sampler = case(within_cols="day")
    counted = digest(sampler.fit_resample(df))
    assert digest(sampler.fit_resample(df, counts=flat)) == counted
    assert digest(sampler.fit_resample(df, counts=known)) == counted


def test_two_within_columns(spark):
    df = _grouped(spark).withColumn("odd", F.col("id") % 2)
    out = RandomUnderSampler(label_col="label", within_cols=["day", "odd"]).fit_resample(df)
    sizes = out.groupBy("day", "odd", "label").count().groupBy("day", "odd").agg(F.countDistinct("count")).collect()
    assert len(sizes) == 8
    assert all(row[2] == 1 for row in sizes)


@pytest.mark.parametrize(
    "sampler",
    [
        SMOTE(label_col="label", key_cols="id", feature_cols=FEATURES, provenance_col="p"),
        TomekLinks(label_col="label", key_cols="id", feature_cols=FEATURES),
        BorderlineSMOTE(label_col="label", key_cols="id", feature_cols=FEATURES, kind="borderline-2"),
    ],
    ids=lambda sampler: sampler.name,
)
def test_small_groups_that_share_a_call_are_searched_as_each_alone(spark, sampler):
    """Of equal scale, so that a group by itself has the same distances."""
    df = labelled(spark, [720, 360]).withColumn("day", F.col("id") % 12)
    sampler = sampler.replace(scale=False, within_cols=("day",))
    together = sampler.fit_resample(df)
    parts = [sampler.fit_resample(df.where(F.col("day") == day)) for day in range(12)]
    assert digest(together) == digest(reduce(DataFrame.unionAll, parts))
