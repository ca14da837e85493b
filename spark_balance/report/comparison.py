"""What a comparison of treatments measured, as data."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from spark_balance.summary import ClassCounts, Label, plain

# what the tables show of the scores of each fold, and under which heading
SCORES = {
    "pr_auc": "PR-AUC",
    "roc_auc": "ROC-AUC",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "matthews_corrcoef": "MCC",
    "brier_score": "Brier score",
    "expected_calibration_error": "ECE",
}
# held-out rows are counted in so many bins of the probability: enough to draw from, few enough for the driver
FINE_BINS, CALIBRATION_BINS = 1_200, 15
FEW = 20  # rows below which a share of positives says little


@dataclass(frozen=True)
class Bin:
    """The held-out rows of one narrow range of the probability: rows of each side and their summed probability."""

    place: int
    positives: int
    negatives: int
    said: float


@dataclass(frozen=True)
class Line:
    """One treatment with one classifier: one entry for each fold in `scores`, `seconds` and `rows`.

    Attributes
    ----------
    treatment, classifier : str
        What was done to the training folds, and what was fitted on them.
    variant : str
        '' for probabilities and decisions as the model gives them, else what was done to them after the fit.
    scores : tuple of dict
        The scores of each held-out fold.
    seconds : tuple of float
        Resampling and fitting, on each training fold; a variant shares the fit of its treatment.
    rows : tuple of int
        Rows trained on, of all members of an ensemble.
    scored : int
        Held-out rows of all folds: each row of the table once.
    bins : tuple of Bin
        Held-out rows of all folds by probability, for the curves.
    """

    treatment: str
    classifier: str
    variant: str
    scores: tuple[dict[str, float], ...]
    seconds: tuple[float, ...]
    rows: tuple[int, ...]
    scored: int
    bins: tuple[Bin, ...]

    @property
    def name(self) -> str:
        """The treatment, and what was done after the fit."""
        return f"{self.treatment}, {self.variant}" if self.variant else self.treatment

    def mean(self, score: str) -> float:
        """Return the mean of a score over the folds."""
        return statistics.fmean(fold[score] for fold in self.scores)

    def spread(self, score: str) -> float:
        """Return the standard deviation of a score over the folds."""
        return statistics.stdev(fold[score] for fold in self.scores)

    def against(self, other: Line, score: str) -> tuple[float, float]:
        """Return mean and standard deviation of the difference to another line, fold by fold.

        Folds differ more than treatments do, and a difference within each fold leaves that out.
        """
        gaps = [mine[score] - its[score] for mine, its in zip(self.scores, other.scores, strict=True)]
        return statistics.fmean(gaps), statistics.stdev(gaps)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can carry."""
        means = {name: {"mean": self.mean(name), "sd": self.spread(name)} for name in self.scores[0]}
        return {
            **asdict(self),
            "name": self.name,
            "summary": means,
            "bins": [list(asdict(b).values()) for b in self.bins],
        }


@dataclass(frozen=True)
class Comparison:
    """Every line, and what the table and the folds were.

    Attributes
    ----------
    title, engine, learner : str
        Name of the table; who resampled; whose classifiers were fitted.
    counts : ClassCounts
        Classes of all rows compared on.
    positive : label
        The class that is looked for.
    features, categorical : tuple of str
        Columns of numbers and of categories learnt from.
    n_folds, random_state : int
        How the folds were cut.
    source_rows : int
        Rows with a label in the input, of which `counts` are a stratified sample when they are fewer.
    lines : tuple of Line
        By classifier, then in the order of the treatments.
    """

    title: str
    engine: str
    learner: str
    counts: ClassCounts
    positive: Label
    features: tuple[str, ...]
    categorical: tuple[str, ...]
    n_folds: int
    random_state: int
    source_rows: int
    lines: tuple[Line, ...]

    @property
    def classifiers(self) -> tuple[str, ...]:
        """The classifiers, in their order."""
        return tuple(dict.fromkeys(line.classifier for line in self.lines))

    def of(self, classifier: str) -> list[Line]:
        """Return the lines of one classifier."""
        return [line for line in self.lines if line.classifier == classifier]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can carry."""
        return {
            "title": self.title,
            "engine": self.engine,
            "learner": self.learner,
            "counts": self.counts.to_dict(),
            "positive": plain(self.positive),
            "features": list(self.features),
            "categorical": list(self.categorical),
            "n_folds": self.n_folds,
            "random_state": self.random_state,
            "source_rows": self.source_rows,
            "bins": {"number": FINE_BINS, "columns": ["place", "positives", "negatives", "said"]},
            "lines": [line.to_dict() for line in self.lines],
        }


def precision_recall(bins: Sequence[Bin], few: int = 1) -> list[tuple[float, float]]:
    """Return (recall, precision) at the lower edge of each bin, falling, where as many rows as `few` are above it."""
    positives = sum(one.positives for one in bins)
    points, true, said = [], 0, 0
    for one in sorted(bins, key=lambda b: -b.place):
        true, said = true + one.positives, said + one.positives + one.negatives
        points.append((true / positives if positives else math.nan, true / said, said))
    return [(recall, precision) for recall, precision, rows in points if rows >= min(few, said)]


def reliability(bins: Sequence[Bin]) -> list[tuple[float, float, int]]:
    """Return (mean probability, share of positives, rows) of the equally wide bins that the ECE uses."""
    wide: dict[int, list[Bin]] = {}
    for one in bins:
        wide.setdefault(one.place * CALIBRATION_BINS // FINE_BINS, []).append(one)
    points = []
    for _, inside in sorted(wide.items()):
        rows = sum(one.positives + one.negatives for one in inside)
        points.append((sum(one.said for one in inside) / rows, sum(one.positives for one in inside) / rows, rows))
    return points
