"""Links: pairs of rows of different classes that may be each other's nearest neighbour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.members import Ints, Members


@dataclass(frozen=True)
class Links:
    """Names the rows that may be half of a link, each with the pair it is half of.

    Attributes
    ----------
    names : sequence of str
        Columns for the pair: the identities of both rows, the smaller one first. A link is a
        pair that is named twice, once by each of its rows.
    """

    names: Sequence[str]

    def __call__(self, members: Members) -> tuple[Ints, Mapping[str, NDArray[np.generic]]]:
        """Return the rows, and the identities of the pair."""
        rows, near = _nearest_of_others(members)
        # positions are in the order of identities
        pair = np.concatenate([members.ids[np.minimum(rows, near)], members.ids[np.maximum(rows, near)]], axis=1)
        return rows, dict(zip(self.names, pair.T.copy(), strict=True))


def _nearest_of_others(members: Members) -> tuple[Ints, Ints]:
    """Return the rows at home whose nearest row is of another class and may name them too, and that row.

    One half of a link is not of the largest class, so of that class only the rows that such a row
    names are asked, which are few. Guests name too: their link may be at home here.
    """
    codes, sizes = np.unique(members.codes, return_counts=True)
    if len(codes) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    large = members.codes == codes[sizes.argmax()]
    small = np.flatnonzero(~large)
    named = members.neighbours(small, 1)[:, 0]
    asked = np.unique(named[large[named] & members.home[named]])
    rows, near = np.concatenate([small, asked]), np.concatenate([named, members.neighbours(asked, 1)[:, 0]])
    halves = members.home[rows] & (members.codes[near] != members.codes[rows])
    return rows[halves], near[halves]
