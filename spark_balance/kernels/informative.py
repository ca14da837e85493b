"""How much a row tells of the border to other classes: the weights of MWMOTE, as levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.members import Ints, Members

Floats = NDArray[np.float64]
STEPS = 16  # levels in a factor of two
LEAST = -31  # weights below 2^(LEAST - 1) are level 1
MOST_LEVEL = 1_000
MOST_INFORMATIVE = 100


@dataclass(frozen=True)
class Informative:
    """Gives the rows of some classes the level of their selection weight (Barua et al., 2014).

    Attributes
    ----------
    name : str
        The column of the level; 0 for a weight of 0.
    targeted : tuple of int
        Class numbers.
    k1, k2, k3 : int
        Neighbours that tell noise; rows of other classes that a row makes border; rows of
        the class that such a row makes informative (None: half of those in the cell, at most 100).
    cut_off, most : float
        The largest closeness, and what it is scaled to.
    unit : float
        What distance 1 is in integers.
    """

    name: str
    targeted: tuple[int, ...]
    k1: int
    k2: int
    k3: int | None
    cut_off: float
    most: float
    unit: float

    def __call__(self, members: Members) -> tuple[Ints, Mapping[str, NDArray[np.generic]]]:
        """Return the rows and their levels."""
        weights = np.zeros(len(members.codes))
        for code in self.targeted:
            self._add(members, code, weights)
        rows = members.judged(*self.targeted)
        return rows, {self.name: levels_of(weights[rows])}

    def _add(self, members: Members, code: int, weights: Floats) -> None:
        """Put the weights of a class in their place."""
        own = members.of(code)
        others = np.flatnonzero(members.codes != code)
        same = members.codes[members.voting(own, self.k1)] == code
        own = own[same.any(axis=1)]
        if not len(own) or not len(others):
            return
        border = np.unique(members.nearest_of(own, others, self.k2)[0])
        k3 = self.k3 or min(MOST_INFORMATIVE, max(1, len(own) // 2))
        near, squares = members.nearest_of(border, own, k3)
        away = np.sqrt(np.maximum(0.0, squares)) / (self.unit * members.points.shape[1])
        close = np.minimum(self.cut_off, 1 / np.maximum(away, 1e-300)) * (self.most / self.cut_off)
        dense = close / close.sum(axis=1, keepdims=True)
        np.add.at(weights, near.ravel(), (close * dense).ravel())


def levels_of(weights: Floats) -> NDArray[np.int32]:
    """Return the level of each weight: 16 in every factor of two, by its bits alone."""
    mantissa, exponent = np.frexp(weights)
    level = (exponent - LEAST) * STEPS + np.floor((mantissa - 0.5) * 2 * STEPS) + 1
    return np.where(weights > 0, np.clip(level, 1, MOST_LEVEL), 0).astype(np.int32)


def weight_of(level: int) -> float:
    """Return the weight in the middle of a level."""
    exponent, step = divmod(level - 1, STEPS)
    return float(np.ldexp(0.5 + (step + 0.5) / (2 * STEPS), exponent + LEAST)) if level else 0.0
