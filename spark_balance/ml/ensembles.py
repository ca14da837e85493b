"""Many models, each fitted on its own draw, as one: bagging, and boosting (RUSBoost, SMOTEBoost)."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.ml import Estimator, Model, Transformer
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.sql import Column, DataFrame, functions as F
from typing_extensions import Self

from spark_balance.base.sampler import Sampler
from spark_balance.errors import BadValuesError, ParameterError
from spark_balance.frames.arguments import checked
from spark_balance.frames.columns import check_new_column, quoted, temp
from spark_balance.frames.older_spark import array_position
from spark_balance.frames.plan import ClassCounts
from spark_balance.kernels.draws import stream
from spark_balance.ml.estimator import BalancedEstimator, is_set, with_seed
from spark_balance.ml.persistence import Load, Persistent, keep_uid

WEIGHT, _LEAST_ERROR = "boosting_weight", 1e-10
_SUM, _PROBABILITY, _RIGHT = temp("sum"), temp("probability"), temp("right")


class BalancedBaggingClassifier(BalancedEstimator):
    """Fit a classifier several times, each on its own balanced draw, and average the probabilities.

    Under-sampling throws most of the majority away; many draws together throw away less of it. With a
    `GBTClassifier` this is EasyEnsemble's idea (Liu, Wu and Zhou, 2009: bagging of boosted learners on under-sampled
    data; theirs boosts with AdaBoost, which pyspark does not have). For RUSBoost see `BalancedBoostingClassifier`.

    Parameters
    ----------
    sampler : Sampler
        Makes each draw: ``RandomUnderSampler(label_col=...)`` keeps the minority whole,
        ``RandomUnderSampler(label_col=..., sampling_strategy="all", replacement=True)`` bootstraps both classes (the
        balanced random forest of Chen, Liaw and Breiman, 2004, if trees are fitted). Its `random_state` is the root
        of every member's.
    estimator : pyspark.ml classifier
        A classifier with a `probabilityCol` and without `threshold` or `thresholds`; compare the averaged
        probability with your own threshold. Its `seed`, if it has one, differs by member.
    n_estimators : int, default 10
        Members, at least 1; a Param too.

    Raises
    ------
    SparkBalanceError
        As `BalancedEstimator`, and for a classifier without probabilities.

    Notes
    -----
    Cost of a fit: one job that counts the classes, and `n_estimators` times the sampler's jobs and the estimator's,
    one after the other. Cost of a transform: one scan, with one pass of the model's function for each member; no
    shuffle. Nothing is cached. On Connect 200 members work and 400 are refused: each nests the message one deeper.

    Examples
    --------
    >>> from pyspark.ml.classification import DecisionTreeClassifier
    >>> from pyspark.ml.feature import VectorAssembler
    >>> rows = [(float(i), int(i >= 16)) for i in range(20)]
    >>> df = VectorAssembler(inputCols=["x"], outputCol="features").transform(
    ...     spark.createDataFrame(rows, "x double, label int"))
    >>> sampler = RandomUnderSampler(label_col="label")
    >>> bagging = BalancedBaggingClassifier(sampler=sampler, estimator=DecisionTreeClassifier(), n_estimators=2)
    >>> bagging.fit(df).transform(df).columns
    ['x', 'label', 'features', 'rawPrediction', 'probability', 'prediction']
    """

    n_estimators: Param[int] = Param(
        Params._dummy(), "n_estimators", "members of the ensemble", typeConverter=TypeConverters.toInt
    )

    @checked
    def __init__(self, *, sampler: Sampler, estimator: Estimator[Any], n_estimators: int = 10) -> None:
        super().__init__(sampler=sampler, estimator=estimator)
        self._setDefault(n_estimators=10)
        self._set(n_estimators=n_estimators)

    def _fitted(self, dataset: DataFrame, sampler: Sampler, counts: ClassCounts) -> Transformer:
        draws = self._draws(sampler)
        return AveragedModel([member.fit(drawn.fit_resample(dataset, counts)) for drawn, member in draws])

    def _draws(self, sampler: Sampler) -> Iterator[tuple[Sampler, Estimator[Any]]]:
        """Yield each member's sampler and estimator."""
        members, estimator = self.getOrDefault(self.n_estimators), self.getEstimator()
        _check_members(type(self).__name__, members, estimator)
        root = estimator.getOrDefault("seed") if is_set(estimator, "seed") else sampler.random_state
        for i in range(members):
            # a hash and not random_state + i: neighboring seeds would share members
            drawn = sampler.replace(random_state=stream(sampler.random_state, f"member {i}"))
            yield drawn, with_seed(estimator, stream(root, f"estimator {i}"))


