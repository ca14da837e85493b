"""Small frames made of integer expressions, so that they are the same on every engine."""

from collections.abc import Callable, Sequence
from itertools import accumulate

from pyspark.sql import Column, DataFrame, SparkSession, functions as F

from spark_balance.frames.columns import quoted

FEATURES = ("x", "y", "n")
COUNTS = {"class 0": 300, "class 1": 120, "class 2": 50}

# a class number becomes a label of each type
LABELS: dict[str, Callable[[Column], Column]] = {
    "string": lambda code: F.concat(F.lit("class "), code.cast("string")),
    "boolean": lambda code: code == 1,
    "byte": lambda code: code.cast("byte"),
    "short": lambda code: code.cast("short"),
    "int": lambda code: code.cast("int"),
    "long": lambda code: code.cast("bigint"),
    "float": lambda code: code.cast("float"),
    "double": lambda code: code.cast("double"),
    "decimal": lambda code: (code.cast("decimal(8,2)") + F.lit("0.25").cast("decimal(8,2)")).cast("decimal(10,2)"),
    "date": lambda code: F.date_add(F.lit("2024-02-28").cast("date"), code.cast("int")),
}


def hashed(salt: int, *of: str) -> Column:
    """Return 64 pseudo-random bits for each row."""
    return F.xxhash64(*[F.col(quoted(name)).cast("bigint") for name in of or ("id",)], F.lit(salt).cast("bigint"))


def number(salt: int, below: int) -> Column:
    """Return a pseudo-random integer in [0, below) for each row."""
    return F.pmod(hashed(salt), F.lit(below).cast("bigint"))


def fraction(salt: int) -> Column:
    """Return a pseudo-random multiple of 2^-10 in [0, 8) for each row: exact in float64 and in small integers."""
    return number(salt, 8 * 1024) / F.lit(1024.0)


def maybe(column: Column, salt: int, one_in: int = 4) -> Column:
    """Make a value NULL in one row of `one_in`."""
    return F.when(number(salt, one_in) != 0, column)


def class_number(sizes: Sequence[int]) -> Column:
    """Return 0 for the first ids, 1 for the next, ... so that class i has sizes[i] rows."""
    code = F.lit(len(sizes) - 1)
    for i, end in reversed(list(enumerate(accumulate(sizes)))[:-1]):
        code = F.when(F.col("id") < end, F.lit(i)).otherwise(code)
    return code


def labelled(spark: SparkSession, sizes: Sequence[int], label: str = "string", partitions: int = 4) -> DataFrame:
    """Return (id, label, x, y, n) with sizes[i] rows of class i; a nullable key, two doubles and an int."""
    sizes = list(sizes)
    rows = spark.range(0, sum(sizes), 1, partitions)
    return rows.select(
        F.when(F.col("id") >= 0, F.col("id")).alias("id"),
        LABELS[label](class_number(sizes)).alias("label"),
        fraction(1).alias("x"),
        (fraction(2) + class_number(sizes)).alias("y"),
        number(3, 1000).cast("int").alias("n"),
    )


def three_classes(spark: SparkSession, partitions: int = 4) -> DataFrame:
    """Return classes of 300, 120 and 50 rows."""
    return labelled(spark, [*COUNTS.values()], partitions=partitions)


def with_extras(df: DataFrame) -> DataFrame:
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


def described(df: DataFrame) -> DataFrame:
    """Give every column metadata, which a resampled frame has to keep."""
    return df.select(*[F.col(quoted(name)).alias(name, metadata={"comment": f"about {name}"}) for name in df.columns])


def rich(spark: SparkSession) -> DataFrame:
    """Return three classes of 300, 120 and 50 rows, with columns of every kind: what most checks work on."""
    return described(with_extras(three_classes(spark, partitions=3)))


def grouped(spark: SparkSession) -> DataFrame:
    """Return three classes in four groups: NULL, NaN, and of the other two one has a single class."""
    df = labelled(spark, [450, 150, 60])
    group = F.when(F.col("id") < 30, F.lit(3)).otherwise(number(31, 3))
    last = F.lit("NaN").cast("double")
    return df.withColumn("day", F.when(group == 0, last).when(group != 1, group.cast("double")))


def layouts(df: DataFrame) -> dict[str, DataFrame]:
    """Return the same rows in other partitions and orders."""
    return {
        "one partition, sorted backwards": df.orderBy(df["id"].desc()).coalesce(1),
        "eight partitions, shuffled": df.repartition(8, hashed(7)).sortWithinPartitions(hashed(8)),
    }
