"""Probabilities corrected for the rates of sampling, and decisions by cost."""

from __future__ import annotations

import json

import numpy as np
import pytest
from frames import labelled, table
from hypothesis import given, strategies as st
from pyspark.sql import functions as F

from spark_balance import (
    ClassWeighter,
    RandomUnderSampler,
    SparkBalanceError,
    correct_prior,
    cost_threshold,
    decide_by_cost,
    read_manifest,
)

SHARES = np.array([0.9, 0.08, 0.02])
MEANS = np.array([0.0, 1.5, 3.0])


def posterior(x, shares):
    """Return the true probabilities of three normal classes."""
    density = shares * np.exp(-0.5 * (x[:, None] - MEANS) ** 2)
    return density / density.sum(axis=1, keepdims=True)


def calibration_error(p, y):
    """Return the mean gap between probability and share over twenty bins of each class."""
    gaps = []
    for c in range(p.shape[1]):
        bins = np.minimum((p[:, c] * 20).astype(int), 19)
        sums = [np.abs((p[bins == b, c] - (y[bins == b] == c)).sum()) for b in range(20)]
        gaps.append(sum(sums) / len(y))
    return max(gaps)


@pytest.fixture(scope="module")
def drawn():
    """Return 40,000 rows drawn from known posteriors, and what a perfect model of balanced rows says."""
    rng = np.random.default_rng(3)
    y = rng.choice(3, 40_000, p=SHARES)
    x = rng.normal(MEANS[y])
    return x, y, posterior(x, np.full(3, 1 / 3))


@pytest.fixture
def scored(spark, drawn):
    import pandas as pd

    x, y, balanced = drawn
    return spark.createDataFrame(pd.DataFrame({"x": x, "y": y, "p": list(balanced)}))


def test_a_correction_gives_the_true_posteriors_and_mends_calibration(scored, drawn):
    _, y, balanced = drawn
    counts = {c: int(n) for c, n in enumerate(np.bincount(y))}
    out = table(correct_prior(scored, "p", counts, {0: 1, 1: 1, 2: 1}))
    corrected, true = np.array(out["p"]), posterior(np.array(out["x"]), np.bincount(y) / len(y))
    assert np.abs(corrected - true).max() < 1e-12
    assert calibration_error(balanced, y) > 0.2
    assert calibration_error(corrected, np.array(out["y"])) < 0.02


@pytest.mark.every_engine
def test_one_double_is_elkans_and_dal_pozzolos_formula(spark):
    df = spark.range(1, 100).select((F.col("id") / 100.0).alias("p"))
    counts = {0: 9_000, 1: 1_000}
    kept = 1_000 / 9_000
    out = table(correct_prior(df, "p", counts, {0: 1_000, 1: 1_000}, output_col="q"))
    p, q = np.array(out["p"]), np.array(out["q"])
    assert q == pytest.approx(kept * p / (kept * p + 1 - p), rel=1e-12)
    b, c = 0.1, 0.5
    assert q == pytest.approx(b * (p - p * c) / (c - p * c + b * p - b * c), rel=1e-12)


@pytest.mark.engines("spark", "connect")
def test_vectors_stay_vectors(spark):
    from pyspark.ml.linalg import Vectors

    rows = [(0, Vectors.dense([0.5, 0.5])), (1, Vectors.sparse(2, {0: 1.0}))]
    df = spark.createDataFrame(rows, ["id", "p"])
    out = correct_prior(df, "p", {False: 900, True: 100}, {False: 100, True: 100})
    assert out.schema == df.schema
    assert [list(row.p) for row in out.orderBy("id").collect()] == [pytest.approx([0.9, 0.1]), [1.0, 0.0]]
    least = decide_by_cost(out, "p", [[0, 1], [50, 0]])
    assert [row.decision for row in least.orderBy("id").collect()] == [1.0, 0.0]


def test_a_plan_and_a_manifest_tell_the_rates(spark, tmp_path):
    df = labelled(spark, [300, 20])
    plan = RandomUnderSampler(label_col="label").plan(df)
    scored = spark.createDataFrame([([0.5, 0.5],), (None,)], "p array<double>")
    labels = ["class 0", "class 1"]
    expected = [[300 / 320, 20 / 320], None]
    assert table(correct_prior(scored, "p", plan, labels=labels))["p"] == expected
    assert table(correct_prior(scored, "p", plan, labels=labels[::-1]))["p"] == [expected[0][::-1], None]
    path = tmp_path / "out.manifest.json"
    path.write_text(json.dumps({"plan": plan.to_dict()}, indent=2))
    for manifest in (read_manifest(path), read_manifest(path, spark)):
        assert table(correct_prior(scored, "p", manifest, labels=labels))["p"] == expected


