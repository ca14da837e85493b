"""Scores for imbalanced data as aggregates: rows stay on the engine, only counts come to the driver."""

from collections.abc import Hashable, Sequence

from pyspark.sql import DataFrame

from spark_balance.frames.arguments import checked
from spark_balance.metrics.evaluation import ConfusionMatrix, Evaluation
from spark_balance.metrics.ranking import Calibration, Ranking
from spark_balance.metrics.scored import Natural, Scored


@checked
def evaluate(
    df: DataFrame,
    label_col: str,
    prediction_col: str = "prediction",
    probability_col: str | None = None,
    labels: Sequence[Hashable] | None = None,
    weight_col: str | None = None,
    beta: float = 1.0,
    bins: int | None = None,
    calibration_bins: int = 15,
    before: Natural | None = None,
    allow_synthetic: bool = False,
) -> Evaluation:
    """Score a classifier on data that was not resampled.

    Parameters
    ----------
    df : DataFrame
        Scored rows. The scores read it several times, so write it first if scoring is expensive.
    label_col : str
        Column with the true class; 1, 1.0 and True are the same class.
    prediction_col : str
        Column with the predicted class.
    probability_col : str, optional
        A vector or an array with a probability from 0 to 1 for each class, or the second class's probability as a
        double.
    labels : sequence of label, optional
        The classes in the order of the probabilities; default 0, 1, ...
    weight_col : str, optional
        Column with the weight of each row, a number of at least 0.
    beta : float
        Recall counts `beta` times as much as precision in F-beta.
    bins : int, optional
        Compute the areas under the curves from this number of bins of the probability (2 to 100,000): one aggregate
        for each class, with a bound on the error. Default: exact areas.
    calibration_bins : int
        Bins of the expected calibration error, 1 to 10,000.
    before : dict of label to number, ClassCounts, ResamplingPlan or manifest, optional
        Rows or shares of each class in the original data, to detect that the scored data was resampled.
    allow_synthetic : bool
        Accept a frame whose provenance column marks replicas or synthetic rows.

    Returns
    -------
    Evaluation
        Every score, equal to scikit-learn's and imbalanced-learn's; prints as tables.

    Raises
    ------
    SparkBalanceError
        If a column does not fit, or a label or prediction is NULL. An invalid probability or weight stops the job.

    Warns
    -----
    ResampledWarning
        If a class's share differs from `before` by more than a factor of 2 and 6 standard deviations; or, without
        `before`, if all classes have exactly the same number of rows, at least 50.

    Notes
    -----
    Cost: one aggregate for the confusion matrix, one for the calibration, and three for the exact areas of each class
    (of two classes, of the second alone). The exact areas shuffle the distinct scores of the class; a separate task
    sorts each of 128 ranges. No row reaches the driver.

    Examples
    --------
    >>> rows = [(0, 0.0, 0.1), (0, 0.0, 0.4), (0, 1.0, 0.6), (1, 1.0, 0.8)]
    >>> scored = spark.createDataFrame(rows, "label int, prediction double, probability double")
    >>> found = evaluate(scored, "label", probability_col="probability")
    >>> found.by_class()[1]["precision"], found.ranking[1].roc_auc
    (0.5, 1.0)
    """
    scored = Scored("evaluate", df, label_col, prediction_col, probability_col, weight_col, labels)
    scored = scored.checked(allow_synthetic, before)
    matrix = scored.confusion()
    matrix.f_beta(beta)  # refuse an invalid beta before the longer jobs
    known = scored.labels or ()
    ranked = {label: scored.ranking(label, bins) for label in (known[1:] if len(known) == 2 else known)}
    return Evaluation(matrix, ranked, scored.calibration(calibration_bins)[0] if known else None, beta)


@checked
def confusion_matrix(
    df: DataFrame,
    label_col: str,
    prediction_col: str = "prediction",
    weight_col: str | None = None,
    before: Natural | None = None,
    allow_synthetic: bool = False,
) -> ConfusionMatrix:
    """Count the rows of each true class by the predicted class; most scores follow from these counts.

    Parameters
    ----------
    df, label_col, prediction_col, weight_col, before, allow_synthetic
        As in `evaluate`, which lists the errors and warnings too.

    Returns
    -------
    ConfusionMatrix
        The counts and the scores that follow from them.

    Notes
    -----
    Cost: one aggregate.

    Examples
    --------
    >>> scored = spark.createDataFrame([(0, 0), (0, 1), (1, 1)], "label int, prediction int")
    >>> confusion_matrix(scored, "label").counts
    ((1.0, 1.0), (0.0, 1.0))
    """
    scored = Scored("confusion_matrix", df, label_col, prediction_col, weight_col=weight_col)
    return scored.checked(allow_synthetic, before).confusion()


@checked
def ranking(
    df: DataFrame,
    label_col: str,
    probability_col: str = "probability",
    positive: Hashable = 1,
    labels: Sequence[Hashable] | None = None,
    weight_col: str | None = None,
    bins: int | None = None,
    before: Natural | None = None,
    allow_synthetic: bool = False,
) -> Ranking:
    """Return the areas under the ROC and the precision-recall curve of one class against the others.

    Parameters
    ----------
    df, label_col, labels, weight_col, bins, before, allow_synthetic
        As in `evaluate`, which lists the errors and warnings too; weighted rows cause no warning.
    probability_col : str
        As in `evaluate`. Exact areas accept any score instead of a probability, such as a margin.
    positive : label
        The class whose rows should have high scores.

    Returns
    -------
    Ranking
        Both areas and their errors.

    Notes
    -----
    Cost: three aggregates, as for one class in `evaluate`; one with `bins`.

    Examples
    --------
    >>> scored = spark.createDataFrame([(0, 0.1), (0, 0.6), (1, 0.4), (1, 0.8)], "label int, probability double")
    >>> ranking(scored, "label").roc_auc
    0.75
    """
    scored = Scored("ranking", df, label_col, None, probability_col, weight_col, labels)
    return scored.checked(allow_synthetic, before).guarded_ranking(positive, bins)


@checked
def calibration(
    df: DataFrame,
    label_col: str,
    probability_col: str = "probability",
    labels: Sequence[Hashable] | None = None,
    weight_col: str | None = None,
    bins: int = 15,
    before: Natural | None = None,
    allow_synthetic: bool = False,
) -> Calibration:
    """Return the Brier score and the expected calibration error.

    Parameters
    ----------
    df, label_col, probability_col, labels, weight_col, before, allow_synthetic
        As in `evaluate`, which lists the errors and warnings too.
    bins : int
        Bins of the expected calibration error, 1 to 10,000.

    Returns
    -------
    Calibration
        Both scores.

    Notes
    -----
    Cost: one aggregate.

    Examples
    --------
    >>> scored = spark.createDataFrame([(0, 0.0), (1, 0.5)], "label int, probability double")
    >>> calibration(scored, "label").brier_score
    0.125
    """
    scored = Scored("calibration", df, label_col, None, probability_col, weight_col, labels)
    return scored.checked(allow_synthetic, before).guarded_calibration(bins)
