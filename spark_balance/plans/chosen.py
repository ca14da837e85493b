"""Keep, of some classes, the rows that were chosen by their identity."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import temp
from spark_balance.plans.keys import CODE, HI, LO, NTH

MOST_SENT = 1_000_000  # identities that are broadcast: 24 MB
_KEPT = temp("kept")


def of_classes(codes: list[int]) -> Column:
    """Tell the rows of some classes; rows without a class are of none."""
    return F.coalesce(F.col(CODE).isin(codes), F.lit(False))


def only_chosen(placed: DataFrame, codes: list[int], units: DataFrame, n: int) -> DataFrame:
    """Drop the rows of some classes that are not among the `n` units.

    Notes
    -----
    Cost: one scan of `placed`, and a broadcast of the units; above `MOST_SENT` of them a shuffle of the rows.
    """
    kept = units.select(HI, LO, NTH, F.lit(True).alias(_KEPT))
    kept = F.broadcast(kept) if n <= MOST_SENT else kept
    return placed.join(kept, [HI, LO, NTH], "left").where(~of_classes(codes) | F.col(_KEPT))
