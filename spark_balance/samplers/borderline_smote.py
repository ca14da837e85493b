"""BorderlineSMOTE: SMOTE from the rows that are near the border to other classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_balance.kernels.danger import in_danger
from spark_balance.plans.cell_map import CellMap
from spark_balance.plans.keys import CODE, uniform
from spark_balance.plans.levels import Tier, together
from spark_balance.plans.pools import POOL, Asked, Pool
from spark_balance.plans.strata import Stratum
from spark_balance.samplers.levelled import LevelledSampler, LevelledWork


class BorderlineSMOTE(LevelledSampler):
    """SMOTE whose bases are the rows in danger (Han, Wang and Mao, 2005).

    A row is in danger when at least half of its m nearest neighbours, but not all, are of
    other classes. Every row in danger is a base equally often (+- 1).

    Parameters
    ----------
    k_neighbors : int, default 5
        Nearest neighbours to choose from; a class needs at least k_neighbors + 1 rows.
    m_neighbors : int, default 10
        Neighbours of all classes that tell danger.
    kind : {'borderline-1', 'borderline-2'}
        'borderline-1' goes from a base towards neighbours of its own class; 'borderline-2' towards neighbours
        of any class, with the gap times a uniform draw from [0, 0.5) where that is another class.

    Notes
    -----
    A class without a row in danger is refused, where imbalanced-learn silently leaves it as it is.
    See `LevelledSampler` for the cost, and `Sampler`, `OverSampler`, `SearchingSampler` and
    `InterpolatingSampler` for the other parameters.
    """

    k_neighbors: int = Field(default=5, ge=1, strict=True)
    m_neighbors: int = Field(default=10, ge=1, strict=True)
    kind: Literal["borderline-1", "borderline-2"] = "borderline-1"

    def _tiers(self, row: Stratum, rows: Mapping[int, int]) -> list[Tier]:
        danger = {level: n for level, n in rows.items() if in_danger(level, self.m_neighbors)}
        if not danger:
            raise self._use_smote(
                row,
                f"has no row in danger: of no row are half or more, but not all, of the {self.m_neighbors} "
                "nearest neighbours of other classes",
            )
        return together(row.code, danger, row.entry.after - row.entry.before)

    @property
    def _second(self) -> bool:
        return self.kind == "borderline-2"

    def _asked(self, pool: Pool, codes: Sequence[int]) -> list[Asked]:
        k = max(self.m_neighbors, self.k_neighbors) if self._second else self.m_neighbors
        return [Asked(tuple(codes), tuple(pool.rows), k)]

    def _among(self, placed: DataFrame, work: LevelledWork) -> DataFrame:
        return placed if self._second else super()._among(placed, work)

    def _searched_in(self, work: LevelledWork) -> tuple[CellMap, dict[int, int], str]:
        return (work.pool_map, work.rows_of_pools, POOL) if self._second else super()._searched_in(work)

    def _known(self) -> list[Column]:
        return [F.col(CODE).alias("class")] if self._second else []

    def _gap(self, uniform_gap: Column) -> Column:
        if not self._second:
            return uniform_gap
        other = self._of_base("class") != self._of_neighbour("class")
        return uniform_gap * F.when(other, 0.5 * uniform(self._draw("shorter gap"))).otherwise(F.lit(1.0))
