"""Equal rows are as many rows as they are: never drawn as one block."""

from __future__ import annotations

import math

import pytest
from frames import rows_by_label
from pyspark.sql import functions as F

from spark_balance import SMOTE, RandomOverSampler, RandomUnderSampler

COPIES, VALUES = 1_000, 10


def _ten_values(spark):
    """Return 10,000 rows of class 0 of which 10 are distinct, and 5,000 distinct rows of class 1."""
    rows = spark.range(0, 15_000, 1, 4)
    many = F.col("id") < COPIES * VALUES
    return rows.select(
        F.when(many, F.lit(0)).otherwise(1).alias("label"),
        F.when(many, F.col("id") % VALUES).otherwise(F.col("id")).alias("x"),
        F.when(many, F.lit("same")).alias("note"),
    )


@pytest.mark.every_engine
@pytest.mark.parametrize("exact", [True, False])
def test_half_of_the_duplicates_is_half_of_each(spark, exact):
    out = RandomUnderSampler(label_col="label", exact=exact, random_state=3).fit_resample(_ten_values(spark))
    of_each = rows_by_label(out.where("label = 0"), "x")
    assert len(of_each) == VALUES
    spread = 6 * math.sqrt(COPIES * 0.25)
    assert all(abs(rows - COPIES / 2) < spread for rows in of_each.values())
    assert len(set(of_each.values())) > 1
    if exact:
        assert sum(of_each.values()) == 5_000


def test_the_bootstrap_draws_each_of_the_duplicates(spark):
    sampler = RandomUnderSampler(label_col="label", replacement=True, random_state=3)
    of_each = rows_by_label(sampler.fit_resample(_ten_values(spark)).where("label = 0"), "x")
    assert sum(of_each.values()) == 5_000
    spread = 6 * math.sqrt(5_000 * 0.1 * 0.9)
    assert all(abs(rows - 500) < spread for rows in of_each.values())


@pytest.mark.parametrize("exact", [True, False])
def test_the_last_copy_goes_to_some_of_the_duplicates(spark, exact):
    wish = {0: 15_000}
    sampler = RandomOverSampler(label_col="label", sampling_strategy=wish, exact=exact, random_state=3)
    of_each = rows_by_label(sampler.fit_resample(_ten_values(spark)).where("label = 0"), "x")
    spread = 6 * math.sqrt(COPIES * 0.25)
    assert all(abs(rows - 1.5 * COPIES) < spread for rows in of_each.values())
    assert len(set(of_each.values())) > 1


@pytest.mark.engines("sail", "connect")
def test_smote_takes_duplicates_for_neighbors(spark):
    """A row that has five equals has no other neighbors, so the new rows are the ten values again."""
    df = _ten_values(spark).withColumn("y", F.col("x") * 2)
    wish = {0: 15_001}
    smote = SMOTE(label_col="label", feature_cols=("x", "y"), sampling_strategy=wish, output="added", cell_rows=2_000)
    of_each = rows_by_label(smote.fit_resample(df), "x")
    assert set(of_each) == set(range(10))
    assert sum(of_each.values()) == 5_001
    assert all(abs(rows - 500) < 6 * math.sqrt(COPIES * 0.25) for rows in of_each.values())
