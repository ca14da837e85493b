"""Tomek links: remove rows whose nearest neighbour is of another class, and they its nearest."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import temp
from spark_balance.kernels.links import Links
from spark_balance.plans.judged import judged
from spark_balance.plans.keys import CODE
from spark_balance.plans.pools import Asked, Pool
from spark_balance.samplers.cleaning import CleaningSampler, Question, Removed

PAIR = [temp(f"{half}_{part}") for half in ("first", "second") for part in ("hi", "lo", "nth")]
_BOTH, _ONE = temp("both"), temp("one")


class TomekLinks(CleaningSampler):
    """Remove the rows of Tomek links (Tomek, 1976).

    A link is two rows of different classes each of which is the other's nearest
    neighbour; of those, the rows of the targeted classes go. Exact duplicates of opposite
    label are links (imbalanced-learn loses them, see the docs on deviations).

    Notes
    -----
    Cost, besides the counts: one job that checks the features and samples them; then lazily
    two scans, one shuffle of the features of all rows (1.0 to 1.9 copies), one of the pairs
    of different classes, and the join that removes rows. See `Sampler`, `SearchingSampler`
    and `CleaningSampler` for the parameters.
    """

    def _asked(self, pool: Pool, targeted: Sequence[int]) -> list[Asked]:
        everyone = tuple(pool.rows)
        return [Asked(everyone, everyone, 1)]

    def _removed(self, question: Question) -> Removed:
        says: dict[str, T.DataType] = dict.fromkeys(PAIR, T.LongType())
        named = judged(question.units, question.cell_map, Links(PAIR), says)
        return Removed(linked(named, question.targeted))


def linked(named: DataFrame, targeted: Sequence[int]) -> DataFrame:
    """Return the rows of targeted classes that are half of a pair named by both of its rows, or by one of one row.

    Notes
    -----
    Cost: one shuffle of the rows named.
    """
    itself = F.lit(True)
    for one, other in zip(PAIR[:3], PAIR[3:], strict=True):
        itself &= F.col(one) == F.col(other)
    unit = F.struct(*[F.col(name) for name in named.columns if name not in PAIR])
    pairs = named.groupBy(*PAIR).agg(F.collect_list(unit).alias(_BOTH)).where((F.size(_BOTH) == 2) | itself)
    links = pairs.select(F.explode(_BOTH).alias(_ONE)).select(f"{_ONE}.*")
    return links.where(F.col(CODE).isin(list(targeted)))
