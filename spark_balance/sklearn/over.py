"""imbalanced-learn's over-samplers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, ClassVar, Literal

import numpy as np

from spark_balance.errors import ColumnError, ParameterError
from spark_balance.sklearn.arrays import Target, categorical_columns
from spark_balance.sklearn.base import Neighbors, Resampler, Seed
from spark_balance.sklearn.estimator import ResamplerTags, estimator


@estimator
class RandomOverSampler(Resampler):
    """Repeat rows of the smaller classes, evenly; see `spark_balance.RandomOverSampler`.

    Parameters
    ----------
    shrinkage : float or dict of label to float, optional
        Smooth the added rows; X has to be numbers then.
    """

    _method: ClassVar[str] = "random_over"
    _selects: ClassVar[bool] = True

    random_state: Seed = None
    shrinkage: float | Mapping[Any, float] | None = None

    @property
    def _reads(self) -> str:  # type: ignore[override]
        return "nothing" if self.shrinkage is None else "numbers"

    @property
    def shrinkage_(self) -> dict[Any, float] | None:
        """The shrinkage of each class that grows; None without one."""
        if self.shrinkage is None:
            return None
        if isinstance(self.shrinkage, Mapping):
            return dict(self.shrinkage)
        return dict.fromkeys(self.sampling_strategy_, self.shrinkage)


@estimator
class SMOTE(Resampler):
    """Make rows between rows of a class and their neighbors in it; see `spark_balance.SMOTE`.

    Parameters
    ----------
    k_neighbors : int or estimator
        Neighbors to choose from.
    """

    _method: ClassVar[str] = "smote"

    random_state: Seed = None
    k_neighbors: Neighbors = 5


@estimator
class SMOTEN(SMOTE):
    """SMOTE of categories alone; see `spark_balance.SMOTEN`.

    Parameters
    ----------
    categorical_encoder : None
        Categories are compared as they are: an encoder is refused.
    """

    _method: ClassVar[str] = "smoten"
    _reads: ClassVar[str] = "categories"

    categorical_encoder: Any = field(default=None, kw_only=False)


@estimator
class SMOTENC(SMOTE):
    """SMOTE of numbers and categories; see `spark_balance.SMOTENC`.

    Parameters
    ----------
    categorical_features : 'auto', or array-like of str, int or bool
        The columns that are categories: names, places or a mask; 'auto' takes those of a frame that are of no number.
    categorical_encoder : None
        Categories are compared as they are: an encoder is refused.

    Examples
    --------
    >>> X = np.column_stack([np.random.default_rng(0).normal(size=100), np.arange(100) % 3])
    >>> y = np.arange(100) % 5 == 0
    >>> X_resampled, y_resampled = SMOTENC(categorical_features=[1]).fit_resample(X, y)
    """

    _method: ClassVar[str] = "smotenc"
    _reads: ClassVar[str] = "categories"

    categorical_features: Any = field(kw_only=False)
    categorical_encoder: Any = None

    def _categorical(self, table: Any) -> list[int]:
        """Return the places of the columns that are categories."""
        who, width, wish = type(self).__name__, table.shape[1], self.categorical_features
        names = list(map(str, getattr(table, "columns", [])))
        if isinstance(wish, str) and wish == "auto":
            if not names:
                raise ParameterError(
                    f"{who}: categorical_features='auto' reads the types of a frame of pandas or polars, and X is a "
                    f"{type(table).__name__}; give the places of the columns, or a mask"
                )
            found = categorical_columns(table)
        else:
            found = []
            wish = np.asarray(wish).ravel().tolist()
            if wish and all(isinstance(one, bool) for one in wish):
                wish = np.flatnonzero(wish).tolist()
            for one in wish:
                known = one in names if isinstance(one, str) else isinstance(one, int) and -width <= one < width
                if not known:
                    raise ColumnError(
                        f"{who}: categorical_features has {one!r}, which names no column of X; give names of a frame, "
                        f"places from 0 to {width - 1}, a mask of {width}, or 'auto' for a frame with categories"
                    )
                found.append(names.index(one) if isinstance(one, str) else one % width)
        if not found or len(set(found)) == width:
            some, other = ("none", "SMOTE") if not found else ("all", "SMOTEN")
            raise ParameterError(
                f"{who}: of {width} feature(s) of X {some} are categories by categorical_features="
                f"{self.categorical_features!r}, and this method is for tables of numbers and categories; use {other}"
            )
        self.categorical_features_ = np.unique(found)
        self.continuous_features_ = np.setdiff1d(np.arange(width), found)
        return sorted(set(found))

    def __sklearn_tags__(self) -> ResamplerTags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = False  # in numbers
        return tags

    def for_spark(self, target: Target) -> dict[str, Any]:
        """Return the parameters for Spark, which has names of its own for the columns."""
        return {name: one for name, one in super().for_spark(target).items() if name != "categorical_features"}


@estimator
class BorderlineSMOTE(SMOTE):
    """SMOTE from rows near the border of a class; see `spark_balance.BorderlineSMOTE`.

    Parameters
    ----------
    m_neighbors : int or estimator
        Neighbors of all classes that decide what is in danger.
    kind : {'borderline-1', 'borderline-2'}
        Whether neighbors are of the class alone, or of others too.
    """

    _method: ClassVar[str] = "borderline_smote"

    m_neighbors: Neighbors = 10
    kind: Literal["borderline-1", "borderline-2"] = "borderline-1"


@estimator
class SVMSMOTE(SMOTE):
    """SMOTE from support vectors; see `spark_balance.SVMSMOTE`.

    Parameters
    ----------
    m_neighbors : int or estimator
        Neighbors of all classes that decide what is in danger.
    svm_estimator : estimator, optional
        A classifier with `support_`; default `SVC(gamma='scale')`.
    out_step : float
        How far outwards a safe row goes.
    """

    _method: ClassVar[str] = "svm_smote"

    m_neighbors: Neighbors = 10
    svm_estimator: Any = None
    out_step: float = 0.5


@estimator
class KMeansSMOTE(SMOTE):
    """SMOTE inside clusters; see `spark_balance.KMeansSMOTE`.

    Parameters
    ----------
    kmeans_estimator : int or estimator, optional
        Clusters, or a clusterer; default 8 clusters.
    cluster_balance_threshold : 'auto' or float
        Least share of the class in a cluster.
    density_exponent : 'auto' or float
        Power of the mean distance in the sparsity.
    """

    _method: ClassVar[str] = "kmeans_smote"

    k_neighbors: Neighbors = 2
    n_jobs: int | None = None
    kmeans_estimator: Any = None
    cluster_balance_threshold: float | Literal["auto"] = "auto"
    density_exponent: float | Literal["auto"] = "auto"


@estimator
class ADASYN(Resampler):
    """Make more rows where neighbors are of other classes; see `spark_balance.ADASYN`.

    Parameters
    ----------
    n_neighbors : int or estimator
        Neighbors of all classes that are counted, and those of the class to choose from.
    """

    _method: ClassVar[str] = "adasyn"

    random_state: Seed = None
    n_neighbors: Neighbors = 5
