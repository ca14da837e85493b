"""Condensed nearest neighbours: keep what classifies the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from spark_balance.kernels.condensed import Condensed
from spark_balance.kernels.draws import stream
from spark_balance.plans.cell_map import CellMap
from spark_balance.plans.judged import judged
from spark_balance.plans.pools import Asked, Pool, compared, pools_of
from spark_balance.plans.sample import Sample
from spark_balance.plans.strata import Strata
from spark_balance.samplers.cleaning import CleaningSampler, Question, Removed

MOST_COMPARED = 10_000  # others that a row is compared with, on average


class CondensedNearestNeighbour(CleaningSampler):
    """Remove the rows that those kept classify without them (Hart, 1968; Angiulli, 2005).

    The rule is Angiulli's fast one (FCNN), which no order of rows comes into: kept are the other
    classes and the seeds; then, in rounds, for every kept row the nearest of the rows for which
    it is the nearest kept one and which are classified wrongly, until none is. imbalanced-learn
    goes through the rows in the order of the table, so the rows kept differ.

    Parameters
    ----------
    n_neighbors : int, optional
        Kept neighbours that classify a row; default 1.
    n_seeds_S : int, default 1
        Rows of each targeted class to begin with in each cell, drawn by identity.

    Notes
    -----
    Each cell keeps a subset that classifies its own rows: with many cells more rows stay than in one.

    Cost, besides the counts: one job that checks the features and samples them; then lazily
    two scans, one shuffle of the features of all rows and the join that removes rows. Every row
    is compared with every row that its cell keeps, so `cell_rows` is at most 5,000 by default.
    See `Sampler`, `SearchingSampler` and `CleaningSampler` for the other parameters.
    """

    random: ClassVar[bool] = True  # the seeds are drawn

    n_neighbors: int | None = Field(default=None, ge=1, strict=True)
    n_seeds_S: int = Field(default=1, ge=1, strict=True)

    def _cell_rows(self, width: int) -> int:
        # what a cell keeps is not known before, so a row may be compared with all others of it
        return self.cell_rows or min(super()._cell_rows(width), MOST_COMPARED // 2)

    def _candidates(self, sample: Sample, cell_map: CellMap, strata: Strata) -> int:
        """Estimate the most others that a row is compared with, on average: all of its cell."""
        pools = pools_of(strata)
        whole = {pool.number: sum(pool.rows.values()) for pool in pools}
        each = [compared(sample, cell_map, pool, Asked(tuple(pool.rows), tuple(pool.rows), 1)) for pool in pools]
        return round(
            sum(some * whole[pool.number] for pool, some in zip(pools, each, strict=True)) / sum(whole.values())
        )

    def _asked(self, pool: Pool, targeted: Sequence[int]) -> list[Asked]:
        # rows of targeted classes are known only to the cell they are at home in
        stay = tuple(code for code in pool.rows if code not in targeted)
        return [Asked(tuple(targeted), stay or tuple(targeted), 1)]

    def _removed(self, question: Question) -> Removed:
        seed = stream(self.random_state, "condense")
        judge = Condensed(question.targeted, self.n_neighbors or 1, self.n_seeds_S, seed)
        return Removed(judged(question.units, question.cell_map, judge, {}))
