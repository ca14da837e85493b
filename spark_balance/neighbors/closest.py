"""The nearest rows of a whole frame to a few rows of the driver's, which travel to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.frames.arrow import matrix, unpacked
from spark_balance.frames.columns import temp
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.row_ids import CODE, FEATURES, HI, LO
from spark_balance.kernels.closest import Asked, Closest, Search
from spark_balance.kernels.scale import Scale

CATEGORY_IDS = temp("category_ids")
_QUERY = temp("query")
_LEAST = ("own", "other", "parent")
_FOUND = T.StructType([T.StructField(_QUERY, T.IntegerType()), T.StructField("equal", T.LongType())])
for _name in _LEAST:
    _FOUND = _FOUND.add(_name, T.DoubleType())


def find_closest(points: DataFrame, asked: Asked, scale: Scale) -> Closest:
    """Return what is nearest to each row that asks, among all points of a frame.

    `points` have `CODE`, `HI`, `LO`, `FEATURES` (their numbers, or an empty array) and `CATEGORY_IDS` (array<bigint>);
    `scale` makes whole numbers of the features, as it has made those of `asked`. Points that lack a number are not
    compared.

    Cost: one job, one scan, one crossing to Python of every point, no shuffle of points: each task compares its points
    with all rows that ask, and hands back four numbers for each. Memory of a task: a batch, and 4 kB for each row that
    asks.
    """
    rows, width, categories = len(asked.code), asked.numbers.shape[1], asked.categories.shape[1]

    def search(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        going, met = Search(asked), 0
        for batch in batches:
            if not batch.num_rows:
                continue
            met += batch.num_rows
            numbers = matrix(batch.column(FEATURES), width)
            ids = np.empty((batch.num_rows, 0), dtype=np.int64)
            ids = unpacked(batch.column(CATEGORY_IDS), categories) if categories else ids
            others = ids, *[batch.column(name).to_numpy() for name in (CODE, HI, LO)]
            whole = np.isfinite(numbers).all(axis=1)
            if not whole.all():
                numbers, others = numbers[whole], tuple(one[whole] for one in others)
            going.meet(scale.integers(numbers, np.float32), *others)
        if met:
            known = [pa.array(np.arange(rows, dtype=np.int32)), pa.array(going.found.equal)]
            # NULL for infinity, of which Sail's least is the largest double
            known += [pa.array(one, mask=np.isinf(one)) for one in (getattr(going.found, name) for name in _LEAST)]
            yield pa.RecordBatch.from_arrays(known, names=_FOUND.names)

    of_tasks = points.select(CODE, HI, LO, FEATURES, CATEGORY_IDS).mapInArrow(search, _FOUND)
    merged = of_tasks.groupBy(_QUERY).agg(F.sum("equal").alias("equal"), *[F.min(name).alias(name) for name in _LEAST])
    table = to_arrow(merged.orderBy(_QUERY))
    if not table.num_rows:
        return Closest.unknown(rows)
    least = [np.array(table[name].fill_null(np.inf).to_numpy()) for name in _LEAST]
    return Closest(np.array(table["equal"].to_numpy()), *least)
