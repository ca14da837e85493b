"""The true neighbors of every base: what a cell cannot prove is asked of the cells that could know better."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pyarrow.compute import binary_length
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.frames.arrow import in_utc, packed, single, unpacked
from spark_balance.frames.columns import temp
from spark_balance.frames.older_spark import apply_in_groups
from spark_balance.frames.row_ids import CELL, CODE, FEATURES, LO, NEAR_ORIGIN, NTH, ORIGIN
from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.distances import changes
from spark_balance.kernels.knn import knn
from spark_balance.neighbors.cell_map import CellMap, assign_to_cells, gather_cells, split_pools
from spark_balance.neighbors.cell_rows import CellRows
from spark_balance.neighbors.pairs import Near, PairSearch

TWIN, AWAY, ANSWER = temp("twin"), temp("away"), temp("answer")


def search_exactly(bases: DataFrame, cell_map: CellMap, search: PairSearch, pairs: T.StructType) -> DataFrame:
    """Search every cell, ask the cells that may own something nearer, and merge the answers to `pairs`.

    Cost: two scans of the rows, five crossings to Python, three shuffles; an answer carries k neighbors. Memory per
    task is that of one cell and the answers of as many bases.
    """
    exact = ExactSearch(search, cell_map)
    owned = assign_to_cells(bases, cell_map.without_halo(), search.by)
    # what travels: a row, how far its last neighbor is (a question), its neighbors (an answer)
    schema = T.StructType([*owned.schema.fields, T.StructField(TWIN, T.LongType())])
    schema = schema.add(AWAY, T.DoubleType()).add(ANSWER, T.BinaryType())
    if ORIGIN in owned.columns:
        schema = schema.add(NEAR_ORIGIN, T.ArrayType(owned.schema[ORIGIN].dataType))
    whole = gather_cells(assign_to_cells(bases, cell_map, search.by), cell_map)
    asked = apply_in_groups(whole, CELL, exact.first, schema)
    missing = [F.lit(None).cast(field.dataType).alias(field.name) for field in schema.fields[len(owned.columns) :]]
    both = gather_cells(owned.select("*", *missing).unionAll(asked), cell_map)
    answers = gather_cells(apply_in_groups(both, CELL, exact.second, schema), cell_map)
    return apply_in_groups(answers, CELL, lambda table: pa.concat_tables(exact.merge(table)), pairs)


@dataclass(frozen=True)
class ExactSearch:
    """The three steps of an exact search."""

    search: PairSearch
    cell_map: CellMap

    def first(self, table: pa.Table) -> pa.Table:
        """Answer from the cell itself, and ask the cells that may own something nearer."""
        rows = self.search.read(table)
        bases = np.flatnonzero(rows.copies > 0)
        points = self.search.points(rows)
        found, away = self.search.search(rows, points, bases)
        if not found.shape[1] and self.search.fewer.get(int(rows.column(CODE)[0])) == 0:
            found, away = bases[:, None], np.zeros((len(bases), 1))
        last = away[:, -1] if found.shape[1] == self.search.k else np.full(len(bases), np.inf)
        twins = _number_twins(rows)
        answers = self._with(rows, bases, twins[bases], last, self._answer(rows, twins, found, away), found)
        # answers go straight to where they are merged, by way of their own cell
        label = int(rows.column(CELL)[0])
        [(number, _)] = split_pools(rows.column(self.search.by), self.cell_map.pool_of)
        asking, cells = self.cell_map.unseen(number, label, points[bases], np.sqrt(last))
        questions = self._with(rows, bases[asking], twins[bases[asking]], last[asking], None, None)
        cell = pa.array(np.full(len(bases), label, dtype=np.int32))
        return pa.concat_tables(
            [answers.set_column(0, CELL, cell), questions.set_column(0, CELL, pa.array(cells.astype(np.int32)))]
        )

    def second(self, table: pa.Table) -> pa.Table:
        """Answer the questions that came to a cell, and pass its own answers on to be merged."""
        rows = self.search.read(table)
        points = self.search.points(rows)
        asked = ~np.isnan(rows.table[AWAY].to_numpy())
        answered = np.asarray(single(rows.table[ANSWER]).is_valid())
        among = self.search.among
        may = ~asked if among is None else ~asked & np.isin(rows.column(CODE), among)
        here, questions = np.flatnonzero(may), np.flatnonzero(asked & ~answered)
        found, away = knn(points[here], points[questions], self.search.k, how="exact")
        found = here[found]
        twins = np.zeros(len(points), dtype=np.int64)
        twins[here] = _number_twins(CellRows(rows.table.take(pa.array(here)), rows.raw[here]))
        of_question = rows.table[TWIN].to_numpy()[questions].astype(np.int64)
        asked_away = rows.table[AWAY].to_numpy()[questions]
        answers = self._answer(rows, twins, found, away)
        new = self._with(rows, questions, of_question, asked_away, answers, found)
        old = rows.table.take(pa.array(np.flatnonzero(answered)))
        old = old.append_column(FEATURES, rows.take(FEATURES, answered.nonzero()[0])).select(new.column_names)
        whole = pa.concat_tables([old.cast(new.schema), new])
        part = self.cell_map.labels[np.mod(whole[LO].to_numpy(), self.cell_map.n_cells)]
        return whole.set_column(0, CELL, pa.array(part))

    def merge(self, table: pa.Table) -> Iterator[pa.Table]:
        """Put the answers to each base together: its nearest k rows, each counted once."""
        rows = self.search.read(table, TWIN)
        first = changes(rows.ids(TWIN))
        answers, width = single(rows.table[ANSWER]), self.search.scale.center.size + 4
        near = unpacked(answers, width)
        base = np.repeat(np.cumsum(first) - 1, binary_length(answers).to_numpy() // (8 * width))
        away, ids = near[:, 0], near[:, 1:4].copy().view(np.int64)
        order = np.lexsort((*ids.T[::-1], away, base))
        # a halo row of one cell is owned by another, and both may name it
        order = order[changes(np.column_stack([base, ids])[order])]
        start = np.searchsorted(base[order], np.arange(np.count_nonzero(first)))
        there = np.diff(start, append=len(order))
        chosen = order[start[:, None] + np.arange(self.search.k) % there[:, None]]
        bases = np.flatnonzero(first)
        slots = self.search.slots(rows, bases, self.search.k)
        used = chosen[slots.base, slots.rank]
        origins, found, squares = None, near[:, 4:].astype(self.search.kind, copy=False), away[chosen]
        if NEAR_ORIGIN in rows.table.column_names:
            origins = in_utc(single(rows.table[NEAR_ORIGIN])).flatten()
        for some in self.search.batches(rows, len(used), found.shape[1]):
            told = None if origins is None else origins.take(pa.array(used[some]))
            yield self.search.close(rows, bases, slots.part(some), Near(found, used[some]), told, squares)

    def _answer(self, rows: CellRows, twins: Ints, found: Ints, away: Floats) -> pa.Array:
        """Pack the neighbors of each row: distance, row id and features."""
        number = rows.column(NTH).astype(np.int64) + twins
        ids = np.column_stack([rows.ids()[:, :2], number]).view(np.float64)
        near = np.concatenate([away[:, :, None], ids[found], rows.raw[found]], axis=2)
        return packed(near.reshape(len(found), near.shape[1] * near.shape[2]))

    def _with(
        self, rows: CellRows, taken: Ints, twins: Ints, away: Floats, answers: pa.Array | None, found: Ints | None
    ) -> pa.Table:
        """Make the rows of a question or an answer."""
        left_out = (TWIN, AWAY, ANSWER, NEAR_ORIGIN)
        names = [name for name in (*rows.table.column_names, FEATURES) if name not in left_out]
        columns = {name: rows.take(name, taken) for name in names}
        columns |= {TWIN: pa.array(twins), AWAY: pa.array(away)}
        columns[ANSWER] = pa.nulls(len(taken), pa.binary()) if answers is None else answers
        if ORIGIN in names and found is not None:
            ends = found.shape[1] * np.arange(len(found) + 1, dtype=np.int32)
            columns[NEAR_ORIGIN] = pa.ListArray.from_arrays(ends, rows.take(ORIGIN, found.ravel()))
        elif ORIGIN in names:
            columns[NEAR_ORIGIN] = pa.nulls(len(taken), pa.list_(columns[ORIGIN].type))
        return pa.table(columns)


def _number_twins(rows: CellRows) -> Ints:
    """Number the rows of one row id, which are equal rows without a key: they are all in this cell."""
    new = changes(rows.ids())
    place = np.arange(len(new))
    twins: Ints = place - np.maximum.accumulate(np.where(new, place, 0))
    return twins
