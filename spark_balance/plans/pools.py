"""Cells that several classes share: rows are searched among all classes, or those of some among those of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column
from pyspark.sql import functions as F

from spark_balance.columns import temp
from spark_balance.kernels.centroids import Cells, fit_centroids
from spark_balance.kernels.local import expected_recall
from spark_balance.kernels.nearest import norms
from spark_balance.kernels.neighbourhood import QUERIES, Estimate, chosen_margin, expected_among, expected_neighbours
from spark_balance.kernels.scale import Scale
from spark_balance.plans.cell_map import CellMap, ClassCells
from spark_balance.plans.cells import MOST_GUESTS, RECALL, cells_wanted
from spark_balance.plans.keys import by_code
from spark_balance.plans.sample import Sample
from spark_balance.plans.strata import Strata

POOL = temp("pool")
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pool:
    """The classes of one group, which search each other.

    Attributes
    ----------
    number : int
    rows : dict of int to int
        Rows of each class, by its number.
    labels : dict of int to label
        What each class number stands for.
    """

    number: int
    rows: dict[int, int]
    labels: dict[int, object]

    @property
    def minority(self) -> int:
        """The number of the smallest class; of several, that of the smallest label."""
        return min(self.rows, key=lambda code: (self.rows[code], code))


@dataclass(frozen=True)
class Asked:
    """One kind of question to a pool: the rows of some classes look for k neighbours among those of some.

    Attributes
    ----------
    queries, among : tuple of int
        Class numbers.
    k : int
    """

    queries: tuple[int, ...]
    among: tuple[int, ...]
    k: int


def pools_of(strata: Strata) -> list[Pool]:
    """Return the classes of each group, in the order of the plan."""
    groups: dict[tuple[object, ...], Pool] = {}
    for row in strata.rows:
        pool = groups.setdefault(row.entry.group, Pool(len(groups), {}, {}))
        pool.rows[row.code] = row.entry.before
        pool.labels[row.code] = row.entry.label
    return list(groups.values())


def pool_number(pools: Sequence[Pool]) -> Column:
    """Return the number of the pool that a row's class is in; NULL for rows of none."""
    if len(pools) == 1:
        return F.lit(pools[0].number)
    return by_code({code: pool.number for pool in pools for code in pool.rows}).cast("int")


def pooled(sample: Sample, pools: Sequence[tuple[Pool, Sequence[Asked]]], *, cell_rows: int, equalise: bool) -> CellMap:
    """Make the cells of every pool on the driver, from the sample.

    Parameters
    ----------
    sample : Sample
        Rows of each class.
    pools : sequence of (Pool, sequence of Asked)
        Each pool, with what is asked of it.
    cell_rows : int
        Rows that are to be at home in a cell; a pool of at most so many is one cell.
    equalise : bool
        Scale the features for the distance.

    Returns
    -------
    CellMap
        By the number of the pool.
    """
    scale = Scale.fit(sample.evenly(sample.rows), equalise=equalise)
    integers = replace(sample, rows={code: scale.integers(rows) for code, rows in sample.rows.items()})
    classes, start = {}, 0
    for pool, asked in pools:
        one = _cells(integers, pool, asked, start, cell_rows)
        classes[pool.number] = one
        start += int(one.shards.sum())
    return CellMap(scale, classes).sharing_tasks({pool.number: sum(pool.rows.values()) for pool, _ in pools})


def compared(sample: Sample, cell_map: CellMap, pool: Pool, asked: Asked) -> float:
    """Estimate how many others come to the cell of a row that asks, guests included: it is compared with them."""
    of_pool = cell_map.classes[pool.number]
    own = cell_map.scale.integers(sample.evenly(asked.queries))
    others, codes = sample.evenly_coded(asked.among)
    sizes = of_pool.sizes(cell_map.scale.integers(others), sum(pool.rows[code] for code in asked.among), codes)
    first = np.cumsum(of_pool.shards) - of_pool.shards
    return float(np.mean(sizes[first[of_pool.cells.homes(own)]] if len(own) else sizes))


def _cells(sample: Sample, pool: Pool, asked: Sequence[Asked], first: int, cell_rows: int) -> ClassCells:
    rows = sum(pool.rows.values())
    points = sample.evenly(pool.rows)
    visitors = tuple(sorted({code for one in asked for code in one.among}))
    wanted = cells_wanted(rows, cell_rows)
    if wanted == 1 or not len(points):
        one_cell = Cells(np.zeros((1, points.shape[1])))
        inside = [_inside(sample, pool, one, 1.0) for one in asked]
        found = min((_all_found(*one) for one in zip(inside, asked, strict=True)), default=1.0)
        told = Estimate(min(inside, default=1.0), 0.0, found)
        return ClassCells(first, one_cell, np.ones(1, np.int64), told, visitors)
    most = max(one.k for one in asked)
    cells = Cells(fit_centroids(points, wanted, most + 2, 1.5 * cell_rows / rows)).with_radius(points)
    pairs = [_expected(sample, pool, one) for one in asked]
    own = np.concatenate([np.repeat(own, near.shape[1], axis=0) for own, near in pairs])
    near = np.concatenate([near.reshape(-1, points.shape[1]) for _, near in pairs])
    may = sample.evenly(visitors)
    share = sum(pool.rows[code] for code in visitors) / rows
    # rows of a small class may visit more often: it is the visits for each row of the pool that cost
    cells, estimate = chosen_margin(cells, own, near, may, recall=RECALL, most_guests=MOST_GUESTS / share)
    sizes = np.bincount(cells.homes(points), minlength=len(cells)) * rows / len(points)
    shards = np.maximum(1, np.ceil(sizes / (2 * cell_rows))).astype(np.int64)
    inside = [_inside(sample, pool, one, (1 + estimate.guests) * float(sizes.max()) / rows) for one in asked]
    made = ClassCells(first, cells, shards, estimate, visitors)
    proven = [
        _proven_share(made, *pair) * _all_found(recall, one)
        for pair, recall, one in zip(pairs, inside, asked, strict=True)
        if pair[1].size
    ]
    told = Estimate(estimate.recall * min(inside), estimate.guests * share, min(proven) if proven else None)
    return replace(made, estimate=told)


def _proven_share(cells: ClassCells, own: Floats, near: Floats) -> float:
    """Return the share of sampled rows that no row outside of their cell can be nearer to than their neighbours."""
    return float(np.mean(cells.proven(own, np.sqrt(norms(near[:, -1] - own)))))


def _all_found(recall: float, asked: Asked) -> float:
    """Return the share of rows that find all of their neighbours inside a cell, one after the other by chance."""
    return recall**asked.k


def _expected(sample: Sample, pool: Pool, asked: Asked) -> tuple[Floats, Floats]:
    """Return rows, and where their neighbours are to be expected, the nearest first."""
    others, there = sample.evenly(asked.among), sum(pool.rows[code] for code in asked.among)
    own = sample.evenly(asked.queries)[:QUERIES]
    if set(asked.queries) == set(asked.among):
        near = expected_neighbours(others, np.arange(len(own)), there, min(asked.k, len(others) - 1))
    else:
        near = expected_among(own, others, there, asked.k)
    return own, near


def _inside(sample: Sample, pool: Pool, asked: Asked, share: float) -> float:
    """Estimate the recall of a search inside a cell that such a share of the rows have come to."""
    others, there = sample.evenly(asked.among), sum(pool.rows[code] for code in asked.among)
    return expected_recall(others, np.arange(len(others)), round(min(1.0, share) * there), asked.k)
