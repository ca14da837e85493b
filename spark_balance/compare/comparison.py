"""The measurements of a comparison of treatments, as data."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from spark_balance.frames.plan import ClassCounts, Label
from spark_balance.frames.text import plain, plural

# the scores of each fold that the tables show, and their headings
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
# bins of the probability that held-out rows are counted in: enough to draw from, few enough for the driver
FINE_BINS, CALIBRATION_BINS = 1_200, 15
FEW = 20  # rows below which a share of positives says little


@dataclass(frozen=True)
class Bin:
    """The held-out rows of one narrow range of the probability: rows of each side and their summed probability."""

    place: int
    positives: int
    negatives: int
    said: float

    def __add__(self, other: Bin) -> Bin:
        positives, negatives = self.positives + other.positives, self.negatives + other.negatives
        return Bin(self.place, positives, negatives, self.said + other.said)


@dataclass(frozen=True)
class Line:
    """One treatment with one classifier: one entry for each fold in `scores`, `seconds` and `rows`."""

    treatment: str
    classifier: str
    variant: str  # '' for probabilities and decisions as the model gives them, else the correction after the fit
    scores: tuple[dict[str, float], ...]  # on the held-out fold
    seconds: tuple[float, ...]  # of resampling and fitting, which a variant shares with its treatment
    rows: tuple[int, ...]  # trained on, of all members of an ensemble
    scored: int  # held-out rows of all folds: each row of the table once
    bins: tuple[Bin, ...]  # held-out rows of all folds by probability, for the curves

    @property
    def name(self) -> str:
        """The treatment, and the correction after the fit."""
        return f"{self.treatment}, {self.variant}" if self.variant else self.treatment

    def mean(self, score: str) -> float:
        """Return the mean of a score over the folds."""
        return statistics.fmean(fold[score] for fold in self.scores)

    def spread(self, score: str) -> float:
        """Return the standard deviation of a score over the folds."""
        return statistics.stdev(fold[score] for fold in self.scores)

    def against(self, other: Line, score: str) -> tuple[float, float]:
        """Return mean and standard deviation of the difference within each fold: folds differ more than treatments."""
        gaps = [mine[score] - its[score] for mine, its in zip(self.scores, other.scores, strict=True)]
        return statistics.fmean(gaps), statistics.stdev(gaps)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can carry."""
        means = {name: {"mean": self.mean(name), "sd": self.spread(name)} for name in self.scores[0]}
        bins = [list(asdict(one).values()) for one in self.bins]
        return {**asdict(self), "name": self.name, "summary": means, "bins": bins}


@dataclass(frozen=True)
class Comparison:
    """Every line, and a description of the table and the folds.

    The `engine` resampled, the library `learner` fitted the classifiers on numbers (`features`) and categories. The
    rows of `counts` are a stratified sample of the `source_rows` labeled rows of the input if they are fewer. Lines are
    ordered by classifier, then in the order of the treatments.
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

    @property
    def conclusion(self) -> tuple[str, ...]:
        """What the comparison says, in a sentence or two for each classifier."""
        return tuple(_conclude(self, self.of(classifier)) for classifier in self.classifiers)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can carry."""
        return {
            **vars(self),
            "conclusion": list(self.conclusion),
            "counts": self.counts.to_dict(),
            "positive": plain(self.positive),
            "bins": {"number": FINE_BINS, "columns": ["place", "positives", "negatives", "said"]},
            "lines": [line.to_dict() for line in self.lines],
        }


def _conclude(of: Comparison, lines: list[Line]) -> str:
    """Say whether a treatment ranks rows better than the first one, and whose probabilities are best."""
    first = lines[0]
    # what is done after the fit ranks as its treatment does
    others = [(line, *line.against(first, "pr_auc")) for line in lines[1:] if not line.variant]
    known = f"'{first.name}' (PR-AUC {first.mean('pr_auc'):.3f})"
    said = f"only {known} was measured"
    if others:
        best, gap, spread = max(others, key=lambda other: other[1])
        by = f"{gap:+z.3f} ± {spread:.3f} over {of.n_folds} folds"
        said = f"'{best.name}' ranks rows better than {known}, by {by}"
        if gap <= spread:
            said = f"no treatment ranks rows clearly better than {known}; '{best.name}' differs by {by}"
        if worse := sum(mean < -sd for _, mean, sd in others):
            said += f", and {worse} of {plural(len(others), 'treatment')} rank worse"
    nearest = min(lines, key=lambda line: line.mean("brier_score"))
    score = f"Brier score {nearest.mean('brier_score'):.3f}"
    name = first.classifier.replace("_", " ")
    return f"{name}: {said}. The best probabilities are those of '{nearest.name}' ({score})."


def precision_recall(bins: Sequence[Bin], few: int = 1) -> list[tuple[float, float]]:
    """Return (recall, precision) at the lower edge of each bin, falling, where at least `few` rows are above it."""
    positives = sum(one.positives for one in bins)
    points, true, said = [], 0, 0
    for one in sorted(bins, key=lambda b: -b.place):
        true, said = true + one.positives, said + one.positives + one.negatives
        points.append((true / positives if positives else math.nan, true / said, said))
    return [(recall, precision) for recall, precision, rows in points if rows >= min(few, said)]


def reliability(bins: Sequence[Bin]) -> list[tuple[float, float, int]]:
    """Return (mean probability, share of positives, rows) of the equally wide bins that the ECE uses."""
    wide: dict[int, Bin] = {}
    for one in bins:
        place = one.place * CALIBRATION_BINS // FINE_BINS
        wide[place] = wide[place] + one if place in wide else one
    rows = [(one, one.positives + one.negatives) for _, one in sorted(wide.items())]
    return [(one.said / n, one.positives / n, n) for one, n in rows]
