"""For each base row, the neighbours that its synthetic rows will use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import temp
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.draws import xxhash64
from spark_balance.kernels.local import local_neighbours
from spark_balance.kernels.scale import Scale
from spark_balance.kernels.textbook import fitted_neighbours
from spark_balance.plans.arrow import in_utc, packed, single, unpacked
from spark_balance.plans.cells import CARRIED, CELL, FEATURES, ORIGIN, UNIT_COLUMNS
from spark_balance.plans.keep import COPIES
from spark_balance.plans.keys import CODE, HI, LO, NTH

if TYPE_CHECKING:
    import pandas as pd

BASE, NEAR, NEAR_ORIGIN = temp("base"), temp("near"), temp("near_origin")
FIRST = temp("first")
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
TableT = TypeVar("TableT", pa.Table, pa.RecordBatch)
BATCH_NUMBERS = 2**20  # numbers in the synthetic rows of one batch


def _small(whole: TableT, copies: Ints, width: int, k: int) -> list[TableT]:
    """Cut what was searched: an engine that explodes a batch into its copies holds all of them at once."""
    most = -(-int(copies.max(initial=1)) // k)
    step = max(1, BATCH_NUMBERS // (max(1, width) * most))
    return [whole.slice(start, step) for start in range(0, max(1, whole.num_rows), step)]


def small_batches(searched: DataFrame, k: int) -> DataFrame:
    """Return what was searched as it was, in small batches again after it was held; one crossing to Python."""
    width = sum(name.startswith(BASE) for name in searched.columns)

    def cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            columns = {name: in_utc(batch.column(name)) for name in batch.schema.names}
            yield from _small(pa.record_batch(columns), batch.column(COPIES).to_numpy(), width, k)

    return searched.mapInArrow(cut, searched.schema)


@dataclass(frozen=True)
class Rows:
    """The rows of a cell in the order of their identities, and their features, or what was sent in place of them."""

    table: pa.Table
    raw: Floats

    def column(self, name: str) -> Ints:
        """Return a column of numbers."""
        numbers: Ints = self.table[name].to_numpy()
        return numbers

    @property
    def copies(self) -> Ints:
        """How many new rows each makes; 0 for a guest."""
        return self.column(COPIES)

    @property
    def origins(self) -> pa.Array | None:
        """What `provenance_col` will say of each."""
        return in_utc(single(self.table[ORIGIN])) if ORIGIN in self.table.column_names else None


def opened(table: pa.Table, width: int, *then: str, kind: type[np.generic] = np.float64) -> Rows:
    """Read the rows of a cell, in the order of their identities and then of other columns."""
    table = table.combine_chunks()
    order = np.lexsort([table[name].to_numpy() for name in (*then, NTH, LO, HI)])
    table = table.take(pa.array(order)).combine_chunks()
    return Rows(table, unpacked(single(table[FEATURES]), width, kind))


@dataclass(frozen=True)
class Slots:
    """The pairs of a base and a neighbour that new rows lie between.

    Attributes
    ----------
    base : ndarray of shape (n_slots,)
        Places in the list of bases, ascending.
    rank : ndarray of shape (n_slots,)
        Which of the base's neighbours.
    first : ndarray of shape (n_slots,)
        The first copy of the base that uses it; so does every k-th after that.
    """

    base: Ints
    rank: Ints
    first: Ints


@dataclass(frozen=True)
class Search:
    """What a task needs to know to search a cell.

    Attributes
    ----------
    scale : Scale
    k : int
        Neighbours of each base.
    rank_stream : int
        Sets apart the draws of which neighbour a copy uses; the engine draws the same.
    find : callable
        Finds the k nearest other points, by position, of the points at some positions.
    """

    scale: Scale
    k: int
    rank_stream: int
    find: Callable[[Floats, Ints, int], Ints] = field(default=local_neighbours, kw_only=True)

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return the bases of a cell with the neighbours that their copies will use."""
        rows = self.opened(table)
        bases = np.flatnonzero(rows.copies > 0)
        found = self.find(self.scale.integers(rows.raw), bases, self.k)
        if found.shape[1] == 0:
            # alone in a random partition (a cell never is): the row itself is all there is
            found = bases[:, None]
        found = found[:, np.arange(self.k) % found.shape[1]]
        slots = self.slots(rows, bases)
        used = found[slots.base, slots.rank]
        origins = rows.origins.take(pa.array(used)) if rows.origins is not None else None
        return self.closed(rows, bases, slots, rows.raw[used], origins)

    def opened(self, table: pa.Table, *then: str) -> Rows:
        """Read the rows of a cell, in the order of their identities and then of other columns."""
        return opened(table, self.scale.center.size, *then)

    def merged(self, rows: Rows, bases: Ints, near: Floats, origins: pa.Array | None) -> pa.Table:
        """Return bases with the neighbours that their copies will use, given all k of each."""
        slots = self.slots(rows, bases)
        taken = origins.take(pa.array(slots.base * self.k + slots.rank)) if origins is not None else None
        return self.closed(rows, bases, slots, near[slots.base, slots.rank], taken)

    def closed(self, rows: Rows, bases: Ints, slots: Slots, near: Floats, origins: pa.Array | None) -> pa.Table:
        """Make the table that goes back to the engine: a row for each slot, a column for each number.

        Numbers in columns of their own are what engines repeat and compute with fastest (measured
        against lists: half the time on Sail).
        """
        at = bases[slots.base]
        taken = pa.array(at)
        result = {name: single(rows.table[name]).take(taken) for name in UNIT_COLUMNS}
        result[FIRST] = pa.array(slots.first.astype(np.int32))
        for name, numbers in ((BASE, rows.raw[at]), (NEAR, near)):
            result |= zip(
                numbers_of(name, numbers.shape[1]), map(pa.array, np.ascontiguousarray(numbers.T)), strict=True
            )
        if CARRIED in rows.table.column_names:
            result[CARRIED] = in_utc(single(rows.table[CARRIED])).take(taken)
        if rows.origins is not None:
            result[ORIGIN] = rows.origins.take(taken)
            result[NEAR_ORIGIN] = origins
        return pa.concat_tables(_small(pa.table(result), rows.copies, near.shape[1], self.k))

    def slots(self, rows: Rows, bases: Ints) -> Slots:
        """Deal the copies of each base out to its neighbours.

        In turn, from a neighbour that the base draws: any copy has any of them as likely, and they are used
        equally often (+- 1), as Chawla et al. choose two different ones for two new rows.
        """
        each = np.minimum(rows.copies[bases], self.k).astype(np.int64)
        base = np.repeat(np.arange(len(each)), each)
        first = np.arange(len(base)) - np.repeat(np.cumsum(each) - each, each)
        drawn = xxhash64(self.rank_stream, *[rows.column(name)[bases] for name in (HI, LO, NTH)])
        return Slots(base, np.mod(drawn[base] % self.k + first, self.k), first)


