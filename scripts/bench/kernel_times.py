"""Seconds of the kernels alone, which whole runs cannot tell apart: searching a cell, and placing rows in cells."""

from __future__ import annotations

import time

import numpy as np
from generate import Floats, latent_rows
from section import Row

from spark_balance.cost import UNITS
from spark_balance.kernels.centroids import Cells
from spark_balance.kernels.local import candidates, local_neighbours, pivots
from spark_balance.kernels.nearest import one_thread
from spark_balance.kernels.scale import Scale

SEARCHED = ((4_000, 28), (30_000, 28), (80_000, 28), (30_000, 100), (10_000, 200))
PLACED = ((40_000, 28, 100), (40_000, 28, 1_000), (2_000, 28, 4_000), (20_000, 28, 4_000), (20_000, 200, 1_000))


def kernel_times() -> list[Row]:
    """Return work and seconds in the form of a timed run, each of one task."""
    rows = []
    for points, features in SEARCHED:
        made = _integers(points, features)
        start = time.time()
        local_neighbours(made, np.arange(points), 5)
        compared = float(points * candidates(points))
        work = {"distances": compared, "products": compared * features, "pivoted": 2.0 * points * pivots(points)}
        rows.append(_row(f"search {points:,} x {features}", work, time.time() - start))
    for points, features, cells in PLACED:
        made = _integers(points + cells, features)
        start = time.time()
        with one_thread():
            Cells(made[:cells], tau=0.1).guests(made[cells:])
        compared = float(points * cells)
        work = {"homed": compared, "placed": compared * features, "paired": float(cells**2)}
        rows.append(_row(f"place {points:,} x {features} in {cells:,}", work, time.time() - start))
    return rows


def _integers(points: int, features: int) -> Floats:
    made = latent_rows(points, 8, features)
    return Scale.fit(made, equalise=True).integers(made)


def _row(case: str, work: dict[str, float], seconds: float) -> Row:
    return {
        "case": case,
        "engine": "kernel",
        "work": {"write": dict.fromkeys(UNITS, 0.0) | work},
        "seconds": {"write": seconds},
        "held": [],
    }
