"""One-sided selection: remove rows that a few seeds stand for, then Tomek links."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import Field
from pyspark.sql import types as T

from spark_balance.cost import CostModel, Sketch, Table
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.draws import stream
from spark_balance.kernels.one_sided import OneSided
from spark_balance.plans.judged import judged
from spark_balance.plans.pools import Asked, Pool
from spark_balance.plans.prototypes import MOST_NUMBERS, prototypes
from spark_balance.samplers.cleaning import CleaningSampler, Question, Removed
from spark_balance.samplers.explained import Seen
from spark_balance.samplers.tomek_links import PAIR, linked
from spark_balance.summary import ResamplingPlan

FAR = 4_000  # minority rows that every task knows, if the minority is in several cells
WIDER = 5  # rows are few after the first step, so the second looks further than to the nearest


class OneSidedSelection(CleaningSampler):
    """Remove rows that minority and seeds classify without them, then those of Tomek links (Kubat and Matwin, 1997).

    Of each targeted class `n_seeds_S` rows are drawn. A row goes when its nearest among these and
    the minority is of its class; of what is left, the rows of Tomek links go. The minority
    loses rows only by links, and only if it is targeted.

    Parameters
    ----------
    n_neighbors : int, optional
        Rows of the minority and the seeds that classify a row; default 1.
    n_seeds_S : int, default 1
        Rows drawn of each targeted class.

    Notes
    -----
    Where the nearest minority row is far, beyond what visits a cell, the nearest of 4,000
    drawn ones stands for it: true for a minority of at most so many, close for others.

    Cost, besides the counts: one job that checks the features and samples them, one that draws
    the seeds; then lazily two scans, one shuffle of the features of all rows (1.0 to 1.9
    copies), one of the identities of the rows that go, and the join that removes them.
    See `Sampler`, `SearchingSampler` and `CleaningSampler` for the other parameters.
    """

    random: ClassVar[bool] = True  # the seeds are drawn

    n_neighbors: int | None = Field(default=None, ge=1, strict=True)
    n_seeds_S: int = Field(default=1, ge=1, strict=True)

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts: sample and seeds."""
        return 2

    def _asked(self, pool: Pool, targeted: Sequence[int]) -> list[Asked]:
        everyone = tuple(pool.rows)
        selected = tuple(code for code in targeted if code != pool.minority)
        links = Asked(everyone, everyone, max(1, min(WIDER, sum(pool.rows.values()) - 1)))
        if not selected:
            return [links]
        votes = min(self.n_neighbors or 1, pool.rows[pool.minority])
        return [Asked(selected, (pool.minority,), votes), links]

    def _removed(self, question: Question) -> Removed:
        enemies = {
            code: pool.minority
            for pool in question.pools
            for code in pool.rows
            if code in question.targeted and code != pool.minority
        }
        wanted = self._wanted_prototypes(question, enemies)
        scale = question.cell_map.scale
        known = prototypes(question.units, self._name, wanted, stream(self.random_state, "seeds"), scale)
        judge = OneSided(enemies, known, self.n_neighbors or 1, PAIR)
        says: dict[str, T.DataType] = dict.fromkeys(PAIR, T.LongType())
        named = judged(question.units, question.cell_map, judge, says)
        return Removed(linked(named, question.targeted))

    def _wanted_prototypes(self, question: Question, enemies: dict[int, int]) -> dict[int, tuple[int, int]]:
        """Return how many rows of each class every task is to know, and how many there are."""
        rows = {code: n for pool in question.pools for code, n in pool.rows.items()}
        room = MOST_NUMBERS // question.cell_map.scale.center.size
        wanted = {code: min(self.n_seeds_S, rows[code]) for code in enemies}
        if sum(wanted.values()) > room:
            raise SparkBalanceError(
                f"{self._name}: n_seeds_S={self.n_seeds_S} draws {sum(wanted.values()):,} rows, and every task "
                f"can be sent {room:,} with these features; use n_seeds_S<={max(1, room // len(wanted)):,}"
            )
        for pool in question.pools:
            cells = question.cell_map.classes[pool.number]
            if int(cells.shards.sum()) > 1:
                there = rows[pool.minority]
                wanted[pool.minority] = max(1, min(there, FAR, room // len(question.pools)))
        return {code: (some, rows[code]) for code, some in wanted.items()}

    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        """Say what the search costs, and the scan for the seeds."""
        sketch = super()._sketch(plan, table, model, seen)
        sampled = [step for step in sketch.steps if step.name == "sample"]
        seeds = [replace(step, name="seeds", parts=step.parts[:1], driver_bytes=0) for step in sampled]
        at = next((i for i, step in enumerate(sketch.steps) if step.name == "place"), 0)
        return replace(sketch, steps=(*sketch.steps[:at], *seeds, *sketch.steps[at:])) if seeds else sketch
