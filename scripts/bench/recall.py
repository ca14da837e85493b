"""Share of synthetic rows whose neighbour is a true one: cells against random partitions, on real and generated data.

Runs SMOTE through its public interface and looks its neighbours up in the provenance column; the truth is brute
force over all rows of the class for 2,000 bases. Features are brought to standard deviation 1 first, so that the
sampler's own scaling changes nothing.

    .venv/bin/python scripts/bench/recall.py [set ...]
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pandas as pd
from generate import latent_rows
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from spark_balance import SMOTE
from spark_balance.session import open_session

K = 5
BASES = 2_000
PARTITION_ROWS = 4_000


def flights() -> np.ndarray:
    """Return the late flights of the demo, its 14 features."""
    with open("conf/jobs/smote.toml", "rb") as file:
        columns = tomllib.load(file)["sampler"]["smote"]["feature_cols"]
    frame = pd.read_parquet("data/flights", columns=["late", *columns])
    rows: np.ndarray = frame[frame["late"].fillna(False).astype(bool)][columns].to_numpy(np.float64)
    return rows


def digits() -> np.ndarray:
    """Return 200,000 rows x 64: mixtures of scikit-learn's digits in 10 latent dimensions, and noise."""
    images = load_digits().data
    center = images.mean(axis=0)
    _, _, axes = np.linalg.svd(images - center, full_matrices=False)
    latent = (images - center) @ axes[:10].T
    draw = np.random.default_rng(3)
    chosen = (
        latent[draw.integers(len(latent), size=200_000)] + draw.normal(size=(200_000, 10)) * latent.std(axis=0) * 0.3
    )
    rows: np.ndarray = chosen @ axes[:10] + draw.normal(size=(200_000, 64)) * 0.1
    return rows


def heavy() -> np.ndarray:
    """Return 100,000 rows x 28 with log-normal tails."""
    return np.exp(latent_rows(100_000, 11) / 3)


def blob() -> np.ndarray:
    """Return 100,000 rows x 28, 90 % of them in one dense blob of 10 latent dimensions."""
    rows = latent_rows(100_000, 12)
    rows[:90_000] *= 0.02
    return rows


def ball() -> np.ndarray:
    """Return 100,000 rows x 28, 90 % of them in an isotropic ball: no index can help."""
    draw = np.random.default_rng(5)
    rows = latent_rows(100_000, 13)
    rows[:90_000] = draw.normal(size=(90_000, 28)) * 0.1
    return rows


SETS: dict[str, Callable[[], np.ndarray]] = {
    "flights": flights,
    "G": lambda: latent_rows(100_000, 200) * 0.8 + 0.5,
    "digits": digits,
    "heavy tails": heavy,
    "blob": blob,
    "ball": ball,
}


def measure(rows: np.ndarray, neighbors: Literal["cells", "partition"]) -> tuple[float, dict[str, Any]]:
    """Return the share of true neighbours and the run's notes."""
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    names = [f"f{i}" for i in range(rows.shape[1])]
    frame = pd.DataFrame(rows, columns=names).assign(id=np.arange(len(rows)), label=1)
    other = frame.head(1).assign(label=0)
    frame.to_parquet("/tmp/spark_balance_recall.parquet")
    other.to_parquet("/tmp/spark_balance_recall_other.parquet")
    df = SPARK.read.parquet("/tmp/spark_balance_recall.parquet", "/tmp/spark_balance_recall_other.parquet")
    smote = SMOTE(
        label_col="label",
        key_cols="id",
        feature_cols=names,
        sampling_strategy={1: 2 * len(rows)},
        k_neighbors=K,
        neighbors=neighbors,
        cell_rows=PARTITION_ROWS if neighbors == "partition" else None,
        provenance_col="made_of",
        output="added",
        passthrough="base",
    )
    result = smote.resample(df, {0: 1, 1: len(rows)})
    pairs = result.frame.selectExpr("made_of.base.id AS base", "made_of.neighbor.id AS neighbor").toArrow()
    bases = np.random.default_rng(1).choice(len(rows), BASES, replace=False)
    truth = (
        NearestNeighbors(n_neighbors=K + 1, algorithm="brute").fit(rows).kneighbors(rows[bases], return_distance=False)
    )
    nearest = {int(base): set(map(int, near)) - {int(base)} for base, near in zip(bases, truth, strict=True)}
    checked = [
        neighbor in nearest[base]
        for base, neighbor in zip(*(column.to_pylist() for column in pairs.columns), strict=True)
        if base in nearest
    ]
    return float(np.mean(checked)), result.notes


if __name__ == "__main__":
    SPARK = open_session("sail")
    sys.stdout.write(
        "| data | rows x features | random partitions | cells | estimated in the run | guests a row | cells made |\n"
        "|---|---|---|---|---|---|---|\n"
    )
    for name in sys.argv[1:] or SETS:
        data = SETS[name]()
        by_part, _ = measure(data, "partition")
        by_cell, notes = measure(data, "cells")
        sys.stdout.write(
            f"| {name} | {len(data):,} x {data.shape[1]} | {by_part:.3f} | {by_cell:.4f} | "
            f"{notes['estimated_recall']:.4f} | {notes['guests_per_row']:.2f} | {notes['cells']} |\n"
        )
        sys.stdout.flush()
