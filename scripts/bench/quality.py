"""What synthetic rows are worth: true neighbours, exact copies, distinct gaps, even use of the bases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from generate import Floats
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

BASES = 2_000
# a neighbour as near as the k-th true one is a true one; the rest is float64's own rounding
_TIE = 1 + 1e-9
_SPARE = 5  # brute force rounds distances: look at a few more, then compute those exactly


@dataclass(frozen=True)
class Made:
    """Synthetic rows and what each was made of: positions of base and neighbour, and the gap."""

    rows: Floats
    base: NDArray[np.int64]
    neighbor: NDArray[np.int64]
    gap: Floats


def quality(points: Floats, made: Made, k: int, step: float) -> dict[str, Any]:
    """Return the quality columns for the synthetic rows of one class, whose distances were compared by such steps."""
    use = np.bincount(made.base, minlength=len(points))
    return _true_neighbours(points, made, k, step) | {
        "copies": float(np.mean(np.isin(_as_bytes(made.rows), _as_bytes(points)))),
        "duplicates": 1 - len(np.unique(_as_bytes(points))) / len(points),
        "synthetic": len(made.rows),
        "gaps": len(np.unique(made.gap)),
        "base_use_min": int(use.min()),
        "base_use_max": int(use.max()),
        "misplaced": _misplaced(points, made),
    }


def _true_neighbours(points: Floats, made: Made, k: int, step: float) -> dict[str, float]:
    """Return the share of the synthetic rows of 2,000 bases whose neighbour is one of the k true ones.

    And the share whose neighbour is further than those by more than rounding to the grid, on which
    distances are compared, can make it: a step for the true one and a step for the other.
    """
    bases = np.sort(np.random.default_rng(1).choice(len(points), min(BASES, len(points)), replace=False))
    reach = np.full(len(points), np.nan)
    model = NearestNeighbors(n_neighbors=min(k + 1 + _SPARE, len(points)), algorithm="brute").fit(points)
    found = model.kneighbors(points[bases], return_distance=False)
    distance = np.linalg.norm(points[found] - points[bases][:, None, :], axis=2)
    distance[found == bases[:, None]] = np.inf  # not its own neighbour
    reach[bases] = np.sort(distance, axis=1)[:, k - 1]
    checked = ~np.isnan(reach[made.base])
    base, neighbor = made.base[checked], made.neighbor[checked]
    away = np.linalg.norm(points[neighbor] - points[base], axis=1)
    return {
        "recall": float(np.mean((away <= reach[base] * _TIE) & (base != neighbor))),
        "beyond_grid": float(np.mean((away > reach[base] * _TIE + 2 * step) | (base == neighbor))),
    }


def _misplaced(points: Floats, made: Made) -> float:
    """Return how far, at most, a synthetic row is from base + gap * (neighbour - base)."""
    base = points[made.base]
    return float(np.abs(base + made.gap[:, None] * (points[made.neighbor] - base) - made.rows).max())


def _as_bytes(rows: Floats) -> NDArray[Any]:
    """Return each row as one value that can be compared; -0.0 is 0.0."""
    rows = np.ascontiguousarray(rows + 0.0)
    return rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
