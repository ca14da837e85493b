"""How unevenly labels are spread over rows that have several: the measures of Charte et al."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pyspark.sql import DataFrame

from spark_balance.frames.arguments import checked
from spark_balance.frames.counts import class_counts
from spark_balance.frames.labelsets import describe_texts, gathered, labels_in
from spark_balance.frames.plan import ClassCounts, Label
from spark_balance.frames.text import TextTable, largest_of, more, on_a_line, plain, shown
from spark_balance.kernels.labelsets import LabelTable


class LabelCount(NamedTuple):
    """A label: its rows, IRLbl, the SCUMBLE of its rows, and whether IRLbl is above MeanIR."""

    rows: int
    imbalance: float
    scumble: float
    minority: bool


def _tables(counts: LabelCounts) -> list[TextTable]:
    named = list(counts.labels.items())
    largest, others = largest_of([one.rows for _, one in named])
    body = [
        (on_a_line(label), f"{one.rows:,}", f"{one.imbalance:.4g}", f"{one.scumble:.4g}", "yes" if one.minority else "")
        for label, one in map(named.__getitem__, largest)
    ]
    if others:
        body.append((more(others), f"{sum(named[i][1].rows for i in others):,}", "", "", ""))
    title = f"{on_a_line(counts.label_col)}: {len(named):,} labels in {counts.rows:,} rows"
    notes = [
        f"labels a row (cardinality): {counts.cardinality:.4g}, of all labels (density): {counts.density:.4g}",
        f"different sets of labels: {counts.labelsets:,}",
        f"MeanIR: {counts.mean_imbalance:.4g}, CVIR: {counts.imbalance_variation:.4g}, SCUMBLE: {counts.scumble:.4g}",
    ]
    if counts.missing_rows:
        notes.append(f"rows whose labels are NULL: {counts.missing_rows:,}")
    notes += describe_texts(counts.label_col, counts.labels)
    return [TextTable(title, ("label", "rows", "IRLbl", "SCUMBLE", "minority"), body, 1, notes)]


@shown(_tables)
@dataclass(frozen=True)
class LabelCounts:
    """How unevenly labels are spread over the rows of a table.

    Attributes
    ----------
    label_col : str
    rows : int
        Rows whose labels are known; they may have none.
    missing_rows : int
        Rows whose labels are NULL.
    labelsets : int
        Different sets of labels.
    labels : dict of label to LabelCount
        Of each label `rows`, `imbalance` (IRLbl), `scumble` and `minority`, in the order of the labels.
    cardinality : float
        Labels that a row has on average.
    mean_imbalance : float
        MeanIR, the mean IRLbl of all labels.
    imbalance_variation : float
        CVIR, the standard deviation of IRLbl for each unit of MeanIR.
    scumble : float
        The mean SCUMBLE of all rows, from 0 to 1: how often rare and frequent labels meet in a row.
    """

    label_col: str
    rows: int
    missing_rows: int
    labelsets: int
    labels: dict[Label, LabelCount]
    cardinality: float
    mean_imbalance: float
    imbalance_variation: float
    scumble: float

    @property
    def density(self) -> float:
        """Share of all labels that a row has on average."""
        return self.cardinality / max(1, len(self.labels))

    @property
    def minority(self) -> tuple[Label, ...]:
        """The labels whose IRLbl is above MeanIR."""
        return tuple(label for label, one in self.labels.items() if one.minority)

    def to_dict(self) -> dict[str, Any]:
        """Return the measures as plain values that JSON can carry."""
        labels = [{"label": plain(label), **one._asdict()} for label, one in self.labels.items()]
        return {**vars(self), "labels": labels, "density": self.density}


def measures_of(counted: ClassCounts) -> LabelCounts:
    """Return the measures of classes that are sets of labels."""
    sets: dict[tuple[Any, ...], int] = {labels_in(label): rows for label, rows in counted.rows.items()}
    table, rows = LabelTable.of(sets), sum(sets.values())
    counts = table.count(table.rows).tolist()
    each = zip(counts, table.imbalance, table.concurrence_by_label().tolist(), table.is_minority.tolist(), strict=True)
    return LabelCounts(
        counted.label_col,
        rows,
        counted.missing_rows,
        len(sets),
        dict(zip(table.labels, map(LabelCount._make, each), strict=True)),
        sum(counts) / max(1, rows),
        table.mean_imbalance,
        table.spread_of_imbalance,
        float((table.rows * table.concurrence).sum() / max(1, rows)),
    )


@checked
def label_counts(df: DataFrame, label_col: str | Sequence[str]) -> LabelCounts:
    """Measure how unevenly labels are spread over rows that have several (Charte, Rivera, del Jesus and Herrera, 2015).

    Parameters
    ----------
    df : DataFrame of Spark, pandas or polars, or pyarrow.Table
        Any batch frame.
    label_col : str or sequence of str
        A column with the labels of each row, an array of strings, in which order and repetition say nothing; or
        several columns, each true (or an integer other than 0) where a row has the label that it is called.

    Returns
    -------
    LabelCounts
        IRLbl and SCUMBLE of each label, MeanIR, CVIR and SCUMBLE of the table, and labels a row; prints as a table.

    Raises
    ------
    SparkBalanceError
        When a column is absent or of another type, or there are more than 100,000 different sets of labels.

    Notes
    -----
    IRLbl of a label is the rows of the most frequent label for each row of this one, and MeanIR its mean over all
    labels. SCUMBLE of a row is 1 - geometric mean / arithmetic mean of the IRLbl of its labels (Charte et al., 2014
    and 2019), and 0 for a row with fewer than two. All are exact arithmetic on the rows of each set of labels.

    Cost: one job, one shuffle of one row for each set of labels and task.

    Examples
    --------
    >>> rows = [(["comedy"],)] * 6 + [(["comedy", "noir"],)] * 2 + [([],)] * 2
    >>> counts = label_counts(spark.createDataFrame(rows, "genres array<string>"), "genres")
    >>> counts.labels["noir"].imbalance, counts.mean_imbalance, counts.minority
    (4.0, 2.5, ('noir',))
    """
    if isinstance(label_col, str):
        return measures_of(class_counts(df, label_col))
    name = ", ".join(label_col)
    return measures_of(class_counts(df.select(gathered("label_counts", df, label_col).alias(name)), name))
