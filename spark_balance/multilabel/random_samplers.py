"""ML-ROS and ML-RUS: copy rows of rare labels, remove rows of frequent ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from spark_balance.base import ClassRows, Recipe, Result, Sampler
from spark_balance.base.strategy import Strategy, wanted_rows
from spark_balance.errors import ColumnError
from spark_balance.frames.labelsets import labels_in, several_columns
from spark_balance.frames.plan import Label, RowsOut
from spark_balance.kernels import Ints
from spark_balance.kernels.label_rounds import clone, remove
from spark_balance.kernels.labelsets import LabelTable

MAX_LABELS = 2_000  # each is compared with each other
NO_WISH = {
    **Sampler.absent,
    "sampling_strategy": "how many rows is said by percentage; the labels follow from their IRLbl",
}


def refuse_two_roles(self: Any) -> Any:
    """Refuse a column that says which label a row has and is named for another role, too."""
    several = several_columns(self.label_col)
    for role in ("key_cols", "within_cols"):
        for name in getattr(self, role) or ():
            if name in several:
                raise ValueError(f"{role} names the label column '{name}'; leave it out")
    return self


def label_table(method: str, classes: Mapping[Label, int]) -> LabelTable:
    """Return the rows of each set of labels; refuse one set alone, and more labels than are compared."""
    if len(classes) < 2:
        wanted_rows(method, classes, "auto", "under")
    sets: dict[tuple[Any, ...], int] = {labels_in(label): rows for label, rows in sorted(classes.items())}
    table = LabelTable.of(sets)
    if len(table.labels) > MAX_LABELS:
        raise ColumnError(
            f"{method}: label_col has {len(table.labels):,} labels, and all are compared on the driver, at most "
            f"{MAX_LABELS:,}; leave out the rarest, or put several into one"
        )
    return table


def rows_after(classes: Mapping[Label, int], change: Ints) -> dict[Label, int]:
    """Return the rows of each class, with those that are added, or without those that are removed."""
    named = sorted(classes)
    return {label: classes[label] + int(more) for label, more in zip(named, np.asarray(change).tolist(), strict=True)}


class MLROS(Sampler):
    """Copy rows of rare labels, in a table whose rows have several (Charte, Rivera, del Jesus and Herrera, 2015).

    A label is a minority label if its IRLbl is above MeanIR (`label_counts`). In rounds, each minority label
    has one of its rows copied, until its IRLbl is no longer above the MeanIR of the input, or `percentage` is reached.

    Parameters
    ----------
    label_col : str or sequence of str
        Several columns, each true (or an integer other than 0) where a row has the label that it is called, or one with
        the labels of each row, an array of strings. NULL in one of several columns is a row without that label, and its
        column keeps it. In an array order and repetition say nothing. Any other label is a set of one.
    percentage : float, default 25
        The most rows to add, in percent of the rows.
    output : {'all', 'added'}
        Return the whole table, or only the copies, to append them to it.

    Notes
    -----
    The paper draws each copy from the rows of the label, one after the other. Here the rounds are arithmetic on the
    rows of each set of labels: the copies of a label are shared by the sets that have it, to within one row, and
    inside a set all rows are copied equally often (+- 1), those once more that the seed draws. Labels are compared
    with MeanIR after each round, where the paper does so after each copy.

    Cost: as `RandomOverSampler`; at most 100,000 different sets of 2,000 labels are counted on the driver. The
    arithmetic takes milliseconds for a hundred labels.

    Examples
    --------
    >>> rows = [(i, True, i % 5 == 0, i % 20 == 0) for i in range(100)]
    >>> df = spark.createDataFrame(rows, "id int, a boolean, b boolean, c boolean")
    >>> sampler = MLROS(label_col=["a", "b", "c"], key_cols="id", percentage=10)
    >>> sampler.plan(df).targets
    {('a',): 80, ('a', 'b'): 15, ('a', 'b', 'c'): 13}
    """

    family: ClassVar[Literal["over"]] = "over"
    rows: ClassVar[RowsOut] = "copies"
    provenance: ClassVar[tuple[str, ...]] = ("base",)
    action: ClassVar[str] = "replicate"
    several: ClassVar[bool] = True
    sampling_strategy: ClassVar[Strategy] = "auto"  # type: ignore[misc]  # not a parameter here
    absent: ClassVar[Mapping[str, str]] = NO_WISH

    label_col: str | tuple[str, ...]  # type: ignore[assignment]
    percentage: float = Field(default=25.0, gt=0, allow_inf_nan=False, strict=True)
    output: Literal["all", "added"] = "all"
    provenance_col: str | None = None
    min_class_rows: ClassRows | None = None

    _two_roles = model_validator(mode="after")(refuse_two_roles)

    def recipe(self, run: Recipe) -> Result:
        """Take each row as often as its set of labels needs."""
        return run.take(run.spread_evenly(run.table(), "after", draws="replicate"))

    def target_counts(self, group: tuple[object, ...], classes: dict[Label, int]) -> dict[Label, int]:
        """Return the rows that each set of labels is to have."""
        if group and len(classes) < 2:
            return dict(classes)
        table = label_table(self.name, classes)
        return rows_after(classes, clone(table, int(table.rows.sum() * self.percentage / 100)))


class MLRUS(Sampler):
    """Remove rows of frequent labels, in a table whose rows have several (Charte, Rivera, del Jesus and Herrera, 2015).

    A label is a majority label if its IRLbl is below MeanIR (`label_counts`). In rounds, each majority label loses one
    of its rows, until its IRLbl is the MeanIR of the input, or `percentage` is reached. A row with a label of another
    kind is never removed, and of no label is the last row.

    Parameters
    ----------
    label_col : str or sequence of str
        Several columns, each true (or an integer other than 0) where a row has the label that it is called, or one with
        the labels of each row, an array of strings. NULL in one of several columns is a row without that label, and its
        column keeps it. In an array order and repetition say nothing. Any other label is a set of one. A row without a
        label stays.
    percentage : float, default 25
        The most rows to remove, in percent of the rows.

    Notes
    -----
    The paper draws each row from those of the label, one after the other. Here the rounds are arithmetic on the rows of
    each set of labels: the rows that a label loses are shared by the sets that may lose some, to within one row,
    and inside a set those go that the seed draws. Rows of a label that has reached MeanIR stay from then on, in the
    paper only those of minority labels.

    Cost: as `RandomUnderSampler`; at most 100,000 different sets of 2,000 labels are counted on the driver. The
    arithmetic takes milliseconds for a hundred labels.

    Examples
    --------
    >>> rows = [(i, ["a", "b", "c"][: 1 + (i % 5 == 0) + (i % 20 == 0)]) for i in range(100)]
    >>> df = spark.createDataFrame(rows, "id int, labels array<string>")
    >>> sampler = MLRUS(label_col="labels", key_cols="id", percentage=10)
    >>> sampler.plan(df).targets
    {('a',): 76, ('a', 'b'): 9, ('a', 'b', 'c'): 5}
    """

    family: ClassVar[Literal["under"]] = "under"
    rows: ClassVar[RowsOut] = "subset"
    action: ClassVar[str] = "downsample"
    several: ClassVar[bool] = True
    sampling_strategy: ClassVar[Strategy] = "auto"  # type: ignore[misc]  # not a parameter here
    absent: ClassVar[Mapping[str, str]] = NO_WISH

    label_col: str | tuple[str, ...]  # type: ignore[assignment]
    percentage: float = Field(default=25.0, gt=0, lt=100, strict=True)

    _two_roles = model_validator(mode="after")(refuse_two_roles)

    def recipe(self, run: Recipe) -> Result:
        """Keep as many rows of each set of labels as are to stay."""
        return run.take(run.spread_evenly(run.table(), "after", draws="keep"))

    def target_counts(self, group: tuple[object, ...], classes: dict[Label, int]) -> dict[Label, int]:
        """Return the rows that each set of labels is to have."""
        if group and len(classes) < 2:
            return dict(classes)
        table = label_table(self.name, classes)
        return rows_after(classes, -remove(table, int(table.rows.sum() * self.percentage / 100)))
