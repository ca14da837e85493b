"""What scoring methods promise beyond counts: hard rows go, clusters are tight, and what is refused."""

from __future__ import annotations

import pytest
from frames import FEATURES, labelled
from pyspark.sql import functions as F
from sklearn.cluster import KMeans
from sklearn.naive_bayes import GaussianNB

from spark_balance import ClusterCentroids, InstanceHardnessThreshold, NearMiss, SparkBalanceError
from spark_balance.samplers import instance_hardness_threshold, near_miss
from spark_balance.samplers.registry import SAMPLERS


def _overlapping(spark):
    """Return 300 rows of class 0 of which the ids below 60 lie among the 100 of class 1, and the rest far away."""
    away = F.when((F.col("id") >= 60) & (F.col("id") < 300), 100.0).otherwise(0.0)
    return labelled(spark, [300, 100]).withColumns({"x": F.col("x") + away, "y": F.col("x")})


@pytest.mark.parametrize("fitted", [20_000, 80], ids=["out of fold", "by the model of a sample"])
def test_the_hard_rows_go_first(spark, monkeypatch, fitted):
    monkeypatch.setattr(instance_hardness_threshold, "FITTED_ROWS", fitted)
    sampler = InstanceHardnessThreshold(
        label_col="label",
        key_cols="id",
        feature_cols=("x", "y"),
        estimator=GaussianNB(),
        sampling_strategy={"class 0": 240},
    )
    kept = sampler.resample(_overlapping(spark))
    assert kept.notes["fitted_rows"] == min(fitted, 400)
    ids = kept.frame.where("label = 'class 0'").select("id").toArrow()["id"].to_pylist()
    assert sorted(ids) == list(range(60, 300))


def test_a_model_too_large_to_send_is_refused(spark, monkeypatch):
    monkeypatch.setattr(instance_hardness_threshold, "FITTED_ROWS", 80)
    monkeypatch.setattr(instance_hardness_threshold, "MOST_BYTES", 10)
    sampler = InstanceHardnessThreshold(label_col="label", feature_cols=FEATURES, estimator=GaussianNB())
    with pytest.raises(SparkBalanceError, match="can be sent to the workers; give a smaller estimator"):
        sampler.fit_resample(labelled(spark, [300, 100]))


@pytest.mark.parametrize("rows", ["MOST_ROWS", "MOST_NUMBERS"])
def test_the_farthest_of_a_large_minority_are_refused(spark, monkeypatch, rows):
    monkeypatch.setattr(near_miss, rows, 99)
    with pytest.raises(
        SparkBalanceError, match="may have at most .* rows of 3 numbers.* it has 100; use version 1 or 3"
    ):
        NearMiss(label_col="label", feature_cols=FEATURES, version=2).fit_resample(labelled(spark, [300, 100]))


def test_too_few_minority_rows_are_refused(spark):
    with pytest.raises(SparkBalanceError, match="7 neighbours among the rows of 'class 1' need at least 7 rows, there"):
        NearMiss(label_col="label", feature_cols=FEATURES, n_neighbors=7).fit_resample(labelled(spark, [30, 6]))


@pytest.mark.parametrize("method", ["instance_hardness_threshold", "cluster_centroids"])
def test_an_estimator_is_of_its_kind_and_not_written_to_toml(method):
    wrong, right = (KMeans(), GaussianNB()) if method.startswith("instance") else (GaussianNB(), KMeans())
    with pytest.raises(SparkBalanceError, match="has no (predict_proba|parameter n_clusters); give a cl"):
        SAMPLERS[method](label_col="label", estimator=wrong)
    with pytest.raises(
        SparkBalanceError, match="is an object, which cannot be written to TOML; leave it out for the d"
    ):
        SAMPLERS[method](label_col="label", estimator=right).to_toml_dict()


@pytest.mark.parametrize("voting", ["soft", "hard"])
def test_a_clusterer_of_the_users_gives_as_many_rows(spark, voting):
    sampler = ClusterCentroids(label_col="label", feature_cols=FEATURES, voting=voting, estimator=KMeans(n_init=1))
    out = sampler.fit_resample(labelled(spark, [120, 40]))
    assert out.where("label = 'class 0'").count() == 40


def test_a_centroid_has_no_value_for_a_column_that_needs_one(spark):
    df = labelled(spark, [120, 40]).withColumn("note", F.lit("required"))
    with pytest.raises(SparkBalanceError, match="column 'note' may not be NULL .* set voting='hard'"):
        ClusterCentroids(label_col="label", feature_cols=FEATURES).fit_resample(df)
    kept = ClusterCentroids(label_col="label", feature_cols=FEATURES, voting="hard").fit_resample(df)
    assert kept.where("note = 'required'").count() == 80
