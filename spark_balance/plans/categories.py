"""Categories as numbers beside the features, and the user's own values as what their owners' neighbours vote for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import quoted, temp
from spark_balance.kernels.draws import xxhash64
from spark_balance.kernels.votes import voters
from spark_balance.plans.arrow import single
from spark_balance.plans.cells import CELL
from spark_balance.plans.features import FeatureColumns
from spark_balance.plans.keys import CODE, HI, LO, NTH
from spark_balance.plans.metric_cells import Metric
from spark_balance.plans.neighbours import Rows, Search, found_type

CATEGORIES, VOTED = temp("categories"), temp("voted")
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class MixedColumns(FeatureColumns):
    """Features that are numbers, then categories, each as a number that float64 holds exactly.

    Attributes
    ----------
    categorical : tuple of str
        Columns of categories.
    values : tuple of str
        Temporary columns of several numbers each that stand for values in the distance; they come first.
    values_width : int
        Their numbers.
    """

    categorical: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    values_width: int = 0

    @property
    def width(self) -> int:
        """Numbers in a row."""
        return self.values_width + sum(self.widths) + len(self.categorical)

    @property
    def numbers(self) -> FeatureColumns:
        """The features that are numbers, alone."""
        return FeatureColumns(self.features, self.widths)

    @property
    def flat(self) -> Column:
        """All features of a row as one array<double>."""
        parts = [F.col(name) for name in self.values] + ([super().flat] if self.features else [])
        codes = [F.shiftrightunsigned(code_of(name), 12).cast("double") for name in self.categorical]
        return F.concat(*parts, F.array(*codes))

    @property
    def any_bad(self) -> Column:
        """Whether any of the row's numbers is NULL, NaN or infinite; NULL is a category like any other."""
        return super().any_bad if self.features else F.lit(False)


def code_of(name: str) -> Column:
    """Return the 64-bit number of a row's category: a hash of its text, with NULL a category of its own."""
    column = F.col(quoted(name))
    return F.xxhash64(column.cast("string"), column.isNull())


def own_values(categorical: Iterable[str]) -> Column:
    """Return the user's values of a row, to travel beside its features."""
    # by place: a name may hold any character
    return F.struct(*[F.col(quoted(name)).alias(f"c{i}") for i, name in enumerate(categorical)]).alias(CATEGORIES)


def voted_values(categorical: Iterable[str]) -> dict[str, Column]:
    """Return the categories of a new row."""
    return {name: F.col(VOTED)[f"c{i}"] for i, name in enumerate(categorical)}


@dataclass(frozen=True)
class VotingSearch(Search):
    """A search that also lets the neighbours of each base vote for its categories.

    Attributes
    ----------
    metrics : dict of int to Metric
        For each class number.
    categories : int
        The last so many features are numbers of categories.
    interpolated : int
        The first so many features are numbers that new rows are made of.
    itself : bool
        Whether the base votes too.
    vote_stream : int
        Sets apart the draws that decide between categories with as many votes.
    """

    metrics: Mapping[int, Metric]
    categories: int
    interpolated: int
    itself: bool
    vote_stream: int

    def __call__(self, table: pa.Table) -> pa.Table:
        """Return the bases of a cell with their neighbours, and what each of their slots was voted."""
        rows = self.opened(table)
        bases = np.flatnonzero(rows.copies > 0)
        metric = self.metrics[int(rows.column(CODE)[0])] if len(bases) else None
        found = bases[:, None] if metric is None else metric.nearest(self.scale.integers(rows.raw), bases, self.k)
        voting = np.column_stack([bases, found]) if self.itself or not found.shape[1] else found
        # fewer than k others in a cell: each is used several times, but votes once
        near = (found if found.shape[1] else voting)[:, np.arange(self.k) % max(1, found.shape[1])]
        slots = self.slots(rows, bases)
        used = near[slots.base, slots.rank]
        origins = rows.origins.take(pa.array(used)) if rows.origins is not None else None
        numbers = rows.raw[:, : self.interpolated]
        made = self.closed(replace(rows, raw=numbers), bases, slots, numbers[used], origins)
        return made.append_column(VOTED, self._voted(rows, bases[slots.base], slots.first, voting[slots.base]))

    def _voted(self, rows: Rows, bases: Ints, slot: Ints, voting: Ints) -> pa.Array:
        """Return the winning values of every slot."""
        values: pa.StructArray = single(rows.table[CATEGORIES])
        identity = [rows.column(name)[bases] for name in (HI, LO, NTH)]
        fields = []
        for i in range(self.categories):
            drawn = xxhash64(self.vote_stream, *identity, slot, i)
            winners = voters(voting, rows.raw[:, i - self.categories].astype(np.int64), drawn)
            fields.append(values.field(i).take(pa.array(winners)))
        return pa.StructArray.from_arrays(fields, fields=list(values.type))


def searched_and_voted(cells: DataFrame, search: VotingSearch) -> DataFrame:
    """Search every cell by itself.

    Notes
    -----
    Cost: one crossing to Python and back; memory per task is that of one cell.
    """
    found = found_type(cells.schema, search.interpolated)
    out = T.StructType([*found.fields, T.StructField(VOTED, cells.schema[CATEGORIES].dataType)])
    return cells.groupBy(CELL).applyInArrow(lambda table: _called(search, table), out)


def _called(search: VotingSearch, table: pa.Table) -> Any:
    return search(table)
