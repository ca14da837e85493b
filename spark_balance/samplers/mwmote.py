"""MWMOTE: the nearer a row is to the border of other classes, the more new rows it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import ClassVar

from pydantic import Field

from spark_balance.kernels.apportion import apportion
from spark_balance.kernels.informative import Informative, weight_of
from spark_balance.plans.judged import Judge
from spark_balance.plans.levels import LEVEL, Tier, by_level
from spark_balance.plans.pools import Asked, Pool
from spark_balance.plans.strata import Stratum
from spark_balance.samplers.levelled import LevelledSampler, LevelledWork


class MWMOTE(LevelledSampler):
    """Majority weighted minority over-sampling (Barua, Islam, Yao and Murase, 2014), simplified.

    Rows whose nearest neighbours are all of other classes are noise. The rows of other classes that
    are nearest to the others make the border, and each row of the border gives weight to the rows of the
    class that are nearest to it: closeness (cut off) times its share of the closeness of them all. New
    rows are made in proportion to the sum of these weights.

    Parameters
    ----------
    k_neighbors : int, default 5
        Nearest neighbours of its class to choose from; a class needs at least k_neighbors + 1 rows.
    noise_neighbors : int, default 5
        Neighbours of all classes that tell noise: the paper's k1.
    border_neighbors : int, default 3
        Rows of other classes that each row makes border: k2.
    informative_neighbors : int, optional
        Rows of the class that each row of the border gives weight to: k3. Default half of the rows of the
        class in the cell, as in the paper, but at most 100.
    cut_off, most_weight : float, default 5.0 and 2.0
        The largest closeness, and what it is scaled to: the paper's C_f(th) and CMAX.

    Notes
    -----
    What differs from the paper: the neighbour is one of the k nearest of the class instead of any row of the
    base's cluster; the border and the sums of weights are those of a cell and its guests; distances are those of
    the search, in spreads of the features unless scale=False; weights are rounded to 16 steps in every factor of
    two; rows of one weight are bases equally often (+- 1) instead of drawn by it. See `LevelledSampler` for the cost.
    """

    m_name: ClassVar[str] = "noise_neighbors"

    k_neighbors: int = Field(default=5, ge=1, strict=True)
    noise_neighbors: int = Field(default=5, ge=1, strict=True)
    border_neighbors: int = Field(default=3, ge=1, strict=True)
    informative_neighbors: int | None = Field(default=None, ge=1, strict=True)
    cut_off: float = Field(default=5.0, gt=0, allow_inf_nan=False, strict=True)
    most_weight: float = Field(default=2.0, gt=0, allow_inf_nan=False, strict=True)

    def _asked(self, pool: Pool, codes: Sequence[int]) -> list[Asked]:
        k = max(self.noise_neighbors, self.border_neighbors)
        return [Asked(tuple(codes), tuple(pool.rows), k)]

    def _judge(self, work: LevelledWork) -> Judge:
        unit = work.pool_map.scale.unit(work.sample.evenly(work.sample.rows), equalised=self.scale)
        k = (self.noise_neighbors, self.border_neighbors, self.informative_neighbors)
        return Informative(LEVEL, work.codes, *k, self.cut_off, self.most_weight, unit)

    def _tiers(self, row: Stratum, rows: Mapping[int, int]) -> list[Tier]:
        weights = {level: n * Fraction(weight_of(level)) for level, n in rows.items() if level}
        if not weights:
            raise self._use_smote(
                row,
                f"has no informative row: of every row the {self.noise_neighbors} nearest neighbours "
                "are of other classes, or no row of them is near",
            )
        total = sum(weights.values())
        wanted = row.entry.after - row.entry.before
        shares = apportion([wanted], [weight / total for weight in weights.values()])[0]
        return by_level(row.code, rows, dict(zip(weights, shares, strict=True)))
