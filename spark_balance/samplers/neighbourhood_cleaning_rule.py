"""The neighbourhood cleaning rule: clean around the minority too."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from spark_balance.kernels.cleaned import Cleaned
from spark_balance.plans.judged import judged
from spark_balance.plans.keys import UNIT
from spark_balance.plans.pools import Asked, Pool
from spark_balance.samplers.cleaning import CleaningSampler, Question, Removed


class NeighbourhoodCleaningRule(CleaningSampler):
    """Remove rows that their neighbours outvote, and the neighbours of outvoted minority rows (Laurikkala, 2001).

    Rows of the targeted classes go that are not of the most frequent class of their neighbours.
    Where a row of the minority is not of the most frequent class of itself and its
    `n_neighbors` - 1 nearest, its `n_neighbors` nearest go, as far as they are of
    targeted classes that are large enough.

    Parameters
    ----------
    n_neighbors : int, default 3
        Neighbours that vote, of all classes.
    threshold_cleaning : float, default 0.5
        A class loses neighbours of the minority if it has more rows than the minority times this.

    Notes
    -----
    Cost, besides the counts: one job that checks the features and samples them; then lazily
    two scans, one shuffle of the features of all rows (1.0 to 1.9 copies) and the join that
    removes rows. See `Sampler`, `SearchingSampler` and `CleaningSampler` for the other parameters.
    """

    n_neighbors: int = Field(default=3, ge=1, strict=True)
    threshold_cleaning: float = Field(default=0.5, gt=0, allow_inf_nan=False, strict=True)

    def _asked(self, pool: Pool, targeted: Sequence[int]) -> list[Asked]:
        asking = tuple(sorted({*targeted, pool.minority}))
        return [Asked(asking, tuple(pool.rows), self.n_neighbors)]

    def _removed(self, question: Question) -> Removed:
        crowding = [
            code
            for pool in question.pools
            for code, rows in pool.rows.items()
            if code in question.targeted and rows > pool.rows[pool.minority] * self.threshold_cleaning
        ]
        minorities = tuple(pool.minority for pool in question.pools)
        judge = Cleaned(question.targeted, minorities, tuple(crowding), self.n_neighbors)
        named = judged(question.units, question.cell_map, judge, {})
        # a guest may be named by several cells
        one_cell_each = question.cell_map.n_cells == len(question.pools)
        return Removed(named if one_cell_each else named.dropDuplicates(UNIT))
