"""Parts of a split: exact per class by thresholds on draws, or cut in the order of one column at whole values."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.errors import BadValuesError, ColumnError, ParameterError
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import check_columns, check_frame, quoted, temp
from spark_balance.frames.copies import LAST, last_draws
from spark_balance.frames.older_spark import from_arrow, to_arrow
from spark_balance.frames.plan import ClassCounts, is_number
from spark_balance.frames.row_ids import CODE, HI, LO, NTH, draw, numbered, units
from spark_balance.kernels.draws import apportion
from spark_balance.kernels.labelsets import LabelTable
from spark_balance.kernels.stratify import stratify

PART = temp("part")
_LASTS, _ROWS, _RAREST = temp("lasts"), temp("rows"), temp("rarest")
_SIZES = 64  # powers of two that a group's size can have
_LEAST, _MOST = -(2**63), 2**63 - 1


def check_together(method: str, groups: Sequence[str], equal: bool, several: bool) -> None:
    """Refuse groups where equal rows stay together, and both where rows have several labels."""
    if groups and equal:
        raise ParameterError(
            f"{method}: duplicates='together' and group_cols both say which rows stay together, and equal rows may be "
            "of two groups; give one of them"
        )
    if several and (groups or equal):
        raise ParameterError(
            f"{method}: rows with several labels are divided one by one; leave out group_cols and duplicates='together'"
        )


def deal_rows(counted: ClassCounts, shares: Sequence[Fraction], labels: int | None) -> list[list[int]]:
    """Return the rows of each class, and of those without one, that each part gets; `labels` draws sets of labels."""
    sizes = counted.rows
    if labels is None:
        return apportion([*sizes.values(), counted.missing_rows], shares)
    dealt: list[list[int]] = stratify(LabelTable.of(sizes), shares, labels).tolist()
    return dealt + apportion([counted.missing_rows], shares)


def parts_of_rows(
    rows: DataFrame, strata: Strata, other: int, dealt: Sequence[Sequence[int]], stream: int, keyed: bool
) -> DataFrame:
    """Add the part of each row: every class is `dealt` out exactly, the rows without a label as class `other`.

    Cost: one job over the identities that finds the thresholds, a few numbers per class. With them as constants a row's
    part depends on the row alone: parts that are evaluated apart, even while the table grows, never share a row.
    """
    coded = strata.attach(rows, {}).withColumn(CODE, F.coalesce(F.col(CODE), F.lit(other)))
    sizes = dict(zip([row.code for row in strata.rows], dealt, strict=True))
    lasts = _cuts(units(coded, keyed), strata.method, sizes, stream)
    numbers = {_LASTS: pa.array([lasts[row.code] for row in strata.rows], pa.list_(pa.int64()))}
    placed = strata.attach(rows, numbers)
    of_other = F.array(*[F.lit(last).cast("bigint") for last in lasts[other]])
    placed = placed.withColumn(_LASTS, F.coalesce(F.col(_LASTS), of_other))
    return _placed(numbered(placed, F.lit(True), keyed, sum(map(sum, dealt))), stream)


def parts_of_groups(rows: DataFrame, strata: Strata, shares: Sequence[Fraction], stream: int) -> DataFrame:
    """Add the part of each row, whole groups drawn; a row's identity here is its group's.

    Groups are alike when their rarest class is the same and has as many rows, to a power of two; alike groups are
    divided exactly, large ones first. `strata` are numbered from the rarest class on.

    Cost: one shuffle of (group, class, rows) and two jobs over it; each evaluation shuffles the rows to their groups.
    """
    counted = strata.attach(rows, {}).groupBy(HI, LO, CODE).agg(F.count(F.lit(1)).alias(_ROWS))
    first = counted.groupBy(HI, LO).agg(F.min(F.struct(CODE, _ROWS)).alias(_RAREST))
    # half a row more: no logarithm then lies so near a whole number that engines could differ
    size = F.floor(F.log2(F.col(_RAREST)[_ROWS] + 0.5))
    alike = (F.col(_RAREST)[CODE] * _SIZES + (_SIZES - 1 - size)).cast("int")
    groups = first.select(HI, LO, alike.alias(CODE), F.lit(0).alias(NTH))
    found = to_arrow(groups.groupBy(CODE).count()).to_pydict()
    kinds = dict(sorted(zip(found[CODE], found["count"], strict=True)))
    sizes = [2 ** (_SIZES - 1 - kind % _SIZES) for kind in kinds]
    dealt = dict(zip(kinds, apportion(list(kinds.values()), shares, sizes), strict=True))
    lasts = _cuts(groups, strata.method, dealt, stream)
    table = {CODE: pa.array(lasts, pa.int32()), _LASTS: pa.array(list(lasts.values()), pa.list_(pa.int64()))}
    placed = groups.join(F.broadcast(from_arrow(rows.sparkSession, pa.table(table))), CODE)
    return rows.join(_placed(placed, stream).select(HI, LO, PART), [HI, LO])


def _cuts(drawn: DataFrame, method: str, dealt: Mapping[int, Sequence[int]], stream: int) -> dict[int, list[int]]:
    """Find, for each class, the last draw of every part but the last part."""
    ends = {code: list(accumulate(sizes)) for code, sizes in dealt.items()}
    cuts = len(next(iter(ends.values()))) - 1
    wanted = {
        code * cuts + i: (end[i], float(end[-1]))
        for code, end in ends.items()
        for i in range(cuts)
        if 0 < end[i] < end[-1]
    }
    # a part that takes nothing, or all that is left, needs no search
    lasts = {code: [_LEAST if end[i] == 0 else _MOST for i in range(cuts)] for code, end in ends.items()}
    if wanted:
        first = F.col(CODE) * cuts
        each = drawn.withColumn(CODE, F.explode(F.sequence(first, first + (cuts - 1))))
        found = to_arrow(last_draws(each, method, wanted, stream, [HI, LO, NTH], poisson=False)).to_pydict()
        for cut, last in zip(found[CODE], found[LAST], strict=True):
            lasts[cut // cuts][cut % cuts] = last
    return lasts


def _placed(rows: DataFrame, stream: int) -> DataFrame:
    passed = F.filter(F.col(_LASTS), lambda last: last < draw(stream, HI, LO, NTH))
    return rows.withColumn(PART, F.size(passed))


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
        """Return whether a row is of a later part, in the column's own type so that files can be skipped."""
        start = _literal(self.value, kind)
        return column > start if self.after else column >= start

    def left(self, column: Column, kind: T.DataType, gap: int) -> Column:
        """Return whether a row is of an earlier part, and by as much as the gap."""
        if gap == 0:
            return ~self.passed(column, kind)
        last = self.value - gap  # which a narrow integer may not hold
        return column <= (F.lit(last).cast("bigint") if isinstance(kind, T.IntegralType) else _literal(last, kind))


