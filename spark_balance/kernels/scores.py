"""Scores as integers in their order, and what methods score rows by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.members import Floats, Ints, Members
from spark_balance.kernels.nearest import among, blocks, norms, one_thread, sides

UNKNOWN = np.int64(-(2**63))  # below every score


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
    right = sides(others)[1]
    k = min(k, len(others))
    result = np.empty((len(points), k))
    with one_thread():
        for block, distance in blocks(sides(points)[0], right):
            result[block] = np.sort(np.partition(distance, len(others) - k, axis=1)[:, len(others) - k :])
    return result + norms(points)[:, None]


@dataclass(frozen=True)
class Nearness:
    """NearMiss-1: scores each targeted row by the sum of its distances to its k nearest minority rows.

    Attributes
    ----------
    score : str
        Column for it.
    targeted, minorities : tuple of int
        Class numbers; a cell has rows of one group only, so of one minority.
    k : int
    landmarks : dict of int to ndarray
        For each targeted class some rows of its minority, as integers: they stand for it in a cell that fewer
        than k of it have come to, which is far from them all.
    """

    score: str
    targeted: tuple[int, ...]
    minorities: tuple[int, ...]
    k: int
    landmarks: Mapping[int, Floats]

    def __call__(self, members: Members) -> tuple[Ints, Mapping[str, NDArray[np.generic]]]:
        """Return the targeted rows with their scores."""
        rows, sums = self.sums(members)
        return rows, {self.score: ascending(sums)}

    def sums(self, members: Members) -> tuple[Ints, Floats]:
        """Return the targeted rows, and the sums of their distances."""
        rows, few = members.judged(*self.targeted), members.of(*self.minorities)
        if len(few) >= self.k:
            return rows, summed(members.nearest_of(rows, few, self.k)[1], self.k)
        sums = np.empty(len(rows))
        for code in np.unique(members.codes[rows]):
            own = members.codes[rows] == code
            away = among(members.points[rows[own]], self.landmarks[int(code)], self.k)[1]
            sums[own] = summed(away, self.k)
        return rows, sums


@dataclass(frozen=True)
class Farness:
    """NearMiss-3: names the rows that are near a minority row, and scores all; the farthest are the least.

    Attributes
    ----------
    nearness : Nearness
    named : str
        Column that tells the rows among the k nearest of their class of some minority row that is at home here.
        Such a row may be a guest, whose score another cell knows.
    k : int
    """

    nearness: Nearness
    named: str
    k: int

    def __call__(self, members: Members) -> tuple[Ints, Mapping[str, NDArray[np.generic]]]:
        """Return the targeted rows that are at home or named."""
        of = self.nearness
        rows, sums = of.sums(members)
        asking = members.judged(*of.minorities)
        here = np.intersect1d(of.targeted, members.codes)
        near = [members.nearest_of(asking, members.of(int(code)), self.k)[0].ravel() for code in here]
        named = np.zeros(len(members.codes), dtype=bool)
        named[np.concatenate([np.empty(0, np.int64), *near])] = True
        score = np.full(len(named), UNKNOWN)
        score[rows] = descending(sums)
        told = np.union1d(rows, np.flatnonzero(named))
        return told, {of.score: score[told], self.named: named[told].astype(np.int32)}
