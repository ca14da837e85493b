"""A few rows of each class that every task gets to know, drawn by their identity."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import temp
from spark_balance.errors import SparkBalanceError, wrong_counts
from spark_balance.kernels.draws import band
from spark_balance.kernels.one_sided import Prototypes
from spark_balance.kernels.scale import Scale
from spark_balance.plans.arrow import single, unpacked
from spark_balance.plans.cells import FEATURES
from spark_balance.plans.keys import CODE, HI, LO, NTH, UNIT, by_code, draw

MOST_NUMBERS = 2**20  # 8 MiB: they travel with every task
_DRAW = temp("draw")


def prototypes(
    units: DataFrame, method: str, wanted: Mapping[int, tuple[int, int]], stream: int, scale: Scale
) -> Prototypes:
    """Bring the rows with the smallest draws of some classes to the driver.

    Parameters
    ----------
    units : DataFrame
        Units with their features.
    method : str
        Named in the errors.
    wanted : mapping of int to (int, int)
        For each class number, the rows wanted and the rows there are.
    stream : int
        Sets these draws apart.
    scale : Scale
        Of the features.

    Notes
    -----
    Cost: one job, one scan; little more than the wanted rows come to the driver.
    """
    if not wanted:
        return Prototypes(np.empty((0, scale.center.size)), np.empty(0, np.int64), np.empty((0, 3), np.int64))
    # the draws of only so many rows are low enough, so that nothing has to be sorted
    limit = by_code({code: band(some, rows)[1] for code, (some, rows) in wanted.items()})
    drawn = units.where(F.col(CODE).isin(list(wanted))).withColumn(_DRAW, draw(stream, HI, LO, NTH))
    found = drawn.where(F.col(_DRAW) <= limit).select(*UNIT, _DRAW, FEATURES).toArrow()
    code, drew, hi, lo, nth = (found[name].to_numpy() for name in (CODE, _DRAW, HI, LO, NTH))
    order = np.lexsort((nth, lo, hi, drew))
    first = [order[code[order] == one][: wanted[one][0]] for one in wanted]
    if [len(rows) for rows in first] != [min(some, rows) for some, rows in wanted.values()]:
        raise SparkBalanceError(wrong_counts(method))
    taken = np.concatenate(first)
    taken = taken[np.lexsort((nth[taken], lo[taken], hi[taken]))]
    raw = unpacked(single(found[FEATURES].take(pa.array(taken))), scale.center.size)
    ids = np.column_stack([hi, lo, nth])[taken].astype(np.int64)
    return Prototypes(scale.integers(raw), code[taken].astype(np.int64), ids)
