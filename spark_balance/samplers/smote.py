"""SMOTE: synthetic rows between a row and one of its nearest neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import quoted
from spark_balance.cost import CostModel, Sketch, Table
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.draws import stream
from spark_balance.plans import cells as cell_plans
from spark_balance.plans.cells import CARRIED, FEATURES, ORIGIN, UNIT_COLUMNS
from spark_balance.plans.exact import searched_exactly
from spark_balance.plans.features import FeatureColumns
from spark_balance.plans.interpolate import GAP, SLOT, apart, interpolated, new_features, required
from spark_balance.plans.keep import Share, share_numbers, with_copies
from spark_balance.plans.neighbours import NEAR_ORIGIN, Search, searched, searched_by_partition
from spark_balance.plans.replicate import origin
from spark_balance.plans.sample import Sample, sampled, width_of
from spark_balance.plans.strata import Strata
from spark_balance.samplers.base import Resampled
from spark_balance.samplers.cell_steps import CellSearch
from spark_balance.samplers.cell_work import looked_at, on_paper
from spark_balance.samplers.explained import Seen
from spark_balance.samplers.over import OverSampler
from spark_balance.samplers.searching import SearchingSampler
from spark_balance.samplers.steps import unchanged
from spark_balance.summary import ClassPlan, ResamplingPlan


def _passthrough(given: object) -> object:
    return tuple(given) if isinstance(given, list) else given


class SMOTE(SearchingSampler, OverSampler):
    """Synthetic minority over-sampling (Chawla, Bowyer, Hall and Kegelmeyer, 2002).

    A new row is base + gap * (neighbour - base), the neighbour one of the base's k
    nearest rows of its class, the gap uniform in [0, 1). Every row of a class is a base
    equally often (+- 1).

    Parameters
    ----------
    k_neighbors : int, default 5
        Nearest neighbours to choose from; a class needs at least k_neighbors + 1 rows.
    neighbors : {'cells', 'exact', 'partition'}
        'cells' groups near rows and lets rows near a border visit the next cell, so that local neighbours
        are the true ones (recall is estimated in every run); 'exact' also asks other cells wherever a nearer
        row could be; 'partition' searches random partitions, as most SMOTEs for Spark do: mostly wrong.
    passthrough : {'null', 'base'} or tuple of str
        What columns that are not features hold in a new row: NULL, the base's value, or
        the base's value in the named columns and NULL in the others.

    Notes
    -----
    Cost, besides the counts: one job that checks the features and samples them; then
    lazily one scan of the rows to grow, one shuffle of their features (1.0 to 1.9 copies
    of a row), two crossings to Python; the rows of other classes never pass through Python.
    See `Sampler`, `OverSampler` and `SearchingSampler` for the other parameters.
    """

    rows: ClassVar[Literal["segment"]] = "segment"
    action: ClassVar[str] = "synthesize"

    k_neighbors: int = Field(default=5, ge=1, strict=True)
    neighbors: Literal["cells", "exact", "partition"] = "cells"
    passthrough: Annotated[Literal["null", "base"] | tuple[str, ...], BeforeValidator(_passthrough)] = "null"

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        taken = {*self._feature_names(df), self.label_col, *self._within}
        carried = self._carried(df)
        for field in df.schema.fields:
            if not field.nullable and field.name not in taken and field.name not in carried:
                raise SparkBalanceError(
                    f"{self._name}: column '{field.name}' may not be NULL and is not a feature, so a new row has no "
                    "value for it; set passthrough='base' to give it the base row's, or drop it"
                )

    def _feature_names(self, df: DataFrame) -> tuple[str, ...]:
        """Return the columns that a new row has values of its own for."""
        return tuple(feature.name for feature in self.features(df).features)

    def _carried(self, df: DataFrame) -> tuple[str, ...]:
        """Return the columns that take the base row's value."""
        taken = {*self._feature_names(df), self.label_col, *self._within}
        others = [name for name in df.columns if name not in taken]
        if self.passthrough == "null":
            return ()
        if self.passthrough == "base":
            return tuple(others)
        for name in self.passthrough:
            if name not in df.columns:
                raise SparkBalanceError(
                    f"{self._name}: passthrough names column '{name}', which the frame does not have"
                )
        return tuple(name for name in others if name in self.passthrough)

    def _resampled(self, df: DataFrame, plan: ResamplingPlan, strata: Strata) -> Resampled:
        growing = strata.where(lambda entry: entry.after > entry.before)
        if not growing.rows:
            originals = self._originals(df)
            return Resampled(originals.where(F.lit(False)) if self.output == "added" else originals, plan)
        for sentence in self._too_small([row.entry for row in growing.rows]):
            raise SparkBalanceError(sentence)
        rows, sample, cell_map, cell_rows = self._mapped(df, strata, growing)
        columns = sample.columns
        shares = [Share(row.entry.before, row.entry.after - row.entry.before) for row in growing.rows]
        chosen = growing.only(rows, share_numbers(shares))
        seed = stream(self.random_state, "synthesize")
        bases = with_copies(chosen, growing, shares, seed, keyed=bool(self._keys)).select(
            *UNIT_COLUMNS, columns.flat.alias(FEATURES), *self._travelling(df)
        )
        rank, gap = stream(self.random_state, "rank"), stream(self.random_state, "gap")
        most = max(row.entry.before for row in growing.rows)
        found = self._found(sample, bases, cell_map, rank, -(-most // cell_rows))
        new = self._new_rows(df, growing, columns, interpolated(found, self.k_neighbors, rank, gap))
        frame = new if self.output == "added" else self._originals(df).unionAll(new)
        notes = self._notes(columns, growing, cell_map)
        return Resampled(frame, plan, notes, self._warning(notes))

    def _found(
        self, sample: Sample, bases: DataFrame, cell_map: cell_plans.CellMap, rank: int, parts: int
    ) -> DataFrame:
        """Return the bases with the neighbours that their copies use."""
        search = Search(cell_map.scale, self.k_neighbors, rank)
        if self.neighbors == "exact":
            return searched_exactly(bases, cell_map, search)
        if self.neighbors == "partition":
            return searched_by_partition(bases, search, parts)
        return searched(cell_plans.gathered(cell_plans.visits(bases, cell_map), cell_map.n_cells), search)

    def _mapped(
        self, df: DataFrame, strata: Strata, growing: Strata
    ) -> tuple[DataFrame, Sample, cell_plans.CellMap, int]:
        """Identify the rows, sample those to grow and make the cells: the one job before the frame is built."""
        rows, columns, width = self._identified(df), self.features(df), self._width(df)
        cell_rows = self._cell_rows(width)
        seed = stream(self.random_state, "sample")
        sample = sampled(rows, growing, columns, seed, width=width, cell_rows=cell_rows)
        made = cell_plans.made(sample, growing, cell_rows=cell_rows, k=self.k_neighbors, equalise=self.scale)
        return rows, sample, made, cell_rows

    def _width(self, df: DataFrame) -> int:
        """Return the numbers of a row that travel."""
        return width_of(df, self.features(df))

    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        """Say what the search will cost: after a look at a sample, or, on paper, as bounded as it may be."""
        growing = [entry for entry in plan.classes if entry.after > entry.before]
        small = tuple(self._too_small(growing))
        growing = [entry for entry in growing if entry.before > self.k_neighbors]
        if not growing:
            return unchanged(table, plan.rows_before, small)
        width, carried = table.numbers - 1 - len(self._keys), 0
        if seen is not None:
            columns, carried = self.features(seen.df), len(self._carried(seen.df))
            width = self._width(seen.df)
            table = replace(table, numbers=table.numbers - len(columns.features) + width)
        cell_rows, alone = self._cell_rows(width), self.neighbors == "partition"
        if seen is None or alone:
            classes = on_paper(growing, width, cell_rows, alone=alone)
        else:
            strata = seen.strata.where(lambda entry: entry.after > entry.before > self.k_neighbors)
            _, sample, cell_map, _ = self._mapped(seen.df, seen.strata, strata)
            classes = looked_at(strata, sample, cell_map, proven=self.neighbors == "exact")
        sizes = (plan.rows_before, width, self.k_neighbors, len(self._keys), carried, cell_rows)
        if self.neighbors == "exact":
            small += ("what 'exact' costs beyond 'cells', a second scan and two shuffles, comes on top",)
        search = CellSearch(table, *sizes, only_added=self.output == "added", classes=classes)
        low = self._warning(search.facts())
        return search.sketch(model, (*small, low) if low else small)

    def _too_small(self, growing: Sequence[ClassPlan]) -> Iterator[str]:
        """Tell each class that has too few rows for its neighbours."""
        for entry in growing:
            if entry.before <= self.k_neighbors:
                within = f" in {dict(zip(self._within, entry.group, strict=True))}" if entry.group else ""
                smaller = f"k_neighbors<={entry.before - 1} or " if entry.before > 1 else ""
                yield (
                    f"{self._name}: class {entry.label!r}{within} has {entry.before} row{'s' * (entry.before > 1)}, "
                    f"k_neighbors={self.k_neighbors} needs at least {self.k_neighbors + 1}; "
                    f"use {smaller}RandomOverSampler"
                )

    def _travelling(self, df: DataFrame) -> list[Column]:
        """Return what travels with the features because the user asked for it."""
        columns = []
        if carried := self._carried(df):
            columns.append(F.struct(*[F.col(quoted(name)).alias(name) for name in carried]).alias(CARRIED))
        if self.provenance_col is not None:
            columns.append(origin(df.schema, self._keys).alias(ORIGIN))
        return columns

    def _new_rows(self, df: DataFrame, growing: Strata, columns: FeatureColumns, copies: DataFrame) -> DataFrame:
        """Give the new rows the user's schema."""
        labelled = growing.labelled(copies)
        values = self._values(columns)
        # one column of the projection is enough, and it must not be a constant that is folded away
        first = next(iter(values))
        values[first] = apart(values[first])
        carried = self._carried(df)
        selected = []
        for field in df.schema.fields:
            if field.name in (self.label_col, *self._within):
                column = F.col(quoted(field.name))
            elif field.name in values:
                column = values[field.name]
            elif field.name in carried:
                column = F.col(CARRIED)[field.name]
            else:
                column = F.lit(None)
            selected.append(required(column.cast(field.dataType), field).alias(field.name, metadata=field.metadata))
        return labelled.select(*selected, *self._told(df, F.lit("synthetic"), *self._made_of()))

    def _values(self, columns: FeatureColumns) -> dict[str, Column]:
        """Return the features of a new row."""
        return new_features(columns)

    def _made_of(self) -> tuple[Column, ...]:
        """Return what `provenance_col` says of a new row: its base, neighbour and gap, as far as it has them."""
        return F.col(ORIGIN), F.element_at(NEAR_ORIGIN, F.col(SLOT) + 1), F.col(GAP)

    def _notes(self, columns: FeatureColumns, growing: Strata, cell_map: cell_plans.CellMap) -> dict[str, object]:
        notes: dict[str, object] = {
            "features": [feature.name for feature in columns.features],
            "neighbors": self.neighbors,
        }
        if self.neighbors == "partition":
            return notes
        rows = {row.code: row.entry.before for row in growing.rows}
        notes |= self._searched(cell_map, rows)
        # every neighbour is proven, whatever the cells hold
        return notes | {"estimated_recall": 1.0} if self.neighbors == "exact" else notes
