"""What samplers that clean share: every row is judged by its neighbours of all classes, and some are removed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Self

from pydantic import model_validator
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import quoted
from spark_balance.cost import CostModel, Sketch, Table
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.draws import stream
from spark_balance.plans.cell_map import CellMap
from spark_balance.plans.cells import FEATURES, ORIGIN
from spark_balance.plans.features import FeatureColumns
from spark_balance.plans.keys import CODE, HI, LO, NTH, UNIT, numbered
from spark_balance.plans.pools import POOL, Asked, Pool, pool_number, pooled, pools_of
from spark_balance.plans.replicate import origin
from spark_balance.plans.sample import Sample, sampled, width_of
from spark_balance.plans.strata import Strata
from spark_balance.samplers.base import Resampled
from spark_balance.samplers.cell_steps import CellJudging
from spark_balance.samplers.cell_work import pools_looked_at, pools_on_paper
from spark_balance.samplers.explained import Seen
from spark_balance.samplers.searching import SearchingSampler
from spark_balance.samplers.steps import unchanged
from spark_balance.summary import Label, ResamplingPlan
from spark_balance.targets import cleaned_classes, wanted_rows


@dataclass(frozen=True)
class Question:
    """What a cleaning method works on.

    Attributes
    ----------
    units : DataFrame
        Units of all labelled rows with their pool, features and, if it is to come back, origin.
    cell_map : CellMap
        The cells of each pool.
    pools : tuple of Pool
        The classes that search each other: one pool, or one for each group of `within_cols`.
    targeted : tuple of int
        Numbers of the classes that rows may be removed of.
    """

    units: DataFrame
    cell_map: CellMap
    pools: tuple[Pool, ...]
    targeted: tuple[int, ...]


@dataclass(frozen=True)
class Removed:
    """The units to remove (with their origin), and what was learnt on the way."""

    frame: DataFrame
    notes: dict[str, object] = field(default_factory=dict)
    warning: str | None = None


class CleaningSampler(SearchingSampler):
    """The parameters and the template of methods that remove rows by what their neighbours are.

    Parameters
    ----------
    sampling_strategy : str or list
        The classes that rows may be removed of: imbalanced-learn's names, or a list of labels.
    output : {'all', 'removed_keys'}
        Return the cleaned table, or only the decision: key, group and label of each removed row.
    """

    family: ClassVar[Literal["clean"]] = "clean"
    counts: ClassVar[Literal["exact", "at_most", "approximate", "none"]] = "at_most"
    rows: ClassVar[Literal["subset"]] = "subset"
    random: ClassVar[bool] = False
    action: ClassVar[str] = "clean"

    output: Literal["all", "removed_keys"] = "all"

    @model_validator(mode="after")
    def _keys_to_tell(self) -> Self:
        if self.output == "removed_keys" and not self.key_cols:
            raise ValueError("output='removed_keys' tells rows by their key; name a unique key with key_cols")
        return self

    @abstractmethod
    def _asked(self, pool: Pool, targeted: Sequence[int]) -> list[Asked]:
        """Return the questions that the method puts to a pool."""

    @abstractmethod
    def _removed(self, question: Question) -> Removed:
        """Say which rows go: the one thing a cleaning method has to write."""

    def _check_strategy(self) -> None:
        if not isinstance(self.sampling_strategy, list | tuple):
            cleaned_classes(self._name, {0: 1, 1: 2}, self.sampling_strategy)

    def _wanted(self, group: tuple[object, ...], classes: dict[Label, int]) -> dict[Label, int]:
        if len(classes) < 2 and not group:
            wanted_rows(self._name, classes, "auto", "under")
        return dict(classes)

    def _touched(self, classes: dict[Label, int], after: dict[Label, int]) -> set[Label]:
        wish = self.sampling_strategy
        if len(classes) < 2:
            return set()
        if self.within_cols and isinstance(wish, list | tuple):
            wish = [label for label in wish if label in classes]
        return set(cleaned_classes(self._name, classes, wish))

    def _resampled(self, df: DataFrame, plan: ResamplingPlan, strata: Strata) -> Resampled:
        searched = self._searchable(strata)
        if not searched.rows:
            return Resampled(self._selected(df, df, strata), plan)
        for sentence in self._too_small(pools_of(searched)):
            raise SparkBalanceError(sentence)
        rows = self._identified(df)
        sample, cell_map, pools = self._mapped(df, rows, searched)
        columns = sample.columns
        placed = numbered(strata.attach(rows, {}), F.lit(True), bool(self._keys), plan.rows_before)
        targeted = tuple(row.code for row in searched.rows if row.entry.action == self.action)
        found = self._removed(Question(self._units(df, placed, columns, pools), cell_map, pools, targeted))
        kept = placed.join(found.frame.select(HI, LO, NTH), [HI, LO, NTH], "left_anti")
        notes = self._notes(columns, cell_map, pools) | found.notes
        frame = self._selected(df, kept if self.output == "all" else found.frame, strata)
        return Resampled(frame, plan, notes, found.warning or self._warning(notes))

    def _searchable(self, strata: Strata) -> Strata:
        """Keep the groups in which there is something to clean."""
        groups = {row.entry.group for row in strata.rows if row.entry.action == self.action}
        return strata.where(lambda entry: entry.group in groups)

    def _mapped(self, df: DataFrame, rows: DataFrame, strata: Strata) -> tuple[Sample, CellMap, tuple[Pool, ...]]:
        """Sample the rows and make the cells: the one job before the frame is built."""
        columns = self.features(df)
        width = width_of(df, columns)
        cell_rows = self._cell_rows(width)
        seed = stream(self.random_state, "sample")
        sample = sampled(rows, strata, columns, seed, width=width, cell_rows=cell_rows)
        targeted = [row.code for row in strata.rows if row.entry.action == self.action]
        pools = pools_of(strata)
        asked = [(pool, self._asked(pool, [code for code in targeted if code in pool.rows])) for pool in pools]
        cell_map = pooled(sample, asked, cell_rows=cell_rows, equalise=self.scale)
        return sample, cell_map, tuple(pools)

    def _units(self, df: DataFrame, placed: DataFrame, columns: FeatureColumns, pools: Sequence[Pool]) -> DataFrame:
        there = placed.where(F.col(CODE).isin([code for pool in pools for code in pool.rows]))
        told = [origin(df.schema, self._keys).alias(ORIGIN)] if self.output == "removed_keys" else []
        return there.select(*UNIT, pool_number(pools).alias(POOL), columns.flat.alias(FEATURES), *told)

    def _selected(self, df: DataFrame, rows: DataFrame, strata: Strata) -> DataFrame:
        """Give the result the user's columns, or those of the decision."""
        if self.output == "all":
            return rows.select(*self._original_columns(df))
        names = [*self._keys, *self._within, self.label_col]
        if ORIGIN not in rows.columns:
            return rows.select(*[F.col(quoted(name)) for name in names]).where(F.lit(False))
        told = [F.col(ORIGIN)[name] if name in self._keys else F.col(quoted(name)) for name in names]
        described = [
            column.alias(name, metadata=df.schema[name].metadata) for name, column in zip(names, told, strict=True)
        ]
        return strata.labelled(rows).select(*described)

    def _notes(self, columns: FeatureColumns, cell_map: CellMap, pools: Sequence[Pool]) -> dict[str, object]:
        features = [feature.name for feature in columns.features]
        return {"features": features} | self._searched(cell_map, {p.number: sum(p.rows.values()) for p in pools})

    def _too_small(self, pools: Sequence[Pool]) -> Iterator[str]:
        """Tell each pool that has too few rows for its neighbours."""
        for pool in pools:
            for asked in self._asked(pool, list(pool.rows)):
                there = sum(pool.rows[code] for code in asked.among)
                needed = asked.k + bool(set(asked.queries) & set(asked.among))
                if there < needed:
                    told = ", ".join(repr(pool.labels[code]) for code in asked.among)
                    yield (
                        f"{self._name}: {asked.k} neighbours among the rows of {told} need at least {needed} rows, "
                        f"there are {there}; use fewer neighbours"
                    )

    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        """Say what the search will cost: after a look at a sample, or, on paper, as bounded as it may be."""
        width = table.numbers - 1 - len(self._keys)
        if seen is not None:
            searched = self._searchable(seen.strata)
            small = tuple(self._too_small(pools_of(searched)))
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
        return CellJudging(table, *sizes, only_added=False, classes=works).sketch(model)
