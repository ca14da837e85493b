"""What each class brings to a search in cells: from the cells that were made, or assumed on paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.local import candidates, pivots
from spark_balance.kernels.neighbourhood import QUERIES
from spark_balance.kernels.pivots import JUDGES
from spark_balance.plans.cell_map import CellMap
from spark_balance.plans.cells import LOOKS, MOST_GUESTS, cells_wanted
from spark_balance.plans.pools import Pool
from spark_balance.plans.sample import Sample, expected_rows
from spark_balance.plans.strata import Strata
from spark_balance.summary import ClassPlan, ResamplingPlan

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ClassWork:
    """What a class brings to the search.

    Attributes
    ----------
    rows, added : int
        Rows of the class, and synthetic rows wanted of it.
    sizes : ndarray of shape (n_tasks,)
        Expected rows of each cell, guests included.
    centroids : int
    guests : float
        Visits for each row.
    recall : float or None
        None when no data was looked at.
    sampled : int
        Rows of the class in the driver's sample.
    proven : float, optional
        Share of rows whose neighbours are proven, where classes share cells and data was looked at.
    """

    rows: int
    added: int
    sizes: Floats
    centroids: int
    guests: float
    recall: float | None
    sampled: int
    proven: float | None = None

    @property
    def bases(self) -> int:
        """Rows that are searched for."""
        return min(self.rows, self.added)

    @property
    def candidates(self) -> int:
        """Others that a base is compared with."""
        return candidates(round(float(self.sizes.mean())))

    @property
    def pivots(self) -> int:
        """Pivots of a cell."""
        return pivots(round(float(self.sizes.mean())))

    @property
    def judged(self) -> float:
        """Comparisons that the estimate of recall takes: in a few cells, and across their borders."""
        looks = min(self.centroids, LOOKS) if self.pivots else 0
        inside = looks * self.pivots * JUDGES + bool(looks) * QUERIES * self.sampled / self.centroids
        return inside + (QUERIES * self.sampled if self.centroids > 1 else 0)


def on_paper(classes: Sequence[ClassPlan], width: int, cell_rows: int, *, alone: bool) -> tuple[ClassWork, ...]:
    """Assume cells of equal size and as many guests as are allowed, or none where partitions stay `alone`."""
    sampled = expected_rows([entry.before for entry in classes], width=width, cell_rows=cell_rows)
    works = []
    for entry, some in zip(classes, sampled, strict=True):
        cells = -(-entry.before // cell_rows) if alone else cells_wanted(entry.before, cell_rows)
        guests = 0.0 if alone or cells == 1 else MOST_GUESTS
        sizes = np.full(cells, (1 + guests) * entry.before / cells)
        added = entry.after - entry.before
        works.append(ClassWork(entry.before, added, sizes, 1 if alone else cells, guests, None, round(some)))
    return tuple(works)


def looked_at(strata: Strata, sample: Sample, cell_map: CellMap, *, proven: bool) -> tuple[ClassWork, ...]:
    """Take sizes, guests and recall from the cells that were made and the sample that made them."""
    works = []
    for row in strata.rows:
        of_class = cell_map.classes[row.code]
        points = cell_map.scale.integers(sample.rows.get(row.code, np.empty((0, sample.columns.width))))
        rows, told = row.entry.before, of_class.estimate
        sizes = of_class.sizes(points, rows)
        added = row.entry.after - rows
        recall = 1.0 if proven else told.recall
        works.append(ClassWork(rows, added, sizes, len(of_class.cells), told.guests, recall, len(points)))
    return tuple(works)


def pools_on_paper(plan: ResamplingPlan, width: int, cell_rows: int) -> tuple[ClassWork, ...]:
    """Assume the same of rows of all classes that search each other."""
    rows = plan.rows_before
    whole = ClassPlan((), None, rows, 2 * rows, "")
    return on_paper([whole], width, cell_rows, alone=False)


def pools_looked_at(sample: Sample, cell_map: CellMap, pools: Sequence[Pool]) -> tuple[ClassWork, ...]:
    """Take sizes, guests and recall from the cells that several classes share."""
    works = []
    for pool in pools:
        of_pool, rows = cell_map.classes[pool.number], sum(pool.rows.values())
        points, codes = sample.evenly_coded(pool.rows)
        told = of_pool.estimate
        sizes = of_pool.sizes(cell_map.scale.integers(points), rows, codes)
        cells = len(of_pool.cells)
        works.append(ClassWork(rows, rows, sizes, cells, told.guests, told.recall, len(points), told.proven))
    return tuple(works)
