"""The rows that meet in one cell, and who is near whom among them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.local import LocalSearch, local_among

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Members:
    """The rows of a cell, guests included, in the order of their identities.

    Attributes
    ----------
    points : ndarray of shape (n_rows, n_features)
        Scaled integers held in float64: what distances are computed of.
    codes : ndarray of shape (n_rows,)
        Class numbers.
    ids : ndarray of shape (n_rows, 3)
        Identities: two halves of the hash, and the number among identical rows.
    home : ndarray of shape (n_rows,)
        False for guests, which other cells judge.
    """

    points: Floats
    codes: Ints
    ids: Ints
    home: Bools

    @cached_property
    def _searches(self) -> dict[tuple[int, bool], LocalSearch]:
        return {}

    def of(self, *codes: int) -> Ints:
        """Return the positions of the rows of some classes, guests included."""
        return np.flatnonzero(np.isin(self.codes, codes))

    def judged(self, *codes: int) -> Ints:
        """Return the positions of the rows of some classes that are at home here."""
        return np.flatnonzero(np.isin(self.codes, codes) & self.home)

    def neighbours(self, queries: Ints, k: int) -> Ints:
        """Return positions of the k nearest others of rows, among all, by (distance, identity)."""
        return self._search(k, voting=False)(queries)

    def voting(self, queries: Ints, k: int) -> Ints:
        """Return positions of k others of rows that are of the classes of the k nearest.

        They are the k nearest unless they and the row are all of the most frequent class here.
        """
        return self._search(k, voting=True)(queries)

    def _search(self, k: int, *, voting: bool) -> LocalSearch:
        if (k, voting) not in self._searches:
            self._searches[k, voting] = LocalSearch(self.points, k, codes=self.codes if voting else None)
        return self._searches[k, voting]

    def nearest_of(self, queries: Ints, others: Ints, k: int) -> tuple[Ints, Floats]:
        """Return positions and squared distances of the k nearest of `others`, none of which is a query."""
        found, away = local_among(self.points[queries], self.points[others], k)
        return others[found], away
