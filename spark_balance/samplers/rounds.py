"""What methods share that edit again and again: rounds inside the cells, stopped by what all cells removed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import temp
from spark_balance.cost import CostModel, Sketch, Table
from spark_balance.kernels.rounds import SPARE, Repeated, last_round
from spark_balance.plans.judged import judged
from spark_balance.plans.keys import CODE, by_code
from spark_balance.plans.pools import Asked, Pool
from spark_balance.samplers.cleaning import CleaningSampler, Question, Removed
from spark_balance.samplers.explained import Seen
from spark_balance.summary import ResamplingPlan

_ROUND = temp("round")


class RepeatedSampler(CleaningSampler):
    """The parameters and the template of methods that edit in rounds, each on what the last one left.

    Parameters
    ----------
    n_neighbors : int, default 3
        Neighbours that vote, of all classes.
    kind_sel : {'all', 'mode'}, default 'all'
        'all' keeps a row only when all its neighbours are of its class, 'mode' when their most
        frequent class is (of several, the smallest label).

    Notes
    -----
    Every cell goes through the rounds by itself, guests included: near borders, later rounds
    are approximate; in one cell they are imbalanced-learn's.

    Cost, besides the counts: one job that checks the features and samples them, one that
    judges all rows to count the rounds (two scans, one shuffle of the features, 1.0 to 1.9 copies);
    then lazily the same again and the join that removes rows. A row searches again only when
    it lost more than 5 neighbours.
    """

    until_none: ClassVar[bool]

    n_neighbors: int = Field(default=3, ge=1, strict=True)
    kind_sel: Literal["all", "mode"] = "all"

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts: sample and rounds."""
        return 2

    @property
    @abstractmethod
    def _votes(self) -> tuple[int, ...]:
        """Return how many neighbours vote in each round."""

    @property
    def _may_outgrow(self) -> bool:
        """Whether other classes may become smaller than the minority was."""
        return False

    def _asked(self, pool: Pool, targeted: Sequence[int]) -> list[Asked]:
        others = sum(pool.rows.values()) - 1
        most = max(self._votes)
        return [Asked(tuple(targeted), tuple(pool.rows), max(most, min(most + SPARE, others)))]

    def _removed(self, question: Question) -> Removed:
        judge = Repeated(question.targeted, self._votes, self.kind_sel, _ROUND)
        named = judged(question.units, question.cell_map, judge, {_ROUND: T.IntegerType()})
        stops = self._stops(named, question.pools)
        last = {code: stop for pool, (stop, _) in zip(question.pools, stops, strict=True) for code in pool.rows}
        notes: dict[str, object] = {"rounds": max(stop for stop, _ in stops)}
        if self.until_none:
            notes["converged"] = all(converged for _, converged in stops)
        return Removed(named.where(F.col(_ROUND) <= by_code(last)), notes)

    def _stops(self, named: DataFrame, pools: Sequence[Pool]) -> list[tuple[int, bool]]:
        """Count what goes in each round, and return where each pool stops: one job."""
        table = named.groupBy(CODE, _ROUND).agg(F.count(F.lit(1)).alias("rows")).toArrow().to_pylist()
        gone: Mapping[tuple[int, int], int] = {(row[CODE], row[_ROUND]): row["rows"] for row in table}
        rounds = range(1, len(self._votes) + 1)
        stops = []
        for pool in pools:
            removed = [{code: gone.get((code, number), 0) for code in pool.rows} for number in rounds]
            rules = {"until_none": self.until_none, "allow_minority": self._may_outgrow}
            stops.append(last_round(pool.rows, pool.minority, removed, **rules))
        return stops

    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        """Say what the search costs, which counting the rounds does once and the result once more."""
        sketch = super()._sketch(plan, table, model, seen)
        steps = {step.name: step for step in sketch.steps}
        if "place" not in steps:
            return sketch
        place, judge = steps["place"], steps["judge, write"]
        rounds = replace(judge, name="count rounds", parts=judge.parts[-1:], rows_read=0, rows_written=0)
        again = (replace(place, name="place once more"), judge)
        first = tuple(step for step in sketch.steps if step not in (place, judge))
        return replace(sketch, steps=(*first, place, rounds, *again))
