"""group_cols: the rows of one class and group stay together, and as many groups are taken as fit."""

from __future__ import annotations

from collections import Counter
from unittest import mock

import pyarrow as pa
import pytest
from frames import digest, hashed, labelled, rows_by_label
from hypothesis import HealthCheck, example, given, settings, strategies as st
from pyspark.sql import functions as F

from spark_balance import RandomOverSampler, RandomUnderSampler, SparkBalanceError
from spark_balance.base import OverSampler
from spark_balance.base.registry import SAMPLERS
from spark_balance.combine.smote_then_clean import SmoteThenClean
from spark_balance.errors import raise_engine_sentences
from spark_balance.frames import whole_groups
from spark_balance.frames.row_ids import HI, LO, identity
from spark_balance.kernels.draws import stream, xxhash64

BOTH = [RandomUnderSampler, RandomOverSampler]
WHAT = {RandomUnderSampler: "keep", RandomOverSampler: "replicate"}


def customers(spark, sizes, people=40):
    """Return rows of several classes of so many customers, some of whom have rows of all classes."""
    return labelled(spark, sizes).withColumn("who", F.pmod(hashed(99), F.lit(people)))


def rows_of(df):
    """Count the rows of each (label, customer)."""
    counted = df.groupBy("label", "who").count().collect()
    return Counter({(row[0], row[1]): row[2] for row in counted})


def drawn(df, sampler):
    """Return each customer's draw, by the identity that the engine computes and NumPy's hash."""
    named = df.select("who", *identity("test", df.schema, ("who",))).distinct().collect()
    seed = stream(sampler.random_state, WHAT[type(sampler)])
    return {row["who"]: int(xxhash64(seed, row[HI], row[LO])) for row in named}


def expected(df, sampler):
    """Go through the groups of each class one by one, in the order of their draws."""
    there, draws = rows_of(df), drawn(df, sampler)
    after = Counter()
    for entry in sampler.plan(df).classes:
        whole, room = divmod(entry.after, entry.before)
        groups = sorted((draws[who], rows, who) for (label, who), rows in there.items() if label == entry.label)
        for _, rows, who in groups:
            after[entry.label, who] = whole * rows
        for _, rows, who in [one for one in groups if one[1] <= room or not room]:
            if rows > room:
                break
            room -= rows
            after[entry.label, who] += rows
    return +after


# one bit of a draw makes two buckets, so that groups meet in one
@pytest.mark.parametrize("bits", [1, 16])
@pytest.mark.parametrize("kind", BOTH)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(groups=[[7], [1, 1, 1]], seed=0)  # a group that is larger than the room there is
@example(groups=[[4, 4, 4], [2, 2, 1]], seed=3)
@given(
    groups=st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(any), min_size=2, max_size=3),
    seed=st.integers(0, 2**40),
)
def test_the_groups_taken_are_those_of_a_brute_force(spark, kind, bits, groups, seed):
    rows = [(label, who) for label, sizes in enumerate(groups) for who, size in enumerate(sizes) for _ in range(size)]
    labels, people = zip(*rows, strict=True)
    columns = {"label": labels, "who": people, "id": range(len(rows))}
    df = spark.createDataFrame(pa.table({name: list(values) for name, values in columns.items()}))
    sampler = kind(label_col="label", group_cols="who", random_state=seed)
    with mock.patch.object(whole_groups, "BUCKET_BITS", bits):
        assert rows_of(sampler.fit_resample(df)) == expected(df, sampler)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (BOTH[0], None),
        (BOTH[0], "id"),
        (BOTH[1], None),
        pytest.param(BOTH[1], "id", marks=pytest.mark.engines("sail", "spark")),
    ],
)
def test_whole_groups_are_taken_and_no_more_rows_than_planned(spark, kind, key):
    df = customers(spark, [900, 200, 70])
    sampler = kind(label_col="label", group_cols="who", key_cols=key, random_state=4)
    plan, out = sampler.plan(df), sampler.fit_resample(df)
    assert plan.counts == "at_most"
    there, after = rows_of(df), rows_of(out)
    assert after == expected(df, sampler)
    for entry in plan.classes:
        sizes = [rows for (label, _), rows in there.items() if label == entry.label]
        assert 0 <= entry.after - rows_by_label(out)[entry.label] < max(sizes)
        times = {who: after[entry.label, who] / there[entry.label, who] for label, who in there if label == entry.label}
        assert max(times.values()) - min(times.values()) <= 1
        assert all(time == int(time) for time in times.values())
    # all rows of a group as often as each other
    each = out.groupBy("label", "who", "id").count().groupBy("label", "who").agg(F.countDistinct("count").alias("n"))
    assert each.where("n > 1").count() == 0
    for same in (df.coalesce(1), df.repartition(9, hashed(3))):
        assert digest(sampler.fit_resample(same)) == digest(out)


