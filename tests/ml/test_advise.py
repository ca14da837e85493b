"""The advice on frames: what is found in a sample, the same on any layout, and what the lines and commands do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import functions as F
from sklearn.datasets import load_breast_cancer

import spark_balance
from spark_balance import SparkBalanceError, advise
from spark_balance.compare import contest, gather
from spark_balance.datasets import payments

FIRM = {"advise: label column 'y' has one class, 'a'; name": ["a"] * 9, "has no class; name a column": [None] * 9}


@pytest.fixture(scope="module")
def bought(spark):
    """Return 3,000 payments whose category is the label: several classes, keys, names and missing values."""
    return payments(3_000, spark=spark)


def run(line, **frames):
    """Run a line as it is printed, after an import of all that is public, and return what it made."""
    names = {name: getattr(spark_balance, name) for name in spark_balance.__all__} | frames
    exec(line, names)
    return names


@pytest.mark.engines("sail", "spark")
def test_a_sample_is_the_same_on_any_layout_and_stands_for_the_table(spark, monkeypatch):
    monkeypatch.setattr(gather, "SAMPLED_ROWS", 600)
    table = payments(4_000, seed=3, spark=spark).withColumn(
        "la`r.ge", (F.col("amount") > 150) | F.when(F.col("age") > 25, False)
    )
    table = table.withColumnRenamed("age", "the `age.")
    split = [table.repartition(7), table.coalesce(1).sort("amount")]
    first, second = (advise(one, "la`r.ge", feature_cols=["the `age.", "attempts"]) for one in split)
    assert first == second
    found = first.numbers
    assert found["rows"] + found["unlabeled"] == 4_000
    assert found["unlabeled"] > 0
    assert found["sampled"] == 600
    assert found["threshold"] == pytest.approx(found["share"])
    assert (
        advise(table, "la`r.ge", feature_cols=["the `age.", "attempts"], random_state=1).numbers["pr_auc"]
        != found["pr_auc"]
    )


def test_columns_are_chosen_by_what_they_hold_and_the_line_runs(bought):
    said = advise(bought, "is_fraud")
    assert (said.recommendation, said.numbers["rare_rows"]) == ("oversample", 9)
    assert said.numbers["unused"] == ["payment_id"]  # and 151 customers are categories
    assert 0.02 < said.numbers["incomplete"]["distance_km"] < 0.1
    assert "RandomOverSampler(" in said.python  # of nine rows neighbors say little
    names = run(said.python, train=bought)
    assert names["resampled"].where("is_fraud = 1").count() == pytest.approx(9 * 11, abs=2)
    # what a user names is taken
    named = advise(bought, "is_fraud", feature_cols="payment_id", categorical_cols=(), key_cols="customer")
    assert (named.numbers["numeric_columns"], named.numbers["unused"]) == (1, [])


def test_the_line_of_a_threshold_and_of_weights_runs(spark, bought):
    sized = F.when(F.col("amount") > 100, "large").when(F.col("amount") < 10, "small").otherwise("middle")
    bought = bought.withColumn("size", sized)
    said = advise(bought, "size")
    assert (said.recommendation, said.numbers["classes"]) == ("weights", 3)
    names = run(said.python, train=bought)
    assert names["weighed"].agg(F.sum("weight")).first()[0] == pytest.approx(3_000)
    said = advise(bought.drop("size").withColumn("large", F.when(sized == "large", "yes").otherwise("no")), "large")
    assert said.recommendation == "threshold"
    names = run(said.python, scored=spark.createDataFrame([(0.01,), (0.9,)], "probability double"))
    assert [row.decision for row in names["decided"].collect()] == ["no", "yes"]


def test_the_tumors_need_nothing_but_a_threshold_which_a_comparison_confirms(monkeypatch):
    found = load_breast_cancer(as_frame=True)
    table = found.data.iloc[:, :6].assign(malignant=found.target == 0)
    said = advise(table, "malignant")
    assert (said.recommendation, said.numbers["degree"]) == ("threshold", "mild")
    assert said.numbers["pr_auc"] > 0.9
    assert said.command == "spark-balance advise INPUT --label malignant --compare true"
    monkeypatch.setattr(contest, "N_FOLDS", 2)
    compared = advise(table, "malignant", compare=True)
    assert compared.recommendation == "threshold"
    assert compared.command is None
    assert compared.numbers["best"] in ("weights", "downsample", "oversample")
    assert "On 2 folds of your rows" in " ".join(compared.sentences)


@pytest.mark.parametrize(
    ("label", "given", "sentence"),
    [
        ("nope", {}, "advise: label_col names column 'nope', which the frame does not have"),
        ("amount", {"feature_cols": ["note"]}, "feature_cols names column 'note'"),
        ("is_fraud", {"feature_cols": ["is_fraud"]}, "'is_fraud', the label, a key or a within column; leave it out"),
        ("is_fraud", {"categorical_cols": "paid_at"}, "categories are strings, booleans or numbers"),
        ("is_fraud", {"key_cols": "is_fraud"}, "advise: key_cols names the label column 'is_fraud'; leave it out"),
        ("is_fraud", {"fit_rows": 1}, "advise: fit_rows=1 is not enough to fit on; give 2 or more"),
        (
            "category",
            {"compare": True},
            "compare=True compares treatments of two classes, and label column 'category' has 6",
        ),
        (
            "is_fraud",
            {"compare": True, "feature_cols": ["distance_km"]},
            "no numeric column without missing values is left",
        ),
        ("is_fraud", {"counts": {0: 2_990, 1: 9}}, "advise: the given counts differ from the rows"),
    ],
)
def test_a_mistake_is_one_sentence(bought, monkeypatch, label, given, sentence):
    monkeypatch.setattr(gather, "SAMPLED_ROWS", 100)
    with pytest.raises(SparkBalanceError) as refused:
        advise(bought, label, **given)
    assert sentence in str(refused.value)
    assert ". " not in str(refused.value)


@pytest.mark.parametrize("counts", [{0: 2_990, 1: 9}, {0: 2_991, 2: 9}])
def test_counts_that_differ_from_the_rows_are_refused_where_all_rows_are_seen(bought, counts):
    with pytest.raises(
        SparkBalanceError, match="^advise: the given counts differ from the rows; give the right counts"
    ):
        advise(bought, "is_fraud", counts=counts)
    assert advise(bought, "is_fraud", counts={0: 2_991, 1: 9}) == advise(bought, "is_fraud")


def test_rows_that_repeat_another_are_counted_also_without_a_value(spark):
    rows = [(float(i) if i % 3 else None, i % 2, True) for i in range(6)] * 10 + [
        (float(i), i, False) for i in range(200)
    ]
    said = advise(spark.createDataFrame(rows, "a double, b int, y boolean"), "y")
    assert said.numbers["repeated"] == pytest.approx(0.9)


@pytest.mark.parametrize("sentence", FIRM)
def test_a_label_of_one_class_is_refused(sentence):
    with pytest.raises(SparkBalanceError) as refused:
        advise(pd.DataFrame({"x": range(9), "y": pd.Series(FIRM[sentence], dtype="string")}), "y")
    assert sentence in str(refused.value)


def test_a_label_that_is_a_measurement_is_said_to_be_one():
    table = pd.DataFrame({"x": range(40), "y": [1, 1, *range(2, 40)]})
    with pytest.warns(spark_balance.errors.LabelWarning):
        said = advise(table, "y")
    assert said.recommendation == "nothing"
    assert "38 of the 39 classes have one row, as if 'y' held a measurement or a key" in said.sentences[2]
    assert "If you predict the number, use SMOTER with target_col, whose bins fit_relevance shows." in said.sentences[2]
    assert (said.command, said.python) == (None, None)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            np.arange(60) / 7,
            "whole number; bin it, or cast it to a string or decimal; if you predict the number, use SMOTER",
        ),
        (
            np.arange(10_001),
            "or bin this one; if you predict the number, use SMOTER with target_col, whose bins fit_rel",
        ),
        (
            [["a"], ["a", "b"]] * 30,
            "advise: label column 'y' has several labels a row, .* measure them with label_counts",
        ),
    ],
    ids=["fractions", "many", "sets"],
)
def test_a_label_that_is_no_class_leads_to_who_takes_it(values, sentence):
    with pytest.raises(SparkBalanceError, match=sentence):
        advise(pd.DataFrame({"x": np.arange(len(values)), "y": values}), "y")


def test_without_scikit_learn_the_rest_is_said(bought, monkeypatch):
    monkeypatch.setattr(gather, "find_spec", lambda _: None)
    said = advise(bought, "is_fraud")
    assert said.recommendation == "oversample"
    assert said.numbers["pr_auc"] is None
    assert "quick model" not in str(said)
