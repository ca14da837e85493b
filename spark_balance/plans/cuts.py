"""Cut a frame in the order of one column, at whole values: exact ranks without a sort."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import quoted, temp
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.apportion import apportion

ORDERED = (T.DateType, T.TimestampType, T.TimestampNTZType, T.IntegralType)
_VALUE, _EDGE = temp("value"), temp("edge")
_FEW = 65_536  # values or buckets that one job may bring to the driver
_DAY, _MINUTE, _SECOND = 86_400_000_000, 60_000_000, 1_000_000  # microseconds


@dataclass(frozen=True)
class Cut:
    """Where a later part begins: at a value, or right after it."""

    value: int
    after: bool

    def passed(self, column: Column, kind: T.DataType) -> Column:
        """Tell the rows of the later parts, in the column's own type so that files can be skipped."""
        start = _literal(self.value, kind)
        return column > start if self.after else column >= start


def cuts_in_order(df: DataFrame, method: str, name: str, shares: Sequence[Fraction]) -> list[Cut]:
    """Find the cuts nearest to the shares, rows of one value never apart; of two as near, the earlier.

    Notes
    -----
    Cost: one job, then for each cut a narrow job or two (four at most) over this column; each brings at most
    65,536 counts to the driver. Nothing is sorted.
    """
    values = df.select(_number(F.col(quoted(name)), df.schema[name].dataType).alias(_VALUE))
    found = values.agg(F.count(F.lit(1)), F.count(_VALUE), F.min(_VALUE), F.max(_VALUE)).toArrow().to_pylist()[0]
    rows, known, low, high = found.values()
    if known < rows:
        raise SparkBalanceError(
            f"{method}: time_col '{name}' is NULL in {rows - known} of {rows} rows, which then have no place in time; "
            "filter or fill them"
        )
    if not rows:
        return [Cut(0, True)] * (len(shares) - 1)
    if high - low >= 2**63:
        raise SparkBalanceError(f"{method}: time_col '{name}' goes from {low} to {high}, which is no time; scale it")
    [sizes] = apportion([rows], shares)
    return [_cut(values, low, high, rows, rank) for rank in list(accumulate(sizes))[:-1]]


def _cut(values: DataFrame, low: int, high: int, rows: int, rank: int) -> Cut:
    """Return the cut that leaves about `rank` rows before it."""
    if rank == rows:
        return Cut(high, True)
    below, inside = 0, rows
    while True:
        width = 1 if inside <= _FEW else -(-(high - low + 1) // _FEW)
        edge = F.col(_VALUE) - F.pmod(F.col(_VALUE) - F.lit(low).cast("bigint"), F.lit(width).cast("bigint"))
        counted = values.where(F.col(_VALUE).between(low, high)).groupBy(edge.alias(_EDGE)).count()
        found = counted.toArrow().to_pydict()
        buckets = iter(sorted(zip(found[_EDGE], found["count"], strict=True)))
        start, inside = next(buckets)
        while below + inside <= rank:
            below += inside
            start, inside = next(buckets)
        if width == 1:
            return Cut(start, after=below + inside - rank < rank - below)
        low, high = start, min(high, start + width - 1)


def _number(column: Column, kind: T.DataType) -> Column:
    """Turn a value into a whole number in the same order: days, microseconds or itself."""
    if isinstance(kind, T.DateType):
        return F.unix_date(column).cast("bigint")
    if isinstance(kind, T.TimestampType):
        return F.unix_micros(column)
    if isinstance(kind, T.TimestampNTZType):
        # by parts: a cast to a timestamp would fold the hour that a time zone repeats
        second = F.date_part(F.lit("SECOND"), column) * _SECOND
        minutes = F.hour(column).cast("bigint") * 60 + F.minute(column)
        clock = minutes * _MINUTE + second.cast("bigint")
        return F.unix_date(column.cast("date")).cast("bigint") * _DAY + clock
    return column.cast("bigint")


def _literal(value: int, kind: T.DataType) -> Column:
    number = F.lit(value).cast("bigint")
    if isinstance(kind, T.DateType):
        return F.date_from_unix_date(number.cast("int"))
    if isinstance(kind, T.TimestampType):
        return F.timestamp_micros(number)
    if isinstance(kind, T.TimestampNTZType):
        return F.lit(str(dt.datetime(1970, 1, 1) + dt.timedelta(microseconds=value))).cast("timestamp_ntz")
    return number.cast(kind)
