"""New rows between bases and their neighbours, in the engine."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import temp
from spark_balance.plans.features import FeatureColumns
from spark_balance.plans.keep import COPIES
from spark_balance.plans.keys import HI, LO, NTH, draw, uniform
from spark_balance.plans.neighbours import BASE, FIRST, NEAR, numbers_of
from spark_balance.plans.replicate import COPY

GAP = temp("gap")


def interpolated(found: DataFrame, k: int, gap_stream: int) -> DataFrame:
    """Make one row for each copy of a base, with its gap.

    Notes
    -----
    Cost: none of its own; explode and arithmetic in the scan's own stage.
    """
    copies = found.withColumn(COPY, F.explode(F.sequence(F.col(FIRST), F.col(COPIES) - 1, F.lit(k))))
    return copies.withColumn(GAP, uniform(draw(gap_stream, HI, LO, NTH, COPY)))


def new_features(columns: FeatureColumns) -> dict[str, Column]:
    """Return each feature column of a new row: base + gap * (neighbour - base)."""
    bases, neighbours = numbers_of(BASE, columns.width), numbers_of(NEAR, columns.width)

    def value(i: int) -> Column:
        return F.expr(f"{bases[i]} + {GAP} * ({neighbours[i]} - {bases[i]})")

    return columns.restored(value)


def apart(column: Column) -> Column:
    """Return the same column by a detour that keeps its projection out of Spark's whole-stage code.

    One method for all features passes 8,000 bytes of bytecode at about 30 of them, and the
    JVM then never compiles it (measured at 60 features: 4 times slower); outside, Spark
    splits the projection into small methods.
    """
    return F.get(F.transform(F.array(column), lambda value: value), F.lit(0))


def in_schema(schema: T.StructType, values: Mapping[str, Column]) -> list[Column]:
    """Give new rows the columns of a schema: some values in their types, NULL elsewhere."""
    return [
        required(values.get(field.name, F.lit(None)).cast(field.dataType), field).alias(
            field.name, metadata=field.metadata
        )
        for field in schema.fields
    ]


def required(column: Column, field: T.StructField) -> Column:
    """Declare a column that holds no NULL as such, where the schema says so."""
    if field.nullable:
        return column
    never = _placeholder(field.dataType)
    return column if never is None else F.coalesce(column, never)


def _placeholder(kind: T.DataType) -> Column | None:
    """Return any value of a type: never used, but an engine infers from it that there is no NULL."""
    if isinstance(kind, T.NumericType):
        return F.lit(0).cast(kind)
    if isinstance(kind, T.StringType):
        return F.lit("").cast(kind)
    if isinstance(kind, T.BooleanType):
        return F.lit(False)
    if isinstance(kind, T.DateType | T.TimestampType | T.TimestampNTZType):
        return F.lit("1970-01-01").cast("date").cast(kind)
    if isinstance(kind, T.ArrayType):
        return F.array().cast(kind)
    if isinstance(kind, T.StructType):
        parts = [_placeholder(field.dataType) for field in kind.fields]
        if all(part is not None for part in parts):
            return F.struct(
                *[part.alias(f.name) for part, f in zip(parts, kind.fields, strict=True) if part is not None]
            )
    return None
