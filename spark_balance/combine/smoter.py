"""SMOTE for regression: SMOTER, and SMOGN."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, StrictBool

from spark_balance.base import Names, Sampler, Sought
from spark_balance.base.parameters import Missing, Singletons
from spark_balance.combine.by_relevance import RelevanceSampler
from spark_balance.frames.plan import RowsOut
from spark_balance.neighbors.cells import LEAST, MAX_WORK, RECALL, TASK_MB
from spark_balance.over_sampling.target_smote import NoisyTargetSMOTE, TargetSMOTE
from spark_balance.under_sampling.random_under_sampler import RandomUnderSampler


class SMOTER(RelevanceSampler):
    """SMOTE for regression (Torgo, Ribeiro, Pfahringer and Branco, 2013).

    The target is cut into bins by its relevance. Bins that have more rows than their goal keep a random subset; in the
    others new rows are made between a row and one of its k nearest in the same bin, as `SMOTE` makes them. The target
    of a new row is the mean of both parents', each weighed by the inverse of the distance to it, and so in the bin.

    Parameters
    ----------
    k_neighbors : int or 'shrink', default 5
        Nearest neighbors to choose from; a bin that grows needs at least k_neighbors + 1 rows, while 'shrink' takes
        5, or all other rows of a smaller bin.
    feature_cols : tuple of str, optional
        Numeric columns, arrays of numbers or vectors; default every numeric column that is neither target nor key.
    provenance_col : str, optional
        Add a column that names what a row is made of, as `SMOTE` does: by the key, so give `key_cols` too.

    Notes
    -----
    Each bin is searched by itself, and so is each tail. Cost: that of `RandomUnderSampler` and then of `SMOTE` for the
    bins that grow, and two jobs that fit the relevance unless control points are given: a count, and at most about
    200,000 values of the target to the driver.

    Examples
    --------
    >>> rows = [(i, i * 7 % 13 / 1.0, float(i % 20 + 80 * (i % 25 == 0))) for i in range(200)]
    >>> df = spark.createDataFrame(rows, "id int, x double, cost double")
    >>> sampler = SMOTER(target_col="cost", key_cols="id")
    >>> sampler.plan(df).targets
    {'high': 100, 'normal': 100}
    >>> sampler.fit_resample(df).columns
    ['id', 'x', 'cost']
    """

    rows: ClassVar[RowsOut] = "segment"

    k_neighbors: Sought = 5
    feature_cols: Names | None = None
    recall: float = Field(default=RECALL, gt=0, lt=1)
    max_work: int = Field(default=MAX_WORK, ge=LEAST["max_work"], strict=True)
    task_memory_mb: int = Field(default=TASK_MB, ge=LEAST["task_memory_mb"], strict=True)
    cell_rows: int | None = Field(default=None, ge=LEAST["cell_rows"], strict=True)
    scale: StrictBool = True
    metric: Literal["euclidean", "cosine"] = "euclidean"
    missing: Missing = "error"
    provenance_col: str | None = None
    passthrough: Literal["null", "base"] | tuple[str, ...] = "null"
    singletons: Singletons = "error"

    @property
    def steps(self) -> tuple[Sampler, ...]:
        """Random under-sampling of the bins that shrink, then SMOTE of those that grow."""
        return self.step(RandomUnderSampler, min), self.growing(TargetSMOTE)


class SMOGN(RelevanceSampler):
    """SMOTER with Gaussian noise where a neighbor is far (Branco, Torgo and Ribeiro, 2017).

    A neighbor is near if it is at most half as far as the last of the k nearest: then the new row is that of `SMOTER`.
    Otherwise features and target are those of the base with normal noise, of standard deviation `noise` times that
    of the feature, or of the target, in the bin. Noise that would leave the bin is turned around; where that leaves it
    too, the target stays as it is.

    Parameters
    ----------
    k_neighbors : int or 'shrink', default 5
        Nearest neighbors to choose from; a bin that grows needs at least k_neighbors + 1 rows, while 'shrink' takes
        5, or all other rows of a smaller bin.
    feature_cols : tuple of str, optional
        Numeric columns, arrays of numbers or vectors; default every numeric column that is neither target nor key.
    provenance_col : str, optional
        Add a column that names what a row is made of, as `SMOTE` does: by the key, so give `key_cols` too.
    noise : float, default 0.02
        Standard deviations of the noise, in those of the features and of the target in the bin; 0 repeats the base.

    Notes
    -----
    Cost: as `SMOTER`, and one job that scans the targets. A new row has no neighbor and no gap that `provenance_col`
    could name.

    Examples
    --------
    >>> rows = [(i, i * 7 % 13 / 1.0, float(i % 20 + 80 * (i % 25 == 0))) for i in range(200)]
    >>> df = spark.createDataFrame(rows, "id int, x double, cost double")
    >>> sampler = SMOGN(target_col="cost", key_cols="id", relevance=[(10, 0), (50, 1)])
    >>> sampler.plan(df).targets
    {'high': 100, 'normal': 100}
    >>> sampler.fit_resample(df).count()
    200
    """

    rows: ClassVar[RowsOut] = "free"

    k_neighbors: Sought = 5
    feature_cols: Names | None = None
    recall: float = Field(default=RECALL, gt=0, lt=1)
    max_work: int = Field(default=MAX_WORK, ge=LEAST["max_work"], strict=True)
    task_memory_mb: int = Field(default=TASK_MB, ge=LEAST["task_memory_mb"], strict=True)
    cell_rows: int | None = Field(default=None, ge=LEAST["cell_rows"], strict=True)
    scale: StrictBool = True
    metric: Literal["euclidean", "cosine"] = "euclidean"
    missing: Missing = "error"
    provenance_col: str | None = None
    passthrough: Literal["null", "base"] | tuple[str, ...] = "null"
    singletons: Singletons = "error"
    noise: float = Field(default=0.02, ge=0, allow_inf_nan=False, strict=True)

    @property
    def steps(self) -> tuple[Sampler, ...]:
        """Random under-sampling of the bins that shrink, then SMOTE with noise of those that grow."""
        bins = self.relevant.bins if isinstance(self.relevance, tuple) else ()
        ranges = {one.name: (one.low, one.high) for one in bins}
        return self.step(RandomUnderSampler, min), self.growing(NoisyTargetSMOTE, ranges=ranges)
