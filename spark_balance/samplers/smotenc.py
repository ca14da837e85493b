"""SMOTE for numbers and categories together: numbers between two rows, categories by the vote of the neighbours."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BeforeValidator
from pyspark.sql import DataFrame

from spark_balance.columns import choose_categories, choose_features
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.mixed import Mixed, MixedScale
from spark_balance.kernels.scale import Scale
from spark_balance.plans.categories import MixedColumns
from spark_balance.plans.metric_cells import Metric
from spark_balance.plans.sample import Sample, width_of
from spark_balance.plans.strata import Strata
from spark_balance.samplers.parameters import Names
from spark_balance.samplers.voting import VotingSMOTE


def _named(given: object) -> object:
    """Let 'auto' be the default, as imbalanced-learn has it; ['auto'] is a column of that name."""
    return None if given == "auto" else given


class SMOTENC(VotingSMOTE):
    """SMOTE for nominal and continuous features (Chawla, Bowyer, Hall and Kegelmeyer, 2002).

    Numbers of a new row lie between those of a base and one of its neighbours, as SMOTE's; each
    category is the most frequent one among all k neighbours. The squared distance of two rows is
    that of their numbers, and med^2 for each category that differs: med is the median of the
    standard deviations of the class's numbers, scaled ones if `scale` is True. Where med is 0, at least
    half of the numbers being constant, categories do not count in the distance (nor do they in
    imbalanced-learn).

    Parameters
    ----------
    categorical_features : tuple of str, optional
        String, boolean or integer columns. NULL is a category like any other. Default, or 'auto', every string
        and boolean column among `feature_cols`, or, without those, of the frame, that has no other role.
    feature_cols : tuple of str, optional
        The features; default every numeric column that has no other role, and `categorical_features`,
        which need not be named twice.

    Notes
    -----
    Cost: as SMOTE's, all pairs of a cell compared. A category travels as a number of 8 bytes and as itself:
    their number does not matter, nothing is one-hot encoded. Of a class of more than 20,000 rows med is taken from
    the driver's sample. See `Sampler`, `OverSampler`, `SMOTE` and `VotingSMOTE` for the other parameters.
    """

    itself: ClassVar[bool] = False

    categorical_features: Annotated[Names | None, BeforeValidator(_named)] = None

    def features(self, df: DataFrame) -> MixedColumns:
        """Return the columns that would be used: numbers, and categories."""
        taken = [self.label_col, *self._keys, *self._within]
        categorical = self._categorical(df, taken)
        if not categorical:
            raise SparkBalanceError(
                f"{self._name}: there is no string or boolean column among the features; "
                "name some with categorical_features, or use SMOTE"
            )
        numbers = self.feature_cols
        if numbers is not None:
            numbers = tuple(name for name in numbers if name not in categorical)
            if not numbers:
                raise SparkBalanceError(f"{self._name}: feature_cols names no column of numbers; use SMOTEN")
        features = choose_features(self._name, df.schema, numbers, [*taken, *categorical])
        return MixedColumns(tuple(features), categorical=categorical)

    def _categorical(self, df: DataFrame, taken: list[str]) -> tuple[str, ...]:
        if self.categorical_features is None:
            if self.feature_cols is not None:
                taken = [*taken, *(name for name in df.columns if name not in self.feature_cols)]
            elif isinstance(self.passthrough, tuple):
                taken = [*taken, *self.passthrough]
        return choose_categories(self._name, df.schema, self.categorical_features, taken)

    def _width(self, df: DataFrame) -> int:
        columns = self.features(df)
        return width_of(df, columns.numbers) + len(columns.categorical)

    def _measured(self, df: DataFrame, strata: Strata) -> tuple[DataFrame, MixedColumns, int]:
        return self._identified(df), self.features(df), self._width(df)

    def _metrics(self, sample: Sample, growing: Strata) -> tuple[Scale, dict[int, Metric]]:
        columns = sample.columns
        assert isinstance(columns, MixedColumns)
        numbers = columns.numbers.width
        scale = MixedScale.of_numbers(sample.pooled, numbers, equalise=self.scale)
        rows = {row.code: sample.rows.get(row.code, sample.pooled[:0]) for row in growing.rows}
        return scale, {code: Mixed.of(scale.integers(some), numbers) for code, some in rows.items()}
