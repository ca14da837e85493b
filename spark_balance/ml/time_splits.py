"""Split in the order of time: moments and windows never cut."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame, Window, functions as F

from spark_balance.frames.arguments import checked
from spark_balance.frames.columns import names_in, quoted, temp
from spark_balance.frames.window_checks import check_keys
from spark_balance.metrics.guards import refuse_added_rows
from spark_balance.ml.parts import cuts_in_order, embargo_in, exact_shares, time_type

_FIRST, _LAST = temp("first_time"), temp("last_time")


@checked
def time_split(
    df: DataFrame,
    weights: Sequence[Any],
    time_col: str,
    allow_synthetic: bool = False,
    embargo: dt.timedelta | int | None = None,
    window_cols: str | Sequence[str] | None = None,
) -> list[DataFrame]:
    """Split a frame in the order of time: the last share is the test part.

    Parameters
    ----------
    df : DataFrame
        Any batch frame that does not change between evaluations.
    weights : sequence of float
        Relative sizes of the parts, earliest first: ``[0.8, 0.2]``.
    time_col : str
        Date, timestamp or integer column without NULLs.
    allow_synthetic : bool
        Accept a frame whose provenance column marks replicas or synthetic rows.
    embargo : datetime.timedelta or int, optional
        Leave the last rows before each cut out of all parts, so that every row is at least this much earlier than those
        of the next part: where a label is known only later, or a feature looks back. Whole days for dates, a number for
        a column of integers (Lopez de Prado, 2018).
    window_cols : str or sequence of str, optional
        Rows with equal values here are one window. A window that begins before a cut and ends after it, or within the
        `embargo` before it, is left out of all parts; every other is whole in one.

    Returns
    -------
    list of DataFrame
        One for each weight; every row of a part is earlier than every row of the next. Rows of one moment stay
        together, at the cut nearest to the share (the earlier of two), so a part can be empty.

    Raises
    ------
    SparkBalanceError
        If a column is absent, of another type or NULL somewhere, or a weight or the embargo does not fit.

    Notes
    -----
    Cost: one job and, for each cut, one or two more (four at most) over this column, without a sort. Each part is a
    filter on the column, by which Parquet skips files. With `window_cols` each part shuffles all rows once instead.

    Examples
    --------
    >>> df = spark.createDataFrame([(i,) for i in range(10)], "day int")
    >>> train, test = time_split(df, [0.8, 0.2], "day")
    >>> [row.day for row in test.orderBy("day").collect()]
    [8, 9]

    Windows of three days each: the one from day 6 to 8 would be on both sides.

    >>> windows = df.selectExpr("day", "day div 3 AS window")
    >>> train, test = time_split(windows, [0.8, 0.2], "day", window_cols="window")
    >>> sorted({row.window for row in train.collect()}), sorted({row.window for row in test.collect()})
    ([0, 1], [3])
    """
    method = "time_split"
    shares = exact_shares(method, weights)
    kind = time_type(method, df.schema, time_col)
    gap = embargo_in(method, embargo, time_col, kind)
    keys = names_in(window_cols)
    check_keys(method, df.schema, keys)
    refuse_added_rows(method, df, allow_synthetic)
    column, cuts = F.col(quoted(time_col)), cuts_in_order(df, method, time_col, shares)
    rows, first, last = df, column, column
    if keys:
        of_window = Window.partitionBy(*map(quoted, keys))
        rows = df.withColumns({_FIRST: F.min(column).over(of_window), _LAST: F.max(column).over(of_window)})
        first, last = F.col(_FIRST), F.col(_LAST)
    begins = [F.lit(True), *[cut.passed(first, kind) for cut in cuts]]
    ends = [*[cut.left(last, kind, gap) for cut in cuts], F.lit(True)]
    return [rows.where(begin & end).drop(_FIRST, _LAST) for begin, end in zip(begins, ends, strict=True)]
