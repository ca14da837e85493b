"""Random over-sampling: repeat rows of the smaller classes, as they are or smoothed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import model_validator
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_balance.columns import choose_features, quoted, temp
from spark_balance.cost import CostModel, Part, Sketch, Step, Table
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.draws import stream
from spark_balance.plans.features import FeatureColumns
from spark_balance.plans.interpolate import apart, required
from spark_balance.plans.keep import COPIES, Share
from spark_balance.plans.keys import HI, LO, NTH, normal
from spark_balance.plans.replicate import COPY, repeated
from spark_balance.plans.sample import sampled, width_of
from spark_balance.plans.strata import Strata
from spark_balance.samplers.base import Resampled, RowsOut
from spark_balance.samplers.explained import Seen
from spark_balance.samplers.grouping import GroupingSampler
from spark_balance.samplers.over import OverSampler
from spark_balance.samplers.parameters import Names, Shrinkage
from spark_balance.samplers.steps import counted, written
from spark_balance.summary import Label, ResamplingPlan

_FLAT, _SPREAD = temp("flat"), temp("spread")


class RandomOverSampler(GroupingSampler, OverSampler):
    """Repeat rows of each targeted class until it has exactly the rows that the plan says.

    Every row is repeated floor(after / before) times and an exact random subset once
    more, so copies are spread as evenly as can be (imbalanced-learn draws them with
    replacement). With `group_cols` the same of whole groups, as far as they fit. With `shrinkage`
    the added rows are smoothed: the ROSE of Menardi and Torelli (2014).

    Parameters
    ----------
    exact : bool, default True
        False lets each row have its last copy by its own probability: one scan less,
        approximate counts. See `GroupingSampler` for what it means of groups.
    shrinkage : float or dict of label to float, optional
        Add normal noise to the features of every added row, of standard deviation
        shrinkage * (4 / ((d + 2) n))^(1 / (d + 4)) * that of the feature in the class, with
        d features and n rows in the table. The deviation is taken from a sample of at
        least 20,000 rows of the class, so from all rows of a smaller one.
    feature_cols : tuple of str, optional
        The features to smooth; default every numeric column that is neither label, key
        nor within column. Only with `shrinkage`.

    Notes
    -----
    Cost, besides the counts: one scan, and one more of the key columns when a remainder
    is to be chosen exactly; without `key_cols` that one hashes all columns and shuffles
    the hashes. `shrinkage` adds one job that samples the features of the rows to grow.
    `group_cols` instead counts the rows of each group twice and shuffles those counts.
    No Python worker. See `GroupingSampler`, `OverSampler` and `Sampler` for the other parameters.
    """

    rows: ClassVar[Literal["copies"]] = "copies"
    action: ClassVar[str] = "replicate"

    shrinkage: Shrinkage = None
    feature_cols: Names | None = None

    @model_validator(mode="after")
    def _of_rows_or_groups(self) -> Self:
        if self.group_cols and self.shrinkage is not None:
            raise ValueError("shrinkage makes new rows of single ones, and group_cols repeats groups; leave one out")
        return self

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        if self.shrinkage is None and self.feature_cols is not None:
            raise SparkBalanceError(
                f"{self._name}: feature_cols is only used with shrinkage; set shrinkage or leave it out"
            )
        if self.shrinkage is not None:
            self._features(df)

    @property
    def streams(self) -> bool:
        """Whether it takes a stream, if counts are given; with `shrinkage` it has to look at the rows first."""
        return super().streams and self.shrinkage is None

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts: the sample."""
        return int(self.shrinkage is not None)

    @property
    def _makes(self) -> RowsOut:
        return "copies" if self.shrinkage is None else "free"

    def _features(self, df: DataFrame) -> FeatureColumns:
        taken = [self.label_col, *self._keys, *self._within]
        return FeatureColumns(tuple(choose_features(self._name, df.schema, self.feature_cols, taken)))

    def _shrinkage_of(self, label: Label) -> float:
        if not isinstance(self.shrinkage, Mapping):
            return self.shrinkage or 0.0
        if label not in self.shrinkage:
            raise SparkBalanceError(
                f"{self._name}: shrinkage has no entry for class {label!r}, which gets new rows; "
                "add one (0 repeats rows as they are)"
            )
        return self.shrinkage[label]

    def _check_plan(self, plan: ResamplingPlan) -> None:
        for entry in plan.classes:
            if entry.after > entry.before and self.shrinkage is not None:
                self._shrinkage_of(entry.label)

    def _resampled(self, df: DataFrame, plan: ResamplingPlan, strata: Strata) -> Resampled:
        shares = [Share(entry.before, entry.after) for entry in plan.classes]
        numbers: dict[str, list[list[float]]] = {}
        columns = None
        if self.shrinkage is not None:
            columns, numbers[_SPREAD] = self._spreads(df, self._identified(df), plan, strata)
        copies = self._with_copies(df, strata, shares, stream(self.random_state, "replicate"), numbers)
        first = 1 if self.output == "added" else 0
        added = repeated(copies, F.lit(first), F.coalesce(F.col(COPIES), F.lit(1)).cast("int") - 1)
        is_new = F.col(COPY) > 0
        kind = F.when(is_new, F.lit("replica" if columns is None else "synthetic")).otherwise(F.lit("original"))
        told = self._told(df, kind, F.when(is_new, self._row_origin(df)))
        if columns is None:
            return Resampled(added.select(*self._original_columns(df), *told), plan)
        return Resampled(self._smoothed(df, added, columns).select(*self._original_columns(df), *told), plan)

    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        rows, hashed = plan.rows_before, len(self._groups or self._keys)
        added = plan.rows_after - rows
        smoothed = added * table.numbers if self.shrinkage is not None else 0
        rows_out = added if self.output == "added" else plan.rows_after
        last = written(table, rows, rows_out, hashed, generated=smoothed)
        steps = (counted(table, rows), *self._choosing(plan, table), last)
        if not smoothed:
            return Sketch(steps)
        sample = Part(table.splits(rows), {"read": float(rows * table.numbers)})
        return Sketch((steps[0], Step("sample", (sample,), rows_read=rows), *steps[1:]))

    def _spreads(
        self, df: DataFrame, identified: DataFrame, plan: ResamplingPlan, strata: Strata
    ) -> tuple[FeatureColumns, list[list[float]]]:
        """Return the standard deviation of the noise, for each class and feature."""
        growing = strata.where(lambda entry: entry.after > entry.before)
        factors = {row.code: self._shrinkage_of(row.entry.label) for row in growing.rows}
        columns = self._features(df)
        seed = stream(self.random_state, "sample")
        # one cell: the least sample there is
        sample = sampled(identified, growing, columns, seed, width=width_of(df, columns), cell_rows=plan.rows_after)
        width = sample.columns.width
        constant = (4 / ((width + 2) * plan.rows_before)) ** (1 / (width + 4))
        spreads = []
        for row in strata.rows:
            rows = sample.rows.get(row.code, np.zeros((1, width)))
            # single precision drops the last bits, in which machines may differ
            deviation = np.std(rows, axis=0).astype(np.float32).astype(np.float64)
            spreads.append(list(map(float, deviation * constant * factors.get(row.code, 0.0))))
        return sample.columns, spreads

    def _smoothed(self, df: DataFrame, added: DataFrame, columns: FeatureColumns) -> DataFrame:
        """Add the noise to the added rows and to no others."""
        noise = stream(self.random_state, "shrinkage")
        rows = added.withColumn(_FLAT, F.when(F.col(COPY) > 0, columns.flat))
        smooth = columns.restored(
            lambda i: F.get(_FLAT, F.lit(i)) + F.get(_SPREAD, F.lit(i)) * normal(noise, HI, LO, NTH, COPY, F.lit(i))
        )
        replaced = {name: self._one_smoothed(df, name, value) for name, value in smooth.items()}
        kept = [name for name in added.columns if name not in (*df.columns, COPY)]
        columns_out = [replaced.get(name, F.col(quoted(name))) for name in df.columns]
        return rows.select(*columns_out, *kept, apart(F.col(COPY)).alias(COPY))

    def _one_smoothed(self, df: DataFrame, name: str, value: Column) -> Column:
        field = df.schema[name]
        column = F.when(F.col(COPY) > 0, value).otherwise(F.col(quoted(name)))
        return required(column, field).alias(name, metadata=field.metadata)
