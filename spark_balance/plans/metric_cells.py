"""Cells of rows whose distance is not that of their numbers: a metric says who is near, and where to look for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.centroids import Cells, fit_centroids
from spark_balance.kernels.neighbourhood import QUERIES, Estimate, chosen_margin, drawn_nearer
from spark_balance.kernels.scale import Scale
from spark_balance.plans.cell_map import CellMap, ClassCells
from spark_balance.plans.cells import MOST_CELLS, MOST_GUESTS, RECALL, cells_wanted
from spark_balance.plans.sample import Sample
from spark_balance.plans.strata import Strata

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Metric(Protocol):
    """A kernel that knows who is near whom."""

    def nearest(self, points: Floats, queries: Ints, k: int) -> Ints:
        """Return positions of the k nearest others of some rows, by (distance, position)."""
        ...

    def embedded(self, points: Floats) -> Floats:
        """Return integer points near which, by ordinary distance, near rows mostly are."""
        ...


@dataclass(frozen=True, kw_only=True)
class MetricCells(ClassCells):
    """The cells of one class, in the space where its metric embeds it."""

    metric: Metric

    def places(self, points: Floats, lo: Ints, codes: Ints) -> tuple[Ints, Ints, Ints]:
        """Return the cell of each point, and the (position, cell) pairs of its visits, over all classes."""
        return super().places(self.metric.embedded(points), lo, codes)

    def sizes(self, points: Floats, rows: int, codes: Ints | None = None) -> Floats:
        """Return how many of so many rows each cell is expected to hold, guests included, from a sample of them."""
        return super().sizes(self.metric.embedded(points), rows, codes)


def made_by(
    metrics: Mapping[int, Metric], scale: Scale, sample: Sample, strata: Strata, *, cell_rows: int, k: int
) -> CellMap:
    """Make the cells of every class on the driver, from the sample.

    Parameters
    ----------
    metrics : dict of int to Metric
        For each class number.
    scale : Scale
        Turns features into what the metrics take.
    sample, strata, cell_rows, k
        As of `plans.cells.made`.
    """
    classes, start = {}, 0
    for row in strata.rows:
        points = scale.integers(sample.rows.get(row.code, np.empty((0, sample.columns.width))))
        one = _cells(metrics[row.code], points, row.entry.before, start, cell_rows, k)
        classes[row.code] = one
        start += int(one.shards.sum())
    return CellMap(scale, dict(classes))


def _cells(metric: Metric, points: Floats, rows: int, first: int, cell_rows: int, k: int) -> MetricCells:
    cell_rows = max(cell_rows, -(-rows // MOST_CELLS))
    wanted = cells_wanted(rows, cell_rows)
    there = metric.embedded(points)
    if wanted == 1 or not len(points):
        whole = Cells(np.zeros((1, there.shape[1])))
        return MetricCells(first, whole, np.ones(1, np.int64), Estimate(1.0, 0.0), metric=metric)
    cells = Cells(fit_centroids(there, wanted, k + 2, 1.5 * cell_rows / rows)).with_radius(there)
    estimate = Estimate(1.0, 0.0)
    if len(cells) > 1:
        queries = np.arange(min(QUERIES, len(points)))
        near = metric.nearest(points, queries, k)
        expected = drawn_nearer(there[queries], there[near], len(points) / rows).reshape(-1, there.shape[1])
        asked = np.repeat(there[queries], near.shape[1], axis=0)
        cells, estimate = chosen_margin(cells, asked, expected, there, recall=RECALL, most_guests=MOST_GUESTS)
    share = np.bincount(cells.homes(there), minlength=len(cells)) * rows / len(points)
    shards = np.maximum(1, np.ceil(share / (2 * cell_rows))).astype(np.int64)
    return MetricCells(first, cells, shards, estimate, metric=metric)
