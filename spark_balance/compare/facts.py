"""What is known of a table before anything is done to it, as `advise` judges it: no Spark, so that rules are pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spark_balance.frames.counts import MANY_CLASSES
from spark_balance.frames.plan import ClassCounts, Label
from spark_balance.frames.text import on_a_line, plain
from spark_balance.report.findings import FEW

FIT_NUMBERS = 10**9  # 8 GB of doubles: what a fit on one machine is taken to hold


@dataclass(frozen=True)
class Ranking:
    """How a quick model ranks the rows of the rarest class before all others, on folds that it was not fitted on.

    Scores are those of the whole table, since sampled rows count as many as they stand for. `threshold` is the
    share of the class.
    """

    rows: int  # sampled
    pr_auc: float
    roc_auc: float
    threshold: float
    recall_at_half: float
    recall: float  # at the threshold
    precision: float


@dataclass(frozen=True)
class Gap:
    """What a treatment changed of PR-AUC within each fold, against the rows as they are: mean and deviation."""

    mean: float
    spread: float

    @property
    def is_clear(self) -> bool:
        """Whether rows are ranked better by more than the spread."""
        return self.mean > self.spread


@dataclass(frozen=True)
class Facts:
    """What the rules know of a table.

    `numbers` are the numeric columns to learn from, complete ones; `incomplete` holds others with the share of sampled
    rows in which each is NULL, NaN or infinite. `unused` columns have too many values to learn from. `gaps` are those
    of a comparison on folds: by the name of an action.
    """

    counts: ClassCounts
    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    incomplete: Mapping[str, float] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    is_default: bool = False  # `numbers` are what a sampler takes unless features are named
    repeated: float = 0.0  # share of the sampled rows of the rarest class that repeat the values of another
    ranking: Ranking | None = None
    gaps: Mapping[str, Gap] | None = None
    n_folds: int = 0
    fit_rows: int | None = None  # that a fit may have, as the user says

    @property
    def sizes(self) -> dict[Label, int]:
        """Rows of each class, smallest label first."""
        return self.counts.rows

    @property
    def rows(self) -> int:
        """Rows that have a label."""
        return sum(self.sizes.values())

    @property
    def rare(self) -> Label:
        """The label of the rarest class."""
        sizes = self.sizes  # which are added up anew each time that they are asked for
        return min(sizes, key=sizes.__getitem__)

    @property
    def rare_rows(self) -> int:
        """Rows of the rarest class."""
        return self.sizes[self.rare]

    @property
    def is_few(self) -> bool:
        """Whether the rarest class says little about itself."""
        return self.rare_rows < FEW

    @property
    def single_classes(self) -> int:
        """Classes of one row."""
        return sum(rows == 1 for rows in self.sizes.values())

    @property
    def is_measurement(self) -> bool:
        """Whether the label looks like a measurement or a key, as `LabelWarning` says."""
        return len(self.sizes) >= MANY_CLASSES and 2 * self.single_classes > len(self.sizes)

    @property
    def width(self) -> int:
        """Columns to learn from."""
        return max(1, len(self.numbers) + len(self.categories) + len(self.incomplete))

    @property
    def most_rows(self) -> int:
        """Rows that a fit may have: those that the user names, or as many as fit on one machine."""
        return FIT_NUMBERS // self.width if self.fit_rows is None else self.fit_rows

    @property
    def cap(self) -> int:
        """Rows that the larger classes keep, so that all rows together are not more than a fit may have."""
        left, sizes = self.most_rows, sorted(self.sizes.values())
        for place, rows in enumerate(sizes):
            even = left // (len(sizes) - place)
            if rows > even:
                return max(1, even)
            left -= rows
        return sizes[-1]

    @property
    def best(self) -> str:
        """The action that ranked rows best on the folds."""
        gaps = self.gaps or {}
        return max(gaps, key=lambda name: gaps[name].mean, default="")

    @property
    def winner(self) -> str:
        """The same if it was clearly better than doing nothing, else ''."""
        return self.best if self.gaps and self.gaps[self.best].is_clear else ""

    def known(self) -> dict[str, Any]:
        """Return all of this as plain values by name, which sentences are filled with; None where it is unknown."""
        best = (self.gaps or {}).get(self.best)
        ranking = self.ranking or Ranking(0, *[np.nan] * 6)
        found = {
            "label_col": self.counts.label_col,
            "classes": len(self.sizes),
            "single_classes": self.single_classes,
            "rows": self.rows,
            "unlabeled": self.counts.missing_rows,
            "rare": plain(self.rare),
            "rare_rows": self.rare_rows,
            "share": self.rare_rows / self.rows,
            "imbalance_ratio": self.counts.imbalance_ratio,
            "degree": self.counts.degree,
            "numeric_columns": len(self.numbers),
            "categorical_columns": len(self.categories),
            "incomplete": {on_a_line(name): share for name, share in self.incomplete.items()},
            "unused": list(map(on_a_line, self.unused)),
            "repeated": self.repeated,
            "fit_rows": self.most_rows,
            "cap": self.cap,
            "sampled": ranking.rows,
            **{name: getattr(ranking, name) for name in list(Ranking.__annotations__)[1:]},
            "best": self.best or None,
            "gap": best and best.mean,
            "spread": best and best.spread,
            "n_folds": self.n_folds,
        }
        return {name: None if isinstance(one, float) and np.isnan(one) else one for name, one in found.items()}