def test_a_key_chooses_no_other_groups(spark):
    df = customers(spark, [900, 200])
    one, other = (RandomUnderSampler(label_col="label", group_cols="who", key_cols=key) for key in (None, "id"))
    assert digest(one.fit_resample(df)) == digest(other.fit_resample(df))
    another = RandomUnderSampler(label_col="label", group_cols="who", random_state=1)
    assert digest(one.fit_resample(df)) != digest(another.fit_resample(df))


def test_a_group_of_several_classes_is_one_in_each(spark):
    df = customers(spark, [600, 60], people=20)
    out = rows_of(RandomUnderSampler(label_col="label", group_cols="who").fit_resample(df))
    there = rows_of(df)
    both = {who for label, who in there if label == "class 1"} & {who for label, who in there if label == "class 0"}
    assert len(both) > 10
    # the frauds of a customer who lost the good rows are all there
    lost = [who for who in both if not out["class 0", who]]
    assert lost
    assert all(out["class 1", who] == there["class 1", who] for who in both)


def test_who_is_kept_in_one_class_tends_to_be_kept_in_the_others(spark):
    df = labelled(spark, [400, 400, 100]).withColumn("who", F.col("id") % 400)
    out = rows_of(RandomUnderSampler(label_col="label", group_cols="who").fit_resample(df))
    kept = [{who for label, who in out if label == f"class {i}"} for i in (0, 1)]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 100


def test_groups_are_drawn_inside_each_within_group(spark):
    df = customers(spark, [600, 150]).withColumn("day", F.pmod(hashed(5), F.lit(2)))
    sampler = RandomUnderSampler(label_col="label", group_cols="who", within_cols="day")
    out = sampler.fit_resample(df)
    for entry in sampler.plan(df).classes:
        day = F.col("day") == entry.group[0]
        rows, kept = (rows_of(frame.where(day & (F.col("label") == entry.label))) for frame in (df, out))
        assert all(rows[one] == times for one, times in kept.items())
        assert entry.after - max(rows.values()) < sum(kept.values()) <= entry.after


def test_a_group_that_is_too_large_is_passed_over(spark):
    df = labelled(spark, [300, 100]).withColumn("who", F.when(F.col("id") < 150, 0).otherwise(F.col("id")))
    for seed in range(3):
        out = RandomUnderSampler(label_col="label", group_cols="who", random_state=seed).fit_resample(df)
        assert rows_by_label(out) == {"class 0": 100, "class 1": 100}
        assert out.where("who = 0").count() == 0


def test_rows_without_a_group_are_one_group_and_rows_without_a_label_stay(spark):
    df = labelled(spark, [90, 60, 30]).withColumn("who", F.when(F.col("id") >= 30, F.col("id")))
    df = df.withColumn("label", F.when(F.col("label") != "class 2", F.col("label")))
    sampler = RandomUnderSampler(label_col="label", group_cols="who", null_label="keep")
    out = sampler.fit_resample(df)
    assert rows_by_label(out)[None] == 30
    assert out.where("who is null").count() in (0, 30)
    over = RandomOverSampler(label_col="label", group_cols="who", null_label="keep").fit_resample(df)
    assert rows_by_label(over) == {"class 0": 90, "class 1": 90, None: 30}


