"""Cluster centroids: replace the rows of larger classes by the middles of their clusters."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Literal, Self

from pydantic import model_validator
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import quoted
from spark_balance.cost import CostModel, Part, Sketch, Step, Table
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.clusters import LLOYD_STEPS, clustered, clustered_by
from spark_balance.kernels.draws import stream
from spark_balance.plans.cells import FEATURES, cells_wanted, made
from spark_balance.plans.chosen import of_classes, only_chosen
from spark_balance.plans.clustered import Clusterer, centroids, cluster_counts, middle_units
from spark_balance.plans.features import FeatureColumns
from spark_balance.plans.interpolate import in_schema
from spark_balance.plans.keys import UNIT, numbered
from spark_balance.plans.strata import Strata
from spark_balance.samplers.base import Resampled, RowsOut
from spark_balance.samplers.explained import Seen
from spark_balance.samplers.searching import CELL_NUMBERS, SearchingSampler
from spark_balance.samplers.steps import counted, unchanged, written
from spark_balance.summary import ResamplingPlan


class ClusterCentroids(SearchingSampler):
    """Replace the rows of each targeted class by as many cluster centroids as it is to have rows (k-means).

    A class of more than `cell_rows` rows is cut into cells of near rows first; each is clustered by
    itself, into its share of the clusters.

    Parameters
    ----------
    voting : {'auto', 'soft', 'hard'}, default 'auto'
        'soft' makes new rows, the means of the features of the clusters' rows, NULL in all other columns;
        'hard' keeps of each cluster the row that is nearest to its mean. 'auto' is 'soft'.
    estimator : object, optional
        A clusterer with scikit-learn's `n_clusters` and `cluster_centers_`, fitted in the tasks; default
        Lloyd's k-means with k-means++ starts, which gives the same rows on any machine.

    Notes
    -----
    Cost, besides the counts: one job that checks the features and samples them, one that counts
    the rows of each cell, unless every class is one; then lazily two scans, one shuffle of the features of
    the targeted rows, two crossings to Python; `voting='hard'` broadcasts the rows kept. `cell_rows`
    is 8,192 by default at 28 features. See `Sampler` and `SearchingSampler` for the other parameters.
    """

    family: ClassVar[Literal["under"]] = "under"
    rows: ClassVar[Literal["free"]] = "free"
    random: ClassVar[bool] = True
    action: ClassVar[str] = "cluster"

    voting: Literal["auto", "soft", "hard"] = "auto"
    estimator: Any = None

    @model_validator(mode="after")
    def _clusters(self) -> Self:
        if self.estimator is not None:
            told = self.estimator.get_params() if hasattr(self.estimator, "get_params") else {}
            if isinstance(self.estimator, type) or "n_clusters" not in told or not hasattr(self.estimator, "fit"):
                raise ValueError(
                    f"estimator={self.estimator!r} has no parameter n_clusters; give a clusterer as scikit-learn makes "
                    "them, such as MiniBatchKMeans(n_init=1)"
                )
        return self

    @property
    def _makes(self) -> RowsOut:
        return "subset" if self.voting == "hard" else "free"

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts: sample, rows of cells."""
        return 2

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        for name in self.left_null(df):
            if not df.schema[name].nullable:
                raise SparkBalanceError(
                    f"{self._name}: column '{name}' may not be NULL and is not a feature, so a centroid has no "
                    "value for it; set voting='hard' to keep real rows, or drop it"
                )

    def left_null(self, df: DataFrame) -> tuple[str, ...]:
        """Return the columns that are NULL in centroids."""
        known = {self.label_col, *self._within, *(feature.name for feature in self.features(df).features)}
        return () if self.voting == "hard" else tuple(name for name in df.columns if name not in known)

    def _cell_rows(self, width: int) -> int:
        # clustering compares every row with every cluster of its cell: small cells cost less
        return self.cell_rows or max(256, CELL_NUMBERS // (8 * width))

    def _clusterer(self) -> Clusterer:
        if self.estimator is None:
            return clustered
        return partial(clustered_by, estimator=self.estimator, seed=stream(self.random_state, "estimator") % 2**31)

    def _resampled(self, df: DataFrame, plan: ResamplingPlan, strata: Strata) -> Resampled:
        targeted = [row.code for row in strata.rows if row.entry.action == self.action]
        shrinking = strata.where(lambda entry: entry.action == self.action and entry.after > 0)
        rows = self._identified(df)
        attached = strata.attach(rows, {})
        if not shrinking.rows:
            return Resampled(attached.where(~of_classes(targeted)).select(*self._original_columns(df)), plan)
        sample, cell_rows = self._sampled(df, rows, shrinking)
        cell_map = made(sample, shrinking, cell_rows=cell_rows, k=1, equalise=self.scale).without_guests()
        chosen = shrinking.only(rows, {})
        if self.voting == "hard":
            chosen = attached
        placed = numbered(chosen, of_classes(targeted), bool(self._keys), plan.rows_before)
        units = placed.where(of_classes([row.code for row in shrinking.rows])).select(
            *UNIT, sample.columns.flat.alias(FEATURES)
        )
        wanted = {row.code: (row.entry.before, row.entry.after) for row in shrinking.rows}
        clusters = cluster_counts(units, cell_map, self._name, wanted)
        work = (units, cell_map, clusters, self._clusterer(), stream(self.random_state, "cluster"))
        notes = {"features": [feature.name for feature in sample.columns.features], "cells": cell_map.n_cells}
        if self.voting == "hard":
            kept = only_chosen(placed, targeted, middle_units(*work), sum(clusters.values()))
            return Resampled(kept.select(*self._original_columns(df)), plan, notes)
        stay = attached.where(~of_classes(targeted)).select(*self._original_columns(df))
        new = shrinking.labelled(centroids(*work))
        return Resampled(stay.unionAll(new.select(*in_schema(df.schema, self._values(sample.columns)))), plan, notes)

    def _values(self, columns: FeatureColumns) -> dict[str, Any]:
        values = columns.restored(lambda i: F.get(FEATURES, F.lit(i)))
        return values | {name: F.col(quoted(name)) for name in (self.label_col, *self._within)}

    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        shrinking = [entry for entry in plan.classes if 0 < entry.after < entry.before]
        rows = plan.rows_before
        if not shrinking:
            return unchanged(table, rows, ())
        width = table.numbers - 1 - len(self._keys)
        if seen is not None:
            width = self._width(seen.df)
        cells = [cells_wanted(entry.before, self._cell_rows(width)) for entry in shrinking]
        scan = {"read": float(rows * (width + len(self._keys) + 1))}
        homed = float(sum(entry.before * n for entry, n in zip(shrinking, cells, strict=True)))
        place = scan | {"homed": homed, "placed": homed * width, "python": 1.0}
        compared = float(sum(e.before * e.after / n for e, n in zip(shrinking, cells, strict=True))) * LLOYD_STEPS
        moved = sum(entry.before for entry in shrinking)
        work = {"distances": compared, "products": compared * width, "shuffled": float(8 * moved * width)}
        splits = table.splits(rows)
        steps = [counted(table, rows), Step("sample", (Part(splits, scan),), rows)]
        if max(cells) > 1:
            steps.append(Step("count cells", (Part(splits, place),), rows))
        last = written(table, rows, plan.rows_after, len(self._keys))
        parts = (Part(splits, place), Part(sum(cells), work), *last.parts)
        steps.append(Step("cluster, write", parts, 2 * rows, plan.rows_after, moved, 8 * moved * width))
        return Sketch(tuple(steps), {"cells": sum(cells)}, (f"clusters move {LLOYD_STEPS} times, the most there are",))
