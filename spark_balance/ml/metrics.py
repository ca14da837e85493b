"""Scores for imbalanced data as aggregates: rows stay on the engine, only counts come to the driver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame

from spark_balance.ml.calibration import Calibration
from spark_balance.ml.confusion import ConfusionMatrix
from spark_balance.ml.evaluation import Evaluation
from spark_balance.ml.guards import warn_if_resampled
from spark_balance.ml.prior import shares_of
from spark_balance.ml.ranking import Ranking
from spark_balance.ml.scored import Scored
from spark_balance.summary import Label


def evaluate(
    df: DataFrame,
    label_col: str,
    prediction_col: str = "prediction",
    probability_col: str | None = None,
    labels: Sequence[Label] | None = None,
    weight_col: str | None = None,
    beta: float = 1.0,
    bins: int | None = None,
    calibration_bins: int = 15,
    before: Any = None,
    allow_synthetic: bool = False,
) -> Evaluation:
    """Score a classifier on data as it is.

    Parameters
    ----------
    df : DataFrame
        Scored rows; scores read it several times, so write it first if scoring is expensive.
    label_col, prediction_col : str
        The true and the predicted class; 1 and 1.0 and True are the same class.
    probability_col : str, optional
        A vector or an array with a probability for each class, or the second class's probability as a double.
    labels : sequence of label, optional
        The classes in the order of the probabilities; 0, 1, ... when not given.
    weight_col : str, optional
        Weight of each row.
    beta : float
        Of F-beta: recall counts beta times as much as precision.
    bins : int, optional
        Compute the areas under the curves from so many bins of the probability, one aggregate for each class,
        with a bound of the error; exact when not given.
    calibration_bins : int
        Bins of the expected calibration error.
    before : dict of label to number, ClassCounts, ResamplingPlan or manifest, optional
        Rows or shares of each class in the data as it is, to tell whether the scored data was resampled.
    allow_synthetic : bool
        Accept a frame whose provenance column tells of replicas or synthetic rows.

    Returns
    -------
    Evaluation
        Every score, equal to scikit-learn's and imbalanced-learn's; prints as tables.

    Raises
    ------
    SparkBalanceError
        When a column does not fit, or a label or prediction is NULL. A bad probability or weight stops the job.

    Warns
    -----
    ResampledWarning
        A class's share is off `before` by more than a factor of 2 and 6 standard deviations; or, without
        `before`, all classes have exactly the same number of rows, at least 50.

    Notes
    -----
    Cost: one aggregate for the confusion matrix, one for the calibration, and for each class (of two, for the
    second alone) three for the exact areas: they shuffle its distinct scores, and each of 128 ranges is sorted
    by its own task. No row reaches the driver.
    """
    method = "evaluate"
    named = None if labels is None else tuple(labels)
    scored = Scored(method, df, label_col, prediction_col, probability_col, weight_col, named).checked(allow_synthetic)
    natural = None if before is None else shares_of(method, before, "before")
    matrix, rows = scored.confusion()
    warn_if_resampled(method, rows, natural)
    matrix.f_beta(beta)  # a bad beta is told now
    known = scored.labels or ()
    ranked = {label: scored.ranking(label, bins) for label in (known[1:] if len(known) == 2 else known)}
    return Evaluation(matrix, ranked, scored.calibration(calibration_bins)[0] if known else None, beta)


def confusion_matrix(
    df: DataFrame,
    label_col: str,
    prediction_col: str = "prediction",
    weight_col: str | None = None,
    before: Any = None,
    allow_synthetic: bool = False,
) -> ConfusionMatrix:
    """Count the rows of each true class by the class predicted, from which most scores follow.

    Parameters, errors and warnings are those of `evaluate`. Cost: one aggregate.
    """
    method = "confusion_matrix"
    scored = Scored(method, df, label_col, prediction_col, weight_col=weight_col).checked(allow_synthetic)
    natural = None if before is None else shares_of(method, before, "before")
    matrix, rows = scored.confusion()
    warn_if_resampled(method, rows, natural)
    return matrix


def ranking(
    df: DataFrame,
    label_col: str,
    probability_col: str = "probability",
    positive: Label = 1,
    labels: Sequence[Label] | None = None,
    weight_col: str | None = None,
    bins: int | None = None,
    before: Any = None,
    allow_synthetic: bool = False,
) -> Ranking:
    """Return the areas under the ROC and the precision-recall curve of one class against the others.

    Parameters, errors, warnings (of rows without weights) and cost are those of `evaluate`, for the class
    `positive` alone. Exact areas take any
    score in the place of a probability, such as a margin.
    """
    method = "ranking"
    named = None if labels is None else tuple(labels)
    scored = Scored(method, df, label_col, None, probability_col, weight_col, named).checked(allow_synthetic)
    natural = None if before is None else shares_of(method, before, "before")
    found = scored.ranking(positive, bins)
    if weight_col is None:
        if natural is not None:
            share = natural.get(positive, 0.0)
            natural = {positive: share, "the others": sum(natural.values()) - share}
        warn_if_resampled(method, {positive: found.positives, "the others": found.negatives}, natural)
    return found


def calibration(
    df: DataFrame,
    label_col: str,
    probability_col: str = "probability",
    labels: Sequence[Label] | None = None,
    weight_col: str | None = None,
    bins: int = 15,
    before: Any = None,
    allow_synthetic: bool = False,
) -> Calibration:
    """Return the Brier score and the expected calibration error.

    Parameters, errors and warnings are those of `evaluate`. Cost: one aggregate.
    """
    method = "calibration"
    named = None if labels is None else tuple(labels)
    scored = Scored(method, df, label_col, None, probability_col, weight_col, named).checked(allow_synthetic)
    natural = None if before is None else shares_of(method, before, "before")
    found, rows = scored.calibration(bins)
    warn_if_resampled(method, rows, natural)
    return found
