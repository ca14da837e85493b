"""What the engine is asked to do: scans, shuffles and Python crossings of a SMOTE, read off its plan."""

from __future__ import annotations

import contextlib
import io

import pytest
from frames import FEATURES, labelled

from spark_balance import SMOTE, EditedNearestNeighbours, RandomOverSampler, RandomUnderSampler, TomekLinks


def _plan(frame):
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        frame.explain()
    return text.getvalue()


@pytest.mark.engines("spark")
def test_smote_shuffles_once_and_leaves_the_majority_alone(spark, tmp_path):
    labelled(spark, [300, 100]).write.parquet(str(tmp_path / "rows"))
    df = spark.read.parquet(str(tmp_path / "rows"))
    frame = SMOTE(label_col="label", key_cols="id", feature_cols=FEATURES).fit_resample(df)
    plan = _plan(frame)
    assert plan.count("FileScan") == 2  # the originals, and the rows to grow
    assert plan.count("+- Exchange ") == 1
    assert plan.count("MapInArrow ") == 2  # to their cells, and to their neighbors
    assert "PushedFilters: [IsNotNull(label), EqualTo(label,class 1)]" in plan
    assert "InMemoryTableScan" not in plan


@pytest.mark.engines("spark")
def test_the_wide_projection_stays_outside_of_whole_stage_code(spark, tmp_path, request):
    labelled(spark, [300, 100]).write.parquet(str(tmp_path / "rows"))
    df = spark.read.parquet(str(tmp_path / "rows"))
    # an adaptive plan is not compiled before it runs; another marks what is compiled together with *(n)
    spark.conf.set("spark.sql.adaptive.enabled", "false")
    request.addfinalizer(lambda: spark.conf.unset("spark.sql.adaptive.enabled"))
    lines = _plan(SMOTE(label_col="label", key_cols="id", feature_cols=FEATURES).fit_resample(df)).splitlines()
    at = next(i for i, line in enumerate(lines) if "__spark_balance_gap" in line and "AS x" in line)
    assert "*(" not in lines[at]
    assert "*(" in lines[at + 1]


@pytest.mark.engines("spark")
@pytest.mark.parametrize("kind", [RandomUnderSampler, RandomOverSampler])
def test_random_samplers_with_a_key_shuffle_no_rows(spark, kind, tmp_path):
    labelled(spark, [330, 100]).write.parquet(str(tmp_path / "rows"))
    df = spark.read.parquet(str(tmp_path / "rows"))
    plan = _plan(kind(label_col="label", key_cols="id").fit_resample(df))
    assert plan.count("FileScan") == 2
    # the only shuffle is of the draws in the band
    assert plan.count("Exchange hashpartitioning") == 1
    assert "Python" not in plan
    assert "Arrow" not in plan


@pytest.mark.engines("sail")
@pytest.mark.parametrize("cleaner", [EditedNearestNeighbours, TomekLinks])
def test_a_join_does_not_hold_the_rows_of_the_table(spark, cleaner, tmp_path):
    """After a Python function no size is known, and Sail holds the left side: duplicates, and rows that are removed."""
    labelled(spark, [330, 100]).write.parquet(str(tmp_path / "rows"))
    df = SMOTE(label_col="label", feature_cols=FEATURES).fit_resample(spark.read.parquet(str(tmp_path / "rows")))
    plan = _plan(cleaner(label_col="label", feature_cols=FEATURES).fit_resample(df))
    assert "join_type=Right" in plan
    assert "mode=Partitioned, join_type=Left" not in plan
