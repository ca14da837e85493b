"""A resampling as data: the counts, the plan, the sampled rows, and what follows from them."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spark_balance.frames.plan import ClassCounts, Label, ResamplingPlan
from spark_balance.kernels import Floats, Ints
from spark_balance.kernels.knn import knn
from spark_balance.kernels.scale import Scale
from spark_balance.report.distribution import Spread, bin_edges, bin_shares, largest_gap
from spark_balance.report.made_of import MadeOf
from spark_balance.report.missing import MissingShare, missing_shares
from spark_balance.report.paired_sample import PairedSample, SampledRows

MOST_VALUES = 50  # a column of more values identifies rows
NEIGHBORS, MOST_ASKED = 5, 1_000  # sampled neighbors of sampled rows, and rows of a class that are asked
FAR = 0.2  # distance of two distributions that is visible in a plot
ABOVE_NOISE = 3.0  # times the distance that chance alone puts between samples of this size


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
class Nearness:
    """Distances to the sampled rows before: of the new rows of a class, and of its own rows before."""

    # median distance to the nearest sampled row before of the class, in standard deviations
    new: float
    own: float
    # share of the nearest sampled rows before, of all classes, that are of the class
    new_among_own: float
    own_among_own: float


@dataclass(frozen=True)
class ClassMade:
    """One class before and after, as far as the sample shows."""

    label: Label
    before: int
    after: int
    added: int
    removed: int
    copied: int  # rows added with the features of a row before
    different: int  # about how many rows before differ in their features
    compared: str  # what is compared with the rows before: 'new' rows, those 'after', or '' if nothing changed
    sampled: tuple[int, int]  # sampled rows before, and of those compared
    numbers: tuple[NumberGap, ...]  # the largest gaps first
    categories: tuple[CategoryGap, ...]
    nearness: Nearness | None

    @property
    def gaps(self) -> dict[str, float]:
        """How far each column is spread otherwise than before."""
        return {gap.name: gap.gap for gap in self.numbers} | {gap.name: gap.gap for gap in self.categories}

    @property
    def noise(self) -> float:
        """About the distance that chance alone puts between two samples of these sizes."""
        return math.sqrt(sum(1 / max(1, rows) for rows in self.sampled))

    @property
    def far(self) -> float:
        """The distance of two distributions from which on a column moved."""
        return max(FAR, ABOVE_NOISE * self.noise)

    @cached_property
    def moved(self) -> dict[str, float]:
        """The columns that are spread otherwise than before, and how far; the farthest first."""
        return {name: gap for name, gap in sorted(self.gaps.items(), key=lambda one: -one[1]) if gap > self.far}


@dataclass(frozen=True)
class Judged:
    """What was found of the new rows before they were kept."""

    verdict: str
    findings: tuple[str, ...]
    figures: tuple[tuple[str, ...], ...]  # class, figure, its value, that of originals, and its limit


@dataclass(frozen=True)
class Resampling:
    """Everything that a report shows."""

    before: ClassCounts
    plan: ResamplingPlan
    after: ClassCounts
    sample: PairedSample | None = None  # None if no row was added or removed
    only_added: bool = False  # whether the rows after are the new ones alone
    # whether the method can add rows, and remove some; if it does one alone, the counts give the number
    adds: bool = True
    removes: bool = True
    left_null: tuple[str, ...] = ()  # columns that are NULL in new rows
    notes: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)  # of each step
    about: Mapping[str, str] = field(default_factory=dict)  # input, output, engine, versions, parameters
    made_of: MadeOf | None = None  # some new rows beside their bases, if asked for
    judged: Judged | None = None  # if a limit was set

    @cached_property
    def classes(self) -> tuple[ClassMade, ...]:
        """What happened to each class that was sampled."""
        sample = self.sample
        if sample is None:
            return ()
        return tuple(_describe_class(self, sample, code) for code in range(len(sample.labels)))

    @property
    def missing(self) -> list[MissingShare]:
        """The columns in which values are missing, those that changed most first."""
        return [] if self.sample is None else missing_shares(self.sample, self.before.rows, self.after.rows)

    def find_notes(self, names: Iterable[str]) -> list[tuple[str, str, Any]]:
        """Return name, step and value of these notes of the sampler (step '') and of each of its steps."""
        return find_notes(self.notes, names)


def find_notes(notes: Mapping[str, Any], names: Iterable[str]) -> list[tuple[str, str, Any]]:
    """Return name, step and value of these notes of a sampler (step '') and of each of its steps."""
    known = [(step, held) for step, held in {"": notes, **notes}.items() if isinstance(held, Mapping)]
    return [(name, step, held[name]) for name in names for step, held in known if name in held]


def _describe_class(of: Resampling, sample: PairedSample, code: int) -> ClassMade:
    label = sample.labels[code]
    before, after = _select_class(sample.before, code), _select_class(sample.after, code)
    rows_before, rows_after = of.before.rows.get(label, 0), of.after.rows.get(label, 0)
    added, removed = _count_moved(of, rows_before, rows_after, after)
    copied = round(added * float((after.added * after.copy).sum() / max(1, after.added.sum())))
    compared = "new" if added else "after" if removed else ""
    weights = {"new": after.added, "after": after.times, "": after.times[:0]}[compared]
    sampled = (len(before.times), int((weights > 0).sum()))
    shown = bool(compared and len(before.times) and len(after.times))
    numbers = _number_gaps(sample, before, after, weights) if shown else ()
    categories = _category_gaps(sample, before, after, weights) if shown else ()
    near = _nearness(sample, code, after) if compared == "new" else None
    different = min(sample.different[code], rows_before)
    return ClassMade(
        label, rows_before, rows_after, added, removed, copied, different, compared, sampled, numbers, categories, near
    )


def _count_moved(of: Resampling, before: int, after: int, sampled: SampledRows) -> tuple[int, int]:
    """Return how many rows were added and how many removed: known, or estimated where the method does both."""
    if of.only_added:
        return after, 0
    if not of.removes:
        return max(0, after - before), 0
    if not of.adds:
        return 0, max(0, before - after)
    added = round(after * float(sampled.added.sum() / max(1, sampled.times.sum())))
    return added, max(0, before - (after - added))


def _select_class(side: SampledRows, code: int) -> SampledRows:
    chosen = side.code == code
    return SampledRows(**{name: values[chosen] for name, values in vars(side).items()})


def _number_gaps(sample: PairedSample, before: SampledRows, after: SampledRows, weights: Ints) -> tuple[NumberGap, ...]:
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
    sample: PairedSample, before: SampledRows, after: SampledRows, weights: Ints
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


def _shares(values: NDArray[np.object_], weights: Ints) -> dict[str, float]:
    total: dict[str, float] = {}
    for value, times in zip(values, weights, strict=True):
        if times:
            name = "NULL" if value is None else str(value)
            total[name] = total.get(name, 0.0) + float(times)
    return {name: times / sum(total.values()) for name, times in total.items()}


def _nearness(sample: PairedSample, code: int, after: SampledRows) -> Nearness | None:
    """Compare new rows, and rows before, with the sampled rows before: the sample thins out both alike."""
    whole = np.isfinite(sample.before.numbers).all(axis=1)
    known, classes = sample.before.numbers[whole], sample.before.code[whole]
    asked = after.numbers[(after.added > 0) & np.isfinite(after.numbers).all(axis=1)][:MOST_ASKED]
    own = np.flatnonzero(classes == code)
    if not known.shape[1] or len(own) <= NEIGHBORS or not len(asked):
        return None
    scale = Scale.fit(known, equalize=True)
    points, new = scale.integers(known), scale.integers(asked)
    unit = scale.unit
    some = own[:MOST_ASKED]
    # without itself: a row before is its own nearest
    near_some = _without(some, knn(points, points[some], NEIGHBORS + 1, how="brute")[0])
    own_away = knn(points[own], points[some], 2, how="brute")[1][:, 1]
    new_away = knn(points[own], new, 1, how="brute")[1][:, 0]
    return Nearness(
        float(np.median(np.sqrt(new_away)) / unit),
        float(np.median(np.sqrt(own_away)) / unit),
        float((classes[knn(points, new, NEIGHBORS, how="brute")[0]] == code).mean()),
        float((classes[near_some] == code).mean()),
    )


def _without(rows: Ints, found: Ints) -> Ints:
    """Drop each row from what was found near it, or the last where many equal ones came first."""
    itself = found == rows[:, None]
    itself[~itself.any(axis=1), -1] = True
    others: Ints = found[~itself].reshape(len(rows), -1)
    return others
