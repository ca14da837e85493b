"""Train XGBoost's Spark estimator on resampled or weighted rows, and score rows as they are.

    pip install xgboost-cpu    # 6 MB; `xgboost` has the GPU too (130 MB)
    python docs/examples/xgboost_spark.py

`xgboost.spark` trains in a barrier stage over an RDD: it needs classic Spark, and as many free task
slots as `num_workers`. It is an Estimator like pyspark's own, so `BalancedEstimator` wraps it.
"""

from __future__ import annotations

from typing import Any

from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession, functions as F
from xgboost.spark import SparkXGBClassifier

from spark_balance import BalancedEstimator, RandomUnderSampler, open_session


def make_rows(spark: SparkSession, rows: int, first: int = 0) -> DataFrame:
    """Make (id, features, label): one row in 20 is of the rare class, which has larger x and smaller y."""
    rare = F.col("id") % 20 == 0
    shift = F.when(rare, 0.4).otherwise(0.0)
    uniform = [F.pmod(F.xxhash64("id", F.lit(salt)), F.lit(1_000)) / 1_000 for salt in (1, 2)]
    x, y = (uniform[0] + shift).alias("x"), (uniform[1] - shift).alias("y")
    frame = spark.range(first, first + rows).select("id", x, y, rare.cast("int").alias("label"))
    return VectorAssembler(inputCols=["x", "y"], outputCol="features").transform(frame)


def main(spark: SparkSession) -> dict[str, tuple[float, float]]:
    """Return (area under ROC, mean probability of the rare class) on unseen rows for each treatment."""
    known, unseen = make_rows(spark, 4_000), make_rows(spark, 2_000, first=4_000)
    settings: dict[str, Any] = {"n_estimators": 10, "max_depth": 3, "num_workers": 1, "verbosity": 0}
    under: dict[str, Any] = {"label_col": "label", "key_cols": "id"}
    treatments = {
        "downsampled": BalancedEstimator(sampler=RandomUnderSampler(**under), estimator=SparkXGBClassifier(**settings)),
        # the weights undo the sampling, so that probabilities stay honest
        "downsampled and upweighted": BalancedEstimator(
            sampler=RandomUnderSampler(**under, weight_col="weight"),
            estimator=SparkXGBClassifier(**settings, weight_col="weight"),
        ),
    }
    judge = BinaryClassificationEvaluator()
    results = {}
    for name, estimator in treatments.items():
        scored = estimator.fit(known).transform(unseen)
        rare = vector_to_array(F.col("probability"))[1]
        results[name] = (judge.evaluate(scored), scored.agg(F.avg(rare)).collect()[0][0])
        print(f"{name}: area under ROC {results[name][0]:.3f}, mean probability {results[name][1]:.3f}, truly 0.050")
    return results


if __name__ == "__main__":
    main(open_session("spark"))
