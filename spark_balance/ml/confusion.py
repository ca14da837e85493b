"""The confusion matrix and every score that it tells, as scikit-learn and imbalanced-learn define them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spark_balance.errors import SparkBalanceError
from spark_balance.summary import Label, plain, text_table

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class ConfusionMatrix:
    """Rows (or their weights) of each true class, by the class predicted.

    Scores of classes come as ``{label: score}``. A ratio whose denominator is 0 is 0, as in scikit-learn
    with ``zero_division=0``.

    Attributes
    ----------
    labels : tuple of label
        All classes that occur, sorted.
    counts : tuple of tuple of float
        ``counts[true][predicted]``.
    """

    labels: tuple[Label, ...]
    counts: tuple[tuple[float, ...], ...]

    @property
    def _matrix(self) -> Numbers:
        return np.array(self.counts, dtype=np.float64).reshape(len(self.labels), len(self.labels))

    @property
    def _right(self) -> Numbers:
        return np.diagonal(self._matrix)

    @property
    def support(self) -> dict[Label, float]:
        """Rows of each class."""
        return self._by_label(self._matrix.sum(axis=1))

    @property
    def accuracy(self) -> float:
        """Share of rows that are predicted right."""
        total = float(self._matrix.sum())
        return float(self._right.sum()) / total if total else math.nan

    @property
    def precision(self) -> dict[Label, float]:
        """Share of the rows predicted as a class that are of it."""
        return self._by_label(_ratio(self._right, self._matrix.sum(axis=0)))

    @property
    def recall(self) -> dict[Label, float]:
        """Share of a class's rows that are predicted as it (sensitivity)."""
        return self._by_label(self._recall)

    @property
    def specificity(self) -> dict[Label, float]:
        """Share of the other classes' rows that are not predicted as the class."""
        return self._by_label(self._specificity)

    def f_beta(self, beta: float = 1.0) -> dict[Label, float]:
        """Weighted harmonic mean of precision and recall, which counts beta times as much (van Rijsbergen 1979)."""
        if not 0 < beta < math.inf:
            raise SparkBalanceError(f"f_beta: beta={beta!r} is refused; give a number above 0")
        said, true = self._matrix.sum(axis=0), self._matrix.sum(axis=1)
        return self._by_label(_ratio((1 + beta**2) * self._right, beta**2 * true + said))

    @property
    def geometric_means(self) -> dict[Label, float]:
        """Square root of recall times specificity of each class (Kubat and Matwin 1997)."""
        return self._by_label(np.sqrt(self._recall * self._specificity))

    @property
    def geometric_mean(self) -> float:
        """The k-th root of the product of the recalls: 0 when one class is never found."""
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
        """Correlation of truth and prediction (Matthews 1975, of many classes Gorodkin 2004); 0 when undefined."""
        matrix = self._matrix
        true, said, total = matrix.sum(axis=1), matrix.sum(axis=0), matrix.sum()
        common = self._right.sum() * total - true @ said
        spread = (total**2 - said @ said) * (total**2 - true @ true)
        return float(common / math.sqrt(spread)) if spread > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return labels and counts as plain values that JSON can carry."""
        return {"labels": [plain(label) for label in self.labels], "counts": [list(row) for row in self.counts]}

    def __str__(self) -> str:
        head = ("true \\ predicted", *map(str, self.labels))
        body = [
            (str(label), *[f"{count:,.12g}" for count in row])
            for label, row in zip(self.labels, self.counts, strict=True)
        ]
        return text_table("confusion matrix", head, body)

    @property
    def _recall(self) -> Numbers:
        return _ratio(self._right, self._matrix.sum(axis=1))

    @property
    def _specificity(self) -> Numbers:
        matrix = self._matrix
        others = matrix.sum() - matrix.sum(axis=1)
        return _ratio(others - (matrix.sum(axis=0) - self._right), others)

    def _by_label(self, scores: Numbers) -> dict[Label, float]:
        return dict(zip(self.labels, scores.tolist(), strict=True))


def _ratio(above: Numbers, below: Numbers) -> Numbers:
    return np.divide(above, below, out=np.zeros_like(below), where=below != 0)


# what an evaluator of one class or of all may be asked for
OF_A_CLASS: dict[str, Callable[[ConfusionMatrix, float], dict[Label, float]]] = {
    "precisionByLabel": lambda matrix, beta: matrix.precision,
    "recallByLabel": lambda matrix, beta: matrix.recall,
    "specificityByLabel": lambda matrix, beta: matrix.specificity,
    "fMeasureByLabel": lambda matrix, beta: matrix.f_beta(beta),
    "geometricMeanByLabel": lambda matrix, beta: matrix.geometric_means,
    "indexBalancedAccuracyByLabel": lambda matrix, beta: matrix.index_balanced_accuracy(),
}
OF_ALL: dict[str, Callable[[ConfusionMatrix], float]] = {
    "accuracy": lambda matrix: matrix.accuracy,
    "balancedAccuracy": lambda matrix: matrix.balanced_accuracy,
    "geometricMean": lambda matrix: matrix.geometric_mean,
    "matthewsCorrCoef": lambda matrix: matrix.matthews_corrcoef,
}
