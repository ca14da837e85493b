"""The support vectors of a classifier that is fitted on the driver, on a bounded sample of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import temp
from spark_balance.kernels.apportion import quotas
from spark_balance.kernels.draws import quantile
from spark_balance.plans.arrow import single, unpacked
from spark_balance.plans.cells import FEATURES
from spark_balance.plans.keys import CODE, HI, LO, UNIT, by_code, draw
from spark_balance.plans.sample import FITTED_ROWS

SUPPORT = temp("support")
_LIMIT, _DRAW = temp("limit"), temp("draw")
# features and class numbers in, positions of the support vectors out
Fitted = Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.int64]]


def support_of(units: DataFrame, rows: Mapping[int, int], stream: int, fitted: Fitted, width: int) -> DataFrame:
    """Return the identities (hi, lo) of the support vectors of one pool of classes, as a small local frame.

    Parameters
    ----------
    units : DataFrame
        Units of the pool, with features.
    rows : dict of int to int
        Rows of each class.
    stream : int
        Sets these draws apart.
    fitted : callable
        Fits the classifier.
    width : int
        Numbers in a row.

    Notes
    -----
    Cost: one job, at most 20,000 rows to the driver; equal rows without a key count as one.
    """
    sizes = dict(zip(rows, quotas(list(rows.values()), FITTED_ROWS), strict=True))
    limit = by_code({code: quantile(min(1.0, 1.1 * n / rows[code])) for code, n in sizes.items()})
    drawn = units.withColumn(_DRAW, draw(stream, *UNIT[1:]))
    taken = drawn.where(F.col(_DRAW) <= limit).select(CODE, HI, LO, _DRAW, FEATURES)
    found = taken.toArrow().combine_chunks()
    code, hi, lo, number = (found[name].to_numpy() for name in (CODE, HI, LO, _DRAW))
    order = np.lexsort((lo, hi, number))
    order = np.concatenate([order[code[order] == one][:most] for one, most in sizes.items()])
    features = unpacked(single(found[FEATURES]), width)[order]
    vectors = order[fitted(features, code[order])]
    pairs = np.unique(np.column_stack([hi[vectors], lo[vectors]]), axis=0)
    table = {HI: pa.array(pairs[:, 0]), LO: pa.array(pairs[:, 1]), SUPPORT: pa.array([True] * len(pairs))}
    return units.sparkSession.createDataFrame(pa.table(table))
