"""All scores of a scored frame as data and tables, as scikit-learn and imbalanced-learn define them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from spark_balance.errors import ParameterError
from spark_balance.frames.plan import Label
from spark_balance.frames.text import TextTable, largest_of, more, on_a_line, plain, shown
from spark_balance.kernels import Floats
from spark_balance.metrics.ranking import Calibration, Ranking


def _matrix_table(matrix: ConfusionMatrix) -> list[TextTable]:
    largest, others = largest_of([sum(row) for row in matrix.counts])
    parts = [*([one] for one in largest), *([others] if others else [])]
    names = [on_a_line(matrix.labels[one]) for one in largest]
    body = [
        (name, *(f"{sum(matrix.counts[i][j] for i in true for j in said):,.12g}" for said in parts))
        for name, true in zip([*names, more(others)], parts, strict=False)
    ]
    return [TextTable("confusion matrix", ("true \\ predicted", *names, *["others"] * bool(others)), body)]


@shown(_matrix_table)
@dataclass(frozen=True)
class ConfusionMatrix:
    """Rows (or their weights) of each true class, by the predicted class.

    Scores of classes are ``{label: score}``. A ratio whose denominator is 0 is 0, as in scikit-learn with
    ``zero_division=0``.

    Attributes
    ----------
    labels : tuple of label
        All classes that occur, sorted.
    counts : tuple of tuple of float
        ``counts[true][predicted]``.
    """

    labels: tuple[Label, ...]
    counts: tuple[tuple[float, ...], ...]

    @cached_property
    def _matrix(self) -> Floats:
        return np.array(self.counts, dtype=np.float64).reshape(len(self.labels), len(self.labels))

    @property
    def _right(self) -> Floats:
        return np.diagonal(self._matrix)

    @property
    def support(self) -> dict[Label, float]:
        """Rows of each class."""
        return self._by_label(self._matrix.sum(axis=1))

    @property
    def accuracy(self) -> float:
        """Share of rows whose prediction is right."""
        total = float(self._matrix.sum())
        return float(self._right.sum()) / total if total else math.nan

    @property
    def precision(self) -> dict[Label, float]:
        """Share of a class among the rows predicted as the class."""
        return self._by_label(_ratio(self._right, self._matrix.sum(axis=0)))

    @property
    def recall(self) -> dict[Label, float]:
        """Share of a class's rows that are predicted as the class (sensitivity)."""
        return self._by_label(self._recall)

    @property
    def specificity(self) -> dict[Label, float]:
        """Share of the other classes' rows that are not predicted as the class."""
        return self._by_label(self._specificity)

    def f_beta(self, beta: float = 1.0) -> dict[Label, float]:
        """Weighted harmonic mean of precision and recall, which counts beta times as much (van Rijsbergen 1979)."""
        if not 0 < beta < math.inf:
            raise ParameterError(f"f_beta: beta={beta!r} is refused; give a number above 0")
        said, true = self._matrix.sum(axis=0), self._matrix.sum(axis=1)
        return self._by_label(_ratio((1 + beta**2) * self._right, beta**2 * true + said))

    @property
    def geometric_means(self) -> dict[Label, float]:
        """Square root of recall times specificity of each class (Kubat and Matwin 1997)."""
        return self._by_label(np.sqrt(self._recall * self._specificity))

    @property
    def geometric_mean(self) -> float:
        """The k-th root of the product of the recalls of k classes: 0 if one class is never found."""
        recall = self._recall
        return float(np.exp(np.log(recall).mean())) if recall.size and (recall > 0).all() else 0.0

    def index_balanced_accuracy(self, alpha: float = 0.1) -> dict[Label, float]:
        """(1 + alpha (recall - specificity)) times recall times specificity, of each class (Garcia et al. 2009)."""
        recall, specificity = self._recall, self._specificity
        return self._by_label((1 + alpha * (recall - specificity)) * recall * specificity)

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that occur (Brodersen et al. 2010)."""
        occur = self._matrix.sum(axis=1) > 0
        return float(self._recall[occur].mean()) if occur.any() else math.nan

    @property
    def matthews_corrcoef(self) -> float:
        """Correlation of truth and prediction (Matthews 1975, of many classes Gorodkin 2004); 0 if undefined."""
        matrix = self._matrix
        true, said, total = matrix.sum(axis=1), matrix.sum(axis=0), matrix.sum()
        common = self._right.sum() * total - true @ said
        spread = (total**2 - said @ said) * (total**2 - true @ true)
        return float(common / math.sqrt(spread)) if spread > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return labels and counts as plain values that JSON can carry."""
        return {"labels": [plain(label) for label in self.labels], "counts": [list(row) for row in self.counts]}

    @property
    def _recall(self) -> Floats:
        return _ratio(self._right, self._matrix.sum(axis=1))

    @property
    def _specificity(self) -> Floats:
        matrix = self._matrix
        others = matrix.sum() - matrix.sum(axis=1)
        return _ratio(others - (matrix.sum(axis=0) - self._right), others)

    def _by_label(self, scores: Floats) -> dict[Label, float]:
        return dict(zip(self.labels, scores.tolist(), strict=True))


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.zeros_like(below), where=below != 0)


