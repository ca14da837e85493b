"""Pair rows with their nearest neighbors: in cells, exactly, or inside random partitions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.errors import ParameterError
from spark_balance.frames.arrow import packed
from spark_balance.frames.row_ids import (
    BASE,
    CARRIED,
    CELL,
    CODE,
    FEATURES,
    FIRST,
    HI,
    LISTED,
    LO,
    NEAR,
    NEAR_ORIGIN,
    ORIGIN,
    OTHERS,
    UNIT_COLUMNS,
    name_numbers,
)
from spark_balance.neighbors.cell_map import CellMap, assign_to_cells, gather_cells
from spark_balance.neighbors.exact import search_exactly
from spark_balance.neighbors.pairs import REACH, SQUARE, PairSearch
from spark_balance.neighbors.votes import CATEGORIES, VOTED, Votes

if TYPE_CHECKING:
    import pandas as pd

Join = Literal["cells", "exact", "partition"]


def pair_with_neighbors(
    bases: DataFrame,
    cell_map: CellMap,
    k: int,
    *,
    how: Join = "cells",
    by: str = CODE,
    rank_stream: int | None = None,
    among: tuple[int, ...] | None = None,
    votes: Votes | None = None,
    parts: int = 1,
    fewer: Mapping[int, int] = MappingProxyType({}),
    reach: bool = False,
) -> DataFrame:
    """Return each base with the neighbors that its copies will use, or without `rank_stream` with all k, nearest first.

    `bases` are the rows to search among, as `UNIT_COLUMNS`, `FEATURES` and what else travels (`CARRIED`, `ORIGIN`),
    with the number of their pool in the column `by`; those with copies are bases. 'cells' searches the owner cell of a
    base; 'exact' also asks other cells wherever a nearer row could be; 'partition' searches `parts` random partitions
    of each class, as most SMOTEs for Spark do: mostly wrong. `rank_stream` sets apart the draws of which neighbor a
    copy uses. `among` has the class ids of the rows that may be neighbors, when no base is of these classes. `fewer`
    has the other rows of each class (by id) with fewer of them than k.

    A pair is a row: the unit of the base and its copies, `FIRST` (the first copy that uses the pair, every k-th after
    it does too; or the neighbor's rank from 0), the numbers of both as `name_numbers` of `BASE` and `NEAR`, what
    travels with the base, `NEAR_ORIGIN`, `VOTED` with votes and `REACH` if asked for; without `rank_stream`, `SQUARE`
    and no numbers.

    Cost: 'cells' one scan of the bases, one shuffle of their features (1 to 4 copies), two crossings to Python;
    'exact' two scans, five crossings, three shuffles. Memory per task is that of one cell. Lazy.
    """
    search = PairSearch(
        cell_map.scale,
        k,
        rank_stream,
        by,
        cell_map.metrics,
        among,
        votes,
        cell_map.pool_of,
        cell_map.work,
        kind=cell_map.kind,
        projection=cell_map.projection,
        fewer=dict(fewer),
        reach=reach,
    )
    pairs = _type_pairs(bases.schema, search)
    if how == "partition":
        return _search_partitions(bases, replace(search, how="scikit-learn"), pairs, parts)
    if how == "exact":
        return search_exactly(bases, cell_map.apart(), replace(search, how="exact"), pairs)
    cells = gather_cells(assign_to_cells(bases, cell_map, by), cell_map)
    return cells.mapInArrow(lambda batches: _search_cells(batches, search), pairs)


def _search_cells(batches: Iterable[pa.RecordBatch], search: PairSearch) -> Iterator[pa.RecordBatch]:
    """Search the cells that came to a task, one after the other, and yield pairs while they are made.

    A function of a group would have to hold all pairs of a cell, and the engine all of its rows besides.
    """
    cells = dict[int, list[pa.RecordBatch]]()
    for batch in batches:
        labels = batch.column(CELL).to_numpy()
        for label in np.unique(labels).tolist():
            here = np.flatnonzero(labels == label)
            cells.setdefault(label, []).append(batch if len(here) == len(labels) else batch.take(pa.array(here)))
    for label in sorted(cells):
        rows = search.gather(cells.pop(label))
        for found in search(rows):
            yield from found.to_batches()


def _type_pairs(rows: T.StructType, search: PairSearch) -> T.StructType:
    """Return the schema of pairs, given that of the bases."""
    width = search.scale.center.size if search.votes is None else search.votes.interpolated
    fields = [*map(rows.__getitem__, UNIT_COLUMNS), T.StructField(FIRST, T.IntegerType())]
    fields += [T.StructField(OTHERS, T.IntegerType())] if search.fewer else []
    if search.rank_stream is not None:
        number: T.DataType = T.FloatType() if search.kind is np.float32 else T.DoubleType()
        number = T.ArrayType(number) if width > LISTED else number
        fields += [T.StructField(name, number) for name in name_numbers(BASE, width) + name_numbers(NEAR, width)]
    # to add one field looks at all others
    schema = T.StructType(fields)
    if CARRIED in rows.names:
        schema.add(CARRIED, rows[CARRIED].dataType)
    if ORIGIN in rows.names:
        schema.add(ORIGIN, rows[ORIGIN].dataType).add(NEAR_ORIGIN, rows[ORIGIN].dataType)
    if search.rank_stream is None:
        schema.add(SQUARE, T.DoubleType())
    elif search.reach:
        schema.add(REACH, T.DoubleType())
    if search.votes is not None:
        schema.add(VOTED, rows[CATEGORIES].dataType)
    return schema


def _search_partitions(bases: DataFrame, search: PairSearch, pairs: T.StructType, parts: int) -> DataFrame:
    """Search inside random partitions: a grouped-map pandas function with scikit-learn's `NearestNeighbors`."""
    part = F.pmod(F.xxhash64(HI, LO), F.lit(parts))
    names = [name for name in bases.columns if name in (*UNIT_COLUMNS, ORIGIN, CARRIED)]

    def of_partition(frame: pd.DataFrame) -> pd.DataFrame:
        features = np.stack(frame[FEATURES].to_list()).astype(search.kind)
        table = pa.Table.from_pandas(frame[names], preserve_index=False).append_column(FEATURES, packed(features))
        return pa.concat_tables(search(search.read(table))).to_pandas()

    return bases.withColumn(CELL, part).groupBy(CODE, CELL).applyInPandas(of_partition, pairs)


def check_scikit_learn(method: str) -> None:
    """Refuse the search of partitions without scikit-learn, before anything runs."""
    if find_spec("sklearn") is None:
        raise ParameterError(
            f"{method}: neighbors='partition' needs scikit-learn, here and on the workers: pip install"
            " 'spark-balance[models]', or use neighbors='cells', which needs none"
        )
