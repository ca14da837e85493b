"""Feature columns as one array of numbers, and back to their own types."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import filterfalse, repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.frames.columns import Feature, quoted, temp
from spark_balance.frames.numbers import (
    between,
    between_or_only,
    element_type,
    is_bad,
    is_infinite,
    is_missing,
    is_there,
    numbers_of,
    sql,
    step,
    step_or_only,
    typed,
    typed_or_absent,
)
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.row_ids import BASE, LISTED, NEAR, NEAR_ORIGIN, ORIGIN, name_numbers
from spark_balance.kernels.metrics import Shared
from spark_balance.kernels.scale import Scale

if TYPE_CHECKING:
    from spark_balance.frames.classes import Strata
    from spark_balance.frames.sample import Sample
    from spark_balance.kernels.knn import Metric

FLAT = temp("flat")  # a column of all numbers of a row
_SIZES, _LONG, _MADE = temp("sizes"), temp("long_"), temp("made")

# what is said of every feature is said in SQL: each operation on a column takes a millisecond of classic Spark's driver
_TERMS = 64  # of one sum, which every parser can nest


Values = dict[str, Column | str]  # of columns by name; what is a str is SQL


@dataclass(frozen=True)
class FeatureColumns:
    """What distance is measured in: numbers alone, by Euclid's distance; a subclass has categories."""

    segment: ClassVar[bool] = True  # a new row lies between its base and one neighbor
    equalized: ClassVar[bool] = True  # `scale` divides features by their standard deviations

    features: tuple[Feature, ...]
    widths: tuple[int, ...] = ()  # how many numbers each holds, once that is known
    long: tuple[str, ...] = ()  # features with numbers that are longer than a double
    # rows may lack numbers: NULL travels as such, and is NaN to NumPy
    lacking: bool = field(default=False, kw_only=True)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that a new row has values of its own for."""
        return tuple(map(attrgetter("name"), self.features))

    def count_numbers(self, df: DataFrame) -> int:
        """Return how many numbers of a row travel, by a look at one row, which bounds what is sampled and gathered."""
        sizes = self.sizes
        numbers = len(self.features) - len(sizes)
        if not sizes:
            return numbers
        found = to_arrow(df.select(F.array(*sizes).alias(_SIZES)).limit(1))[_SIZES].to_pylist()
        return numbers + sum(size for size in (found[0] if found else []) if size and size > 0) or 1

    def prepare(self, df: DataFrame, rows: DataFrame, strata: Strata) -> tuple[DataFrame, FeatureColumns, int]:
        """Return the rows with all that is measured of them, its columns, and the numbers of a row."""
        return rows, self, self.count_numbers(df)

    def scale(self, sample: Sample, *, equalize: bool) -> Scale:
        """Return what turns features into the integers that distances are computed of, for all sampled classes."""
        even = sample.evenly(sample.rows)
        return Scale.fit(even, equalize=equalize, deviations=sample.deviations, lacking=self.lacking)

    def metrics(self, sample: Sample, scale: Scale, class_ids: Iterable[int]) -> dict[int, Metric]:
        """Return the metric of each class or pool; none where distance is Euclid's."""
        return dict.fromkeys(class_ids, Shared(self.width)) if self.lacking else {}

    def travel(self) -> list[Column]:
        """Return what travels beside the features of a row."""
        return []

    def votes(self, stream: int) -> Any:
        """Return how neighbors vote for the values of a new row; None where they do not."""
        return None

    def new_values(self, copies: DataFrame) -> tuple[DataFrame, Values]:
        """Return new rows, and of them each feature: base + gap * (neighbor - base)."""
        toward = step_or_only if self.lacking else step
        if self.width > LISTED:
            # in a projection of its own, or an engine would make the list again for each number
            lists = f"arrays_zip({BASE}, {NEAR}), pair -> {toward(f'pair.{BASE}', f'pair.{NEAR}')}"
            made = copies.withColumn(_MADE, F.expr(f"transform({lists})"))
            return made, self.restored(_MADE, paired=True)
        names = zip(name_numbers(BASE, self.width), name_numbers(NEAR, self.width), strict=True)
        steps = [toward(*pair) for pair in names]
        if not self.lacking:
            return copies, self.restored(steps, paired=True)
        return copies.withColumn(_MADE, F.expr(f"array({', '.join(steps)})")), self.restored(_MADE, paired=True)

    def long_values(self) -> dict[str, Column]:
        """Return what travels with a base and its neighbor beside doubles: the values that are longer."""
        return {_LONG + str(i): F.col(quoted(name)) for i, name in enumerate(self.long)}

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return sum(self.widths)

    @property
    def kind(self) -> type[np.generic]:
        """What holds every number of a row: 4 bytes where all features are floats."""
        return np.float32 if set(map(element_type, self.features)) <= {T.FloatType()} else np.float64

    @property
    def number_bytes(self) -> int:
        """Bytes of each."""
        return np.dtype(self.kind).itemsize

    @property
    def flat(self) -> Column:
        """All features of a row as one array<float> or array<double>."""
        return self._flat("float" if self.kind is np.float32 else "double")

    def _flat(self, kind: str) -> Column:
        numbers = [one for one in (sql(feature, kind) for feature in self.features) if one]
        if len(numbers) == len(self.features):
            return F.expr(f"array({', '.join(numbers)})")
        return F.concat(*[numbers_of(feature, kind) for feature in self.features])

    @property
    def bad(self) -> list[Column]:
        """For each feature, whether the row lacks it and may not; then for each, whether it is infinite."""
        numbers = list(map(numbers_of, self.features))
        # an array that is NULL has no length
        return [*(one.isNull() if self.lacking else is_missing(one) for one in numbers), *map(is_infinite, numbers)]

    @property
    def has_all(self) -> Column:
        """Whether the row has all numbers: none is NULL or NaN."""
        return _folded(operator.and_, [F.lit(True), *map(is_there, self.features)])

    @property
    def any_bad(self) -> Column:
        """Whether any of the row's values is infinite, beyond 1e300, or not there and may not be; they have `FLAT`."""
        if self.lacking:
            return F.col(FLAT).isNull() | is_infinite(F.col(FLAT))
        numbers, arrays = self._parts(room=True)
        # 0 times a number is 0 unless it is one of these: less code than conditions, so that the JVM compiles it
        checks = list(map(is_bad, arrays))
        zeros = []
        for start in range(0, len(numbers), _TERMS):
            terms = " * 0D + ".join(numbers[start : start + _TERMS])
            zeros.append(F.expr(f"{terms} * 0D"))
        if zeros:
            total = _folded(operator.add, zeros)
            # once in the expression: an engine plans thousands of terms for seconds
            checks.append(F.isnan(F.coalesce(total, F.lit(float("nan")))))
        return _folded(operator.or_, checks)

    @property
    def all_zero(self) -> Column:
        """Whether all of the row's numbers are 0, of rows that have `FLAT`."""
        numbers, arrays = self._parts()
        zeros = [f"{one} = 0D" for one in numbers]
        checks = [F.expr(" AND ".join(zeros[start : start + _TERMS])) for start in range(0, len(zeros), _TERMS)]
        checks += [~F.exists(array, lambda number: number != 0) for array in arrays]
        return _folded(operator.and_, checks)

    def _parts(self, *, room: bool = False) -> tuple[list[str], list[Column]]:
        """Return the numbers that are checked one by one, in SQL, and arrays of all others: `FLAT` where they are many.

        An engine spends milliseconds on each number that it reads in an expression.
        """
        numbers = list(filter(None, map(partial(sql, room=room), self.features)))
        if len(numbers) > LISTED:
            return [], [F.col(FLAT)]
        return numbers, list(map(numbers_of, filterfalse(sql, self.features)))

    @property
    def sizes(self) -> list[Column]:
        """For each feature that is not a single number, how many numbers the row holds."""
        return [F.size(numbers_of(feature)) for feature in self.features if feature.kind != "number"]

    def names_of_numbers(self, sizes: Iterable[int | None]) -> list[str]:
        """Name each number of a row, given `sizes` of one: a column by its name, those of arrays by place too."""
        held, names = iter(sizes), list[str]()
        for feature in self.features:
            if feature.kind == "number":
                names.append(feature.name)
            else:
                names += [f"{feature.name}[{place}]" for place in range(max(0, next(held, 0) or 0))]
        return names

    def restored(self, numbers: str | Sequence[str], *, paired: bool = False) -> Values:
        """Build the features in their own types, as `typed` does, of doubles: SQL for each, or the name of their list.

        Where these are `paired`, the `long_values` of base and neighbor are there, too.
        """
        columns, start = Values(), 0
        for feature, width in zip(self.features, self.widths, strict=True):
            listed = isinstance(numbers, str)
            if listed and feature.kind != "number" and not (paired and feature.name in self.long):
                many = f"transform(slice({numbers}, {start + 1}, {width}), number -> {self._typed('number', feature)})"
            else:
                here = range(start, start + width)
                some = [f"get({numbers}, {i})" if listed else numbers[i] for i in here]
                made = self._between(feature, some) if paired else list(map(self._typed, some, repeat(feature)))
                many = f"array({', '.join(made)})"
            if feature.kind == "number":
                columns[feature.name] = made[0]
            elif feature.kind == "array":
                columns[feature.name] = F.expr(many).cast(feature.type)
            else:
                from pyspark.ml.functions import array_to_vector

                columns[feature.name] = array_to_vector(F.expr(many))
            start += width
        return columns

    def _between(self, feature: Feature, sums: Sequence[str]) -> list[str]:
        """Return SQL for the numbers of a new row, given as doubles, in their own type."""
        kind = element_type(feature)
        if feature.name not in self.long:
            return list(map(self._typed, sums, repeat(feature)))
        own = f"{_LONG}{self.long.index(feature.name)}"
        at = ["{}"] if feature.kind == "number" else [f"get({{}}, {i})" for i in range(len(sums))]
        ends = [(one.format(f"{ORIGIN}.{own}"), one.format(f"{NEAR_ORIGIN}.{own}")) for one in at]
        write = between_or_only if self.lacking else between
        return [write(*end, value, kind) for end, value in zip(ends, sums, strict=True)]

    def _typed(self, value: str, feature: Feature) -> str:
        """Return SQL for a double in the type of a feature, which a row may lack."""
        return typed_or_absent(value, feature) if self.lacking else typed(value, element_type(feature))


def _folded(combine: Callable[[Column, Column], Column], columns: list[Column]) -> Column:
    """Combine columns pair by pair: a chain of hundreds is deeper than Connect's messages may be."""
    while len(columns) > 1:
        pairs = [combine(*columns[i : i + 2]) for i in range(0, len(columns) - 1, 2)]
        columns = pairs + columns[2 * len(pairs) :]
    return columns[0]
