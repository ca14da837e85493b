"""Levels: classes cut finer by a judgement of their rows, and how often the rows of each level are bases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import temp
from spark_balance.plans.keep import COPIES, LAST, Share, last_draws
from spark_balance.plans.keys import CODE, HI, LO, NTH, draw
from spark_balance.plans.sample import SAMPLE_ROWS

LEVEL = temp("level")
_TIER, _WHOLE, _ROWS, _DRAWS = temp("tier"), temp("whole"), temp("rows"), temp("draws")


@dataclass(frozen=True)
class Tier:
    """Levels of a class whose rows are bases equally often (+- 1), and how often that is.

    Attributes
    ----------
    code : int
        Class number.
    levels : tuple of int
    share : Share
    """

    code: int
    levels: tuple[int, ...]
    share: Share


@dataclass(frozen=True)
class Levels:
    """Units with a level, and what one job found of them.

    Attributes
    ----------
    units : DataFrame
        The columns of a unit and `LEVEL`, lazily.
    rows : dict of int to dict of int to int
        Rows of each level, by class number.
    draws : dict of (int, int) to list of int, optional
        What the rows of a class and level drew, when they are few.
    stream : int
        Sets these draws apart.
    """

    units: DataFrame
    rows: dict[int, dict[int, int]]
    draws: dict[tuple[int, int], list[int]] | None
    stream: int

    @classmethod
    def of(cls, units: DataFrame, stream: int, at_most: int) -> Levels:
        """Count rows by class and level: one job, which also brings the draws of at most 200,000 rows.

        With them the driver knows which rows are chosen, and the units need not be judged once
        more to find out.
        """
        few = at_most <= SAMPLE_ROWS
        draws = [F.collect_list(draw(stream, HI, LO, NTH)).alias(_DRAWS)] if few else []
        found = units.groupBy(CODE, LEVEL).agg(F.count(F.lit(1)).alias(_ROWS), *draws).toArrow().to_pydict()
        pairs = list(zip(found[CODE], found[LEVEL], strict=True))
        rows: dict[int, dict[int, int]] = {}
        for (code, level), number in sorted(zip(pairs, found[_ROWS], strict=True)):
            rows.setdefault(code, {})[level] = number
        return cls(units, rows, dict(zip(pairs, found[_DRAWS], strict=True)) if few else None, stream)

    def chosen(self, tiers: Sequence[Tier], method: str) -> DataFrame:
        """Say how often each unit is a base: exactly what is wanted of every tier, evenly inside it.

        Returns
        -------
        DataFrame
            The units with their copies; 0 of a level that is in no tier.
        """
        placed = self.units.join(F.broadcast(self._table(tiers)), [CODE, LEVEL], "left")
        wanted = {i: (tier.share.extra, float(tier.share.rows)) for i, tier in enumerate(tiers) if tier.share.extra}
        if wanted and self.draws is None:
            narrow = placed.select(F.col(_TIER).alias(CODE), HI, LO, NTH).where(F.col(CODE).isin(list(wanted)))
            lasts = last_draws(narrow, method, wanted, self.stream, [HI, LO, NTH])
            lasts = F.broadcast(lasts.withColumnRenamed(CODE, _TIER))
            placed = placed.drop(LAST).join(lasts, _TIER, "left")
        one_more = F.coalesce(draw(self.stream, HI, LO, NTH) <= F.col(LAST), F.lit(False))
        copies = (F.coalesce(F.col(_WHOLE), F.lit(0)) + one_more.cast("int")).cast("int")
        return placed.select(*self.units.columns, copies.alias(COPIES))

    def _table(self, tiers: Sequence[Tier]) -> DataFrame:
        """Make the small local frame of all levels in a tier."""
        placed = [(i, tier, level, self._last(tier)) for i, tier in enumerate(tiers) for level in tier.levels]
        numbers, of, levels, lasts = zip(*placed, strict=True) if placed else ((), (), (), ())
        table = {
            CODE: pa.array([tier.code for tier in of], pa.int32()),
            LEVEL: pa.array(levels, pa.int32()),
            _TIER: pa.array(numbers, pa.int32()),
            _WHOLE: pa.array([tier.share.whole for tier in of], pa.int64()),
            LAST: pa.array(lasts, pa.int64()),
        }
        return self.units.sparkSession.createDataFrame(pa.table(table))

    def _last(self, tier: Tier) -> int | None:
        if not tier.share.extra or self.draws is None:
            return None
        drawn = sorted(chain.from_iterable(self.draws[tier.code, level] for level in tier.levels))
        return drawn[tier.share.extra - 1]


def by_level(code: int, rows: Mapping[int, int], wanted: Mapping[int, int]) -> list[Tier]:
    """Return a tier for each level of a class of which something is wanted."""
    return [Tier(code, (level,), Share(rows[level], number)) for level, number in wanted.items() if number]


def together(code: int, rows: Mapping[int, int], wanted: int) -> list[Tier]:
    """Return one tier of all these levels of a class."""
    return [Tier(code, tuple(rows), Share(sum(rows.values()), wanted))]


def counted(tiers: Sequence[Tier]) -> dict[str, object]:
    """Return the notes on tiers: how many rows are bases, and how many they make."""
    bases = sum(min(tier.share.rows, tier.share.wanted) for tier in tiers)
    return {"bases": bases, "rows_added": sum(tier.share.wanted for tier in tiers)}


def joined(rows: DataFrame, chosen: DataFrame) -> DataFrame:
    """Add level and copies to numbered rows; rows that were not judged have no copies, and no level."""
    both = rows.join(chosen.drop(CODE), [HI, LO, NTH], "left")
    return both.withColumn(COPIES, F.coalesce(F.col(COPIES), F.lit(0)))