class BalancedBoostingClassifier(BalancedBaggingClassifier):
    """Fit a classifier in rounds, each on a balanced draw in which the rows of earlier mistakes have more weight.

    With ``RandomUnderSampler`` this is RUSBoost (Seiffert, Khoshgoftaar, Van Hulse and Napolitano, 2010), with
    ``SMOTE`` SMOTEBoost (Chawla, Lazarevic, Hall and Bowyer, 2003; a new row has the weight of its base): AdaBoost.M2
    for two classes. With p the probability that a round's model gives a row's own class, the round's error e is the
    weighted mean of 1 - p over all rows. Every weight is multiplied by (e / (1 - e))^p, and the model's probabilities
    count log((1 - e) / e) in the mean. Boosting ends early with a model that has no error or does no better than
    chance; the latter is left out, unless it is the first.

    Parameters
    ----------
    sampler : Sampler
        Resamples the rows in each round. Give it `key_cols`: without a key, a row is identified by a hash of all
        columns, which include the weight.
    estimator : pyspark.ml classifier
        A classifier of classes 0 and 1 with a `probabilityCol` and a `weightCol`, usually a shallow tree. If its
        `weightCol` is set, the weights start there.
    n_estimators : int, default 10
        Most rounds, at least 1; a Param too.

    Raises
    ------
    SparkBalanceError
        As `BalancedBaggingClassifier`, and for a classifier without weights or for other classes than 0 and 1.

    Notes
    -----
    Cost of a fit: that of `BalancedBaggingClassifier`, and one job a round that sums the error. A round reads the
    rows through the models before it, so n rounds score each row about n^2 / 2 times a pass: use it for tens of
    rounds, not hundreds. The probabilities are those of balanced draws, and boosting pushes them apart: rank by them,
    but do not read them as probabilities.

    Examples
    --------
    >>> from pyspark.ml.classification import DecisionTreeClassifier
    >>> from pyspark.ml.feature import VectorAssembler
    >>> rows = [(i, float(i % 7), int(i >= 16)) for i in range(20)]
    >>> df = VectorAssembler(inputCols=["x"], outputCol="features").transform(
    ...     spark.createDataFrame(rows, "row int, x double, label int"))
    >>> sampler = RandomUnderSampler(label_col="label", key_cols="row")
    >>> boosting = BalancedBoostingClassifier(sampler=sampler, estimator=DecisionTreeClassifier(), n_estimators=2)
    >>> len(boosting.fit(df).model.models) <= 2
    True
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
            scored = model.transform(weighed, _only_probability(model, _PROBABILITY))
            own = F.get(vector_to_array(F.col(_PROBABILITY)), F.col(quoted(model.getLabelCol())).cast("int"))
            scored = scored.withColumn(_RIGHT, own)
            wrong, total = scored.agg(F.sum((1 - F.col(_RIGHT)) * F.col(WEIGHT)), F.sum(WEIGHT)).collect()[0]
            # the last digits of a sum of doubles depend on the layout
            error = max(round(wrong / total, 10), _LEAST_ERROR)
            if error >= 0.5:
                return AveragedModel(models, votes) if models else AveragedModel([model])
            models.append(model)
            votes.append(math.log((1 - error) / error))
            if error == _LEAST_ERROR:
                break
            kept = [F.col(quoted(name)) for name in dataset.columns]
            weighed = scored.select(*kept, (F.col(WEIGHT) * F.exp(-votes[-1] * F.col(_RIGHT))).alias(WEIGHT))
        return AveragedModel(models, votes)

    def _check_rounds(self, dataset: DataFrame, estimator: Estimator[Any], counts: ClassCounts) -> None:
        method, kind = type(self).__name__, type(estimator).__name__
        check_new_column(method, dataset.schema, WEIGHT, "the column of weights")
        if not estimator.hasParam("weightCol"):
            raise ParameterError(
                f"{method}: {kind} takes no weights, which boosting needs; give a classifier that has a weightCol, "
                "or use BalancedBaggingClassifier"
            )
        if set(counts.rows) != {0, 1}:
            raise BadValuesError(
                f"{method}: label column '{counts.label_col}' has the classes {', '.join(map(str, counts.rows))}; "
                "boosting needs the two classes 0 and 1, so number them with StringIndexer, or use "
                "BalancedBaggingClassifier"
            )


class AveragedModel(Persistent, Model):
    """Classifiers as one: the class of the highest averaged probability.

    It writes the columns that its members are configured to write: `probabilityCol` is their mean by votes,
    `rawPredictionCol` their sum times votes (as in pyspark's random forest), `predictionCol` the class, the lower one
    of equals. A column named "" is left out. The `models` are of one type; `votes` are their weights in the mean.
    """

    def __init__(self, models: list[Any], votes: list[float] | None = None) -> None:
        super().__init__()
        self.models = models
        self.votes = [1.0] * len(models) if votes is None else votes

    @checked
    def _transform(self, dataset: DataFrame) -> DataFrame:
        roles = ("rawPredictionCol", "probabilityCol", "predictionCol")
        columns = {name: self.models[0].getOrDefault(name) for name in roles}
        names = [f"{_PROBABILITY}_{i}" for i in range(len(self.models))]
        for member, name in zip(self.models, names, strict=True):
            dataset = member.transform(dataset, _only_probability(member, name))
        votes = [
            _times(vector_to_array(F.col(quoted(name))), vote) for name, vote in zip(names, self.votes, strict=True)
        ]
        nothing = F.transform(votes[0], lambda vote: vote * 0.0)
        # a fold in the engine, since a chain of additions would nest Connect's messages deeper still
        sum_of_votes = F.aggregate(F.array(*votes), nothing, lambda some, one: F.zip_with(some, one, operator.add))
        summed = dataset.withColumn(_SUM, sum_of_votes).drop(*names)
        total = F.col(_SUM)
        values = {
            "rawPredictionCol": array_to_vector(total),
            "probabilityCol": array_to_vector(F.transform(total, lambda vote: vote / sum(self.votes))),
            "predictionCol": (array_position(total, F.array_max(total)) - 1).cast("double"),
        }
        return summed.withColumns({columns[role]: value for role, value in values.items() if columns[role]}).drop(_SUM)

    def copy(self, extra: Mapping[Param[Any], Any] | None = None) -> AveragedModel:
        """Return a copy, its members with extra parameters."""
        models = [model.copy(dict(extra or {})) for model in self.models]
        return keep_uid(AveragedModel(models, self.votes), self.uid)

    def _described(self) -> dict[str, Any]:
        return {"votes": self.votes}

    def _parts(self) -> Mapping[str, Any]:
        return {f"model_{i}": model for i, model in enumerate(self.models)}

    @classmethod
    def _restored(cls, described: dict[str, Any], load: Load) -> Self:
        votes = described["votes"]
        return cls([load(f"model_{i}") for i in range(len(votes))], votes)


def _only_probability(model: Any, name: str) -> dict[Any, str]:
    """Have a model write its probabilities under this name, and nothing else."""
    return {model.rawPredictionCol: "", model.probabilityCol: name, model.predictionCol: ""}


def _times(values: Column, vote: float) -> Column:
    return F.transform(values, lambda value: value * F.lit(vote))


def _check_members(method: str, members: int, estimator: Estimator[Any]) -> None:
    kind = type(estimator).__name__
    if members < 1:
        raise ParameterError(f"{method}: n_estimators={members} is refused; give a whole number of at least 1")
    if not estimator.hasParam("probabilityCol"):
        raise ParameterError(
            f"{method}: {kind} writes no probabilities, which the ensemble averages; "
            "give a classifier that has a probabilityCol (and put a Pipeline's other stages outside)"
        )
    for name in (name for name in ("threshold", "thresholds") if is_set(estimator, name)):
        raise ParameterError(
            f"{method}: {kind} has {name} set, which the ensemble does not apply; leave it out, and compare the "
            "averaged probability with your own"
        )
