"""Send every row to the cell it is at home in, and as a guest to the cells whose border it is near."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import temp
from spark_balance.kernels.centroids import Cells, fit_centroids
from spark_balance.kernels.local import expected_recall
from spark_balance.kernels.neighbourhood import QUERIES, Estimate, with_margin
from spark_balance.kernels.scale import Scale
from spark_balance.plans.arrow import in_utc, packed, unpacked
from spark_balance.plans.cell_map import CellMap, ClassCells
from spark_balance.plans.keep import COPIES
from spark_balance.plans.keys import CODE, HI, LO, NTH
from spark_balance.plans.sample import Sample
from spark_balance.plans.strata import Strata

CELL, FEATURES = temp("cell"), temp("features")
UNIT_COLUMNS = (CODE, HI, LO, NTH, COPIES)
CARRIED, ORIGIN = temp("carried"), temp("origin")
MOST_CELLS = 4_000
RECALL = 0.998
MOST_GUESTS = 0.9
LOOKS = 4
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def made(sample: Sample, strata: Strata, *, cell_rows: int, k: int, equalise: bool) -> CellMap:
    """Make the cells of every class on the driver, from the sample.

    Parameters
    ----------
    sample : Sample
        Rows of each class in the order of their draws.
    strata : Strata
        The classes to grow; a class of at most `cell_rows` rows is one cell.
    cell_rows : int
        Rows that are to be at home in a cell.
    k : int
        Neighbours: a cell with fewer sampled rows is given up, so every cell can answer.
    equalise : bool
        Scale the features for the distance.
    """
    scale = Scale.fit(sample.pooled, equalise=equalise)
    classes, start = {}, 0
    for row in strata.rows:
        points = scale.integers(sample.rows.get(row.code, np.empty((0, sample.columns.width))))
        one = class_cells(points, row.entry.before, start, cell_rows, k)
        classes[row.code] = one
        start += int(one.shards.sum())
    return CellMap(scale, classes)


def cells_wanted(rows: int, cell_rows: int) -> int:
    """Return how many cells a class is to have."""
    return min(MOST_CELLS, -(-rows // cell_rows))


def class_cells(points: Floats, rows: int, first: int, cell_rows: int, k: int) -> ClassCells:
    """Make the cells of one class of so many rows from its sampled points, numbered from `first`."""
    # there are no more cells than MOST_CELLS, so a class that would need more has larger ones
    cell_rows = max(cell_rows, -(-rows // MOST_CELLS))
    wanted = cells_wanted(rows, cell_rows)
    if wanted == 1 or not len(points):
        cells = Cells(np.zeros((1, points.shape[1])))
        return ClassCells(
            first, cells, np.ones(1, np.int64), Estimate(expected_recall(points, np.arange(len(points)), rows, k), 0.0)
        )
    centroids = fit_centroids(points, wanted, k + 2, 1.5 * cell_rows / rows)
    cells, estimate = with_margin(
        Cells(centroids).with_radius(points), points, rows, k, recall=RECALL, most_guests=MOST_GUESTS
    )
    home = cells.homes(points)
    share = np.bincount(home, minlength=len(cells)) * rows / len(points)
    shards = np.maximum(1, np.ceil(share / (2 * cell_rows))).astype(np.int64)
    inside = _inside(cells, shards, points, rows, k)
    return ClassCells(first, cells, shards, Estimate(estimate.recall * inside, estimate.guests))


def _inside(cells: Cells, shards: Ints, points: Floats, rows: int, k: int) -> float:
    """Estimate the recall of the searches inside cells from a few of them, chosen by their share of the rows."""
    home, visitor, visited = cells.guests(points)
    share = np.bincount(home, minlength=len(cells)) / len(points)
    by_share = np.argsort(share, kind="stable")
    chosen = by_share[np.searchsorted(np.cumsum(share[by_share]), (np.arange(LOOKS) + 0.5) / LOOKS)]
    recalls = []
    for cell, looks in zip(*np.unique(chosen, return_counts=True), strict=True):
        here = np.sort(np.concatenate([np.flatnonzero(home == cell), visitor[visited == cell]]))
        # a cell that is chosen again and again is asked more, or the estimate hangs on few rows
        at_home = np.flatnonzero(home[here] == cell)[-QUERIES * looks // LOOKS :]
        # what is dealt out to shards is mostly equal rows, which are found by their number
        dealt = shards[cell] > 1
        recall = 1.0 if dealt else expected_recall(points[here], at_home, len(here) * rows // len(points), k)
        recalls.append(recall * looks)
    return float(sum(recalls) / LOOKS)


def visits(rows: DataFrame, cell_map: CellMap, by: str = CODE, *, as_integers: bool = False) -> DataFrame:
    """Place rows in cells: one row out for the home cell, and one for every cell visited as a guest.

    A guest has no copies and carries nothing: it is only ever a neighbour. Features
    are packed as the bytes of their numbers, which Arrow and the shuffle move as one value.

    Parameters
    ----------
    rows : DataFrame
        The columns of a unit, features and what else travels.
    cell_map : CellMap
        The cells.
    by : str
        The column with the number that the map knows a row's cells by.
    as_integers : bool
        Send the integers that distances are computed of, in 4 bytes each, instead of the features.

    Notes
    -----
    Cost: one crossing to Python, no shuffle.
    """
    fields = [T.StructField(CELL, T.IntegerType()), *map(_sent, rows.schema.fields)]
    return rows.mapInArrow(lambda batches: _placed(batches, cell_map, by, as_integers), T.StructType(fields))


def gathered(visits: DataFrame, cell_map: CellMap) -> DataFrame:
    """Bring the rows of a cell together.

    By number and not left to adaptive execution, which packs cells into few tasks by
    their bytes and not by the work that they are.
    """
    return visits.repartition(cell_map.n_tasks, F.col(CELL))


def _sent(field: T.StructField) -> T.StructField:
    return T.StructField(field.name, T.BinaryType() if field.name == FEATURES else field.dataType)


def _placed(
    batches: Iterable[pa.RecordBatch], cell_map: CellMap, by: str, as_integers: bool
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if not batch.num_rows:
            continue
        raw = unpacked(batch.column(FEATURES), cell_map.scale.center.size)
        points = cell_map.scale.integers(raw)
        sent = points.astype(np.int32) if as_integers else raw
        numbers, codes = (batch.column(name).to_numpy(zero_copy_only=False) for name in (by, CODE))
        lo = batch.column(LO).to_numpy(zero_copy_only=False)
        home_rows, home_cells, guest_rows, guest_cells = [], [], [], []
        for number in np.unique(numbers):
            rows = np.flatnonzero(numbers == number)
            homes, visitors, cells = cell_map.classes[int(number)].places(points[rows], lo[rows], codes[rows])
            home_rows.append(rows)
            home_cells.append(cell_map.labels[homes])
            guest_rows.append(rows[visitors])
            guest_cells.append(cell_map.labels[cells])
        at_home, guests = np.concatenate(home_rows), np.concatenate(guest_rows)
        taken = np.concatenate([at_home, guests])
        here = np.arange(len(taken)) < len(at_home)
        columns = {CELL: pa.array(np.concatenate([*home_cells, *guest_cells]))}
        for name in batch.schema.names:
            if name == FEATURES:
                columns[name] = packed(sent[taken])
            elif name == COPIES:
                columns[name] = pa.array(np.where(here, batch.column(name).to_numpy()[taken], 0).astype(np.int32))
            elif name == CARRIED:
                columns[name] = in_utc(batch.column(name)).take(pa.array(taken, mask=~here))
            else:
                columns[name] = in_utc(batch.column(name)).take(pa.array(taken))
        yield pa.record_batch(columns)
