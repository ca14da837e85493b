"""Random over- and under-sampling of a numeric target by its relevance."""

from __future__ import annotations

from typing import ClassVar

from spark_balance.base import Sampler
from spark_balance.combine.by_relevance import RelevanceSampler
from spark_balance.frames.plan import RowsOut
from spark_balance.over_sampling.random_over_sampler import RandomOverSampler
from spark_balance.under_sampling.random_under_sampler import RandomUnderSampler


class RelevanceUnderSampler(RelevanceSampler):
    """Keep random rows of the bins of a numeric target that have more than their share (Torgo et al., 2013).

    Bins that have fewer rows than their goal stay as they are.

    Notes
    -----
    Cost: that of `RandomUnderSampler`, and two jobs that fit the relevance unless control points are given: a count,
    and at most about 200,000 values of the target to the driver.

    Examples
    --------
    >>> df = spark.createDataFrame([(i, float(i % 20 + 80 * (i % 50 == 0))) for i in range(200)], "id int, cost double")
    >>> sampler = RelevanceUnderSampler(target_col="cost", key_cols="id")
    >>> sampler.plan(df).targets
    {'high': 34, 'normal': 100}
    >>> sampler.fit_resample(df).count()
    134
    """

    rows: ClassVar[RowsOut] = "subset"

    @property
    def steps(self) -> tuple[Sampler, ...]:
        """Random under-sampling of the bins."""
        return (self.step(RandomUnderSampler, min),)


class RelevanceOverSampler(RelevanceSampler):
    """Repeat rows of the bins of a numeric target that have less than their share (Torgo et al., 2013).

    Bins that have more rows than their goal stay as they are.

    Parameters
    ----------
    provenance_col : str, optional
        Add this column, as `RandomOverSampler` does; it names the base of a row by its key, so it takes `key_cols`.

    Notes
    -----
    Cost: that of `RandomOverSampler`, and two jobs that fit the relevance unless control points are given: a count,
    and at most about 200,000 values of the target to the driver.

    Examples
    --------
    >>> df = spark.createDataFrame([(i, float(i % 20 + 80 * (i % 50 == 0))) for i in range(200)], "id int, cost double")
    >>> sampler = RelevanceOverSampler(target_col="cost", key_cols="id", relevance=[(10, 0), (50, 1)])
    >>> sampler.plan(df).targets
    {'high': 100, 'normal': 196}
    >>> sampler.fit_resample(df).count()
    296
    """

    rows: ClassVar[RowsOut] = "copies"

    provenance_col: str | None = None

    @property
    def steps(self) -> tuple[Sampler, ...]:
        """Random over-sampling of the bins."""
        return (self.step(RandomOverSampler, max, provenance_col=self.provenance_col),)
