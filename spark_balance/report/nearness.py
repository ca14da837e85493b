"""How near sampled rows lie to each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.nearest import among
from spark_balance.kernels.scale import Scale
from spark_balance.plans.paired_sample import PairedSample, SampledRows

NEIGHBOURS, MOST_ASKED = 5, 1_000  # sampled neighbours of sampled rows, and rows of a class that are asked


@dataclass(frozen=True)
class Nearness:
    """How near rows lie to sampled rows before: the new rows of a class, and its own rows before.

    Attributes
    ----------
    new, own : float
        Median distance to the nearest sampled row before of the class, in standard deviations.
    new_among_own, own_among_own : float
        Share of the nearest sampled rows before, of all classes, that are of the class.
    """

    new: float
    own: float
    new_among_own: float
    own_among_own: float


def nearness(sample: PairedSample, code: int, after: SampledRows) -> Nearness | None:
    """Compare new rows, and rows before, with the sampled rows before: the sample thins out both alike."""
    whole = np.isfinite(sample.before.numbers).all(axis=1)
    known, classes = sample.before.numbers[whole], sample.before.code[whole]
    asked = after.numbers[(after.added > 0) & np.isfinite(after.numbers).all(axis=1)][:MOST_ASKED]
    own = np.flatnonzero(classes == code)
    if not known.shape[1] or len(own) <= NEIGHBOURS or not len(asked):
        return None
    scale = Scale.fit(known, equalise=True)
    points, new = scale.integers(known), scale.integers(asked)
    unit = scale.unit(known, equalised=True)
    some = own[:MOST_ASKED]
    # a row before is its own nearest, which tells nothing
    near_some = _without(some, among(points[some], points, NEIGHBOURS + 1)[0])
    own_away = among(points[some], points[own], 2)[1][:, 1]
    new_away = among(new, points[own], 1)[1][:, 0]
    return Nearness(
        float(np.median(np.sqrt(new_away)) / unit),
        float(np.median(np.sqrt(own_away)) / unit),
        float((classes[among(new, points, NEIGHBOURS)[0]] == code).mean()),
        float((classes[near_some] == code).mean()),
    )


def _without(rows: NDArray[np.int64], found: NDArray[np.int64]) -> NDArray[np.int64]:
    """Drop each row from what was found near it, or the last where many equal ones came first."""
    itself = found == rows[:, None]
    itself[~itself.any(axis=1), -1] = True
    others: NDArray[np.int64] = found[~itself].reshape(len(rows), -1)
    return others