def time_type(method: str, schema: T.StructType, name: str) -> T.DataType:
    """Return the type of a time column; refuse one that has no order in whole numbers."""
    check_frame(method, schema)
    check_columns(method, schema, [name], "time_col")
    kind = schema[name].dataType
    if not isinstance(kind, ORDERED):
        raise ColumnError(
            f"{method}: time_col '{name}' is of type {kind.simpleString()}; "
            "time is a date, a timestamp or an integer, so cast it"
        )
    return kind


def embargo_in(method: str, embargo: dt.timedelta | int | None, name: str, kind: T.DataType) -> int:
    """Return an embargo as whole numbers of a time column: days, microseconds or its own."""
    if embargo is None:
        return 0
    whole = isinstance(kind, T.IntegralType)
    unit = dt.timedelta(days=1) if isinstance(kind, T.DateType) else dt.timedelta(microseconds=1)
    fits = isinstance(embargo, int if whole else dt.timedelta) and not isinstance(embargo, bool)
    gap, rest = (embargo, 0) if isinstance(embargo, int) else divmod(embargo, unit)
    if not fits or rest or gap < 0:
        allowed = "a whole number" if whole else "a timedelta of whole days" if unit.days else "a timedelta"
        raise ParameterError(
            f"{method}: embargo={embargo!r} does not fit time_col '{name}' of type {kind.simpleString()}; give "
            f"{allowed}, 0 or more"
        )
    return gap


def cuts_in_order(df: DataFrame, method: str, name: str, shares: Sequence[Fraction]) -> list[Cut]:
    """Find the cuts nearest to the shares, rows of one value never apart; of two as near, the earlier.

    Cost: one job, then for each cut a narrow job or two (four at most) over this column; each brings at most
    65,536 counts to the driver. Nothing is sorted.
    """
    values = df.select(_number(F.col(quoted(name)), df.schema[name].dataType).alias(_VALUE))
    found = to_arrow(values.agg(F.count(F.lit(1)), F.count(_VALUE), F.min(_VALUE), F.max(_VALUE))).to_pylist()[0]
    rows, known, low, high = found.values()
    if known < rows:
        raise BadValuesError(
            f"{method}: time_col '{name}' is NULL in {rows - known} of {rows} rows, which then have no place in time; "
            "filter or fill them"
        )
    if not rows:
        return [Cut(0, True)] * (len(shares) - 1)
    if high - low >= 2**63:
        raise BadValuesError(f"{method}: time_col '{name}' goes from {low} to {high}, which is not a time; scale it")
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
        found = to_arrow(counted).to_pydict()
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


def exact_shares(method: str, weights: Sequence[Any]) -> list[Fraction]:
    """Return the weights as exact shares: 0.1 is a tenth, whatever its binary digits."""
    if isinstance(weights, str) or not hasattr(weights, "__iter__") or len(weights) < 2:
        raise ParameterError(f"{method}: weights={weights!r} is refused; give at least two, as [0.8, 0.2]")
    for weight in weights:
        if not is_number(weight) or weight <= 0:
            raise ParameterError(f"{method}: weights has {weight!r}; every weight is a number above 0")
    exact = [Fraction(str(weight)) for weight in weights]
    return [one / sum(exact) for one in exact]
