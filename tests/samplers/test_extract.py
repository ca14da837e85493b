"""An extract of the rows that are searched: the source is read once for them, and the rows are the same."""

from __future__ import annotations

import shutil
from collections import Counter

import pytest
from cases import crossed
from frames import FEATURES, labelled

from spark_balance import SMOTE
from spark_balance.testing.case import difference

ROWS = [3_000, 400, 90]
SEARCHES = ("smote", "gaussian_smote", "smotenc", "smoten")  # others look at all rows


def rows_of(frame):
    """Return the rows of a frame, counted."""
    return Counter(map(str, frame.toArrow().to_pylist()))


@crossed(lambda case: case.method in SEARCHES, everywhere=())
def test_rows_are_the_same_with_an_extract(spark, case, tmp_path):
    df, sampler = labelled(spark, [600, 90, 60]), case()
    kept = sampler.fit_resample(df, extract_path=str(tmp_path / "extract"))
    assert len(list(tmp_path.iterdir())) == 1
    assert not difference(rows_of(kept), rows_of(sampler.fit_resample(df)), most=3)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, marks=pytest.mark.every_engine, id="keyed"),
        pytest.param({"key_cols": None, "passthrough": "base"}, id="unkeyed"),
    ],
)
def test_the_source_is_read_once_for_the_rows_that_are_searched(spark, more, tmp_path):
    source, folder = str(tmp_path / "source"), tmp_path / "extract"
    labelled(spark, ROWS).write.parquet(source)
    df = spark.read.parquet(source)
    given = {"label_col": "label", "key_cols": "id", "feature_cols": FEATURES, "output": "added", "provenance_col": "p"}
    sampler = SMOTE(**given | more)
    expected = rows_of(sampler.fit_resample(df))
    made = sampler.fit_resample(df, extract_path=str(folder))
    shutil.rmtree(source)
    assert rows_of(made) == expected
    # a second run of the same finds its own folder
    assert len(list(folder.iterdir())) == 1
    read = spark.read.parquet(str(next(folder.iterdir())))
    assert {"label", *FEATURES} <= set(read.columns)
    assert read.count() == sum(ROWS[1:])
    if not more:
        assert len(read.columns) == len(["id", "label", *FEATURES]) + 2  # and the halves of the identity


def test_nothing_is_kept_where_most_rows_are_searched(spark, tmp_path):
    df = labelled(spark, [300, 200])
    SMOTE(label_col="label", key_cols="id").fit_resample(df, extract_path=str(tmp_path / "extract"))
    assert list(tmp_path.iterdir()) == []
