"""Synthetic rows next to the base and the neighbor that their provenance names, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyspark.sql import functions as F

from spark_balance import SMOTE


@dataclass(frozen=True)
class Synthetic:
    """New rows and what they are made of: one row of each array is one new row."""

    ids: np.ndarray  # of all originals
    points: np.ndarray  # of all originals
    labels: np.ndarray  # of all originals
    label: np.ndarray
    new: np.ndarray
    base: np.ndarray  # positions in `points`
    near: np.ndarray
    gap: np.ndarray

    @property
    def expected(self):
        start, end = self.points[self.base], self.points[self.near]
        return start + self.gap[:, None] * (end - start)


def synthesized(df, features, sampler=SMOTE, **parameters):
    """Run SMOTE, or another, over the numeric columns of a keyed frame and look up what each new row is made of."""
    parameters = {"label_col": "label", "key_cols": "id", "feature_cols": features, "random_state": 4} | parameters
    out = sampler(**parameters, provenance_col="p", output="added").fit_resample(df)
    numbers = [F.col(name).cast("double").alias(name) for name in features]
    old = df.select("id", "label", *numbers).toArrow()
    new = out.select(
        "label",
        *numbers,
        F.col("p.kind").alias("kind"),
        F.col("p.base.id").alias("base"),
        F.col("p.neighbor.id").alias("near"),
        F.col("p.gap").alias("gap"),
    ).toArrow()
    assert set(new["kind"].to_pylist()) <= {"synthetic"}
    ids = old["id"].to_numpy()
    order = np.argsort(ids)
    matrix = np.column_stack([old[name].to_numpy() for name in features])[order]
    place = {int(key): i for i, key in enumerate(ids[order])}
    return Synthetic(
        ids[order],
        matrix,
        np.array(old["label"].to_pylist())[order],
        np.array(new["label"].to_pylist()),
        np.column_stack([new[name].to_numpy() for name in features]),
        np.array([place[key] for key in new["base"].to_pylist()], dtype=int),
        np.array([place[key] for key in new["near"].to_pylist()], dtype=int),
        new["gap"].to_numpy(),
    )


def true_distances(points, k):
    """Return each point's distance to its k-th nearest other point, by scikit-learn."""
    from sklearn.neighbors import NearestNeighbors

    return NearestNeighbors(n_neighbors=k).fit(points).kneighbors()[0][:, -1]


def recall(found, points, k):
    """Return the share of new rows whose neighbor is one of the k nearest of the base."""
    reach = true_distances(points, k)[found.base]
    distance = np.linalg.norm(points[found.near] - points[found.base], axis=1)
    return float(np.mean(distance <= reach * (1 + 1e-9)))
