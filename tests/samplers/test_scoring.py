"""What scoring methods promise beyond counts: hard rows go, clusters are tight, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import pytest
from frames import FEATURES, labelled, rows_by_label
from pyspark.sql import functions as F
from sklearn.cluster import KMeans
from sklearn.naive_bayes import GaussianNB

from spark_balance import (
    Chain,
    ClusterCentroids,
    CondensedNearestNeighbour,
    InstanceHardnessThreshold,
    NearMiss,
    RandomOverSampler,
    SparkBalanceError,
)
from spark_balance.base.registry import SAMPLERS
from spark_balance.errors import ShortWarning
from spark_balance.under_sampling import instance_hardness_threshold, near_miss


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
    sentence = "7 neighbors among the rows of 'class 1' need at least 7 rows, but the data has 6; use n_neighbors<=6$"
    with pytest.raises(SparkBalanceError, match=sentence):
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


@pytest.fixture(scope="module")
def far(spark):
    """6,000 rows along a line, of which the minority is at one end: most cells see none of it."""
    draw = np.random.default_rng(8)
    place = np.concatenate([draw.random(5_900) * 100 + 1, draw.random(100)])
    columns = {"id": np.arange(6_000), "label": np.arange(6_000) >= 5_900, "x": place, "y": draw.random(6_000)}
    return spark.createDataFrame(pa.table(columns))


def _ids(sampler, df):
    done = sampler.resample(df)
    return set(done.frame.select("id").toArrow()["id"].to_pylist()), done.notes


@pytest.mark.parametrize("more", [{}, {"n_neighbors": 90}, {"version": 3, "n_neighbors_ver3": 20}], ids=str)
def test_cells_without_minority_rows_know_how_far_they_are(far, more):
    wish = {False: 4_000} if "version" not in more else {False: 200}
    sampler = NearMiss(label_col="label", key_cols="id", sampling_strategy=wish, **more)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ShortWarning)
        alone, notes = _ids(sampler, far)
        assert notes["cells"] == 1
        several, notes = _ids(sampler.replace(cell_rows=50), far)
    assert notes["cells"] > 5
    # version 3 names rows as halo rows, which cells of 50 rows miss some of
    assert len(alone & several) >= (0.85 if "version" in more else 0.99) * len(alone | several)


def test_too_few_candidates_are_told(spark):
    df = labelled(spark, [300, 20])
    sampler = NearMiss(label_col="label", feature_cols=FEATURES, version=3, sampling_strategy={"class 0": 70})
    with pytest.warns(ShortWarning, match="70 rows of class 'class 0' are wanted, and 20 rows of the minority"):
        out = sampler.fit_resample(df)
    assert rows_by_label(out)["class 0"] < 70
    with warnings.catch_warnings():
        warnings.simplefilter("error", ShortWarning)
        sampler.replace(sampling_strategy={"class 0": 60}).fit_resample(df)
        sampler.replace(version=1).fit_resample(df)
    with pytest.warns(ShortWarning, match="70 rows of class 'class 0' are wanted"):
        Chain([sampler, RandomOverSampler(label_col="label")]).fit_resample(df)


def test_a_row_is_compared_with_a_bounded_number_of_others(spark):
    df = labelled(spark, [2_000, 1_000])
    given = {"label_col": "label", "feature_cols": FEATURES}
    assert NearMiss(**given).resample(df).notes["candidates_per_row"] == 667  # two thirds of the rows ask 1,000
    assert NearMiss(**given, version=2).resample(df).notes["candidates_per_row"] == 1_000
    # of many rows at hand each is compared with some
    many = labelled(spark, [8_000, 7_000])
    done = NearMiss(**given).resample(many)
    assert done.notes["cells"] == 1
    assert done.notes["candidates_per_row"] == round(4_000 * 8 / 15)
    assert NearMiss(**given).explain(many).facts["candidates_per_row"] == done.notes["candidates_per_row"]


def test_condensing_has_smaller_cells(spark):
    df = labelled(spark, [5_000, 1_000])
    given = {"label_col": "label", "key_cols": "id", "feature_cols": FEATURES}
    notes = CondensedNearestNeighbour(**given).resample(df).notes
    assert notes["cells"] == 2
    assert 3_000 <= notes["candidates_per_row"] < 6_000
    whole = CondensedNearestNeighbour(**given, cell_rows=6_000).resample(df).notes
    assert (whole["cells"], whole["candidates_per_row"]) == (1, 6_000)
    # only the few rows of the minority visit, however often they may
    sampler, few = CondensedNearestNeighbour(**given, cell_rows=500), labelled(spark, [5_000, 100])
    notes = sampler.resample(few).notes
    assert notes["cells"] > 5
    assert notes["candidates_per_row"] < 5_100 / notes["cells"] * 1.5 + 100
    assert sum(step.shuffle_rows for step in sampler.explain(few).steps) <= 1.9 * 5_100 + 1
