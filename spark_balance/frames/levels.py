"""Levels: classes cut finer by a judgement of their rows, and how often the rows of each level are bases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import pyarrow as pa
from pyspark.sql import DataFrame, functions as F

from spark_balance.frames.columns import temp
from spark_balance.frames.copies import LAST, Share, last_draws
from spark_balance.frames.older_spark import from_arrow, to_arrow
from spark_balance.frames.ranked import MOST_HELD
from spark_balance.frames.row_ids import CODE, COPIES, HI, LO, NTH, draw, with_columns_of
from spark_balance.kernels.draws import xxhash64

LEVEL = temp("level")
LEVEL_BYTES = 80  # of a unit and its draw on the driver
_QUOTA, _WHOLE, _ROWS, _DRAWS = temp("quota"), temp("whole"), temp("rows"), temp("draws")


@dataclass(frozen=True)
class Quota:
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
    share: Share[int]


@dataclass(frozen=True)
class Levels:
    """Units with a level, and what one job found of them."""

    units: DataFrame  # the columns of a unit and `LEVEL`, lazily
    rows: dict[int, dict[int, int]]  # of each level, by class number
    stream: int
    held: pa.Table | None  # the units on the driver, when they are few
    draws: dict[tuple[int, int], list[int]] | None  # and what those of a class and level drew

    @classmethod
    def of(cls, units: DataFrame, stream: int, at_most: int) -> Levels:
        """Count rows by class and level: one job, which brings the units themselves when they are at most a million."""
        if at_most > MOST_HELD:
            held, told = None, to_arrow(units.groupBy(CODE, LEVEL).agg(F.count(F.lit(1)).alias(_ROWS)))
        else:
            # what is judged once need not be judged again for the result
            held = to_arrow(units)
            drawn = pa.array(xxhash64(stream, *[held[name].to_numpy() for name in (HI, LO, NTH)]))
            by_level = held.append_column(_DRAWS, drawn).group_by([CODE, LEVEL])
            told = by_level.aggregate([(_DRAWS, "list"), ([], "count_all")])
            told = told.rename_columns([CODE, LEVEL, _DRAWS, _ROWS])
        found = told.to_pydict()
        pairs = list(zip(found[CODE], found[LEVEL], strict=True))
        rows: dict[int, dict[int, int]] = {}
        for (code, level), number in sorted(zip(pairs, found[_ROWS], strict=True)):
            rows.setdefault(code, {})[level] = number
        return cls(units, rows, stream, held, dict(zip(pairs, found[_DRAWS], strict=True)) if held else None)

    def joined(self, rows: DataFrame, quotas: Sequence[Quota], method: str) -> DataFrame:
        """Add level and copies to numbered rows; rows that were not judged have no copies, and no level."""
        if self.held is None:
            chosen = self.chosen(quotas, method)
        else:
            local = from_arrow(rows.sparkSession, self.held)
            chosen = F.broadcast(replace(self, units=local).chosen(quotas, method))
        both = with_columns_of(chosen.drop(CODE), rows, [HI, LO, NTH])
        return both.withColumn(COPIES, F.coalesce(F.col(COPIES), F.lit(0)))

    def chosen(self, quotas: Sequence[Quota], method: str) -> DataFrame:
        """Say how often each unit is a base: what is wanted of every quota, evenly; 0 of levels in no quota."""
        placed = self.units.join(F.broadcast(self._table(quotas)), [CODE, LEVEL], "left")
        wanted = {
            i: (quota.share.extra, float(quota.share.rows)) for i, quota in enumerate(quotas) if quota.share.extra
        }
        if wanted and self.draws is None:
            narrow = placed.select(F.col(_QUOTA).alias(CODE), HI, LO, NTH).where(F.col(CODE).isin(list(wanted)))
            lasts = last_draws(narrow, method, wanted, self.stream, [HI, LO, NTH], poisson=False)
            lasts = F.broadcast(lasts.withColumnRenamed(CODE, _QUOTA))
            placed = placed.drop(LAST).join(lasts, _QUOTA, "left")
        one_more = F.coalesce(draw(self.stream, HI, LO, NTH) <= F.col(LAST), F.lit(False))
        copies = (F.coalesce(F.col(_WHOLE), F.lit(0)) + one_more.cast("int")).cast("int")
        return placed.select(*self.units.columns, copies.alias(COPIES))

    def _table(self, quotas: Sequence[Quota]) -> DataFrame:
        """Make the small local frame of all levels in a quota."""
        placed = [(i, quota, level, self._last(quota)) for i, quota in enumerate(quotas) for level in quota.levels]
        numbers, of, levels, lasts = zip(*placed, strict=True) if placed else ((), (), (), ())
        table = {
            CODE: pa.array([quota.code for quota in of], pa.int32()),
            LEVEL: pa.array(levels, pa.int32()),
            _QUOTA: pa.array(numbers, pa.int32()),
            _WHOLE: pa.array([quota.share.whole for quota in of], pa.int64()),
            LAST: pa.array(lasts, pa.int64()),
        }
        return from_arrow(self.units.sparkSession, pa.table(table))

    def _last(self, quota: Quota) -> int | None:
        if not quota.share.extra or self.draws is None:
            return None
        drawn = sorted(chain.from_iterable(self.draws[quota.code, level] for level in quota.levels))
        return drawn[quota.share.extra - 1]


def by_level(code: int, rows: Mapping[int, int], wanted: Mapping[int, int]) -> list[Quota]:
    """Return a quota for each level of a class of which something is wanted."""
    return [Quota(code, (level,), Share(rows[level], number)) for level, number in wanted.items() if number]


def together(code: int, rows: Mapping[int, int], wanted: int) -> list[Quota]:
    """Return one quota of all these levels of a class."""
    return [Quota(code, tuple(rows), Share(sum(rows.values()), wanted))]


def counted(quotas: Sequence[Quota]) -> dict[str, object]:
    """Return the notes on quotas: how many rows are bases, and how many they make."""
    bases = sum(min(quota.share.rows, quota.share.wanted) for quota in quotas)
    return {"bases": bases, "rows_added": sum(quota.share.wanted for quota in quotas)}
