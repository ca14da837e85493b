"""What windows of a series have to be, from their schema and by one job."""

from typing import Any

from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.errors import BadValuesError, ColumnError, RefusedByGuard
from spark_balance.frames.columns import GROUP_TYPES, check_columns, check_labelled, quoted, temp
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.row_ids import unhashable

ORDERED = (T.NumericType, T.DateType, T.TimestampType, T.TimestampNTZType)
_STEPS, _PLACED, _LABELS = temp("steps"), temp("placed"), temp("labels")
_SHOWN = 5  # lengths that a refusal lists


def check_keys(method: str, schema: T.StructType, keys: tuple[str, ...]) -> None:
    """Refuse columns that cannot identify windows."""
    check_columns(method, schema, keys, "window_cols")
    _check_kinds(method, schema, keys, "window_cols", GROUP_TYPES, "a string, boolean, number, date or timestamp")


def _check_kinds(
    method: str, schema: T.StructType, names: tuple[str, ...], role: str, kinds: tuple[Any, ...], allowed: str
) -> None:
    for name in names:
        if not isinstance(schema[name].dataType, kinds):
            kind = schema[name].dataType.simpleString()
            raise ColumnError(f"{method}: {role} names column '{name}' of type {kind}; name {allowed}")


def check_window_columns(method: str, df: DataFrame, keys: tuple[str, ...], order_col: str, label_col: str) -> None:
    """Refuse columns that cannot have their role."""
    schema = df.schema
    check_labelled(method, df, label_col, ())
    if not keys:
        raise ColumnError(f"{method}: window_cols is empty; name the columns that tell one window from another")
    check_keys(method, schema, keys)
    check_columns(method, schema, [order_col], "order_col")
    _check_kinds(method, schema, (order_col,), "order_col", ORDERED, "a number, date or timestamp")
    roles = [*keys, order_col, label_col]
    for name in roles:
        if roles.count(name) > 1:
            raise ColumnError(f"{method}: column '{name}' is two of window_cols, order_col and label_col; name others")
    for field in schema.fields:
        if unhashable(field.dataType):
            raise ColumnError(
                f"{method}: column '{field.name}' is of type {field.dataType.simpleString()}; Spark sorts no maps and "
                "variants, so drop it, or take map_entries of it"
            )


def check_windows(
    method: str, df: DataFrame, keys: list[Column], same: list[Column], order_col: str, aligned: bool, max_steps: int
) -> None:
    """Refuse windows with several labels, without an order, of different lengths or of too many steps: one job."""
    told = df.groupBy(*keys, *same).agg(F.count(F.lit(1)).alias(_STEPS), F.count(quoted(order_col)).alias(_PLACED))
    sums = [F.sum(_STEPS).alias(_STEPS), F.sum(_PLACED).alias(_PLACED), F.count(F.lit(1)).alias(_LABELS)]
    each = told.groupBy(*keys).agg(*sums)
    mixed = F.count(F.when(F.col(_LABELS) > 1, 1))
    ends = [F.count(F.lit(1)), F.sum(_STEPS), F.sum(_PLACED), F.min(_STEPS), F.max(_STEPS), mixed]
    found = to_arrow(each.agg(*[one.alias(f"{_STEPS}{i}") for i, one in enumerate(ends)])).to_pylist()[0]
    windows, rows, placed, least, most, several = found.values()
    if not windows:
        return
    if several:
        one = to_arrow(each.where(F.col(_LABELS) > 1).limit(1)).to_pylist()[0]
        *values, steps, _, labels = one.values()
        what, advice = "labels", "a window has one, so make a column of it first, such as the window's largest"
        if same[1:]:
            what = "labels or origins"
            advice += "; of copies and new windows name the column of their numbers in window_cols, too"
        raise BadValuesError(
            f"{method}: {several:,} of {windows:,} windows have several {what}, such as {tuple(values)!r} with "
            f"{labels} in {steps} rows; {advice}"
        )
    if placed < rows:
        raise BadValuesError(
            f"{method}: order_col '{order_col}' is NULL in {rows - placed:,} of {rows:,} rows, which then have no "
            "place in their window; filter or fill them"
        )
    if most > max_steps:
        raise RefusedByGuard(
            f"{method}: a window has {most:,} steps, and max_steps={max_steps:,}; name more window_cols, or cut "
            "windows into shorter ones"
        )
    if aligned and least < most:
        lengths = each.groupBy(_STEPS).agg(F.count(F.lit(1)).alias(_LABELS))
        first = to_arrow(lengths.orderBy(F.desc(_LABELS), _STEPS).limit(_SHOWN)).to_pydict()
        shown = ", ".join(f"{n:,} of {steps:,}" for steps, n in zip(first[_STEPS], first[_LABELS], strict=True))
        raise BadValuesError(
            f"{method}: windows have from {least:,} to {most:,} steps ({shown}, for example); fill or drop the steps "
            "that make them differ, or set aligned=False for a method that looks at no features"
        )
