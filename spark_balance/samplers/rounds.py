"""What methods share that edit again and again: rounds inside the cells, stopped by what all cells removed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import temp
from spark_balance.cost import CostModel, Sketch, Table
from spark_balance.kernels.rounds import SPARE, Repeated, last_round
from spark_balance.plans.cells import ORIGIN
from spark_balance.plans.judged import judged
from spark_balance.plans.keys import CODE, by_code
from spark_balance.plans.pools import Asked, Pool
from spark_balance.samplers.cleaning import CleaningSampler, Question, Removed
from spark_balance.samplers.explained import Seen
from spark_balance.summary import ResamplingPlan

_ROUND = temp("round")
_ROWS = temp("rows")
GOING = 0.1  # of all rows, expected before they are judged
HELD = 2**20  # identities of rows that the driver holds at most: 32 MiB


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
    judges all rows (two scans, one shuffle of the features, 1.0 to 1.9 copies) and brings the
    identities of those that may go to the driver, 32 bytes each; then lazily the join that removes
    them, one scan. When a larger share of a cell goes than `HELD` is of all rows, or keys are asked for, the driver
    gets their numbers alone, and they are judged again in the result. A row searches again only when it
    lost more than 5 neighbours.
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
        rows = sum(pool.rows[code] for pool in question.pools for code in pool.rows if code in question.targeted)
        # their keys may be of any size
        share = 0.0 if ORIGIN in question.units.columns else min(1.0, HELD / max(1, rows))
        judged_once = self._judged(question, share)
        told = judged_once.toArrow()
        stops = self._stops(told, question.pools)
        last = {code: stop for pool, (stop, _) in zip(question.pools, stops, strict=True) for code in pool.rows}
        notes: dict[str, object] = {"rounds": max(stop for stop, _ in stops)}
        if self.until_none:
            notes["converged"] = all(converged for _, converged in stops)
        if told.num_rows == pc.sum(told[_ROWS], min_count=0).as_py():
            named = question.units.sparkSession.createDataFrame(told, schema=judged_once.schema)
        else:
            named = self._judged(question, 1.0)
        return Removed(named.where(F.col(_ROUND) <= by_code(last)), notes)

    def _judged(self, question: Question, share: float) -> DataFrame:
        judge = Repeated(question.targeted, self._votes, self.kind_sel, (_ROUND, _ROWS), share)
        return judged(question.units, question.cell_map, judge, {_ROUND: T.IntegerType(), _ROWS: T.LongType()})

    def _stops(self, told: pa.Table, pools: Sequence[Pool]) -> list[tuple[int, bool]]:
        """Return where each pool stops, from what goes in each round."""
        table = told.group_by([CODE, _ROUND]).aggregate([(_ROWS, "sum")]).to_pylist()
        gone: Mapping[tuple[int, int], int] = {(row[CODE], row[_ROUND]): row[f"{_ROWS}_sum"] for row in table}
        rounds = range(1, len(self._votes) + 1)
        stops = []
        for pool in pools:
            removed = [{code: gone.get((code, number), 0) for code in pool.rows} for number in rounds]
            rules = {"until_none": self.until_none, "allow_minority": self._may_outgrow}
            stops.append(last_round(pool.rows, pool.minority, removed, **rules))
        return stops

    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        """Say what it costs to judge the rows, and to write those that stay: once more when many may go."""
        sketch = super()._sketch(plan, table, model, seen)
        steps = {step.name: step for step in sketch.steps}
        if "place" not in steps:
            return sketch
        place, judge = steps["place"], steps["judge, write"]
        first = tuple(step for step in sketch.steps if step not in (place, judge))
        rounds = replace(judge, name="judge", parts=judge.parts[-1:], rows_read=0, rows_written=0)
        if self.output == "all" and plan.rows_before * GOING <= HELD:
            return replace(sketch, steps=(*first, place, rounds, replace(judge, name="write", parts=judge.parts[:-1])))
        return replace(sketch, steps=(*first, place, rounds, replace(place, name="place once more"), judge))
