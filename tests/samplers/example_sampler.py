"""A sampler of one's own: random under-sampling with a bound on every class."""

from typing import ClassVar, Literal

from pydantic import Field
from pyspark.sql import functions as F

from spark_balance import Sampler, register
from spark_balance.cost import Sketch
from spark_balance.kernels.draws import stream
from spark_balance.plans.keep import COPIES, Share, share_numbers, with_copies
from spark_balance.samplers.base import Resampled
from spark_balance.samplers.steps import counted, written


@register("capped")
class CappedSampler(Sampler):
    """Keep a random subset of each class: what `sampling_strategy` says, and never more than `most_rows`."""

    family: ClassVar[Literal["under"]] = "under"
    counts: ClassVar[Literal["exact"]] = "exact"
    rows: ClassVar[Literal["subset"]] = "subset"
    action: ClassVar[str] = "cap"

    most_rows: int = Field(default=1_000_000, gt=0, strict=True)

    def _wanted(self, group, classes):
        wanted = super()._wanted(group, classes)
        return {label: min(rows, self.most_rows) for label, rows in wanted.items()}

    def _resampled(self, df, plan, strata):
        shares = [Share(entry.before, entry.after) for entry in plan.classes]
        rows = strata.attach(self._identified(df), share_numbers(shares))
        seed = stream(self.random_state, "capped")
        rows = with_copies(rows, strata, shares, seed, keyed=bool(self._keys))
        # rows without a class, whose label is NULL, stay
        kept = rows.where(F.coalesce(F.col(COPIES), F.lit(1)) > 0)
        return Resampled(kept.select(*self._original_columns(df)), plan)

    def _sketch(self, plan, table, model, seen):
        return Sketch((counted(table, plan.rows_before), written(table, plan.rows_before, plan.rows_after)))
