"""The support vectors of a classifier that is fitted on the driver, on a bounded sample of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import temp
from spark_balance.kernels.draws import quantile
from spark_balance.plans.arrow import single, unpacked
from spark_balance.plans.cells import FEATURES
from spark_balance.plans.keys import CODE, HI, LO, UNIT, draw

FITTED_ROWS = 20_000
SUPPORT = temp("support")
_LIMIT, _DRAW = temp("limit"), temp("draw")
# features and class numbers in, positions of the support vectors out
Fitted = Callable[[NDArray[np.float64], NDArray[np.int64]], NDArray[np.int64]]


def even_sizes(rows: Mapping[int, int], most: int) -> dict[int, int]:
    """Return how many rows of each class to take, at most so many in all: small classes whole, the others alike."""
    sizes, left, classes = {}, most, len(rows)
    for code, number in sorted(rows.items(), key=lambda item: item[1]):
        sizes[code] = min(number, left // classes)
        left, classes = left - sizes[code], classes - 1
    return sizes


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
    sizes = even_sizes(rows, FITTED_ROWS)
    limits = [F.lit(value) for code, n in sizes.items() for value in (code, quantile(min(1.0, 1.1 * n / rows[code])))]
    drawn = units.withColumn(_DRAW, draw(stream, *UNIT[1:]))
    taken = drawn.where(F.col(_DRAW) <= F.create_map(*limits)[F.col(CODE)]).select(CODE, HI, LO, _DRAW, FEATURES)
    found = taken.toArrow().combine_chunks()
    code, hi, lo, number = (found[name].to_numpy() for name in (CODE, HI, LO, _DRAW))
    order = np.lexsort((lo, hi, number))
    order = np.concatenate([order[code[order] == one][:most] for one, most in sizes.items()])
    features = unpacked(single(found[FEATURES]), width)[order]
    vectors = order[fitted(features, code[order])]
    pairs = np.unique(np.column_stack([hi[vectors], lo[vectors]]), axis=0)
    table = {HI: pa.array(pairs[:, 0]), LO: pa.array(pairs[:, 1]), SUPPORT: pa.array([True] * len(pairs))}
    return units.sparkSession.createDataFrame(pa.table(table))
