"""What samplers share that keep the n rows of a class with the least score."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pyspark.sql import DataFrame

from spark_balance.plans.chosen import of_classes, only_chosen
from spark_balance.plans.keys import numbered
from spark_balance.plans.ranked import least
from spark_balance.plans.strata import Strata
from spark_balance.samplers.base import Resampled, Sampler
from spark_balance.summary import ResamplingPlan


@dataclass(frozen=True)
class Scored:
    """The units of the targeted classes with their score, and what was learnt on the way."""

    frame: DataFrame
    notes: dict[str, object] = field(default_factory=dict)
    warnings: tuple[Warning, ...] = ()


class ScoringSampler(Sampler):
    """The template of under-samplers that choose by a score: whole rows stay where they are, scores travel."""

    family: ClassVar[Literal["under"]] = "under"
    rows: ClassVar[Literal["subset"]] = "subset"
    action: ClassVar[str] = "downsample"

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts: the sample.

        Two to four more find the last score that is kept where more than 1,000,000 rows are: see `plans.ranked.least`.
        """
        return 1

    @abstractmethod
    def _scored(self, df: DataFrame, placed: DataFrame, strata: Strata) -> Scored:
        """Score the rows of the targeted classes, the best least: the one thing such a method has to write.

        `placed` are the user's rows with class number and identity; `strata` all classes of the plan.
        """

    def _resampled(self, df: DataFrame, plan: ResamplingPlan, strata: Strata) -> Resampled:
        wanted = {row.code: row.entry.after for row in strata.rows if row.entry.action == self.action}
        if not wanted:
            return Resampled(df.select(*self._original_columns(df)), plan)
        codes = list(wanted)
        attached = strata.attach(self._identified(df), {})
        placed = numbered(attached, of_classes(codes), bool(self._keys), plan.rows_before)
        scored = self._scored(df, placed, strata)
        units = least(scored.frame, wanted, self._name if self._promise == "exact" else None)
        chosen = only_chosen(placed, codes, units, sum(wanted.values()))
        return Resampled(chosen.select(*self._original_columns(df)), plan, scored.notes, scored.warnings)
