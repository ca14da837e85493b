"""The evaluator: on any engine by itself, in CrossValidator where there is pyspark.ml."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from spark_balance import ImbalanceEvaluator, SparkBalanceError, evaluate, stratified_folds
from spark_balance.metrics.evaluator import METRICS


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(2)
    y = (rng.random(900) < 0.1) * 1
    p = np.clip(rng.beta(1, 5, 900) + 0.3 * y * rng.random(900), 0, 1)
    return pd.DataFrame(
        {"label": y, "probability": p, "prediction": (p > 0.3) * 1.0, "w": rng.integers(1, 4, 900) * 1.0}
    )


def test_every_metric_is_that_of_evaluate(spark, table):
    df = spark.createDataFrame(table)
    found = evaluate(df, "label", probability_col="probability", beta=2.0)
    one, all_, areas = found.by_class()[1], found.overall(), found.ranking[1]
    expected = {
        "areaUnderPR": areas.pr_auc,
        "areaUnderROC": areas.roc_auc,
        "brierScore": all_["brier_score"],
        "expectedCalibrationError": all_["expected_calibration_error"],
        "accuracy": all_["accuracy"],
        "balancedAccuracy": all_["balanced_accuracy"],
        "geometricMean": all_["geometric_mean"],
        "matthewsCorrCoef": all_["matthews_corrcoef"],
        "precisionByLabel": one["precision"],
        "recallByLabel": one["recall"],
        "specificityByLabel": one["specificity"],
        "fMeasureByLabel": one["f2"],
        "geometricMeanByLabel": one["geometric_mean"],
        "indexBalancedAccuracyByLabel": one["iba"],
    }
    assert set(expected) == set(METRICS)
    evaluator = ImbalanceEvaluator(beta=2.0)
    assert {name: evaluator.setMetricName(name).evaluate(df) for name in METRICS} == expected
    smaller = {name for name in METRICS if not evaluator.setMetricName(name).isLargerBetter()}
    assert smaller == {"brierScore", "expectedCalibrationError"}


def test_params_work_as_params_do(spark, table):
    df = spark.createDataFrame(table)
    evaluator = ImbalanceEvaluator(metricName="recallByLabel", weightCol="w")
    recall = sk.recall_score(table.label, table.prediction, sample_weight=table.w)
    assert evaluator.evaluate(df) == pytest.approx(recall, rel=1e-12)
    other = evaluator.evaluate(df, {evaluator.metricLabel: 0.0})
    assert other == pytest.approx(sk.recall_score(table.label, table.prediction, sample_weight=table.w, pos_label=0))
    copied = evaluator.copy({evaluator.metricName: "accuracy"})
    assert (copied.getMetricName(), evaluator.getMetricName()) == ("accuracy", "recallByLabel")
    with pytest.raises(SparkBalanceError, match="metricName='recalByLabel' .*did you mean 'recallByLabel'"):
        ImbalanceEvaluator(metricName="recalByLabel")
    with pytest.raises(SparkBalanceError, match="metricLabel=9.0 is not one of the classes 0, 1"):
        ImbalanceEvaluator(metricName="recallByLabel", metricLabel=9.0).evaluate(df)


def test_a_metric_that_is_not_known_is_refused_however_it_is_set(spark, table):
    evaluator = ImbalanceEvaluator()
    for call in (
        lambda: evaluator.setMetricName("f2"),
        lambda: evaluator.copy({evaluator.metricName: "f2"}),
        lambda: evaluator.evaluate(spark.createDataFrame(table), {evaluator.metricName: "f2"}),
    ):
        with pytest.raises(SparkBalanceError, match="metricName='f2' is not one of areaUnderPR"):
            call()


@pytest.mark.parametrize("metric", ["areaUnderPR", "areaUnderROC"])
def test_a_fold_without_the_class_is_told_instead_of_a_nan_that_wins_every_search(spark, table, metric):
    df = spark.createDataFrame(table[table.label == 0])
    with pytest.raises(SparkBalanceError, match=f"{metric} is not defined on rows of which none .* is of class 1"):
        ImbalanceEvaluator(metricName=metric).evaluate(df)


@pytest.mark.parametrize("metric", ["brierScore", "accuracy", "balancedAccuracy", "areaUnderPR"])
def test_no_row_at_all_is_told(spark, table, metric):
    df = spark.createDataFrame(table).limit(0)
    with pytest.raises(SparkBalanceError, match=f"{metric} is not defined on rows"):
        ImbalanceEvaluator(metricName=metric).evaluate(df)


@pytest.mark.every_engine
def test_an_evaluator_is_saved_and_loaded(tmp_path, spark):
    evaluator = ImbalanceEvaluator(metricName="geometricMean", beta=0.5, labelCol="late")
    path = str(tmp_path / "evaluator")
    evaluator.write().session(spark).save(path)
    with pytest.raises(Exception, match=r"exists"):
        evaluator.write().session(spark).save(path)
    evaluator.write().session(spark).overwrite().save(path)
    loaded = ImbalanceEvaluator.read().session(spark).load(path)
    assert loaded.uid == evaluator.uid
    assert {param.name: value for param, value in loaded.extractParamMap().items()} == {
        param.name: value for param, value in evaluator.extractParamMap().items()
    }


@pytest.mark.engines("spark")  # on Connect, test_estimator.py searches
def test_a_cross_validator_takes_evaluator_and_folds(spark):
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.tuning import CrossValidator, ParamGridBuilder

    rng = np.random.default_rng(8)
    y = (rng.random(400) < 0.15) * 1.0
    df = spark.createDataFrame(pd.DataFrame({"id": range(400), "x": rng.normal(size=400) + 2 * y, "label": y}))
    folds = stratified_folds(df, 2, "label", key_cols="id", random_state=1)
    data = VectorAssembler(inputCols=["x"], outputCol="features").transform(folds).coalesce(1)
    model = LogisticRegression(maxIter=5)
    # the first with so much regularisation that every row gets the same probability
    grid = ParamGridBuilder().addGrid(model.regParam, [1e3, 0.0]).build()
    grid = [{**params, model.elasticNetParam: 1.0} for params in grid]
    evaluator = ImbalanceEvaluator(metricName="areaUnderPR", numBins=500)
    search = CrossValidator(estimator=model, estimatorParamMaps=grid, evaluator=evaluator, numFolds=2, foldCol="fold")
    found = search.fit(data)
    assert found.bestModel.getRegParam() == 0.0
    # of a constant score it is the share of positives, in exact folds the same but for half a row
    assert found.avgMetrics[0] == pytest.approx(y.mean(), abs=0.005)
