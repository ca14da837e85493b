"""What a resampling did, as data: what was known, what was sampled, and what both say of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.distribution import Spread, bin_edges, bin_shares, largest_gap
from spark_balance.plans.paired_sample import PairedSample, SampledRows
from spark_balance.report.nearness import Nearness, nearness
from spark_balance.summary import ClassCounts, Label, ResamplingPlan

MOST_VALUES, SHOWN_VALUES = 50, 8  # a column of more values tells rows apart; of fewer, the commonest are shown
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NumberGap:
    """A column of numbers before and after: spreads, shares of bins, the largest distance of the distributions."""

    name: str
    before: Spread
    after: Spread
    gap: float
    edges: Floats
    shares: tuple[Floats, Floats]


@dataclass(frozen=True)
class CategoryGap:
    """A column of categories before and after: the shares of its commonest values, and half their summed distance."""

    name: str
    shares: tuple[tuple[str, float, float], ...]
    gap: float


@dataclass(frozen=True)
class ClassMade:
    """One class before and after, as far as the sample tells.

    Attributes
    ----------
    label : label
    before, after, added, removed, copied : int
        Rows: how many there were and are, were added, removed, and added with the features of a row that was there.
    different : int
        About how many rows before differ in their features.
    compared : {'new', 'after', ''}
        Which rows are laid beside those before: what was added, or what is left; nothing where nothing changed.
    numbers, categories
        Each column before and after, those first that differ most.
    nearness : Nearness, optional
    """

    label: Label
    before: int
    after: int
    added: int
    removed: int
    copied: int
    different: int
    compared: str
    sampled: tuple[int, int]
    numbers: tuple[NumberGap, ...]
    categories: tuple[CategoryGap, ...]
    nearness: Nearness | None


@dataclass(frozen=True)
class Resampling:
    """Everything a report tells.

    Attributes
    ----------
    before, after : ClassCounts
    plan : ResamplingPlan
    sample : PairedSample, optional
        None where no row was added or removed.
    only_added : bool
        Whether the rows after are the new ones alone.
    adds, removes : bool
        Whether the method can add rows, and remove some: where it does one alone, counts tell how many.
    left_null : tuple of str
        Columns that are NULL in new rows.
    notes : dict
        What the sampler noted.
    warnings : tuple of str
        What the sampler warned of.
    seconds : dict of str to float
        What each step took.
    about : dict of str to str
        Where rows came from and went to, engine, versions, parameters.
    """

    before: ClassCounts
    plan: ResamplingPlan
    after: ClassCounts
    sample: PairedSample | None = None
    only_added: bool = False
    adds: bool = True
    removes: bool = True
    left_null: tuple[str, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def classes(self) -> tuple[ClassMade, ...]:
        """What happened to each class that was sampled."""
        sample = self.sample
        if sample is None:
            return ()
        return tuple(_made(self, sample, code) for code in range(len(sample.labels)))

    def found(self, name: str) -> Iterator[tuple[str, Any]]:
        """Yield what the sampler ('') or each of its steps noted under a name."""
        for step, notes in {"": self.notes, **self.notes}.items():
            if isinstance(notes, Mapping) and name in notes:
                yield step, notes[name]


def _made(of: Resampling, sample: PairedSample, code: int) -> ClassMade:
    label = sample.labels[code]
    before, after = _of_class(sample.before, code), _of_class(sample.after, code)
    rows_before, rows_after = of.before.rows.get(label, 0), of.after.rows.get(label, 0)
    added, removed = _moved(of, rows_before, rows_after, after)
    copied = round(added * float((after.added * after.copy).sum() / max(1, after.added.sum())))
    compared = "new" if added else "after" if removed else ""
    weights = {"new": after.added, "after": after.times, "": after.times[:0]}[compared]
    shown = bool(compared and len(before.times) and len(after.times))
    return ClassMade(
        label,
        rows_before,
        rows_after,
        added,
        removed,
        copied,
        min(sample.different[code], rows_before),
        compared,
        (len(before.times), int((weights > 0).sum())),
        _number_gaps(sample, before, after, weights) if shown else (),
        _category_gaps(sample, before, after, weights) if shown else (),
        nearness(sample, code, after) if compared == "new" else None,
    )


def _moved(of: Resampling, before: int, after: int, sampled: SampledRows) -> tuple[int, int]:
    """Return how many rows were added and how many removed: known, or estimated where the method does both."""
    if of.only_added:
        return after, 0
    if not of.removes:
        return max(0, after - before), 0
    if not of.adds:
        return 0, max(0, before - after)
    added = round(after * float(sampled.added.sum() / max(1, sampled.times.sum())))
    return added, max(0, before - (after - added))


def _of_class(side: SampledRows, code: int) -> SampledRows:
    chosen = side.code == code
    return SampledRows(**{name: values[chosen] for name, values in vars(side).items()})


def _number_gaps(
    sample: PairedSample, before: SampledRows, after: SampledRows, weights: NDArray[np.int64]
) -> tuple[NumberGap, ...]:
    gaps = []
    here = weights > 0
    for place, name in enumerate(sample.numbers):
        one, other = before.numbers[:, place], after.numbers[here, place]
        sides = [(one, before.times.astype(float)), (other, weights[here].astype(float))]
        edges = bin_edges(np.concatenate([one, other]))
        shares = [bin_shares(values, times, edges) for values, times in sides]
        spreads = [Spread.of(values, times) for values, times in sides]
        gap = largest_gap(*sides[0], *sides[1])
        gaps.append(NumberGap(name, spreads[0], spreads[1], gap, edges, (shares[0], shares[1])))
    return tuple(sorted(gaps, key=lambda gap: -gap.gap))


def _category_gaps(
    sample: PairedSample, before: SampledRows, after: SampledRows, weights: NDArray[np.int64]
) -> tuple[CategoryGap, ...]:
    gaps = []
    for place, name in enumerate(sample.categories):
        sides = [_shares(before.categories[:, place], before.times), _shares(after.categories[:, place], weights)]
        values = sorted({*sides[0], *sides[1]}, key=lambda value: (-sides[0].get(value, 0.0), value))
        if len(values) > MOST_VALUES:
            continue
        shares = tuple((value, sides[0].get(value, 0.0), sides[1].get(value, 0.0)) for value in values)
        gaps.append(CategoryGap(name, shares, sum(abs(one - other) for _, one, other in shares) / 2))
    return tuple(sorted(gaps, key=lambda gap: -gap.gap))


def _shares(values: NDArray[np.object_], weights: NDArray[np.int64]) -> dict[str, float]:
    total: dict[str, float] = {}
    for value, times in zip(values, weights, strict=True):
        if times:
            name = "NULL" if value is None else str(value)
            total[name] = total.get(name, 0.0) + float(times)
    return {name: times / sum(total.values()) for name, times in total.items()}
