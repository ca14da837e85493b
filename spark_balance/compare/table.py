"""The table of a comparison: two classes, numbers without NULLs, categories, and the fold of each row."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.base.parameters import Names
from spark_balance.errors import BadValuesError, ColumnError, ParameterError, TooFewRowsError
from spark_balance.frames.columns import (
    check_columns,
    check_labelled,
    choose_categories,
    choose_features,
    has_value,
    quoted,
)
from spark_balance.frames.counts import IF_PREDICTED, MANY_CLASSES, class_counts
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.plan import ClassCounts, Label
from spark_balance.kernels.draws import stream
from spark_balance.metrics.guards import refuse_added_rows
from spark_balance.ml.splits import stratified_folds, stratified_split

_METHOD = "compare"
_FOLD = "compare_fold"
Counts = Mapping[Label, int]


class Setup(BaseModel):
    """The table ``[compare]``: what is compared on.

    Samplers see categories as they are; each training fold has its own encoding for the classifier, in which an unseen
    value equals none.

    Parameters
    ----------
    label_col : str
        A column of two classes; rows whose label is NULL or NaN are left out.
    positive : any, optional
        The class to find; default the smaller one.
    feature_cols : tuple of str, optional
        Numeric columns without NULLs; default every one except label and keys.
    categorical_cols : tuple of str, optional
        String and boolean columns to learn from as well; NULL is a category like any other.
    key_cols : tuple of str, optional
        A unique key; without it a hash of its columns identifies a row.
    n_folds : int, default 5
        Stratified folds; every row is held out once.
    sample_rows : int, optional
        Compare on a stratified sample of this size.
    row_limit : int, default 200,000
        The most rows that scikit-learn gets on an engine without pyspark.ml.
    random_state : int
        Seed of the sample, the folds, the samplers and the classifiers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label_col: str
    positive: Any = None
    feature_cols: Names | None = None
    categorical_cols: Names = ()
    key_cols: Names | None = None
    n_folds: int = Field(default=5, ge=2, le=100, strict=True)
    sample_rows: int | None = Field(default=None, ge=2, strict=True)
    row_limit: int = Field(default=200_000, ge=2, strict=True)
    random_state: int = Field(default=0, strict=True)


@dataclass(frozen=True)
class Table:
    """The checked rows: keys, label and features alone, with the fold of each, and its classes."""

    folded: DataFrame
    setup: Setup
    features: tuple[str, ...]
    categorical: tuple[str, ...]
    counts: ClassCounts
    by_fold: tuple[Counts, ...]
    positive: Label
    source_rows: int

    @property
    def labels(self) -> list[Label]:
        """The other class and the positive one, in the order of the probabilities."""
        return [*[label for label in self.counts.rows if label != self.positive], self.positive]

    @property
    def target(self) -> Column:
        """True for the positive class."""
        return F.col(quoted(self.setup.label_col)) == F.lit(self.positive)

    def train(self, fold: int) -> tuple[DataFrame, Counts]:
        """Return the rows of all other folds, and their classes."""
        others = [counts for number, counts in enumerate(self.by_fold) if number != fold]
        counts = {label: sum(one[label] for one in others) for label in self.labels}
        return self.folded.where(F.col(_FOLD) != fold).drop(_FOLD), counts

    def test(self, fold: int) -> DataFrame:
        """Return the rows of the fold."""
        return self.folded.where(F.col(_FOLD) == fold).drop(_FOLD)


