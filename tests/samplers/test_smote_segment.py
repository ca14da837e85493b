"""A synthetic row lies between its base and its neighbor; bases are used evenly."""

from __future__ import annotations

import numpy as np
import pytest
from frames import FEATURES, labelled, number
from pyspark.sql import functions as F
from smote_rows import synthesized

from spark_balance import SMOTE
from spark_balance.errors import SparkBalanceError

ON_SPARK = {"cells", "partition"}
WAYS = {
    "one cell": {},
    "cells": {"cell_rows": 40},
    "unscaled cells": {"cell_rows": 40, "scale": False},
    "partition": {"cell_rows": 40, "neighbors": "partition"},
}


@pytest.fixture(
    scope="module",
    params=[pytest.param(way, marks=[pytest.mark.engines("sail", "spark")] if way in ON_SPARK else []) for way in WAYS],
)
def found(spark, request):
    df = labelled(spark, [2_000, 310, 130])
    return synthesized(df, FEATURES, **WAYS[request.param])


def test_rows_are_where_their_provenance_says(found):
    doubles, integer = found.new[:, :2], found.new[:, 2]
    np.testing.assert_allclose(doubles, found.expected[:, :2], rtol=1e-12)
    assert np.abs(integer - found.expected[:, 2]).max() <= 0.5
    assert (integer == np.rint(integer)).all()


def test_rows_are_of_the_class_of_their_base_and_neighbor(found):
    assert (found.labels[found.base] == found.label).all()
    assert (found.labels[found.near] == found.label).all()


def test_gaps_are_uniform(found):
    from scipy.stats import kstest

    assert found.gap.min() >= 0
    assert found.gap.max() < 1
    assert kstest(found.gap, "uniform").pvalue > 1e-4
    assert len(np.unique(found.gap)) == len(found.gap)


def test_no_row_is_a_copy_of_its_base(found):
    assert (found.base != found.near).all()
    assert (found.new != found.points[found.base]).any(axis=1).all()


def test_bases_are_used_evenly(found):
    for label, wanted in (("class 1", 1_690), ("class 2", 1_870)):
        used = np.bincount(found.base[found.label == label], minlength=len(found.ids))[found.labels == label]
        assert used.sum() == wanted
        assert used.max() - used.min() <= 1


def test_neighbors_of_a_base_are_used_in_turn(found):
    for label, times in (("class 1", {1, 2}), ("class 2", {2, 3})):
        of_class = found.label == label
        pairs, used = np.unique(np.column_stack([found.base, found.near])[of_class], axis=0, return_counts=True)
        assert set(used) == times  # 5 or 6 new rows of a base and its 5 neighbors; 14 or 15
        assert (np.unique(pairs[:, 0], return_counts=True)[1] == 5).all()


@pytest.mark.parametrize("way", WAYS)
def test_bases_that_are_too_many_are_a_random_subset(spark, way):
    found = synthesized(labelled(spark, [500, 400]), FEATURES, **WAYS[way])
    used = np.bincount(found.base, minlength=900)
    assert set(used) == {0, 1}
    # 100 of the 400 ids 500 ... 899, about as many of the first half as of the second
    assert abs(used[500:700].sum() - 50) < 6 * np.sqrt(100 * 0.25)


@pytest.mark.parametrize("kind", ["byte", "short", "int", "bigint", "float", "decimal(12,3)", "decimal(30,4)"])
@pytest.mark.parametrize("way", ["cells", "partition"])
def test_features_come_back_in_their_types(spark, kind, way):
    df = labelled(spark, [200, 60]).withColumn("x", (number(41, 120) - 60).cast(kind))
    out = SMOTE(label_col="label", feature_cols=("x", "y"), **WAYS[way]).fit_resample(df)
    assert out.schema["x"] == df.schema["x"]
    found = synthesized(df, ("x", "y"), **WAYS[way])
    error = np.abs(found.new[:, 0] - found.expected[:, 0]).max()
    assert error <= {"float": 1e-5, "decimal(12,3)": 0.0005, "decimal(30,4)": 0.00005}.get(kind, 0.5) * (1 + 1e-9)
    assert error > 0


@pytest.mark.parametrize(
    "element", [pytest.param("double", marks=pytest.mark.engines("sail", "spark")), "float", "int"]
)
def test_arrays_are_features(spark, element):
    df = labelled(spark, [300, 90])
    flat = synthesized(df, ("y", "n"), cell_rows=40)
    packed = df.select("id", "label", "n", F.array("y", "y").cast(f"array<{element}>").alias("v"))
    smote = SMOTE(
        label_col="label", key_cols="id", feature_cols=["v", "n"], provenance_col="p", output="added", random_state=4
    )
    out = smote.fit_resample(packed)
    assert out.schema["v"].dataType == packed.schema["v"].dataType
    rows = out.select("v", F.col("p.base.id").alias("base"), F.col("p.neighbor.id").alias("near"), "p.gap").collect()
    assert len(rows) == len(flat.gap) == 210
    v = {row.id: np.array(row.v) for row in packed.collect()}
    tolerance = 0.5 if element == "int" else 1e-6
    for row in rows:
        expected = v[row.base] + row.gap * (v[row.near] - v[row.base])
        assert np.abs(np.array(row.v) - expected).max() <= tolerance


@pytest.mark.every_engine
@pytest.mark.parametrize("neighbors", ["cells", "partition"])
def test_vectors_are_features(spark, engine, neighbors):
    if engine == "sail":
        pytest.skip("Sail has no VectorUDT")
    from pyspark.ml.functions import array_to_vector, vector_to_array

    df = labelled(spark, [120, 40])
    df = df.select("id", "label", array_to_vector(F.array("x", "y")).alias("v"), "n")
    smote = SMOTE(label_col="label", key_cols="id", feature_cols=["v"], neighbors=neighbors, cell_rows=20)
    out = smote.fit_resample(df)
    assert out.schema["v"].dataType == df.schema["v"].dataType
    new = out.where("id IS NULL").select(vector_to_array("v").alias("v")).collect()
    assert len(new) == 80
    assert all(len(row.v) == 2 and 0 <= row.v[0] < 8 for row in new)
    if neighbors == "cells":
        less = df.withColumn("v", F.when(F.col("id") % 4 > 0, F.col("v")))
        with pytest.raises(SparkBalanceError, match=r"NULL or NaN .* 'v' \(10 rows\); set missing"):
            smote.fit_resample(less)
        assert smote.replace(missing="drop").plan(less).rows_before == 120


def test_the_features_are_told(spark):
    df = labelled(spark, [60, 20]).withColumn("day", F.col("id") % 1)
    smote = SMOTE(label_col="label", key_cols="id", within_cols="day")
    assert smote.resample(df).notes["features"] == ["x", "y", "n"]


@pytest.mark.engines("sail", "connect")
def test_many_features_work(spark):
    """A chain of as many expressions would be deeper than a Connect message may be."""
    df = spark.range(0, 60, 1, 2).select(
        *[(F.xxhash64("id", F.lit(i)) % 1000 / 7).alias(f"f{i}") for i in range(150)], (F.col("id") % 3 == 0).alias("y")
    )
    out = SMOTE(label_col="y", random_state=1).fit_resample(df)
    assert {row.y: row["count"] for row in out.groupBy("y").count().collect()} == {True: 40, False: 40}
