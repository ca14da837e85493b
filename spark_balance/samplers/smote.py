"""SMOTE: synthetic rows between a row and one of its nearest neighbours."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import check_columns, choose_features, quoted
from spark_balance.cost import CostModel, Sketch, Table
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.draws import stream
from spark_balance.plans import cells as cell_plans
from spark_balance.plans.cells import CARRIED, FEATURES, ORIGIN, UNIT_COLUMNS
from spark_balance.plans.exact import searched_exactly
from spark_balance.plans.features import FeatureColumns
from spark_balance.plans.interpolate import GAP, SLOT, apart, interpolated, new_features, required
from spark_balance.plans.keep import Share, share_numbers, with_copies
from spark_balance.plans.neighbours import NEAR_ORIGIN, Search, check_fitted, searched, searched_by_partition
from spark_balance.plans.replicate import origin
from spark_balance.plans.sample import Sample, sampled, width_of
from spark_balance.plans.strata import Strata
from spark_balance.samplers.base import Resampled
from spark_balance.samplers.cell_steps import CellSearch
from spark_balance.samplers.cell_work import looked_at, on_paper
from spark_balance.samplers.explained import Seen
from spark_balance.samplers.over import OverSampler
from spark_balance.samplers.parameters import Names
from spark_balance.samplers.steps import unchanged
from spark_balance.summary import ClassPlan, ResamplingPlan

log = logging.getLogger(__name__)
LOW_RECALL = 0.99
# a cell of this many numbers is 14 MiB: large for few guests, small beside a worker's memory
CELL_NUMBERS = 65_536 * 28


def _passthrough(given: object) -> object:
    return tuple(given) if isinstance(given, list) else given


class SMOTE(OverSampler):
    """Synthetic minority over-sampling (Chawla, Bowyer, Hall and Kegelmeyer, 2002).

    A new row is base + gap * (neighbour - base), the neighbour one of the base's k
    nearest rows of its class, the gap uniform in [0, 1). Every row of a class is a base
    equally often (+- 1).

    Parameters
    ----------
    k_neighbors : int, default 5
        Nearest neighbours to choose from; a class needs at least k_neighbors + 1 rows.
    feature_cols : tuple of str, optional
        Numeric columns, arrays of numbers or vectors; default every numeric column that
        is neither label, key nor within column.
    neighbors : {'cells', 'exact', 'partition'}
        'cells' groups near rows and lets rows near a border visit the next cell, so that local neighbours
        are the true ones (recall is estimated in every run); 'exact' also asks other cells wherever a nearer
        row could be; 'partition' searches random partitions, as most SMOTEs for Spark do: mostly wrong.
    cell_rows : int, optional
        Rows of a cell; default 65,536 at 28 features, fewer of wider rows.
    scale : bool, default True
        Bring features to the same spread for the distance alone. imbalanced-learn never does.
    passthrough : {'null', 'base'} or tuple of str
        What columns that are not features hold in a new row: NULL, the base's value, or
        the base's value in the named columns and NULL in the others.

    Notes
    -----
    Cost, besides the counts: one job that checks the features and samples them; then
    lazily one scan of the rows to grow, one shuffle of their features (1.0 to 1.9 copies
    of a row), two crossings to Python; the rows of other classes never pass through Python.
    See `Sampler` and `OverSampler` for the other parameters.
    """

    rows: ClassVar[Literal["segment"]] = "segment"
    action: ClassVar[str] = "synthesize"

    k_neighbors: int = Field(default=5, ge=1, strict=True)
    feature_cols: Names | None = None
    neighbors: Literal["cells", "exact", "partition"] = "cells"
    cell_rows: int | None = Field(default=None, ge=2, strict=True)
    scale: bool = True
    passthrough: Annotated[Literal["null", "base"] | tuple[str, ...], BeforeValidator(_passthrough)] = "null"

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        if self.neighbors == "partition":
            check_fitted(self._name)
        features = {feature.name for feature in self.features(df).features}
        taken = {*features, self.label_col, *self._within}
        carried = self._carried(df)
        for field in df.schema.fields:
            if not field.nullable and field.name not in taken and field.name not in carried:
                raise SparkBalanceError(
                    f"{self._name}: column '{field.name}' may not be NULL and is not a feature, so a new row has no "
                    "value for it; set passthrough='base' to give it the base row's, or drop it"
                )

    def features(self, df: DataFrame) -> FeatureColumns:
        """Return the feature columns that would be used."""
        taken = [self.label_col, *self._keys, *self._within]
        return FeatureColumns(tuple(choose_features(self._name, df.schema, self.feature_cols, taken)))

    def _carried(self, df: DataFrame) -> tuple[str, ...]:
        """Return the columns that take the base row's value."""
        features = {feature.name for feature in self.features(df).features}
        others = [name for name in df.columns if name not in (*features, self.label_col, *self._within)]
        if self.passthrough == "null":
            return ()
        if self.passthrough == "base":
            return tuple(others)
        check_columns(self._name, df.schema, self.passthrough, "passthrough")
        return tuple(name for name in others if name in self.passthrough)

    def _resampled(self, df: DataFrame, plan: ResamplingPlan, strata: Strata) -> Resampled:
        growing = strata.where(lambda entry: entry.after > entry.before)
        if not growing.rows:
            originals = self._originals(df)
            return Resampled(originals.where(F.lit(False)) if self.output == "added" else originals, plan)
        rows = self._identified(df)
        sample, cell_map, cell_rows = self._mapped(df, rows, growing)
        columns = sample.columns
        shares = [Share(row.entry.before, row.entry.after - row.entry.before) for row in growing.rows]
        chosen = growing.only(rows, share_numbers(shares))
        seed = stream(self.random_state, "synthesize")
        bases = with_copies(chosen, growing, shares, seed, keyed=bool(self._keys)).select(
            *UNIT_COLUMNS, columns.flat.alias(FEATURES), *self._travelling(df)
        )
        rank, gap = stream(self.random_state, "rank"), stream(self.random_state, "gap")
        search = Search(cell_map.scale, self.k_neighbors, rank)
        if self.neighbors == "cells":
            visits = cell_plans.visits(bases, cell_map)
            found = searched(cell_plans.gathered(visits, cell_map.n_cells), search)
        elif self.neighbors == "exact":
            found = searched_exactly(bases, cell_map, search)
        else:
            most = max(row.entry.before for row in growing.rows)
            found = searched_by_partition(bases, search, -(-most // cell_rows))
        new = self._new_rows(df, growing, columns, interpolated(found, self.k_neighbors, rank, gap))
        frame = new if self.output == "added" else self._originals(df).unionAll(new)
        notes = self._notes(columns, growing, cell_map)
        return Resampled(frame, plan, notes, self._warning(notes))

    def _mapped(self, df: DataFrame, rows: DataFrame, growing: Strata) -> tuple[Sample, cell_plans.CellMap, int]:
        """Sample the rows to grow and make the cells: the one job before the frame is built."""
        columns = self.features(df)
        width = width_of(df, columns)
        cell_rows = self._cell_rows(width)
        seed = stream(self.random_state, "sample")
        sample = sampled(rows, growing, columns, seed, width=width, cell_rows=cell_rows)
        made = cell_plans.made(sample, growing, cell_rows=cell_rows, k=self.k_neighbors, equalise=self.scale)
        return sample, made, cell_rows

    def _cell_rows(self, width: int) -> int:
        return self.cell_rows or max(256, CELL_NUMBERS // width)

    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        """Say what the search will cost: after a look at a sample, or, on paper, as bounded as it may be."""
        small = tuple(self._too_small(plan.classes))
        growing = [entry for entry in plan.classes if entry.after > entry.before > self.k_neighbors]
        if not growing:
            return unchanged(table, plan.rows_before, small)
        width, carried = table.numbers - 1 - len(self._keys), 0
        if seen is not None:
            columns, carried = self.features(seen.df), len(self._carried(seen.df))
            width = width_of(seen.df, columns)
            table = replace(table, numbers=table.numbers - len(columns.features) + width)
        cell_rows, alone = self._cell_rows(width), self.neighbors == "partition"
        if seen is None or alone:
            classes = on_paper(growing, width, cell_rows, alone=alone)
        else:
            strata = seen.strata.where(lambda entry: entry.after > entry.before > self.k_neighbors)
            mapped = self._mapped(seen.df, self._identified(seen.df), strata)
            classes = looked_at(strata, *mapped[:2], proven=self.neighbors == "exact")
        sizes = (plan.rows_before, width, self.k_neighbors, len(self._keys), carried, cell_rows)
        if self.neighbors == "exact":
            small += ("what 'exact' costs beyond 'cells', a second scan and two shuffles, comes on top",)
        search = CellSearch(table, *sizes, only_added=self.output == "added", classes=classes)
        low = self._warning(search.facts())
        return search.sketch(model, (*small, low) if low else small)

    def _check_plan(self, plan: ResamplingPlan) -> None:
        for sentence in self._too_small(plan.classes):
            raise SparkBalanceError(sentence)

    def _too_small(self, classes: Sequence[ClassPlan]) -> Iterator[str]:
        """Tell each class that grows and has too few rows for its neighbours."""
        for entry in classes:
            if entry.before <= self.k_neighbors and entry.after > entry.before:
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
        values = new_features(columns)
        # one column of the projection is enough, and it must not be a constant that is folded away
        first = columns.features[0].name
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
        told = self._told(df, F.lit("synthetic"), F.col(ORIGIN), F.element_at(NEAR_ORIGIN, F.col(SLOT) + 1), F.col(GAP))
        return labelled.select(*selected, *told)

    def _notes(self, columns: FeatureColumns, growing: Strata, cell_map: cell_plans.CellMap) -> dict[str, object]:
        names = [feature.name for feature in columns.features]
        notes: dict[str, object] = {"features": names, "neighbors": self.neighbors}
        log.info("%s: features %s", self._name, ", ".join(names))
        if self.neighbors == "partition":
            return notes
        rows = sum(row.entry.before for row in growing.rows)
        weigh = {row.code: row.entry.before / rows for row in growing.rows}
        recall = sum(cell_map.classes[code].estimate.recall * share for code, share in weigh.items())
        recall = 1.0 if self.neighbors == "exact" else recall
        guests = sum(cell_map.classes[code].estimate.guests * share for code, share in weigh.items())
        log.info("%s: %d cells, %.2f guests a row, estimated recall %.4f", self._name, cell_map.n_cells, guests, recall)
        return notes | {"cells": cell_map.n_cells, "guests_per_row": guests, "estimated_recall": recall}

    def _warning(self, notes: dict[str, object]) -> str | None:
        recall = notes.get("estimated_recall", 1.0)
        if not isinstance(recall, float) or recall >= LOW_RECALL:
            return None
        return (
            f"{self._name}: cells are estimated to hold {recall:.3f} of the true neighbours, below {LOW_RECALL}; "
            "use larger cell_rows or fewer features"
        )
