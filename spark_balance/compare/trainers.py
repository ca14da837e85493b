"""The trainers that fit the classifiers of a comparison: pyspark.ml here; scikit-learn on an engine without it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pyspark.sql import Column, DataFrame, functions as F
from typing_extensions import Self

from spark_balance.errors import ParameterError
from spark_balance.frames.columns import quoted, temp

PROBABILITY = "probability"
TARGET, WEIGHT = temp("target"), temp("weight")
_FEATURES = temp("features")


class LogisticRegression(BaseModel):
    """Logistic regression on standardized features.

    Parameters
    ----------
    l2 : float
        Penalty of the squared coefficients, as pyspark.ml's regParam, of the mean loss.
    max_iter : int
        Iterations at most.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    l2: float = Field(default=1e-4, gt=0)
    max_iter: int = Field(default=200, ge=1, strict=True)


class GradientBoostedTrees(BaseModel):
    """Boosted trees: pyspark.ml's GBTClassifier or scikit-learn's HistGradientBoostingClassifier.

    Parameters
    ----------
    trees : int
        Number of trees.
    max_depth : int
        Levels of a tree at most.
    learning_rate : float
        Share of each tree's correction that is added.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trees: int = Field(default=50, ge=1, strict=True)
    max_depth: int = Field(default=5, ge=1, le=30, strict=True)
    learning_rate: float = Field(default=0.1, gt=0, le=1)


Classifier = LogisticRegression | GradientBoostedTrees
CLASSIFIERS: dict[str, type[Classifier]] = {
    "logistic_regression": LogisticRegression,
    "gradient_boosted_trees": GradientBoostedTrees,
}


@dataclass(frozen=True)
class SparkTrainer:
    """pyspark.ml's classifiers, on classic Spark and Spark Connect; no row reaches the driver.

    Categories become one number each that is 0 or 1; one that the training fold does not have is 0 in all.
    """

    features: tuple[str, ...]
    categorical: tuple[str, ...] = ()
    encoder: Any = None

    learner = "pyspark.ml"
    row_limit = None

    def learn_categories(self, train: DataFrame) -> Self:
        """Return the trainer with the encoder of a training fold: a job if there are categories."""
        from pyspark.ml import Pipeline
        from pyspark.ml.feature import OneHotEncoder, StringIndexer, VectorAssembler

        names = [temp(f"x{i}") for i in range(len(self.features) + len(self.categorical))]
        numbers, named = names[: len(self.features)], names[len(self.features) :]
        codes, bits = ([f"{name}_{what}" for name in named] for what in ("code", "bits"))
        steps: list[Any] = [VectorAssembler(inputCols=[*numbers, *bits], outputCol=_FEATURES)]
        if named:
            # unseen values get the last code, which the encoder drops
            indexer = StringIndexer(inputCols=named, outputCols=codes, handleInvalid="keep")
            steps = [indexer, OneHotEncoder(inputCols=codes, outputCols=bits), *steps]
        inputs = train.select(*select_inputs(self.features, self.categorical))
        return replace(self, encoder=Pipeline(stages=steps).fit(inputs))

    def fit(self, classifier: Classifier, rows: DataFrame, target: Column, weight_col: str | None, seed: int) -> Any:
        """Return the model fitted on these rows, which it caches; `target` is true for the positive class."""
        weight = [] if weight_col is None else [F.col(quoted(weight_col)).cast("double").alias(WEIGHT)]
        frame = self._encoded(rows, [target.cast("double").alias(TARGET), *weight])
        return self._estimator(classifier, bool(weight), seed).fit(frame)

    def score(self, models: Sequence[Any], rows: DataFrame, keep: Sequence[str]) -> DataFrame:
        """Return the columns to keep and `probability`, the mean over the models, of each row; lazily."""
        from pyspark.ml.functions import vector_to_array

        from spark_balance.ml.ensembles import AveragedModel

        model = models[0] if len(models) == 1 else AveragedModel(list(models))
        kept = [F.col(quoted(name)) for name in keep]
        found = model.transform(self._encoded(rows, kept))
        each = vector_to_array(F.col(temp("probability")))
        return found.select(*kept, each[1].alias(PROBABILITY))

    def _encoded(self, rows: DataFrame, beside: list[Column]) -> DataFrame:
        known = rows.select(*beside, *select_inputs(self.features, self.categorical))
        kept = [F.col(quoted(name)) for name in known.columns[: len(beside)]]
        encoded: DataFrame = self.encoder.transform(known)
        return encoded.select(*kept, _FEATURES)

    def _estimator(self, classifier: Classifier, weighed: bool, seed: int) -> Any:
        from pyspark.ml import classification

        columns: dict[str, Any] = {"featuresCol": _FEATURES, "labelCol": TARGET, "predictionCol": temp("prediction")}
        columns |= {"weightCol": WEIGHT} if weighed else {}
        estimator: Any
        if isinstance(classifier, LogisticRegression):
            columns |= {"regParam": classifier.l2, "maxIter": classifier.max_iter}
            estimator = classification.LogisticRegression(**columns)
        else:
            columns |= {"maxIter": classifier.trees, "maxDepth": classifier.max_depth, "seed": seed}
            estimator = classification.GBTClassifier(stepSize=classifier.learning_rate, **columns)
        # by setters, since the constructor of GBTClassifier does not take these two
        return estimator.setProbabilityCol(temp("probability")).setRawPredictionCol(temp("raw"))


def check_limit(what: str, rows: int, limit: int | None) -> None:
    """Refuse more rows than scikit-learn may get."""
    if limit is None or rows <= limit:
        return
    raise ParameterError(
        f"compare: {what} has {rows:,} rows or more to train on, and scikit-learn gets at most row_limit={limit:,}, "
        "since they come to the driver; set sample_rows, raise row_limit, or use classic Spark or Spark Connect"
    )


def select_inputs(features: Sequence[str], categorical: Sequence[str]) -> list[Column]:
    """Return the inputs named by place (a name may hold any character): doubles, then text, never NULL."""
    numbers = [F.col(quoted(name)).cast("double") for name in features]
    # NULL is a category like any other
    named = [F.coalesce(F.concat(F.lit("="), F.col(quoted(one)).cast("string")), F.lit("NULL")) for one in categorical]
    return [column.alias(temp(f"x{i}")) for i, column in enumerate([*numbers, *named])]
