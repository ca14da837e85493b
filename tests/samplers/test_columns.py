"""Schema out is schema in, and no column is lost or changed."""

from __future__ import annotations

import pytest
from cases import CASES, crossed
from frames import FEATURES, comparable, digest, labelled, rows_by_label, with_extras
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance import SMOTE, RandomOverSampler, RandomUnderSampler, SparkBalanceError
from spark_balance.columns import TEMP_PREFIX


def _rich(spark):
    return with_extras(labelled(spark, [200, 60, 40]))


def _described(df):
    noted = [F.col(f"`{name}`").alias(name, metadata={"comment": f"about {name}"}) for name in df.columns]
    return df.select(*noted)


@crossed()
def test_the_schema_stays(spark, case):
    df = _described(_rich(spark))
    before, out = df.schema, case().fit_resample(df)
    assert out.columns == [*before.names, *case.new_columns]
    for was, now in zip(before.fields, out.schema.fields, strict=False):
        assert (now.name, now.dataType, now.metadata) == (was.name, was.dataType, was.metadata)
        assert now.nullable == was.nullable, was.name
    assert not [name for name in out.columns if name.startswith(TEMP_PREFIX)]


@pytest.mark.parametrize("label", ["string", "boolean", "int", "decimal", "date"])
@crossed(everywhere=())
def test_the_label_keeps_its_type(spark, case, label):
    df = labelled(spark, [40, 20], label)
    assert case().fit_resample(df).schema["label"] == df.schema["label"]


@crossed(lambda case: case.subset)
def test_a_subset_has_only_rows_of_the_input(spark, case):
    df = _rich(spark)
    out = case().fit_resample(df).select(*[f"`{name}`" for name in df.columns])
    assert comparable(out).exceptAll(comparable(df)).count() == 0


@crossed(lambda case: case.cleans and "key_cols" in case.parameters, everywhere=())
def test_the_keys_that_are_removed_and_the_rows_that_stay_are_all_rows(spark, case):
    df = _described(_rich(spark))
    kept = case().fit_resample(df).select("id", "label")
    removed = case(output="removed_keys").fit_resample(df)
    assert removed.schema == df.select("id", "label").schema
    assert removed.count() > 0
    assert digest(kept.unionAll(removed)) == digest(df.select("id", "label"))


@crossed(lambda case: case.adds and not case.part)
def test_an_over_sampler_keeps_every_original(spark, case):
    df = _rich(spark)
    out = case().fit_resample(df).select(*[f"`{name}`" for name in df.columns])
    assert comparable(df).exceptAll(comparable(out)).count() == 0


@crossed(lambda case: case.adds and not case.part)
def test_the_added_rows_and_the_originals_are_all_rows(spark, case):
    df = _rich(spark)
    added = digest(case(output="added", provenance_col=None).fit_resample(df))
    everything = digest(case(provenance_col=None).fit_resample(df))
    assert tuple(map(sum, zip(digest(df), added, strict=True))) == everything


@crossed(lambda case: case.repeats, everywhere=())
def test_repeated_rows_are_whole_rows(spark, case):
    df = _rich(spark)
    out = case().fit_resample(df).select(*[f"`{name}`" for name in df.columns])
    assert comparable(out).subtract(comparable(df)).count() == 0


@crossed(
    lambda case: case.adds and case.kind.rows == "segment" and case.parameters.get("passthrough") != "base",
    everywhere=(),
)
def test_other_columns_of_a_synthetic_row_are_null(spark, case):
    df = _rich(spark)
    out = case(output="added").fit_resample(df)
    others = [name for name in df.columns if name not in (*FEATURES, "label")]
    filled = out.agg(*[F.count(F.col(f"`{name}`")).alias(name) for name in others]).first()
    assert set(filled) == {0}


@crossed(lambda case: case.parameters.get("passthrough") == "base")
def test_other_columns_of_a_synthetic_row_are_those_of_its_base(spark, case):
    df = _rich(spark)
    others = [f"`{name}`" for name in df.columns if name not in FEATURES]
    out = case(output="added").fit_resample(df)
    assert comparable(out.select(*others)).subtract(comparable(df.select(*others))).count() == 0
    assert out.where("place IS NOT NULL AND props IS NOT NULL").count() > 0


@pytest.mark.parametrize("method", [RandomUnderSampler, RandomOverSampler])
def test_a_map_alone_needs_a_key(spark, method):
    maps = labelled(spark, [20, 10]).select(F.create_map(F.col("label"), F.col("id")).alias("m"), "label")
    assert method(label_col="label").fit_resample(maps).count() in (20, 40)
    with pytest.raises(SparkBalanceError, match="hold maps or variants.*key_cols"):
        method(label_col="label", key_cols="m").fit_resample(maps)


@crossed(lambda case: not case.part and "key_cols" in case.parameters, everywhere=())
def test_columns_that_may_not_be_null_stay_so(spark, case):
    df = labelled(spark, [60, 20])
    strict = T.StructType([T.StructField(f.name, f.dataType, nullable=f.name == "id") for f in df.schema.fields])
    df = spark.createDataFrame(df.toArrow(), strict)
    out = case().fit_resample(df)
    assert [f.nullable for f in out.schema.fields] == [f.nullable for f in df.schema.fields]
    assert not case.broken(case().plan(df), rows_by_label(out))


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


def test_the_named_columns_pass_through(spark):
    df = labelled(spark, [60, 20]).withColumns({"day": F.col("id") % 3, "note": F.concat("label", F.lit("!"))})
    smote = SMOTE(label_col="label", feature_cols=FEATURES, passthrough=["day"], output="added")
    row = smote.fit_resample(df).agg(F.count("day"), F.count("note"), F.count("id"), F.count(F.lit(1))).first()
    assert tuple(row) == (40, 0, 0, 40)


@pytest.mark.engines("spark")
@pytest.mark.parametrize("case", [case for case in CASES if case.name in ("unkeyed", "cells")], ids=str)
def test_nothing_stays_cached(spark, case):
    out = case().fit_resample(labelled(spark, [60, 20]))
    assert out.count() > 0
    assert spark.sparkContext._jsc.getPersistentRDDs().size() == 0
    assert not spark.catalog.listTables()
