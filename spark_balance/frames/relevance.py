"""The relevance of a numeric target: how much each value matters, and the bins that are resampled as classes are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np
from pyspark.sql import Column, DataFrame, functions as F

from spark_balance.errors import BadValuesError, ParameterError
from spark_balance.frames.arguments import checked
from spark_balance.frames.columns import check_new_column, has_value, names_in, quoted
from spark_balance.frames.plan import is_number
from spark_balance.frames.targets import MOST, check_target, sample_target
from spark_balance.frames.text import BIN, TextTable, shown
from spark_balance.kernels import Floats
from spark_balance.kernels.relevance import Bin, Curve, Points, extremes

THRESHOLD = 0.8
Quantile = Callable[[float], float]


def _tables(of: Relevance) -> list[TextTable]:
    points = ", ".join(f"{phi:g} at {value:g}" for value, phi in of.points)
    body = [(one.name, f"{one.low:g}", f"{one.high:g}", "rare" if one.rare else "normal") for one in of.bins]
    title = f"Relevance of {of.target_col}: rare from {of.threshold:g} on"
    return [TextTable(title, ("bin", "from", "below", "kind"), body, notes=(f"points: {points}",))]


@shown(_tables)
@checked
@dataclass(frozen=True)
class Relevance:
    """How much each value of a numeric target matters, from 0 to 1 (Ribeiro, 2011; Ribeiro and Moniz, 2020).

    Between two control points the curve is a monotone cubic, beyond the first and the last it is constant. Values whose
    relevance reaches the threshold are rare; each range of rare or of normal values is a bin.

    Attributes
    ----------
    target_col : str
    points : tuple of (float, float)
        Values of the target and the relevance of each, ascending.
    threshold : float
        The relevance from which on a value is rare.
    """

    target_col: str
    points: Points
    threshold: float = THRESHOLD

    def __post_init__(self) -> None:
        """Refuse points that make up none of these curves, and a threshold outside of 0 to 1."""
        check_points("Relevance", self.points)
        _check_threshold("Relevance", self.threshold)

    @cached_property
    def curve(self) -> Curve:
        """The relevance as a function of arrays."""
        return Curve(self.points)

    @cached_property
    def bins(self) -> tuple[Bin, ...]:
        """The ranges of rare and of normal values, ascending."""
        return self.curve.bins(self.threshold)

    def with_bins(self, df: DataFrame, bin_col: str = BIN) -> DataFrame:
        """Add the bin of each row, as a text: 'low', 'normal', 'high'; NULL where the target is NULL or NaN.

        Parameters
        ----------
        df : DataFrame
        bin_col : str
            The column to add, which splits and folds can be stratified by.
        """
        self._check(df, bin_col, "bin_col")
        return df.withColumn(bin_col, F.when(has_value(df.schema, self.target_col), self.bin))

    def with_relevance(self, df: DataFrame, relevance_col: str = "relevance") -> DataFrame:
        """Add the relevance of each row, a double from 0 to 1; NULL where the target is NULL or NaN.

        Parameters
        ----------
        df : DataFrame
        relevance_col : str
            The column to add.
        """
        self._check(df, relevance_col, "relevance_col")
        return df.withColumn(relevance_col, F.when(has_value(df.schema, self.target_col), self.column))

    @property
    def bin(self) -> Column:
        """The bin of a row whose target has a value."""
        named, target = F.lit(self.bins[-1].name), self._target
        for one in reversed(self.bins[:-1]):
            named = F.when(target < one.high, one.name).otherwise(named)
        return named

    @property
    def column(self) -> Column:
        """The relevance of a row whose target has a value: the arithmetic of the kernel, in its order."""
        target, found = self._target, F.lit(float(self.points[-1][1]))
        for (x, _), (right, _), piece in reversed(
            [*zip(self.points, self.points[1:], self.curve.pieces, strict=False)]
        ):
            constant, line, square, cube = piece
            away = target - x
            inside = constant + away * (line + away * (square + away * cube))
            found = F.when(target < right, F.greatest(F.least(inside, F.lit(1.0)), F.lit(0.0))).otherwise(found)
        return F.when(target < self.points[0][0], F.lit(float(self.points[0][1]))).otherwise(found)

    @property
    def _target(self) -> Column:
        return F.col(quoted(self.target_col)).cast("double")

    def _check(self, df: DataFrame, name: str, role: str) -> None:
        check_target("Relevance", df.schema, self.target_col)
        check_new_column("Relevance", df.schema, name, role)


def check_points(who: str, points: Any) -> Points:
    """Return control points as numbers, or refuse what is not ascending or not a relevance."""
    listed = isinstance(points, list | tuple) and len(points) > 1
    if not listed or not all(map(_is_pair, points)):
        raise ParameterError(
            f"{who}: relevance={points!r} has no control points; give two or more pairs (value, relevance from 0 to 1)"
        )
    found = tuple((float(value), float(phi)) for value, phi in points)
    ascend = all(one[0] < other[0] for one, other in pairwise(found))
    if not ascend or not all(abs(value) <= MOST and 0 <= phi <= 1 for value, phi in found):
        raise ParameterError(
            f"{who}: relevance={points!r} is not allowed; give values that ascend, from -1e300 to 1e300, each with a "
            "relevance from 0 to 1"
        )
    return found


def _check_threshold(who: str, threshold: float) -> None:
    if not 0 < threshold <= 1:
        raise ParameterError(f"{who}: threshold={threshold!r} is not allowed; give a number above 0, at most 1")


def _is_pair(one: Any) -> bool:
    return isinstance(one, list | tuple) and len(one) == 2 and all(map(is_number, one))


@checked
def fit_relevance(
    df: DataFrame,
    target_col: str,
    relevance: Any = "extremes",
    threshold: float = THRESHOLD,
    key_cols: str | Sequence[str] = (),
) -> Relevance:
    """Say how much each value of a numeric target matters.

    Parameters
    ----------
    df : DataFrame of Spark, pandas or polars, or pyarrow.Table
        Any batch frame.
    target_col : str
        Column with the number that is predicted.
    relevance : 'extremes', sequence of (float, float) or callable
        'extremes' is 0 at the median and 1 at the whiskers of the box plot beyond which there are outliers (Ribeiro,
        2011). Control points are values with their relevance, ascending. A callable gets the quantiles of the
        target as a function of the share, and returns such points: ``lambda q: [(q(0.5), 0), (q(0.95), 1)]``.
    threshold : float
        The relevance from which on a value is rare, above 0, at most 1.
    key_cols : str or sequence of str, optional
        A unique key, which is cheaper than a hash of all columns where a table of more than 200,000 rows is sampled.

    Returns
    -------
    Relevance
        The curve and its bins; prints as a table.

    Raises
    ------
    SparkBalanceError
        If the target is not a number, is infinite or has no value, if the points are not ascending, or if 'extremes'
        finds no outliers.

    Notes
    -----
    Cost: two jobs, unless points are given: one counts the values, one brings at most about 200,000 of them to the
    driver. Quantiles of a larger table are those of this sample, which is the same on any layout and engine.

    Examples
    --------
    >>> df = spark.createDataFrame([(i, float(i % 20 + 80 * (i % 50 == 0))) for i in range(200)], "id int, cost double")
    >>> print(fit_relevance(df, "cost"))
    Relevance of cost: rare from 0.8 on
    bin        from    below    kind
    normal     -inf  16.4157  normal
    high    16.4157      inf    rare
    points: 0 at 0, 0 at 10, 1 at 19
    """
    who = "fit_relevance"
    check_target(who, df.schema, target_col)
    _check_threshold(who, threshold)
    keys = names_in(key_cols)
    return Relevance(target_col, points_of(who, df, target_col, relevance, keys), threshold)


def points_of(who: str, df: DataFrame, target_col: str, relevance: Any, keys: tuple[str, ...]) -> Points:
    """Return the control points that are given, or those that the values of a frame say: two jobs."""
    if not callable(relevance) and relevance != "extremes":
        return check_points(who, relevance)
    ordered = sample_target(who, df, target_col, keys)
    if callable(relevance):
        return check_points(who, relevance(partial(_quantile, who, ordered)))
    found = extremes(ordered)
    advice = "give control points, such as relevance=lambda q: [(q(0.5), 0), (q(0.95), 1)]"
    if len({value for value, _ in found}) < len(found) or len(found) < 2:
        raise BadValuesError(
            f"{who}: half or more of the values of target column '{target_col}' are equal, so its box plot has no "
            f"length; {advice}"
        )
    if not any(phi for _, phi in found):
        raise BadValuesError(f"{who}: target column '{target_col}' has no outliers in its box plot; {advice}")
    return found


def _quantile(who: str, ordered: Floats, share: Any) -> float:
    if not is_number(share) or not 0 <= share <= 1:
        raise ParameterError(f"{who}: relevance asks for the quantile q({share!r}); give a share from 0 to 1")
    return float(np.quantile(ordered, float(share)))
