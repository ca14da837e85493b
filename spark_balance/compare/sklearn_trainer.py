"""scikit-learn's classifiers for a comparison, where an engine has no pyspark.ml."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, functions as F
from threadpoolctl import threadpool_limits
from typing_extensions import Self

from spark_balance.compare.trainers import (
    PROBABILITY,
    TARGET,
    WEIGHT,
    Classifier,
    GradientBoostedTrees,
    LogisticRegression,
    SparkTrainer,
    check_limit,
    select_inputs,
)
from spark_balance.frames.columns import quoted, temp
from spark_balance.frames.older_spark import from_arrow, to_arrow
from spark_balance.kernels import Floats
from spark_balance.report.page import check_installed

# HistGradientBoostingClassifier takes 255 categories; a value beyond the most frequent is missing to it
MAX_CATEGORIES = 254


@dataclass(frozen=True)
class SklearnTrainer:
    """scikit-learn's classifiers on the driver, which collects each training fold: at most `row_limit` rows.

    Logistic regression gets each category as numbers that are 0 or 1, boosted trees get its code. A value that the
    training fold does not have, or that is not among its 254 most frequent, is 0 in all of them and missing to
    the trees.
    """

    features: tuple[str, ...]
    row_limit: int
    categorical: tuple[str, ...] = ()
    levels: tuple[pa.Array, ...] = ()

    learner = "scikit-learn"

    def __post_init__(self) -> None:
        check_installed("compare", "sklearn", "fits the classifiers on an engine without pyspark.ml", "compare")

    def learn_categories(self, train: DataFrame) -> Self:
        """Return the trainer with the values of each category of a training fold: a job for each."""
        name, rows, levels = temp("text"), temp("rows"), []
        for text in select_inputs((), self.categorical):
            counted = train.groupBy(text.alias(name)).agg(F.count(F.lit(1)).alias(rows))
            found = to_arrow(counted.orderBy(F.col(quoted(rows)).desc(), name).limit(MAX_CATEGORIES))
            levels.append(found[name].combine_chunks())
        return replace(self, levels=tuple(levels))

    def fit(self, classifier: Classifier, rows: DataFrame, target: Column, weight_col: str | None, seed: int) -> Any:
        """Collect, within the limit, and fit."""
        weight = F.lit(1.0) if weight_col is None else F.col(quoted(weight_col)).cast("double")
        table = self._collect(rows, [target.cast("double").alias(TARGET), weight.alias(WEIGHT)])
        data = np.column_stack([table[TARGET].to_numpy(), table[WEIGHT].to_numpy(), self._matrix(table)])
        # in one order, whatever order the engine gave: sums of doubles depend on it
        ordered = data[np.lexsort(data.T[::-1])]
        y, w, x = ordered[:, 0], ordered[:, 1], ordered[:, 2:]
        # one thread: sums in one order on any machine, and no threads that wait for each other on small folds
        with threadpool_limits(limits=1):
            if isinstance(classifier, LogisticRegression):
                model = self._logistic(classifier, float(w.sum()))
                return model.fit(x, y, logisticregression__sample_weight=w, standardscaler__sample_weight=w)
            return self._boosted(classifier, seed).fit(x, y, sample_weight=w)

    def score(self, models: Sequence[Any], rows: DataFrame, keep: Sequence[str]) -> DataFrame:
        """Score on the driver, and hand the rows back to the engine."""
        table = self._collect(rows, [F.col(quoted(name)) for name in keep])
        x = self._matrix(table)
        with threadpool_limits(limits=1):
            mean = np.mean([model.predict_proba(x)[:, 1] for model in models], axis=0)
        scored = table.select(range(len(keep))).append_column(PROBABILITY, pa.array(mean, pa.float64()))
        return from_arrow(rows.sparkSession, scored)

    def _collect(self, rows: DataFrame, beside: list[Column]) -> pa.Table:
        columns = [*beside, *select_inputs(self.features, self.categorical)]
        table = to_arrow(rows.select(*columns).limit(self.row_limit + 1))
        check_limit("a fold", table.num_rows, self.row_limit)
        return table

    def _matrix(self, table: pa.Table) -> Floats:
        """Return the features as numbers, then each category's place among the known ones, NaN for others."""
        first = table.num_columns - len(self.categorical)
        numbers, named = table.columns[first - len(self.features) : first], table.columns[first:]
        codes = [pc.index_in(one, value_set=known) for one, known in zip(named, self.levels, strict=True)]
        return np.column_stack([column.to_numpy().astype(np.float64, copy=False) for column in (*numbers, *codes)])

    def _logistic(self, classifier: LogisticRegression, total: float) -> Any:
        from sklearn.compose import ColumnTransformer
        from sklearn.linear_model import LogisticRegression as Logistic
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import OneHotEncoder, StandardScaler

        codes = [np.arange(len(known), dtype=np.float64) for known in self.levels]
        encoder = OneHotEncoder(categories=codes, handle_unknown="ignore", sparse_output=False)
        places = list(range(len(self.features), len(self.features) + len(codes)))
        encoded = ColumnTransformer([("categories", encoder, places)], remainder="passthrough")
        # scikit-learn weighs the summed loss, pyspark.ml its mean
        logistic = Logistic(C=1 / (classifier.l2 * total), max_iter=classifier.max_iter)
        return make_pipeline(encoded, StandardScaler(), logistic)

    def _boosted(self, classifier: GradientBoostedTrees, seed: int) -> Any:
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(
            max_iter=classifier.trees,
            max_depth=classifier.max_depth,
            learning_rate=classifier.learning_rate,
            categorical_features=[False] * len(self.features) + [True] * len(self.levels),
            early_stopping=False,
            random_state=seed % 2**32,
        )


Trainer = SparkTrainer | SklearnTrainer
