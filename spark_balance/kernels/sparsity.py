"""Clusters of all classes, and how many new rows each is to get."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.apportion import apportion
from spark_balance.kernels.centroids import Cells, lloyd

Floats = NDArray[np.float64]
LLOYD_STEPS = 20
PAIRED = 1_000  # rows whose distances to each other are averaged


def k_means(sample: Floats, clusters: int) -> Cells:
    """Make clusters of a sample in the order of its draws; fewer when it has not so many distinct rows."""
    if not len(sample):
        return Cells(np.zeros((1, sample.shape[1])))
    _, first = np.unique(sample, axis=0, return_index=True)
    return Cells(lloyd(sample, sample[np.sort(first)[:clusters]], LLOYD_STEPS))


def log_sparsity(sample: Floats, rows: int, exponent: float | None) -> float:
    """Return the logarithm of mean distance ** exponent / rows, a cluster's sparsity (Douzas et al., 2018).

    Parameters
    ----------
    sample : ndarray of shape (n_sampled, n_features)
        Rows of a class in the cluster, in the order of their draws; the first 1,000 are measured.
    rows : int
        Rows of the class in the cluster.
    exponent : float, optional
        None for imbalanced-learn's log(rows, 1.6) ** 1.8 * 0.16.
    """
    few = sample[:PAIRED]
    if len(few) < 2:
        return -math.inf
    norms = np.einsum("rf,rf->r", few, few)
    squares = np.maximum(0.0, norms[:, None] - 2 * few @ few.T + norms)
    np.fill_diagonal(squares, 0.0)
    mean = float(np.sqrt(squares).sum()) / (len(few) ** 2 - len(few))
    if exponent is None:
        exponent = math.log(rows, 1.6) ** 1.8 * 0.16
    return (exponent * math.log(mean) if mean > 0 else -math.inf) - math.log(rows)


def by_sparsity(logs: Sequence[float], wanted: int) -> list[int]:
    """Share rows out to clusters in proportion to their sparsity, exactly; evenly where it is 0 for all."""
    highest = max(logs)
    weights = [math.exp(log - highest) if highest > -math.inf else 1.0 for log in logs]
    total = sum(map(Fraction, weights))
    return apportion([wanted], [Fraction(weight) / total for weight in weights])[0]
