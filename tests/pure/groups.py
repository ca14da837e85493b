"""Cells of rows on a coarse grid: ties, equal rows and halo rows."""

from __future__ import annotations

import numpy as np

from spark_balance.kernels.members import Members


def members(seed, rows, values=6, classes=3, halo=0.3):
    """Return so many rows of a few classes in two features of so many values; some of them halo rows."""
    draw = np.random.default_rng(seed)
    points = draw.integers(0, values, (rows, 2)).astype(float)
    codes = draw.integers(0, classes, rows)
    ids = np.column_stack([np.sort(draw.integers(-(2**62), 2**62, rows)), draw.integers(0, 9, rows), np.zeros(rows)])
    return Members(points, codes, ids.astype(np.int64), draw.random(rows) >= halo)
