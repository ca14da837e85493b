"""Ways to compare small frames; the frames themselves are those that `spark_balance.testing` checks samplers on."""

from __future__ import annotations

import pyarrow as pa
from pyspark.sql import functions as F, types as T

from spark_balance.testing.case import counted_rows
from spark_balance.testing.frames import (
    FEATURES,
    LABELS,
    class_number,
    fraction,
    hashed,
    labelled,
    maybe,
    number,
    with_extras,
)

__all__ = [
    "FEATURES",
    "LABELS",
    "cached",
    "class_number",
    "collected",
    "comparable",
    "digest",
    "fraction",
    "hashed",
    "labelled",
    "maybe",
    "number",
    "rows_by_label",
    "rows_of_tasks",
    "table",
    "with_extras",
]


def comparable(df):
    """Turn maps into sorted entries, since no engine compares or hashes a map."""
    columns = []
    for field in df.schema.fields:
        column = F.col(f"`{field.name}`")
        is_map = isinstance(field.dataType, T.MapType)
        columns.append(F.sort_array(F.map_entries(column)).alias(field.name) if is_map else column)
    return df.select(*columns)


class Digest(tuple):
    """(rows, sum of row hashes) of a frame; where it differs from another, pytest shows rows: see conftest.py."""

    def __new__(cls, count, total, frame):
        self = super().__new__(cls, (count, total))
        self.frame = frame
        return self

    @property
    def rows(self):
        """The rows of the frame, as `spark_balance.testing` compares them."""
        return counted_rows(collected(self.frame), self.frame.columns)


def collected(df):
    """Collect a small frame as a list of dicts that can be compared as text."""
    return comparable(df).toArrow().to_pylist()


def digest(df):
    """Return (rows, sum of row hashes): equal for frames that hold the same rows equally often, in any order."""
    plain = comparable(df)
    row = _hash([(F.col(f"`{field.name}`"), field.dataType) for field in plain.schema.fields])
    count, total = plain.agg(F.count(F.lit(1)), F.sum(row.cast("decimal(38,0)"))).first()
    return Digest(count, int(total or 0), df)


def _hash(columns):
    """Hash values and, since xxhash64 skips NULL, which of them are NULL."""
    values = F.xxhash64(*[_hashable(column, kind) for column, kind in columns])
    return F.xxhash64(values, *[column.isNull() for column, _ in columns])


def _hashable(column, kind):
    if isinstance(kind, T.DecimalType):
        # engines hash a wide decimal differently, but agree on its text
        return column.cast("string")
    if isinstance(kind, T.StructType):
        # of a NULL struct Sail hashes what lies under it
        return F.when(column.isNotNull(), _hash([(column[field.name], field.dataType) for field in kind.fields]))
    return column


def rows_by_label(df, label="label"):
    """Count the rows of each label value."""
    return {row[0]: row[1] for row in df.groupBy(label).agg(F.count(F.lit(1))).collect()}


def rows_of_tasks(df):
    """Return how many rows the partitions have, in ascending order."""

    def count(batches):
        yield pa.RecordBatch.from_pydict({"rows": [sum(batch.num_rows for batch in batches)]})

    return sorted(row["rows"] for row in df.mapInArrow(count, "rows bigint").collect())


def table(df):
    """Collect a small frame as a dict of NumPy arrays or lists."""
    return df.toArrow().to_pydict()


def cached(spark):
    """Return the numbers of what is held in memory on classic Spark; Delta holds the state of its tables."""
    return {int(number) for number in spark.sparkContext._jsc.getPersistentRDDs()}