def numbers_of(name: str, width: int) -> list[str]:
    """Return the names of the columns that hold a row's numbers, one each."""
    return [f"{name}{i}" for i in range(width)]


def searched(cells: DataFrame, search: Search) -> DataFrame:
    """Search every cell by itself.

    Notes
    -----
    Cost: one crossing to Python and back; memory per task is that of one cell.
    """
    out = found_type(cells.schema, search.scale.center.size)
    return cells.groupBy(CELL).applyInArrow(lambda table: search(table), out)


def check_fitted(method: str) -> None:
    """Refuse the textbook form without scikit-learn, before anything runs."""
    if find_spec("sklearn") is None:
        raise SparkBalanceError(
            f"{method}: neighbors='partition' needs scikit-learn, here and on the workers: pip install"
            " 'spark-balance[partition]', or use neighbors='cells', which needs none"
        )


def searched_by_partition(rows: DataFrame, search: Search, parts: int) -> DataFrame:
    """Search inside random partitions: the textbook form, fast and mostly wrong.

    A grouped-map pandas function with scikit-learn's `NearestNeighbors` fitted in each of
    `parts` hash partitions of a class. Kept because papers compare with it.
    """
    search = replace(search, find=fitted_neighbours)
    part = F.pmod(F.xxhash64(HI, LO), F.lit(parts))
    fields = [field for field in rows.schema.fields if field.name in (*UNIT_COLUMNS, ORIGIN, CARRIED)]
    out = found_type(rows.schema, search.scale.center.size)

    def of_partition(frame: pd.DataFrame) -> pd.DataFrame:
        features = np.stack(frame[FEATURES].to_list()).astype(np.float64)
        others = frame[[field.name for field in fields]]
        table = pa.Table.from_pandas(others, preserve_index=False).append_column(FEATURES, packed(features))
        return search(table).to_pandas()

    grouped = rows.withColumn(CELL, part).groupBy(CODE, CELL)
    return grouped.applyInPandas(of_partition, out)


def found_type(schema: T.StructType, width: int) -> T.StructType:
    """Return the schema of slots: a base, one of its neighbours, and the first copy that uses it."""
    fields = [T.StructField(name, schema[name].dataType) for name in UNIT_COLUMNS]
    fields.append(T.StructField(FIRST, T.IntegerType()))
    fields += [T.StructField(name, T.DoubleType()) for what in (BASE, NEAR) for name in numbers_of(what, width)]
    if CARRIED in schema.names:
        fields.append(T.StructField(CARRIED, schema[CARRIED].dataType))
    if ORIGIN in schema.names:
        fields += [T.StructField(name, schema[ORIGIN].dataType) for name in (ORIGIN, NEAR_ORIGIN)]
    return T.StructType(fields)
