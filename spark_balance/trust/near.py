"""Distances of some rows to the nearest originals."""

from __future__ import annotations

import numpy as np

from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.kernels.closest import Closest


class Near:
    """Distances of rows to the nearest originals, in standard deviations of a feature; `times` each row is there."""

    def __init__(self, found: Closest, rows: slice, times: Ints, unit: float, *, among: bool) -> None:
        """Take those of some rows that asked; `among` means that they are among the originals themselves."""
        equal = found.equal[rows] - among > 0
        self.times = times
        self.own: Floats = np.where(equal, 0.0, np.sqrt(found.own[rows]) / unit)
        self.other: Floats = np.sqrt(found.other[rows]) / unit
        self.parent: Floats = np.sqrt(found.parent[rows]) / unit

    @property
    def any(self) -> Floats:
        """The distance to the nearest original of any class."""
        return np.minimum(self.own, self.other)

    @property
    def strange(self) -> Bools:
        """Whether the nearest original is of another class."""
        return self.other < self.own
