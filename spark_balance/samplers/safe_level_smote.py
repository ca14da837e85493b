"""SafeLevelSMOTE: new rows nearer to whichever of base and neighbour has more of its own class around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field
from pyspark.sql import Column
from pyspark.sql import functions as F

from spark_balance.plans.levels import LEVEL, Tier, together
from spark_balance.plans.strata import Stratum
from spark_balance.samplers.levelled import LevelledSampler


class SafeLevelSMOTE(LevelledSampler):
    """SMOTE whose gap depends on safe levels (Bunkhumpornpat, Sinapiromsaran and Lursinsap, 2009).

    The safe level of a row is how many of its k nearest neighbours, of all classes, are of its
    own. With s that of the base and t that of the neighbour, the gap is uniform in [0, t / s) where
    s >= t, and in [1 - s / t, 1) where s < t. A neighbour of level 0 gives a copy of the base. A row of
    level 0 is no base: of two such rows the paper makes nothing either, and of one and a safe
    neighbour a copy of that neighbour. All other rows are bases equally often (+- 1), so that
    counts are exact.

    Parameters
    ----------
    k_neighbors : int, default 5
        Neighbours of all classes that make the safe level, and of its own class to choose
        from; a class needs at least k_neighbors + 1 rows.

    Notes
    -----
    See `LevelledSampler` for the cost, and `Sampler`, `OverSampler`, `SearchingSampler` and
    `InterpolatingSampler` for the other parameters.
    """

    m_name: ClassVar[str] = "k_neighbors"

    k_neighbors: int = Field(default=5, ge=1, strict=True)

    def _tiers(self, row: Stratum, rows: Mapping[int, int]) -> list[Tier]:
        safe = {level: n for level, n in rows.items() if level < self.k_neighbors}
        if not safe:
            raise self._use_smote(
                row, f"has no safe row: of every row all {self.k_neighbors} nearest neighbours are of other classes"
            )
        return together(row.code, safe, row.entry.after - row.entry.before)

    def _known(self) -> list[Column]:
        return [(F.lit(self.k_neighbors) - F.col(LEVEL)).cast("double").alias("safe")]

    def _gap(self, uniform: Column) -> Column:
        base, near = self._of_base("safe"), self._of_neighbour("safe")
        # engines may divide before they know which case it is
        toward = uniform * (near / F.greatest(base, F.lit(1.0)))
        share = base / F.greatest(near, F.lit(1.0))
        return F.when(base >= near, toward).otherwise((1.0 - share) + uniform * share)
