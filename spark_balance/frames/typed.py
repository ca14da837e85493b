"""New rows in the columns and the types of a schema."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.frames.columns import quoted, temp

_PLACE, _NAME = temp("place"), temp("name")  # of a column that is not said in SQL, or not named there
_VALUES: dict[str, tuple[type[T.DataType], ...]] = {  # of types that are not made of others
    "0": (T.NumericType,),
    "''": (T.StringType, T.BinaryType),
    "false": (T.BooleanType,),
    "DATE'1970-01-01'": (T.DateType, T.TimestampType, T.TimestampNTZType),
    "INTERVAL '0' SECOND": (T.DayTimeIntervalType,),
    "INTERVAL '0' MONTH": (T.YearMonthIntervalType,),
}


def as_column(value: Column | str) -> Column:
    """Return the column that a value of a row is, which is SQL or one already."""
    return F.expr(value) if isinstance(value, str) else value


def apart(value: Column | str) -> Column:
    """Return the same value by a detour that keeps its projection out of Spark's whole-stage code."""
    # one method for all features passes 8,000 bytes of bytecode at about 30 of them, and the JVM never compiles it
    # (measured at 60 features: 4 times slower); outside, Spark splits the projection into small methods
    return F.get(F.transform(F.array(as_column(value)), lambda one: one), F.lit(0))


def in_schema(
    rows: DataFrame, schema: T.StructType, values: Mapping[str, Column | str], more: Mapping[str, Column]
) -> DataFrame:
    """Give new rows the columns of a schema, and more behind them: some values in their types, NULL elsewhere.

    Numbers are texts of one call, since each operation on a column takes a millisecond of classic Spark's driver. What
    no text can say is a column before.
    """
    made, texts = list[Column](), dict[str, str]()
    for field in schema.fields:
        value, kind, place = values.get(field.name, "NULL"), field.dataType, f"{_PLACE}{len(made)}"
        if isinstance(value, str) and isinstance(kind, T.NumericType):
            name = kind.simpleString()
            text = f"CAST({value} AS {name})"
            text = text if field.nullable else f"coalesce({text}, CAST(0 AS {name}))"
            if field.metadata:
                made.append(F.expr(text).alias(place, metadata=field.metadata))
            texts[field.name] = place if field.metadata else text
        else:
            column = as_column(value).cast(kind.simpleString() if isinstance(kind, T.NumericType) else kind)
            made.append(required(column, field).alias(place, metadata=field.metadata))
            texts[field.name] = place
    for name, column in more.items():
        texts[name] = f"{_PLACE}{len(made)}"
        made.append(column.alias(texts[name]))
    said, later = list[str](), dict[str, str]()
    for name, text in texts.items():
        here = name
        if "${" in name:  # Spark takes it for a variable even inside a name
            here = f"{_NAME}{len(later)}"
            later[here] = name
        said.append(f"{text} AS {quoted(here)}")
    columns = rows.select("*", *made).selectExpr(*said)
    return columns.withColumnsRenamed(later) if later else columns


def required(column: Column, field: T.StructField) -> Column:
    """Declare a column that holds no NULL as such, where the schema says so."""
    never = None if field.nullable else _placeholder(field.dataType)
    found = column if never is None else F.coalesce(column, never)
    # Sail makes each interval one of days to seconds
    return found.cast(field.dataType) if isinstance(field.dataType, T.AnsiIntervalType) else found


def _placeholder(kind: T.DataType) -> Column | None:
    """Return any value of a type: never used, but an engine infers from it that the column holds no NULL."""
    if isinstance(kind, T.ArrayType):
        return F.array().cast(kind)
    if isinstance(kind, T.MapType):
        sides = [F.array().cast(T.ArrayType(one, containsNull=False)) for one in (kind.keyType, kind.valueType)]
        return F.map_from_arrays(*sides).cast(kind)
    if isinstance(kind, T.StructType):
        parts = [_placeholder(field.dataType) for field in kind.fields]
        if all(part is not None for part in parts):
            return F.struct(
                *[part.alias(f.name) for part, f in zip(parts, kind.fields, strict=True) if part is not None]
            )
    return next((F.expr(text).cast(kind) for text, kinds in _VALUES.items() if isinstance(kind, kinds)), None)
