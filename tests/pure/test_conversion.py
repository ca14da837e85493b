"""Columns of pandas, polars and pyarrow in types of Spark and back, and what Spark cannot hold."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pyspark.sql.pandas.types import from_arrow_schema

from spark_balance import class_counts
from spark_balance.errors import SparkBalanceError
from spark_balance.frames.conversion import as_given, find_local

WHEN = [dt.datetime(2024, 3, 31, 1, 30), None]
COLUMNS = {
    "bytes": pd.Series([b"a", None]),
    "half": pd.Series([1.5, np.nan], dtype="float16"),
    "unsigned": pd.Series([1, 255], dtype="uint8"),
    "large": pd.Series([1, 2**63 - 1], dtype="uint64"),
    "nullable": pd.Series([1, None], dtype="Int8"),
    "truth": pd.Series([True, None], dtype="boolean"),
    "truths": pd.Series([True, None]),
    "objects": pd.Series([2**60 + 1, None], dtype=object),
    "text": pd.Series(["a", None], dtype="string"),
    "texts": pd.Series(["a", None], dtype="string[pyarrow]"),
    "arrow": pd.Series([1, None], dtype="int64[pyarrow]"),
    "category": pd.Series(["a", None], dtype=pd.CategoricalDtype(["b", "a"], ordered=True)),
    "numbers": pd.Series([1, 2], dtype=pd.CategoricalDtype([2, 1])),
    "zone": pd.Series(WHEN, dtype="datetime64[ns, Europe/Berlin]"),
    "time": pd.Series(WHEN, dtype="datetime64[s]"),
    "span": pd.Series([dt.timedelta(1), None]),
    "nothing": pd.Series([None, None]),
    "enum": pl.Series(["a", None], dtype=pl.Enum(["b", "a"])),
    "categorical": pl.Series(["a", None], dtype=pl.Categorical),
    "decimal": pl.Series([Decimal("1.25"), None], dtype=pl.Decimal(10, 2)),
    "milliseconds": pl.Series(WHEN, dtype=pl.Datetime("ms", "Europe/Berlin")),
    "lists": pl.Series([[1.0, 2.0], None], dtype=pl.Array(pl.Float32, 2)),
    "parts": pl.Series([{"a": 1}, None], dtype=pl.Struct({"a": pl.UInt8})),
    "dictionary": pa.array(["a", None]).cast(pa.dictionary(pa.int8(), pa.string())),
    "views": pa.array(["a", None], pa.string_view()),
    "fixed": pa.array([b"ab", None], pa.binary(2)),
    "narrow": pa.array([Decimal("1.2"), None], pa.decimal256(5, 1)),
    "days": pa.array([dt.date(2024, 1, 1), None], pa.date64()),
}


def there_and_back(frame, lost=False):
    """Return a frame of one column as it comes back from Spark; with `lost`, as if a row had become NULL there."""
    local = find_local("m", {"df": frame})["df"]
    schema, [column] = from_arrow_schema(local.table.schema), local.table.columns
    table = pa.table({"y": pa.chunked_array([[None, *column.to_pylist()[1:]]], column.type)}) if lost else local.table
    return as_given(SimpleNamespace(schema=schema, toArrow=lambda: table), local, SimpleNamespace(schema=schema))


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back_as_it_was(name):
    column = COLUMNS[name]
    frame = pd.DataFrame({"y": column}) if isinstance(column, pd.Series) else None
    if frame is None:
        frame = pl.DataFrame({"y": column}) if isinstance(column, pl.Series) else pa.table({"y": column})
    back = there_and_back(frame)
    assert back.equals(frame)
    assert (back.schema == frame.schema) if hasattr(frame, "schema") else (back.dtypes == frame.dtypes).all()


@pytest.mark.parametrize(("kind", "then"), [("int64", "Int64"), ("uint8", "UInt8"), ("bool", "boolean")])
def test_a_number_of_numpy_that_became_null_is_a_nullable_one(kind, then):
    back = there_and_back(pd.DataFrame({"y": pd.Series([0, 1], dtype=kind)}), lost=True)
    assert back.dtypes["y"] == then
    assert back["y"].isna().tolist() == [True, False]


def test_names_of_columns_stay_what_they_are_and_the_index_is_left_out():
    given = pd.DataFrame({0: [1, 2], "a": ["x", "y"], ("b", 1): [1.0, 2.0]}, index=[7, 8])
    local = find_local("m", {"df": given})["df"]
    assert local.table.column_names == ["0", "a", "('b', 1)"]
    schema = from_arrow_schema(local.table.schema)
    frame = SimpleNamespace(schema=schema, toArrow=lambda: local.table)
    pd.testing.assert_frame_equal(as_given(frame, local, frame), given.reset_index(drop=True))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (pd.DataFrame([[1, 2]], columns=["y", "y"]), "df has two columns named 'y'; rename"),
        (pa.table([[1], [2]], names=["y", "y"]), "df has two columns named 'y'; rename"),
        (
            pl.DataFrame({"y": [1], "Y": [1]}),
            "the frame has two columns named 'y' and 'Y', which are one name to Spark",
        ),
        (pd.DataFrame([[1, 2]], columns=[0, "0"]), "the frame does not become a table of Arrow .Duplicate column"),
        (pd.DataFrame({"y": [1], "at": [pd.Timestamp(1)]}), "column 'at' is of type timestamp.ns., which Spark"),
        (pd.DataFrame({"y": [2**63]}, dtype="uint64"), "column 'y' is of type uint64, which Spark"),
        (pd.DataFrame({"y": [1j]}), "the frame does not become a table of Arrow .* column y"),
        (pd.DataFrame({"y": [1, "a"]}), "the frame does not become a table of Arrow .* column y"),
        (pd.DataFrame({"y": pd.period_range("2020", periods=1)}), "column 'y' is of type extension"),
        (pl.DataFrame({"y": pl.Series([1], dtype=pl.Int128)}), "the frame does not become a table of Arrow"),
        (pl.LazyFrame({"y": [1]}), "df is of type polars.* give a DataFrame of Spark, pandas or polars, or a Table of"),
        (pd.Series([1]), "df is of type pandas.* give a DataFrame of Spark, pandas or polars, or a Table of"),
    ],
    ids=[
        "twice",
        "twice in Arrow",
        "case",
        "text",
        "ns",
        "unsigned",
        "complex",
        "mixed",
        "period",
        "128",
        "lazy",
        "series",
    ],
)
def test_what_spark_cannot_hold_gets_a_sentence_before_an_engine_starts(given, said):
    with pytest.raises(SparkBalanceError, match=f"class_counts: {said}"):
        class_counts(given, "y")


def test_without_narwhals_the_sentence_says_what_to_install(monkeypatch):
    for module in ("arguments", "conversion"):
        monkeypatch.setattr(f"spark_balance.frames.{module}.find_spec", lambda name: None)
    with pytest.raises(SparkBalanceError, match="df is of type pandas.*; for all but Spark's, pip install narwhals$"):
        class_counts(pd.DataFrame({"y": [0, 1]}), "y")
