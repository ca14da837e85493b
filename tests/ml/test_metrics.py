"""Scores of a frame, on the engine, against scikit-learn and imbalanced-learn on the same predictions."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from frames import labelled, rows_by_label
from imblearn.metrics import geometric_mean_score
from pyspark.sql import functions as F
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from spark_balance import (
    RandomOverSampler,
    SparkBalanceError,
    calibration,
    class_counts,
    confusion_matrix,
    evaluate,
    ranking,
)
from spark_balance.errors import ResampledWarning

ROWS = 4_000


@pytest.fixture(scope="module")
def binary():
    """Return 4,000 scored rows, 1 in 20 positive, many scores tied."""
    rng = np.random.default_rng(11)
    y = (rng.random(ROWS) < 0.05).astype(int)
    p = np.clip(rng.beta(1, 9, ROWS) + 0.25 * y * rng.random(ROWS), 0, 1)
    p = np.where(rng.random(ROWS) < 0.3, np.round(p, 2), p)
    return pd.DataFrame({"y": y, "p": p, "prediction": (p > 0.2) * 1.0, "w": rng.integers(1, 9, ROWS) / 4})


@pytest.fixture(scope="module")
def many():
    """Return 4,000 rows of four classes of 70, 20, 8 and 2 %, with an array of probabilities."""
    rng = np.random.default_rng(12)
    y = rng.choice(4, ROWS, p=[0.7, 0.2, 0.08, 0.02])
    p = rng.dirichlet([4, 2, 1, 1], ROWS) + 0.4 * np.eye(4)[y] * rng.random((ROWS, 1))
    p /= p.sum(axis=1, keepdims=True)
    said = np.array(list("abcd"))[p.argmax(axis=1)]
    return pd.DataFrame({"y": np.array(list("abcd"))[y], "p": p.tolist(), "prediction": said})


def frame(spark, table, partitions=3):
    return spark.createDataFrame(table).repartition(partitions)


def same(ours, theirs):
    return ours == pytest.approx(theirs, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("weight", [None, pytest.param("w", marks=pytest.mark.every_engine)], ids=["rows", "weighted"])
def test_two_classes_are_scored_as_scikit_learn_does(spark, binary, weight):
    y, p, said = (binary[name].to_numpy() for name in ("y", "p", "prediction"))
    weights = None if weight is None else binary[weight].to_numpy()
    found = evaluate(frame(spark, binary), "y", probability_col="p", weight_col=weight, beta=2.0, calibration_bins=10)
    assert same(np.array(found.confusion.counts), sk.confusion_matrix(y, said, sample_weight=weights))
    assert same(found.by_class()[1]["f2"], sk.fbeta_score(y, said, beta=2, sample_weight=weights))
    assert list(found.ranking) == [1]
    assert same(found.ranking[1].roc_auc, sk.roc_auc_score(y, p, sample_weight=weights))
    assert same(found.ranking[1].pr_auc, sk.average_precision_score(y, p, sample_weight=weights))
    assert (found.ranking[1].roc_auc_error, found.ranking[1].pr_auc_error) == (0, 0)
    assert same(found.calibration.brier_score, sk.brier_score_loss(y, p, sample_weight=weights))
    place = np.clip(np.ceil(p * 10) - 1, 0, 9)
    w = np.ones(ROWS) if weights is None else weights
    gaps = [abs((w * (p - y))[place == b].sum()) for b in range(10)]
    assert same(found.calibration.expected_calibration_error, sum(gaps) / w.sum())
    assert same(found.overall()["geometric_mean"], geometric_mean_score(y, said, sample_weight=weights))


def test_the_calibration_error_has_the_bins_of_scikit_learns_curve(spark, binary):
    y, p = binary.y.to_numpy(), binary.p.to_numpy()
    share, mean = calibration_curve(y, p, n_bins=10)
    rows = np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], p), minlength=10)
    expected = (np.abs(share - mean) * rows[rows > 0]).sum() / ROWS
    assert same(calibration(frame(spark, binary), "y", "p", bins=10).expected_calibration_error, expected)


def test_a_probability_on_an_edge_belongs_to_the_lower_bin(spark):
    df = spark.createDataFrame([(0, 0.5), (1, 0.6), (0, 0.0), (1, 1.0)], "y int, p double")
    assert same(calibration(df, "y", "p", bins=2).expected_calibration_error, (0.5 + 0.4) / 4)


def test_many_classes_are_scored_one_against_the_others(spark, many):
    y, p = many.y.to_numpy(), np.array(many.p.tolist())
    found = evaluate(frame(spark, many), "y", probability_col="p", labels=list("abcd"))
    for i, label in enumerate("abcd"):
        assert same(found.ranking[label].roc_auc, sk.roc_auc_score(y == label, p[:, i]))
        assert same(found.ranking[label].pr_auc, sk.average_precision_score(y == label, p[:, i]))
    assert same(found.calibration.brier_score, sk.brier_score_loss(y, p, labels=list("abcd")))
    right, top = y == many.prediction.to_numpy(), p.max(axis=1)
    place = np.ceil(top * 15) - 1
    gaps = [abs((top - right)[place == b].sum()) for b in range(15)]
    assert same(found.calibration.expected_calibration_error, sum(gaps) / ROWS)
    assert "class" in str(found)
    assert json.loads(json.dumps(found.to_dict()))["ranking"][3]["label"] == "d"


@pytest.mark.parametrize("bins", [50, 1_000])
def test_binned_areas_are_within_the_error_that_they_state(spark, binary, bins):
    y, p = binary.y.to_numpy(), binary.p.to_numpy()
    found = ranking(frame(spark, binary), "y", "p", bins=bins)
    assert abs(found.roc_auc - sk.roc_auc_score(y, p)) <= found.roc_auc_error + 1e-12
    assert abs(found.pr_auc - sk.average_precision_score(y, p)) <= found.pr_auc_error + 1e-12
    assert 0 < found.roc_auc_error < 3 / bins
    assert 0 < found.pr_auc_error < 20 / bins


def test_more_scores_than_the_sample_are_ranked_exactly(spark):
    rng = np.random.default_rng(4)
    y = rng.random(30_000) < 0.03
    # margins, not probabilities, most of them crowded into a narrow range
    margin = rng.normal(0, 1, 30_000) ** 9 + y * 0.01
    df = frame(spark, pd.DataFrame({"y": y, "p": margin}))
    found = ranking(df, "y", "p", positive=True)
    assert same(found.roc_auc, sk.roc_auc_score(y, margin))
    assert same(found.pr_auc, sk.average_precision_score(y, margin))
    assert (found.positives, found.negatives) == (y.sum(), (~y).sum())


def test_scores_of_one_side_are_nan(spark, binary):
    found = ranking(frame(spark, binary[binary.y == 0]), "y", "p")
    assert np.isnan([found.roc_auc, found.pr_auc]).all()
    found = ranking(frame(spark, binary[binary.y == 0]), "y", "p", bins=10)
    assert np.isnan([found.roc_auc, found.pr_auc]).all()


def test_labels_and_predictions_of_other_types_are_one_class(spark):
    df = spark.createDataFrame([(True, 1.0), (False, 0.0), (False, 1.0)], "y boolean, prediction double")
    assert confusion_matrix(df, "y").counts == ((1.0, 1.0), (0.0, 1.0))
    assert ranking(df, "y", "prediction").roc_auc == 0.75


@pytest.mark.parametrize(("label", "prediction"), [("decimal(3,1)", "double"), ("double", "decimal(5,2)")])
def test_a_decimal_and_a_double_of_one_value_are_one_class(spark, label, prediction):
    df = spark.createDataFrame([("0.1", "0.1"), ("0.1", "0.3"), ("0.3", "0.3")], "y string, prediction string")
    found = confusion_matrix(df.select(F.col("y").cast(label), F.col("prediction").cast(prediction)), "y")
    assert list(map(float, found.labels)) == [0.1, 0.3]
    assert type(found.labels[0]) is type(found.labels[1]) is (float if label == "double" else Decimal)
    assert found.counts == ((1, 1), (0, 1))


def test_minus_zero_ranks_as_zero(spark):
    df = spark.createDataFrame([(1, -0.0), (0, 0.0)], "y int, p double")
    assert ranking(df, "y", "p").roc_auc == 0.5


@pytest.mark.parametrize("kind", ["date", "decimal"])
def test_labels_that_are_no_numbers_from_0_on_are_scored_by_their_names(spark, kind):
    df = labelled(spark, [40, 10], kind).withColumn("p", F.col("x") / 8).withColumn("prediction", F.col("label"))
    names = sorted(rows_by_label(df))
    found = evaluate(df, "label", probability_col="p", labels=names)
    assert found.confusion.labels == tuple(names)
    assert found.confusion.accuracy == 1
    # both at once: two queries need not return rows in one order
    scored = df.select((F.col("label") == F.lit(names[1])).alias("y"), "p").toPandas()
    assert same(found.ranking[names[1]].roc_auc, sk.roc_auc_score(scored.y, scored.p))


@pytest.mark.filterwarnings("error")
def test_no_row_has_no_score_and_json_can_carry_that(spark):
    df = spark.createDataFrame([], "y int, prediction double, p double")
    found = evaluate(df, "y", probability_col="p", before={0: 9, 1: 1})
    assert np.isnan([found.confusion.accuracy, found.ranking[1].pr_auc, found.calibration.brier_score]).all()
    json.dumps(found.to_dict(), allow_nan=False)
    assert "accuracy nan" in str(found)


def test_weights_of_zero_leave_rows_out(spark, binary):
    out = binary.assign(w=(np.arange(ROWS) % 3 > 0) * 1.0)
    kept = out[out.w > 0]
    found = evaluate(frame(spark, out), "y", probability_col="p", weight_col="w")
    assert same(found.ranking[1].pr_auc, sk.average_precision_score(kept.y, kept.p))
    assert same(found.calibration.brier_score, sk.brier_score_loss(kept.y, kept.p))
    assert same(found.confusion.matthews_corrcoef, sk.matthews_corrcoef(kept.y, kept.prediction))
    nothing = evaluate(frame(spark, out.assign(w=0.0)), "y", probability_col="p", weight_col="w")
    assert np.isnan([nothing.confusion.accuracy, nothing.ranking[1].roc_auc, nothing.calibration.brier_score]).all()


@pytest.mark.engines("spark", "connect")
def test_vectors_are_scored(spark, many):
    from pyspark.ml.functions import array_to_vector

    df = frame(spark, many).withColumn("p", array_to_vector("p")).withColumn("y", F.ascii("y") - 97)
    y, p = many.y.to_numpy(), np.array(many.p.tolist())
    assert same(ranking(df, "y", "p", positive=3).pr_auc, sk.average_precision_score(y == "d", p[:, 3]))
    assert same(calibration(df, "y", "p").brier_score, sk.brier_score_loss(y, p, labels=list("abcd")))


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda df: evaluate(df, "y", "no"), "evaluate: prediction_col names column 'no'"),
        (lambda df: evaluate(df, "y", weight_col="s"), "weight_col 's' is of type string"),
        (lambda df: evaluate(df, "s"), "classes of type int and str|classes of type float and str"),
        (lambda df: evaluate(df, "y", "none"), "evaluate: column 'none' is NULL or NaN in 2 rows"),
        (lambda df: evaluate(df, "y", probability_col="s"), "probability_col 's' is of type string"),
        (lambda df: ranking(df, "s", "p"), "label column 's' is a string and the order .* give labels"),
        (lambda df: ranking(df, "day", "p"), "label column 'day' is a date and the order .* give labels"),
        (lambda df: evaluate(df, "day"), "classes of type date and float"),
        (lambda df: ranking(df, "y", "p", labels=["0", "1"]), r"'y' is a int, and labels=\['0', '1'\] are not values"),
        (lambda df: ranking(df, "y", "p", labels=[1, 1]), r"labels=\[1, 1\] is refused; name two or more"),
        (lambda df: ranking(df, "y", "p", positive=7), "positive=7 is not one of the classes 0, 1"),
        (lambda df: ranking(df, "y", "p", bins=1), "bins=1 is refused"),
        (lambda df: calibration(df, "y", "p", bins=0), "bins=0 is refused"),
        (lambda df: evaluate(df, "y", beta=-1), "beta=-1 is refused"),
        (lambda df: evaluate(df, "y", before=3), "before=3 is refused"),
        (
            lambda df: evaluate(df, "y", labels=[0, 1]),
            r"labels=\[0, 1\] order the probabilities, and probability_col is",
        ),
        (
            lambda df: ranking(df, "y", "p", labels=[[0], [1]]),
            r"labels\[0\]=\[0\] is refused: input should be hashable",
        ),
        (lambda df: ranking(df, "y", "p", positive=[1]), r"positive=\[1\] is refused: input should be hashable"),
    ],
)
def test_a_mistake_is_one_sentence(spark, call, sentence):
    df = spark.createDataFrame(
        [(0, 0.0, 0.2, None, "a"), (1, 1.0, 0.7, None, "b")],
        "y int, prediction double, p double, none double, s string",
    ).withColumn("day", F.date_add(F.lit("2024-01-01").cast("date"), F.col("y")))
    with pytest.raises(SparkBalanceError, match=sentence) as refused:
        call(df)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("y", "p", "w", "sentence"),
    [
        (5, 0.5, 1.0, "'y' has a row that is NULL, NaN or none of the 2 classes"),
        (None, 0.5, 1.0, "'y' has a row that is NULL"),
        (1, None, 1.0, "'p' is NULL or NaN in a row"),
        (1, float("nan"), 1.0, "'p' is NULL or NaN in a row"),
        (1, 0.5, -1.0, "'w' is NULL, NaN, infinite or negative in a row"),
    ],
)
@pytest.mark.parametrize("score", [ranking, calibration])
def test_a_bad_row_stops_the_job_with_a_sentence(spark, score, y, p, w, sentence):
    df = spark.createDataFrame([(0, 0.5, 1.0), (y, p, w)], "y int, p double, w double")
    with pytest.raises(SparkBalanceError, match=sentence):
        score(df, "y", "p", weight_col="w")


@pytest.mark.parametrize("p", [1.7, -0.2, float("inf")])
def test_what_is_no_probability_has_a_rank_and_no_calibration(spark, p):
    df = spark.createDataFrame([(0, 0.5), (1, p)], "y int, p double")
    assert ranking(df, "y", "p").roc_auc == float(p > 0.5)
    with pytest.raises(SparkBalanceError, match="calibration: probability_col 'p' is not from 0 to 1 in a row"):
        calibration(df, "y", "p")


def resampled(spark, sizes):
    return labelled(spark, sizes, "int").withColumn("prediction", F.col("label"))


def test_scored_data_that_looks_resampled_is_warned_of(spark):
    with pytest.warns(ResampledWarning, match="every class of the scored data has exactly 60 rows"):
        confusion_matrix(resampled(spark, [60, 60]), "label")
    natural = class_counts(labelled(spark, [900, 100], "int"), "label")
    with pytest.warns(ResampledWarning, match=r"class 1 is 33.33% of the scored data and 10.00% of the original data"):
        confusion_matrix(resampled(spark, [200, 100]), "label", before=natural)
    scored = resampled(spark, [60, 60]).withColumn("p", F.col("x") / 8)
    for score in (ranking, calibration):
        with pytest.warns(ResampledWarning, match=f"{score.__name__}: every class .* exactly 60 rows"):
            score(scored, "label", "p")
        with pytest.warns(
            ResampledWarning, match=f"{score.__name__}: class 1 is 33.33% .* 10.00% of the original data"
        ):
            score(resampled(spark, [200, 100]).withColumn("p", F.col("x") / 8), "label", "p", before=natural)


@pytest.mark.parametrize(
    ("sizes", "before"),
    [
        ([61, 60], None),  # not equal
        ([20, 20], None),  # too few to tell
        ([60, 60], {0: 1, 1: 1}),  # as in the data as it is
        ([95, 5], {0: 0.9, 1: 0.1}),  # within a factor of two
        ([8, 3], {0: 0.9, 1: 0.1}),  # within chance
    ],
)
def test_no_warning_without_a_reason(spark, sizes, before):
    confusion_matrix(resampled(spark, sizes), "label", before=before)


def test_rows_that_resampling_added_are_refused(spark):
    df = labelled(spark, [60, 20], "int")
    more = RandomOverSampler(label_col="label", key_cols="id", provenance_col="origin").fit_resample(df)
    more = more.withColumn("prediction", F.col("label")).withColumn("p", F.lit(0.5))
    for call in (evaluate, confusion_matrix):
        with pytest.raises(SparkBalanceError, match="provenance column 'origin'"):
            call(more, "label")
    with pytest.raises(SparkBalanceError, match="provenance column 'origin'"):
        calibration(more, "label", "p")
    with pytest.warns(ResampledWarning):
        assert evaluate(more, "label", allow_synthetic=True).confusion.accuracy == 1
