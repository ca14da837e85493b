"""All scores of one scored frame, as data and as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from spark_balance.ml.calibration import Calibration
from spark_balance.ml.confusion import ConfusionMatrix
from spark_balance.ml.ranking import Ranking
from spark_balance.summary import Label, plain, text_table


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
        Of the F-beta scores shown.
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
        matrix = self.confusion
        scores = {
            "accuracy": matrix.accuracy,
            "balanced_accuracy": matrix.balanced_accuracy,
            "geometric_mean": matrix.geometric_mean,
            "matthews_corrcoef": matrix.matthews_corrcoef,
        }
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

    def __str__(self) -> str:
        table = self.by_class()
        head = ("class", *next(iter(table.values()), {}), "roc_auc", "pr_auc")
        body = []
        for label, scores in table.items():
            ranked = self.ranking.get(label)
            areas = (f"{ranked.roc_auc:.4f}", f"{ranked.pr_auc:.4f}") if ranked else ("-", "-")
            numbers = [f"{score:,.6g}" if name == "support" else f"{score:.4f}" for name, score in scores.items()]
            body.append((str(label), *numbers, *areas))
        title = ", ".join(f"{name} {score:.4f}" for name, score in self.overall().items())
        return f"{text_table(title, head, body)}\n{self.confusion}"
