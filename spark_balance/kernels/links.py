"""Links: pairs of rows of different classes that may be each other's nearest neighbour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.members import Ints, Members


@dataclass(frozen=True)
class Links:
    """Names each row whose nearest neighbour is of another class, and the pair they are.

    Attributes
    ----------
    names : sequence of str
        Columns for the pair: the identities of both rows, the smaller one first. A link is a
        pair that is named twice, once by each of its rows.
    """

    names: Sequence[str]

    def __call__(self, members: Members) -> tuple[Ints, Mapping[str, NDArray[np.generic]]]:
        """Return the rows, and the identities of the pair."""
        rows = np.flatnonzero(members.home)
        near = members.neighbours(rows, 1)[:, 0] if len(members.codes) > 1 else rows
        apart = members.codes[near] != members.codes[rows]
        rows, near = rows[apart], near[apart]
        # positions are in the order of identities
        pair = np.concatenate([members.ids[np.minimum(rows, near)], members.ids[np.maximum(rows, near)]], axis=1)
        return rows, dict(zip(self.names, pair.T.copy(), strict=True))
