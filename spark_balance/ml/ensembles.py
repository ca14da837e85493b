"""Many models, each fitted on a draw of its own, whose probabilities are averaged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from pyspark.ml import Estimator, Model, Transformer
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import temp
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.draws import stream
from spark_balance.ml.estimator import BalancedEstimator, is_set, with_seed
from spark_balance.ml.persistence import Load, Persistent
from spark_balance.samplers.base import Sampler
from spark_balance.summary import ClassCounts

_SUM, _PROBABILITY = temp("sum"), temp("probability")


class BalancedBaggingClassifier(BalancedEstimator):
    """Fit a classifier several times, each on its own balanced draw, and average the probabilities.

    Under-sampling throws most of the majority away; many draws throw away less of it between
    them. With a `GBTClassifier` this is EasyEnsemble's idea (Liu, Wu and Zhou, 2009: bagging of
    boosted learners on under-sampled data; theirs boosts with AdaBoost, which pyspark does not
    have). For RUSBoost see `BalancedBoostingClassifier`.

    Parameters
    ----------
    sampler : Sampler
        What each draw is: ``RandomUnderSampler(label_col=...)`` keeps the minority whole,
        ``RandomUnderSampler(label_col=..., sampling_strategy="all", replacement=True)`` bootstraps
        both (the balanced random forest of Chen, Liaw and Breiman, 2004, when trees are fitted).
        Its `random_state` is the root of every member's.
    estimator : pyspark.ml classifier
        One that has a `probabilityCol`, without `threshold` or `thresholds`: to choose another
        threshold, compare the averaged probability. Its `seed`, if it has one, differs by member.
    n_estimators : int, default 10
        Members; a Param too.

    Notes
    -----
    Cost of a fit: one job that counts the classes, and `n_estimators` times the sampler's jobs and
    the estimator's, one after the other. Cost of a transform: one scan, with one pass of the
    model's function for each member; no shuffle. Nothing is cached. On Connect 200 members were
    transformed by, 400 were refused: each nests the message one deeper.

    Raises
    ------
    SparkBalanceError
        In one sentence, as `BalancedEstimator` does, and for a classifier without probabilities.
    """

    n_estimators: Param[int] = Param(
        Params._dummy(), "n_estimators", "members of the ensemble", typeConverter=TypeConverters.toInt
    )

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
        _check(type(self).__name__, members, estimator)
        root = estimator.getOrDefault("seed") if is_set(estimator, "seed") else sampler.random_state
        for i in range(members):
            # a hash and not random_state + i: neighbouring seeds would share members
            drawn = sampler.model_copy(update={"random_state": stream(sampler.random_state, f"member {i}")})
            yield drawn, with_seed(estimator, stream(root, f"estimator {i}"))


class AveragedModel(Persistent, Model):
    """Classifiers as one: the class of the highest averaged probability.

    It writes the columns that its members are told to write: `probabilityCol` is their mean by votes,
    `rawPredictionCol` their sum times votes (as pyspark's random forest has it), `predictionCol` the class, the
    lower one of equals. A column named "" is left out.

    Attributes
    ----------
    models : list of pyspark.ml models
        The members, all of one type.
    votes : list of float
        How much each counts; 1 unless boosted.
    """

    def __init__(self, models: list[Any], votes: list[float] | None = None) -> None:
        super().__init__()
        self.models = models
        self.votes = [1.0] * len(models) if votes is None else votes

    def _transform(self, dataset: DataFrame) -> DataFrame:
        first = self.models[0]
        told = {name: first.getOrDefault(name) for name in ("rawPredictionCol", "probabilityCol", "predictionCol")}
        names = [f"{_PROBABILITY}_{i}" for i in range(len(self.models))]
        voted = dataset
        for member, name in zip(self.models, names, strict=True):
            only = {member.rawPredictionCol: "", member.probabilityCol: name, member.predictionCol: ""}
            voted = member.transform(voted, only)
        votes = [_times(vector_to_array(F.col(name)), vote) for name, vote in zip(names, self.votes, strict=True)]
        nothing = F.transform(votes[0], lambda vote: vote * 0.0)
        # a fold in the engine, since a chain of additions would nest Connect's messages deeper still
        sum_of_votes = F.aggregate(F.array(*votes), nothing, lambda some, one: F.zip_with(some, one, _added))
        summed = voted.withColumn(_SUM, sum_of_votes).drop(*names)
        total = F.col(_SUM)
        values = {
            "rawPredictionCol": array_to_vector(total),
            "probabilityCol": array_to_vector(F.transform(total, lambda vote: vote / sum(self.votes))),
            "predictionCol": (F.array_position(total, F.array_max(total)) - 1).cast("double"),
        }
        return summed.withColumns({told[role]: value for role, value in values.items() if told[role]}).drop(_SUM)

    def copy(self, extra: Mapping[Param[Any], Any] | None = None) -> AveragedModel:
        """Return a copy, its members with extra parameters."""
        return AveragedModel([model.copy(dict(extra or {})) for model in self.models], self.votes)._resetUid(self.uid)

    def _described(self) -> dict[str, Any]:
        return {"votes": self.votes}

    def _parts(self) -> Mapping[str, Any]:
        return {f"model_{i}": model for i, model in enumerate(self.models)}

    @classmethod
    def _restored(cls, described: dict[str, Any], load: Load) -> Self:
        votes = described["votes"]
        return cls([load(f"model_{i}") for i in range(len(votes))], votes)


def _times(values: Column, vote: float) -> Column:
    return F.transform(values, lambda value: value * F.lit(vote))


def _added(x: Column, y: Column) -> Column:
    return x + y


def _check(method: str, members: int, estimator: Estimator[Any]) -> None:
    kind = type(estimator).__name__
    if members < 1:
        raise SparkBalanceError(f"{method}: n_estimators={members} is refused: an ensemble has at least 1 member")
    if not estimator.hasParam("probabilityCol"):
        raise SparkBalanceError(
            f"{method}: {kind} writes no probabilities, which are what is averaged; "
            "give a classifier that has a probabilityCol (and put a Pipeline's other stages outside)"
        )
    for name in ("threshold", "thresholds"):
        if is_set(estimator, name):
            raise SparkBalanceError(
                f"{method}: {kind} has {name} set, which an average does not apply; "
                "leave it out and compare the averaged probability with your own"
            )
