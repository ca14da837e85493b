"""From a model's probabilities to decisions: corrected for the original class shares, at the least expected cost."""

import math
from collections.abc import Hashable, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from numbers import Real
from typing import Any

from pyspark.sql import DataFrame, functions as F

from spark_balance.errors import ParameterError
from spark_balance.frames.arguments import checked
from spark_balance.frames.columns import check_columns, check_frame, check_new_column
from spark_balance.frames.older_spark import array_position
from spark_balance.frames.plan import ClassCounts, Label, ResamplingPlan
from spark_balance.metrics.guards import check_shares, read_plan, read_shares
from spark_balance.metrics.probabilities import Probabilities, add_columns, put_column

CostMatrix = Sequence[Any]  # of rows of numbers
Prior = Mapping[Label, Any] | ClassCounts
Record = ResamplingPlan | Mapping[Label, Any]


@checked
def correct_prior(
    df: DataFrame,
    probability_col: str,
    before: Prior | Record,
    after: Prior | None = None,
    labels: Sequence[Hashable] | None = None,
    output_col: str | None = None,
) -> DataFrame:
    """Correct the probabilities of a classifier that was trained on other class shares than those of the scored data.

    Parameters
    ----------
    df : DataFrame
        Scored rows.
    probability_col : str
        A vector or an array of doubles, one probability for each class in the order of `labels`; or one double, the
        probability of the second of two classes.
    before : dict of label to number, ClassCounts, ResamplingPlan or manifest
        Rows or shares (any positive multiple) of each class in the original data. Or, without `after`, both at once:
        the plan of the sampler or `ClassWeighter`, or a run's manifest as `read_manifest` returns it, which has the
        rows that were written. Rows count by their weight.
    after : dict of label to number or ClassCounts, optional
        Rows or shares of each class in the training data.
    labels : sequence of label, optional
        The classes in the order of the probabilities. Required unless they are the numbers 0, 1, ... or False and
        True, since `StringIndexer` orders by frequency.
    output_col : str, optional
        Column for the result; default `probability_col` is replaced.

    Returns
    -------
    DataFrame
        The frame with corrected probabilities of the same type, summing to 1; NULL stays NULL. A prediction column
        stays as it was: decide again with `decide_by_cost`.

    Raises
    ------
    SparkBalanceError
        If a class is missing on one side or has no rows there, or the column does not fit. A row whose number of
        probabilities differs from the number of classes stops the job.

    Notes
    -----
    p'(c) is p(c) * before(c) / after(c), divided by its sum over the classes; for two classes that is Elkan's
    theorem 2, and Dal Pozzolo's formula if only the majority was sampled. It is exact if resampling kept each class's
    distribution: under-sampling, replication, class weights. Synthetic rows change it, so after SMOTE the result is
    an approximation. Rows that were downsampled and upweighted need no correction: their plan leaves probabilities as
    they are.

    Cost: column expressions only; no job, no shuffle, no Python worker.

    References
    ----------
    Elkan, C. (2001), The foundations of cost-sensitive learning. IJCAI.
    Dal Pozzolo, A. et al. (2015), Calibrating probability with undersampling for unbalanced classification. SSCI.
    Saerens, M. et al. (2002), Adjusting the outputs of a classifier to new a priori probabilities. Neural Computation.

    Examples
    --------
    >>> scored = spark.createDataFrame([(0.5,)], "probability double")
    >>> correct_prior(scored, "probability", before={0: 400, 1: 100}, after={0: 100, 1: 100}).first()
    Row(probability=0.2)
    """
    method = "correct_prior"
    check_frame(method, df.schema)
    check_columns(method, df.schema, [probability_col], "probability_col")
    if output_col is not None:
        check_new_column(method, df.schema, output_col, "output_col")
    natural, trained = _priors(method, before, after)
    probabilities = Probabilities.of(method, df.schema, probability_col, _order(method, natural, labels))
    factors = [natural[label] / trained[label] for label in probabilities.labels]
    scaled = [factor / max(factors) for factor in factors]
    return put_column(df, output_col or probability_col, probabilities.scaled(scaled))


def _priors(method: str, before: Prior | Record, after: Prior | None) -> tuple[dict[Label, float], dict[Label, float]]:
    """Return the share of each class in the original data and in the training data."""
    if after is not None:
        natural, trained = read_shares(method, before, "before"), read_shares(method, after, "after")
        if set(natural) != set(trained):
            odd = sorted(map(repr, set(natural) ^ set(trained)))
            raise ParameterError(f"{method}: class {odd[0]} is in only one of before and after; give both")
        return natural, trained
    plan = read_plan(method, before)
    natural = check_shares(method, {label: rows for label, rows, _ in plan}, "before")
    return natural, check_shares(method, {label: rows for label, _, rows in plan}, "after")


