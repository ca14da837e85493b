"""Who fits the classifiers of a comparison: pyspark.ml, or scikit-learn where an engine has no pyspark.ml."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from threadpoolctl import threadpool_limits

from spark_balance.columns import quoted, temp
from spark_balance.errors import SparkBalanceError

PROBABILITY = "probability"
_TARGET, _WEIGHT, _FEATURES = temp("target"), temp("weight"), temp("features")


class LogisticRegression(BaseModel):
    """Logistic regression on standardised features; `l2` as pyspark.ml's regParam, of the mean loss."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    l2: float = Field(default=1e-4, gt=0)
    max_iter: int = Field(default=200, ge=1, strict=True)


class GradientBoostedTrees(BaseModel):
    """Boosted trees: pyspark.ml's GBTClassifier or scikit-learn's HistGradientBoostingClassifier."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trees: int = Field(default=50, ge=1, strict=True)
    max_depth: int = Field(default=5, ge=1, le=30, strict=True)
    learning_rate: float = Field(default=0.1, gt=0, le=1)


Classifier = LogisticRegression | GradientBoostedTrees
CLASSIFIERS: dict[str, type[Classifier]] = {
    "logistic_regression": LogisticRegression,
    "gradient_boosted_trees": GradientBoostedTrees,
}


class Trainer(Protocol):
    """Fits a classifier on a frame, and gives held-out rows the mean probability of models fitted before."""

    @property
    def learner(self) -> str:
        """Whose classifiers they are."""

    @property
    def row_limit(self) -> int | None:
        """The most rows that it takes."""

    def fit(self, classifier: Classifier, rows: DataFrame, target: Column, weight_col: str | None, seed: int) -> Any:
        """Return the model fitted on all rows; `target` is true for the positive class."""

    def scored(self, models: Sequence[Any], rows: DataFrame, keep: Sequence[str]) -> DataFrame:
        """Return the columns to keep and `probability` of the positive class, for each row."""


class SparkTrainer:
    """pyspark.ml's classifiers, on classic Spark and Spark Connect; no row reaches the driver."""

    learner = "pyspark.ml"
    row_limit = None

    def __init__(self, features: Sequence[str]) -> None:
        self._features = tuple(features)

    def fit(self, classifier: Classifier, rows: DataFrame, target: Column, weight_col: str | None, seed: int) -> Any:
        """Fit; the estimator caches what it reads."""
        weight = [] if weight_col is None else [F.col(quoted(weight_col)).cast("double").alias(_WEIGHT)]
        frame = rows.select(target.cast("double").alias(_TARGET), self._vector(), *weight)
        return self._estimator(classifier, bool(weight), seed).fit(frame)

    def scored(self, models: Sequence[Any], rows: DataFrame, keep: Sequence[str]) -> DataFrame:
        """Score on the engine, lazily."""
        from pyspark.ml.functions import vector_to_array

        from spark_balance.ml.ensembles import AveragedModel

        model = models[0] if len(models) == 1 else AveragedModel(list(models))
        found = model.transform(rows.select(*[F.col(quoted(name)) for name in keep], self._vector()))
        each = vector_to_array(F.col(temp("probability")))
        return found.select(*[F.col(quoted(name)) for name in keep], each[1].alias(PROBABILITY))

    def _vector(self) -> Column:
        from pyspark.ml.functions import array_to_vector

        return array_to_vector(F.array(*_doubles(self._features))).alias(_FEATURES)

    def _estimator(self, classifier: Classifier, weighed: bool, seed: int) -> Any:
        from pyspark.ml import classification

        columns: dict[str, Any] = {
            "featuresCol": _FEATURES,
            "labelCol": _TARGET,
            "predictionCol": temp("prediction"),
        }
        if weighed:
            columns["weightCol"] = _WEIGHT
        estimator: Any
        if isinstance(classifier, LogisticRegression):
            estimator = classification.LogisticRegression(
                regParam=classifier.l2, maxIter=classifier.max_iter, **columns
            )
        else:
            estimator = classification.GBTClassifier(
                maxIter=classifier.trees,
                maxDepth=classifier.max_depth,
                stepSize=classifier.learning_rate,
                seed=seed,
                **columns,
            )
        # by setters, since the constructor of GBTClassifier does not take these two
        return estimator.setProbabilityCol(temp("probability")).setRawPredictionCol(temp("raw"))


