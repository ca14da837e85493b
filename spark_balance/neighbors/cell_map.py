"""Where rows are searched: the cells of every pool, which cell owns a row, and which hold a copy, a halo row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import attrgetter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.frames.arrow import in_utc, packed, unpacked
from spark_balance.frames.row_ids import CARRIED, CELL, CODE, COPIES, FEATURES, LO
from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.kernels.centroids import Cells
from spark_balance.kernels.distances import changes, one_thread
from spark_balance.kernels.draws import labels, share_tasks
from spark_balance.kernels.knn import Metric
from spark_balance.kernels.pivots import CANDIDATES
from spark_balance.kernels.projection import Projection
from spark_balance.kernels.recall import Estimate
from spark_balance.kernels.scale import Scale

_NONE = np.empty(0, dtype=np.int64)
TASK_NUMBERS = 2**19  # read and made by a task of small cells: a quarter of what a usual cell reads


def deal_to_tasks(rows: Sequence[int], cells: Sequence[int], new: int, width: int) -> Ints:
    """Return the task of each cell, given the rows and cells of each pool, the new rows of all and a row's numbers."""
    return share_tasks(np.multiply(rows, width * (1 + new / sum(rows))), cells, TASK_NUMBERS)


@dataclass(frozen=True)
class PoolCells:
    """The cells of one pool: of a class, of the classes of a group, or of a class in a cluster."""

    first: int  # the number of its first cell
    cells: Cells
    # tasks that share a cell which could not be cut small enough, since too many of its rows are equal: rows are dealt
    # out by row id, and halo rows are copied to them all
    shards: Ints
    estimate: Estimate  # recall and halo rows, from the sample
    rows: int
    candidates: int  # rows that a row is compared with, on average
    visitors: tuple[int, ...] | None = None  # the class ids whose rows may be halo rows; None for all
    space: Metric | Projection | None = None  # the cells lie where it embeds the points: of another distance, or wide
    work: int = CANDIDATES  # comparisons of a row that a search may take, on average

    @property
    def n_cells(self) -> int:
        """Cells, the shards of large ones included."""
        return int(self.shards.sum())

    def assign(self, points: Floats, lo: Ints, class_ids: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the cell that owns each point, and the (position, cell) pairs of halo rows, over all pools."""
        if self.shards.tolist() == [1]:
            return np.full(len(points), self.first), _NONE, _NONE
        owner, visitor, visited = self._halo(points, class_ids)
        return self._start[owner] + np.mod(lo, self.shards[owner]), *self._of_all_shards(visitor, visited)

    def unseen(self, points: Floats, away: Floats, own: int) -> tuple[Ints, Ints]:
        """Return the (position, cell) pairs where a row nearer than `away` may be that was not copied to `own`."""
        owner = int(np.searchsorted(self._start, own, side="right")) - 1
        near = self.space.reach(away) if isinstance(self.space, Projection) else away
        asking, cells = self._of_all_shards(*self.cells.unseen(self.embed(points), near))
        siblings = np.setdiff1d(self._start[owner] + np.arange(self.shards[owner]), [own])
        apart = np.flatnonzero(away > 0)
        return (
            np.concatenate([asking, np.repeat(apart, len(siblings))]),
            np.concatenate([cells, np.tile(siblings, len(apart))]),
        )

    def embed(self, points: Floats) -> Floats:
        """Return points where the cells lie."""
        return points if self.space is None else self.space.embed(points)

    def proven(self, points: Floats, away: Floats) -> Bools:
        """Tell the points whose owner cell holds all rows nearer than `away`, halo rows included."""
        owner = self.cells.owners(points)
        sure: Bools = (self.shards[owner] == 1) | (away == 0)
        sure[self.cells.unseen(points, away)[0]] = False
        return sure

    def sizes(self, points: Floats, rows: int, class_ids: Ints | None = None) -> Floats:
        """Estimate, from a sample and its class ids, how many of these rows each cell holds, halo rows included."""
        if not len(points):
            return np.full(self.n_cells, rows / self.n_cells)
        owner, _, visited = self._halo(points, class_ids)
        owned, halo = (np.bincount(where, minlength=len(self.cells)) for where in (owner, visited))
        return np.repeat(owned / self.shards + halo, self.shards) * (rows / len(points))

    @property
    def _start(self) -> Ints:
        start: Ints = self.first + np.cumsum(self.shards) - self.shards
        return start

    def _of_all_shards(self, rows: Ints, cells: Ints) -> tuple[Ints, Ints]:
        spread = self.shards[cells]
        shard = np.arange(spread.sum()) - np.repeat(np.cumsum(spread) - spread, spread)
        return np.repeat(rows, spread), np.repeat(self._start[cells], spread) + shard

    def _halo(self, points: Floats, class_ids: Ints | None) -> tuple[Ints, Ints, Ints]:
        """Return the owner cell of each point, and the (position, cell) pairs of those that may be halo rows."""
        owner, visitor, visited = self.cells.halo(self.embed(points))
        if self.visitors is not None and class_ids is not None:
            may = np.isin(class_ids, self.visitors)[visitor]
            visitor, visited = visitor[may], visited[may]
        return owner, visitor, visited


@dataclass(frozen=True)
class CellMap:
    """The scale of the features and the cells of every pool, by its number."""

    scale: Scale
    pools: dict[int, PoolCells]  # in the order of their cells
    tasks: Ints | None = None  # the task that works on each cell; by default each cell has a task of its own
    metrics: Mapping[int, Metric] = field(default_factory=dict)  # of each pool with another distance than Euclid's
    pool_of: Mapping[int, int] = field(default_factory=dict)  # the pool of each class id, where it has another number
    kind: type[np.generic] = np.float64  # what holds every number of a row that travels
    together: bool = True  # whether pools of one cell each that share a task are brought to it as one group

    @property
    def n_cells(self) -> int:
        """Cells of all pools."""
        *_, last = self.pools.values()
        return last.first + last.n_cells

    @property
    def projection(self) -> Projection | None:
        """Where candidates are looked for, if rows are wide."""
        found = [one.space for one in self.pools.values() if isinstance(one.space, Projection)]
        return max(found, key=attrgetter("judged"), default=None)

    @property
    def work(self) -> int:
        """Rows that a row is compared with at most, on average."""
        return max(one.work for one in self.pools.values())

    @property
    def n_tasks(self) -> int:
        """Tasks that work on the cells."""
        return self.n_cells if self.tasks is None else int(self.tasks.max()) + 1

    @cached_property
    def labels(self) -> NDArray[np.int32]:
        """The number that each cell is known by to the engine: hash partitioning brings it to its task.

        An engine takes milliseconds for each group that it calls Python with, so small pools have one number.
        """
        if self.tasks is None:
            return labels(range(self.n_cells))
        found = labels(self.tasks)
        alone = np.array([pool.first for pool in self.pools.values() if pool.n_cells == 1], dtype=np.int64)
        if self.together and len(alone):
            _, first, task = np.unique(self.tasks[alone], return_index=True, return_inverse=True)
            found[alone] = found[alone[first]][task]
        return found

    def apart(self) -> CellMap:
        """Return the same cells, each in a group of its own."""
        return replace(self, together=False)

    def share_tasks(self, new: int = 0) -> CellMap:
        """Return the same cells, small ones sharing tasks, given the new rows that all of them make."""
        if self.n_cells == 1:
            return self
        rows, cells = [], []
        for pool in self.pools.values():
            rows.append(pool.rows)
            cells.append(pool.n_cells)
        return replace(self, tasks=deal_to_tasks(rows, cells, new, self.scale.center.size))

    def without_halo(self) -> CellMap:
        """Return the same cells, which hold no halo rows."""
        pools = {number: replace(one, cells=replace(one.cells, tau=-np.inf)) for number, one in self.pools.items()}
        return replace(self, pools=pools)

    def unseen(self, number: int, label: int, points: Floats, away: Floats) -> tuple[Ints, NDArray[np.int32]]:
        """Return the (position, cell) pairs where a row nearer than `away` may be that was not copied to this cell."""
        asking, cells = self.pools[number].unseen(points, away, int(np.flatnonzero(self.labels == label)[0]))
        return asking, self.labels[cells]


def assign_to_cells(rows: DataFrame, cell_map: CellMap, by: str = CODE, *, as_integers: bool = False) -> DataFrame:
    """Place rows in cells: one row out for the owner cell, and one for every other cell, as a halo row.

    A halo row has no copies and carries nothing: it is only ever a neighbor. Features are packed as the bytes of their
    numbers, which Arrow and the shuffle move as one value; `as_integers` sends the integers that distances are computed
    of, in 4 bytes each. The column `by` has a row's class id, or the number of its pool. Cost: one crossing to Python,
    no shuffle.
    """
    schema = T.StructType().add(CELL, T.IntegerType())
    for one in rows.schema.fields:
        schema.add(one.name, T.BinaryType() if one.name == FEATURES else one.dataType)
    return rows.mapInArrow(lambda batches: _assign(batches, cell_map, by, as_integers), schema)


def gather_cells(placed: DataFrame, cell_map: CellMap) -> DataFrame:
    """Bring the rows of a cell together, by number."""
    # adaptive execution would pack cells into few tasks by their bytes, and not by the work that they are
    return placed.repartition(cell_map.n_tasks, F.col(CELL))


def split_pools(numbers: Ints, pool_of: Mapping[int, int]) -> Iterator[tuple[int, Ints]]:
    """Yield each pool and the places of its rows, in their order, given their class ids or the numbers of pools."""
    alike, place = np.unique(numbers, return_inverse=True)
    pools = np.array([pool_of.get(int(one), int(one)) for one in alike], dtype=np.int64)[place]
    order = np.argsort(pools, kind="stable")
    starts = np.flatnonzero(changes(pools[order][:, None]))
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        yield int(pools[order[start]]), order[start:end]


def _assign(
    batches: Iterable[pa.RecordBatch], cell_map: CellMap, by: str, as_integers: bool
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if not batch.num_rows:
            continue
        raw = unpacked(batch.column(FEATURES), cell_map.scale.center.size, cell_map.kind)
        points = cell_map.scale.integers(raw)
        sent = points.astype(np.int32) if as_integers else raw
        numbers, class_ids, lo = (batch.column(name).to_numpy(zero_copy_only=False) for name in (by, CODE, LO))
        owned, owners, halo, visited = [], [], [], []
        with one_thread():
            for number, rows in split_pools(numbers, cell_map.pool_of):
                own, visitors, cells = cell_map.pools[number].assign(points[rows], lo[rows], class_ids[rows])
                owned.append(rows)
                owners.append(cell_map.labels[own])
                halo.append(rows[visitors])
                visited.append(cell_map.labels[cells])
        taken = np.concatenate([*owned, *halo])
        here = np.arange(len(taken)) < batch.num_rows
        columns = {CELL: pa.array(np.concatenate([*owners, *visited]))}
        for name in batch.schema.names:
            if name == FEATURES:
                columns[name] = packed(sent[taken])
            elif name == COPIES:
                columns[name] = pa.array(np.where(here, batch.column(name).to_numpy()[taken], 0).astype(np.int32))
            else:
                kept = pa.array(taken, mask=~here) if name == CARRIED else pa.array(taken)
                columns[name] = in_utc(batch.column(name)).take(kept)
        yield pa.RecordBatch.from_pydict(columns)
