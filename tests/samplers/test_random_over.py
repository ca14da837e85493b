"""What only random over-sampling has: even copies, and where each came from."""

from __future__ import annotations

import math

import pytest
from frames import labelled, rows_by_label
from pyspark.sql import functions as F

from spark_balance import RandomOverSampler


@pytest.mark.parametrize("key", [None, "id"], ids=["unkeyed", "keyed"])
def test_copies_are_spread_evenly(spark, key):
    df = labelled(spark, [1_000, 230, 70])
    out = RandomOverSampler(label_col="label", key_cols=key).fit_resample(df)
    times = out.groupBy("label", "id").count().groupBy("label", "count").agg(F.count(F.lit(1)).alias("rows"))
    found = {(row[0], row[1]): row[2] for row in times.collect()}
    assert found == {
        ("class 0", 1): 1_000,
        ("class 1", 4): 230 - 80,
        ("class 1", 5): 80,  # 1,000 = 4 * 230 + 80
        ("class 2", 14): 50,
        ("class 2", 15): 20,
    }


@pytest.mark.every_engine
def test_provenance_tells_replicas_and_their_base(spark):
    df = labelled(spark, [300, 100])
    out = RandomOverSampler(label_col="label", key_cols="id", provenance_col="p").fit_resample(df)
    assert out.schema["p"].dataType.simpleString() == (
        "struct<kind:string,base:struct<id:bigint>,neighbor:struct<id:bigint>,gap:double>"
    )
    kinds = rows_by_label(out.select("p.kind"), "kind")
    assert kinds == {"original": 400, "replica": 200}
    assert out.where("p.kind = 'original' AND p.base IS NOT NULL").count() == 0
    assert out.where("p.kind = 'replica' AND (p.base.id IS NULL OR p.base.id != id)").count() == 0
    assert out.where("p.neighbor IS NOT NULL OR p.gap IS NOT NULL").count() == 0


def test_without_a_key_provenance_is_the_identity_hash(spark):
    df = labelled(spark, [300, 100])
    out = RandomOverSampler(label_col="label", provenance_col="p", output="added").fit_resample(df)
    assert out.schema["p"].dataType["base"].dataType.simpleString() == "struct<hash_1:bigint,hash_2:bigint>"
    assert out.select("p.base").distinct().count() == out.select("id").distinct().count() == 100


@pytest.mark.parametrize("key", [None, "id"], ids=["unkeyed", "keyed"])
def test_approximate_counts_are_binomial(spark, key):
    df = labelled(spark, [45_000, 30_000], "decimal")
    out = RandomOverSampler(label_col="label", exact=False, key_cols=key, random_state=3).fit_resample(df)
    after = [rows for _, rows in sorted(rows_by_label(out).items())]
    assert after[0] == 45_000
    assert abs(after[1] - 45_000) < 6 * math.sqrt(30_000 * 0.25)
    assert after[1] != 45_000
