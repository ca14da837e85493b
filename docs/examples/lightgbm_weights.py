"""Train LightGBM on the weights that `ClassWeighter` gives each row, and correct its probabilities by the same plan.

    pip install lightgbm
    python docs/examples/lightgbm_weights.py

LightGBM's own API fits in one process, so the features, the label and the weight come to the driver. Where they do not
fit there, SynapseML trains on the cluster: synapseml_weights.py beside this.
"""

from __future__ import annotations

from typing import Any

from lightgbm import LGBMClassifier
from pyspark.sql import DataFrame, SparkSession, functions as F
from sklearn.metrics import roc_auc_score

from spark_balance import ClassWeighter, correct_prior, open_session

FEATURES = ["x", "y"]


def make_rows(spark: SparkSession, rows: int, first: int = 0) -> DataFrame:
    """Make (x, y, label): one row in 20 is of the rare class, which has larger x and smaller y."""
    rare = F.col("id") % 20 == 0
    shift = F.when(rare, 0.4).otherwise(0.0)
    uniform = [F.pmod(F.xxhash64("id", F.lit(salt)), F.lit(1_000)) / 1_000 for salt in (1, 2)]
    x, y = (uniform[0] + shift).alias("x"), (uniform[1] - shift).alias("y")
    return spark.range(first, first + rows).select(x, y, rare.cast("int").alias("label"))


def main(spark: SparkSession) -> dict[str, tuple[float, float]]:
    """Return (area under ROC, mean probability of the rare class) on rows as they are, before and after correcting."""
    known, unseen = make_rows(spark, 4_000), make_rows(spark, 2_000, first=4_000)
    weighter = ClassWeighter(label_col="label")
    weighed: Any = weighter.with_weights(known).toPandas()
    settings: dict[str, Any] = {"n_estimators": 50, "max_depth": 3, "n_jobs": 1, "verbosity": -1}
    model = LGBMClassifier(**settings).fit(weighed[FEATURES], weighed["label"], sample_weight=weighed["weight"])

    scored: Any = unseen.toPandas()
    probabilities: Any = model.predict_proba(scored[FEATURES])
    scored["probability"] = probabilities[:, 1]
    honest: Any = correct_prior(spark.createDataFrame(scored), "probability", weighter.plan(known)).toPandas()
    results = {}
    for name, frame in {"weighted": scored, "weighted, prior corrected": honest}.items():
        results[name] = (float(roc_auc_score(frame["label"], frame["probability"])), float(frame["probability"].mean()))
        print(f"{name}: area under ROC {results[name][0]:.3f}, mean probability {results[name][1]:.3f}, truly 0.050")
    return results


if __name__ == "__main__":
    main(open_session())
