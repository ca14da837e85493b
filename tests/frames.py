"""Small frames made of integer expressions, so that they are the same on every engine, and ways to compare them."""

from __future__ import annotations

from itertools import accumulate

from pyspark.sql import functions as F
from pyspark.sql import types as T

FEATURES = ("x", "y", "n")

# a class number becomes a label of each type
LABELS = {
    "string": lambda code: F.concat(F.lit("class "), code.cast("string")),
    "boolean": lambda code: code == 1,
    "byte": lambda code: code.cast("byte"),
    "short": lambda code: code.cast("short"),
    "int": lambda code: code.cast("int"),
    "long": lambda code: code.cast("bigint"),
    "float": lambda code: (code + 0.5).cast("float"),
    "double": lambda code: code.cast("double") / 10,
    "decimal": lambda code: (code.cast("decimal(8,2)") + F.lit("0.25").cast("decimal(8,2)")).cast("decimal(10,2)"),
    "date": lambda code: F.date_add(F.lit("2024-02-28").cast("date"), code.cast("int")),
}


def hashed(salt, *of):
    """Return 64 pseudo-random bits for each row."""
    return F.xxhash64(*[F.col(name).cast("bigint") for name in of or ("id",)], F.lit(salt).cast("bigint"))


def number(salt, below):
    """Return a pseudo-random integer in [0, below) for each row."""
    return F.pmod(hashed(salt), F.lit(below).cast("bigint"))


def fraction(salt):
    """Return a pseudo-random multiple of 2^-10 in [0, 8) for each row: exact in float64 and in small integers."""
    return number(salt, 8 * 1024) / F.lit(1024.0)


def maybe(column, salt, one_in=4):
    """Make a value NULL in one of so many rows."""
    return F.when(number(salt, one_in) != 0, column)


def class_number(sizes):
    """Return 0 for the first ids, 1 for the next, ... so that class i has sizes[i] rows."""
    code = F.lit(len(sizes) - 1)
    for i, end in reversed(list(enumerate(accumulate(sizes)))[:-1]):
        code = F.when(F.col("id") < end, F.lit(i)).otherwise(code)
    return code


def labelled(spark, sizes, label="string", partitions=4):
    """Return (id, label, x, y, n) with sizes[i] rows of class i; a nullable key, two doubles and an int."""
    rows = spark.range(0, sum(sizes), 1, partitions)
    return rows.select(
        F.when(F.col("id") >= 0, F.col("id")).alias("id"),
        LABELS[label](class_number(sizes)).alias("label"),
        fraction(1).alias("x"),
        (fraction(2) + class_number(sizes)).alias("y"),
        number(3, 1000).cast("int").alias("n"),
    )


def with_extras(df):
    """Add a column of every kind that is neither label nor feature, most with NULLs."""
    return df.withColumns(
        {
            "text": maybe(F.concat(F.lit("row ü "), F.col("id").cast("string")), 11),
            "tags": maybe(F.array(F.col("id").cast("string"), F.lit(None).cast("string")), 12),
            "place": maybe(F.struct(F.col("id").alias("code"), maybe(F.lit("here"), 13).alias("name")), 14),
            "props": maybe(F.create_map(F.lit("id"), F.col("id").cast("string")), 15),
            "seen": maybe(F.timestamp_seconds(F.col("id") * 3601), 16),
            "day": maybe(F.date_add(F.lit("2023-12-30").cast("date"), F.col("id").cast("int")), 17),
            "amount": maybe((F.col("id").cast("decimal(20,2)") / 4).cast("decimal(24,2)"), 18),
            "blob": maybe(F.encode(F.col("id").cast("string"), "utf-8"), 19),
            "dotted.name": maybe(F.col("id").cast("string"), 20),
        }
    )


def comparable(df):
    """Turn maps into sorted entries, since no engine compares or hashes a map."""
    columns = []
    for field in df.schema.fields:
        column = F.col(f"`{field.name}`")
        is_map = isinstance(field.dataType, T.MapType)
        columns.append(F.sort_array(F.map_entries(column)).alias(field.name) if is_map else column)
    return df.select(*columns)


def digest(df):
    """Return (rows, sum of row hashes): equal for frames that hold the same rows equally often, in any order."""
    plain = comparable(df)
    row = _hash([(F.col(f"`{field.name}`"), field.dataType) for field in plain.schema.fields])
    count, total = plain.agg(F.count(F.lit(1)), F.sum(row.cast("decimal(38,0)"))).first()
    return count, int(total or 0)


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


def table(df):
    """Collect a small frame as a dict of NumPy arrays or lists."""
    return df.toArrow().to_pydict()
