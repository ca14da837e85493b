"""The kNN join: each base with those of its k nearest neighbors that its new rows will use, or with all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from spark_balance.frames.arrow import lists, single
from spark_balance.frames.columns import temp
from spark_balance.frames.row_ids import (
    BASE,
    CARRIED,
    CODE,
    FEATURES,
    FIRST,
    LISTED,
    NEAR,
    NEAR_ORIGIN,
    ORIGIN,
    OTHERS,
    UNIT_COLUMNS,
    name_numbers,
)
from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.distances import slices
from spark_balance.kernels.draws import xxhash64
from spark_balance.kernels.knn import How, Metric, knn
from spark_balance.kernels.pivots import CANDIDATES
from spark_balance.kernels.projection import Projection, Scaled, part
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors.cell_map import split_pools
from spark_balance.neighbors.cell_rows import CellRows
from spark_balance.neighbors.votes import VOTED, Votes

SQUARE = temp("square")  # squared distance of a base and its neighbor, in the integers that it is computed of
REACH = temp("reach")  # the same as a share of that of the last of its k neighbors; 0 where all of them equal the base
BATCH_NUMBERS = 2**20  # numbers in the synthetic rows of one batch


@dataclass(frozen=True)
class Slots:
    """The pairs of a base and a neighbor."""

    base: Ints  # (n_slots,): places in the list of bases, ascending
    rank: Ints  # (n_slots,): which of the base's neighbors
    # (n_slots,): the first copy of the base that uses it, as every k-th after it does; the rank, where all are wanted
    first: Ints

    def part(self, some: slice) -> Slots:
        """Return some of them."""
        return Slots(self.base[some], self.rank[some], self.first[some])


class Near(NamedTuple):
    """Rows of numbers, and which of them are wanted."""

    rows: NDArray[Any]
    places: Ints

    def columns(self) -> Iterable[pa.Array]:
        """Return what holds the numbers of all wanted rows: a column of each, made block by block, or one of lists."""
        if self.rows.shape[1] > LISTED:
            return [lists(np.arange(len(self.places) + 1), self.rows[self.places])]
        made = np.empty((self.rows.shape[1], len(self.places)), dtype=self.rows.dtype)
        for some in slices(len(self.places), 2**14):
            made[:, some] = self.rows[self.places[some]].T
        return map(pa.array, made)


@dataclass(frozen=True)
class PairSearch:
    """What a task needs to know to search a cell."""

    scale: Scale
    k: int  # neighbors of each base
    # sets apart the draws of which neighbor a copy uses; None: all neighbors are wanted, but not their numbers
    rank_stream: int | None
    by: str = CODE  # the column with the number of a row's pool
    metrics: Mapping[int, Metric] = field(default_factory=dict)  # for each pool that has another distance than Euclid's
    among: tuple[int, ...] | None = None  # class ids of the rows that may be neighbors; None for all
    votes: Votes | None = None
    pool_of: Mapping[int, int] = field(default_factory=dict)  # as of `CellMap`
    candidates: int = CANDIDATES  # as of `knn`
    how: How = "bounded"  # as of `knn`
    kind: type[np.generic] = np.float64  # what holds every number of a row that travels
    projection: Projection | None = None  # as of `knn`
    # for each class with fewer others than k, how many these are: a row alone is its own neighbor
    fewer: Mapping[int, int] = field(default_factory=dict)
    reach: bool = False  # whether a pair says how far the neighbor is among the k

    def __call__(self, rows: CellRows) -> Iterator[pa.Table]:
        """Yield the bases of a cell with the neighbors that their copies will use, in small batches."""
        bases = np.flatnonzero(rows.copies > 0)
        found, squares = self.search(rows, self.points(rows), bases)
        if not found.shape[1] and self.rank_stream is not None:
            # alone in a random partition, or in its class: the row itself is all there is
            found, squares = bases[:, None], np.zeros((len(bases), 1))
        slots = self.slots(rows, bases, found.shape[1])
        used = found[slots.base, slots.rank % max(1, found.shape[1])]
        numbers, voting = rows, found
        if self.votes is not None:
            numbers = replace(rows, raw=rows.raw[:, : self.votes.interpolated])
            voting = np.column_stack([bases, found]) if self.votes.itself else found
        for some in self.batches(rows, len(used), numbers.raw.shape[1]):
            few, near = slots.part(some), used[some]
            origins = rows.take(ORIGIN, near) if ORIGIN in rows.table.column_names else None
            pairs = self.close(numbers, bases, few, Near(numbers.raw, near), origins, squares)
            if self.votes is not None:
                voted = self.votes.choose(rows, bases[few.base], few.first, voting[few.base])
                pairs = pairs.append_column(VOTED, voted)
            yield pairs

    def read(self, table: pa.Table, *then: str) -> CellRows:
        """Read the rows of a cell, in the order of their row ids and then of other columns."""
        return CellRows.read(table, self.scale.center.size, *then, kind=self.kind)

    def gather(self, batches: list[pa.RecordBatch]) -> CellRows:
        """Read the rows of a cell from batches, and forget these: wide rows should not be there twice."""
        chunks = [batch.column(FEATURES) for batch in batches]
        others = pa.Table.from_batches(batches).drop_columns([FEATURES]).combine_chunks()
        batches.clear()
        return CellRows.of(others, chunks, self.scale.center.size, kind=self.kind)

    def points(self, rows: CellRows) -> NDArray[Any] | Scaled:
        """Return the integers that distances are computed of: in half the memory where they are Euclid's."""
        if self.projection is not None and self.how == "bounded":
            return Scaled(rows.raw, self.scale.integers)
        return self.scale.integers(rows.raw, np.float64 if self.metrics else np.int32)

    def search(self, rows: CellRows, points: NDArray[Any] | Scaled, bases: Ints) -> tuple[Ints, Floats]:
        """Return the positions of the nearest neighbors of bases, and squared distances."""
        how: Any = {"projection": self.projection, "how": self.how, "candidates": self.candidates}
        if self.among is None:
            # below 0 where a class has fewer others
            found, squares = np.full((len(bases), self.k), -1), np.full((len(bases), self.k), np.inf)
            for number, there in split_pools(rows.column(self.by), self.pool_of):
                metric = self.metrics.get(number)
                if len(there) == len(points):
                    return knn(points, bases, self.k, metric=metric, **how)
                asking = np.flatnonzero(rows.copies[there] > 0)
                some, away = knn(part(points, there), asking, self.k, metric=metric, **how)
                if not some.shape[1]:
                    some, away = asking[:, None], np.zeros((len(asking), 1))
                mine, many = np.searchsorted(bases, there[asking]), some.shape[1]
                found[mine, :many], squares[mine, :many] = there[some], away
            return found, squares
        others = np.flatnonzero(np.isin(rows.column(CODE), self.among))
        how["metric"] = next(iter(self.metrics.values()), None)  # rows of one pool
        found, squares = knn(part(points, others), points[bases], self.k, **how)
        return others[found], squares

    def slots(self, rows: CellRows, bases: Ints, found: int) -> Slots:
        """Deal the copies of each base out to its neighbors.

        In turn, from a neighbor that the base draws: any copy has any of them as likely, and they are used
        equally often (+- 1), as Chawla et al. choose two different ones for two new rows.
        """
        if self.rank_stream is None:
            base, rank = np.divmod(np.arange(len(bases) * found), max(1, found))
            return Slots(base, rank, rank)
        most = np.maximum(1, self.others(rows, bases))
        each = np.minimum(rows.copies[bases], most).astype(np.int64)
        base = np.repeat(np.arange(len(each)), each)
        first = np.arange(len(base)) - np.repeat(np.cumsum(each) - each, each)
        drawn = xxhash64(self.rank_stream, *rows.ids()[bases].T)
        return Slots(base, np.mod(drawn[base] % most[base] + first, most[base]), first)

    def others(self, rows: CellRows, bases: Ints) -> Ints:
        """Return the other rows of each base's class, k at most; of a million classes a cell has few."""
        if not self.fewer:
            return np.full(len(bases), self.k)
        classes, place = np.unique(rows.column(CODE)[bases], return_inverse=True)
        return np.array([self.fewer.get(one, self.k) for one in classes.tolist()], dtype=np.int64)[place]

    def close(
        self, rows: CellRows, bases: Ints, slots: Slots, near: Near, origins: pa.Array | None, squares: Floats
    ) -> pa.Table:
        """Make the table that goes back to the engine: a row for each slot."""
        at = bases[slots.base]
        result = {name: single(rows.table[name]).take(pa.array(at)) for name in UNIT_COLUMNS}
        result[FIRST] = pa.array(slots.first.astype(np.int32))
        if self.fewer:
            result[OTHERS] = pa.array(self.others(rows, at).astype(np.int32))
        # engines repeat numbers and compute with them fastest in columns of their own: half the time of lists on Sail
        for name, of in ((BASE, Near(rows.raw, at)), (NEAR, near)) if self.rank_stream is not None else ():
            result |= zip(name_numbers(name, of.rows.shape[1]), of.columns(), strict=True)
        if CARRIED in rows.table.column_names:
            result[CARRIED] = rows.take(CARRIED, at)
        if origins is not None:
            result |= {ORIGIN: rows.take(ORIGIN, at), NEAR_ORIGIN: origins}
        if self.rank_stream is None:
            result[SQUARE] = pa.array(squares[slots.base, slots.rank])
        elif self.reach:
            last = squares.max(axis=1, initial=0, where=np.isfinite(squares))[slots.base]
            away = squares[slots.base, slots.rank % squares.shape[1]]
            result[REACH] = pa.array(np.divide(away, last, out=np.zeros(len(last)), where=last > 0))
        return pa.table(result)

    def batches(self, rows: CellRows, pairs: int, width: int) -> Iterator[slice]:
        """Yield slices of pairs: an engine that explodes a batch into its copies holds all of them at once."""
        bases = np.flatnonzero(rows.copies > 0)
        most = int(np.max(-(-rows.copies[bases] // np.maximum(1, self.others(rows, bases))), initial=1))
        return slices(pairs, BATCH_NUMBERS // (max(1, width) * most))
