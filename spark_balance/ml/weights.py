"""Class weights as a column: what an estimator's `weightCol` takes, without resampling."""

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import pyarrow as pa
from pydantic import model_validator
from pyspark.sql import DataFrame, functions as F, types as T
from typing_extensions import Self

from spark_balance.base.node import Resampled
from spark_balance.base.parameters import Parameters, Weighting
from spark_balance.errors import BadValuesError, ColumnError, CountsError, StrategyError, TooFewRowsError, nearest_name
from spark_balance.frames.arguments import checked
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import check_labelled, check_new_column, has_value, quoted, temp
from spark_balance.frames.counts import GivenCounts, known_counts
from spark_balance.frames.habits import METHODS
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.plan import ClassCounts, ClassPlan, Label, ResamplingPlan, is_number
from spark_balance.frames.row_ids import CODE
from spark_balance.metrics.probabilities import put_column

_WEIGHT, _TOTAL, _REST, _BAD, _LABEL = (temp(what) for what in ("weight", "total", "rest", "bad", "label"))
# weights are summed in whole units of 2^-32, the rest of each in 2^-62: a sum of doubles would depend on the layout
_UNIT, _FINE = 2**32, 2**30


@checked
class ClassWeighter(Parameters):
    """Give every row the weight of its class.

    Parameters
    ----------
    label_col : str
        Column with the class of each row.
    strategy : 'balanced', dict or callable
        'balanced' is n / (n_classes * n_c), as scikit-learn's `compute_class_weight`; if the frame has `weight_col`,
        n and n_c are sums of it. ``{label: weight}`` gives weights of at least 0, 1.0 for classes that it does not
        name. A callable receives ``{label: rows}`` (or sums of weights) and returns such a dict.
    weight_col : str
        Column to add (double), or to multiply the weights into if the frame has it.
    null_label : {'error', 'keep', 'drop'}
        Treatment of rows whose label is NULL or NaN. Rows that are kept have weight 1.0 (or their own weight) and
        count for no class.

    Raises
    ------
    SparkBalanceError
        If a parameter is invalid; from the methods, if the frame does not fit, an existing weight is NULL, NaN,
        negative or above 2^30, or `strategy` names a class that is not in the data.

    Notes
    -----
    To downsample and upweight in one call use ``RandomUnderSampler(label_col=..., weight_col="weight")``: it
    keeps fewer rows of the large classes and gives each the weight of the rows that it represents, so that
    probabilities stay those of the original data. Class weights shift them: see `correct_prior`.

    Cost: one job that counts the classes (one scan of label and weight). The weighed frame is lazy: one narrow scan,
    without a shuffle or a Python worker.

    References
    ----------
    King, G. and Zeng, L. (2001), Logistic regression in rare events data. Political Analysis 9.

    Examples
    --------
    >>> df = spark.createDataFrame([(0,), (0,), (0,), (1,)], "label int")
    >>> weighter = ClassWeighter(label_col="label")
    >>> weighter.weights(df)
    {0: 0.6666666666666666, 1: 2.0}
    >>> weighter.with_weights(df).columns
    ['label', 'weight']
    """

    within_cols: ClassVar[None] = None
    offered: ClassVar[tuple[str, ...]] = ("plan", "weights", "with_weights", *Parameters.offered)
    instead: ClassVar[Mapping[str, str]] = {
        name: one.replace("fit_resample", "with_weights") for name, one in METHODS.items()
    }

    label_col: str
    strategy: Weighting = "balanced"
    weight_col: str = "weight"
    null_label: Literal["error", "keep", "drop"] = "error"

    @model_validator(mode="after")
    def _known_strategy(self) -> Self:
        wish = self.strategy
        if isinstance(wish, Mapping):
            _checked(wish)
        elif wish != "balanced" and not callable(wish):
            hint = nearest_name(wish, ["balanced"]) if isinstance(wish, str) else ""
            raise ValueError(f"strategy={wish!r} is not 'balanced', a dict {{label: weight}} or a callable{hint}")
        return self

    def weights(self, df: DataFrame, counts: GivenCounts = None) -> dict[Label, float]:
        """Return the weight of every class.

        Parameters
        ----------
        df : DataFrame
            The frame to weigh.
        counts : dict of label to int, or ClassCounts, optional
            Rows of each class; counted by one job if not given. Ignored if the frame has weights already.
        """
        return {entry.label: entry.weight for entry in self.plan(df, counts).classes}

    def with_weights(self, df: DataFrame, counts: GivenCounts = None) -> DataFrame:
        """Return the frame with the weight of each row, lazily; `df` and `counts` as in `weights`.

        `weight_col` is added at the end, or its values are multiplied where it was.
        """
        return self.resample(df, counts).frame

    def plan(self, df: DataFrame, counts: GivenCounts = None) -> ResamplingPlan:
        """Return the plan, like a sampler: every class keeps its rows and has a weight."""
        self.check(df)
        counted = self._counted(df, counts)
        rows = counted.rows
        weights = self._weights(rows, self._sums(df, rows) if self.weight_col in df.columns else rows)
        entries = tuple(ClassPlan((), label, n, n, "weigh", weights[label]) for label, n in rows.items())
        action: Literal["keep", "drop"] = "drop" if self.null_label == "drop" else "keep"
        return ResamplingPlan("ClassWeighter", self.label_col, entries, (), counted.missing_rows, action)

    def resample(self, df: DataFrame, counts: GivenCounts = None, *, extract_path: object = None) -> Resampled:
        """Return the frame of `with_weights` and the plan, as a job needs them; an extract has no use here."""
        plan = self.plan(df, counts)
        if self.null_label == "drop":
            df = df.where(has_value(df.schema, self.label_col))
        strata = Strata.of(plan, df.schema, complete=counts is None or isinstance(counts, ClassCounts))
        numbers = {_WEIGHT: pa.array([row.entry.weight for row in strata.rows], pa.float64())}
        # reads the class id, so that a class that is missing from given counts stops the job
        weight = F.when(F.col(CODE).isNotNull(), F.col(_WEIGHT)).otherwise(F.lit(1.0))
        if self.weight_col in df.columns:
            weight = (F.col(quoted(self.weight_col)) * weight).cast(df.schema[self.weight_col].dataType)
        weighed = put_column(strata.attach(df, numbers), self.weight_col, weight).drop(_WEIGHT, CODE)
        return Resampled(weighed, plan, sampler=self)

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that cannot be weighed, by its schema alone."""
        check_labelled("ClassWeighter", df, self.label_col, ())
        if self.weight_col == self.label_col:
            raise ColumnError(f"ClassWeighter: weight_col='{self.weight_col}' is the label; name another column")
        if self.weight_col not in df.columns:
            check_new_column("ClassWeighter", df.schema, self.weight_col, "weight_col")
        elif df.schema[self.weight_col].dataType.typeName() not in ("double", "float"):
            kind = df.schema[self.weight_col].dataType.simpleString()
            raise ColumnError(
                f"ClassWeighter: weight_col='{self.weight_col}' is of type {kind}; "
                "weights are double or float, so cast it"
            )

    def new_fields(self, schema: T.StructType) -> list[T.StructField]:
        """Return the columns that weighing adds to a frame of this schema."""
        return [] if self.weight_col in schema.names else [T.StructField(self.weight_col, T.DoubleType())]

    def _counted(self, df: DataFrame, counts: GivenCounts) -> ClassCounts:
        counted = known_counts("ClassWeighter", df, self.label_col, (), counts)
        if counted.missing_rows and self.null_label == "error":
            raise BadValuesError(
                f"ClassWeighter: label column '{self.label_col}' is NULL or NaN in {counted.missing_rows} rows; "
                "filter them, or set null_label to 'keep' or 'drop'"
            )
        if not counted.groups:
            raise TooFewRowsError(f"ClassWeighter: label column '{self.label_col}' has no class; check the rows read")
        return counted

    def _sums(self, df: DataFrame, rows: Mapping[Label, int]) -> dict[Label, float]:
        """Sum the weights of each class, exactly, so that no layout gives other weights."""
        weight = F.col(quoted(self.weight_col)).cast("double")
        bad = weight.isNull() | F.isnan(weight) | (weight < 0) | (weight > 2.0**30)
        units = F.when(~bad, weight * float(_UNIT))
        sums = {_TOTAL: F.floor(units), _REST: F.floor((units - F.floor(units)) * float(_FINE) + 0.5)}
        exact = [F.sum(one.cast("bigint").cast("decimal(38,0)")).alias(name) for name, one in sums.items()]
        label = F.col(quoted(self.label_col)).alias(_LABEL)
        grouped = df.where(has_value(df.schema, self.label_col)).groupBy(label)
        summed = to_arrow(grouped.agg(*exact, F.sum(bad.cast("bigint")).alias(_BAD))).to_pydict()
        if any(summed[_BAD]):
            raise BadValuesError(
                f"ClassWeighter: weight_col='{self.weight_col}' is NULL, NaN, negative or above 2^30 in "
                f"{sum(summed[_BAD])} rows; weights are numbers from 0 on"
            )
        for label in {*summed[_LABEL]} ^ {*rows}:
            raise CountsError(
                f"ClassWeighter: class {label!r} is in the data or in the counts given, but not in both; "
                "give the rows of every class, or let them be counted"
            )
        found = sorted(zip(summed[_LABEL], summed[_TOTAL], summed[_REST], strict=True))
        return {label: (int(total) * _FINE + int(rest)) / (_UNIT * _FINE) for label, total, rest in found}

    def _weights(self, rows: Mapping[Label, int], sums: Mapping[Label, float]) -> dict[Label, float]:
        wish = self.strategy
        if wish == "balanced":
            return balanced_weights(sums)
        given = _checked(wish(dict(sums)) if callable(wish) else wish)
        for label in given:
            if label not in rows:
                raise StrategyError(
                    f"ClassWeighter: strategy names class {label!r}, which is not in the data; "
                    f"the classes are {', '.join(map(repr, list(rows)[:20]))}"
                )
        return {label: float(given.get(label, 1.0)) for label in rows}


def balanced_weights(sums: Mapping[Label, float]) -> dict[Label, float]:
    """Return n / (n_classes * n_c) for every class, from its rows or its sum of weights."""
    for label, total in sums.items():
        if total <= 0:
            raise StrategyError(
                f"ClassWeighter: the weights of class {label!r} sum to {total:g}, which no factor can balance; "
                "filter its rows or give a dict"
            )
    n = math.fsum(sums.values())
    return {label: n / (len(sums) * total) for label, total in sums.items()}


def _checked(given: object) -> Mapping[Label, float]:
    if not isinstance(given, Mapping):
        raise BadValuesError(
            f"ClassWeighter: the strategy callable returned {given!r}; it must return a dict {{label: weight}}"
        )
    for label, weight in given.items():
        if not is_number(weight) or weight < 0:
            raise StrategyError(
                f"ClassWeighter: strategy gives class {label!r} the weight {weight!r}; give a number >= 0"
            )
    return given
