"""Train LightGBM on the cluster, by SynapseML, on the weights that `ClassWeighter` gives each row. Spark 3.5 alone.

    pip install 'pyspark==3.5.*'
    python docs/examples/synapseml_weights.py

SynapseML's jars are built for Scala 2.12, which is Spark 3.5's; Spark fetches 23 MB from Maven at the first start. The
tests run on Spark 4.1, so this was run by hand.
"""

from __future__ import annotations

from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession, functions as F

from spark_balance import ClassWeighter, correct_prior, open_session

PACKAGES = "com.microsoft.azure:synapseml-lightgbm_2.12:1.1.3"


def make_rows(spark: SparkSession, rows: int, first: int = 0) -> DataFrame:
    """Make (features, label): one row in 20 is of the rare class, which has larger x and smaller y."""
    rare = F.col("id") % 20 == 0
    shift = F.when(rare, 0.4).otherwise(0.0)
    uniform = [F.pmod(F.xxhash64("id", F.lit(salt)), F.lit(1_000)) / 1_000 for salt in (1, 2)]
    x, y = (uniform[0] + shift).alias("x"), (uniform[1] - shift).alias("y")
    frame = spark.range(first, first + rows).select(x, y, rare.cast("int").alias("label"))
    return VectorAssembler(inputCols=["x", "y"], outputCol="features").transform(frame)


def main(spark: SparkSession) -> dict[str, tuple[float, float]]:
    """Return (area under ROC, mean probability of the rare class) on rows as they are, before and after correcting."""
    from synapse.ml.lightgbm import LightGBMClassifier  # it comes with the jars

    known, unseen = make_rows(spark, 4_000), make_rows(spark, 2_000, first=4_000)
    weighter = ClassWeighter(label_col="label")
    learner = LightGBMClassifier(labelCol="label", weightCol="weight", numIterations=50, maxDepth=3, verbosity=-1)
    scored = learner.fit(weighter.with_weights(known)).transform(unseen)
    honest = correct_prior(scored, "probability", weighter.plan(known))
    results = {}
    for name, frame in {"weighted": scored, "weighted, prior corrected": honest}.items():
        mean = frame.agg(F.avg(vector_to_array(F.col("probability"))[1])).collect()[0][0]
        results[name] = (BinaryClassificationEvaluator().evaluate(frame), mean)
        print(f"{name}: area under ROC {results[name][0]:.3f}, mean probability {results[name][1]:.3f}, truly 0.050")
    return results


if __name__ == "__main__":
    main(open_session("spark", spark_conf={"spark.jars.packages": PACKAGES}))
