"""Repeat or keep rows, and say where each row comes from."""

from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.frames.columns import quoted, temp
from spark_balance.frames.row_ids import CODE, HI, LO, NTH, with_columns_of

COPY, _RUN = temp("copy"), temp("run")
RUN = 2**16  # copies of one row that an engine holds at once


def repeated(rows: DataFrame, first: Column, last: Column, most: int) -> DataFrame:
    """Repeat each row once for every copy number from `first` to `last`, `most` at most; none when last < first."""
    # the filter matters: sequence(1, 0) counts down and has two elements
    return copied(rows.where(last >= first), first, last, most)


def copied(rows: DataFrame, first: Column, last: Column, most: int, step: int = 1) -> DataFrame:
    """Repeat each row once for every `step`-th copy number from `first` to `last`, of which there are `most` at most.

    An engine holds all numbers of a row as one array: where they are many, runs of them come first.
    """
    if most > RUN * step:
        rows = rows.withColumn(_RUN, F.explode(F.sequence(first, last, F.lit(RUN * step))))
        first, last = F.col(_RUN), F.least(last, F.col(_RUN) + (RUN - 1) * step)
    return rows.withColumn(COPY, F.explode(F.sequence(first, last, F.lit(step)))).drop(_RUN)


def origin(schema: T.StructType, key_cols: tuple[str, ...]) -> Column:
    """Return a struct that tells a row: its key columns, or without a key its identity."""
    if key_cols:
        return F.struct(*[F.col(quoted(name)).alias(name) for name in key_cols])
    return F.struct(F.col(HI).alias("hash_1"), F.col(LO).alias("hash_2"))


def origin_type(schema: T.StructType, key_cols: tuple[str, ...]) -> T.StructType:
    """Return the type of `origin`."""
    if key_cols:
        return T.StructType([T.StructField(name, schema[name].dataType) for name in key_cols])
    return T.StructType([T.StructField("hash_1", T.LongType()), T.StructField("hash_2", T.LongType())])


def provenance(
    kind: Column,
    of: T.StructType,
    base: Column | None = None,
    neighbor: Column | None = None,
    gap: Column | None = None,
) -> Column:
    """Return the struct (kind, base, neighbor, gap) that says what a row is made of."""
    nothing = F.lit(None)
    return F.struct(
        kind.alias("kind"),
        (nothing if base is None else base).cast(of).alias("base"),
        (nothing if neighbor is None else neighbor).cast(of).alias("neighbor"),
        (nothing if gap is None else gap).cast("double").alias("gap"),
    )


def provenance_type(of: T.StructType) -> T.StructType:
    """Return the type of `provenance`."""
    return T.StructType().add("kind", "string").add("base", of).add("neighbor", of).add("gap", "double")


def is_provenance(kind: T.DataType) -> bool:
    """Tell the type of a provenance column, whatever its name."""
    return isinstance(kind, T.StructType) and kind.names == ["kind", "base", "neighbor", "gap"]


MOST_SENT = 1_000_000  # identities that are broadcast: 24 MB
_KEPT = temp("kept")


def of_classes(codes: list[int]) -> Column:
    """Tell the rows of some classes; rows without a class are of none."""
    return F.coalesce(F.col(CODE).isin(codes), F.lit(False))


def only_chosen(placed: DataFrame, codes: list[int], units: DataFrame, n: int) -> DataFrame:
    """Drop the rows of some classes that are not among the `n` units: a scan, and a shuffle where units are many."""
    kept = units.select(HI, LO, NTH, F.lit(True).alias(_KEPT))
    kept = F.broadcast(kept) if n <= MOST_SENT else kept
    return with_columns_of(kept, placed, [HI, LO, NTH]).where(~of_classes(codes) | F.col(_KEPT))
