"""Scores as integers in their order, and what methods score rows by, in a column `score` or `name`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.distances import blocks, norms, one_thread, sides
from spark_balance.kernels.knn import knn
from spark_balance.kernels.members import Members, Said
from spark_balance.kernels.scale import Scale

UNKNOWN = np.int64(-(2**63))  # below every score
STEPS = 16  # levels in a factor of two
LEAST = -31  # weights below 2^(LEAST - 1) are level 1
MOST_LEVEL = 1_000
MOST_INFORMATIVE = 100


def ascending(values: Floats) -> Ints:
    """Return non-negative numbers as integers in the same order: their bits."""
    return np.ascontiguousarray(values + 0.0).view(np.int64)


def descending(values: Floats) -> Ints:
    """Return non-negative numbers as integers in the opposite order."""
    return ~ascending(values)


def summed(squares: Floats, k: int) -> Floats:
    """Sum the distances of each row to k others, given their squares; infinite where there are fewer.

    One after the other: the order in which NumPy would add a row depends on the machine.
    """
    total = np.zeros(len(squares)) if squares.shape[1] == k else np.full(len(squares), np.inf)
    for column in squares.T:
        total += np.sqrt(column)
    return total


def farthest(points: Floats, others: Floats, k: int) -> Floats:
    """Return the squared distances of each point to the k others that are farthest from it, ascending."""
    least = max(0, len(others) - k)
    with one_thread():
        parts = blocks(sides(points)[0], sides(others)[1])
        found = [np.sort(np.partition(distance, least, axis=1)[:, least:]) for _, distance in parts]
    return np.concatenate(found) + norms(points)[:, None]


@dataclass(frozen=True)
class Nearness:
    """NearMiss-1: scores each targeted row by the sum of its distances to its k nearest minority rows."""

    score: str
    targeted: tuple[int, ...]  # class ids; a cell has rows of one group only, so of one minority
    minorities: tuple[int, ...]
    k: int
    # for each targeted class some rows of its minority, as integers: they stand for it in a cell that fewer than k of
    # it have come to, which is far from them all
    landmarks: Mapping[int, Floats]

    def __call__(self, members: Members) -> tuple[Ints, Said]:
        """Return the targeted rows with their scores."""
        rows, sums = self.sums(members)
        return rows, {self.score: ascending(sums)}

    def sums(self, members: Members) -> tuple[Ints, Floats]:
        """Return the targeted rows, and the sums of their distances."""
        rows, few = members.owned_of(*self.targeted), members.of(*self.minorities)
        if len(few) >= self.k:
            return rows, summed(members.nearest_of(rows, few, self.k)[1], self.k)
        sums = np.empty(len(rows))
        for code in np.unique(members.class_ids[rows]):
            own = members.class_ids[rows] == code
            asked, metric = members.points[rows[own]], members.metric
            away = knn(self.landmarks[int(code)], asked, self.k, metric=metric, how="brute")[1]
            sums[own] = summed(away, self.k)
        return rows, sums


@dataclass(frozen=True)
class Farness:
    """NearMiss-3: names the rows that are near a minority row, and scores all; the farthest are the least."""

    nearness: Nearness
    # Column of 1 for the rows among the k nearest of their class of some minority row that is owned here. Such a row
    # may be a halo row, whose score another cell knows
    named: str
    k: int

    def __call__(self, members: Members) -> tuple[Ints, Said]:
        """Return the targeted rows that are owned or named."""
        of = self.nearness
        rows, sums = of.sums(members)
        asking = members.owned_of(*of.minorities)
        named = np.zeros(len(members.class_ids), dtype=bool)
        for code in np.intersect1d(of.targeted, members.class_ids):
            named[members.nearest_of(asking, members.of(int(code)), self.k)[0]] = True
        score = np.full(len(named), UNKNOWN)
        score[rows] = descending(sums)
        known = np.union1d(rows, np.flatnonzero(named))
        return known, {of.score: score[known], self.named: named[known].astype(np.int32)}


@dataclass(frozen=True)
class FarthestOf:
    """NearMiss-2: scores each row by the sum of its distances to the k points that are farthest from it.

    `others` are these points as integers, by class id; they travel to the workers, so their number is bounded.
    """

    score: str
    scale: Scale
    others: Mapping[int, Floats]
    k: int

    def __call__(self, features: Floats, class_ids: Ints) -> Said:
        """Return the score of each row."""
        points, score = self.scale.integers(features), np.empty(len(class_ids), dtype=np.int64)
        for class_id in map(int, np.unique(class_ids)):
            own = class_ids == class_id
            score[own] = ascending(summed(farthest(points[own], self.others[class_id], self.k), self.k))
        return {self.score: score}


@dataclass(frozen=True)
class Informative:
    """Gives the rows of some classes the level of their selection weight (Barua et al., 2014)."""

    name: str  # the column of the level; 0 for a weight of 0
    targeted: tuple[int, ...]  # class ids
    # neighbors that show noise; rows of other classes that a row makes border; rows of the class that such a row makes
    # informative (None: half of those in the cell, at most 100)
    k1: int
    k2: int
    k3: int | None
    cut_off: float  # the largest closeness, and what it is scaled to
    most: float
    unit: float  # what distance 1 is in integers

    def __call__(self, members: Members) -> tuple[Ints, Said]:
        """Return the rows and their levels."""
        weights = np.zeros(len(members.class_ids))
        for code in self.targeted:
            self._add(members, code, weights)
        rows = members.owned_of(*self.targeted)
        return rows, {self.name: levels_of(weights[rows])}

    def _add(self, members: Members, code: int, weights: Floats) -> None:
        """Put the weights of a class in their place."""
        own = members.of(code)
        others = np.flatnonzero(members.class_ids != code)
        same = members.class_ids[members.voters(own, self.k1)] == code
        own = own[same.any(axis=1)]
        if not len(own) or not len(others):
            return
        border = np.unique(members.nearest_of(own, others, self.k2)[0])
        k3 = self.k3 or min(MOST_INFORMATIVE, max(1, len(own) // 2))
        near, squares = members.nearest_of(border, own, k3)
        away = np.sqrt(np.maximum(0.0, squares)) / (self.unit * members.points.shape[1])
        close = np.minimum(self.cut_off, 1 / np.maximum(away, 1e-300)) * (self.most / self.cut_off)
        dense = close / close.sum(axis=1, keepdims=True)
        np.add.at(weights, near.ravel(), (close * dense).ravel())


def levels_of(weights: Floats) -> NDArray[np.int32]:
    """Return the level of each weight: 16 in every factor of two, by its bits alone."""
    mantissa, exponent = np.frexp(weights)
    level = (exponent - LEAST) * STEPS + np.floor((mantissa - 0.5) * 2 * STEPS) + 1
    return np.where(weights > 0, np.clip(level, 1, MOST_LEVEL), 0).astype(np.int32)


def weight_of(level: int) -> float:
    """Return the weight in the middle of a level."""
    exponent, step = divmod(level - 1, STEPS)
    return float(np.ldexp(0.5 + (step + 0.5) / (2 * STEPS), exponent + LEAST)) if level else 0.0
