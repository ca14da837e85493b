"""For each base row, the neighbours that its synthetic rows will use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

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
from spark_balance.plans.arrow import in_utc, lists, packed, single, unpacked
from spark_balance.plans.cells import CARRIED, CELL, FEATURES, ORIGIN, UNIT_COLUMNS
from spark_balance.plans.keep import COPIES
from spark_balance.plans.keys import CODE, HI, LO, NTH

if TYPE_CHECKING:
    import pandas as pd

BASE, NEAR, NEAR_ORIGIN = temp("base"), temp("near"), temp("near_origin")
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
BATCH_NUMBERS = 2**20  # numbers in the synthetic rows of one batch


@dataclass(frozen=True)
class Rows:
    """The rows of a cell in the order of their identities, and their features."""

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


def opened(table: pa.Table, width: int, *then: str) -> Rows:
    """Read the rows of a cell, in the order of their identities and then of other columns."""
    table = table.combine_chunks()
    order = np.lexsort([table[name].to_numpy() for name in (*then, NTH, LO, HI)])
    table = table.take(pa.array(order)).combine_chunks()
    return Rows(table, unpacked(single(table[FEATURES]), width))


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
        ends, base, rank = self._slots(rows, bases)
        used = found[base, rank]
        origins = rows.origins.take(pa.array(used)) if rows.origins is not None else None
        return self.closed(rows, bases, ends, rows.raw[used], origins)

    def opened(self, table: pa.Table, *then: str) -> Rows:
        """Read the rows of a cell, in the order of their identities and then of other columns."""
        return opened(table, self.scale.center.size, *then)

    def merged(self, rows: Rows, bases: Ints, near: Floats, origins: pa.Array | None) -> pa.Table:
        """Return bases with the neighbours that their copies will use, given all k of each."""
        ends, base, rank = self._slots(rows, bases)
        taken = origins.take(pa.array(base * self.k + rank)) if origins is not None else None
        return self.closed(rows, bases, ends, near[base, rank], taken)

    def closed(self, rows: Rows, bases: Ints, ends: Ints, near: Floats, origins: pa.Array | None) -> pa.Table:
        """Make the table that goes back to the engine."""
        taken = pa.array(bases)
        result = {name: single(rows.table[name]).take(taken) for name in UNIT_COLUMNS}
        result[BASE] = lists(np.arange(len(bases) + 1), rows.raw[bases])
        result[NEAR] = lists(ends, near)
        if CARRIED in rows.table.column_names:
            result[CARRIED] = in_utc(single(rows.table[CARRIED])).take(taken)
        if rows.origins is not None:
            result[ORIGIN] = rows.origins.take(taken)
            result[NEAR_ORIGIN] = pa.ListArray.from_arrays(ends.astype(np.int32), origins)
        # in small batches: an engine that explodes a batch into its copies holds all of them at once
        step = max(1, BATCH_NUMBERS // (self.scale.center.size * max(1, int(rows.copies.max(initial=1)))))
        whole = pa.table(result)
        return pa.concat_tables([whole.slice(start, step) for start in range(0, max(1, len(bases)), step)])

    def _slots(self, rows: Rows, bases: Ints) -> tuple[Ints, Ints, Ints]:
        """Return where each base's slots end, and the base and the neighbour's rank of every slot.

        A base with at least k copies sends all its neighbours, by rank; one with fewer
        sends, for each copy, the one that copy drew.
        """
        copies = rows.copies[bases]
        slots = np.minimum(copies, self.k).astype(np.int64)
        ends = np.concatenate([[0], np.cumsum(slots)])
        base = np.repeat(np.arange(len(slots)), slots)
        slot = np.arange(len(base)) - ends[base]
        drawn = xxhash64(self.rank_stream, *[rows.column(name)[bases][base] for name in (HI, LO, NTH)], slot)
        return ends, base, np.where(copies[base] >= self.k, slot, np.mod(drawn, self.k))


def searched(cells: DataFrame, search: Search) -> DataFrame:
    """Search every cell by itself.

    Notes
    -----
    Cost: one crossing to Python and back; memory per task is that of one cell.
    """
    return cells.groupBy(CELL).applyInArrow(lambda table: search(table), found_type(cells.schema))


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
    out = found_type(rows.schema)

    def of_partition(frame: pd.DataFrame) -> pd.DataFrame:
        features = np.stack(frame[FEATURES].to_list()).astype(np.float64)
        others = frame[[field.name for field in fields]]
        table = pa.Table.from_pandas(others, preserve_index=False).append_column(FEATURES, packed(features))
        return search(table).to_pandas()

    grouped = rows.withColumn(CELL, part).groupBy(CODE, CELL)
    return grouped.applyInPandas(of_partition, out)


def found_type(schema: T.StructType) -> T.StructType:
    """Return the schema of bases with their neighbours."""
    numbers = T.ArrayType(T.DoubleType())
    fields = [T.StructField(name, schema[name].dataType) for name in UNIT_COLUMNS]
    fields += [T.StructField(BASE, numbers), T.StructField(NEAR, numbers)]
    if CARRIED in schema.names:
        fields.append(T.StructField(CARRIED, schema[CARRIED].dataType))
    if ORIGIN in schema.names:
        kind = schema[ORIGIN].dataType
        fields += [T.StructField(ORIGIN, kind), T.StructField(NEAR_ORIGIN, T.ArrayType(kind))]
    return T.StructType(fields)
