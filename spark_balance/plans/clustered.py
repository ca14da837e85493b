"""Cut classes into exactly so many clusters, cell by cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.errors import SparkBalanceError, wrong_counts
from spark_balance.kernels.apportion import apportion
from spark_balance.kernels.clusters import means, medoids
from spark_balance.kernels.draws import xxhash64
from spark_balance.kernels.scale import Scale
from spark_balance.plans.arrow import lists, single
from spark_balance.plans.cell_map import CellMap
from spark_balance.plans.cells import CELL, FEATURES, gathered, visits
from spark_balance.plans.keep import COPIES
from spark_balance.plans.keys import CODE, HI, LO, NTH, UNIT
from spark_balance.plans.neighbours import opened

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Clusterer = Callable[[Floats, int], Ints]  # integer points and a number of clusters: the cluster of each


def cluster_counts(
    units: DataFrame, cell_map: CellMap, method: str, wanted: Mapping[int, tuple[int, int]]
) -> dict[int, int]:
    """Deal the clusters of each class out to its cells by the rows that are at home there.

    Parameters
    ----------
    units : DataFrame
        Units with `plans.cells.FEATURES`.
    cell_map : CellMap
        By the number of the class, without guests.
    method : str
        Named in the error.
    wanted : dict of int to (int, int)
        Rows and clusters of each class.

    Returns
    -------
    dict of int to int
        Clusters of each cell, by the number that the engine knows it by; none has more than rows.

    Notes
    -----
    Cost: one job that scans the features and finds their cells; none where every class is one cell.
    """
    clusters: dict[int, int] = {}
    several = []
    for code, one in cell_map.classes.items():
        if one.shards.sum() > 1:
            several.append(code)
        else:
            clusters[int(cell_map.labels[one.first])] = wanted[code][1]
    if not several:
        return clusters
    placed = visits(units.where(F.col(CODE).isin(several)).withColumn(COPIES, F.lit(1)), cell_map)
    found = placed.groupBy(CODE, CELL).count().toArrow().to_pylist()
    for code in several:
        rows, n = wanted[code]
        cells = sorted((row[CELL], row["count"]) for row in found if row[CODE] == code)
        if sum(size for _, size in cells) != rows:
            raise SparkBalanceError(wrong_counts(method))
        [dealt] = apportion([n], [Fraction(size, rows) for _, size in cells])
        clusters |= {cell: some for (cell, _), some in zip(cells, dealt, strict=True)}
    return clusters


def centroids(
    units: DataFrame, cell_map: CellMap, clusters: Mapping[int, int], of: Clusterer, stream: int
) -> DataFrame:
    """Return the mean of every cluster as (code, features).

    Parameters
    ----------
    units : DataFrame
        Units with `plans.cells.FEATURES`.
    cell_map : CellMap
        By the number of the class, without guests.
    clusters : dict of int to int
        Clusters of each cell.
    of : callable
        Sent to the workers; it gets the rows in the order of their draws.
    stream : int
        Sets these draws apart.

    Notes
    -----
    Cost: one scan, one shuffle of the features, two crossings to Python; memory per task is that of one
    cell and, while rows are compared, of 4 MiB of distances. Lazy.
    """
    code = T.StructField(CODE, units.schema[CODE].dataType)
    schema = T.StructType([code, T.StructField(FEATURES, T.ArrayType(T.DoubleType()))])
    scale = cell_map.scale

    def averaged(table: pa.Table) -> pa.Table:
        cell, raw, _ = _drawn(table, scale, stream)
        n = clusters.get(int(cell[CELL][0].as_py()), 0)
        some = means(raw, of(scale.integers(raw), n), n) if n else np.empty((0, raw.shape[1]))
        return pa.table({CODE: single(cell[CODE])[:n], FEATURES: lists(np.arange(n + 1), some)})

    return _by_cell(units, cell_map).groupBy(CELL).applyInArrow(averaged, schema)


def middle_units(
    units: DataFrame, cell_map: CellMap, clusters: Mapping[int, int], of: Clusterer, stream: int
) -> DataFrame:
    """Return, of every cluster, the unit of the row that is nearest to its mean; else as `centroids`."""
    schema = T.StructType([T.StructField(name, units.schema[name].dataType) for name in UNIT])
    scale = cell_map.scale

    def chosen(table: pa.Table) -> pa.Table:
        cell, raw, order = _drawn(table, scale, stream)
        n = clusters.get(int(cell[CELL][0].as_py()), 0)
        points = scale.integers(raw)
        taken = order[medoids(points, of(points, n), n)] if n else order[:0]
        return cell.select(UNIT).take(pa.array(taken))

    return _by_cell(units, cell_map).groupBy(CELL).applyInArrow(chosen, schema)


def _by_cell(units: DataFrame, cell_map: CellMap) -> DataFrame:
    return gathered(visits(units.withColumn(COPIES, F.lit(1)), cell_map), cell_map)


def _drawn(table: pa.Table, scale: Scale, stream: int) -> tuple[pa.Table, Floats, Ints]:
    """Return the rows of a cell by identity, their features in the order of their draws, and that order."""
    rows = opened(table, scale.center.size)
    drawn = xxhash64(stream, *[rows.column(name) for name in (HI, LO, NTH)])
    order = np.argsort(drawn, kind="stable")
    return rows.table, rows.raw[order], order
