"""Repeat or keep rows, say where each row comes from, and find the rows that it comes from."""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import and_
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.frames.columns import quoted, temp
from spark_balance.frames.older_spark import from_arrow, to_arrow
from spark_balance.frames.row_ids import CODE, HI, LO, NTH, identity, with_columns_of

COPY, _RUN, _OWN = temp("copy"), temp("run"), temp("own")
_HASHES = ("hash_1", "hash_2")  # what names a row without a key
PARENTS = ("base", "neighbor")
FIELDS = ("kind", *PARENTS, "gap")
RUN = 2**16  # copies of one row that an engine holds at once


def repeated(rows: DataFrame, first: Column, last: Column, most: int) -> DataFrame:
    """Repeat each row once for every copy number from `first` to `last`, `most` at most; none when last < first."""
    # the filter matters: sequence(1, 0) counts down and has two elements
    return copied(rows.where(last >= first), first, last, most)


def copied(rows: DataFrame, first: Column, last: Column, most: int, step: Column | None = None) -> DataFrame:
    """Repeat each row once for every `step`-th copy number from `first` to `last`, of which there are `most` at most.

    An engine holds all numbers of a row as one array: where they are many, runs of them come first.
    """
    step = F.lit(1) if step is None else step
    if most > RUN:
        rows = rows.withColumn(_RUN, F.explode(F.sequence(first, last, RUN * step)))
        first, last = F.col(_RUN), F.least(last, F.col(_RUN) + (RUN - 1) * step)
    return rows.withColumn(COPY, F.explode(F.sequence(first, last, step))).drop(_RUN)


def origin(schema: T.StructType, key_cols: tuple[str, ...]) -> Column:
    """Return a struct that tells a row: its key columns, or without a key its identity."""
    if key_cols:
        return F.struct(*[F.col(quoted(name)).alias(name) for name in key_cols])
    return F.struct(F.col(HI).alias(_HASHES[0]), F.col(LO).alias(_HASHES[1]))


def origin_type(schema: T.StructType, key_cols: tuple[str, ...]) -> T.StructType:
    """Return the type of `origin`."""
    if key_cols:
        return T.StructType([T.StructField(name, schema[name].dataType) for name in key_cols])
    return T.StructType([T.StructField(name, T.LongType()) for name in _HASHES])


def keys_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the key columns that an origin of these fields names a row by; none if it is a hash of all columns."""
    return () if tuple(names) == _HASHES else tuple(names)


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


def is_new(mark: Column) -> Column:
    """Tell the rows that resampling added, by their provenance; a row without one is an original."""
    return F.coalesce(mark.getField("kind") != "original", F.lit(False))


def provenance_fields(schema: T.StructType) -> list[T.StructField]:
    """Return the columns that say what rows are made of."""
    return [field for field in schema.fields if is_provenance(field.dataType)]


def is_provenance(kind: T.DataType) -> bool:
    """Tell the type of a provenance column, whatever its name."""
    return isinstance(kind, T.StructType) and tuple(kind.names) == FIELDS


def parent_types(kind: T.DataType) -> dict[str, T.StructType]:
    """Return the types of what names base and neighbor; a frame of pandas has none of what is NULL everywhere."""
    told = {one.name: one.dataType for one in kind.fields} if isinstance(kind, T.StructType) else {}
    return {parent: of for parent in PARENTS if isinstance(of := told.get(parent), T.StructType)}


def parent_identity(method: str, parent: Column, of: T.StructType, kinds: T.StructType) -> tuple[Column, Column]:
    """Return the identity of a parent that a struct of type `of` names, its key in its own types; NULL without one."""
    keys = keys_of(of.names)
    if not keys:
        return parent.getField(_HASHES[0]), parent.getField(_HASHES[1])
    # pandas has made floats of whole numbers beside a NULL
    hi, lo = identity(method, kinds, keys, lambda key: parent.getField(key).cast(kinds[key].dataType))
    return F.when(parent.isNotNull(), hi), F.when(parent.isNotNull(), lo)


def find_origins(
    method: str, before: DataFrame, key_cols: tuple[str, ...], wanted: Iterable[Mapping[str, Any] | None]
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Find the rows that origins name, by the values of the origin, one row for each: a scan, a broadcast of those."""
    origins = {tuple(one.values()): one for one in wanted if one is not None}
    if not origins:
        return {}
    kind = origin_type(before.schema, key_cols)
    hashes = identity(method, before.schema, key_cols)
    rows = before.select("*", *hashes).withColumn(_OWN, origin(before.schema, key_cols))
    named = pa.table({name: [one[name] for one in origins.values()] for name in kind.names})
    sent = from_arrow(before.sparkSession, named, kind)
    same = [F.col(_OWN).getField(name).eqNullSafe(sent[quoted(name)]) for name in kind.names]
    found = rows.join(F.broadcast(sent), reduce(and_, same), "left_semi")
    # rows without a key may be equal
    found = found.dropDuplicates([HI, LO]).drop(HI, LO)
    return {tuple(row.pop(_OWN).values()): row for row in to_arrow(found).to_pylist()}


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
