"""How the neighbors of a base vote for what a new row holds: for each category, or for its labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark_balance.frames.arrow import single
from spark_balance.frames.columns import temp
from spark_balance.kernels import Ints
from spark_balance.kernels.draws import xxhash64
from spark_balance.kernels.labelsets import agree
from spark_balance.kernels.members import elect

if TYPE_CHECKING:
    from spark_balance.neighbors.cell_rows import CellRows

CATEGORIES, VOTED = temp("categories"), temp("voted")  # the user's values of a row, and those that its neighbors chose


class Votes(Protocol):
    """How the neighbors of a base vote.

    Attributes
    ----------
    interpolated : int
        The first this many features are numbers that new rows are made of.
    itself : bool
        Whether the base votes too.
    """

    @property
    def interpolated(self) -> int:
        """Return the number of these."""

    @property
    def itself(self) -> bool:
        """Return whether it does."""

    def choose(self, rows: CellRows, bases: Ints, copies: Ints, voting: Ints) -> pa.Array:
        """Return the winning values of each copy of a base, by the positions of base and voters."""


@dataclass(frozen=True)
class CategoryVotes:
    """How the neighbors of a base vote for its categories: each is the most frequent one."""

    categories: int  # the last this many features are category ids; the user's own values travel as `CATEGORIES`
    interpolated: int
    itself: bool
    stream: int  # sets apart the draws that decide between categories with as many votes

    def choose(self, rows: CellRows, bases: Ints, copies: Ints, voting: Ints) -> pa.Array:
        """Return the winning values of every category."""
        values: pa.StructArray = single(rows.table[CATEGORIES])
        ids, fields = rows.ids()[bases].T, []
        for i in range(self.categories):
            drawn = xxhash64(self.stream, *ids, copies, i)
            winners = elect(voting, rows.raw[:, i - self.categories], drawn)
            fields.append(values.field(i).take(pa.array(winners)))
        return pa.StructArray.from_arrays(fields, fields=list(values.type))


@dataclass(frozen=True)
class LabelVotes:
    """How a base and its neighbors vote for a set of labels: those that enough of them have."""

    itself: ClassVar[bool] = True

    interpolated: int
    least: int  # of base and neighbors, that have a label which the new row gets

    def choose(self, rows: CellRows, bases: Ints, copies: Ints, voting: Ints) -> pa.Array:
        """Return the labels that enough voters have, in their order."""
        sets = single(rows.table[CATEGORIES])
        flat, sizes = sets.flatten(), pc.list_value_length(sets).to_numpy(zero_copy_only=False).astype(np.int64)
        known = pc.unique(flat)
        known = known.take(pc.array_sort_indices(known))
        ids = pc.index_in(flat, known).to_numpy(zero_copy_only=False).astype(np.int64)
        ends, chosen = agree(voting, np.concatenate([[0], np.cumsum(sizes)]), ids, self.least)
        made = pa.ListArray.from_arrays(pa.array(ends.astype(np.int32)), known.take(pa.array(chosen)))
        return made.cast(sets.type)
