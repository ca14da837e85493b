"""For each base row, the neighbours that its synthetic rows will use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import temp
from spark_balance.kernels.draws import xxhash64
from spark_balance.kernels.local import local_neighbours
from spark_balance.kernels.scale import Scale
from spark_balance.plans.arrow import in_utc, lists, packed, single, unpacked
from spark_balance.plans.cells import CARRIED, CELL, FEATURES, ORIGIN, UNIT_COLUMNS
from spark_balance.plans.keep import COPIES
from spark_balance.plans.keys import CODE, HI, LO, NTH

BASE, NEAR, NEAR_ORIGIN = temp("base"), temp("near"), temp("near_origin")
Ints = NDArray[np.int64]
BATCH_NUMBERS = 2**20  # numbers in the synthetic rows of one batch


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
    """

    scale: Scale
    k: int
    rank_stream: int

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return the bases of a cell with the neighbours that their copies will use."""
        table = table.combine_chunks()
        hi, lo, nth, copies = (table[name].to_numpy() for name in (HI, LO, NTH, COPIES))
        order = np.lexsort((nth, lo, hi))
        hi, lo, nth, copies = hi[order], lo[order], nth[order], copies[order]
        raw = unpacked(single(table[FEATURES]), self.scale.center.size)[order]
        bases = np.flatnonzero(copies > 0)
        found = local_neighbours(self.scale.integers(raw), bases, self.k)
        if found.shape[1] == 0:
            # alone in a random partition (a cell never is): the row itself is all there is
            found = bases[:, None]
        found = found[:, np.arange(self.k) % found.shape[1]]
        slots = np.minimum(copies[bases], self.k).astype(np.int64)
        used = self._used(found, slots, copies[bases], (hi[bases], lo[bases], nth[bases]))
        ends = np.concatenate([[0], np.cumsum(slots)])
        result = {name: single(table[name]).take(pa.array(order[bases])) for name in UNIT_COLUMNS}
        result[BASE] = lists(np.arange(len(bases) + 1), raw[bases])
        result[NEAR] = lists(ends, raw[used])
        if CARRIED in table.column_names:
            result[CARRIED] = in_utc(single(table[CARRIED])).take(pa.array(order[bases]))
        if ORIGIN in table.column_names:
            origins = in_utc(single(table[ORIGIN]))
            result[ORIGIN] = origins.take(pa.array(order[bases]))
            result[NEAR_ORIGIN] = pa.ListArray.from_arrays(ends.astype(np.int32), origins.take(pa.array(order[used])))
        # in small batches: an engine that explodes a batch into its copies holds all of them at once
        step = max(1, BATCH_NUMBERS // (self.scale.center.size * max(1, int(copies.max(initial=1)))))
        whole = pa.table(result)
        return pa.concat_tables([whole.slice(start, step) for start in range(0, max(1, len(bases)), step)])

    def _used(self, found: Ints, slots: Ints, copies: Ints, unit: tuple[Ints, Ints, Ints]) -> Ints:
        """Return, base after base, the neighbours in its slots.

        A base with at least k copies sends all its neighbours, by rank; one with fewer
        sends, for each copy, the one that copy drew.
        """
        base = np.repeat(np.arange(len(slots)), slots)
        slot = np.arange(len(base)) - np.repeat(np.cumsum(slots) - slots, slots)
        drawn = xxhash64(self.rank_stream, *[part[base] for part in unit], slot)
        rank = np.where(copies[base] >= self.k, slot, np.mod(drawn, self.k))
        return found[base, rank]


def searched(cells: DataFrame, search: Search) -> DataFrame:
    """Search every cell by itself.

    Notes
    -----
    Cost: one crossing to Python and back; memory per task is that of one cell.
    """
    return cells.groupBy(CELL).applyInArrow(lambda table: search(table), _found_type(cells.schema))


def searched_by_partition(rows: DataFrame, search: Search, parts: int) -> DataFrame:
    """Search inside random partitions: the textbook form, fast and mostly wrong.

    A grouped-map pandas function with a neighbour model of its own in each of `parts`
    hash partitions of a class. Kept because papers compare with it.
    """
    part = F.pmod(F.xxhash64(HI, LO), F.lit(parts))
    fields = [field for field in rows.schema.fields if field.name in (*UNIT_COLUMNS, ORIGIN, CARRIED)]
    out = _found_type(rows.schema)

    def of_partition(frame: pd.DataFrame) -> pd.DataFrame:
        features = np.stack(frame[FEATURES].to_list()).astype(np.float64)
        others = frame[[field.name for field in fields]]
        table = pa.Table.from_pandas(others, preserve_index=False).append_column(FEATURES, packed(features))
        return search(table).to_pandas()

    grouped = rows.withColumn(CELL, part).groupBy(CODE, CELL)
    return grouped.applyInPandas(of_partition, out)


def _found_type(schema: T.StructType) -> T.StructType:
    numbers = T.ArrayType(T.DoubleType())
    fields = [T.StructField(name, schema[name].dataType) for name in UNIT_COLUMNS]
    fields += [T.StructField(BASE, numbers), T.StructField(NEAR, numbers)]
    if CARRIED in schema.names:
        fields.append(T.StructField(CARRIED, schema[CARRIED].dataType))
    if ORIGIN in schema.names:
        kind = schema[ORIGIN].dataType
        fields += [T.StructField(ORIGIN, kind), T.StructField(NEAR_ORIGIN, T.ArrayType(kind))]
    return T.StructType(fields)
