"""Hand balanced batches to a learner that is not Spark's: scikit-learn's `partial_fit`, and PyTorch if it is there.

    python docs/examples/arrow_batches.py

The balanced rows are dealt to partitions so that each holds its share of every class, written as one
Parquet file a partition, and read in Arrow batches: nothing is collected, and a trainer may take any file.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset
from pyspark.sql import DataFrame, SparkSession, functions as F
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import balanced_accuracy_score

from spark_balance import RandomUnderSampler, open_session, stratified_partitions

FEATURES = ["x", "y"]


def make_rows(spark: SparkSession, rows: int, first: int = 0) -> DataFrame:
    """Make (id, x, y, label): one row in 20 is of the rare class, which has larger x and smaller y."""
    rare = F.col("id") % 20 == 0
    shift = F.when(rare, 0.4).otherwise(0.0)
    uniform = [F.pmod(F.xxhash64("id", F.lit(salt)), F.lit(1_000)) / 1_000 for salt in (1, 2)]
    x, y = (uniform[0] + shift).alias("x"), (uniform[1] - shift).alias("y")
    return spark.range(first, first + rows).select("id", x, y, rare.cast("int").alias("label"))


def write_balanced(df: DataFrame, path: str, files: int) -> None:
    """Balance the rows and write each partition as a file with every class in it."""
    balanced = RandomUnderSampler(label_col="label", key_cols="id").fit_resample(df)
    stratified_partitions(balanced, "label", files, key_cols=("id",)).write.parquet(path)


def batches(path: str, rows: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Read (features, labels) batch by batch."""
    for batch in pa.dataset.dataset(path).to_batches(batch_size=rows, columns=[*FEATURES, "label"]):
        yield np.column_stack([batch.column(name).to_numpy() for name in FEATURES]), batch.column("label").to_numpy()


def train_sklearn(path: str) -> SGDClassifier:
    """Fit a linear model, one batch after the other."""
    learner = SGDClassifier(loss="log_loss", random_state=0)
    for features, labels in batches(path, rows=100):
        learner.partial_fit(features, labels, classes=[0, 1])
    return learner


def train_torch(path: str) -> Any:
    """Fit the same with PyTorch; None when it is not installed (540 MB, too large for this project's tests)."""
    try:
        import torch
    except ImportError:
        return None
    model = torch.nn.Linear(len(FEATURES), 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for features, labels in batches(path, rows=100):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            model(torch.tensor(features, dtype=torch.float32))[:, 0], torch.tensor(labels, dtype=torch.float32)
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def main(spark: SparkSession) -> float:
    """Train on balanced batches, score on rows as they are; return the balanced accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "balanced")
        write_balanced(make_rows(spark, 20_000), path, files=4)
        learner = train_sklearn(path)
        torch_model = train_torch(path)
    unseen = make_rows(spark, 4_000, first=20_000).toArrow()
    predicted = learner.predict(np.column_stack([unseen[name].to_numpy() for name in FEATURES]))
    score = float(balanced_accuracy_score(unseen["label"].to_numpy(), predicted))
    print(f"scikit-learn: balanced accuracy {score:.3f} on rows that were not resampled")
    print("PyTorch: not installed, left out" if torch_model is None else "PyTorch: trained on the same batches")
    return score


if __name__ == "__main__":
    main(open_session())
