"""Classes by number, and the table that joins rows to what a class becomes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_, attrgetter, itemgetter
from typing import Any, NamedTuple

import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, functions as F, types as T
from pyspark.sql.pandas.types import from_arrow_type

from spark_balance.errors import BadValuesError, CountsError
from spark_balance.frames.columns import has_value, is_set, is_stream, quoted, stop, temp
from spark_balance.frames.labelsets import EACH, class_of, label_type, labelset
from spark_balance.frames.older_spark import convert_to_arrow_type, from_arrow
from spark_balance.frames.plan import ClassPlan, ResamplingPlan
from spark_balance.frames.row_ids import CODE, HI, LO
from spark_balance.frames.text import noun_of

Numbers = Mapping[str, Sequence[Any] | NDArray[Any] | pa.Array]  # for each class, in the order of the strata


class Stratum(NamedTuple):
    """One class of one group, by number."""

    code: int
    entry: ClassPlan


@dataclass(frozen=True)
class Strata:
    """All classes of a plan, numbered, with the schema that their values come from."""

    method: str
    schema: T.StructType
    label_col: str
    within_cols: tuple[str, ...]
    entries: dict[int, ClassPlan]  # by number; there may be a million, so nothing else is made of each
    complete: bool  # every class is known, since the counts were taken and not given
    each: bool = False  # a class is one label, and a row is in the class of each of its labels

    @classmethod
    def of(cls, plan: ResamplingPlan, schema: T.StructType, complete: bool) -> Strata:
        """Number the classes of a plan."""
        entries = dict(enumerate(plan.classes))
        return cls(plan.method, schema, plan.label_col, plan.within_cols, entries, complete)

    @property
    def rows(self) -> tuple[Stratum, ...]:
        """The classes one by one, for what is done for each."""
        return tuple(map(Stratum._make, self.entries.items()))

    @property
    def sizes(self) -> dict[int, int]:
        """Rows of each class, by class id."""
        return dict(zip(self.entries, map(attrgetter("before"), self.entries.values()), strict=True))

    def where(self, chosen: Callable[[ClassPlan], bool]) -> Strata:
        """Keep some of the classes, under the numbers they have."""
        return replace(self, entries={code: entry for code, entry in self.entries.items() if chosen(entry)})

    def of_ids(self, codes: Collection[int]) -> Strata:
        """Keep some of the classes, by number."""
        return replace(self, entries={code: entry for code, entry in self.entries.items() if code in codes})

    def groups_of(self, codes: Collection[int]) -> Strata:
        """Keep every class of the groups that some classes are in."""
        groups = {entry.group for code, entry in self.entries.items() if code in codes}
        return self.where(lambda entry: entry.group in groups)

    @property
    def key_names(self) -> tuple[str, ...]:
        """The columns whose values make a class: the within columns, then the label."""
        return (*self.within_cols, self.label_col)

    def table(self, df: DataFrame, numbers: Numbers, prefix: str) -> DataFrame:
        """Make the small local frame: code, the class's values under `prefix`, and the numbers."""
        columns, keys = {CODE: pa.array(self.entries, pa.int32())}, {}
        for i, name in enumerate(self.key_names):
            values = map(attrgetter("label" if name == self.label_col else "group"), self.entries.values())
            values = values if name == self.label_col else map(itemgetter(i), values)
            keys[prefix + name] = kind = self._type(name)
            columns[prefix + name] = pa.array(list(values), convert_to_arrow_type(kind))
        columns |= {
            name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in numbers.items()
        }
        # of values alone, a timestamp without a zone would become one of the session's
        kinds = {name: keys.get(name) or from_arrow_type(values.type) for name, values in columns.items()}
        schema = T.StructType([T.StructField(name, kind) for name, kind in kinds.items()])
        return from_arrow(df.sparkSession, pa.table(columns), schema)

    def attach(self, df: DataFrame, numbers: Numbers) -> DataFrame:
        """Add each row's class number and the class's numbers; NULL for rows of no class.

        One broadcast join with a local table: no scan, no shuffle. A labelled row
        whose class is not in given counts stops the job instead of being lost.
        """
        prefix = temp("is_")
        table = F.broadcast(self.table(df, numbers, prefix))
        matches = [self._value(name, name).eqNullSafe(self._value(name, prefix + name)) for name in self.key_names]
        joined = df.join(table, reduce(and_, matches), "left").drop(*[prefix + name for name in self.key_names])
        # a filter: the engine leaves out a column that is not read, and its error with it
        return joined if self.complete else joined.where(self._known())

    def guard(self, df: DataFrame) -> DataFrame:
        """Return the rows as they are; with given counts, a class that is not in them stops the job."""
        return df if self.complete else self.attach(df, {}).select(*[F.col(quoted(name)) for name in df.columns])

    def _value(self, name: str, of: str) -> Column:
        """Return what a class's value is compared by: hashes of floats, since to Sail no NaN equals another."""
        own = EACH if self.each and of == self.label_col else of
        column, kind = F.col(quoted(own)), self._type(name)
        if isinstance(kind, T.FloatType | T.DoubleType):
            return F.xxhash64(column)
        return class_of(kind, own)

    def only(self, df: DataFrame, numbers: Numbers) -> DataFrame:
        """Keep these classes alone, with class number and numbers: files skip rows by the filter on the label."""
        labels = sorted(set(map(attrgetter("label"), self.entries.values())))
        if self.each:
            chosen = self._with_each(df).where(F.col(EACH).isin(labels))
        elif is_set(self._type(self.label_col)):
            chosen = df
        else:
            chosen = df.where(F.col(quoted(self.label_col)).isin(labels))
        if self.single:
            # the filter has chosen the class, so its numbers are constants: no join
            constants = [
                F.lit(pa.array(values)[0].as_py()).cast("bigint").alias(name) for name, values in numbers.items()
            ]
            return chosen.select("*", F.lit(next(iter(self.entries))).alias(CODE), *constants)
        # rows of other classes are not lost here but left out
        return replace(self, complete=True).attach(chosen, numbers).where(F.col(CODE).isNotNull()).drop(EACH)

    def labelled(self, df: DataFrame) -> DataFrame:
        """Add the label and the within columns to rows that have a class number."""
        if self.single:
            label = F.lit(next(iter(self.entries.values())).label).cast(self.schema[self.label_col].dataType)
            # a constant is never NULL, which would tighten the user's schema; a CASE without ELSE may be
            return df.withColumn(self.label_col, F.when(F.col(CODE).isNotNull(), label))
        return df.join(F.broadcast(self.table(df, {}, "")), CODE)

    @property
    def single(self) -> bool:
        """Whether there is one class, known by its label alone."""
        alone = len(self.entries) == 1 and not self.within_cols
        return alone and not self.each and not is_set(self._type(self.label_col))

    def _type(self, name: str) -> T.DataType:
        """Return the type of what names a class in a column."""
        kind = self.schema[name].dataType
        return label_type(kind) if self.each and name == self.label_col else kind

    def _with_each(self, df: DataFrame) -> DataFrame:
        """Repeat each row for each of its labels, under an identity of its own: its draws are others in each class."""
        kind = self.schema[self.label_col].dataType
        repeated = df.select("*", F.explode(labelset(kind, self.label_col)).alias(EACH))
        if not is_set(kind) or HI not in df.columns:
            return repeated
        return repeated.withColumns({half: F.xxhash64(half, F.xxhash64(EACH)) for half in (HI, LO)})

    def _known(self) -> Column:
        label = F.col(quoted(self.label_col))
        sentence = F.concat(
            F.lit(f"{self.method}: {self.label_col} has a row of {noun_of(self.label_col)} '"),
            label.cast("string"),
            F.lit("', which is not in the counts given; give the rows of each, or let them be counted"),
        )
        unknown = F.col(CODE).isNull() & has_value(self.schema, self.label_col)
        # a number, since Sail makes AND and OR of a boolean CASE and then evaluates all of it for every row
        return F.when(unknown, stop(CountsError, sentence, label).cast("int")).otherwise(F.lit(1)) == 1


def without_null_labels(method: str, df: DataFrame, label_col: str, null_label: str) -> DataFrame:
    """Drop the rows without a label, or keep them; in a stream, where none was counted, one may stop the query."""
    labelled = has_value(df.schema, label_col)
    if null_label == "drop":
        return df.where(labelled)
    if null_label == "keep" or not is_stream(df):
        return df
    found = f"{method}: label column '{label_col}' is NULL or NaN in a row"
    advice = "filter such rows, or set null_label to 'keep' or 'drop'"
    stops = stop(BadValuesError, f"{found}; {advice}", F.col(quoted(label_col))).cast("int")
    return df.where(F.when(labelled, 1).otherwise(stops) == 1)
