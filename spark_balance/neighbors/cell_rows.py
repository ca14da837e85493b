"""The rows of a cell, as a task reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from spark_balance.frames.arrow import in_utc, packed, single, unpacked
from spark_balance.frames.row_ids import COPIES, FEATURES, HI, LO, NTH
from spark_balance.kernels import Ints
from spark_balance.kernels.distances import slices

_ORDERED = 64  # numbers of each row that are put in order at once


@dataclass(frozen=True)
class CellRows:
    """The rows of a cell in the order of their row ids, and their features, or what was sent in place of them."""

    table: pa.Table  # all columns but the features
    raw: NDArray[Any]

    @classmethod
    def read(cls, table: pa.Table, width: int, *then: str, kind: type[np.generic] = np.float64) -> CellRows:
        """Put the rows in the order of their row ids and then of other columns, and unpack their features."""
        others, chunks = table.drop_columns([FEATURES]).combine_chunks(), table[FEATURES].chunks
        return cls.of(others, chunks, width, *then, kind=kind)

    @classmethod
    def of(
        cls, others: pa.Table, chunks: list[pa.Array], width: int, *then: str, kind: type[np.generic] = np.float64
    ) -> CellRows:
        """Do so with the packed features in chunks, which are let go as the matrix fills: memory comes with writing."""
        order = np.lexsort([others[name].to_numpy() for name in (*then, NTH, LO, HI)])
        raw, start = np.empty((len(order), width), dtype=kind), 0
        chunks.reverse()
        while chunks:
            end = start + len(chunks[-1])
            raw[start:end], start = unpacked(chunks.pop(), width, kind), end
            pa.default_memory_pool().release_unused()
        for columns in slices(width, _ORDERED):
            raw[:, columns] = raw[order, columns]
        return cls(others.take(pa.array(order)).combine_chunks(), raw)

    def column(self, name: str) -> Ints:
        """Return a column of numbers."""
        numbers: Ints = self.table[name].to_numpy()
        return numbers

    def take(self, name: str, rows: Ints | pa.Array) -> pa.Array:
        """Return a column's values at some positions, as the engine takes them back."""
        if name == FEATURES:
            return packed(self.raw[np.asarray(rows)])
        return in_utc(single(self.table[name]).take(pa.array(rows)))

    def ids(self, *then: str) -> Ints:
        """Return the row ids, one in a row, and columns of numbers beside them."""
        return np.column_stack([self.column(name) for name in (HI, LO, NTH, *then)])

    @property
    def copies(self) -> Ints:
        """How many new rows each makes; 0 for a halo row."""
        return self.column(COPIES)
