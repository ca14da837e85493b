"""Timestamps that travel with the features come back as they were, whatever the session's zone is."""

from __future__ import annotations

import pytest
from frames import digest, labelled
from pyspark.sql import functions as F

from spark_balance import SMOTE

ZONE = "spark.sql.session.timeZone"


@pytest.fixture
def in_zone(spark):
    """Set the session's time zone until the test ends."""
    before = spark.conf.get(ZONE)
    yield lambda zone: spark.conf.set(ZONE, zone)
    spark.conf.set(ZONE, before)


@pytest.mark.parametrize(
    "neighbors",
    [
        pytest.param("cells", marks=pytest.mark.every_engine),
        pytest.param("partition", marks=pytest.mark.engines("sail", "spark")),
    ],
)
def test_a_timestamp_key_is_the_same_in_every_zone(spark, in_zone, neighbors):
    found = []
    for zone in ("UTC", "America/New_York"):
        in_zone(zone)
        df = labelled(spark, [60, 20]).withColumn("seen", F.timestamp_micros(F.col("id") * 3_600_000_000))
        smote = SMOTE(
            label_col="label",
            key_cols="seen",
            feature_cols=["x", "y"],
            provenance_col="made_of",
            passthrough="base",
            neighbors=neighbors,
        )
        out = smote.fit_resample(df)
        bases = {row[0] for row in out.select(F.unix_micros("made_of.base.seen")).collect()}
        assert bases - {None} == {i * 3_600_000_000 for i in range(60, 80)}
        found.append(digest(out.select("id", "seen", "x", "y", F.unix_micros("made_of.neighbor.seen").alias("near"))))
    assert found[0] == found[1]
