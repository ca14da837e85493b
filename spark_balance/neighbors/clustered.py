"""Cut classes into an exact number of clusters, cell by cell."""

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.errors import CountsError, wrong_counts
from spark_balance.frames.arrow import lists, single
from spark_balance.frames.older_spark import apply_in_groups, to_arrow
from spark_balance.frames.row_ids import CELL, CODE, COPIES, FEATURES, UNIT
from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.centroids import means
from spark_balance.kernels.clusters import medoids
from spark_balance.kernels.draws import apportion, xxhash64
from spark_balance.neighbors.cell_map import CellMap, assign_to_cells, gather_cells
from spark_balance.neighbors.cell_rows import CellRows

Clusterer = Callable[[Floats, int], Ints]  # integer points and a number of clusters: the cluster of each


def count_clusters(
    units: DataFrame, cell_map: CellMap, method: str, wanted: Mapping[int, tuple[int, int]]
) -> dict[int, int]:
    """Deal the clusters of each class out to its cells by the rows that they own; no cell gets more than rows.

    The cells are those of each class id, without halo rows; `wanted` holds the rows and clusters of each class. The
    answer is by the number that the engine knows a cell by. Cost: one job that scans the features and finds their
    cells; none where every class is one cell.
    """
    several = [code for code, one in cell_map.pools.items() if one.n_cells > 1]
    alone = {code: one.first for code, one in cell_map.pools.items() if code not in several}
    clusters = {int(cell_map.labels[cell]): wanted[code][1] for code, cell in alone.items()}
    if not several:
        return clusters
    placed = assign_to_cells(units.where(F.col(CODE).isin(several)).withColumn(COPIES, F.lit(1)), cell_map)
    found = to_arrow(placed.groupBy(CODE, CELL).count()).to_pylist()
    for code in several:
        rows, n = wanted[code]
        cells = sorted((row[CELL], row["count"]) for row in found if row[CODE] == code)
        if sum(size for _, size in cells) != rows:
            raise CountsError(wrong_counts(method))
        [dealt] = apportion([n], [Fraction(size, rows) for _, size in cells])
        clusters |= {cell: some for (cell, _), some in zip(cells, dealt, strict=True)}
    return clusters


def average_clusters(
    units: DataFrame, cell_map: CellMap, clusters: Mapping[int, int], of: Clusterer, stream: int
) -> DataFrame:
    """Return the mean of every cluster as (code, features), given what `count_clusters` found.

    The clusterer is sent to the workers; it gets the rows in the order of their draws, which `stream` sets apart.
    Cost: one scan, one shuffle of the features, two crossings to Python; memory per task is that of one cell and, while
    rows are compared, of 4 MiB of distances. Lazy.
    """
    code = T.StructField(CODE, units.schema[CODE].dataType)
    schema = T.StructType([code, T.StructField(FEATURES, T.ArrayType(T.DoubleType()))])

    def average(cell: pa.Table, raw: Floats, points: Floats, order: Ints, n: int) -> pa.Table:
        some = means(raw, of(points, n), n) if n else np.empty((0, raw.shape[1]))
        return pa.table({CODE: single(cell[CODE])[:n], FEATURES: lists(np.arange(n + 1), some)})

    return _apply(average, units, cell_map, clusters, stream, schema)


def choose_medoids(
    units: DataFrame, cell_map: CellMap, clusters: Mapping[int, int], of: Clusterer, stream: int
) -> DataFrame:
    """Return, of every cluster, the unit of the row that is nearest to its mean; else as `average_clusters`."""
    schema = T.StructType([T.StructField(name, units.schema[name].dataType) for name in UNIT])

    def choose(cell: pa.Table, raw: Floats, points: Floats, order: Ints, n: int) -> pa.Table:
        taken = order[medoids(points, of(points, n), n)] if n else order[:0]
        return cell.select(UNIT).take(pa.array(taken))

    return _apply(choose, units, cell_map, clusters, stream, schema)


def _apply(
    answer: Callable[[pa.Table, Floats, Floats, Ints, int], pa.Table],
    units: DataFrame,
    cell_map: CellMap,
    clusters: Mapping[int, int],
    stream: int,
    schema: T.StructType,
) -> DataFrame:
    """Call `answer` with each cell: rows by id, features and integers by draw, the order of draws, and clusters."""
    scale, kind = cell_map.scale, cell_map.kind

    def answer_each(table: pa.Table) -> pa.Table:
        rows = CellRows.read(table, scale.center.size, kind=kind)
        order = np.argsort(xxhash64(stream, *rows.ids().T), kind="stable")
        raw, n = rows.raw[order].astype(np.float64), clusters.get(int(rows.column(CELL)[0]), 0)
        return answer(rows.table, raw, scale.integers(raw), order, n)

    placed = gather_cells(assign_to_cells(units.withColumn(COPIES, F.lit(1)), cell_map), cell_map)
    return apply_in_groups(placed, CELL, answer_each, schema)
