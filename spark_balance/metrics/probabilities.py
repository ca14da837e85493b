"""Class probabilities as columns: one double, an array of doubles, or a vector of pyspark.ml."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.errors import BadValuesError, ColumnError
from spark_balance.frames.columns import quoted, stop
from spark_balance.frames.plan import Label


@dataclass(frozen=True)
class Probabilities:
    """A column of class probabilities and the classes that they are of, in order."""

    method: str
    name: str
    type: T.DataType
    shape: Literal["scalar", "array", "vector"]
    labels: tuple[Label, ...]

    @classmethod
    def of(cls, method: str, schema: T.StructType, name: str, labels: Sequence[Label]) -> Probabilities:
        """Read the shape from the schema."""
        kind = schema[name].dataType
        shape: Literal["scalar", "array", "vector"]
        if isinstance(kind, T.DoubleType | T.FloatType):
            shape = "scalar"
        elif isinstance(kind, T.ArrayType) and isinstance(kind.elementType, T.DoubleType | T.FloatType):
            shape = "array"
        # by name, since pyspark.ml is slow to import and Sail has none
        elif type(kind).__name__ == "VectorUDT":
            shape = "vector"
        else:
            raise ColumnError(
                f"{method}: probability_col '{name}' is of type {kind.simpleString()}; probabilities are a vector, "
                "an array of doubles or one double"
            )
        if shape == "scalar" and len(labels) != 2:
            raise ColumnError(
                f"{method}: probability_col '{name}' is one double, which has the probabilities of two classes and "
                f"not of {len(labels)}; give an array or a vector"
            )
        return cls(method, name, kind, shape, tuple(labels))

    def each(self) -> list[Column]:
        """Return the probability of each class, in the order of the labels."""
        column = F.col(quoted(self.name))
        if self.shape == "scalar":
            return [1.0 - column.cast("double"), column.cast("double")]
        values = self._array()
        return [F.get(values, F.lit(place)).cast("double") for place in range(len(self.labels))]

    def scaled(self, factors: Sequence[float]) -> Column:
        """Multiply by the factors and divide by the sum; NULL stays NULL, and so does a sum that is not above 0."""
        if self.shape == "scalar":
            other, one = [p * F.lit(factor) for p, factor in zip(self.each(), factors, strict=True)]
            return F.when(other + one > 0, one / (other + one)).cast(self.type)
        # in lambdas and not term by term: with a hundred classes that would be ten thousand terms to plan
        weights = F.array(*[F.lit(factor) for factor in factors])
        products = F.transform(self._array(), lambda p, place: p.cast("double") * F.get(weights, place))
        total = F.aggregate(products, F.lit(0.0), lambda added, p: added + p)
        whole = F.when(total > 0, F.transform(products, lambda p: p / total))
        if self.shape == "array":
            return whole.cast(self.type)
        from pyspark.ml.functions import array_to_vector

        return array_to_vector(whole)

    def values(self) -> Column:
        """Return the array of a vector or an array."""
        column = F.col(quoted(self.name))
        if self.shape != "vector":
            return column
        from pyspark.ml.functions import vector_to_array

        return vector_to_array(column)

    def _array(self) -> Column:
        """Return the probabilities as an array, or stop the job at a row with another number of them."""
        values = self.values()
        sentence = (
            f"{self.method}: probability_col '{self.name}' has a row with another number of probabilities than there "
            f"are classes ({len(self.labels)}); name all classes with labels"
        )
        unequal = F.size(values) != len(self.labels)
        # of the values' own type, and evaluated only where the number is wrong
        stopped = F.transform(values, lambda p: p + stop(BadValuesError, sentence, p).cast("double"))
        return F.when(values.isNotNull() & unequal, stopped).otherwise(values)


def add_columns(columns: Sequence[Column]) -> Column:
    """Add columns pairwise: a chain of a hundred would be nested too deep for Connect."""
    if len(columns) <= 2:
        return reduce(lambda one, other: one + other, columns)
    half = len(columns) // 2
    return add_columns(columns[:half]) + add_columns(columns[half:])


def put_column(df: DataFrame, name: str, column: Column) -> DataFrame:
    """Add a column at the end, or replace the one of that name, metadata kept."""
    if name not in df.columns:
        return df.select("*", column.alias(name))
    fields = df.schema
    return df.select(
        *[column.alias(one, metadata=fields[one].metadata) if one == name else F.col(quoted(one)) for one in df.columns]
    )
