"""The counts of a batch beside the decayed counts of the batches before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from spark_balance.frames.plan import ClassCounts, Group, Label
from spark_balance.kernels import Bools, Floats, Ints
from spark_balance.kernels.drift import decay, drifted, share_ratios, shares_of, stability_index

Held = Mapping[tuple[Any, ...], float]  # decayed rows by the values of within_cols and the label
_FORGOTTEN = 0.5  # decayed rows of a group below which it is left out


@dataclass(frozen=True)
class Decayed:
    """Counts after a batch: a function of those before it and of its rows."""

    of_batch: ClassCounts
    keys: tuple[tuple[Any, ...], ...]  # the values of within_cols and the label
    before: Floats
    rows: Ints
    after: Floats

    @classmethod
    def of(cls, held: Held, counted: ClassCounts, half_life: float) -> Decayed:
        """Let what is held decay by the rows of a batch, and add them; groups that hardly count are left out."""
        new = {(*group, label): rows for group, label, rows in counted.entries}
        keys = tuple(dict.fromkeys([*held, *new]))
        before = np.array([held.get(key, 0.0) for key in keys], dtype=np.float64)
        rows = np.array([new.get(key, 0) for key in keys], dtype=np.int64)
        after = decay(before, rows, half_life)
        totals: dict[Group, float] = {}
        for key, count in zip(keys, after.tolist(), strict=True):
            totals[key[:-1]] = totals.get(key[:-1], 0.0) + count
        lasting = np.array([totals[key[:-1]] >= _FORGOTTEN for key in keys], dtype=np.bool_)
        keys = tuple(key for key, lasts in zip(keys, lasting.tolist(), strict=True) if lasts)
        return cls(counted, keys, before[lasting], rows[lasting], after[lasting])

    @property
    def counts(self) -> ClassCounts:
        """The counts that a plan is made of: whole rows, one at least of each class."""
        groups: dict[Group, dict[Label, int]] = {}
        for (*group, label), rows in zip(self.keys, np.maximum(np.rint(self.after), 1).tolist(), strict=True):
            groups.setdefault(tuple(group), {})[label] = int(rows)
        return ClassCounts(self.of_batch.label_col, groups, self.of_batch.missing, self.of_batch.within_cols)

    @cached_property
    def labels(self) -> dict[Label, int]:
        """The classes, each with its place in the arrays that have an entry for each."""
        return {label: place for place, label in enumerate(dict.fromkeys(key[-1] for key in self.keys))}

    def by_label(self, numbers: Floats | Ints) -> Floats:
        """Add up the numbers of each class over all groups."""
        places = np.array([self.labels[key[-1]] for key in self.keys], dtype=np.int64)
        return np.asarray(np.bincount(places, numbers, len(self.labels)), dtype=np.float64)

    @cached_property
    def stability_index(self) -> float | None:
        """How far the class shares of the batch are from those before; None of a batch without rows."""
        return stability_index(self.by_label(self.before), self.by_label(self.rows)) if self.rows.any() else None

    @cached_property
    def share_ratios(self) -> Floats | None:
        """The share of each class in the batch as a multiple of its share before; None of a batch without rows."""
        return share_ratios(self.by_label(self.before), self.by_label(self.rows)) if self.rows.any() else None

    def drifted(self, most: float) -> dict[Label, tuple[float, float]]:
        """Return the classes whose share changed by more than a factor and by more than chance: it before, and now."""
        before, now = self.by_label(self.before), self.by_label(self.rows)
        moved: Bools = drifted(before, now, most) if self.rows.any() else np.zeros(len(before), np.bool_)
        shares = zip(self.labels, moved, shares_of(before), shares_of(now), strict=True)
        return {label: (float(was), float(is_now)) for label, far, was, is_now in shares if far}
