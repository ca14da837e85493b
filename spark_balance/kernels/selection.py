"""Rules that keep a subset of each class: condensing, one-sided selection, and the Tomek links that it removes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.kernels.draws import xxhash64
from spark_balance.kernels.knn import knn
from spark_balance.kernels.members import Members, Said, find_mode

_FEW = 512  # of the minority, who outvote the seeds for most rows


@dataclass(frozen=True)
class Condensed:
    """Fast condensed nearest neighbors: names the rows that the kept ones classify without them.

    Kept are the rows of other classes and, of each targeted class, the seeds; then, until no
    row is classified wrongly, for every kept row the nearest of the rows for which it is the
    nearest kept one and that are classified wrongly. No order of rows comes into it.

    Notes
    -----
    Halo rows of the targeted classes are left out, since they may be removed where they are owned.
    """

    targeted: tuple[int, ...]  # classes that rows are removed of
    k: int  # kept neighbors that classify a row
    seeds: int  # rows of each targeted class to begin with: those with the smallest draws
    stream: int  # sets these draws apart

    def __call__(self, members: Members) -> tuple[Ints, Said]:
        """Return the rows to remove."""
        new = np.setdiff1d(np.arange(len(members.class_ids)), members.of(*self.targeted))
        for code in self.targeted:
            rows = members.owned_of(code)
            drawn = xxhash64(self.stream, *members.row_ids[rows].T)
            new = np.union1d(new, rows[np.argsort(drawn, kind="stable")[: self.seeds]])
        rows = np.setdiff1d(members.owned_of(*self.targeted), new)
        near, away = np.empty((len(rows), 0), dtype=np.int64), np.empty((len(rows), 0))
        while len(rows):
            # the k nearest kept rows of each are among those known and the newly kept
            found, distance = members.nearest_of(rows, new, self.k)
            near, away = np.concatenate([near, found], axis=1), np.concatenate([away, distance], axis=1)
            first = np.lexsort((near, away), axis=1)[:, : self.k]
            near, away = np.take_along_axis(near, first, axis=1), np.take_along_axis(away, first, axis=1)
            wrong = np.flatnonzero(find_mode(members.class_ids[near]) != members.class_ids[rows])
            if not len(wrong):
                break
            order = wrong[np.lexsort((rows[wrong], away[wrong, 0], near[wrong, 0]))]
            chosen = order[np.unique(near[order, 0], return_index=True)[1]]
            new = np.sort(rows[chosen])
            rows, near, away = np.delete(rows, chosen), np.delete(near, chosen, axis=0), np.delete(away, chosen, axis=0)
        return rows, {}


@dataclass(frozen=True)
class Links:
    """Names the rows that may be half of a link, each with the pair it is half of."""

    # Columns for the pair: the row ids of both rows, the smaller one first. A link is a pair that is named twice, once
    # by each of its rows
    names: Sequence[str]

    def __call__(self, members: Members) -> tuple[Ints, Said]:
        """Return the rows, and the row ids of the pair."""
        rows, near = _nearest_of_others(members)
        # positions are in the order of row ids
        first, second = np.minimum(rows, near), np.maximum(rows, near)
        pair = np.concatenate([members.row_ids[first], members.row_ids[second]], axis=1)
        return rows, dict(zip(self.names, pair.T.copy(), strict=True))


def _nearest_of_others(members: Members) -> tuple[Ints, Ints]:
    """Return the rows owned whose nearest row is of another class and may name them too, and that row.

    One half of a link is not of the largest class, so of that class only the rows that such a row
    names are asked, which are few. Halo rows name too: their link may be owned here.
    """
    codes, sizes = np.unique(members.class_ids, return_counts=True)
    if len(codes) < 2:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    large = members.class_ids == codes[sizes.argmax()]
    small = np.flatnonzero(~large)
    named = members.neighbors(small, 1)[:, 0]
    asked = np.unique(named[large[named] & members.owned[named]])
    rows, near = np.concatenate([small, asked]), np.concatenate([named, members.neighbors(asked, 1)[:, 0]])
    halves = members.owned[rows] & (members.class_ids[near] != members.class_ids[rows])
    return rows[halves], near[halves]


@dataclass(frozen=True)
class Prototypes:
    """Rows that are known everywhere, wherever they are owned, in the order of their row ids: see `Members`."""

    points: Floats
    class_ids: Ints
    row_ids: Ints


@dataclass(frozen=True)
class OneSided:
    """Names the rows that go: by their nearest among minority and seeds, or as half of a link of what is left."""

    enemies: Mapping[int, int]  # for each class that is selected of, the minority (of its group)
    known: Prototypes  # seeds of those classes, and rows of the minorities that a cell may be far from
    k: int  # neighbors that classify a row
    # Columns for a pair of row ids, as `Links` has them. A row that goes by itself is a pair with itself; any other
    # pair is a link if it is named twice
    names: Sequence[str]

    def __call__(self, members: Members) -> tuple[Ints, Said]:
        """Return the rows, and the pair for which each is named."""
        left = np.ones(len(members.class_ids), dtype=bool)
        for code, minority in self.enemies.items():
            left[self._redundant(members, code, minority)] = False
        # halo rows go too, by what can be seen of them here: a link is one of rows that are left
        gone, staying = np.flatnonzero(~left & members.owned), np.flatnonzero(left)
        columns = {name: getattr(members, name)[staying] for name in ("points", "class_ids", "row_ids", "owned")}
        linked, pairs = Links(self.names)(replace(members, **columns))
        alone = np.concatenate([members.row_ids[gone], members.row_ids[gone]], axis=1).T
        both = {name: np.concatenate([own, pairs[name]]) for name, own in zip(self.names, alone, strict=True)}
        return np.concatenate([gone, staying[linked]]), both

    def _redundant(self, members: Members, code: int, minority: int) -> Ints:
        """Return the rows of a class that are classified right without them."""
        rows, here = members.of(code), members.of(minority)
        known = np.flatnonzero(np.isin(self.known.class_ids, [code, minority]))
        seeds = _are_among(members.row_ids[rows], self.known.row_ids[known])
        rows = rows[~seeds]
        known = known[~_are_among(self.known.row_ids[known], members.row_ids[here])]
        ids = np.concatenate([members.row_ids[here], self.known.row_ids[known]])
        order = np.lexsort(ids.T[::-1])
        points = np.concatenate([members.points[here], self.known.points[known]])[order]
        codes = np.concatenate([members.class_ids[here], self.known.class_ids[known]])[order]
        own, others = points[codes == code], points[codes == minority]
        if len(own) and len(others) >= self.k:
            # for most rows a few of the minority are enough to see that seeds cannot win the vote
            asked = members.points[rows]
            enemies = knn(others[: max(_FEW, self.k)], asked, self.k, metric=members.metric, how="brute")[1]
            rows = rows[enemies[:, -1] >= knn(own, asked, 1, metric=members.metric, how="brute")[1][:, 0]]
        near = codes[knn(points, members.points[rows], self.k, metric=members.metric)[0]]
        return rows[find_mode(near) == code] if near.size else rows[:0]


def _are_among(ids: Ints, others: Ints) -> Bools:
    """Return which row ids are among others."""
    whole = np.dtype((np.void, 8 * ids.shape[1]))
    named, known = (np.ascontiguousarray(some).view(whole).ravel() for some in (ids, others))
    among: Bools = np.isin(named, known)
    return among
