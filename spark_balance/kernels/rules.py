"""Decision rules: what the votes of the neighbors of a row say of it, once or round after round.

Rules share the names of their attributes: `targeted` are the ids of the classes that a rule says something of,
`k` is the number of neighbors that it asks for, `name` or `names` the columns of what it says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spark_balance.kernels import Bools, Ints
from spark_balance.kernels.knn import knn
from spark_balance.kernels.members import Kind, Members, Said, agree, find_mode

SPARE = 5  # neighbors known beyond those that vote: few rows lose more and have to search again


@dataclass(frozen=True)
class OtherClass:
    """Counts how many of the k nearest neighbors of a row, of all classes, are of another class."""

    name: str
    targeted: tuple[int, ...]
    k: int

    def __call__(self, members: Members) -> tuple[Ints, Said]:
        """Return the rows and their counts."""
        rows = members.owned_of(*self.targeted)
        near = members.class_ids[members.voters(rows, self.k)]
        others = (near != members.class_ids[rows][:, None]).sum(axis=1)
        return rows, {self.name: others.astype(np.int32)}


def in_danger(others: int, m: int) -> bool:
    """Say whether this many of m neighbors of another class put a row in danger: half or more, but not all."""
    return m / 2 <= others < m


def adaptive(rows: Mapping[int, int], k: int, wanted: int) -> dict[int, int]:
    """Return how many new rows each row makes, by how many of its k neighbors are of other classes (He et al., 2008).

    `rows` are numbers of rows by the same; what rounding makes of the sum of new rows is near `wanted`.
    """
    total = sum(others * number for others, number in rows.items()) / k
    # the operations of imbalanced-learn, in its order
    return {others: int(np.rint(others / k / total * wanted)) for others in rows}


@dataclass(frozen=True)
class Cleaned:
    """Laurikkala's rule: names the rows that go, halo rows of this cell among them."""

    targeted: tuple[int, ...]  # classes whose outvoted rows go
    minorities: tuple[int, ...]  # the smallest class of each group: its outvoted rows stay, their neighbors go
    crowding: tuple[int, ...]  # the targeted classes that are large enough to lose such neighbors
    k: int

    def __call__(self, members: Members) -> tuple[Ints, Said]:
        """Return the rows to remove; another cell may name the same."""
        rows = members.owned_of(*self.targeted, *self.minorities)
        near = members.voters(rows, self.k)
        own = members.class_ids[rows]
        outvoted = rows[np.isin(own, self.targeted) & ~agree(members.class_ids[near], own, "mode")]
        small = np.isin(own, self.minorities)
        near, own = near[small], own[small]
        # a row that is classified has a vote itself, in place of the last of its neighbors
        voting = np.column_stack([own, members.class_ids[near[:, : self.k - 1]]])
        crowds = near[find_mode(voting) != own].ravel()
        crowds = crowds[np.isin(members.class_ids[crowds], self.crowding)]
        return np.union1d(outvoted, crowds), {}


@dataclass(frozen=True)
class Edited:
    """Wilson's editing: names the rows that their k nearest neighbors outvote."""

    targeted: tuple[int, ...]
    k: int
    kind: Kind

    def __call__(self, members: Members) -> tuple[Ints, Said]:
        """Return the rows to remove."""
        rows = members.owned_of(*self.targeted)
        near = members.class_ids[members.voters(rows, self.k)]
        return rows[~agree(near, members.class_ids[rows], self.kind)], {}


@dataclass(frozen=True)
class Repeated:
    """Wilson's editing, round after round: names the rows that go, and the round in which each goes.

    Notes
    -----
    Halo rows go too, by what can be seen of them here, so that the rows owned lose them as neighbors; but those of
    the largest class, which are most rows and of which few go, are taken to stay.
    """

    targeted: tuple[int, ...]
    votes: tuple[int, ...]  # neighbors that vote in each round
    kind: Kind
    names: tuple[str, str]  # the columns for the round, 1 for the first, and for how many rows a row stands
    # of the rows owned that are asked about, those that may be named one by one: when more go, one row stands for all
    # of its class that go in its round
    share: float = 1.0

    def __call__(self, members: Members) -> tuple[Ints, Said]:
        """Return the rows owned that go, when, and how many of them go."""
        ids = members.class_ids
        rows = members.of(*self.targeted)
        rows = rows[members.owned[rows] | (ids[rows] != np.bincount(ids).argmax())]
        known = _Known(members, rows, max(self.votes) + SPARE)
        went = np.zeros(len(ids), dtype=np.int32)
        voted = 0
        for round_, k in enumerate(self.votes, start=1):
            staying = np.flatnonzero(known.there[rows])
            voters = min(k, int(np.count_nonzero(known.there)) - 1)
            # the others would hear the same of the same voters
            asking = staying if voters != voted else staying[known.lost(staying, went == round_ - 1)]
            if not len(asking) and k == max(self.votes):
                break
            voted = voters
            near = ids[known.nearest(asking, voters)]
            out = rows[asking[~agree(near, ids[rows[asking]], self.kind)]]
            went[out] = round_
            known.there[out] = False
        gone = np.flatnonzero((went > 0) & members.owned)
        number = np.ones(len(gone), dtype=np.int64)
        if len(gone) > self.share * len(members.owned_of(*self.targeted)):
            alike = np.column_stack([ids[gone], went[gone]])
            _, first, number = np.unique(alike, axis=0, return_index=True, return_counts=True)
            gone = gone[first]
        return gone, dict(zip(self.names, (went[gone], number), strict=True))


class _Known:
    """The voting neighbors of some rows, some to spare, on data from which rows go."""

    def __init__(self, members: Members, rows: Ints, width: int) -> None:
        self.points, self.class_ids, self.rows, self.width = members.points, members.class_ids, rows, width
        self.metric = members.metric
        # one more position, never there, stands for a neighbor that does not exist
        self.there: Bools = np.append(np.ones(len(members.class_ids), dtype=bool), False)
        self.found = np.full((len(rows), width), len(members.class_ids), dtype=np.int64)
        # rows that stand for a row's neighbors, all of its class, outvote others as long as those would
        near = members.voters(rows, width)
        self.found[:, : near.shape[1]] = near

    def lost(self, asking: Ints, went: Bools) -> Bools:
        """Return which of some of the rows knew one that went."""
        knew: Bools = np.logical_or.reduce(np.append(went, False)[self.found[asking]], axis=1)
        return knew

    def nearest(self, asking: Ints, k: int) -> Ints:
        """Return the k nearest of some of the rows among those that are left, of which there are more."""
        short = asking[self.there[self.found[asking]].sum(axis=1) < k]
        if len(short):
            left = np.flatnonzero(self.there)
            again = np.searchsorted(left, self.rows[short])
            found = left[knn(self.points[left], again, self.width, metric=self.metric, classes=self.class_ids[left])[0]]
            self.found[short] = len(self.points)
            self.found[short, : found.shape[1]] = found
        there = self.there[self.found[asking]]
        first = there & (np.cumsum(there, axis=1) <= k)
        near: Ints = self.found[asking][first].reshape(len(asking), max(k, 0))
        return near


def last_round(
    rows: Mapping[int, int],
    minority: int,
    removed: Sequence[Mapping[int, int]],
    *,
    until_none: bool,
    allow_minority: bool,
) -> tuple[int, bool]:
    """Return the round after which editing stops, and whether it stops because it removed no more rows.

    `removed` has the rows of each class that go in each round. With `until_none` a round that removes none is the last;
    with `allow_minority` other classes may become smaller than the minority was. As in imbalanced-learn, the round in
    which a class becomes too small, or is gone, is kept.
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
