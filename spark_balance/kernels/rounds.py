"""Editing that is repeated on what is left, and the round after which it stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.local import local_neighbours
from spark_balance.kernels.members import Bools, Ints, Members
from spark_balance.kernels.votes import Kind, agreed

SPARE = 5  # neighbours known beyond those that vote: few rows lose more and have to search again


@dataclass(frozen=True)
class Repeated:
    """Wilson's editing, round after round: names the rows that go, and the round in which each goes.

    Attributes
    ----------
    targeted : tuple of int
        Classes that rows are removed of.
    votes : tuple of int
        Neighbours that vote in each round.
    kind : {'all', 'mode'}
    names : tuple of str
        The columns for the round, 1 for the first, and for how many rows a row stands.
    share : float, default 1
        Of the rows at home that are asked about, those that may be named one by one: when more go,
        one row stands for all of its class that go in its round.

    Notes
    -----
    Guests go too, by what can be seen of them here, so that the rows at home lose them as neighbours; but those of
    the largest class, which are most rows and of which few go, are taken to stay.
    """

    targeted: tuple[int, ...]
    votes: tuple[int, ...]
    kind: Kind
    names: tuple[str, str]
    share: float = 1.0

    def __call__(self, members: Members) -> tuple[Ints, Mapping[str, NDArray[np.generic]]]:
        """Return the rows at home that go, when, and how many of them go."""
        width = max(self.votes) + SPARE
        rows = self._asked(members)
        known = _Known(members, rows, width)
        went = np.zeros(len(members.codes), dtype=np.int32)
        voted = 0
        for round_, k in enumerate(self.votes, start=1):
            staying = np.flatnonzero(known.there[rows])
            voters = min(k, int(np.count_nonzero(known.there)) - 1)
            # the others would hear the same of the same voters
            asking = staying if voters != voted else staying[known.lost(staying, went == round_ - 1)]
            if not len(asking) and k == max(self.votes):
                break
            voted = voters
            near = members.codes[known.nearest(asking, voters)]
            out = rows[asking[~agreed(near, members.codes[rows[asking]], self.kind)]]
            went[out] = round_
            known.there[out] = False
        gone = np.flatnonzero((went > 0) & members.home)
        number = np.ones(len(gone), dtype=np.int64)
        if len(gone) > self.share * len(members.judged(*self.targeted)):
            alike = np.column_stack([members.codes[gone], went[gone]])
            _, first, number = np.unique(alike, axis=0, return_index=True, return_counts=True)
            gone = gone[first]
        return gone, dict(zip(self.names, (went[gone], number), strict=True))

    def _asked(self, members: Members) -> Ints:
        """Return the targeted rows that may go."""
        rows = members.of(*self.targeted)
        stay = ~members.home & (members.codes == np.bincount(members.codes).argmax())
        asked: Ints = rows[~stay[rows]]
        return asked


class _Known:
    """The voting neighbours of some rows, some to spare, on data from which rows go."""

    def __init__(self, members: Members, rows: Ints, width: int) -> None:
        self.points, self.codes, self.rows, self.width = members.points, members.codes, rows, width
        # one more position, never there, stands for a neighbour that does not exist
        self.there: Bools = np.append(np.ones(len(members.codes), dtype=bool), False)
        self.found = np.full((len(rows), width), len(members.codes), dtype=np.int64)
        # rows that stand for a row's neighbours, all of its class, outvote others as long as those would
        near = members.voting(rows, width)
        self.found[:, : near.shape[1]] = near

    def lost(self, asking: Ints, went: Bools) -> Bools:
        """Tell which of some of the rows knew one that went."""
        knew: Bools = np.logical_or.reduce(np.append(went, False)[self.found[asking]], axis=1)
        return knew

    def nearest(self, asking: Ints, k: int) -> Ints:
        """Return the k nearest of some of the rows among those that are left, of which there are more."""
        short = asking[self.there[self.found[asking]].sum(axis=1) < k]
        if len(short):
            self._search(short)
        left = self.there[self.found[asking]]
        first = left & (np.cumsum(left, axis=1) <= k)
        near: Ints = self.found[asking][first].reshape(len(asking), max(k, 0))
        return near

    def _search(self, asking: Ints) -> None:
        left = np.flatnonzero(self.there)
        asked = np.searchsorted(left, self.rows[asking])
        near = left[local_neighbours(self.points[left], asked, self.width, codes=self.codes[left])]
        self.found[asking] = len(self.points)
        self.found[asking, : near.shape[1]] = near


def last_round(
    rows: Mapping[int, int],
    minority: int,
    removed: Sequence[Mapping[int, int]],
    *,
    until_none: bool,
    allow_minority: bool,
) -> tuple[int, bool]:
    """Return the round after which editing stops, and whether it stops because it removed no more rows.

    Parameters
    ----------
    rows : mapping of int to int
        Rows of each class.
    minority : int
        The smallest class.
    removed : sequence of mapping of int to int
        Rows that go of each class, in each round there may be.
    until_none : bool
        A round that removes none is the last.
    allow_minority : bool
        Other classes may become smaller than the minority was.

    Notes
    -----
    As in imbalanced-learn, the round in which a class becomes too small, or is gone, is kept.
    """
    left = dict(rows)
    for number, gone in enumerate(removed, start=1):
        for code, few in gone.items():
            left[code] -= few
        if until_none and not sum(gone.values()):
            return number, True
        small = any(few < rows[minority] for code, few in left.items() if code != minority)
        if (small and not allow_minority) or min(left.values()) <= 0:
            return number, False
    return len(removed), False
