"""The numeric target of a regression: its type, and its values on the driver."""

from __future__ import annotations

import numpy as np
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.errors import BadValuesError, ColumnError, TooFewRowsError
from spark_balance.frames.columns import check_columns, check_frame, has_value, quoted, temp
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.row_ids import HI, LO, draw, identity
from spark_balance.frames.sample import SAMPLE_ROWS
from spark_balance.kernels import Floats
from spark_balance.kernels.draws import quantile, stream

MOST = 1e300  # of a value: differences are finite then
_ROWS, _BAD, _VALUE = temp("rows"), temp("bad"), temp("value")


def check_target(who: str, schema: T.StructType, target_col: str) -> None:
    """Refuse a target that is not there, or holds no numbers."""
    check_frame(who, schema)
    check_columns(who, schema, [target_col], "target_col")
    kind = schema[target_col].dataType
    if not isinstance(kind, T.NumericType):
        raise ColumnError(
            f"{who}: target column '{target_col}' is of type {kind.simpleString()}; a target is a number, so cast it"
        )


def sample_target(
    who: str, df: DataFrame, target_col: str, keys: tuple[str, ...], *, most: int = SAMPLE_ROWS
) -> Floats:
    """Return the values of a target in ascending order, of a table of more than `most` a sample of them: two jobs.

    The sample is drawn by the row ids, so that it is the same on any layout and engine.
    """
    check_columns(who, df.schema, keys, "key_cols")
    target = F.col(quoted(target_col)).cast("double")
    there = df.where(has_value(df.schema, target_col))
    bad = F.sum((F.abs(target) > MOST).cast("bigint"))
    counted = to_arrow(there.agg(F.count(F.lit(1)).alias(_ROWS), bad.alias(_BAD))).to_pylist()[0]
    if counted[_BAD]:
        raise BadValuesError(
            f"{who}: target column '{target_col}' is infinite in {counted[_BAD]:,} rows, where beyond 1e300 counts as "
            "infinite; filter them, or cap the values"
        )
    if not counted[_ROWS]:
        raise TooFewRowsError(f"{who}: target column '{target_col}' has no value; check target_col and the rows read")
    if counted[_ROWS] > most:
        named = there.select("*", *identity(who, df.schema, keys))
        last = int(quantile(most / counted[_ROWS]))
        there = named.where(draw(stream(0, "relevance"), HI, LO) <= last)
    values: Floats = to_arrow(there.select(target.alias(_VALUE)))[_VALUE].to_numpy()
    return np.sort(values)
