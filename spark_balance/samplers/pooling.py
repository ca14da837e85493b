"""What samplers share that search among the rows of several classes: pools, cells, units, and what it costs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_balance.cost import CostModel, Sketch, Table
from spark_balance.kernels.local import candidates
from spark_balance.plans.cell_map import CellMap
from spark_balance.plans.cells import FEATURES
from spark_balance.plans.features import FeatureColumns
from spark_balance.plans.keys import CODE, UNIT
from spark_balance.plans.pools import POOL, Asked, Pool, compared, pool_number, pooled, pools_of
from spark_balance.plans.sample import Sample
from spark_balance.plans.strata import Strata
from spark_balance.samplers.cell_steps import CellJudging
from spark_balance.samplers.cell_work import pools_looked_at, pools_on_paper
from spark_balance.samplers.explained import Seen
from spark_balance.samplers.searching import SearchingSampler
from spark_balance.samplers.steps import unchanged
from spark_balance.summary import ResamplingPlan


class PoolingSampler(SearchingSampler):
    """The template of methods that ask rows of some classes for their neighbours among those of others."""

    @abstractmethod
    def _asked(self, pool: Pool, targeted: Sequence[int]) -> list[Asked]:
        """Return the questions that the method puts to a pool."""

    def _searchable(self, strata: Strata) -> Strata:
        """Keep the groups in which there is something to do."""
        return strata.groups_of(self._targeted(strata))

    def _targeted(self, strata: Strata) -> tuple[int, ...]:
        """Return the numbers of the classes that something happens to."""
        return tuple(row.code for row in strata.rows if row.entry.action == self.action)

    def _questions(self, strata: Strata) -> list[tuple[Pool, list[Asked]]]:
        """Return each pool with what is asked of it."""
        targeted = self._targeted(strata)
        pools = pools_of(strata)
        return [(pool, self._asked(pool, [code for code in targeted if code in pool.rows])) for pool in pools]

    def _mapped(self, df: DataFrame, rows: DataFrame, strata: Strata) -> tuple[Sample, CellMap, tuple[Pool, ...]]:
        """Sample the rows and make the cells of every pool."""
        sample, cell_rows = self._sampled(df, rows, strata)
        asked = self._questions(strata)
        cell_map = pooled(sample, asked, cell_rows=cell_rows, equalise=self.scale)
        return sample, cell_map, tuple(pool for pool, _ in asked)

    def _pool_units(
        self, placed: DataFrame, columns: FeatureColumns, pools: Sequence[Pool], *told: Column
    ) -> DataFrame:
        """Return the rows of the pools as units with their features, and what else is to come back of them."""
        there = placed.where(F.col(CODE).isin([code for pool in pools for code in pool.rows]))
        return there.select(*UNIT, pool_number(pools).alias(POOL), columns.flat.alias(FEATURES), *told)

    def _candidates(self, sample: Sample, cell_map: CellMap, strata: Strata) -> int:
        """Estimate with how many others a row is compared, on average."""
        total, rows = 0.0, 0
        for pool, questions in self._questions(strata):
            rows += sum(pool.rows.values())
            for asked in questions:
                some = candidates(round(compared(sample, cell_map, pool, asked)))
                total += some * sum(pool.rows[code] for code in asked.queries)
        return round(total / rows)

    def _notes(self, sample: Sample, cell_map: CellMap, strata: Strata) -> dict[str, object]:
        features = [feature.name for feature in sample.columns.features]
        searched = self._searched(cell_map, {one.number: sum(one.rows.values()) for one in pools_of(strata)})
        return {"features": features, **searched, "candidates_per_row": self._candidates(sample, cell_map, strata)}

    def _too_few(self, strata: Strata) -> Iterator[str]:
        """Tell each pool that has too few rows for its neighbours."""
        for pool, questions in self._questions(strata):
            for asked in questions:
                there = sum(pool.rows[code] for code in asked.among)
                # a row that is asked about is among the others, and none of its own neighbours
                needed = asked.k + (set(asked.queries) <= set(asked.among))
                if there < needed:
                    most = there - (needed - asked.k)
                    told = ", ".join(repr(pool.labels[code]) for code in asked.among)
                    yield (
                        f"{self._name}: {asked.k} neighbours among the rows of {told} need at least {needed} rows, "
                        f"there are {there}; use {f'at most {most}' if most > 0 else 'a method that looks for none'}"
                    )

    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        """Say what the search will cost: after a look at a sample, or, on paper, as bounded as it may be."""
        width = table.numbers - 1 - len(self._keys)
        if seen is not None:
            searched = self._searchable(seen.strata)
            small = tuple(self._too_few(searched))
            if small or not searched.rows:
                return unchanged(table, plan.rows_before, small)
            mapped = self._mapped(seen.df, self._identified(seen.df), searched)
            columns = mapped[0].columns
            width = columns.width
            table = replace(table, numbers=table.numbers - len(columns.features) + width)
            works = pools_looked_at(*mapped)
        else:
            works = pools_on_paper(plan, width, self._cell_rows(width))
        sizes = (plan.rows_before, width, 1, len(self._keys), 0, self._cell_rows(width))
        sketch = CellJudging(table, *sizes, only_added=False, classes=works).sketch(model)
        if seen is not None:
            told = self._candidates(mapped[0], mapped[1], searched)
            sketch = replace(sketch, facts={**sketch.facts, "candidates_per_row": told})
        last = sketch.steps[-1]
        return replace(sketch, steps=(*sketch.steps[:-1], replace(last, rows_written=plan.rows_after)))
