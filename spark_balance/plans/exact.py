"""The true neighbours of every base: what a cell cannot prove is asked of the cells that could know better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import temp
from spark_balance.kernels.local import local_among, local_neighbours
from spark_balance.kernels.nearest import norms
from spark_balance.plans.arrow import in_utc, packed, single
from spark_balance.plans.cell_map import CellMap
from spark_balance.plans.cells import CELL, ORIGIN, gathered, visits
from spark_balance.plans.keys import CODE, HI, LO, NTH
from spark_balance.plans.neighbours import NEAR_ORIGIN, Rows, Search, found_type

TWIN, AWAY, ANSWER = temp("twin"), temp("away"), temp("answer")
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def searched_exactly(bases: DataFrame, cell_map: CellMap, search: Search) -> DataFrame:
    """Search every cell, ask the cells that may hold something nearer, and merge the answers.

    Notes
    -----
    Cost: two scans of the rows to grow, five crossings to Python, three shuffles; an
    answer carries k neighbours. Memory per task is that of one cell and the answers of
    as many bases.
    """
    exact = ExactSearch(search, cell_map)
    at_home = visits(bases, cell_map.without_guests())
    schema = _asked_type(at_home.schema)
    guests = gathered(visits(bases, cell_map), cell_map)
    asked = guests.groupBy(CELL).applyInArrow(lambda table: exact.first(table), schema)
    missing = [F.lit(None).cast(field.dataType).alias(field.name) for field in schema.fields[len(at_home.columns) :]]
    both = gathered(at_home.select("*", *missing).unionAll(asked), cell_map)
    answers = both.groupBy(CELL).applyInArrow(lambda table: exact.second(table), schema)
    merged = gathered(answers, cell_map).groupBy(CELL)
    return merged.applyInArrow(lambda table: exact.merged(table), found_type(at_home.schema, search.scale.center.size))


def _asked_type(schema: T.StructType) -> T.StructType:
    """Return what travels: a row, how far its last neighbour is (a question), its neighbours (an answer)."""
    fields = [*schema.fields, T.StructField(TWIN, T.LongType())]
    fields += [T.StructField(AWAY, T.DoubleType()), T.StructField(ANSWER, T.BinaryType())]
    if ORIGIN in schema.names:
        fields.append(T.StructField(NEAR_ORIGIN, T.ArrayType(schema[ORIGIN].dataType)))
    return T.StructType(fields)


@dataclass(frozen=True)
class ExactSearch:
    """The three steps of an exact search.

    Attributes
    ----------
    search : Search
    cell_map : CellMap
    """

    search: Search
    cell_map: CellMap

    def first(self, table: pa.Table) -> pa.Table:
        """Answer from the cell itself, and ask the cells that may hold something nearer."""
        rows = self.search.opened(table)
        bases = np.flatnonzero(rows.copies > 0)
        points = self.search.scale.integers(rows.raw)
        found = local_neighbours(points, bases, self.search.k, more=None)
        away = norms((points[found] - points[bases][:, None]).reshape(-1, points.shape[1])).reshape(found.shape)
        last = away[:, -1] if found.shape[1] == self.search.k else np.full(len(bases), np.inf)
        twins = _twins(rows)
        answers = self._with(rows, bases, twins[bases], last, self._answers(rows, twins, found, away), found)
        # answers go straight to where they are merged, by way of their own cell
        label, code = int(rows.column(CELL)[0]), int(rows.column(CODE)[0])
        asking, cells = self.cell_map.unseen(code, label, points[bases], np.sqrt(last))
        questions = self._with(rows, bases[asking], twins[bases[asking]], last[asking], None, None)
        cell = pa.array(np.full(len(bases), label, dtype=np.int32))
        return pa.concat_tables(
            [answers.set_column(0, CELL, cell), questions.set_column(0, CELL, pa.array(cells.astype(np.int32)))]
        )

    def second(self, table: pa.Table) -> pa.Table:
        """Answer the questions that came to a cell, and pass its own answers on to be merged."""
        rows = self.search.opened(table)
        points = self.search.scale.integers(rows.raw)
        asked = ~np.isnan(rows.table[AWAY].to_numpy())
        answered = np.asarray(single(rows.table[ANSWER]).is_valid())
        here, questions = np.flatnonzero(~asked), np.flatnonzero(asked & ~answered)
        nearest_here, away = local_among(points[questions], points[here], self.search.k, more=None)
        found = here[nearest_here]
        twins = np.zeros(len(points), dtype=np.int64)
        twins[here] = _twins(Rows(rows.table.take(pa.array(here)), rows.raw[here]))
        of_question = rows.table[TWIN].to_numpy()[questions].astype(np.int64)
        asked_away = rows.table[AWAY].to_numpy()[questions]
        answers = self._answers(rows, twins, found, away)
        new = self._with(rows, questions, of_question, asked_away, answers, found)
        old = rows.table.take(pa.array(np.flatnonzero(answered))).select(new.column_names)
        whole = pa.concat_tables([old.cast(new.schema), new])
        part = self.cell_map.labels[np.mod(whole[LO].to_numpy(), self.cell_map.n_cells)]
        return whole.set_column(0, CELL, pa.array(part))

    def merged(self, table: pa.Table) -> pa.Table:
        """Put the answers to each base together: its nearest k rows, each counted once."""
        rows = self.search.opened(table, TWIN)
        unit = np.column_stack([rows.column(name) for name in (HI, LO, NTH, TWIN)])
        first = np.concatenate([[True], (unit[1:] != unit[:-1]).any(axis=1)])
        near, each = _neighbours(single(rows.table[ANSWER]), self.search.scale.center.size + 4)
        base = np.repeat(np.cumsum(first) - 1, each)
        away, ids = near[:, 0], near[:, 1:4].copy().view(np.int64)
        order = np.lexsort((*ids.T[::-1], away, base))
        # a guest of one cell is at home in another, and both may name it
        new = (base[order][1:] != base[order][:-1]) | (ids[order][1:] != ids[order][:-1]).any(axis=1)
        order = order[np.concatenate([[True], new])]
        start = np.searchsorted(base[order], np.arange(np.count_nonzero(first)))
        chosen = order[start[:, None] + np.arange(self.search.k)]
        origins = None
        if NEAR_ORIGIN in rows.table.column_names:
            origins = in_utc(single(rows.table[NEAR_ORIGIN])).flatten().take(pa.array(chosen.ravel()))
        return self.search.merged(rows, np.flatnonzero(first), near[chosen][:, :, 4:], origins)

    def _answers(self, rows: Rows, twins: Ints, found: Ints, away: Floats) -> pa.Array:
        """Pack the neighbours of each row: distance, identity and features."""
        number = rows.column(NTH).astype(np.int64) + twins
        ids = np.column_stack([rows.column(HI), rows.column(LO), number]).view(np.float64)
        near = np.concatenate([away[:, :, None], ids[found], rows.raw[found]], axis=2)
        return packed(near.reshape(len(found), near.shape[1] * near.shape[2]))

    def _with(
        self, rows: Rows, taken: Ints, twins: Ints, away: Floats, answers: pa.Array | None, found: Ints | None
    ) -> pa.Table:
        """Make the rows of a question or an answer."""
        names = [name for name in rows.table.column_names if name not in (TWIN, AWAY, ANSWER, NEAR_ORIGIN)]
        columns = {name: in_utc(single(rows.table[name])).take(pa.array(taken)) for name in names}
        columns[TWIN] = pa.array(twins)
        columns[AWAY] = pa.array(away)
        columns[ANSWER] = pa.nulls(len(taken), pa.binary()) if answers is None else answers
        if rows.origins is not None:
            kind = pa.list_(rows.origins.type)
            if found is None:
                columns[NEAR_ORIGIN] = pa.nulls(len(taken), kind)
            else:
                ends = np.arange(0, found.size + 1, max(1, found.shape[1]), dtype=np.int32)
                columns[NEAR_ORIGIN] = pa.ListArray.from_arrays(ends, rows.origins.take(pa.array(found.ravel())))
        return pa.table(columns)


def _twins(rows: Rows) -> Ints:
    """Number the rows of one identity, which are equal rows without a key: they are all in this cell."""
    unit = np.column_stack([rows.column(name) for name in (HI, LO, NTH)])
    new = np.concatenate([[True], (unit[1:] != unit[:-1]).any(axis=1)])[: len(unit)]
    place = np.arange(len(unit))
    twins: Ints = place - np.maximum.accumulate(np.where(new, place, 0))
    return twins


def _neighbours(answers: pa.Array, width: int) -> tuple[Floats, Ints]:
    """Return the neighbours in all answers, one in a row, and how many each answer has."""
    answers = answers.cast(pa.binary())
    ends = np.frombuffer(answers.buffers()[1], np.int32)[answers.offset : answers.offset + len(answers) + 1]
    numbers = np.frombuffer(answers.buffers()[2], np.uint8)[ends[0] : ends[-1]].view(np.float64)
    return numbers.reshape(-1, width), np.diff(ends).astype(np.int64) // (8 * width)
