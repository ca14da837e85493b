"""Edited nearest neighbours: remove rows that their neighbours outvote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from spark_balance.kernels.votes import Edited
from spark_balance.plans.judged import judged
from spark_balance.plans.pools import Asked, Pool
from spark_balance.samplers.cleaning import CleaningSampler, Question, Removed


class EditedNearestNeighbours(CleaningSampler):
    """Remove the rows of the targeted classes whose neighbours are of another class (Wilson, 1972).

    Parameters
    ----------
    n_neighbors : int, default 3
        Neighbours that vote, of all classes.
    kind_sel : {'all', 'mode'}, default 'all'
        'all' keeps a row only when all its neighbours are of its class, 'mode' when their most
        frequent class is (of several, the smallest label).

    Notes
    -----
    Cost, besides the counts: one job that checks the features and samples them; then lazily
    two scans, one shuffle of the features of all rows (1.0 to 1.9 copies) and the join that
    removes rows. See `Sampler`, `SearchingSampler` and `CleaningSampler` for the other parameters.
    """

    n_neighbors: int = Field(default=3, ge=1, strict=True)
    kind_sel: Literal["all", "mode"] = "all"

    def _asked(self, pool: Pool, targeted: Sequence[int]) -> list[Asked]:
        return [Asked(tuple(targeted), tuple(pool.rows), self.n_neighbors)]

    def _removed(self, question: Question) -> Removed:
        judge = Edited(question.targeted, self.n_neighbors, self.kind_sel)
        return Removed(judged(question.units, question.cell_map, judge, {}))
