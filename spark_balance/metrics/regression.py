"""Scores of a regression that say how well rare values are predicted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.errors import BadValuesError, ColumnError
from spark_balance.frames.arguments import checked
from spark_balance.frames.columns import check_columns, has_value, quoted, temp
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.relevance import Relevance
from spark_balance.frames.targets import check_target
from spark_balance.frames.text import TextTable, on_a_line, shown
from spark_balance.metrics.guards import refuse_added_rows

_PHI, _BIN, _ERROR, _ENDLESS = (temp(name) for name in ("phi", "bin", "error", "endless"))


@dataclass(frozen=True)
class Errors:
    """The errors of some rows.

    Attributes
    ----------
    rows : int
    rmse, mae : float
        The root of the mean squared error, and the mean absolute error; NaN without rows.
    bias : float
        The mean of prediction - target.
    """

    rows: int
    rmse: float
    mae: float
    bias: float


def _tables(of: RegressionEvaluation) -> list[TextTable]:
    lines = {**of.by_bin, "all": of.all}
    body = [
        (name, f"{one.rows:,}", *(f"{x:.4g}" for x in (one.rmse, one.mae, one.bias))) for name, one in lines.items()
    ]
    title = f"errors of {on_a_line(of.target_col)}: relevance-weighted RMSE {of.weighted_rmse:.4g}, SERA {of.sera:.4g}"
    return [TextTable(title, ("bin", "rows", "rmse", "mae", "bias"), body)]


@shown(_tables)
@dataclass(frozen=True)
class RegressionEvaluation:
    """How well a number is predicted: in all rows, in each bin of its relevance, and weighed by the relevance.

    Attributes
    ----------
    target_col : str
    all : Errors
    by_bin : dict of str to Errors
        Each bin that has rows, from the lowest values on.
    sera : float
        The squared error-relevance area (Ribeiro and Moniz, 2020): the area below the sum of the squared errors of the
        rows whose relevance is at least t, for t from 0 to 1. It is the sum of relevance times squared error.
    weighted_rmse : float
        The root of the mean squared error, rows weighed by their relevance; NaN if none is relevant.

    Examples
    --------
    >>> scored = spark.createDataFrame([(1.0, 1.5), (90.0, 70.0)], "cost double, prediction double")
    >>> found = evaluate_regression(scored, Relevance("cost", ((2.0, 0.0), (50.0, 1.0))))
    >>> found.by_bin["high"].rmse, found.by_bin["high"].bias, found.sera
    (20.0, -20.0, 400.0)
    """

    target_col: str
    all: Errors
    by_bin: dict[str, Errors]
    sera: float
    weighted_rmse: float

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values that JSON can carry."""
        bins = {name: vars(one) for name, one in self.by_bin.items()}
        return {"all": vars(self.all), "by_bin": bins, "sera": self.sera, "weighted_rmse": self.weighted_rmse}


@checked
def evaluate_regression(
    df: DataFrame, relevance: Relevance, prediction_col: str = "prediction", allow_synthetic: bool = False
) -> RegressionEvaluation:
    """Score a regression on data that was not resampled, rare values by themselves.

    Parameters
    ----------
    df : DataFrame of Spark, pandas or polars, or pyarrow.Table
        Scored rows. Rows whose target is NULL or NaN are left out.
    relevance : Relevance
        That of the training rows, as `fit_relevance` returns it: it names the target, and says what is rare.
    prediction_col : str
        Column with the predicted number.
    allow_synthetic : bool
        Accept a frame whose provenance column marks replicas or synthetic rows.

    Returns
    -------
    RegressionEvaluation
        Errors in all rows and in each bin, SERA and the relevance-weighted RMSE; prints as a table.

    Raises
    ------
    SparkBalanceError
        If a column does not fit, a target is infinite, or a prediction is NULL or not finite.

    Notes
    -----
    Cost: one aggregate. Sums are of doubles: on another layout the last digits may differ.

    Examples
    --------
    >>> rows = [(1.0, 1.5), (2.0, 2.0), (3.0, 2.5), (90.0, 70.0)]
    >>> scored = spark.createDataFrame(rows, "cost double, prediction double")
    >>> print(evaluate_regression(scored, Relevance("cost", ((2.0, 0.0), (50.0, 1.0)))))
    errors of cost: relevance-weighted RMSE 19.99, SERA 400
    bin     rows    rmse     mae  bias
    normal     3  0.4082  0.3333     0
    high       1      20      20   -20
    all        4   10.01    5.25    -5
    """
    who = "evaluate_regression"
    check_columns(who, df.schema, [prediction_col], "prediction_col")
    if not isinstance(df.schema[prediction_col].dataType, T.NumericType):
        kind = df.schema[prediction_col].dataType.simpleString()
        raise ColumnError(f"{who}: prediction_col='{prediction_col}' is of type {kind}; a prediction is a number")
    refuse_added_rows(who, df, allow_synthetic)
    check_target(who, df.schema, relevance.target_col)
    target, predicted = (F.col(quoted(name)).cast("double") for name in (relevance.target_col, prediction_col))
    there = df.where(has_value(df.schema, relevance.target_col))
    said = {_BIN: relevance.bin, _PHI: relevance.column, _ERROR: predicted - target}
    said[_ENDLESS] = (F.abs(target) == math.inf).cast("bigint")
    rows = there.select(*[column.alias(name) for name, column in said.items()])
    error, phi = F.col(_ERROR), F.col(_PHI)
    broken = error.isNull() | F.isnan(error) | (F.abs(error) == math.inf)
    sums = {
        "endless": F.col(_ENDLESS),
        "bad": broken.cast("bigint"),
        "error": error,
        "size": F.abs(error),
        "square": error * error,
    }
    sums |= {"weighed": phi * error * error, "phi": phi}
    grouped = rows.groupBy(F.col(_BIN).alias("bin"))
    found = to_arrow(grouped.agg(F.count(F.lit(1)).alias("rows"), *[F.sum(v).alias(k) for k, v in sums.items()]))
    bins = {one["bin"]: one for one in found.to_pylist()}
    if endless := sum(one["endless"] for one in bins.values()):
        raise BadValuesError(
            f"{who}: target column '{relevance.target_col}' is infinite in {endless:,} rows; filter them, or cap the "
            "values"
        )
    if bad := sum(one["bad"] for one in bins.values()):
        raise BadValuesError(
            f"{who}: prediction_col='{prediction_col}' is NULL, NaN or infinite in {bad:,} rows; filter or mend them"
        )
    ordered = [bins[one.name] for one in relevance.bins if one.name in bins]
    total = {name: math.fsum(one[name] for one in ordered) for name in ("rows", *sums)}
    by_bin = {one["bin"]: _errors(one) for one in ordered}
    weighed = math.sqrt(total["weighed"] / total["phi"]) if total["phi"] else math.nan
    return RegressionEvaluation(relevance.target_col, _errors(total), by_bin, total["weighed"], weighed)


def _errors(of: dict[str, Any]) -> Errors:
    rows = int(of["rows"])
    if not rows:
        return Errors(0, math.nan, math.nan, math.nan)
    return Errors(rows, math.sqrt(of["square"] / rows), of["size"] / rows, of["error"] / rows)
