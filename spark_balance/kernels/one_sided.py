"""One-sided selection: rows that a few seeds classify without them go, then the links of those that are left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.links import Links
from spark_balance.kernels.local import local_among
from spark_balance.kernels.members import Bools, Floats, Ints, Members
from spark_balance.kernels.nearest import among
from spark_balance.kernels.votes import mode

_FEW = 512  # of the minority, who outvote the seeds for most rows


@dataclass(frozen=True)
class Prototypes:
    """Rows that are known everywhere, wherever they are at home, in the order of their identities.

    Attributes
    ----------
    points : ndarray of shape (n_rows, n_features)
        Scaled integers held in float64.
    codes : ndarray of shape (n_rows,)
    ids : ndarray of shape (n_rows, 3)
    """

    points: Floats
    codes: Ints
    ids: Ints


@dataclass(frozen=True)
class OneSided:
    """Names the rows that go: by their nearest among minority and seeds, or as half of a link of what is left.

    Attributes
    ----------
    enemies : mapping of int to int
        For each class that is selected of, the minority (of its group).
    known : Prototypes
        Seeds of those classes, and rows of the minorities that a cell may be far from.
    k : int
        Neighbours that classify a row.
    names : sequence of str
        Columns for a pair of identities, as `Links` has them. A row that goes by itself
        is a pair with itself; any other pair is a link if it is named twice.
    """

    enemies: Mapping[int, int]
    known: Prototypes
    k: int
    names: Sequence[str]

    def __call__(self, members: Members) -> tuple[Ints, Mapping[str, NDArray[np.generic]]]:
        """Return the rows, and the pair for which each is named."""
        left = np.ones(len(members.codes), dtype=bool)
        for code, minority in self.enemies.items():
            left[self._redundant(members, code, minority)] = False
        # guests go too, by what can be seen of them here: a link is one of rows that are left
        gone, staying = np.flatnonzero(~left & members.home), np.flatnonzero(left)
        linked, pairs = Links(self.names)(_part(members, staying))
        alone = np.concatenate([members.ids[gone], members.ids[gone]], axis=1).T
        both = {name: np.concatenate([own, pairs[name]]) for name, own in zip(self.names, alone, strict=True)}
        return np.concatenate([gone, staying[linked]]), both

    def _redundant(self, members: Members, code: int, minority: int) -> Ints:
        """Return the rows of a class that are classified right without them."""
        rows, here = members.of(code), members.of(minority)
        known = np.flatnonzero(np.isin(self.known.codes, [code, minority]))
        seeds = _named(members.ids[rows], self.known.ids[known])
        rows = rows[~seeds]
        known = known[~_named(self.known.ids[known], members.ids[here])]
        ids = np.concatenate([members.ids[here], self.known.ids[known]])
        order = np.lexsort(ids.T[::-1])
        points = np.concatenate([members.points[here], self.known.points[known]])[order]
        codes = np.concatenate([members.codes[here], self.known.codes[known]])[order]
        rows = rows[~self._outvoted(members.points[rows], points[codes == code], points[codes == minority])]
        near = codes[local_among(members.points[rows], points, self.k)[0]]
        return rows[mode(near) == code] if near.size else rows[:0]

    def _outvoted(self, asked: Floats, seeds: Floats, minority: Floats) -> Bools:
        """Tell rows for which a few of the minority are enough to see that seeds cannot win the vote."""
        if not len(seeds) or len(minority) < self.k:
            return np.zeros(len(asked), dtype=bool)
        seed, enemies = among(asked, seeds, 1)[1][:, 0], among(asked, minority[: max(_FEW, self.k)], self.k)[1]
        nearer: Bools = enemies[:, -1] < seed
        return nearer


def _part(members: Members, rows: Ints) -> Members:
    columns = {name: getattr(members, name)[rows] for name in ("points", "codes", "ids", "home")}
    return replace(members, **columns)


def _named(ids: Ints, others: Ints) -> Bools:
    """Tell which identities are among others."""
    among: Bools = np.isin(_names(ids), _names(others))
    return among


def _names(ids: Ints) -> NDArray[np.void]:
    return np.ascontiguousarray(ids).view(np.dtype((np.void, 8 * ids.shape[1]))).ravel()
