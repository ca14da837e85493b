"""The rows of each class: counted by one aggregate over the label column, or given by the user."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any, SupportsInt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.errors import BadValuesError, ColumnError, CountsError, InputError, LabelWarning, warn_user
from spark_balance.frames.arguments import checked
from spark_balance.frames.columns import check_labelled, is_set, is_stream, names_in, quoted, temp
from spark_balance.frames.labelsets import class_column, class_of, with_classes
from spark_balance.frames.older_spark import convert_to_arrow_type, to_arrow
from spark_balance.frames.plan import ClassCounts, Group, Label, is_missing

GivenCounts = Mapping[Label, SupportsInt] | ClassCounts | None
MAX_CLASSES = 10_000
MAX_LABELSETS = 100_000  # different sets of labels, of which most have few rows
MAX_STRATA = 1_000_000  # classes times groups: each takes the driver some 10 us, and all travel with every task
IF_PREDICTED = "if you predict the number, use SMOTER with target_col, whose bins fit_relevance shows"
MANY_CLASSES = 10  # of which most have one row: a label of fewer is one of little data
_ROWS, _ALL = temp("rows"), temp("all")


@checked
def class_counts(df: DataFrame, label_col: str | Sequence[str], within_cols: str | Sequence[str] = ()) -> ClassCounts:
    """Count the rows of every class.

    Parameters
    ----------
    df : DataFrame of Spark, pandas or polars, or pyarrow.Table
        Any batch frame.
    label_col : str or sequence of str
        Column with the class of each row: string, boolean, integer, decimal, date, or a float that holds whole numbers.
        Of an array of strings, each set of labels is a class: a tuple in their order. So it is of several columns, each
        true (or an integer other than 0) where a row has the label that it is called.
    within_cols : tuple of str, optional
        Count apart for each combination of these columns.

    Returns
    -------
    ClassCounts
        Rows and share of each class, the imbalance ratio and degree; prints as a table.

    Raises
    ------
    SparkBalanceError
        When the column is absent, is not of a label's type, holds a float with a fraction or has more than 10,000
        values. A `LabelWarning` says when most of ten classes or more have one row.

    Notes
    -----
    Cost: one job, one shuffle of one row per class and task; Parquet reads the label column alone.
    """
    df, label_col = with_classes("class_counts", df, label_col), class_column(label_col)
    return count_complete(df, label_col, names_in(within_cols), None)[0]


def count_complete(
    df: DataFrame, label_col: str, within: tuple[str, ...], complete: Column | None
) -> tuple[ClassCounts, int]:
    """Count as `class_counts` does, but only rows for which a condition holds; return how many others there are too."""
    is_sets = label_col in df.columns and is_set(df.schema[label_col].dataType)
    counted, others = _count_rows("class_counts", df, label_col, within, sets=True, complete=complete)
    # of sets of labels, most are rare by nature
    rows = [] if within or is_sets else list(counted.rows.values())
    ones = rows.count(1)
    if len(rows) >= MANY_CLASSES and 2 * ones > len(rows):
        warn_user(
            LabelWarning(
                f"class_counts: {ones:,} of the {len(rows):,} classes of label column '{label_col}' have one row; "
                f"if it holds a key, name another label_col; {IF_PREDICTED}"
            )
        )
    return counted, others


def count_rows(
    method: str, df: DataFrame, label_col: str, within_cols: tuple[str, ...], *, sets: bool = False
) -> ClassCounts:
    """Count the rows of every class by one aggregate; of every set of labels, where these are allowed."""
    return _count_rows(method, df, label_col, within_cols, sets=sets)[0]


def _count_rows(
    method: str,
    df: DataFrame,
    label_col: str,
    within_cols: tuple[str, ...],
    *,
    sets: bool,
    complete: Column | None = None,
) -> tuple[ClassCounts, int]:
    check_labelled(method, df, label_col, within_cols, sets=sets)
    kind = df.schema[label_col].dataType
    by = [*map(F.col, map(quoted, within_cols)), class_of(kind, label_col).alias(label_col)]
    taken = F.lit(1) if complete is None else F.when(complete, 1)
    grouped = df.groupBy(*by).agg(F.count(F.lit(1)).alias(_ALL), F.count(taken).alias(_ROWS))
    limit = MAX_STRATA if within_cols else MAX_LABELSETS if is_set(kind) else MAX_CLASSES
    table = to_arrow(grouped.limit(limit + 1))
    if table.num_rows > limit:
        label = f"label column '{label_col}'"
        names = f"label_col '{label_col}' and within_cols {list(within_cols)}" if within_cols else label
        what, advice = "classes", "a label has few values, so name another column or bin this one"
        if isinstance(kind, T.NumericType):
            advice += f"; {IF_PREDICTED}"
        if is_set(kind):
            what, advice = "different sets of labels", "leave out rare labels, or put several into one"
        raise ColumnError(f"{method}: {names} gives more than {limit:,} {what}; {advice}")
    found = table.drop_columns([_ALL]).filter(pc.field(_ROWS) > 0)
    others = (pc.sum(table[_ALL]).as_py() or 0) - (pc.sum(table[_ROWS]).as_py() or 0)
    return group_counts(method, label_col, within_cols, zip(*found.to_pydict().values(), strict=True)), others


def one_nan(value: Any) -> Any:
    """Return a value of a key, which NaN matches too: one NaN equals itself, two do not."""
    return math.nan if isinstance(value, float) and math.isnan(value) else value


def _of_python(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def group_counts(
    method: str, label_col: str, within_cols: tuple[str, ...], counted: Iterable[Sequence[Any]]
) -> ClassCounts:
    """Return the counts of the entries (*within, label, rows)."""
    groups: dict[Group, dict[Label, int]] = {}
    missing: dict[Group, int] = {}
    for *values, label, rows in counted:
        group = tuple(map(one_nan, values))
        label = tuple(label) if isinstance(label, list) else label
        if is_missing(label):
            missing[group] = missing.get(group, 0) + rows
        elif isinstance(label, float) and not label.is_integer():
            raise BadValuesError(
                f"{method}: label column '{label_col}' holds {label!r}, and a float that names a class is a whole "
                f"number; bin it, or cast it to a string or decimal; {IF_PREDICTED}"
            )
        elif rows:
            groups.setdefault(group, {})[label] = rows
    return ClassCounts(label_col, groups, missing, within_cols)


def given_counts(
    method: str, label_col: str, within_cols: tuple[str, ...], counts: Mapping[Any, SupportsInt] | ClassCounts
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
        # as np.unique returns them, too
        entries.append((*map(_of_python, key if within_cols else (key,)), rows))
        wrong = isinstance(rows, bool) or not isinstance(rows, Integral) or rows < 0
        if wrong or len(entries[-1]) != len(within_cols) + 2:
            shape = f"({', '.join([*within_cols, label_col])})" if within_cols else label_col
            raise CountsError(
                f"{method}: counts has the entry {key!r}: {rows!r}; give {{{shape}: rows}} with whole numbers >= 0"
            )
    return group_counts(method, label_col, within_cols, [(*names, int(rows)) for *names, rows in entries])


def _check_values(method: str, schema: T.StructType, counts: ClassCounts) -> None:
    """Refuse labels and groups that their columns cannot hold."""
    for place, name in enumerate((*counts.within_cols, counts.label_col)):
        kind = schema[name].dataType
        for value in {(*group, label)[place] for group, classes in counts.groups.items() for label in classes}:
            try:
                pa.scalar(value, convert_to_arrow_type(kind))
            except (pa.ArrowException, OverflowError):
                raise CountsError(
                    f"{method}: counts names {value!r}, which is not a value of column '{name}' of type "
                    f"{kind.simpleString()}; name its values as the column has them"
                ) from None


def known_counts(
    method: str, df: DataFrame, label_col: str, within_cols: tuple[str, ...], counts: GivenCounts
) -> ClassCounts:
    """Return the counts that a user gave, or count the classes of a batch: one job."""
    if counts is not None:
        given = given_counts(method, label_col, within_cols, counts)
        _check_values(method, df.schema, given)
        return given
    if is_stream(df):
        raise InputError(
            f"{method}: the frame is a stream, whose classes cannot be counted; give counts={{label: rows}}, "
            "for example those of a table that it went to before"
        )
    return class_counts(df, label_col, within_cols)
