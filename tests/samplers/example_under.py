"""An under-sampler of one's own: a random subset, with a bound on every class."""

from typing import ClassVar, Literal

from pydantic import Field

from spark_balance import Sampler, register
from spark_balance.base import Recipe, Result


@register("capped")
class CappedSampler(Sampler):
    """Keep a random subset of each class: what `sampling_strategy` says, and never more than `most_rows`."""

    family: ClassVar[Literal["under"]] = "under"
    rows: ClassVar[Literal["subset"]] = "subset"
    action: ClassVar[str] = "cap"

    most_rows: int = Field(default=1_000_000, gt=0, strict=True)

    def target_counts(self, group, classes):
        """Return the rows that each class is to have."""
        targets = super().target_counts(group, classes)
        return {label: min(rows, self.most_rows) for label, rows in targets.items()}

    def recipe(self, run: Recipe) -> Result:
        """Keep a random subset of each class."""
        return run.take(run.spread_evenly(run.table(), "after", draws="capped"))
