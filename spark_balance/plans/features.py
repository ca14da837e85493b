"""Feature columns as one array of doubles, and back to their own types."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import Feature, quoted

# what is said of every feature is said in SQL: each operation on a column takes a millisecond of classic Spark's driver
_TERMS = 64  # of one sum, which every parser can nest


@dataclass(frozen=True)
class FeatureColumns:
    """The feature columns, and how many numbers each holds once that is known."""

    features: tuple[Feature, ...]
    widths: tuple[int, ...] = ()

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return sum(self.widths)

    @property
    def flat(self) -> Column:
        """All features of a row as one array<double>."""
        if all(map(_spelt, self.features)):
            return F.expr(f"array({', '.join(map(_number, self.features))})")
        parts = [_numbers(feature) for feature in self.features]
        arrays = [
            F.array(part) if feature.kind == "number" else part
            for feature, part in zip(self.features, parts, strict=True)
        ]
        return F.concat(*arrays)

    @property
    def bad(self) -> list[Column]:
        """For each feature, whether the row's value is NULL, NaN or infinite."""
        return [_bad(feature) for feature in self.features]

    @property
    def any_bad(self) -> Column:
        """Whether any of the row's values is NULL, NaN or infinite.

        Zero times a number is 0 unless the number is one of these: far less code than
        a condition for each feature, so that the JVM compiles it.
        """
        numbers = [feature for feature in self.features if _spelt(feature)]
        zeros = [
            F.expr(" + ".join(f"{_number(feature)} * 0D" for feature in numbers[start : start + _TERMS]))
            for start in range(0, len(numbers), _TERMS)
        ]
        checks = [_bad(feature) for feature in self.features if not _spelt(feature)]
        if zeros:
            total = _folded(operator.add, zeros)
            checks.append(total.isNull() | F.isnan(total))
        return _folded(operator.or_, checks)

    @property
    def sizes(self) -> list[Column]:
        """For each feature that is not a single number, how many numbers the row holds."""
        return [F.size(_numbers(feature)) for feature in self.features if feature.kind != "number"]

    def restored(self, value: Callable[[int], Column]) -> dict[str, Column]:
        """Build the feature columns from their numbers, in their own types.

        Integers are rounded half away from zero, decimals to their scale.
        """
        columns, start = {}, 0
        for feature, width in zip(self.features, self.widths, strict=True):
            values = [value(i) for i in range(start, start + width)]
            columns[feature.name] = _restored(feature, values)
            start += width
        return columns


def _folded(combine: Callable[[Column, Column], Column], columns: list[Column]) -> Column:
    """Combine columns pair by pair: a chain of hundreds is deeper than Connect's messages may be."""
    while len(columns) > 1:
        pairs = [combine(*columns[i : i + 2]) for i in range(0, len(columns) - 1, 2)]
        columns = pairs + columns[2 * len(pairs) :]
    return columns[0]


def _spelt(feature: Feature) -> bool:
    """Tell a number whose name can stand in SQL, where Spark takes ``${...}`` for a variable even inside a name."""
    return feature.kind == "number" and "${" not in feature.name


def _number(feature: Feature) -> str:
    return f"CAST({quoted(feature.name)} AS DOUBLE)"


def _numbers(feature: Feature) -> Column:
    column = F.col(quoted(feature.name))
    if feature.kind == "number":
        return column.cast("double")
    return _array_of(column) if feature.kind == "vector" else column.cast("array<double>")


def _array_of(vector: Column) -> Column:
    from pyspark.ml.functions import vector_to_array  # pyspark.ml is slow to import, and only vectors need it

    return vector_to_array(vector)


def _bad(feature: Feature) -> Column:
    numbers = _numbers(feature)
    if feature.kind == "number":
        return _not_finite(numbers)
    return numbers.isNull() | F.exists(numbers, _not_finite)


def _not_finite(number: Column) -> Column:
    return number.isNull() | F.isnan(number) | (F.abs(number) == float("inf"))


def _restored(feature: Feature, values: list[Column]) -> Column:
    if feature.kind == "vector":
        from pyspark.ml.functions import array_to_vector

        return array_to_vector(F.array(*values))
    if feature.kind == "array":
        assert isinstance(feature.type, T.ArrayType)
        return F.array(*[_typed(value, feature.type.elementType) for value in values]).cast(feature.type)
    return _typed(values[0], feature.type)


def _typed(value: Column, kind: T.DataType) -> Column:
    return F.round(value).cast(kind) if isinstance(kind, T.IntegralType) else value.cast(kind)
