"""All that is known of new rows and originals, bounded, and the figures that follow from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from spark_balance.frames.plan import Label
from spark_balance.kernels import Floats
from spark_balance.kernels.scale import Scale
from spark_balance.trust.drawn import Drawn, Made, join_rows
from spark_balance.trust.figures import FIGURES, ClassTrust, Concentration, Copies, OffSupport, Share
from spark_balance.trust.judge import (
    average,
    center,
    commonest_value,
    compare_correlations,
    distance_of,
    drift_of,
    find_outliers,
    list_columns_out_of_range,
    off_support_of,
    strangers_of,
    weigh,
)
from spark_balance.trust.models import MODEL_ROWS, detectable_of, utility_of
from spark_balance.trust.near import Near

SEARCHED = frozenset(["distance_to_closest_record", "nearer_to_other_class", "off_support"])


@dataclass(frozen=True)
class Facts:
    """What the engine said of both sides."""

    labels: Mapping[int, Label]
    sizes: Mapping[int, int]  # originals of each class
    made: Mapping[int, Made]
    new: Drawn
    old: Drawn
    held: Drawn | None  # originals that the sampler did not see
    numbers: tuple[str, ...]  # the names of the columns of `Drawn`
    categories: tuple[str, ...]
    near: Mapping[int, tuple[Near, Near]] = field(default_factory=dict)  # of new rows, and of held-out originals
    copies: Mapping[int, int] = field(default_factory=dict)  # new rows that equal an original
    repeated: Mapping[int, int] = field(default_factory=dict)  # originals that equal another
    entities: Mapping[int, tuple[float, float]] = field(default_factory=dict)

    def judge(self, code: int, figures: Collection[str], tolerance: float, seed: int) -> ClassTrust:
        """Return the figures of a class that were asked for."""
        new, old = self.new.of(code), self.old.of(code)
        near = self.near.get(code)
        found: dict[str, Any] = {}
        if near is not None:
            found["distance_to_closest_record"] = distance_of(*near)
            found["nearer_to_other_class"] = strangers_of(*near) if len(self.sizes) > 1 else None
            found["off_support"] = self._off_support(*near, new, old)
        if code in self.copies:
            found["copies"] = self._copies(code, near and near[0], tolerance)
        if "drift" in figures:
            found["drift"] = drift_of(new, old, self.numbers, self.categories)
        if "correlation" in figures:
            found["correlation"] = compare_correlations(new, old, self.numbers)
        if "concentration" in figures:
            found["concentration"] = self._concentration(code, new, old)
        if "detectable" in figures:
            found["detectable"] = detectable_of(new, old, self.held and self.held.of(code), seed)
        if "utility" in figures:
            found["utility"] = self._utility(code, new, seed)
        known = {name: found.get(name) for name in FIGURES if name in figures}
        unknown = tuple(name for name, figure in known.items() if figure is None)
        judged = 0 if near is None else len(near[0].times)
        return ClassTrust(self.labels[code], self.sizes[code], self.made[code].rows, judged, **known, unknown=unknown)

    def _off_support(self, near: Near, held: Near, new: Drawn, old: Drawn) -> OffSupport | None:
        found = off_support_of(near, held)
        if found is None or not found.outlier_share:
            return found
        outliers = new.numbers[: len(near.times)][find_outliers(near, held)]  # the first of the drawn were looked up
        return replace(found, columns=list_columns_out_of_range(outliers, old.numbers, self.numbers))

    def _copies(self, code: int, near: Near | None, tolerance: float) -> Copies:
        copied, repeated = self.copies[code], self.repeated.get(code, 0)
        made, originals = self.made[code].rows, self.sizes[code]
        within = None if near is None else average(np.minimum(near.own, near.parent) <= tolerance, near.times)
        return Copies(copied / made, repeated / originals, within=within, tolerance=tolerance)

    def _concentration(self, code: int, new: Drawn, old: Drawn) -> Concentration:
        made, column = self.made[code], commonest_value(new, old, self.categories)
        base = None if made.most is None else Share(made.most / made.rows, 1 / self.sizes[code])
        entity = Share(*self.entities[code]) if code in self.entities else None
        return Concentration(base, entity, column and column[1], column and column[0])

    def _utility(self, code: int, new: Drawn, seed: int) -> Any:
        few = join_rows([self.old.of(one, MODEL_ROWS) for one in self.sizes])
        some = new.of(code, MODEL_ROWS)
        stands = self.made[code].rows / some.times.sum()
        weights = stand_for(few, self.sizes)
        scored = weights if self.held is None else stand_for(self.held, self.sizes)
        return utility_of(some, few, self.held, code, weights, scored, float(stands), seed)


def stand_for(drawn: Drawn, sizes: Mapping[int, int]) -> dict[int, float]:
    """Return how many rows of each class a drawn one stands for."""
    found = np.bincount(drawn.code, drawn.times, max(sizes) + 1)
    return {code: n / max(1.0, float(found[code])) for code, n in sizes.items()}


def scale_of(old: Drawn, sizes: Mapping[int, int]) -> Scale:
    """Return what divides each number by its standard deviation in all originals."""
    every = weigh(old, stand_for(old, sizes))
    away, most = center(old.numbers, every)
    deviations: Floats = most * np.sqrt(np.average(away**2, axis=0, weights=every))
    return Scale.fit(old.numbers, equalize=True, deviations=deviations)
