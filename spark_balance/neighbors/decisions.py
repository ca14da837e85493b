"""Apply a decision rule to rows, in cells where they meet their neighbors, or row by row; only features travel."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.frames.arrow import in_utc, packed, unpacked
from spark_balance.frames.older_spark import apply_in_groups
from spark_balance.frames.row_ids import CELL, CODE, COPIES, FEATURES, ORIGIN, UNIT
from spark_balance.kernels.members import Members, RowRule, Rule
from spark_balance.neighbors.cell_map import CellMap, assign_to_cells, gather_cells, split_pools
from spark_balance.neighbors.cell_rows import CellRows

Says = Mapping[str, T.DataType]


def decide_in_cells(rows: DataFrame, cell_map: CellMap, rule: Rule, says: Says) -> DataFrame:
    """Return what a rule says of rows and their neighbors: the columns `says`, with those of their units.

    The rows are units with `FEATURES` and, if it should come back, `ORIGIN`. The rule is sent to the workers, so it may
    import kernels alone.

    Cost: one scan of `rows`, one shuffle of their features (1 to 4 copies), two crossings to Python; memory per
    task is that of one cell. Lazy.
    """
    placed = assign_to_cells(rows.withColumn(COPIES, F.lit(1)), cell_map, as_integers=True)
    names = [*UNIT, ORIGIN] if ORIGIN in rows.columns else UNIT
    scale, work, pool_of, projection = cell_map.scale, cell_map.work, cell_map.pool_of, cell_map.projection
    metrics = cell_map.metrics

    def decide_together(table: pa.Table) -> pa.Table:
        cell, found = CellRows.read(table, scale.center.size, kind=np.int32), []
        class_ids, row_ids, owned = cell.column(CODE), cell.ids(), cell.copies > 0
        for number, there in split_pools(class_ids, pool_of):
            points = cell.raw if len(there) == len(cell.raw) else cell.raw[there]
            points = points if projection is not None else points.astype(np.float64)
            ids = (class_ids[there], row_ids[there], owned[there])
            mine, says_of = rule(Members(points, *ids, work, projection, metrics.get(number)))
            found.append((there[mine], says_of))
        positions = np.concatenate([mine for mine, _ in found])
        said = {name: np.concatenate([one[name] for _, one in found]) for name in says}
        columns = {name: cell.take(name, positions) for name in names}
        return pa.table(columns | {name: pa.array(column) for name, column in said.items()})

    return apply_in_groups(gather_cells(placed, cell_map), CELL, decide_together, _schema(rows, names, says))


def decide_row_by_row(
    rows: DataFrame, rule: RowRule, says: Says, by: Sequence[str], keep: Sequence[str] = UNIT
) -> DataFrame:
    """Return what a rule says of each row by itself, with the columns to `keep`; features come back packed."""
    # one crossing to Python, no shuffle; the rule is given the features and the columns of numbers `by`

    def decide_each(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            if not batch.num_rows:
                continue
            flat = batch.column(FEATURES)
            raw = unpacked(flat, len(flat[0]))
            said = rule(
                raw.astype(np.float64),
                *[batch.column(name).to_numpy(zero_copy_only=False).astype(np.int64) for name in by],
            )
            columns = {name: packed(raw) if name == FEATURES else in_utc(batch.column(name)) for name in keep}
            yield pa.RecordBatch.from_pydict(columns | {name: pa.array(column) for name, column in said.items()})

    return rows.mapInArrow(decide_each, _schema(rows, keep, says))


def _schema(rows: DataFrame, names: Sequence[str], says: Says) -> T.StructType:
    kinds = {name: T.BinaryType() if name == FEATURES else rows.schema[name].dataType for name in names}
    return T.StructType([T.StructField(name, kind) for name, kind in (kinds | dict(says)).items()])
