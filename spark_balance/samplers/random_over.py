"""Random over-sampling: repeat rows of the smaller classes."""

from __future__ import annotations

from typing import ClassVar, Literal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.kernels.draws import stream
from spark_balance.plans.keep import COPIES, Share, share_numbers, with_copies
from spark_balance.plans.replicate import COPY, origin, repeated
from spark_balance.plans.strata import Strata
from spark_balance.samplers.base import Resampled
from spark_balance.samplers.over import OverSampler
from spark_balance.summary import ResamplingPlan


class RandomOverSampler(OverSampler):
    """Repeat rows of each targeted class until it has exactly the rows that the plan says.

    Every row is repeated floor(after / before) times and an exact random subset once
    more, so copies are spread as evenly as can be (imbalanced-learn draws them with
    replacement).

    Parameters
    ----------
    exact : bool, default True
        False lets each row have its last copy by its own probability: one scan less,
        approximate counts.

    Notes
    -----
    Cost, besides the counts: one scan, and one more of the key columns when a remainder
    is to be chosen exactly; without `key_cols` that one hashes all columns and shuffles
    the hashes. No Python worker. See `Sampler` and `OverSampler` for the other parameters.
    """

    rows: ClassVar[Literal["copies"]] = "copies"
    action: ClassVar[str] = "replicate"

    exact: bool = True

    def _resampled(self, df: DataFrame, plan: ResamplingPlan, strata: Strata) -> Resampled:
        shares = [Share(entry.before, entry.after) for entry in plan.classes]
        rows = strata.attach(self._identified(df), share_numbers(shares))
        seed = stream(self.random_state, "replicate")
        copies = with_copies(rows, strata, shares, seed, keyed=bool(self._keys), exact=self.exact)
        first = 1 if self.output == "added" else 0
        added = repeated(copies, F.lit(first), F.coalesce(F.col(COPIES), F.lit(1)).cast("int") - 1)
        replica = F.col(COPY) > 0
        kind = F.when(replica, F.lit("replica")).otherwise(F.lit("original"))
        told = self._told(df, kind, F.when(replica, origin(df.schema, self._keys)))
        return Resampled(added.select(*self._original_columns(df), *told), plan)