class SklearnTrainer:
    """scikit-learn's classifiers on the driver, which collects each training fold: at most `row_limit` rows."""

    learner = "scikit-learn"

    def __init__(self, features: Sequence[str], row_limit: int) -> None:
        self._features, self.row_limit = tuple(features), row_limit
        try:
            import sklearn  # noqa: F401
        except ModuleNotFoundError:
            raise SparkBalanceError(
                "compare: scikit-learn is not installed, which fits the classifiers on an engine without pyspark.ml; "
                "pip install 'spark-balance[report]', or use classic Spark"
            ) from None

    def fit(self, classifier: Classifier, rows: DataFrame, target: Column, weight_col: str | None, seed: int) -> Any:
        """Collect, within the limit, and fit."""
        weight = F.lit(1.0) if weight_col is None else F.col(quoted(weight_col)).cast("double")
        columns = [target.cast("double").alias(_TARGET), weight.alias(_WEIGHT), *_doubles(self._features)]
        table = self._collected(rows.select(*columns))
        # in one order, whatever order the engine gave: sums of doubles depend on it
        ordered = table[np.lexsort(table.T[::-1])]
        y, w, x = ordered[:, 0], ordered[:, 1], ordered[:, 2:]
        # one thread: sums in one order on any machine, and no threads that wait for each other on small folds
        with threadpool_limits(limits=1):
            if isinstance(classifier, LogisticRegression):
                model = self._logistic(classifier, float(w.sum()))
                return model.fit(x, y, logisticregression__sample_weight=w, standardscaler__sample_weight=w)
            return self._boosted(classifier, seed).fit(x, y, sample_weight=w)

    def scored(self, models: Sequence[Any], rows: DataFrame, keep: Sequence[str]) -> DataFrame:
        """Score on the driver, and hand the rows back to the engine."""
        kept = [F.col(quoted(name)) for name in keep]
        features = [column.alias(temp(f"x{i}")) for i, column in enumerate(_doubles(self._features))]
        table = rows.select(*kept, *features).limit(self.row_limit + 1).toArrow()
        self._check(table.num_rows)
        x = _matrix(table.select(range(len(keep), table.num_columns)))
        with threadpool_limits(limits=1):
            mean = np.mean([model.predict_proba(x)[:, 1] for model in models], axis=0)
        told = table.select(range(len(keep))).append_column(PROBABILITY, pa.array(mean, pa.float64()))
        return rows.sparkSession.createDataFrame(told)

    def _collected(self, rows: DataFrame) -> NDArray[np.float64]:
        table = rows.limit(self.row_limit + 1).toArrow()
        self._check(table.num_rows)
        return _matrix(table)

    def _check(self, rows: int) -> None:
        if rows > self.row_limit:
            raise SparkBalanceError(too_many("a fold", rows, self.row_limit))

    def _logistic(self, classifier: LogisticRegression, total: float) -> Any:
        from sklearn.linear_model import LogisticRegression as Logistic
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        # scikit-learn weighs the summed loss, pyspark.ml its mean
        logistic = Logistic(C=1 / (classifier.l2 * total), max_iter=classifier.max_iter)
        return make_pipeline(StandardScaler(), logistic)

    def _boosted(self, classifier: GradientBoostedTrees, seed: int) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(
            max_iter=classifier.trees,
            max_depth=classifier.max_depth,
            learning_rate=classifier.learning_rate,
            early_stopping=False,
            random_state=seed % 2**32,
        )


def too_many(what: str, rows: int, limit: int) -> str:
    """Say that scikit-learn would get more rows than it may."""
    return (
        f"compare: {what} has {rows:,} rows or more to train on, and scikit-learn gets at most row_limit={limit:,}, "
        "since they come to the driver; set sample_rows, raise row_limit, or use classic Spark or Spark Connect"
    )


def _doubles(names: Sequence[str]) -> list[Column]:
    return [F.col(quoted(name)).cast("double").alias(name) for name in names]


def _matrix(table: pa.Table) -> NDArray[np.float64]:
    return np.column_stack([column.to_numpy() for column in table.columns]).astype(np.float64, copy=False)
