"""Score rows by the rows of another class that are farthest from them, all of which every task holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.kernels.scale import Scale
from spark_balance.kernels.scores import ascending, farthest, summed
from spark_balance.plans.arrow import unpacked
from spark_balance.plans.cells import FEATURES
from spark_balance.plans.keys import CODE, UNIT
from spark_balance.plans.ranked import SCORE


def scored_by_farthest(units: DataFrame, scale: Scale, others: Mapping[int, NDArray[np.float64]], k: int) -> DataFrame:
    """Score the rows of some classes by the sum of their distances to the k farthest of some points.

    Parameters
    ----------
    units : DataFrame
        Units with `plans.cells.FEATURES`.
    scale : Scale
    others : dict of int to ndarray
        For each class to score, the points as integers: they travel with the plan, so a bounded number.
    k : int

    Notes
    -----
    Cost: one crossing to Python, no shuffle. Lazy.
    """
    fields = [T.StructField(name, units.schema[name].dataType) for name in UNIT]
    schema = T.StructType([*fields, T.StructField(SCORE, T.LongType())])

    def scores(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if not batch.num_rows:
                continue
            codes = batch.column(CODE).to_numpy(zero_copy_only=False)
            points = scale.integers(unpacked(batch.column(FEATURES), scale.center.size))
            score = np.empty(len(codes), dtype=np.int64)
            for code in map(int, np.unique(codes)):
                score[codes == code] = ascending(summed(farthest(points[codes == code], others[code], k), k))
            columns = {name: batch.column(name) for name in UNIT}
            yield pa.record_batch(columns | {SCORE: pa.array(score)})

    chosen = units.where(F.col(CODE).isin(list(others)))
    return chosen.mapInArrow(scores, schema)