def test_a_plan_tells_weights_too(spark):
    df = labelled(spark, [300, 20])
    scored = spark.createDataFrame([(0.5,)], "p double")
    labels = ["class 0", "class 1"]
    # weights shift probabilities as resampling does; rows with the weight of those that they stand for shift nothing
    weighed = ClassWeighter(label_col="label").plan(df)
    upweighted = RandomUnderSampler(label_col="label", weight_col="w").plan(df)
    for plan, expected in ((weighed, 20 / 320), (upweighted, 0.5)):
        for record in (plan, json.loads(json.dumps({"plan": plan.to_dict()}))):
            assert table(correct_prior(scored, "p", record, labels=labels))["p"] == [pytest.approx(expected)]


def test_a_manifest_tells_the_rows_that_were_written(spark):
    plan = RandomUnderSampler(label_col="label").plan(labelled(spark, [300, 20])).to_dict()
    scored = spark.createDataFrame([(0.5,)], "p double")
    written = {"classes": [{"label": "class 0", "rows": 30}, {"label": "class 1", "rows": 20}]}
    manifest = {"plan": plan, "after": written, "sampler": {"random_under": {"label_col": "label"}}}
    [p] = table(correct_prior(scored, "p", manifest, labels=["class 0", "class 1"]))["p"]
    assert p == pytest.approx(1 / (1 + 300 / 30))
    # a job that wrote the added rows alone
    added = {**manifest, "sampler": {"smote": {"output": "added"}}}
    [p] = table(correct_prior(scored, "p", added, labels=["class 0", "class 1"]))["p"]
    assert p == pytest.approx(20 / 40 / (20 / 40 + 300 / 330))


def test_counts_may_be_numpys(spark):
    counts = dict(zip(*np.unique(np.repeat([0, 1], [9, 1]), return_counts=True), strict=True))
    scored = spark.createDataFrame([(0.5,)], "p double")
    assert table(correct_prior(scored, "p", counts, {0: 1, 1: 1}))["p"] == [pytest.approx(0.1)]


@pytest.mark.every_engine
def test_what_is_no_probability_stays_none(spark):
    nan = float("nan")
    rows = [([nan, 0.5],), ([0.0, 0.0],), ([0.2, None],), (None,)]
    out = table(correct_prior(spark.createDataFrame(rows, "p array<double>"), "p", {0: 9, 1: 1}, {0: 1, 1: 1}))["p"]
    assert np.isnan(out[0]).all()
    assert out[1:] == [None, None, None]
    one = table(correct_prior(spark.createDataFrame([(nan,), (None,)], "p double"), "p", {0: 9, 1: 1}, {0: 1, 1: 1}))
    assert np.isnan(one["p"][0])
    assert one["p"][1] is None
    decided = decide_by_cost(spark.createDataFrame(rows, "p array<double>"), "p", [[0, 1], [50, 0]])
    assert table(decided)["decision"] == [None, 0.0, None, None]


def test_a_hundred_classes_are_corrected(spark):
    scored = spark.createDataFrame([([0.01] * 100,)], "p array<double>")
    [out] = table(correct_prior(scored, "p", dict.fromkeys(range(100), 3), {i: i + 1 for i in range(100)}))["p"]
    weights = 1 / np.arange(1, 101)
    assert out == pytest.approx(weights / weights.sum(), rel=1e-12)


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.integers(0, 100))
def test_the_threshold_is_where_expected_costs_meet(costs, percent):
    right, wrong = costs[:2], [costs[0] + costs[2] + 0.01, costs[1] + costs[3] + 0.01]
    matrix = [[right[0], wrong[0]], [wrong[1], right[1]]]
    p = percent / 100
    negative, positive = (1 - p) * matrix[0][0] + p * matrix[1][0], (1 - p) * matrix[0][1] + p * matrix[1][1]
    threshold = cost_threshold(matrix)
    assert 0 < threshold < 1
    assert abs(p - threshold) < 1e-9 or (positive < negative) == (p > threshold)


