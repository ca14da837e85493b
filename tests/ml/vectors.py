"""Small labelled frames with a vector of features, in which nothing can be learnt."""

from __future__ import annotations

from frames import class_number, number


def noise(spark, sizes, salt=1):
    """Return (id, label, x, y, z, features) with sizes[i] rows of class i; x, y, z say nothing about the label."""
    from pyspark.ml.feature import VectorAssembler

    names = ("x", "y", "z")
    frame = spark.range(0, sum(sizes), 1, 2).select(
        "id",
        class_number(sizes).cast("double").alias("label"),
        *[(number(10 * salt + i, 1024) / 1024).alias(name) for i, name in enumerate(names)],
    )
    return VectorAssembler(inputCols=list(names), outputCol="features").transform(frame)


def rows_learnt(model, df):
    """Return the rows of each class that a tree without splits was fitted on, which are its raw prediction."""
    return model.transform(df).select("rawPrediction").first()[0].toArray().tolist()
