"""Decide by cost: the threshold, or the class, with the least expected cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import check_columns, check_frame, check_new_column
from spark_balance.errors import SparkBalanceError
from spark_balance.ml.probabilities import Probabilities, total_of
from spark_balance.summary import Label

CostMatrix = Sequence[Sequence[float]]


def cost_threshold(cost_matrix: CostMatrix) -> float:
    """Return the probability of the positive class from which predicting it costs least on average.

    Parameters
    ----------
    cost_matrix : 2 x 2 numbers
        ``cost_matrix[true][predicted]``, as a confusion matrix is laid out: ``[[0, 1], [50, 0]]`` is a false alarm
        for 1 and a miss for 50, in any unit.

    Returns
    -------
    float
        (C01 - C00) / (C01 - C00 + C10 - C11), in (0, 1): 1/51 in the example. It holds for calibrated
        probabilities, so correct the prior first.

    Raises
    ------
    SparkBalanceError
        When the matrix is not 2 x 2, or a mistake costs no more than the right answer.

    References
    ----------
    Elkan, C. (2001), The foundations of cost-sensitive learning. IJCAI.
    """
    costs = _checked("cost_threshold", cost_matrix, 2)
    alarm, miss = costs[0][1] - costs[0][0], costs[1][0] - costs[1][1]
    if alarm <= 0 or miss <= 0:
        raise SparkBalanceError(
            f"cost_threshold: cost_matrix={costs} has a mistake that costs no more than the right answer, so one class "
            "would always be predicted; give cost_matrix[true][predicted] with the least on the diagonal"
        )
    return alarm / (alarm + miss)


def decide_by_cost(
    df: DataFrame,
    probability_col: str,
    cost_matrix: CostMatrix,
    labels: Sequence[Label] | None = None,
    output_col: str = "decision",
) -> DataFrame:
    """Add the class with the least expected cost of each row.

    Parameters
    ----------
    df : DataFrame
        Scored rows with calibrated probabilities; see `correct_prior`.
    probability_col : str
        As in `correct_prior`.
    cost_matrix : k x k numbers
        ``cost_matrix[true][predicted]``, in any unit, in the order of the probabilities.
    labels : sequence of label, optional
        What to write for each class; 0.0, 1.0, ... (pyspark.ml's predictions) when not given.
    output_col : str
        Name of the new column.

    Returns
    -------
    DataFrame
        The frame with `output_col`; of classes that cost the same the first, NULL where a probability is.

    Raises
    ------
    SparkBalanceError
        When a column or the matrix does not fit.

    Notes
    -----
    Cost: column expressions only; no job, no shuffle, no Python worker.
    """
    method = "decide_by_cost"
    check_frame(method, df.schema)
    check_columns(method, df.schema, [probability_col], "probability_col")
    check_new_column(method, df.schema, output_col, "output_col")
    costs = _checked(method, cost_matrix, None if labels is None else len(labels))
    classes = [float(place) for place in range(len(costs))] if labels is None else list(labels)
    if len({isinstance(label, str) for label in classes}) > 1:
        raise SparkBalanceError(f"{method}: labels={classes!r} mix text and other values; give labels of one type")
    each = Probabilities.of(method, df.schema, probability_col, classes).each()
    expected = F.array(
        *[
            total_of([p * F.lit(costs[true][predicted]) for true, p in enumerate(each)])
            for predicted in range(len(classes))
        ]
    )
    known = total_of(each)
    least = F.array_position(expected, F.array_min(expected)) - 1
    decision = F.get(F.array(*[F.lit(label) for label in classes]), least.cast("int"))
    return df.select("*", F.when(known.isNotNull() & ~F.isnan(known), decision).alias(output_col))


def _checked(method: str, cost_matrix: CostMatrix, classes: int | None) -> list[list[float]]:
    try:
        costs = [[float(cost) for cost in row] for row in cost_matrix]
    except (TypeError, ValueError):
        raise SparkBalanceError(
            f"{method}: cost_matrix={cost_matrix!r} is no table of numbers; give cost_matrix[true][predicted]"
        ) from None
    classes = len(costs) if classes is None else classes
    if len(costs) != classes or any(len(row) != classes for row in costs):
        raise SparkBalanceError(
            f"{method}: cost_matrix has rows of {[len(row) for row in costs]} costs; give {classes} rows of {classes}, "
            "cost_matrix[true][predicted]"
        )
    if not all(map(math.isfinite, chain.from_iterable(costs))):
        raise SparkBalanceError(f"{method}: cost_matrix={costs} has a cost that is not a finite number; give numbers")
    return costs
