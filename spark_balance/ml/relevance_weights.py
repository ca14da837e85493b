"""Weights of rows by how rare the value of their numeric target is."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, functions as F

from spark_balance.errors import ParameterError
from spark_balance.frames.arguments import checked
from spark_balance.frames.columns import check_new_column, has_value, names_in, quoted, temp
from spark_balance.frames.older_spark import from_arrow
from spark_balance.frames.targets import check_target, sample_target
from spark_balance.kernels.density import LEAST_WEIGHT, STEPS, Density

_PLACE, _AWAY, _HEIGHT, _RISE = (temp(what) for what in ("place", "away", "height", "rise"))


@checked
def relevance_weights(
    df: DataFrame, target_col: str, alpha: float = 1.0, weight_col: str = "weight", key_cols: str | Sequence[str] = ()
) -> DataFrame:
    """Give every row a weight that is larger the rarer the value of its target is (DenseWeight).

    The weight is max(1 - alpha * p, 1e-6), where p is the density of the target, from 0 at the rarest value to 1 at the
    most common one; then weights are divided by their mean (Steininger, Kobs, Davidson, Krause and Hotho, 2021). An
    estimator takes the column as its `weightCol`, or `sample_weight`.

    Parameters
    ----------
    df : DataFrame of Spark, pandas or polars, or pyarrow.Table
        Any batch frame.
    target_col : str
        Column with the number that is predicted.
    alpha : float
        How much density takes from a weight, at least 0: with 0 all weights are 1; above 1 common values have nearly
        none.
    weight_col : str
        Column to add (double). It is NULL where the target is NULL or NaN.
    key_cols : str or sequence of str, optional
        A unique key, which is cheaper than a hash of all columns where a table of more than 200,000 rows is sampled.

    Returns
    -------
    DataFrame
        Lazy, with the weights at the end.

    Raises
    ------
    SparkBalanceError
        If a parameter is invalid, the target is not a number, is infinite or has no value.

    Notes
    -----
    The density is that of a Gaussian kernel with the bandwidth of Silverman's rule, on a grid of 16,384 steps. It is
    estimated from all values or, of a table of more than 200,000 rows, from a sample that is the same on any layout.

    Cost: two jobs, one that counts the values and one that brings at most about 200,000 of them to the driver; then
    lazily a scan and a broadcast join. No shuffle, no Python worker.

    Examples
    --------
    >>> df = spark.createDataFrame([(float(i % 20 + 80 * (i % 50 == 0)),) for i in range(200)], "cost double")
    >>> weighed = relevance_weights(df, "cost")
    >>> weighed.groupBy(weighed.cost > 50).avg("weight").sort("avg(weight)").count()
    2
    """
    who = "relevance_weights"
    check_target(who, df.schema, target_col)
    check_new_column(who, df.schema, weight_col, "weight_col")
    if not (0 <= alpha < float("inf")):
        raise ParameterError(f"{who}: alpha={alpha!r} is not allowed; give a number of at least 0")
    values = sample_target(who, df, target_col, names_in(key_cols))
    density = Density.fit(values)
    mean = density.mean_weight(values, alpha)
    grid = {_PLACE: np.arange(STEPS + 1), _HEIGHT: density.heights, _RISE: density.rises}
    table = F.broadcast(from_arrow(df.sparkSession, pa.table(grid)))
    steps = (F.col(quoted(target_col)).cast("double") - density.start) / density.step
    away = F.when(has_value(df.schema, target_col), F.least(F.greatest(steps, F.lit(0.0)), F.lit(float(STEPS))))
    placed = df.withColumn(_AWAY, away).withColumn(_PLACE, F.floor(F.col(_AWAY)).cast("bigint"))
    here = F.col(_HEIGHT) + (F.col(_AWAY) - F.col(_PLACE)) * F.col(_RISE)
    weight = F.greatest(1 - alpha * here, F.lit(LEAST_WEIGHT)) / mean
    columns = [F.col(quoted(name)) for name in df.columns]
    known = F.when(F.col(_AWAY).isNotNull(), weight)  # greatest() skips NULL
    return placed.join(table, _PLACE, "left").select(*columns, known.alias(weight_col))
