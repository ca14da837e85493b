"""Random under-sampling: keep a random subset of the larger classes."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal, Self

from pydantic import StrictBool, model_validator
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import check_columns, check_new_column, quoted, temp
from spark_balance.cost import CostModel, Sketch, Table
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.draws import stream
from spark_balance.plans.bootstrap import bootstrapped
from spark_balance.plans.keep import COPIES, Share
from spark_balance.plans.keys import CODE
from spark_balance.plans.strata import Numbers, Strata
from spark_balance.samplers.base import Resampled, RowsOut
from spark_balance.samplers.explained import Seen
from spark_balance.samplers.grouping import GroupingSampler
from spark_balance.samplers.steps import counted, written
from spark_balance.summary import ClassCounts, Label, ResamplingPlan

_WEIGHT = temp("weight")


class RandomUnderSampler(GroupingSampler):
    """Keep a random subset of each targeted class, exactly as large as the plan says; whole groups if that is wished.

    Parameters
    ----------
    exact : bool, default True
        True keeps exactly the wanted number of rows, the same rows on any layout.
        False is one scan with binomial counts: by the key, the same rows on any layout, or,
        without `key_cols`, by Spark's `sampleBy`, whose rows depend on how the input is split
        (and which on Sail 0.7 repeats its draws in every partition: give a key there).
        See `GroupingSampler` for what it means of groups.
    replacement : bool, default False
        Draw with replacement (the bootstrap). Classes that keep their number of rows stay as
        they are, unless sampling_strategy is 'all'.
    weight_col : str, optional
        Multiply rows before / rows after of the class into this column (made as 1.0
        when absent): downsample and upweight, ready for an estimator's `weightCol`. With `group_cols`
        only if `exact=False`, since otherwise fewer rows than planned may be kept.

    Notes
    -----
    Cost, besides the counts: `exact=False` one scan. `exact=True` two, the first of the
    key columns alone; without `key_cols` it hashes all columns and shuffles the hashes.
    `group_cols` instead counts the rows of each group twice and shuffles those counts.
    No Python worker. See `GroupingSampler` and `Sampler` for the other parameters.
    """

    family: ClassVar[Literal["under"]] = "under"
    rows: ClassVar[Literal["subset"]] = "subset"
    action: ClassVar[str] = "downsample"

    replacement: StrictBool = False
    weight_col: str | None = None

    @model_validator(mode="after")
    def _drawn_one_way(self) -> Self:
        if self.replacement and not self.exact:
            raise ValueError("replacement=True needs exact=True, since sampleBy never draws a row twice")
        if self.group_cols and self.replacement:
            raise ValueError("replacement=True draws single rows, and group_cols keeps them together; leave one out")
        if self.group_cols and self.exact and self.weight_col is not None:
            raise ValueError(
                f"weight_col='{self.weight_col}' undoes the share that is kept, which group_cols can only come near; "
                "set exact=False, which keeps each group with just that probability"
            )
        return self

    @property
    def same_anywhere(self) -> bool:
        """Whether one seed gives the same rows on any layout: all but `sampleBy`."""
        return self.exact or bool(self._keys or self.group_cols)

    @property
    def _makes(self) -> RowsOut:
        return "copies" if self.replacement else "subset"

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        if self.weight_col in (self.label_col, *self._within, *self._keys):
            raise SparkBalanceError(
                f"{self._name}: weight_col='{self.weight_col}' is the label, a key or a within column"
            )
        if self.weight_col in df.columns and self.weight_col is not None:
            check_columns(self._name, df.schema, [self.weight_col], "weight_col")
            if df.schema[self.weight_col].dataType.typeName() not in ("double", "float"):
                raise SparkBalanceError(
                    f"{self._name}: weight_col='{self.weight_col}' is of type "
                    f"{df.schema[self.weight_col].dataType.simpleString()}; weights are double or float, so cast it"
                )
        else:
            check_new_column(self._name, df.schema, self.weight_col, "weight_col")

    def _touched(self, classes: dict[Label, int], after: dict[Label, int]) -> set[Label]:
        # a bootstrap of all classes also draws those anew that keep their number of rows
        anew = self.replacement and self.sampling_strategy == "all"
        return set(classes) if anew else super()._touched(classes, after)

    def _planned(self, counted: ClassCounts) -> ResamplingPlan:
        plan = super()._planned(counted)
        if self.weight_col is None:
            return plan
        weighted = [replace(entry, weight=entry.before / max(entry.after, 1)) for entry in plan.classes]
        return replace(plan, classes=tuple(weighted))

    def _resampled(self, df: DataFrame, plan: ResamplingPlan, strata: Strata) -> Resampled:
        shares = [Share(entry.before, entry.after) for entry in plan.classes]
        weights: Numbers = {_WEIGHT: [entry.weight for entry in plan.classes]}
        if self.replacement:
            redrawn = [
                None if entry.action == "keep" else share for entry, share in zip(plan.classes, shares, strict=True)
            ]
            seed = stream(self.random_state, "bootstrap")
            drawn = bootstrapped(self._identified(df), strata, redrawn, seed, bool(self._keys), weights)
        elif self.exact or self._keys or self._groups:
            copies = self._with_copies(df, strata, shares, stream(self.random_state, "keep"), weights)
            drawn = copies.where(F.coalesce(F.col(COPIES), F.lit(1)) > 0)
        else:
            rows = strata.attach(df, weights).fillna(-1, subset=[CODE])
            fractions = {row.code: row.entry.rate for row in strata.rows} | {-1: 1.0}
            drawn = rows.sampleBy(CODE, fractions, seed=stream(self.random_state, "sampleBy"))
        return Resampled(self._selected(df, drawn), plan)

    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        rows, hashed = plan.rows_before, len(self._groups or self._keys)
        steps = (counted(table, rows), *self._choosing(plan, table), written(table, rows, plan.rows_after, hashed))
        return Sketch(steps)

    def new_fields(self, schema: T.StructType) -> list[T.StructField]:
        """Return the columns that the resampled frame has beside those of a frame of this schema."""
        added = self.weight_col is not None and self.weight_col not in schema.names
        return [T.StructField(str(self.weight_col), T.DoubleType())] if added else []

    def _selected(self, df: DataFrame, drawn: DataFrame) -> DataFrame:
        columns = self._original_columns(df)
        if self.weight_col is None:
            return drawn.select(*columns)
        weight = F.coalesce(F.col(_WEIGHT), F.lit(1.0))
        if self.weight_col not in df.columns:
            return drawn.select(*columns, weight.alias(self.weight_col))
        kept = drawn.select(*columns, _WEIGHT)
        product = (F.col(quoted(self.weight_col)) * weight).cast(df.schema[self.weight_col].dataType)
        metadata = df.schema[self.weight_col].metadata
        replaced = [
            product.alias(name, metadata=metadata) if name == self.weight_col else F.col(quoted(name))
            for name in df.columns
        ]
        return kept.select(*replaced)
