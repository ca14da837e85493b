"""Schema out is schema in, and no column is lost or changed."""

from __future__ import annotations

import pytest
from cases import ONE_OF_EACH_FAMILY, crossed
from frames import FEATURES, cached, digest, labelled
from pyspark.sql import functions as F, types as T
from sklearn.cluster import KMeans

from spark_balance import (
    SMOTE,
    SMOTEENN,
    SMOTEN,
    SMOTENC,
    Chain,
    KMeansSMOTE,
    RandomOverSampler,
    RandomUnderSampler,
    SparkBalanceError,
    TomekLinks,
)
from spark_balance.frames.columns import quoted


@pytest.mark.parametrize("method", [RandomUnderSampler, RandomOverSampler])
def test_a_map_alone_needs_a_key(spark, method):
    maps = labelled(spark, [20, 10]).select(F.create_map(F.col("label"), F.col("id")).alias("m"), "label")
    assert method(label_col="label").fit_resample(maps).count() in (20, 40)
    with pytest.raises(SparkBalanceError, match="hold maps, variants or year-month intervals.*key_cols"):
        method(label_col="label", key_cols="m").fit_resample(maps)


def test_a_required_column_that_a_new_row_has_no_value_for_is_refused(spark):
    df = labelled(spark, [60, 20])
    strict = T.StructType([T.StructField(f.name, f.dataType, nullable=f.name != "id") for f in df.schema.fields])
    df = spark.createDataFrame(df.toArrow(), strict)
    smote = SMOTE(label_col="label", key_cols="id", feature_cols=FEATURES)
    with pytest.raises(SparkBalanceError, match="'id' may not be NULL.*passthrough='base'"):
        smote.fit_resample(df)
    smote = SMOTE(label_col="label", key_cols="id", feature_cols=FEATURES, passthrough="base")
    out = smote.fit_resample(df)
    assert not out.schema["id"].nullable
    assert out.count() == 120


@pytest.mark.engines("spark")
def test_required_columns_stay_required(spark):
    values = {
        "raw": "CAST('a' AS BINARY)",
        "props": "map_from_arrays(array('a'), array(1))",
        "wait": "INTERVAL '1' SECOND",
        "both": "named_struct('raw', CAST('b' AS BINARY), 'props', map_from_arrays(array('c'), array(2L)))",
        "list": "array(CAST('a' AS BINARY))",
    }
    df = labelled(spark, [60, 20]).select(
        "id", "label", "x", *[F.expr(one).alias(name) for name, one in values.items()]
    )
    assert not any(df.schema[name].nullable for name in values)
    out = SMOTE(label_col="label", key_cols="id", feature_cols="x", passthrough="base").fit_resample(df)
    assert out.schema == df.schema
    made, there = (frame.select(*values).toArrow().to_pylist() for frame in (out, df))
    assert made == there[:1] * 120


@pytest.mark.engines("sail", "spark")
def test_intervals_keep_their_type(spark):
    values = {"wait": "INTERVAL '1' SECOND", "shift": "INTERVAL '2' HOUR", "day": "INTERVAL '1 2' DAY TO HOUR"}
    df = labelled(spark, [60, 20]).select("id", "label", "x", *[F.expr(of).alias(name) for name, of in values.items()])
    out = SMOTE(label_col="label", key_cols="id", feature_cols="x", passthrough="base").fit_resample(df)
    assert out.schema == df.schema
    assert out.count() == 120


def test_the_named_columns_pass_through(spark):
    df = labelled(spark, [60, 20]).withColumns({"day": F.col("id") % 3, "note": F.concat("label", F.lit("!"))})
    smote = SMOTE(label_col="label", feature_cols=FEATURES, passthrough=["day"], output="added")
    row = smote.fit_resample(df).agg(F.count("day"), F.count("note"), F.count("id"), F.count(F.lit(1))).first()
    assert tuple(row) == (40, 0, 0, 40)


