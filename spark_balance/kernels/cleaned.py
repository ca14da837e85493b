"""The neighbourhood cleaning rule: outvoted rows go, and the neighbours of outvoted minority rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.members import Ints, Members
from spark_balance.kernels.votes import agreed, mode


@dataclass(frozen=True)
class Cleaned:
    """Laurikkala's rule: names rows of the targeted classes that go, guests of this cell among them.

    Attributes
    ----------
    targeted : tuple of int
        Classes whose outvoted rows go.
    minorities : tuple of int
        The smallest class (of each group): its outvoted rows stay, their neighbours go.
    crowding : tuple of int
        The targeted classes that are large enough to lose such neighbours.
    k : int
    """

    targeted: tuple[int, ...]
    minorities: tuple[int, ...]
    crowding: tuple[int, ...]
    k: int

    def __call__(self, members: Members) -> tuple[Ints, Mapping[str, NDArray[np.generic]]]:
        """Return the rows to remove; another cell may name the same."""
        rows = members.judged(*self.targeted, *self.minorities)
        near = members.voting(rows, self.k)
        own = members.codes[rows]
        outvoted = rows[np.isin(own, self.targeted) & ~agreed(members.codes[near], own, "mode")]
        small = np.isin(own, self.minorities)
        near, own = near[small], own[small]
        # a row that is classified has a vote itself, in place of the last of its neighbours
        voting = np.column_stack([own, members.codes[near[:, : self.k - 1]]])
        crowds = near[mode(voting) != own].ravel()
        crowds = crowds[np.isin(members.codes[crowds], self.crowding)]
        return np.union1d(outvoted, crowds), {}
