"""What cannot work is refused in one sentence, before any long job."""

from __future__ import annotations

import pytest
from frames import FEATURES, labelled
from pyspark.sql import functions as F

from spark_balance import SMOTE, RandomOverSampler, RandomUnderSampler, SparkBalanceError


@pytest.mark.parametrize(
    ("sampler", "wish", "sentence"),
    [
        (RandomUnderSampler, 301, "wants 301 rows of class 'class 0', which has 300; .* ask for at most 300"),
        (RandomOverSampler, 299, "wants 299 rows of class 'class 0', which has 300; .* ask for at least 300"),
        (SMOTE, 299, "wants 299 rows of class 'class 0', which has 300; .* ask for at least 300"),
    ],
)
def test_targets_that_the_method_cannot_meet(spark, sampler, wish, sentence):
    with pytest.raises(SparkBalanceError, match=sentence):
        sampler(label_col="label", sampling_strategy={"class 0": wish}).fit_resample(labelled(spark, [300, 120]))


@pytest.mark.parametrize(
    ("features", "sentence"),
    [
        (["x", "z"], "feature_cols names column 'z', which the frame does not have"),
        (["x", "x"], "feature_cols names column 'x' twice"),
        ([], "feature_cols is empty"),
        (["x", "text"], "feature column 'text' is of type string; features are numeric columns"),
        (
            ["x", "seen"],
            r"feature column 'seen' is of type timestamp; .*derive a number from it first, .*hour\(`seen`\)",
        ),
        (["x", "words"], "feature column 'words' is of type array<string>"),
        (["x", "label"], "feature_cols names column 'label', .*the label, a key or a within column"),
        (["x", "id"], "feature_cols names column 'id', .*the label, a key or a within column"),
    ],
    ids=str,
)
def test_features_that_are_none(spark, features, sentence):
    extras = {"text": F.lit("a"), "seen": F.timestamp_seconds("id"), "words": F.array(F.lit("a"))}
    df = labelled(spark, [60, 20], "int").withColumns(extras)
    with pytest.raises(SparkBalanceError, match=sentence):
        SMOTE(label_col="label", key_cols="id", feature_cols=features, passthrough="base").fit_resample(df)


def test_a_frame_without_a_number_is_refused(spark):
    df = labelled(spark, [60, 20]).select("id", "label")
    with pytest.raises(SparkBalanceError, match="has no numeric column besides id, label"):
        SMOTE(label_col="label", key_cols="id").fit_resample(df)


@pytest.mark.engines("sail", "connect")
def test_features_that_are_no_numbers_are_counted(spark):
    df = labelled(spark, [300, 60]).withColumns(
        {
            "x": F.when((F.col("id") > 310) | (F.col("id") < 50), F.col("x")),
            "y": F.when(F.col("id") == 320, F.lit("NaN").cast("double")).otherwise(F.col("y")),
            "n": F.when(F.col("id") % 60 == 1, F.lit("-Infinity").cast("float")).otherwise(F.col("n").cast("float")),
        }
    )
    sentence = (
        r"SMOTE: NULL or NaN in rows that it looks at, in feature columns 'x' \(11 rows\), 'y' \(1 rows\) and infinite "
        r"values in feature columns 'n' \(1 rows\), where beyond 1e300 counts as infinite; "
        "set missing='ignore' or 'drop', fill them"
    )
    with pytest.raises(SparkBalanceError, match=sentence):
        SMOTE(label_col="label", feature_cols=FEATURES).fit_resample(df)
    # the majority is never looked at
    rest = df.where("id < 300 OR (id > 320 AND id % 60 != 1)")
    out = SMOTE(label_col="label", feature_cols=FEATURES).fit_resample(rest)
    assert out.count() == 600


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        ("if(id % 7 = 0, array(x), array(x, y))", "feature column 'v' holds arrays of 1 to 2 numbers"),
        ("array_remove(array(x), x)", "feature column 'v' holds arrays of 0 to 0 numbers"),
        ("if(id = 70, null, array(x))", r"feature columns 'v' \(1 rows\)"),
        ("if(id = 70, array(x, null), array(x, y))", r"feature columns 'v' \(1 rows\)"),
    ],
    ids=["ragged", "empty", "null", "holds null"],
)
def test_arrays_that_are_no_features(spark, array, sentence):
    df = labelled(spark, [60, 20]).withColumn("v", F.expr(array))
    with pytest.raises(SparkBalanceError, match=sentence):
        SMOTE(label_col="label", feature_cols="v").fit_resample(df)


@pytest.mark.parametrize("neighbors", ["cells", "partition"])
@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (
            5,
            "class 'class 1' has 5 rows, k_neighbors=5 needs at least 6; use k_neighbors<=4, k_neighbors='shrink' or "
            "RandomOverSampler",
        ),
        (
            1,
            "class 'class 1' has 1 row, k_neighbors=5 needs at least 6; use singletons='replicate' or 'leave', or "
            "RandomOverSampler",
        ),
    ],
)
def test_classes_too_small_for_k(spark, rows, sentence, neighbors):
    smote = SMOTE(label_col="label", feature_cols=FEATURES, neighbors=neighbors)
    with pytest.raises(SparkBalanceError, match=sentence):
        smote.fit_resample(labelled(spark, [60, rows]))
    if rows > 1:
        fitting = SMOTE(label_col="label", feature_cols=FEATURES, neighbors=neighbors, k_neighbors=4)
        assert fitting.fit_resample(labelled(spark, [60, rows])).count() == 120


def test_the_textbook_form_without_its_model_is_refused(spark, monkeypatch):
    monkeypatch.setattr("spark_balance.neighbors.join.find_spec", lambda name: None if name == "sklearn" else 1)
    df = labelled(spark, [60, 20])
    with pytest.raises(SparkBalanceError, match="needs scikit-learn, here and on the workers: pip install"):
        SMOTE(label_col="label", feature_cols=FEATURES, neighbors="partition").fit_resample(df)
    assert SMOTE(label_col="label", feature_cols=FEATURES).fit_resample(df).count() == 120


def test_a_class_too_small_in_one_group_is_named_with_it(spark):
    df = labelled(spark, [60, 20]).withColumn("day", (F.col("id") < 62).cast("int"))
    with pytest.raises(SparkBalanceError, match=r"class 'class 1' in \{'day': 1\} has 2 rows"):
        SMOTE(
            label_col="label", feature_cols=FEATURES, within_cols="day", sampling_strategy={"class 1": 70}
        ).fit_resample(df.where("id < 62 OR id > 70").unionAll(df.where("id < 62").withColumn("day", F.lit(0))))


def test_small_classes_that_do_not_grow_are_no_matter(spark):
    df = labelled(spark, [60, 20, 1])
    wish = {"class 1": 60}
    assert SMOTE(label_col="label", feature_cols=FEATURES, sampling_strategy=wish).fit_resample(df).count() == 121


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"passthrough": ["nothing"]}, "passthrough names column 'nothing', which the frame does not have"),
        ({"provenance_col": "X"}, "provenance_col='X' is already a column of the frame"),
    ],
    ids=str,
)
def test_smote_parameters_that_do_not_fit_the_frame(spark, parameters, sentence):
    with pytest.raises(SparkBalanceError, match=sentence):
        SMOTE(label_col="label", feature_cols=FEATURES, **parameters).fit_resample(labelled(spark, [60, 20]))
