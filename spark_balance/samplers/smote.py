"""SMOTE: synthetic rows between a row and one of its nearest neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field
from pyspark.sql import DataFrame

from spark_balance.kernels.draws import stream
from spark_balance.plans import cells as cell_plans
from spark_balance.plans.cells import FEATURES, UNIT_COLUMNS
from spark_balance.plans.exact import searched_exactly
from spark_balance.plans.keep import Share, share_numbers, with_copies
from spark_balance.plans.neighbours import Search, check_fitted, searched_by_partition
from spark_balance.plans.strata import Strata
from spark_balance.samplers.bases import Bases, Work
from spark_balance.samplers.cell_steps import CellSearch
from spark_balance.samplers.cell_work import ClassWork, looked_at, on_paper
from spark_balance.samplers.exact_steps import ExactSearching
from spark_balance.samplers.interpolating import InterpolatingSampler
from spark_balance.summary import ClassPlan


class SMOTE(InterpolatingSampler):
    """Synthetic minority over-sampling (Chawla, Bowyer, Hall and Kegelmeyer, 2002).

    A new row is base + gap * (neighbour - base), the neighbour one of the base's k
    nearest rows of its class, the gap uniform in [0, 1). Every row of a class is a base
    equally often (+- 1), and so is each of its neighbours with it, in turn from one that the seed draws.

    Parameters
    ----------
    k_neighbors : int, default 5
        Nearest neighbours to choose from; a class needs at least k_neighbors + 1 rows.
    neighbors : {'cells', 'exact', 'partition'}
        'cells' groups near rows and lets rows near a border visit the next cell, so that local neighbours
        are the true ones (recall is estimated in every run); 'exact' also asks other cells wherever a nearer
        row could be; 'partition' searches random partitions, as most SMOTEs for Spark do: mostly wrong.

    Notes
    -----
    Cost, besides the counts: one job that checks the features and samples them; then
    lazily one scan of the rows to grow, one shuffle of their features (1.0 to 1.9 copies
    of a row), two crossings to Python; the rows of other classes never pass through Python.
    See `Sampler`, `OverSampler`, `SearchingSampler` and `InterpolatingSampler` for the other parameters.
    """

    k_neighbors: int = Field(default=5, ge=1, strict=True)
    neighbors: Literal["cells", "exact", "partition"] = "cells"

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        if self.neighbors == "partition":
            check_fitted(self._name)

    def _work(self, df: DataFrame, strata: Strata) -> Work:
        rows, growing = self._identified(df), self._growing(strata)
        sample, cell_rows = self._sampled(df, rows, growing)
        made = cell_plans.made(sample, growing, cell_rows=cell_rows, k=self._k, equalise=self.scale)
        return Work(df, rows, strata, growing, sample, made, cell_rows)

    def _bases(self, work: Work) -> Bases:
        shares = [Share(row.entry.before, work.wanted[row.code]) for row in work.growing.rows]
        chosen = work.growing.only(work.rows, share_numbers(shares))
        seed = stream(self.random_state, "synthesize")
        bases = with_copies(chosen, work.growing, shares, seed, keyed=bool(self._keys))
        features = work.sample.columns.flat.alias(FEATURES)
        frame = bases.select(*UNIT_COLUMNS, features, *self._travelling(work.df))
        return Bases(frame, work.cell_map, work.rows_of)

    def _found(self, work: Work, bases: Bases, search: Search) -> DataFrame:
        if self.neighbors == "cells":
            return super()._found(work, bases, search)
        if self.neighbors == "exact":
            return searched_exactly(bases.frame, bases.cell_map, search)
        return searched_by_partition(bases.frame, search, -(-max(work.rows_of.values()) // work.cell_rows))

    def _notes(self, work: Work, bases: Bases) -> dict[str, object]:
        notes = super()._notes(work, bases)
        if self.neighbors == "partition":
            return {"features": notes["features"], "neighbors": self.neighbors}
        if self.neighbors == "exact":
            # every neighbour is proven, whatever the cells hold and however many it takes
            notes["estimated_recall"] = 1.0
            del notes["candidates_per_row"]
        return notes | {"neighbors": self.neighbors}

    @property
    def _looks(self) -> bool:
        return self.neighbors != "partition"

    def _classes(self, growing: Sequence[ClassPlan], width: int, work: Work | None) -> tuple[ClassWork, ...]:
        if work is None:
            return on_paper(growing, width, self._cell_rows(width), alone=self.neighbors == "partition")
        return looked_at(work.growing, work.sample, work.cell_map, proven=self.neighbors == "exact")

    @property
    def _search_kind(self) -> type[CellSearch]:
        return ExactSearching if self.neighbors == "exact" else CellSearch
