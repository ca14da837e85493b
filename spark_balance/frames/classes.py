"""Classes: their counts, one aggregate over the label column, and the table that joins rows to what a class becomes."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_, attrgetter
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, functions as F, types as T
from pyspark.sql.pandas.types import to_arrow_type

from spark_balance.errors import ColumnError, CountsError, InputError
from spark_balance.frames.columns import check_labelled, is_stream, quoted, stop, temp
from spark_balance.frames.plan import ClassCounts, ClassPlan, Group, Label, ResamplingPlan, is_missing
from spark_balance.frames.row_ids import CODE

GivenCounts = Mapping[Label, int] | ClassCounts | None
MAX_CLASSES = 10_000
MAX_STRATA = 1_000_000  # classes times groups: each takes the driver some 50 us, and all travel with every task
_ROWS = temp("rows")


def class_counts(df: DataFrame, label_col: str, within_cols: tuple[str, ...] | list[str] = ()) -> ClassCounts:
    """Count the rows of every class.

    Parameters
    ----------
    df : DataFrame
        Any batch frame.
    label_col : str
        Column with the class of each row: string, boolean, integer, float, decimal or date.
    within_cols : tuple of str, optional
        Count apart for each combination of these columns.

    Returns
    -------
    ClassCounts
        Rows and share of each class, the imbalance ratio and degree; prints as a table.

    Raises
    ------
    SparkBalanceError
        When the column is absent, is not of a label's type or has more than 10,000 values.

    Notes
    -----
    Cost: one job, one shuffle of one row per class and task; Parquet reads the label column alone.
    """
    within = tuple(within_cols)
    check_labelled("class_counts", df, label_col, within)
    grouped = df.groupBy(*map(quoted, (*within, label_col))).agg(F.count(F.lit(1)).alias(_ROWS))
    limit = MAX_STRATA if within else MAX_CLASSES
    table = grouped.limit(limit + 1).toArrow()
    if table.num_rows > limit:
        advice = f"label_col '{label_col}' and within_cols {list(within)}" if within else f"label column '{label_col}'"
        raise ColumnError(
            f"class_counts: {advice} gives more than {limit:,} classes; "
            "a label has few values, so name another column or bin this one"
        )
    return _group_counts(label_col, within, zip(*table.to_pydict().values(), strict=True))


def _one_nan(value: Any) -> Any:
    """Return a value of a key, which NaN matches too: one NaN equals itself, two do not."""
    return math.nan if isinstance(value, float) and math.isnan(value) else value


def _group_counts(label_col: str, within_cols: tuple[str, ...], counted: Iterable[Sequence[Any]]) -> ClassCounts:
    """Return the counts of the entries (*within, label, rows)."""
    groups: dict[Group, dict[Label, int]] = {}
    missing: dict[Group, int] = {}
    for *values, label, rows in counted:
        group = tuple(map(_one_nan, values))
        if is_missing(label):
            missing[group] = missing.get(group, 0) + rows
        elif rows:
            groups.setdefault(group, {})[label] = rows
    return ClassCounts(label_col, groups, missing, within_cols)


def given_counts(
    method: str, label_col: str, within_cols: tuple[str, ...], counts: Mapping[Any, int] | ClassCounts
) -> ClassCounts:
    """Take counts that the user knows already: ``{label: rows}``, or ``{(*within, label): rows}``."""
    if isinstance(counts, ClassCounts):
        if (counts.label_col, counts.within_cols) != (label_col, within_cols):
            raise CountsError(
                f"{method}: counts were taken of column '{counts.label_col}' within {list(counts.within_cols)}, "
                f"this sampler uses '{label_col}' within {list(within_cols)}; count again"
            )
        return counts
    entries = []
    for key, rows in counts.items():
        entries.append((*(key if within_cols else (key,)), rows))
        wrong = isinstance(rows, bool) or not isinstance(rows, int) or rows < 0
        if wrong or len(entries[-1]) != len(within_cols) + 2:
            shape = f"({', '.join([*within_cols, label_col])})" if within_cols else label_col
            raise CountsError(
                f"{method}: counts has the entry {key!r}: {rows!r}; give {{{shape}: rows}} with whole numbers >= 0"
            )
    return _group_counts(label_col, within_cols, entries)


def known_counts(
    method: str, df: DataFrame, label_col: str, within_cols: tuple[str, ...], counts: GivenCounts
) -> ClassCounts:
    """Return the counts that a user gave, or count the classes of a batch: one job."""
    if counts is not None:
        return given_counts(method, label_col, within_cols, counts)
    if is_stream(df):
        raise InputError(
            f"{method}: the frame is a stream, whose classes cannot be counted; give counts={{label: rows}}, "
            "for example those of a table that it went to before"
        )
    return class_counts(df, label_col, within_cols)


Numbers = Mapping[str, Sequence[Any] | pa.Array]  # for each class, in the order of the strata


@dataclass(frozen=True)
class Stratum:
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
    rows: tuple[Stratum, ...]
    complete: bool  # every class is known, since the counts were taken and not given

    @classmethod
    def of(cls, plan: ResamplingPlan, schema: T.StructType, complete: bool) -> Strata:
        """Number the classes of a plan."""
        rows = tuple(map(Stratum, range(len(plan.classes)), plan.classes))
        return cls(plan.method, schema, plan.label_col, plan.within_cols, rows, complete)

    @property
    def sizes(self) -> dict[int, int]:
        """Rows of each class, by class id."""
        return dict(map(attrgetter("code", "entry.before"), self.rows))

    def where(self, chosen: Callable[[ClassPlan], bool]) -> Strata:
        """Keep some of the classes, under the numbers they have."""
        rows = tuple(row for row in self.rows if chosen(row.entry))
        return replace(self, rows=rows)

    def of_ids(self, codes: Collection[int]) -> Strata:
        """Keep some of the classes, by number."""
        return replace(self, rows=tuple(row for row in self.rows if row.code in codes))

    def groups_of(self, codes: Collection[int]) -> Strata:
        """Keep every class of the groups that some classes are in."""
        groups = {row.entry.group for row in self.rows if row.code in codes}
        return self.where(lambda entry: entry.group in groups)

    @property
    def key_names(self) -> tuple[str, ...]:
        """The columns whose values make a class: the within columns, then the label."""
        return (*self.within_cols, self.label_col)

    def table(self, df: DataFrame, numbers: Numbers, prefix: str) -> DataFrame:
        """Make the small local frame: code, the class's values under `prefix`, and the numbers."""
        columns = {CODE: pa.array([row.code for row in self.rows], pa.int32())}
        for i, name in enumerate(self.key_names):
            values = [(*row.entry.group, row.entry.label)[i] for row in self.rows]
            columns[prefix + name] = pa.array(values, to_arrow_type(self.schema[name].dataType))
        columns |= {
            name: values if isinstance(values, pa.Array) else pa.array(values) for name, values in numbers.items()
        }
        return df.sparkSession.createDataFrame(pa.table(columns))

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
        column = F.col(quoted(of))
        floating = isinstance(self.schema[name].dataType, T.FloatType | T.DoubleType)
        return F.xxhash64(column) if floating else column

    def only(self, df: DataFrame, numbers: Numbers) -> DataFrame:
        """Keep these classes alone, with class number and numbers: files skip rows by the filter on the label."""
        labels = sorted(set(map(attrgetter("entry.label"), self.rows)))
        chosen = df.where(F.col(quoted(self.label_col)).isin(labels))
        if self.single:
            # the filter has chosen the class, so its numbers are constants: no join
            constants = [F.lit(values[0]).cast("bigint").alias(name) for name, values in numbers.items()]
            return chosen.select("*", F.lit(self.rows[0].code).alias(CODE), *constants)
        # rows of other classes are not lost here but left out
        return replace(self, complete=True).attach(chosen, numbers).where(F.col(CODE).isNotNull())

    def labelled(self, df: DataFrame) -> DataFrame:
        """Add the label and the within columns to rows that have a class number."""
        if self.single:
            label = F.lit(self.rows[0].entry.label).cast(self.schema[self.label_col].dataType)
            # a constant is never NULL, which would tighten the user's schema; a CASE without ELSE may be
            return df.withColumn(self.label_col, F.when(F.col(CODE).isNotNull(), label))
        return df.join(F.broadcast(self.table(df, {}, "")), CODE)

    @property
    def single(self) -> bool:
        """Whether there is one class, known by its label alone."""
        return len(self.rows) == 1 and not self.within_cols

    def _known(self) -> Column:
        label = F.col(quoted(self.label_col))
        sentence = F.concat(
            F.lit(f"{self.method}: {self.label_col} has a row of class '"),
            label.cast("string"),
            F.lit("', which is not in the counts given; give the rows of every class, or let them be counted"),
        )
        unknown = F.col(CODE).isNull() & has_label(self.schema, self.label_col)
        # a number, since Sail makes AND and OR of a boolean CASE and then evaluates all of it for every row
        return F.when(unknown, stop(CountsError, sentence, label).cast("int")).otherwise(F.lit(1)) == 1


def has_label(schema: T.StructType, label_col: str) -> Column:
    """Tell the rows whose label is neither NULL nor NaN."""
    label = F.col(quoted(label_col))
    if isinstance(schema[label_col].dataType, T.FloatType | T.DoubleType):
        return label.isNotNull() & ~F.isnan(label)
    return label.isNotNull()
