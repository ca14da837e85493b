"""Class weights: scikit-learn's, as a column."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tomli_w
from frames import LABELS, digest, labelled
from hypothesis import given, strategies as st
from pyspark.sql import functions as F
from sklearn.utils.class_weight import compute_class_weight

from spark_balance import ClassWeighter, RandomUnderSampler, SparkBalanceError
from spark_balance.ml.weights import balanced_weights


@given(st.lists(st.integers(1, 200), min_size=1, max_size=8))
def test_balanced_weights_are_those_of_scikit_learn(sizes):
    y = np.repeat(np.arange(len(sizes)), sizes)
    expected = compute_class_weight("balanced", classes=np.arange(len(sizes)), y=y)
    assert list(balanced_weights(dict(enumerate(sizes))).values()) == pytest.approx(expected, rel=1e-14)


def told(df, name="weight"):
    return {row[0]: row[1] for row in df.select("label", name).distinct().collect()}


@pytest.mark.every_engine
def test_every_row_gets_the_weight_of_its_class(spark):
    df = labelled(spark, [60, 30, 10])
    weighed = ClassWeighter(label_col="label").with_weights(df)
    assert weighed.columns == [*df.columns, "weight"]
    assert digest(weighed.drop("weight")) == digest(df)
    assert told(weighed) == {"class 0": 100 / 180, "class 1": 100 / 90, "class 2": 100 / 30}


@pytest.mark.parametrize("label", LABELS)
def test_labels_of_every_type_are_weighed(spark, label):
    df = labelled(spark, [60, 20], label)
    assert sorted(told(ClassWeighter(label_col="label").with_weights(df)).values()) == [80 / 120, 2.0]


@pytest.mark.every_engine
@pytest.mark.parametrize("kind", ["double", "float"])
def test_weights_are_multiplied_into_a_column_that_is_there(spark, kind):
    own = (1 + F.col("id") % 4) * 0.1
    df = labelled(spark, [60, 20]).select("label", own.cast(kind).alias("w", metadata={"unit": "1"}), "id")
    weighed = ClassWeighter(label_col="label", weight_col="w").with_weights(df)
    assert weighed.schema == df.schema
    assert weighed.schema["w"].metadata == {"unit": "1"}
    rows = weighed.join(df.withColumnRenamed("w", "own").drop("label"), "id").collect()
    y, own = np.array([row.label for row in rows]), np.array([row.own for row in rows])
    expected = compute_class_weight("balanced", classes=np.unique(y), y=y, sample_weight=own)
    factor = dict(zip(np.unique(y), expected, strict=True))
    assert [row.w for row in rows] == pytest.approx([row.own * factor[row.label] for row in rows], rel=1e-6)
    total = {label: sum(row.w for row in rows if row.label == label) for label in factor}
    assert total["class 0"] == pytest.approx(total["class 1"], rel=1e-6)


def test_weights_are_the_same_on_any_layout(spark):
    found = set()
    for partitions in (1, 3, 8):
        df = labelled(spark, [5_000, 700], partitions=partitions).withColumn("w", F.col("x") / 3.0 + 0.1)
        found.add(digest(ClassWeighter(label_col="label", weight_col="w").with_weights(df)))
    assert len(found) == 1


def test_a_dict_and_a_callable_give_weights(spark):
    df = labelled(spark, [60, 20])
    assert told(ClassWeighter(label_col="label", strategy={"class 1": 3}).with_weights(df)) == {
        "class 0": 1.0,
        "class 1": 3.0,
    }
    root = ClassWeighter(label_col="label", strategy=lambda rows: {k: math.sqrt(80 / n) for k, n in rows.items()})
    assert told(root.with_weights(df)) == {"class 0": math.sqrt(80 / 60), "class 1": 2.0}


def test_weights_may_be_numpys(spark):
    df = labelled(spark, [60, 20])
    root = ClassWeighter(label_col="label", strategy=lambda rows: {k: np.float32(2) for k in rows})
    assert root.weights(df) == {"class 0": 2.0, "class 1": 2.0}
    assert ClassWeighter(label_col="label", strategy={"class 1": np.int64(3)}).weights(df)["class 1"] == 3.0


def test_small_weights_are_summed_as_exactly_as_large_ones(spark):
    # weights that sum to 1 over a billion rows
    df = labelled(spark, [60, 20]).withColumn("w", F.when(F.col("label") == "class 1", 1.3e-9).otherwise(1e-9))
    found = ClassWeighter(label_col="label", weight_col="w").weights(df)
    assert found == pytest.approx({"class 0": 86 / 120, "class 1": 86 / 52}, rel=1e-9)


def test_the_plan_tells_the_weights(spark):
    plan = ClassWeighter(label_col="label").plan(labelled(spark, [60, 20]))
    assert [(entry.after, entry.weight) for entry in plan.classes] == [(60, 80 / 120), (20, 2.0)]
    assert plan.weighted_targets == {"class 0": pytest.approx(40), "class 1": pytest.approx(40)}


def test_given_counts_spare_the_job_and_are_checked(spark):
    df, weighter = labelled(spark, [60, 20]), ClassWeighter(label_col="label")
    known = {"class 0": 60, "class 1": 20}
    assert digest(weighter.with_weights(df, known)) == digest(weighter.with_weights(df))
    with pytest.raises(Exception, match="label has a row of class 'class 1', which is not in the counts given"):
        weighter.with_weights(df, {"class 0": 60}).collect()
    for wrong in ({"class 0": 60}, {**known, "class 2": 5}):
        with pytest.raises(
            SparkBalanceError, match="class 'class [12]' is in the data or in the counts given, but not"
        ):
            ClassWeighter(label_col="label", weight_col="x").with_weights(df, wrong)


def test_rows_without_a_label_are_refused_kept_as_they_are_or_dropped(spark):
    df = labelled(spark, [60, 20, 5], "double").withColumn("label", F.when(F.col("label") < 2, F.col("label")))
    with pytest.raises(SparkBalanceError, match="ClassWeighter: label column 'label' is NULL or NaN in 5 rows"):
        ClassWeighter(label_col="label").with_weights(df)
    kept = told(ClassWeighter(label_col="label", null_label="keep").with_weights(df))
    assert kept == {0.0: 80 / 120, 1.0: 2.0, None: 1.0}
    own = ClassWeighter(label_col="label", null_label="keep", weight_col="w").with_weights(
        df.withColumn("w", F.lit(0.5))
    )
    assert told(own, "w")[None] == 0.5
    assert ClassWeighter(label_col="label", null_label="drop").with_weights(df).count() == 80


def test_downsample_and_upweight_is_one_call(spark):
    df = labelled(spark, [300, 20])
    out = RandomUnderSampler(label_col="label", key_cols="id", weight_col="weight").fit_resample(df)
    totals = {row[0]: row[1] for row in out.groupBy("label").agg(F.sum("weight")).collect()}
    assert totals == {"class 0": 300.0, "class 1": 20.0}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"strategy": "balancd"}, "'balancd' is not 'balanced'.*did you mean 'balanced'"),
        ({"strategy": 3}, "strategy=3 is not 'balanced', a dict"),
        ({"strategy": {"class 0": -1}}, "gives class 'class 0' the weight -1; give a number >= 0"),
        ({"strategy": {"class 9": 1}}, "names class 'class 9', which is not in the data; the classes are 'class 0'"),
        ({"strategy": lambda rows: 3}, "callable returned 3; it must return a dict"),
        ({"weight_col": "label"}, "weight_col='label' is the label"),
        ({"weight_col": "n"}, "weight_col='n' is of type int; weights are double or float"),
        ({"weight_col": "X"}, "weight_col='X' is already a column"),
        ({"weight_col": "bad"}, "weight_col='bad' is NULL, NaN, negative or above 2\\^30 in 3 rows"),
        ({"weight_col": "zero"}, "the weights of class 'class 0' sum to 0"),
        ({"wait_col": "w"}, "unknown parameter 'wait_col'; did you mean 'weight_col'"),
        ({"label_col": "lable"}, "label_col names column 'lable'.*did you mean 'label'"),
    ],
)
def test_a_mistake_is_one_sentence(spark, given, sentence):
    bad = F.when(F.col("id") == 1, -1.0).when(F.col("id") == 2, float("nan")).when(F.col("id") > 3, 1.0)
    df = labelled(spark, [15, 5]).withColumns({"bad": bad, "zero": F.lit(0.0)}).where("id != 0")
    with pytest.raises(SparkBalanceError, match=sentence) as refused:
        ClassWeighter(**{"label_col": "label", **given}).with_weights(df)
    assert str(refused.value).startswith("ClassWeighter: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("strategy", ["balanced", {"a": 3.0, "b": 1.5}, {True: 2.0}])
def test_a_weighter_goes_to_toml_and_back(strategy):
    import tomli

    weighter = ClassWeighter(label_col="late", strategy=strategy, weight_col="w", null_label="keep")
    assert ClassWeighter.from_toml_dict(tomli.loads(tomli_w.dumps(weighter.to_toml_dict()))) == weighter