@pytest.mark.every_engine
def test_the_decision_costs_least(spark):
    rng = np.random.default_rng(5)
    p, costs = rng.dirichlet([1, 1, 1], 200), [[0, 1, 5], [10, 0, 2], [50, 20, 0]]
    df = spark.createDataFrame([(row.tolist(),) for row in p], "p array<double>")
    out = table(decide_by_cost(df, "p", costs, labels=["a", "b", "c"]))
    assert out["decision"] == ["abc"[i] for i in np.argmin(np.array(out["p"]) @ np.array(costs), axis=1)]
    binary = spark.createDataFrame([(0.01,), (0.02,), (None,)], "p double")
    assert table(decide_by_cost(binary, "p", [[0, 1], [50, 0]]))["decision"] == [0.0, 1.0, None]
    assert cost_threshold([[0, 1], [50, 0]]) == 1 / 51


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda df: correct_prior(df, "q", {0: 1, 1: 2}, {0: 1, 1: 1}), "probability_col names column 'q'"),
        (lambda df: correct_prior(df, "s", {0: 1, 1: 2}, {0: 1, 1: 1}), "'s' is of type string; probabilities are"),
        (
            lambda df: correct_prior(df, "p", {"a": 1, "b": 2}, {"a": 1, "b": 1}),
            "order of the classes 'a', 'b'.*labels",
        ),
        (lambda df: correct_prior(df, "p", {0: 1, 1: 2}, {0: 1, 1: 1}, labels=[0, 2]), r"labels=\[0, 2\] are not"),
        (lambda df: correct_prior(df, "p", {0: 1, 1: 2}, {0: 1, 2: 1}), "class 1 is in only one of before and after"),
        (lambda df: correct_prior(df, "p", {0: 1, 1: 2}, {0: 1, 1: 0}), "after has 0 for class 1"),
        (lambda df: correct_prior(df, "p", {0: 1, 1: 2}), "before is a dict and after is not given"),
        (
            lambda df: correct_prior(df, "one", {0: 1, 1: 2, 2: 3}, {0: 1, 1: 1, 2: 1}),
            "'one' is one double, which has the probabilities of two",
        ),
        (
            lambda df: correct_prior(df, "p", {0: 1, 1: 2}, {0: 1, 1: 1}, output_col="one"),
            "output_col='one' is already",
        ),
        (lambda df: correct_prior(df, "one", {"plan": {"x": 1}}), "before is not a run's manifest: KeyError"),
        (lambda df: cost_threshold([["a", 1], [1, 0]]), "is not a table of numbers"),
        (lambda df: decide_by_cost(df, "p", [[0, 1], [1, 0]], labels=["a", 1]), "mix text and other values"),
        (lambda df: decide_by_cost(df, "p", None), "cost_matrix=None is refused: input should be an"),
        (lambda df: cost_threshold([[0, 0], [1, 0]]), "a mistake that costs no more than the right answer"),
        (lambda df: cost_threshold([[0, 1, 2], [1, 0, 2]]), r"rows of \[3, 3\] costs; give 2 rows of 2"),
        (lambda df: decide_by_cost(df, "p", [[0, float("inf")], [1, 0]]), "not a finite number"),
        (lambda df: read_manifest("/nope.json"), "read_manifest: '/nope.json' is not a run's manifest"),
    ],
)
def test_a_mistake_is_one_sentence(spark, call, sentence):
    df = spark.createDataFrame([([0.5, 0.5], 0.5, "x")], "p array<double>, one double, s string")
    with pytest.raises(SparkBalanceError, match=sentence) as refused:
        call(df)
    assert "\n" not in str(refused.value)


def test_a_plan_within_groups_is_refused(spark):
    df = labelled(spark, [300, 20]).withColumn("day", F.col("id") % 2)
    plan = RandomUnderSampler(label_col="label", within_cols="day").plan(df)
    with pytest.raises(SparkBalanceError, match=r"the plan balances within \['day'\]"):
        correct_prior(df.withColumn("p", F.lit(0.5)), "p", plan, labels=["class 0", "class 1"])


def test_a_row_with_too_few_probabilities_stops_the_job(spark):
    df = spark.createDataFrame([([0.5, 0.3, 0.2],)], "p array<double>")
    with pytest.raises(Exception, match="another number of probabilities than there are classes"):
        correct_prior(df, "p", {0: 1, 1: 2}, {0: 1, 1: 1}).collect()