def _order(method: str, natural: Mapping[Label, float], labels: Sequence[Hashable] | None) -> tuple[Label, ...]:
    known = list(natural)
    if labels is None:
        if all(isinstance(label, Real | Decimal) for label in known) and sorted(known) == list(range(len(known))):
            return tuple(sorted(known))
        raise ParameterError(
            f"{method}: the order of the classes {', '.join(map(repr, known[:20]))} in the probabilities is not known; "
            "give labels, such as StringIndexerModel.labels"
        )
    if len(labels) != len(known) or set(labels) != set(known):
        raise ParameterError(
            f"{method}: labels={list(labels)!r} are not the classes {', '.join(map(repr, known[:20]))}; name each once"
        )
    return tuple(labels)


@checked
def cost_threshold(cost_matrix: CostMatrix) -> float:
    """Return the probability of the positive class from which predicting it costs least on average.

    Parameters
    ----------
    cost_matrix : 2 x 2 numbers
        ``cost_matrix[true][predicted]``, laid out like a confusion matrix, in any unit: in ``[[0, 1], [50, 0]]`` a
        false alarm costs 1 and a miss 50.

    Returns
    -------
    float
        (C01 - C00) / (C01 - C00 + C10 - C11), in (0, 1). It holds for calibrated probabilities, so correct the prior
        first.

    Raises
    ------
    SparkBalanceError
        If the matrix is not 2 x 2, or a mistake costs no more than the right answer.

    References
    ----------
    Elkan, C. (2001), The foundations of cost-sensitive learning. IJCAI.

    Examples
    --------
    >>> cost_threshold([[0, 1], [49, 0]])
    0.02
    """
    costs = _check_costs("cost_threshold", cost_matrix, 2)
    alarm, miss = costs[0][1] - costs[0][0], costs[1][0] - costs[1][1]
    if alarm <= 0 or miss <= 0:
        raise ParameterError(
            f"cost_threshold: cost_matrix={costs} has a mistake that costs no more than the right answer, so one class "
            "would always be predicted; give cost_matrix[true][predicted] with the least on the diagonal"
        )
    return alarm / (alarm + miss)


@checked
def decide_by_cost(
    df: DataFrame,
    probability_col: str,
    cost_matrix: CostMatrix,
    labels: Sequence[Hashable] | None = None,
    output_col: str = "decision",
) -> DataFrame:
    """Add the class with the least expected cost of each row.

    Parameters
    ----------
    df : DataFrame
        Scored rows with calibrated probabilities; see `correct_prior`.
    probability_col : str
        A vector or an array of doubles with a probability for each class, or the second class's as a double.
    cost_matrix : k x k numbers
        ``cost_matrix[true][predicted]``, in any unit, in the order of the probabilities.
    labels : sequence of label, optional
        The value to write for each class; default 0.0, 1.0, ... (pyspark.ml's predictions).
    output_col : str
        Name of the new column.

    Returns
    -------
    DataFrame
        The frame with `output_col`: the first of classes with equal cost, NULL where a probability is NULL.

    Raises
    ------
    SparkBalanceError
        If a column or the matrix does not fit.

    Notes
    -----
    Cost: column expressions only; no job, no shuffle, no Python worker.

    Examples
    --------
    >>> scored = spark.createDataFrame([(0.01,), (0.1,)], "probability double")
    >>> [row.decision for row in decide_by_cost(scored, "probability", [[0, 1], [49, 0]]).collect()]
    [0.0, 1.0]
    """
    method = "decide_by_cost"
    check_frame(method, df.schema)
    check_columns(method, df.schema, [probability_col], "probability_col")
    check_new_column(method, df.schema, output_col, "output_col")
    costs = _check_costs(method, cost_matrix, None if labels is None else len(labels))
    classes = [float(place) for place in range(len(costs))] if labels is None else list(labels)
    if len({isinstance(label, str) for label in classes}) > 1:
        raise ParameterError(f"{method}: labels={classes!r} mix text and other values; give labels of one type")
    each = Probabilities.of(method, df.schema, probability_col, classes).each()
    expected = F.array(
        *[
            add_columns([p * F.lit(costs[true][predicted]) for true, p in enumerate(each)])
            for predicted in range(len(classes))
        ]
    )
    known = add_columns(each)
    least = array_position(expected, F.array_min(expected)) - 1
    decision = F.get(F.array(*[F.lit(label) for label in classes]), least.cast("int"))
    return df.select("*", F.when(known.isNotNull() & ~F.isnan(known), decision).alias(output_col))


def _check_costs(method: str, cost_matrix: CostMatrix, classes: int | None) -> list[list[float]]:
    try:
        costs = [[float(cost) for cost in row] for row in cost_matrix]
    except (TypeError, ValueError):
        raise ParameterError(
            f"{method}: cost_matrix={cost_matrix!r} is not a table of numbers; give cost_matrix[true][predicted]"
        ) from None
    classes = len(costs) if classes is None else classes
    if len(costs) != classes or any(len(row) != classes for row in costs):
        raise ParameterError(
            f"{method}: cost_matrix has rows of {[len(row) for row in costs]} costs; give {classes} rows of {classes}, "
            "cost_matrix[true][predicted]"
        )
    if not all(map(math.isfinite, chain.from_iterable(costs))):
        raise ParameterError(f"{method}: cost_matrix={costs} has a cost that is not a finite number; give numbers")
    return costs
