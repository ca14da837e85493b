"""The cluster of every row, found where the row is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from spark_balance.kernels.centroids import Cells
from spark_balance.kernels.scale import Scale
from spark_balance.plans.arrow import in_utc, packed, unpacked
from spark_balance.plans.cells import FEATURES
from spark_balance.plans.levels import LEVEL
from spark_balance.plans.pools import POOL


def assigned(rows: DataFrame, scale: Scale, clusters: Mapping[int, Cells]) -> DataFrame:
    """Add the number of each row's cluster, of those of its pool, as its level; features come back packed.

    Notes
    -----
    Cost: one crossing to Python, no shuffle.
    """
    fields = [T.StructField(f.name, T.BinaryType() if f.name == FEATURES else f.dataType) for f in rows.schema.fields]
    schema = T.StructType([*fields, T.StructField(LEVEL, T.IntegerType())])
    return rows.mapInArrow(lambda batches: _levelled(batches, scale, clusters), schema)


def _levelled(
    batches: Iterable[pa.RecordBatch], scale: Scale, clusters: Mapping[int, Cells]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if not batch.num_rows:
            continue
        raw = unpacked(batch.column(FEATURES), scale.center.size)
        points, pools = scale.integers(raw), batch.column(POOL).to_numpy()
        level = np.empty(len(raw), dtype=np.int32)
        for pool in np.unique(pools):
            level[pools == pool] = clusters[int(pool)].homes(points[pools == pool])
        columns = {name: in_utc(batch.column(name)) for name in batch.schema.names}
        yield pa.record_batch({**columns, FEATURES: packed(raw), LEVEL: pa.array(level)})
