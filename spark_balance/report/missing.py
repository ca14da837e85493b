"""The share of missing values in each column, and the class in which it changed most."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spark_balance.frames.plan import Label
from spark_balance.report.paired_sample import Missing, PairedSample


@dataclass(frozen=True)
class MissingShare:
    """The share of rows without a value in a column, and the class in which it changed most, if it did in one."""

    name: str
    before: float
    after: float
    label: Label
    of_class: tuple[float, float]


def missing_shares(sample: PairedSample, before: Mapping[Label, int], after: Mapping[Label, int]) -> list[MissingShare]:
    """Return the columns in which values are missing, those that changed most first."""
    rows = [[counts.get(label, 0) for label in sample.labels] for counts in (before, after)]
    found = [_share(one, sample.labels, *rows) for one in sample.missing]
    return sorted(found, key=lambda one: -abs(one.of_class[1] - one.of_class[0]))


def _share(one: Missing, labels: tuple[Label, ...], before: Sequence[int], after: Sequence[int]) -> MissingShare:
    shares = [
        (min(1.0, missing / max(1, rows)), min(1.0, later / max(1, rows_after)))
        for missing, rows, later, rows_after in zip(one.before, before, one.after, after, strict=True)
    ]
    # a class without rows on one side did not change
    changes = [abs(b - a) if n and m else 0.0 for (b, a), n, m in zip(shares, before, after, strict=True)]
    place = int(np.argmax(changes))
    whole = sum(one.before) / max(1, sum(before)), sum(one.after) / max(1, sum(after))
    return MissingShare(one.name, *whole, labels[place], shares[place])