def prepare_table(df: DataFrame, setup: Setup) -> Table:
    """Check the frame, sample it if `sample_rows` is set, and cut the folds."""
    keys = setup.key_cols or ()
    check_columns(_METHOD, df.schema, keys, "key_cols")
    check_labelled(_METHOD, df, setup.label_col, ())
    refuse_added_rows(_METHOD, df, allow_synthetic=False)
    categorical = _choose_categories(df, setup)
    taken = [setup.label_col, *keys, *categorical]
    features = tuple(one.name for one in choose_features(_METHOD, df.schema, setup.feature_cols, taken))
    for name in features:
        if df.schema[name].dataType.typeName() in ("array", "udt"):
            raise ColumnError(f"{_METHOD}: feature column '{name}' is not a number; give one column per number")
    columns = dict.fromkeys((*keys, setup.label_col, *features, *categorical))
    rows = df.where(has_value(df.schema, setup.label_col)).select(*[F.col(quoted(name)) for name in columns])
    counts = _count_two_classes(rows, setup)
    _check_values(rows, features)
    total = sum(counts.rows.values())
    if setup.sample_rows is not None and setup.sample_rows < total:
        shares = [setup.sample_rows, total - setup.sample_rows]
        # not the seed of the folds: with the same draws, the sample would come from the first folds
        seed = stream(setup.random_state, "sample")
        rows = stratified_split(rows, shares, setup.label_col, keys, random_state=seed)[0]
        counts = _count_two_classes(rows, setup)
    folded = stratified_folds(rows, setup.n_folds, setup.label_col, _FOLD, keys, random_state=setup.random_state)
    groups = class_counts(folded, setup.label_col, [_FOLD]).groups
    by_fold = tuple(groups[(fold,)] for fold in range(setup.n_folds))
    positive = min(counts.rows, key=lambda label: counts.rows[label]) if setup.positive is None else setup.positive
    return Table(folded, setup, features, categorical, counts, by_fold, positive, total)


def _choose_categories(df: DataFrame, setup: Setup) -> tuple[str, ...]:
    taken = [setup.label_col, *(setup.key_cols or ())]
    named = choose_categories(_METHOD, df.schema, setup.categorical_cols, taken, "categorical_cols")
    for name in named:
        if isinstance(df.schema[name].dataType, T.NumericType):
            raise ColumnError(
                f"{_METHOD}: categorical_cols names column '{name}', whose values are numbers, which samplers would "
                "take for features; leave it out, or cast it to a string"
            )
    return named


def _count_two_classes(rows: DataFrame, setup: Setup) -> ClassCounts:
    counts = class_counts(rows, setup.label_col)
    named = ", ".join(f"{label!r}: {n:,}" for label, n in list(counts.rows.items())[:20])
    if len(counts.rows) != 2:
        several = isinstance(rows.schema[setup.label_col].dataType, T.NumericType) and len(counts.rows) > MANY_CLASSES
        predicted = f"; {IF_PREDICTED}" if several else ""
        raise BadValuesError(
            f"{_METHOD}: label column '{setup.label_col}' has {len(counts.rows)} classes ({named}); two are compared, "
            f"so make a column that is true for the class to find{predicted}"
        )
    if setup.positive is not None and setup.positive not in counts.rows:
        raise ParameterError(
            f"{_METHOD}: positive={setup.positive!r} is not a class of '{setup.label_col}'; they are {named}"
        )
    if min(counts.rows.values()) < setup.n_folds:
        raise TooFewRowsError(
            f"{_METHOD}: label column '{setup.label_col}' has {named}, and n_folds={setup.n_folds} needs as many rows "
            "of each class; use fewer folds or more rows"
        )
    return counts


def _check_values(rows: DataFrame, features: tuple[str, ...]) -> None:
    """Refuse features that are NULL, NaN or infinite somewhere: no classifier here takes them."""
    values = [F.col(quoted(name)).cast("double") for name in features]
    bad = [F.sum((one.isNull() | F.isnan(one) | (F.abs(one) == float("inf"))).cast("bigint")) for one in values]
    found = to_arrow(rows.agg(*[one.alias(f"c{i}") for i, one in enumerate(bad)])).to_pylist()[0].values()
    for name, n in zip(features, found, strict=True):
        if n:
            raise BadValuesError(
                f"{_METHOD}: feature column '{name}' is NULL, NaN or infinite in {n:,} rows that have a label; "
                "fill it, filter those rows, or leave it out of feature_cols"
            )
