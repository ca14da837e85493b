"""Say which part of a split a row falls in: exact per class, by thresholds on draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import accumulate

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import temp
from spark_balance.kernels.apportion import apportion
from spark_balance.plans.keep import LAST, last_draws
from spark_balance.plans.keys import CODE, HI, LO, NTH, draw, numbered, units
from spark_balance.plans.strata import Strata

PART = temp("part")
_LASTS, _ROWS, _RAREST = temp("lasts"), temp("rows"), temp("rarest")
_SIZES = 64  # so many powers of two a group's size can have
_LEAST, _MOST = -(2**63), 2**63 - 1


def parts_of_rows(
    rows: DataFrame, strata: Strata, other: int, shares: Sequence[Fraction], stream: int, keyed: bool
) -> DataFrame:
    """Add the part of each row: every class is divided exactly.

    Parameters
    ----------
    rows : DataFrame
        All rows with their identity.
    strata : Strata
        The classes with their counts.
    other : int
        Number of the class that takes the rows of no other: those without a label.
    shares, stream
        The share of each part; what sets these draws apart from others.
    keyed : bool
        The identity is a unique key.

    Notes
    -----
    Cost: one job over the identities that finds the thresholds, a few numbers per class.
    With them as constants a row's part depends on the row alone: parts that are evaluated
    apart, even while the table grows, never share a row.
    """
    coded = strata.attach(rows, {}).withColumn(CODE, F.coalesce(F.col(CODE), F.lit(other)))
    counts = [row.entry.before for row in strata.rows]
    dealt = dict(zip([row.code for row in strata.rows], apportion(counts, shares), strict=True))
    lasts = _cuts(units(coded, keyed), strata.method, dealt, stream)
    numbers = {_LASTS: pa.array([lasts[row.code] for row in strata.rows], pa.list_(pa.int64()))}
    placed = strata.attach(rows, numbers)
    of_other = F.array(*[F.lit(last).cast("bigint") for last in lasts[other]])
    placed = placed.withColumn(_LASTS, F.coalesce(F.col(_LASTS), of_other))
    return _placed(numbered(placed, F.lit(True), keyed, sum(counts)), stream)


def parts_of_groups(rows: DataFrame, strata: Strata, shares: Sequence[Fraction], stream: int) -> DataFrame:
    """Add the part of each row, whole groups drawn; a row's identity here is its group's.

    Groups are alike when their rarest class is the same and has as many rows, to a power
    of two; alike groups are divided exactly, large ones first. `strata` are numbered from
    the rarest class on.

    Notes
    -----
    Cost: one shuffle of (group, class, rows) and two jobs over it; each evaluation shuffles
    the rows to their groups.
    """
    counted = strata.attach(rows, {}).groupBy(HI, LO, CODE).agg(F.count(F.lit(1)).alias(_ROWS))
    first = counted.groupBy(HI, LO).agg(F.min(F.struct(CODE, _ROWS)).alias(_RAREST))
    # half a row more: no logarithm then lies so near a whole number that engines could differ
    size = F.floor(F.log2(F.col(_RAREST)[_ROWS] + 0.5))
    alike = (F.col(_RAREST)[CODE] * _SIZES + (_SIZES - 1 - size)).cast("int")
    groups = first.select(HI, LO, alike.alias(CODE), F.lit(0).alias(NTH))
    found = groups.groupBy(CODE).count().toArrow().to_pydict()
    kinds = dict(sorted(zip(found[CODE], found["count"], strict=True)))
    sizes = [2 ** (_SIZES - 1 - kind % _SIZES) for kind in kinds]
    dealt = dict(zip(kinds, apportion(list(kinds.values()), shares, sizes), strict=True))
    lasts = _cuts(groups, strata.method, dealt, stream)
    table = {
        CODE: pa.array(lasts, pa.int32()),
        _LASTS: pa.array(list(lasts.values()), pa.list_(pa.int64())),
    }
    placed = groups.join(F.broadcast(rows.sparkSession.createDataFrame(pa.table(table))), CODE)
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
        found = last_draws(each, method, wanted, stream, [HI, LO, NTH]).toArrow().to_pydict()
        for cut, last in zip(found[CODE], found[LAST], strict=True):
            lasts[cut // cuts][cut % cuts] = last
    return lasts


def _placed(rows: DataFrame, stream: int) -> DataFrame:
    passed = F.filter(F.col(_LASTS), lambda last: last < draw(stream, HI, LO, NTH))
    return rows.withColumn(PART, F.size(passed))
