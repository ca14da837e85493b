"""What the classes of a row's neighbours say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.members import Bools, Ints, Members

Kind = Literal["all", "mode"]


def agreed(near: Ints, own: Ints, kind: Kind) -> Bools:
    """Tell the rows whose neighbours are of their class: all of them, or their most frequent class.

    Parameters
    ----------
    near : ndarray of shape (n_rows, k)
        Class numbers of the neighbours.
    own : ndarray of shape (n_rows,)
        Class numbers.
    kind : {'all', 'mode'}
        Of classes that are as frequent, the mode is the one with the smallest number.
    """
    if kind == "all" or not near.size:
        # a row without neighbours stays
        every: Bools = (near == own[:, None]).all(axis=1)
        return every
    same: Bools = mode(near) == own
    return same


def mode(near: Ints) -> Ints:
    """Return the most frequent number of each row; of several, the smallest."""
    if not len(near):
        return near.reshape(-1)
    numbers, place = np.unique(near, return_inverse=True)
    counts = np.zeros((len(near), len(numbers)), dtype=np.int64)
    np.add.at(counts, (np.arange(len(near))[:, None], place.reshape(near.shape)), 1)
    most: Ints = numbers[counts.argmax(axis=1)]
    return most


def voters(near: Ints, values: Ints, drawn: Ints) -> Ints:
    """Return, for each vote, the position of one of the voters that hold the most frequent value.

    Parameters
    ----------
    near : ndarray of shape (n_votes, k)
        Positions of the voters.
    values : ndarray of shape (n_points,)
        Numbers of the values, by position.
    drawn : ndarray of shape (n_votes,)
        Draws that choose between values that are as frequent.
    """
    given = values[near]
    same = given[:, :, None] == given[:, None, :]
    counts = same.sum(axis=2)
    # each value is there once, under the nearest of its voters
    first = same.argmax(axis=2) == np.arange(near.shape[1])
    best = first & (counts == counts.max(axis=1, keepdims=True))
    chosen = np.mod(drawn, best.sum(axis=1))
    place = (best & (np.cumsum(best, axis=1) == chosen[:, None] + 1)).argmax(axis=1)
    winners: Ints = near[np.arange(len(near)), place]
    return winners


@dataclass(frozen=True)
class Edited:
    """Wilson's editing: names the rows of the targeted classes that their k nearest neighbours outvote."""

    targeted: tuple[int, ...]
    k: int
    kind: Kind

    def __call__(self, members: Members) -> tuple[Ints, Mapping[str, NDArray[np.generic]]]:
        """Return the rows to remove."""
        rows = members.judged(*self.targeted)
        near = members.codes[members.voting(rows, self.k)]
        return rows[~agreed(near, members.codes[rows], self.kind)], {}
