"""Bring a bounded number of rows to the driver: those of each class with the smallest draws."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, functions as F

from spark_balance.errors import CountsError, wrong_counts
from spark_balance.frames.arrow import single, unpacked
from spark_balance.frames.columns import temp
from spark_balance.frames.older_spark import from_arrow, to_arrow
from spark_balance.frames.row_ids import CODE, FEATURES, HI, LO, NTH, UNIT, by_code, draw
from spark_balance.frames.sample import FITTED_ROWS
from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.draws import band, quotas
from spark_balance.kernels.scale import Scale
from spark_balance.kernels.selection import Prototypes

MOST_NUMBERS = 2**20  # 8 MiB: they travel with every task
SUPPORT = temp("support")
_DRAW = temp("draw")


@dataclass(frozen=True)
class FetchedRows:
    """Rows on the driver, class by class in the order of their draws."""

    features: Floats
    class_ids: Ints
    row_ids: Ints  # (hi, lo, nth) of each


def fetch_rows(units: DataFrame, wanted: Mapping[int, tuple[int, int]], stream: int, width: int) -> FetchedRows:
    """Bring the rows with the smallest draws of some classes to the driver.

    `wanted` holds, for each class id, the rows wanted and the rows there are. Cost: one job, one scan. Nothing is
    sorted: the draws of little more than the wanted rows are low enough, and only those come to the driver.
    """
    limit = by_code({code: int(band(some, rows)[1]) for code, (some, rows) in wanted.items()})
    drawn = units.where(F.col(CODE).isin(list(wanted))).withColumn(_DRAW, draw(stream, HI, LO, NTH))
    found = to_arrow(drawn.where(F.col(_DRAW) <= limit).select(*UNIT, _DRAW, FEATURES))
    code, drew, hi, lo, nth = (found[name].to_numpy() for name in (CODE, _DRAW, HI, LO, NTH))
    order = np.lexsort((nth, lo, hi, drew))
    taken = np.concatenate([order[code[order] == one][: wanted[one][0]] for one in wanted])
    raw = unpacked(single(found[FEATURES].take(pa.array(taken))), width).astype(np.float64)
    ids = np.column_stack([hi, lo, nth])[taken].astype(np.int64)
    return FetchedRows(raw, code[taken].astype(np.int64), ids)


def fetch_prototypes(
    units: DataFrame, method: str, wanted: Mapping[int, tuple[int, int]], stream: int, scale: Scale
) -> Prototypes:
    """Fetch a few rows of each class that every task gets to know; `method` is named in errors. See `fetch_rows`."""
    if not wanted:
        return Prototypes(np.empty((0, scale.center.size)), np.empty(0, np.int64), np.empty((0, 3), np.int64))
    found = fetch_rows(units, wanted, stream, scale.center.size)
    if any(np.count_nonzero(found.class_ids == one) != min(pair) for one, pair in wanted.items()):
        raise CountsError(wrong_counts(method))
    order = np.lexsort(found.row_ids.T[::-1])
    return Prototypes(scale.integers(found.features[order]), found.class_ids[order], found.row_ids[order])


def find_support_vectors(
    units: DataFrame, rows: Mapping[int, int], stream: int, fit: Callable[[Floats, Ints], Ints], width: int
) -> DataFrame:
    """Return the row ids (hi, lo) of the support vectors of one pool of classes, as a small local frame.

    `rows` are those of each class; `fit` takes features and class ids and returns the positions of the support vectors.
    Cost: one job, at most 20,000 rows to the driver; equal rows without a key count as one.
    """
    sizes = quotas(list(rows.values()), FITTED_ROWS)
    found = fetch_rows(units, dict(zip(rows, zip(sizes, rows.values(), strict=True), strict=True)), stream, width)
    pairs = np.unique(found.row_ids[fit(found.features, found.class_ids)][:, :2], axis=0)
    table = {HI: pa.array(pairs[:, 0]), LO: pa.array(pairs[:, 1]), SUPPORT: pa.array([True] * len(pairs))}
    return from_arrow(units.sparkSession, pa.table(table))