@pytest.mark.every_engine
def test_a_feature_may_have_any_name(spark):
    df = labelled(spark, [60, 20])
    odd = {"x": "x.y `of` z", "y": "fee_${ccy}", "n": "n"}
    renamed = [F.col(name).alias(other) for name, other in odd.items()]
    named = df.select("id", "label", *renamed, F.when(F.col("id") > 0, 9.0).alias("fee_"))
    plain = SMOTE(label_col="label", key_cols="id", feature_cols=list(odd)).fit_resample(df)
    out = SMOTE(label_col="label", key_cols="id", feature_cols=list(odd.values())).fit_resample(named)
    back = out.select("id", "label", *[F.col(quoted(other)).alias(name) for name, other in odd.items()])
    assert digest(back) == digest(plain)


@pytest.mark.engines("spark")
@crossed(lambda case: case.method in ONE_OF_EACH_FAMILY, everywhere=())
def test_nothing_stays_cached(spark, case):
    # other tests may have left tables
    before, tables = cached(spark), len(spark.catalog.listTables())
    out = case().fit_resample(labelled(spark, [60, 20]))
    assert out.count() > 0
    assert cached(spark) <= before
    assert len(spark.catalog.listTables()) == tables


@pytest.mark.parametrize(
    ("sampler", "used"),
    [
        (RandomUnderSampler(label_col="label"), None),
        (RandomOverSampler(label_col="label"), None),
        (RandomOverSampler(label_col="label", key_cols="id", shrinkage=0.5), ["x", "y", "n"]),
        (SMOTE(label_col="label", key_cols="id", feature_cols=["y", "x"]), ["y", "x"]),
        (SMOTEENN(label_col="label", key_cols="id", feature_cols=["y"]), ["y"]),
        (Chain([RandomUnderSampler(label_col="label"), SMOTE(label_col="label", key_cols="id")]), ["x", "y", "n"]),
        (Chain([RandomUnderSampler(label_col="label"), RandomOverSampler(label_col="label")]), None),
    ],
    ids=["under", "over", "smoothed", "smote", "smoteenn", "chain", "chain_of_random"],
)
def test_the_features_that_a_sampler_uses_are_public(spark, sampler, used):
    found = sampler.features(labelled(spark, [20, 10]))
    assert (found and [feature.name for feature in found.features]) == used
    assert sampler.uses_features == (used is not None)


@pytest.mark.parametrize("kind", [SMOTE, SMOTEENN, TomekLinks], ids=lambda kind: kind.__name__)
def test_a_key_that_is_not_unique_does_not_become_a_feature(spark, kind):
    df = labelled(spark, [20, 10])
    known = kind(label_col="label", key_cols="id")
    for sampler in (known, Chain([known], label_col="label", key_cols="id")):
        without = sampler.without_key(df)
        assert without.key_cols is None
        assert [feature.name for feature in without.features(df).features] == ["x", "y", "n"]
        assert without.without_key(df) == without


@pytest.mark.engines("sail", "connect")
def test_booleans_are_numbers_and_numbers_are_categories_where_they_are_named(spark):
    rich = {"flag": F.col("id") % 3 == 0, "half": F.col("n") % 3 / 2.0, "price": F.expr("cast(n % 2 as decimal(4, 1))")}
    df = labelled(spark, [60, 20]).withColumns(rich)
    plain = {"label_col": "label", "key_cols": "id", "output": "added"}
    wide = SMOTE(**plain, feature_cols=("x", "flag")).fit_resample(df)
    assert (wide.schema["flag"], wide.count()) == (df.schema["flag"], 40)
    assert {row.flag for row in wide.select("flag").distinct().collect()} == {True, False}
    for sampler in (
        SMOTENC(**plain, feature_cols=("x", "y"), categorical_features=("half", "price", "flag")),
        SMOTEN(**plain, feature_cols=("half", "price", "flag")),
    ):
        made = sampler.fit_resample(df).select("half", "price", "flag").distinct().collect()
        assert made
        assert {row.half for row in made} <= {0.0, 0.5, 1.0}
        assert {int(row.price) for row in made} <= {0, 1}


def test_clusters_may_be_made_by_a_clusterer(spark):
    df = labelled(spark, [120, 40])
    given = {"label_col": "label", "key_cols": "id", "feature_cols": FEATURES, "cluster_balance_threshold": 0.0}
    one, again = (digest(KMeansSMOTE(**given, kmeans_estimator=KMeans(3, n_init=1)).fit_resample(df)) for _ in range(2))
    assert one == again
    assert one[0] == 240
