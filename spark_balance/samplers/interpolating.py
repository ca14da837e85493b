"""What samplers share that make new rows between a row and one of its neighbours."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, PrivateAttr
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import check_columns, quoted, temp
from spark_balance.cost import CostModel, Sketch, Step, Table
from spark_balance.errors import SparkBalanceError, wrong_counts
from spark_balance.kernels.draws import stream
from spark_balance.plans import cells as cell_plans
from spark_balance.plans.cells import CARRIED, ORIGIN
from spark_balance.plans.features import FeatureColumns
from spark_balance.plans.interpolate import GAP, apart, in_schema, interpolated, new_features
from spark_balance.plans.keys import HI, LO, NTH, draw
from spark_balance.plans.neighbours import NEAR_ORIGIN, Search, searched, small_batches
from spark_balance.plans.replicate import COPY, origin
from spark_balance.plans.strata import Strata
from spark_balance.samplers.base import Resampled
from spark_balance.samplers.bases import Bases, Work
from spark_balance.samplers.cell_steps import CellSearch
from spark_balance.samplers.cell_work import ClassWork, looked_at, on_paper
from spark_balance.samplers.explained import Seen
from spark_balance.samplers.over import OverSampler
from spark_balance.samplers.searching import SearchingSampler
from spark_balance.samplers.steps import unchanged
from spark_balance.summary import ClassPlan, ResamplingPlan

TOLD = temp("told")


def _passthrough(given: object) -> object:
    return tuple(given) if isinstance(given, list) else given


class InterpolatingSampler(SearchingSampler, OverSampler):
    """The parameters and the template of methods that make rows base + gap * (neighbour - base).

    Parameters
    ----------
    passthrough : {'null', 'base'} or tuple of str
        What columns that are not features hold in a new row: NULL, the base's value, or
        the base's value in the named columns and NULL in the others.
    """

    rows: ClassVar[Literal["segment", "free"]] = "segment"
    action: ClassVar[str] = "synthesize"
    k_name: ClassVar[str] = "k_neighbors"
    absent: ClassVar[Mapping[str, str]] = {
        "group_cols": "a row between two groups would belong to neither; RandomOverSampler(group_cols=...) repeats "
        "whole groups, and within_cols keeps base and neighbour inside each group (which balances inside each, too)"
    }

    passthrough: Annotated[Literal["null", "base"] | tuple[str, ...], BeforeValidator(_passthrough)] = "null"

    _hold: Callable[[DataFrame], DataFrame] | None = PrivateAttr(default=None)

    def holding(self, hold: Callable[[DataFrame], DataFrame]) -> Self:
        """Return the sampler whose bases and neighbours pass through a function, to be written and read back."""
        copy = self.model_copy()
        copy._hold = hold
        return copy

    @property
    def _k(self) -> int:
        """Neighbours of a base to choose from."""
        k: int = getattr(self, self.k_name)
        return k

    def _growing(self, strata: Strata) -> Strata:
        return strata.where(lambda entry: entry.after > entry.before > self._k)

    @abstractmethod
    def _work(self, df: DataFrame, strata: Strata) -> Work:
        """Sample the rows and make the cells: a job before the frame is built."""

    @abstractmethod
    def _bases(self, work: Work) -> Bases:
        """Return the rows to search among and how often each is a base."""

    def _found(self, work: Work, bases: Bases, search: Search) -> DataFrame:
        """Return the bases with the neighbours that their copies will use."""
        visits = cell_plans.visits(bases.frame, bases.cell_map, bases.by)
        return searched(cell_plans.gathered(visits, bases.cell_map), search)

    def _known(self) -> list[Column]:
        """Return what the gap needs to know of a base and its neighbour; each column named."""
        return []

    def _gap(self, uniform: Column) -> Column:
        """Return how far from the base to its neighbour a new row lies, from a uniform draw."""
        return uniform

    def _draw(self, what: str) -> Column:
        """Return a draw of each new row that no other draw shares."""
        return draw(stream(self.random_state, what), HI, LO, NTH, COPY)

    @staticmethod
    def _of_base(name: str) -> Column:
        return F.col(ORIGIN)[name]

    @staticmethod
    def _of_neighbour(name: str) -> Column:
        return F.col(NEAR_ORIGIN)[name]

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        for name in self.left_null(df):
            if not df.schema[name].nullable:
                raise SparkBalanceError(
                    f"{self._name}: column '{name}' may not be NULL and is not a feature, so a new row has no "
                    "value for it; set passthrough='base' to give it the base row's, or drop it"
                )

    def inheriting(self, names: tuple[str, ...] | Literal["base"] = "base") -> Self:
        """Return the sampler whose new rows take these columns, or all, from their base, if it is not told else."""
        return self if "passthrough" in self.model_fields_set else self.model_copy(update={"passthrough": names})

    def left_null(self, df: DataFrame) -> tuple[str, ...]:
        """Return the columns that are NULL in new rows."""
        taken = {*self._feature_names(df), self.label_col, *self._within, *self._carried(df)}
        return tuple(name for name in df.columns if name not in taken)

    def _feature_names(self, df: DataFrame) -> tuple[str, ...]:
        """Return the columns that a new row has values of its own for."""
        return tuple(feature.name for feature in self.features(df).features)

    def _values(self, columns: FeatureColumns) -> dict[str, Column]:
        """Return the features of a new row."""
        return new_features(columns)

    def _made_of(self) -> tuple[Column, ...]:
        """Return what `provenance_col` says of a new row: its base, neighbour and gap, as far as it has them."""
        return self._of_base(TOLD), self._of_neighbour(TOLD), F.col(GAP)

    def _carried(self, df: DataFrame) -> tuple[str, ...]:
        """Return the columns that take the base row's value."""
        taken = {*self._feature_names(df), self.label_col, *self._within}
        others = [name for name in df.columns if name not in taken]
        if self.passthrough == "null":
            return ()
        if self.passthrough == "base":
            return tuple(others)
        check_columns(self._name, df.schema, self.passthrough, "passthrough")
        return tuple(name for name in others if name in self.passthrough)

    def _resampled(self, df: DataFrame, plan: ResamplingPlan, strata: Strata) -> Resampled:
        if not any(entry.after > entry.before for entry in plan.classes):
            originals = self._originals(df)
            return Resampled(originals.where(F.lit(False)) if self.output == "added" else originals, plan)
        work = self._work(df, strata)
        bases = self._bases(work)
        bases = replace(bases, cell_map=bases.cell_map.sharing_tasks(bases.rows, sum(work.wanted.values())))
        rank, gap = stream(self.random_state, "rank"), stream(self.random_state, "gap")
        found = self._found(work, bases, Search(bases.cell_map.scale, self._k, rank))
        found = small_batches(self._hold(found), self._k) if self._hold else found
        copies = interpolated(found, self._k, gap).withColumn(GAP, self._gap(F.col(GAP)))
        new = self._new_rows(df, work.growing, work.sample.columns, copies)
        frame = new if self.output == "added" else self._originals(df).unionAll(new)
        notes = self._notes(work, bases) | (bases.learnt or {})
        return Resampled(frame, plan, notes, self._warnings(notes))

    def _check_plan(self, plan: ResamplingPlan) -> None:
        for sentence in self._too_small(plan):
            raise SparkBalanceError(sentence)

    def _too_small(self, plan: ResamplingPlan) -> Iterator[str]:
        """Tell each class that has too few rows for its neighbours."""
        for entry in plan.classes:
            if entry.after > entry.before <= self._k:
                smaller = f"{self.k_name}<={entry.before - 1} or " if entry.before > 1 else ""
                yield (
                    f"{self._name}: class {entry.label!r}{self._in_group(entry)} has {entry.before} "
                    f"row{'s' * (entry.before > 1)}, {self.k_name}={self._k} needs at least {self._k + 1}; "
                    f"use {smaller}RandomOverSampler"
                )

    def _check_counted(self, work: Work, levels: Mapping[int, Mapping[int, int]]) -> None:
        """Refuse counts that are not those of the rows that were just counted by level."""
        if any(sum(levels.get(code, {}).values()) != rows for code, rows in work.rows_of.items()):
            raise SparkBalanceError(wrong_counts(self._name))

    def _in_group(self, entry: ClassPlan) -> str:
        return f" in {dict(zip(self._within, entry.group, strict=True))}" if entry.group else ""

    def _travelling(self, df: DataFrame) -> list[Column]:
        """Return what travels with the features because the user asked for it, or the gap needs it."""
        columns = []
        if carried := self._carried(df):
            columns.append(F.struct(*[F.col(quoted(name)).alias(name) for name in carried]).alias(CARRIED))
        told = [] if self.provenance_col is None else [origin(df.schema, self._keys).alias(TOLD)]
        if told or self._known():
            columns.append(F.struct(*told, *self._known()).alias(ORIGIN))
        return columns

    def _new_rows(self, df: DataFrame, growing: Strata, columns: FeatureColumns, copies: DataFrame) -> DataFrame:
        """Give the new rows the user's schema."""
        labelled = growing.labelled(copies)
        values = self._values(columns)
        # one column of the projection is enough, and it must not be a constant that is folded away
        first = next(iter(values))
        values[first] = apart(values[first])
        values |= {name: F.col(CARRIED)[name] for name in self._carried(df)}
        values |= {name: F.col(quoted(name)) for name in (self.label_col, *self._within)}
        told = self._told(df, F.lit("synthetic"), *self._made_of())
        return labelled.select(*in_schema(df.schema, values), *told)

    def _notes(self, work: Work, bases: Bases) -> dict[str, object]:
        features = [feature.name for feature in work.sample.columns.features]
        return {"features": features, **self._searched(bases.cell_map, bases.rows)}

    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        """Say what the search will cost: after a look at a sample, or, on paper, as bounded as it may be."""
        small = tuple(self._too_small(plan))
        growing = [entry for entry in plan.classes if entry.after > entry.before > self._k]
        if not growing:
            return unchanged(table, plan.rows_before, small)
        width, carried, work = table.numbers - 1 - len(self._keys), 0, None
        if seen is not None:
            columns, carried = self.features(seen.df), len(self._carried(seen.df))
            width = self._width(seen.df)
            table = replace(table, numbers=table.numbers - len(columns.features) + width)
            work = self._work(seen.df, seen.strata) if self._looks else None
        sizes = (plan.rows_before, width, self._k, len(self._keys), carried, self._cell_rows(width))
        classes = self._classes(growing, width, work)
        search = self._search_kind(table, *sizes, only_added=self.output == "added", classes=classes)
        sketch = search.sketch(model, (*small, *map(str, self._warnings(search.facts()))))
        steps = (*sketch.steps[:2], *self._first_steps(plan, search, model, work), *sketch.steps[2:])
        return replace(sketch, steps=steps)

    @property
    def _looks(self) -> bool:
        """Whether cells are made, which `explain` can look at."""
        return True

    @property
    def _search_kind(self) -> type[CellSearch]:
        """What the search does, step by step."""
        return CellSearch

    def _classes(self, growing: Sequence[ClassPlan], width: int, work: Work | None) -> tuple[ClassWork, ...]:
        """Say what each class that grows brings to the search: on paper, or after a look at a sample."""
        if work is None:
            return on_paper(growing, width, self._cell_rows(width), alone=False)
        return looked_at(work.growing, work.sample, work.cell_map, proven=False)

    def _first_steps(
        self, plan: ResamplingPlan, search: CellSearch, model: CostModel, work: Work | None
    ) -> tuple[Step, ...]:
        """Return what happens between the sample and the search."""
        return ()