def _tables(found: Evaluation) -> list[TextTable]:
    table = found.by_class()
    head = ("class", *next(iter(table.values()), {}), "roc_auc", "pr_auc")
    largest, others = largest_of([scores["support"] for scores in table.values()])
    body = []
    for label, scores in map([*table.items()].__getitem__, largest):
        ranked = found.ranking.get(label)
        areas = (f"{ranked.roc_auc:.4f}", f"{ranked.pr_auc:.4f}") if ranked else ("-", "-")
        numbers = [f"{score:,.6g}" if name == "support" else f"{score:.4f}" for name, score in scores.items()]
        body.append((on_a_line(label), *numbers, *areas))
    if others:
        body.append((more(others), *[""] * (len(head) - 1)))
    title = ", ".join(f"{name} {score:.4f}" for name, score in found.overall().items())
    return [TextTable(title, head, body), *_matrix_table(found.confusion)]


@shown(_tables)
@dataclass(frozen=True)
class Evaluation:
    """All scores of one scored frame; prints as tables.

    Attributes
    ----------
    confusion : ConfusionMatrix
        And with it precision, recall, specificity, F-beta, geometric mean, index of balanced accuracy, balanced
        accuracy and Matthews' correlation.
    ranking : dict of label to Ranking
        Areas under the curves of each class against the others; of two classes, of the second. Empty without
        probabilities.
    calibration : Calibration, optional
        Brier score and expected calibration error; None without probabilities.
    beta : float
        Weight of recall in the F-beta scores.
    """

    confusion: ConfusionMatrix
    ranking: dict[Label, Ranking]
    calibration: Calibration | None
    beta: float = 1.0

    def by_class(self) -> dict[Label, dict[str, float]]:
        """Return the scores of each class by their names."""
        matrix = self.confusion
        columns = {
            "precision": matrix.precision,
            "recall": matrix.recall,
            "specificity": matrix.specificity,
            f"f{self.beta:g}": matrix.f_beta(self.beta),
            "geometric_mean": matrix.geometric_means,
            "iba": matrix.index_balanced_accuracy(),
            "support": matrix.support,
        }
        return {label: {name: scores[label] for name, scores in columns.items()} for label in matrix.labels}

    def overall(self) -> dict[str, float]:
        """Return the scores of all classes together by their names."""
        names = ("accuracy", "balanced_accuracy", "geometric_mean", "matthews_corrcoef")
        scores = {name: getattr(self.confusion, name) for name in names}
        if self.calibration:
            scores["brier_score"] = self.calibration.brier_score
            scores["expected_calibration_error"] = self.calibration.expected_calibration_error
        return scores

    def to_dict(self) -> dict[str, Any]:
        """Return all scores as plain values that JSON can carry."""
        return {
            "confusion_matrix": self.confusion.to_dict(),
            "by_class": [{"label": plain(label), **scores} for label, scores in self.by_class().items()],
            "overall": {name: plain(score) for name, score in self.overall().items()},
            "ranking": [{"label": plain(label), **one.to_dict()} for label, one in self.ranking.items()],
            "calibration": self.calibration and self.calibration.to_dict(),
        }
