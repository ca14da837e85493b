"""Class counts: one aggregate over the label column alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import check_columns, check_frame, check_label, quoted, temp
from spark_balance.errors import SparkBalanceError
from spark_balance.plans.streams import is_stream
from spark_balance.summary import ClassCounts, Group, Label, is_missing

MAX_CLASSES = 1_000
MAX_STRATA = 10_000  # classes times groups; all of them travel with every task
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
        When the column is absent, is not of a label's type or has more than 1,000 values.

    Notes
    -----
    Cost: one job, one shuffle of one row per class and task; Parquet reads the label column alone.
    """
    within = tuple(within_cols)
    check_batch("class_counts", df, label_col, within)
    columns = [*within, label_col]
    grouped = df.groupBy(*[F.col(quoted(name)) for name in columns]).agg(F.count(F.lit(1)).alias(_ROWS))
    limit = MAX_STRATA if within else MAX_CLASSES
    table = grouped.limit(limit + 1).toArrow()
    if table.num_rows > limit:
        advice = f"label_col '{label_col}' and within_cols {list(within)}" if within else f"label column '{label_col}'"
        raise SparkBalanceError(
            f"class_counts: {advice} gives more than {limit:,} classes; "
            "a label has few values, so name another column or bin this one"
        )
    groups: dict[Group, dict[Label, int]] = {}
    missing: dict[Group, int] = {}
    for *values, label, rows in zip(*[column.to_pylist() for column in table.columns], strict=True):
        group = _group(values)
        if is_missing(label):
            missing[group] = missing.get(group, 0) + rows
        else:
            groups.setdefault(group, {})[label] = rows
    return ClassCounts(label_col, groups, missing, within)


def _group(values: list[Any]) -> Group:
    """Return the values as a key that NaN matches: one NaN equals itself, two do not."""
    return tuple(math.nan if isinstance(value, float) and math.isnan(value) else value for value in values)


def check_batch(method: str, df: DataFrame, label_col: str, within_cols: tuple[str, ...]) -> None:
    """Refuse streams, and what no sampler can work on, from the schema alone."""
    if is_stream(df):
        raise SparkBalanceError(
            f"{method}: the frame is a stream; resample each batch, for example in foreachBatch, or use "
            "RandomUnderSampler or RandomOverSampler with exact=False, key_cols and given counts, which take streams"
        )
    check_labelled(method, df, label_col, within_cols)


def check_labelled(method: str, df: DataFrame, label_col: str, within_cols: tuple[str, ...]) -> None:
    """Refuse what no sampler can work on, from the schema alone."""
    check_frame(method, df.schema)
    check_label(method, df.schema, label_col)
    check_columns(method, df.schema, within_cols, "within_cols")
    if label_col in within_cols:
        raise SparkBalanceError(f"{method}: within_cols names the label column '{label_col}'; leave it out")


def given_counts(
    method: str, label_col: str, within_cols: tuple[str, ...], counts: Mapping[Any, int] | ClassCounts
) -> ClassCounts:
    """Take counts that the user knows already: ``{label: rows}``, or ``{(*within, label): rows}``."""
    if isinstance(counts, ClassCounts):
        if (counts.label_col, counts.within_cols) != (label_col, within_cols):
            raise SparkBalanceError(
                f"{method}: counts were taken of column '{counts.label_col}' within {list(counts.within_cols)}, "
                f"this sampler uses '{label_col}' within {list(within_cols)}; count again"
            )
        return counts
    groups: dict[Group, dict[Label, int]] = {}
    missing: dict[Group, int] = {}
    for key, rows in counts.items():
        *values, label = key if within_cols else (key,)
        if len(values) != len(within_cols) or isinstance(rows, bool) or not isinstance(rows, int) or rows < 0:
            shape = f"({', '.join([*within_cols, label_col])})" if within_cols else label_col
            raise SparkBalanceError(
                f"{method}: counts has the entry {key!r}: {rows!r}; give {{{shape}: rows}} with whole numbers >= 0"
            )
        group = _group(values)
        if is_missing(label):
            missing[group] = missing.get(group, 0) + rows
        elif rows:
            groups.setdefault(group, {})[label] = rows
    return ClassCounts(label_col, groups, missing, within_cols)
