"""The numbers of a feature in SQL: as doubles, and those of new rows in their own types."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import reduce

import numpy as np
from pyspark.sql import Column, functions as F, types as T

from spark_balance.frames.columns import Feature, quoted
from spark_balance.frames.row_ids import GAP

ROOM = 1e8  # a double times it has to be finite, so that differences and sums of features are: 1e300 may be said
_BITS = {"tinyint": 7, "smallint": 15, "int": 31, "bigint": 63}  # beside the sign
_DIGITS = 15  # that a double always holds
MARKS = 60  # bits of a number


def element_type(feature: Feature) -> T.DataType:
    """Return the type of each number."""
    if isinstance(feature.type, T.ArrayType):
        return feature.type.elementType
    return feature.type if feature.kind == "number" else T.DoubleType()


def sql(feature: Feature, kind: str = "double", *, room: bool = False) -> str | None:
    """Return SQL for a number whose name can stand in it: Spark takes ``${...}`` for a variable even inside a name.

    With `room` it is infinite where it is too large.
    """
    if feature.kind != "number" or "${" in feature.name:
        return None
    large = f" * {ROOM!r}D" if room and isinstance(feature.type, T.DoubleType) else ""
    return f"CAST({quoted(feature.name)} AS {kind.upper()}){large}"


def numbers_of(feature: Feature, kind: str = "double") -> Column:
    """Return the array of the feature's numbers, of which there may be one."""
    column = F.col(quoted(feature.name))
    if feature.kind == "number":
        return F.array(column.cast(kind))
    if feature.kind == "vector":
        from pyspark.ml.functions import vector_to_array  # pyspark.ml is slow to import, and only vectors need it

        # it stops at NULL
        return F.when(column.isNotNull(), vector_to_array(column))
    return column.cast(f"array<{kind}>")


def is_bad(numbers: Column) -> Column:
    """Tell an array that is NULL, or holds a number that is NULL, NaN, infinite or too large."""
    return numbers.isNull() | F.exists(numbers, lambda number: _is_absent(number) | _is_infinite(number))


def is_missing(numbers: Column) -> Column:
    """Tell an array that is NULL, or holds a number that is NULL or NaN."""
    return numbers.isNull() | F.exists(numbers, _is_absent)


def is_there(feature: Feature) -> Column:
    """Tell the rows that have all numbers of a feature: none is NULL or NaN."""
    number, numbers = sql(feature), numbers_of(feature)
    if number is not None:
        return F.expr(f"{number} IS NOT NULL AND NOT isnan({number})")
    # Sail takes no lambda in the filter of a file; NaN is above all other numbers
    has_nan = F.isnan(F.coalesce(F.array_max(numbers), F.lit(0.0)))
    # without ANSI mode the size of NULL is -1
    return numbers.isNotNull() & (F.size(F.array_compact(numbers)) == F.size(numbers)) & ~has_nan


def is_infinite(numbers: Column) -> Column:
    """Tell an array that holds a number that is infinite or too large."""
    return F.coalesce(F.exists(numbers, lambda number: ~_is_absent(number) & _is_infinite(number)), F.lit(False))


def _is_absent(number: Column) -> Column:
    return number.isNull() | F.isnan(number)


def _is_infinite(number: Column) -> Column:
    return F.abs(number * ROOM) == float("inf")


def absent(feature: Feature) -> str:
    """Return SQL for what a new row has where both of its parents lack a number: NULL, or NaN where none may be."""
    kind = element_type(feature)
    may_be_null = feature.nullable if feature.kind == "number" else getattr(feature.type, "containsNull", False)
    return "NULL" if may_be_null or not isinstance(kind, T.FloatType | T.DoubleType) else nan(kind.simpleString())


def nan(kind: str) -> str:
    """Return SQL for NaN in a type."""
    return f"CAST('NaN' AS {kind.upper()})"


def mark_long(features: Sequence[Feature]) -> list[Column]:
    """Return numbers whose bits say, of 60 features each, which are longer than a double in a row; none if none may be.

    Up to 2^53 a double holds every integer.
    """
    marks, may_be = list[Column](), False
    for start in range(0, len(features), MARKS):
        texts, others = ["0L"], list[Column]()
        for i, feature in enumerate(features[start : start + MARKS]):
            kind, number, most = element_type(feature), sql(feature), 2.0**53
            if isinstance(kind, T.DecimalType) and kind.precision > _DIGITS:
                most /= 10**kind.scale
            elif not isinstance(kind, T.LongType):
                continue
            may_be = True
            if number is not None:
                texts.append(f"IF(abs({number}) >= {most!r}D, {1 << i}L, 0L)")
            else:
                longest = F.array_max(F.transform(numbers_of(feature), F.abs))
                others.append(F.when(longest >= most, 1 << i).otherwise(0))
        marks.append(reduce(operator.add, others, F.expr(" + ".join(texts))))
    return marks if may_be else []


