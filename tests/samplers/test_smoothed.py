"""The smoothed bootstrap: noise of the right size, on the added rows alone."""

from __future__ import annotations

import numpy as np
import pytest
from frames import labelled
from pyspark.sql import functions as F
from scipy.stats import kstest

from spark_balance import RandomOverSampler, SparkBalanceError


def _noise(spark, **parameters):
    """Return the noise of each added row in units of what imbalanced-learn's formula gives, and all rows."""
    df = labelled(spark, [3_000, 500])
    sampler = RandomOverSampler(
        label_col="label", key_cols="id", feature_cols=["x", "y"], provenance_col="made_of", **parameters
    )
    out = sampler.fit_resample(df)
    base = df.select(F.col("id").alias("base"), F.col("x").alias("x0"), F.col("y").alias("y0"))
    pairs = out.where("made_of.kind = 'synthetic'").join(base, F.col("made_of.base.id") == F.col("base"))
    rows = pairs.select("x", "x0", "y", "y0").toPandas()
    smaller = df.where("label = 'class 1'").select("x", "y").toPandas()
    constant = (4 / ((2 + 2) * 3_500)) ** (1 / (2 + 4))
    scale = constant * np.std(smaller.to_numpy(), axis=0)
    return np.column_stack([rows.x - rows.x0, rows.y - rows.y0]) / scale, out, df


def test_noise_is_normal_and_as_wide_as_imbalanced_learn_makes_it(spark):
    noise, _, _ = _noise(spark, shrinkage=2.0)
    assert len(noise) == 2_500
    assert kstest(noise[:, 0] / 2, "norm").pvalue > 1e-3
    assert kstest(noise[:, 1] / 2, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(noise.T)[0, 1]) < 6 / np.sqrt(len(noise))
    assert len(np.unique(noise[:, 0])) == len(noise)


def test_originals_stay_as_they_are(spark):
    _, out, df = _noise(spark, shrinkage=1.0)
    originals = out.where("made_of.kind = 'original'").select(*df.columns)
    assert originals.exceptAll(df).count() == 0
    assert originals.count() == df.count()


def test_a_dict_smooths_by_class(spark):
    noise, _, _ = _noise(spark, shrinkage={"class 1": 0.0})
    assert not noise.any()
    with pytest.raises(SparkBalanceError, match="shrinkage has no entry for class 'class 1', which gets new rows"):
        _noise(spark, shrinkage={"class 0": 1.0})


def test_shrinkage_goes_to_toml_and_back():
    sampler = RandomOverSampler(label_col="label", shrinkage={"a": 0.5, "b": 1.0})
    assert sampler.to_toml_dict()["shrinkage"] == [{"label": "a", "shrinkage": 0.5}, {"label": "b", "shrinkage": 1.0}]
    assert RandomOverSampler.from_toml_dict(sampler.to_toml_dict()) == sampler


@pytest.mark.parametrize("shrinkage", [-0.1, float("nan"), "wide", {"a": -1.0}])
def test_shrinkage_that_is_no_width_is_refused(shrinkage):
    with pytest.raises(SparkBalanceError, match="RandomOverSampler: shrinkage"):
        RandomOverSampler(label_col="label", shrinkage=shrinkage)


def test_features_without_shrinkage_are_refused(spark):
    with pytest.raises(SparkBalanceError, match="feature_cols is only used with shrinkage"):
        RandomOverSampler(label_col="label", feature_cols="x").fit_resample(labelled(spark, [20, 10]))
