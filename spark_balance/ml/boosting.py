"""Boosting on resampled rows: RUSBoost, and SMOTEBoost with another sampler, of any pyspark.ml classifier."""

from __future__ import annotations

import math
from typing import Any

from pyspark.ml import Estimator, Transformer
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import check_new_column, quoted, temp
from spark_balance.errors import SparkBalanceError
from spark_balance.ml.ensembles import AveragedModel, BalancedBaggingClassifier
from spark_balance.ml.estimator import is_set
from spark_balance.samplers.base import Sampler
from spark_balance.summary import ClassCounts

WEIGHT = "boosting_weight"
_PROBABILITY, _RIGHT = temp("probability"), temp("right")
_LEAST_ERROR = 1e-10


class BalancedBoostingClassifier(BalancedBaggingClassifier):
    """Fit a classifier in rounds, each on a balanced draw in which rows count more that the rounds before got wrong.

    With ``RandomUnderSampler`` this is RUSBoost (Seiffert, Khoshgoftaar, Van Hulse and Napolitano, 2010), with
    ``SMOTE`` SMOTEBoost (Chawla, Lazarevic, Hall and Bowyer, 2003; a new row has the weight of its base):
    AdaBoost.M2 for two classes. A round's error e is the weighted mean, over all rows, of 1 - p, p being the
    probability that its model gives a row's own class; every weight is multiplied by (e / (1 - e))^p, and the
    model's probabilities count log((1 - e) / e) in the mean. It ends early with a model that is no better than
    chance (left out, unless it is the first) or has no error.

    Parameters
    ----------
    sampler : Sampler
        What is done to the rows in each round. Give it `key_cols`: without a key a row is known by a hash of
        all columns, the weight among them.
    estimator : pyspark.ml classifier
        One that has a `probabilityCol` and a `weightCol`, of classes 0 and 1; a shallow tree as a rule. If its
        `weightCol` is set, the weights start there.
    n_estimators : int, default 10
        Rounds at most; a Param too.

    Notes
    -----
    Cost of a fit: that of `BalancedBaggingClassifier`, and one job a round that sums the error. A round reads the
    rows through the models before it, so n rounds score each row about n^2 / 2 times a pass: for tens
    of rounds, not hundreds. The probabilities are those of balanced draws and pushed apart by boosting: for ranking,
    not to be read.

    Raises
    ------
    SparkBalanceError
        In one sentence, as `BalancedBaggingClassifier` does, and for a classifier that takes no weights.
    """

    def _fitted(self, dataset: DataFrame, sampler: Sampler, counts: ClassCounts) -> Transformer:
        estimator = self.getEstimator()
        self._check_rounds(dataset, estimator, counts)
        given = F.col(quoted(estimator.getOrDefault("weightCol"))) if is_set(estimator, "weightCol") else F.lit(1.0)
        weighed = dataset.withColumn(WEIGHT, given.cast("double"))
        models: list[Any] = []
        votes: list[float] = []
        for drawn, member in self._draws(sampler):
            model = member.copy({member.getParam("weightCol"): WEIGHT}).fit(drawn.fit_resample(weighed, counts))
            judged = _judged(model, weighed)
            wrong, total = judged.agg(F.sum((1 - F.col(_RIGHT)) * F.col(WEIGHT)), F.sum(WEIGHT)).collect()[0]
            # sums of doubles end in other digits on another layout
            error = max(round(wrong / total, 10), _LEAST_ERROR)
            if error >= 0.5:
                return AveragedModel(models, votes) if models else AveragedModel([model])
            models.append(model)
            votes.append(math.log((1 - error) / error))
            if error == _LEAST_ERROR:
                break
            kept = [F.col(quoted(name)) for name in dataset.columns]
            weighed = judged.select(*kept, (F.col(WEIGHT) * F.exp(-votes[-1] * F.col(_RIGHT))).alias(WEIGHT))
        return AveragedModel(models, votes)

    def _check_rounds(self, dataset: DataFrame, estimator: Estimator[Any], counts: ClassCounts) -> None:
        method, kind = type(self).__name__, type(estimator).__name__
        check_new_column(method, dataset.schema, WEIGHT, "the column of weights")
        if not estimator.hasParam("weightCol"):
            raise SparkBalanceError(
                f"{method}: {kind} takes no weights, by which the rounds tell what to learn; give a classifier that "
                "has a weightCol, or use BalancedBaggingClassifier"
            )
        if set(counts.rows) != {0, 1}:
            raise SparkBalanceError(
                f"{method}: label column '{counts.label_col}' has the classes {', '.join(map(str, counts.rows))}; "
                "two are boosted, 0 and 1, so number them with StringIndexer, or use BalancedBaggingClassifier"
            )


def _judged(model: Any, rows: DataFrame) -> DataFrame:
    """Add the probability that the model gives each row's own class."""
    only = {model.rawPredictionCol: "", model.probabilityCol: _PROBABILITY, model.predictionCol: ""}
    own = F.get(vector_to_array(F.col(_PROBABILITY)), F.col(quoted(model.getLabelCol())).cast("int"))
    judged: DataFrame = model.transform(rows, only)
    return judged.withColumn(_RIGHT, own).drop(_PROBABILITY)
