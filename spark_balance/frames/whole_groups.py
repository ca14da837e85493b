"""Choose whole groups of rows, as many as fit, without sorting or moving the rows."""

from pyspark.sql import Column, DataFrame, Window, WindowSpec, functions as F

from spark_balance.errors import CountsError, wrong_counts
from spark_balance.frames.classes import Numbers, Strata
from spark_balance.frames.columns import stop, temp
from spark_balance.frames.copies import EXTRA, WHOLE, Share
from spark_balance.frames.provenance import MOST_SENT
from spark_balance.frames.row_ids import CODE, COPIES, HI, LO, draw, with_columns_of
from spark_balance.kernels import Ints

_ROWS, _DRAW, _BUCKET, _FITS, _BEFORE = temp("rows"), temp("draw"), temp("bucket"), temp("fits"), temp("before")
_OF_CLASS, _ALL = temp("of_class"), temp("all")
BUCKET_BITS = 16  # of a draw that make its bucket


def with_group_copies(rows: DataFrame, strata: Strata, shares: Share[Ints], stream: int) -> DataFrame:
    """Say how often each row is to appear, the rows of one class and group as often as each other.

    Every group of a class gives floor(wanted / rows) times its rows; groups chosen at random, no more rows than the
    remainder, give theirs once more. Groups come in the order of their draws, one for a group whatever its classes, and
    the first that no longer fits ends it; a group that has more rows than the remainder is passed over. The rows have
    their class number, `share_numbers`, `class_sizes` and the row id of their group.

    Cost: nothing when every remainder is 0. Else two more scans of the group columns, each with a shuffle of one row
    for each class, group and task; one more shuffle of the groups that may fit; and a broadcast of those chosen
    (above `MOST_SENT` rows wanted, a shuffle of all rows). Lazy, no Python.
    """
    if not shares.extra.any():
        return rows.withColumn(COPIES, F.col(WHOLE).cast("int"))
    chosen = _that_fit(rows, strata.method, stream).select(CODE, HI, LO, F.lit(1).alias(_FITS))
    chosen = F.broadcast(chosen) if shares.extra.sum() <= MOST_SENT else chosen
    joined = with_columns_of(chosen, rows, [CODE, HI, LO])
    return joined.withColumn(COPIES, (F.col(WHOLE) + F.coalesce(F.col(_FITS), F.lit(0))).cast("int"))


def class_sizes(shares: Share[Ints]) -> Numbers:
    """Return the numbers of each class that `with_group_copies` checks."""
    return {_OF_CLASS: shares.rows}


def _that_fit(rows: DataFrame, method: str, stream: int) -> DataFrame:
    """Return the first groups of each class, by draw, that have no more rows together than are wanted."""
    partial = rows.where(F.col(EXTRA) > 0)
    told = [F.count(F.lit(1)).alias(_ROWS), F.max(EXTRA).alias(EXTRA), F.max(_OF_CLASS).alias(_OF_CLASS)]
    drawn = partial.groupBy(CODE, HI, LO).agg(*told).withColumn(_DRAW, draw(stream, HI, LO))
    groups = drawn.withColumn(_BUCKET, F.shiftright(F.col(_DRAW), 64 - BUCKET_BITS))
    fitting = groups.where(F.col(_ROWS) <= F.col(EXTRA))
    near = fitting.join(_buckets(groups, method), [CODE, _BUCKET])
    order = Window.partitionBy(CODE, _BUCKET).orderBy(_DRAW, HI, LO)
    return near.withColumn(_ALL, F.col(_BEFORE) + _up_to_here(_ROWS, order)).where(F.col(_ALL) <= F.col(EXTRA))


def _buckets(groups: DataFrame, method: str) -> DataFrame:
    """Return the buckets of draws in which a group may fit, with the rows of the groups before them."""
    fits = F.when(F.col(_ROWS) <= F.col(EXTRA), F.col(_ROWS)).otherwise(F.lit(0))
    told = [F.sum(fits).alias(_FITS), F.sum(_ROWS).alias(_ALL), F.max(_OF_CLASS).alias(_OF_CLASS)]
    buckets = groups.groupBy(CODE, _BUCKET).agg(*told, F.max(EXTRA).alias(EXTRA))
    of_class = Window.partitionBy(CODE)
    before = _up_to_here(_FITS, of_class.orderBy(_BUCKET)) - F.col(_FITS)
    stopped = stop(CountsError, wrong_counts(method), F.col(CODE)).cast("bigint")
    counted = F.sum(_ALL).over(of_class) == F.col(_OF_CLASS)
    checked = buckets.withColumn(_BEFORE, F.when(counted, before).otherwise(stopped))
    return checked.where(F.col(_BEFORE) < F.col(EXTRA)).select(CODE, _BUCKET, _BEFORE)


def _up_to_here(name: str, order: WindowSpec) -> Column:
    return F.sum(name).over(order.rowsBetween(Window.unboundedPreceding, Window.currentRow))
