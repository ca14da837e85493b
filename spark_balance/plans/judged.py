"""Ask every cell for a verdict on its rows: the features travel, whole rows stay where they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.kernels.members import Members
from spark_balance.kernels.scale import Scale
from spark_balance.plans.arrow import in_utc, single
from spark_balance.plans.cell_map import CellMap
from spark_balance.plans.cells import CELL, ORIGIN, gathered, visits
from spark_balance.plans.keep import COPIES
from spark_balance.plans.keys import CODE, HI, LO, NTH, UNIT
from spark_balance.plans.neighbours import opened
from spark_balance.plans.pools import POOL

Ints = NDArray[np.int64]


class Judge(Protocol):
    """A kernel that says something of the rows at home in a cell."""

    def __call__(self, members: Members) -> tuple[Ints, Mapping[str, NDArray[np.generic]]]:
        """Return the positions of the rows that it says something of, and columns of what."""
        ...


def judged(rows: DataFrame, cell_map: CellMap, judge: Judge, says: Mapping[str, T.DataType]) -> DataFrame:
    """Return what a judge says of rows, with the columns of their units.

    Parameters
    ----------
    rows : DataFrame
        Units with `plans.cells.FEATURES`, their number of pool and, if it is to come back, `ORIGIN`.
    cell_map : CellMap
        Of pools.
    judge : Judge
        Sent to the workers: it may import kernels alone.
    says : dict of str to DataType
        The columns of a verdict.

    Notes
    -----
    Cost: one scan of `rows`, one shuffle of their features (1.0 to 1.9 copies), two crossings
    to Python; memory per task is that of one cell. Lazy.
    """
    placed = visits(rows.withColumn(COPIES, F.lit(1)), cell_map, POOL, as_integers=True)
    fields = [T.StructField(name, rows.schema[name].dataType) for name in UNIT]
    fields += [T.StructField(name, kind) for name, kind in says.items()]
    if ORIGIN in rows.columns:
        fields.append(T.StructField(ORIGIN, rows.schema[ORIGIN].dataType))
    scale = cell_map.scale
    cells = gathered(placed, cell_map).groupBy(CELL)
    return cells.applyInArrow(lambda table: _verdicts(table, scale, judge), T.StructType(fields))


def _verdicts(table: pa.Table, scale: Scale, judge: Judge) -> pa.Table:
    rows = opened(table, scale.center.size, kind=np.int32)
    ids = np.column_stack([rows.column(name) for name in (HI, LO, NTH)])
    members = Members(rows.raw.astype(np.float64), rows.column(CODE), ids, rows.copies > 0)
    positions, said = judge(members)
    taken = pa.array(positions)
    result = {name: single(rows.table[name]).take(taken) for name in UNIT}
    result |= {name: pa.array(column) for name, column in said.items()}
    if ORIGIN in rows.table.column_names:
        result[ORIGIN] = in_utc(single(rows.table[ORIGIN])).take(taken)
    return pa.table(result)