def typed(value: str, kind: T.DataType) -> str:
    """Return SQL for a double in a type.

    Integers are rounded half away from zero, decimals to their scale. Beyond the type it is the farthest double in it.
    """
    if isinstance(kind, T.DoubleType):
        return f"CAST({value} AS DOUBLE)"  # features have room
    if isinstance(kind, T.BooleanType):
        return f"round({value}) <> 0"
    rounded = f"round({value})" if isinstance(kind, T.IntegralType) else value
    most, least = _ends(kind)
    return f"CAST(greatest(least({rounded}, {most!r}D), {least!r}D) AS {kind.simpleString()})"


def _ends(kind: T.DataType) -> tuple[float, float]:
    """Return the largest and the smallest double in a type, whatever an engine rounds on the way."""
    if isinstance(kind, T.IntegralType):
        above = 2.0 ** _BITS[kind.simpleString()]
        return min(above - 1, math.nextafter(above, 0)), -above
    if isinstance(kind, T.DecimalType):
        above = 10.0 ** (kind.precision - kind.scale)
        most = min((10**kind.precision - 1) / 10**kind.scale, above * (1 - 2.0**-51))
    else:
        most = float(np.finfo(np.float32).max)
    return most, -most


def weighed(base: str, near: str, kind: T.DataType) -> str:
    """Return SQL for a number of two parents weighed by the distance to the other one: it lies between both."""
    ends = [f"CAST({one} AS DOUBLE)" for one in (base, near)]
    made = between(base, near, f"({ends[0]} + {GAP} * ({ends[1]} - {ends[0]}))", kind)
    return f"least(greatest({made}, least({base}, {near})), greatest({base}, {near}))"


def shifted(base: str, step: str, low: str, high: str, kind: T.DataType) -> str:
    """Return SQL for base + step, or base - step where that leaves [low, high), or the base where both do."""
    ways = [typed(f"(CAST({base} AS DOUBLE) {sign} {step})", kind) for sign in "+-"]
    inside = [f"WHEN CAST({way} AS DOUBLE) >= {low} AND CAST({way} AS DOUBLE) < {high} THEN {way}" for way in ways]
    return f"CASE {' '.join(inside)} ELSE {base} END"


def typed_or_absent(value: str, feature: Feature) -> str:
    """Return SQL for a double in the type of a feature: of NaN, what a row has that lacks it."""
    return f"CASE WHEN isnan({value}) THEN {absent(feature)} ELSE {typed(value, element_type(feature))} END"


def step(base: str, near: str) -> str:
    """Return SQL for base + gap * (near - base)."""
    # the difference of two floats would be one, and rounded
    return f"{base} + {GAP} * (CAST({near} AS DOUBLE) - {base})"


def step_or_only(base: str, near: str) -> str:
    """Return SQL for the same, or for the number that only one of them has; NaN where neither has one."""
    one, other = f"CAST({base} AS DOUBLE)", f"CAST({near} AS DOUBLE)"
    return f"CASE WHEN isnan({base}) THEN {other} WHEN isnan({near}) THEN {one} ELSE {step(base, near)} END"


def between_or_only(base: str, near: str, value: str, kind: T.DataType) -> str:
    """Return SQL for `between`, or for the number that only one of them has; NULL where neither has one."""
    both = between(base, near, value, kind)
    return f"CASE WHEN {base} IS NULL THEN {near} WHEN {near} IS NULL THEN {base} ELSE {both} END"


def between(base: str, near: str, value: str, kind: T.DataType) -> str:
    """Return SQL for base + gap * (near - base) of numbers longer than a double, whose sum is `value`.

    It lies between the two wherever the gap does.
    """
    step = typed(f"{GAP} * CAST({near} - {base} AS DOUBLE)", kind)
    # the sum of two decimals of 38 digits may lose its last digit, or have one more
    made = f"coalesce(try_cast({base} + {step} AS {kind.simpleString()}), {base})"
    inside = f"least(greatest({made}, least({base}, {near})), greatest({base}, {near}))"
    # where their signs differ, their difference may be beyond the type, and a double is as good
    here = f"{GAP} BETWEEN 0 AND 1 AND ({base} < 0) = ({near} < 0)"
    return f"CASE WHEN {here} THEN {inside} ELSE {typed(value, kind)} END"
