"""SMOTE for categories alone: every value of a new row is what a row and its neighbours hold most often."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pyspark.sql import Column, DataFrame

from spark_balance.columns import choose_categories
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.mixed import MixedScale
from spark_balance.kernels.scale import Scale
from spark_balance.kernels.value_difference import GRID, ValueDifference
from spark_balance.plans.categories import MixedColumns
from spark_balance.plans.metric_cells import Metric
from spark_balance.plans.sample import Sample
from spark_balance.plans.strata import Strata
from spark_balance.plans.value_probabilities import value_probabilities
from spark_balance.samplers.interpolating import TOLD
from spark_balance.samplers.voting import VotingSMOTE


class SMOTEN(VotingSMOTE):
    """SMOTE for nominal features (Chawla, Bowyer, Hall and Kegelmeyer, 2002).

    Each value of a new row is the most frequent one among a base and its k neighbours. Two values of
    a feature are as far apart as the classes of the rows that hold them differ (the value difference metric of
    Stanfill and Waltz, 1986); distances of features are squared and added.

    Parameters
    ----------
    feature_cols : tuple of str, optional
        String, boolean or integer columns; default every string and boolean column that has no other role.
        NULL is a value like any other.
    scale : bool
        Does nothing here: probabilities need no scale.

    Notes
    -----
    Cost: as SMOTE's, and one job more, which counts the classes of every value; values of a row to grow, 1,000,000
    at most, reach the driver as numbers. Of two classes the distance is Euclid's, and searched as SMOTE's is; of
    more, all pairs of a cell are compared. A new row has no neighbour and no gap that `provenance_col` could name.
    See `Sampler`, `OverSampler`, `SMOTE` and `VotingSMOTE` for the other parameters.
    """

    rows: ClassVar[Literal["segment", "free"]] = "free"
    itself: ClassVar[bool] = True

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts: values, sample."""
        return 2

    def features(self, df: DataFrame) -> MixedColumns:
        """Return the columns that would be used, all of them categories."""
        taken = [self.label_col, *self._keys, *self._within]
        if self.feature_cols is None and isinstance(self.passthrough, tuple):
            taken += self.passthrough
        categorical = choose_categories(self._name, df.schema, self.feature_cols, taken, "feature_cols")
        if not categorical:
            raise SparkBalanceError(
                f"{self._name}: there is no string or boolean column among the features; name some with feature_cols"
            )
        return MixedColumns((), categorical=categorical)

    def _width(self, df: DataFrame) -> int:
        # as of two classes: a number that is measured and one that votes
        return 2 * len(self.features(df).categorical)

    def _measured(self, df: DataFrame, strata: Strata) -> tuple[DataFrame, MixedColumns, int]:
        categorical = self.features(df).categorical
        known = value_probabilities(df, strata, categorical)
        columns = MixedColumns((), categorical=categorical, values=known.names, values_width=known.metric.numbers)
        return known.joined(self._identified(df)), columns, columns.width

    def _metrics(self, sample: Sample, growing: Strata) -> tuple[Scale, dict[int, Metric]]:
        columns = sample.columns
        assert isinstance(columns, MixedColumns)
        features, width = len(columns.categorical), columns.values_width
        # probabilities come as integers
        scale = MixedScale(np.zeros(columns.width), np.ones(columns.width), GRID, width)
        metric = ValueDifference(features, width // features)
        return scale, {row.code: metric for row in growing.rows}

    def _made_of(self) -> tuple[Column, ...]:
        return (self._of_base(TOLD),)
