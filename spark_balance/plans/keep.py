"""Choose exactly n of a class without sorting it, and what follows from that: copies of every row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import temp
from spark_balance.errors import wrong_counts
from spark_balance.kernels.draws import band, quantile
from spark_balance.plans.keys import CODE, HI, LO, NTH, draw, numbered, units
from spark_balance.plans.strata import Numbers, Strata

COPIES = temp("copies")
WHOLE, EXTRA, _LOW, _HIGH = temp("whole"), temp("extra"), temp("low"), temp("high")
_DRAW, LAST = temp("draw"), temp("last")
_ROWS, _SEEN = temp("rows"), temp("seen")


@dataclass(frozen=True)
class Share:
    """So many units are wanted of a class that has so many rows."""

    rows: int
    wanted: int

    @property
    def whole(self) -> int:
        """Units that every row gives."""
        return self.wanted // self.rows

    @property
    def extra(self) -> int:
        """Rows that give one more."""
        return self.wanted % self.rows


def with_copies(
    rows: DataFrame, strata: Strata, shares: Sequence[Share], stream: int, *, keyed: bool, exact: bool = True
) -> DataFrame:
    """Say how often each row is to appear, so that each class gives exactly what is wanted.

    Every row of a class gives floor(wanted / rows); a chosen subset, exactly as
    large as the remainder, gives one more. The subset are the rows with the
    smallest draws.

    Parameters
    ----------
    rows : DataFrame
        Rows with their class number, identity and `share_numbers`.
    strata, shares
        The classes, and what is wanted of each.
    stream : int
        Sets these draws apart from others.
    keyed : bool
        The identity is a unique key.
    exact : bool
        False chooses each row by its own probability: binomial counts, no second scan.

    Returns
    -------
    DataFrame
        The rows with their number among identical ones and the column of copies;
        rows of no class have NULL copies.

    Notes
    -----
    Cost: nothing when every remainder is 0. Else one more scan of the key columns
    (of all columns without a key, and a shuffle of the identities). Lazy.
    """
    partial = F.col(EXTRA) > 0
    placed = numbered(rows, partial, keyed, sum(share.rows for share in shares))
    if not any(share.extra for share in shares):
        return placed.withColumn(COPIES, F.col(WHOLE).cast("int"))
    if exact:
        wanted = {
            row.code: (share.extra, float(share.rows))
            for row, share in zip(strata.rows, shares, strict=True)
            if share.extra
        }
        thresholds = last_draws(units(rows.where(partial), keyed), strata.method, wanted, stream, [HI, LO, NTH])
        placed = placed.join(F.broadcast(thresholds), CODE, "left")
    else:
        placed = placed.withColumn(LAST, F.col(_LOW))
    one_more = F.coalesce(draw(stream, HI, LO, NTH) <= F.col(LAST), F.lit(False)) & partial
    return placed.withColumn(COPIES, (F.col(WHOLE) + one_more.cast("int")).cast("int")).drop(LAST)


def share_numbers(shares: Sequence[Share]) -> Numbers:
    """Return the numbers of each class that `with_copies` needs on every row."""
    return {
        WHOLE: [share.whole for share in shares],
        EXTRA: [share.extra for share in shares],
        _LOW: [quantile(share.extra / share.rows) for share in shares],
    }


def last_draws(
    units: DataFrame,
    method: str,
    wanted: dict[int, tuple[int, float]],
    stream: int,
    of: list[str],
    *,
    poisson: bool = False,
) -> DataFrame:
    """Find, for each class, the draw of the last unit to choose, as a lazy frame (code, last draw).

    Only draws in a narrow band around the wanted quantile are kept and sorted, a few
    thousand of millions. `wanted` holds the units wanted and the units there are of
    each class; with `poisson` the latter is only expected.
    """
    bands = [band(some, total, poisson=poisson) for some, total in wanted.values()]
    table = pa.table(
        {
            CODE: pa.array(wanted, pa.int32()),
            EXTRA: pa.array([some for some, _ in wanted.values()], pa.int64()),
            _LOW: pa.array([low for low, _ in bands], pa.int64()),
            _HIGH: pa.array([high for _, high in bands], pa.int64()),
        }
    )
    totals = pa.array([-1 if poisson else round(total) for _, total in wanted.values()], pa.int64())
    table = table.append_column(_ROWS, totals)
    drawn = units.withColumn(_DRAW, draw(stream, *of)).join(
        F.broadcast(units.sparkSession.createDataFrame(table)), CODE
    )
    inside = F.col(_DRAW).between(F.col(_LOW), F.col(_HIGH))
    below = F.sum((F.col(_DRAW) < F.col(_LOW)).cast("bigint"))
    found = drawn.groupBy(CODE).agg(
        (F.max(EXTRA) - below).cast("int").alias(EXTRA),
        F.max(_ROWS).alias(_ROWS),
        F.count(F.lit(1)).alias(_SEEN),
        F.sort_array(F.collect_list(F.when(inside, F.col(_DRAW)))).alias(LAST),
    )
    there = F.col(EXTRA).between(1, F.size(LAST))
    counted = F.col(_ROWS).isin(F.lit(-1), F.col(_SEEN)) & (there | (F.col(_ROWS) != -1))
    last, following = F.get(LAST, F.col(EXTRA) - 1), F.get(LAST, F.col(EXTRA))
    # draws have 64 bits: only units of one identity draw alike, and a threshold cannot part them
    parted = there & (following.isNull() | (following != last))
    not_unique = (
        f"{method}: key_cols is not unique: rows have the same key, or none; name a unique key, or leave key_cols out"
    )
    stopped = [F.raise_error(F.lit(why)).cast("bigint") for why in (wrong_counts(method), not_unique)]
    checked = F.when(~counted, stopped[0]).when(~parted, stopped[1]).otherwise(last)
    return found.select(CODE, checked.alias(LAST))
