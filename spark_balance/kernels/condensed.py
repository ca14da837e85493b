"""Condensing: a subset of each class that classifies all its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.draws import xxhash64
from spark_balance.kernels.members import Floats, Ints, Members
from spark_balance.kernels.votes import mode


@dataclass(frozen=True)
class Condensed:
    """Fast condensed nearest neighbours: names the rows that the kept ones classify without them.

    Kept are the rows of other classes and, of each targeted class, the seeds; then, until no
    row is classified wrongly, for every kept row the nearest of the rows for which it is the
    nearest kept one and that are classified wrongly. No order of rows comes into it.

    Attributes
    ----------
    targeted : tuple of int
        Classes that rows are removed of.
    k : int
        Kept neighbours that classify a row.
    seeds : int
        Rows of each targeted class to begin with: those with the smallest draws.
    stream : int
        Sets these draws apart.

    Notes
    -----
    Guests of the targeted classes are left out, since they may be removed where they are at home.
    """

    targeted: tuple[int, ...]
    k: int
    seeds: int
    stream: int

    def __call__(self, members: Members) -> tuple[Ints, Mapping[str, NDArray[np.generic]]]:
        """Return the rows to remove."""
        new = np.union1d(np.setdiff1d(np.arange(len(members.codes)), members.of(*self.targeted)), self._seeds(members))
        rows = np.setdiff1d(members.judged(*self.targeted), new)
        near, away = np.empty((len(rows), 0), dtype=np.int64), np.empty((len(rows), 0))
        while len(rows):
            near, away = self._nearer(members, rows, new, near, away)
            wrong = np.flatnonzero(mode(members.codes[near]) != members.codes[rows])
            if not len(wrong):
                break
            order = wrong[np.lexsort((rows[wrong], away[wrong, 0], near[wrong, 0]))]
            chosen = order[np.unique(near[order, 0], return_index=True)[1]]
            new = np.sort(rows[chosen])
            others = np.setdiff1d(np.arange(len(rows)), chosen)
            rows, near, away = rows[others], near[others], away[others]
        return rows, {}

    def _seeds(self, members: Members) -> Ints:
        found = [np.empty(0, dtype=np.int64)]
        for code in self.targeted:
            rows = members.judged(code)
            drawn = xxhash64(self.stream, *members.ids[rows].T)
            found.append(rows[np.argsort(drawn, kind="stable")[: self.seeds]])
        return np.concatenate(found)

    def _nearer(self, members: Members, rows: Ints, new: Ints, near: Ints, away: Floats) -> tuple[Ints, Floats]:
        """Return the k nearest kept rows of each, those that are newly kept included."""
        found, distance = members.nearest_of(rows, new, self.k)
        near, away = np.concatenate([near, found], axis=1), np.concatenate([away, distance], axis=1)
        first = np.lexsort((near, away), axis=1)[:, : self.k]
        return np.take_along_axis(near, first, axis=1), np.take_along_axis(away, first, axis=1)
