"""Sizes of cells, guests and skew at sizes that this machine cannot hold, by the real kernels in NumPy.

A class of so many rows is generated in blocks that are placed in their cells and forgotten; of each cell only the count
is kept. Beyond what fits in minutes the cells are made for the whole class (their number, sample and margin), and a
random part of it is placed, which shows the same sizes relative to their mean, but for the noise of counting: a cell in
which 250 rows are placed is known to 6 %, one in which 100 are to 10 %.

    .venv/bin/python scripts/bench/simulate_cells.py [--quick] [case ...]
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
from generate import Floats, latent_rows
from section import Options, Row, cold, main

from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.sample import Sample, expected_rows
from spark_balance.kernels import Ints
from spark_balance.kernels.centroids import Cells
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors import cells as cell_plans, estimates
from spark_balance.neighbors.cells import default_cell_size
from spark_balance.neighbors.pools import pools_of_classes

K = 5
ASKED = 400
BLOCK_NUMBERS = 100_000 * 28


@dataclass(frozen=True)
class Case:
    """A class of so many rows and features, and how many of its rows are placed."""

    rows: int
    features: int
    placed: int


CASES = {
    "1 M": Case(10**6, 28, 10**6),
    "10 M": Case(10**7, 28, 10**7),
    "100 M": Case(10**8, 28, 10**7),
    "1 G": Case(10**9, 28, 10**6),
    "10 G": Case(10**10, 28, 10**6),
    "10 M x 200": Case(10**7, 200, 5 * 10**5),
    "10 G x 200": Case(10**10, 200, 4 * 10**5),
}
QUICK = {"1 M": Case(10**6, 28, 10**5)}


def one(request: Row) -> Row:
    """Make the cells of one case, place the rows, and return what the cells are like."""
    case = Case(**request)
    size = default_cell_size(case.features)
    (sampled,) = expected_rows([case.rows], width=case.features, cell_size=size)
    start = time.time()
    sample = latent_rows(round(sampled), 1, case.features)
    scale = Scale.fit(sample, equalize=True)
    inside, within = estimates.estimate_inside, list[float]()

    def noted(*given: Any) -> float:
        within.append(inside(*given))
        return within[-1]

    with patch.object(cell_plans, "estimate_inside", noted):
        of_class = Sample(FeatureColumns((), (case.features,)), {0: sample}, {0: np.arange(len(sample))}, {0: 1.0})
        pools = pools_of_classes({0: case.rows}, K)
        made = cell_plans.fit_cells(of_class, pools, scale, cell_plans.Goal(size)).pools[0]
    cells, estimate = made.cells, made.estimate
    driver = time.time() - start
    asked = Asked(cells, scale.integers(latent_rows(ASKED, 999, case.features)))
    home, visits, placing = _placed(case, scale, cells, asked)
    sizes = (home + visits) * (case.rows / case.placed)
    return {
        "cells": len(cells),
        "sampled": round(sampled),
        "driver_seconds": driver,
        "us_per_row": placing / case.placed * 1e6,
        "shards": int(made.shards.sum()),
        # of the neighbours that are at hand, not of those that the search inside the cell then finds
        "recall_estimated": estimate.recall / within[-1],
        # of a part of the rows only the part's neighbours are known
        "recall": asked.recall if case.placed == case.rows else None,
        "guests_estimated": estimate.halo,
        "guests": float(visits.sum() / home.sum()),
        "mean": float(sizes.mean()),
        "smallest": float(sizes.min()),
        "half": float(np.median(sizes)),
        "most": float(np.quantile(sizes, 0.99)),
        "largest": float(sizes.max()),
        "cell_rows": int(size.of(case.rows)),
    }


class Asked:
    """Rows whose true neighbours are looked for among all that pass, and whether their cell has them."""

    def __init__(self, cells: Cells, points: Floats) -> None:
        self.points, self.home = points, cells.owners(points)
        self.nearest = np.full((len(points), K), np.inf)
        self.here = np.zeros((len(points), K), dtype=bool)

    def look(self, rows: Floats, own: Ints, visitor: Ints, visited: Ints) -> None:
        """Take the nearest of a block of rows, with their homes and visits."""
        squares = np.einsum("rf,rf->r", rows, rows) - 2 * self.points @ rows.T
        near = np.argpartition(squares, K, axis=1)[:, :K]
        visits = set(zip(visitor.tolist(), visited.tolist(), strict=True))
        at_home = own[near] == self.home[:, None]
        guest = [[(row, home) in visits for row in some] for some, home in zip(near, self.home, strict=True)]
        distance = np.concatenate([self.nearest, np.take_along_axis(squares, near, 1)], axis=1)
        here = np.concatenate([self.here, at_home | np.array(guest)], axis=1)
        best = np.argsort(distance, axis=1)[:, :K]
        self.nearest = np.take_along_axis(distance, best, 1)
        self.here = np.take_along_axis(here, best, 1)

    @property
    def recall(self) -> float:
        """Share of the true neighbours that are at home or guests in the cell of the row that asks."""
        return float(self.here.mean())


def _placed(case: Case, scale: Scale, cells: Cells, asked: Asked) -> tuple[Floats, Floats, float]:
    """Return the rows at home in each cell, its guests, and the seconds of placing, without making the rows."""
    home, visits, seconds = np.zeros(len(cells)), np.zeros(len(cells)), 0.0
    block = BLOCK_NUMBERS // case.features
    for number, first in enumerate(range(0, case.placed, block)):
        rows = latent_rows(min(block, case.placed - first), 1_000 + number, case.features)
        start = time.time()
        points = scale.integers(rows)
        own, visitor, visited = cells.halo(points)
        seconds += time.time() - start
        asked.look(points, own, visitor, visited)
        home += np.bincount(own, minlength=len(cells))
        visits += np.bincount(visited, minlength=len(cells))
    return home, visits, seconds


def measure(options: Options) -> list[Row]:
    """Simulate every case in a process of its own."""
    result: list[Row] = []
    for name, case in (QUICK if options.quick else CASES).items():
        if options.wants(name):
            about = {"rows": case.rows, "features": case.features, "placed": case.placed}
            done = cold(about, say=f"cells of {case.rows:,} x {case.features}, {case.placed:,} placed")
            result.append({"case": name} | about | done.answer | {"process_rss": done.peak.process_rss})
    return result


if __name__ == "__main__":
    main(measure, one, rounds=1)
