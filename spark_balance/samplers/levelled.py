"""What over-samplers share that first judge the rows to grow by their neighbours of all classes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.cost import CostModel, Step
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.danger import OtherClass
from spark_balance.kernels.draws import stream
from spark_balance.plans import cells as cell_plans
from spark_balance.plans.cell_map import CellMap
from spark_balance.plans.cells import FEATURES, UNIT_COLUMNS
from spark_balance.plans.judged import Judge, judged
from spark_balance.plans.keys import CODE, UNIT, numbered
from spark_balance.plans.levels import LEVEL, Levels, Tier, counted, joined
from spark_balance.plans.pools import POOL, Asked, Pool, pool_number, pooled, pools_of
from spark_balance.plans.strata import Strata, Stratum
from spark_balance.samplers.bases import Bases, Work
from spark_balance.samplers.cell_steps import CellJudging, CellSearch
from spark_balance.samplers.cell_work import pools_looked_at, pools_on_paper
from spark_balance.samplers.interpolating import InterpolatingSampler
from spark_balance.samplers.searching import LOW_RECALL
from spark_balance.summary import ResamplingPlan


@dataclass(frozen=True)
class LevelledWork(Work):
    """The same, with the classes that judge each other and the cells in which they do."""

    judging: Strata
    pools: tuple[Pool, ...]
    pool_map: CellMap

    @property
    def codes(self) -> tuple[int, ...]:
        """Numbers of the classes that grow."""
        return tuple(row.code for row in self.growing.rows)

    @property
    def rows_of_pools(self) -> dict[int, int]:
        """Rows of each pool, by its number."""
        return {pool.number: sum(pool.rows.values()) for pool in self.pools}


class LevelledSampler(InterpolatingSampler):
    """The template of methods that give each row to grow a level, and make new rows by it.

    Notes
    -----
    Cost, besides the counts: a job that checks and samples the features of all rows, and a job
    that judges: it shuffles the features of all rows (1.0 to 1.9 copies) and counts levels. The
    result judges again, lazily (twice where more than 200,000 rows are to grow), joins the
    verdicts to the rows to grow, and goes on as SMOTE does.
    """

    m_name: ClassVar[str] = "m_neighbors"

    @abstractmethod
    def _tiers(self, row: Stratum, rows: Mapping[int, int]) -> list[Tier]:
        """Say how many new rows the rows of each level make; the one thing such a method has to write."""

    def _judge(self, work: LevelledWork) -> Judge:
        """Return what gives the rows to grow their level."""
        return OtherClass(LEVEL, work.codes, self._m)

    def _reconsidered(self, verdicts: DataFrame, work: LevelledWork) -> DataFrame:
        """Return the units with the level that they end with."""
        return verdicts

    @property
    def _m(self) -> int:
        """Neighbours of all classes that judge a row."""
        m: int = getattr(self, self.m_name)
        return m

    def _asked(self, pool: Pool, codes: Sequence[int]) -> list[Asked]:
        """Return the questions that the method puts to a pool."""
        return [Asked(tuple(codes), tuple(pool.rows), self._m)]

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts."""
        return 2

    def _work(self, df: DataFrame, strata: Strata) -> LevelledWork:
        rows, growing = self._identified(df), self._growing(strata)
        judging = strata.groups_of([row.code for row in growing.rows])
        sample, cell_rows = self._sampled(df, rows, judging)
        codes = {row.code for row in growing.rows}
        own = replace(sample, rows={code: some for code, some in sample.rows.items() if code in codes})
        made = cell_plans.made(own, growing, cell_rows=cell_rows, k=self._k, equalise=self.scale)
        pools = tuple(pools_of(judging))
        asked = [(pool, self._asked(pool, [code for code in pool.rows if code in codes])) for pool in pools]
        pool_map = pooled(sample, asked, cell_rows=cell_rows, equalise=self.scale)
        return LevelledWork(df, rows, strata, growing, sample, made, cell_rows, judging, pools, pool_map)

    def _bases(self, work: Work) -> Bases:
        assert isinstance(work, LevelledWork)
        at_most = sum(row.entry.before for row in work.judging.rows)
        placed = numbered(work.judging.only(work.rows, {}), F.lit(True), bool(self._keys), at_most)
        features = work.sample.columns.flat.alias(FEATURES)
        pool = pool_number(work.pools).alias(POOL)
        levels = self._levels(work, placed.select(*UNIT, pool, features))
        tiers = [tier for row in work.growing.rows for tier in self._tiers(row, levels.rows[row.code])]
        among = joined(self._among(placed, work), levels.chosen(tiers, self._name))
        frame = among.select(*UNIT_COLUMNS, pool, features, *self._travelling(work.df))
        return Bases(frame, *self._searched_in(work), counted(tiers))

    def _searched_in(self, work: LevelledWork) -> tuple[CellMap, dict[int, int], str]:
        """Return the cells that neighbours are found in, the rows of each entry, and the column of its number."""
        return work.cell_map, work.rows_of, CODE

    def _levels(self, work: LevelledWork, units: DataFrame) -> Levels:
        """Judge the rows to grow and count them by level: one job."""
        verdicts = judged(units, work.pool_map, self._judge(work), {LEVEL: T.IntegerType()})
        found = self._reconsidered(verdicts, work)
        levels = Levels.of(found, stream(self.random_state, "synthesize"), sum(work.rows_of.values()))
        self._check_counted(work, levels.rows)
        return levels

    def _among(self, placed: DataFrame, work: LevelledWork) -> DataFrame:
        """Return the rows that neighbours are found among."""
        return placed.where(F.col(CODE).isin(list(work.codes)))

    def _use_smote(self, row: Stratum, why: str) -> SparkBalanceError:
        return SparkBalanceError(
            f"{self._name}: class {row.entry.label!r}{self._in_group(row.entry)} {why}; use SMOTE for it"
        )

    def _too_small(self, plan: ResamplingPlan) -> Iterator[str]:
        yield from super()._too_small(plan)
        groups = {entry.group for entry in plan.classes if entry.after > entry.before}
        for group in sorted(groups, key=repr):
            there = sum(entry.before for entry in plan.classes if entry.group == group)
            if there <= self._m:
                within = f" of {dict(zip(self._within, group, strict=True))}" if group else ""
                yield (
                    f"{self._name}: {self.m_name}={self._m} needs at least {self._m + 1} rows, the classes{within} "
                    f"have {there}; use {self.m_name}<={there - 1}"
                )

    def _notes(self, work: Work, bases: Bases) -> dict[str, object]:
        assert isinstance(work, LevelledWork)
        pools = self._searched(work.pool_map, work.rows_of_pools)
        return super()._notes(work, bases) | {f"{name}_of_levels": value for name, value in pools.items()}

    def _warnings(self, notes: Mapping[str, object]) -> tuple[Warning, ...]:
        recall = notes.get("estimated_recall_of_levels", 1.0)
        if isinstance(recall, float) and recall < LOW_RECALL:
            notes = {**notes, "estimated_recall": recall}
        return super()._warnings(notes)

    def _first_steps(
        self, plan: ResamplingPlan, search: CellSearch, model: CostModel, work: Work | None
    ) -> tuple[Step, ...]:
        if work is None:
            pools = pools_on_paper(plan, search.width, search.cell_rows)
        else:
            assert isinstance(work, LevelledWork)
            pools = pools_looked_at(work.sample, work.pool_map, work.pools)
        grown = sum(one.rows for one in search.classes) / plan.rows_before
        pools = tuple(replace(one, added=max(1, round(one.rows * grown))) for one in pools)
        judging = CellJudging(
            search.table,
            search.rows,
            search.width,
            self._m,
            search.keys,
            0,
            search.cell_rows,
            only_added=True,
            classes=pools,
        )
        place, judge = judging.steps(model)[-2:]
        return replace(place, name="place for levels"), replace(judge, name="judge levels")
