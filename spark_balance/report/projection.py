"""The two directions in which rows differ most, for a picture of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spark_balance.kernels import Floats

_FAR = 6.0  # standard deviations: a row further out would turn the picture alone


@dataclass(frozen=True)
class Projection:
    """Principal components of rows whose features were brought to the same spread.

    Attributes
    ----------
    center, spread : ndarray of shape (n_features,)
        Mean and standard deviation of each feature.
    axes : ndarray of shape (2, n_features)
        The two components, each with its largest weight positive.
    explained : ndarray of shape (2,)
        Share of the variance that each holds.
    """

    center: Floats
    spread: Floats
    axes: Floats
    explained: Floats

    @classmethod
    def of(cls, rows: Floats) -> Projection:
        """Find the components of at least one row; a feature that is missing counts as its mean."""
        finite = np.where(np.isfinite(rows), rows, np.nan)
        there = ~np.isnan(finite)
        number = np.maximum(there.sum(axis=0), 1)
        center = np.where(there, finite, 0).sum(axis=0) / number
        spread = np.sqrt((np.where(there, finite - center, 0) ** 2).sum(axis=0) / number)
        spread[spread == 0] = 1.0
        made = cls(center, spread, np.zeros((2, rows.shape[1])), np.zeros(2))
        scaled = made._scaled(rows)
        values, vectors = np.linalg.eigh(scaled.T @ scaled / len(rows))
        axes = np.zeros((2, rows.shape[1]))
        found = vectors[:, ::-1][:, :2].T
        found *= np.sign(found[np.arange(len(found)), np.abs(found).argmax(axis=1)])[:, None]
        axes[: len(found)] = found
        shares = np.zeros(2)
        shares[: len(found)] = np.maximum(values[::-1][:2], 0) / max(values.sum(), np.finfo(float).tiny)
        return cls(center, spread, axes, shares)

    def points(self, rows: Floats) -> Floats:
        """Return where rows lie in the plane of the two components, (n_rows, 2)."""
        placed: Floats = self._scaled(rows) @ self.axes.T
        return placed

    def heaviest(self, axis: int, most: int = 3) -> list[int]:
        """Return the features that weigh most in a component, the heaviest first."""
        weights = np.abs(self.axes[axis])
        return [int(place) for place in np.argsort(-weights, kind="stable")[:most] if weights[place] > 0]

    def _scaled(self, rows: Floats) -> Floats:
        scaled = (np.where(np.isfinite(rows), rows, np.nan) - self.center) / self.spread
        return np.clip(np.where(np.isnan(scaled), 0.0, scaled), -_FAR, _FAR)