@pytest.mark.parametrize("kind", BOTH)
def test_each_group_has_its_own_probability_where_counts_are_not_exact(spark, kind):
    df = customers(spark, [9_000, 4_000], people=3_000)
    sampler = kind(label_col="label", group_cols="who", exact=False)
    assert sampler.plan(df).counts == "approximate"
    there, after = rows_of(df), rows_of(sampler.fit_resample(df))
    assert {after[one] / rows for one, rows in there.items()} <= {0, 1, 2, 3}
    for entry in sampler.plan(df).classes:
        squares = sum(rows**2 for (label, _), rows in there.items() if label == entry.label)
        got = sum(rows for (label, _), rows in after.items() if label == entry.label)
        share = entry.after / entry.before % 1
        assert abs(got - entry.after) <= 6 * (squares * share * (1 - share)) ** 0.5
        assert got != entry.after or entry.action == "keep"


def test_weights_undo_the_probability_of_a_group(spark):
    df = customers(spark, [900, 300])
    out = RandomUnderSampler(label_col="label", group_cols="who", exact=False, weight_col="w").fit_resample(df)
    assert {(row.label, row.w) for row in out.select("label", "w").distinct().collect()} == {
        ("class 0", 3.0),
        ("class 1", 1.0),
    }


def test_added_rows_tell_their_own_base_and_not_their_group(spark):
    df = customers(spark, [90, 30])
    told = {"label_col": "label", "provenance_col": "p", "output": "added"}
    bases = []
    for grouped in ({"group_cols": "who"}, {}):
        out = RandomOverSampler(**told, **grouped).fit_resample(df)
        bases.append({row.id: row.base for row in out.select("id", "p.base").collect()})
    assert len(bases[0]) == len(bases[1]) == 30
    assert bases[0] == bases[1]


def test_counts_that_are_wrong_stop_the_job(spark):
    df = customers(spark, [300, 100])
    sampler = RandomUnderSampler(label_col="label", group_cols="who")
    out = sampler.fit_resample(df, counts={"class 0": 290, "class 1": 100})
    with pytest.raises(SparkBalanceError, match="the given counts differ from the rows"), raise_engine_sentences():
        out.toArrow()


@pytest.mark.parametrize(
    ("kind", "parameters", "sentence"),
    [
        (RandomUnderSampler, {"replacement": True}, "replacement=True draws single rows, and group_cols"),
        (RandomUnderSampler, {"weight_col": "w"}, "weight_col='w' undoes the share that is kept, .* set exact=False"),
        (RandomOverSampler, {"shrinkage": 0.5}, "shrinkage makes new rows of single ones, and group_cols repeats"),
    ],
)
def test_what_groups_cannot_go_with_is_refused(kind, parameters, sentence):
    with pytest.raises(SparkBalanceError, match=f"{kind.__name__}: {sentence}"):
        kind(label_col="label", group_cols="who", **parameters)


@pytest.mark.parametrize("kind", BOTH)
def test_columns_that_tell_no_groups_are_refused(spark, kind):
    df = labelled(spark, [9, 3]).withColumn("props", F.create_map(F.lit("a"), F.col("id")))
    with pytest.raises(SparkBalanceError, match="group_cols names column 'customer', which the frame does not have"):
        kind(label_col="label", group_cols="customer").plan(df)
    with pytest.raises(SparkBalanceError, match="group_cols names the label column 'label', .*; leave it out$"):
        kind(label_col="label", group_cols=["id", "label"]).plan(df)
    sentence = "column 'props' of type map<string,bigint>; Spark cannot group by maps and variants, so name others$"
    with pytest.raises(SparkBalanceError, match=f"group_cols names {sentence}"):
        kind(label_col="label", group_cols=["id", "props"]).plan(df)


@pytest.mark.parametrize("name", [name for name, kind in SAMPLERS.items() if kind not in BOTH])
def test_methods_that_do_not_keep_groups_together_say_so(name):
    kind = SAMPLERS[name]
    why = "this method decides about single rows; RandomUnderSampler"
    if issubclass(kind, OverSampler | SmoteThenClean):
        why = r"a row between two groups would belong to neither; RandomOverSampler\(group_cols=...\) repeats"
    elif name == "chain":
        why = "it belongs to a step"
    given = {"steps": [{"smote": {}}]} if name == "chain" else {}
    given |= {"label_col": "label"} if "label_col" in kind.model_fields else {"target_col": "cost"}
    with pytest.raises(SparkBalanceError, match=f"{kind.__name__}: unknown parameter 'group_cols', since {why}"):
        kind(group_cols="who", **given)
