"""Rows that have several labels, by their sets of labels: measures of imbalance, shares of rows, and votes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from spark_balance.kernels import Bools, Floats, Ints

_LARGE = 2**31  # rows whose square 64 bits do not hold
_GOLDEN = 40_503  # of 2^16, the golden section: turns begin far from each other


@dataclass(frozen=True)
class LabelTable:
    """The rows of each set of labels.

    Attributes
    ----------
    labels : tuple
        All labels in their order.
    rows : ndarray of shape (n_sets,)
    label_of, set_of : ndarray of shape (n_pairs,)
        Each label of each set, by place, in the order of the labels.
    """

    labels: tuple[Any, ...]
    rows: Ints
    label_of: Ints
    set_of: Ints

    @classmethod
    def of(cls, rows: Mapping[tuple[Any, ...], int]) -> "LabelTable":
        """Make the table of the rows of each set, in the order that they have."""
        labels = tuple(sorted({label for labels in rows for label in labels}))
        places = {label: place for place, label in enumerate(labels)}
        pairs = sorted((places[label], number) for number, one in enumerate(rows) for label in one)
        label_of, set_of = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        return cls(labels, np.array(list(rows.values()), dtype=np.int64), label_of, set_of)

    def count(self, rows: Ints) -> Ints:
        """Return the rows that have each label, given those of each set."""
        counted: Ints = np.bincount(self.label_of, rows[self.set_of], len(self.labels)).astype(np.int64)
        return counted

    @cached_property
    def imbalance(self) -> list[float]:
        """IRLbl: the rows of the most frequent label for each row of a label."""
        counts = self.count(self.rows)
        return [int(counts.max()) / one for one in counts.tolist()]

    @cached_property
    def mean_imbalance(self) -> float:
        """MeanIR; a sum that is rounded once, so that machines agree on what lies above it."""
        return math.fsum(self.imbalance) / len(self.labels) if self.labels else math.nan

    @cached_property
    def spread_of_imbalance(self) -> float:
        """CVIR: the standard deviation of IRLbl for each unit of MeanIR."""
        squares = math.fsum((one - self.mean_imbalance) ** 2 for one in self.imbalance)
        return math.sqrt(squares / max(1, len(self.labels) - 1)) / self.mean_imbalance if self.labels else math.nan

    @property
    def is_minority(self) -> Bools:
        """Whether each label has an IRLbl above MeanIR."""
        return np.array(self.imbalance) > self.mean_imbalance

    @cached_property
    def concurrence(self) -> Floats:
        """SCUMBLE of the rows of each set: how far apart the IRLbl of its labels are; 0 without labels."""
        ratios = np.array(self.imbalance)[self.label_of] if len(self.label_of) else np.empty(0)
        several = np.bincount(self.set_of, minlength=len(self.rows))
        means = np.bincount(self.set_of, ratios, len(self.rows)) / np.maximum(several, 1)
        logs = np.bincount(self.set_of, np.log(ratios), len(self.rows)) / np.maximum(several, 1)
        apart = 1 - np.exp(logs) / np.where(several > 0, means, 1)
        return np.where(several > 1, np.maximum(apart, 0.0), 0.0)

    def concurrence_by_label(self) -> Floats:
        """Return the mean SCUMBLE of the rows with each label."""
        weights = self.rows * self.concurrence
        summed = np.bincount(self.label_of, weights[self.set_of], len(self.labels))
        return np.asarray(summed / self.count(self.rows), dtype=np.float64)

    def speeds(self, labels: Ints, weights: Ints) -> Floats:
        """Return the rows of each label that one row of each of some labels is, on average."""
        total, chosen = self.count(weights), np.isin(np.arange(len(self.labels)), labels)
        share = np.where(chosen & (total > 0), 1 / np.maximum(total, 1), 0.0)
        each = weights * np.bincount(self.set_of, share[self.label_of], len(self.rows))
        return np.asarray(np.bincount(self.label_of, each[self.set_of], len(self.labels)), dtype=np.float64)

    def deal(self, wanted: Ints, weights: Ints, turn: int = 0) -> Ints:
        """Deal a number of rows of each label out to its sets by their weights, and return those of each set.

        Of a label each set gets its share to within one row, as a systematic sample of its rows does, which begins
        elsewhere in each turn.
        """
        used = np.flatnonzero(wanted[self.label_of])
        label_of, set_of = self.label_of[used], self.set_of[used]
        starts = np.searchsorted(label_of, label_of)  # of the pairs of each pair's label
        each = weights[set_of]
        sums = np.concatenate([[0], np.cumsum(each)])
        total, many = (sums[np.searchsorted(label_of, label_of, "right")] - sums[starts]), wanted[label_of]
        if max(total.max(initial=0), many.max(initial=0)) > _LARGE:
            each, sums, total, many = (one.astype(object) for one in (each, sums, total, many))
        ends, every = sums[1:] - sums[starts], np.maximum(total, 1)
        start = (2**15 + _GOLDEN * turn) % 2**16 * every // 2**16
        last, first = ((many * at + start) // every for at in (ends, ends - each))
        shares = np.where(total > 0, last - first, 0).astype(np.int64)
        return np.asarray(np.bincount(set_of, shares, len(self.rows)), dtype=np.int64)


def agree(near: Ints, starts: Ints, labels: Ints, least: int) -> tuple[Ints, Ints]:
    """Return where the labels of each vote end and begin, and the labels that `least` of its voters or more have.

    `near` has the positions of the voters of each vote; the row at a position has the labels, each once, from
    ``starts[position]`` to ``starts[position + 1]``.
    """
    voters = near.ravel()
    sizes = starts[voters + 1] - starts[voters]
    there = np.repeat(starts[voters] - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes) + np.arange(sizes.sum())
    votes = np.repeat(np.repeat(np.arange(len(near)), near.shape[1]), sizes)
    kinds = int(labels.max(initial=0)) + 1
    pairs, times = np.unique(votes * kinds + labels[there], return_counts=True)
    of, chosen = np.divmod(pairs[times >= least], kinds)
    return np.concatenate([[0], np.cumsum(np.bincount(of, minlength=len(near)))]), chosen
