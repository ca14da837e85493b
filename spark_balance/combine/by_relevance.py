"""Resampling for regression: a numeric target is cut into bins by its relevance, and bins are resampled as classes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator
from pyspark.sql import DataFrame, functions as F
from typing_extensions import Self

from spark_balance.base import GivenCounts, Keep, Resampled, Sampler
from spark_balance.base.parameters import Wish
from spark_balance.base.strategy import wanted_rows
from spark_balance.combine.combined import CombinedSampler, complete_rows
from spark_balance.errors import BadValuesError, ParameterError, TooFewRowsError
from spark_balance.explain.explanation import Explanation, Step, Table
from spark_balance.frames.arguments import checked
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import check_columns, check_new_column, told_in_pipelines
from spark_balance.frames.counts import known_counts
from spark_balance.frames.plan import ClassCounts, Label, Promises, ResamplingPlan
from spark_balance.frames.relevance import THRESHOLD, Relevance, check_points, points_of
from spark_balance.frames.sample import SAMPLE_ROWS
from spark_balance.frames.targets import check_target
from spark_balance.frames.text import BIN, plural
from spark_balance.kernels.relevance import goals

_WORDS = ("balance", "extreme")


def _known_relevance(given: Any) -> Any:
    if callable(given) or given == "extremes":
        return given
    try:
        return check_points("it", given)
    except ParameterError:
        raise ValueError(
            "give 'extremes', two or more pairs (value, relevance from 0 to 1) whose values ascend, or a callable that "
            "returns such pairs"
        ) from None


@checked
class RelevanceSampler(CombinedSampler):
    """The parameters of methods for a numeric target.

    Parameters
    ----------
    target_col : str
        Column with the number that is predicted.
    relevance : 'extremes', sequence of (float, float) or callable
        How much each value matters, from 0 to 1: 'extremes' asks the box plot, and pairs (value, relevance) that ascend
        are control points. A callable gets the quantiles and returns such pairs.
    threshold : float
        A value of this relevance or more is rare. Each range of rare or normal values is a bin: 'low', 'normal' and
        'high', which the plan shows as column `relevance_bin`.
    sampling_strategy : 'balance', 'extreme' or dict
        Rows of each bin after: 'balance' shares the rows out evenly, 'extreme' in inverse proportion to what each bin
        has, and a dict ``{bin: rows}`` names the bins that change.
    null_label : {'error', 'keep', 'drop'}
        What to do with rows whose target is NULL or NaN.
    """

    label_col: ClassVar[str] = BIN  # type: ignore[misc]  # not a parameter here
    within_cols: ClassVar[None] = None  # type: ignore[misc]
    absent: ClassVar[Mapping[str, str]] = {
        "label_col": "its target is a number, which target_col names",
        "within_cols": "the relevance is that of the whole table; resample each part by itself",
        "group_cols": "this method decides about single rows; RandomUnderSampler and RandomOverSampler take groups",
    }

    target_col: str
    relevance: Annotated[Any, BeforeValidator(_known_relevance)] = "extremes"
    threshold: float = Field(default=THRESHOLD, gt=0, le=1, strict=True)
    sampling_strategy: Wish = "balance"

    @model_validator(mode="after")
    def _known_strategy(self) -> Self:
        wish = self.sampling_strategy
        if not isinstance(wish, Mapping) and wish not in _WORDS:
            raise ValueError(
                f"sampling_strategy={wish!r} is not one of {', '.join(_WORDS)} or a dict {{bin: rows}} of 'low', "
                "'normal' and 'high'"
            )
        return self

    @model_validator(mode="after")
    def _named_bases(self) -> Self:
        # a hash of all columns would be one of the bins too
        if self.options.provenance_col is not None and not self.key_cols:
            raise ValueError("provenance_col names the base of a row by its key; name a unique key with key_cols")
        return self

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts: two fit the relevance."""
        return super().jobs + (0 if isinstance(self.relevance, tuple) else 2)

    @property
    def _who(self) -> str:
        """How sentences about the values that there are begin."""
        return f"{self.name}: after missing='drop'" if self.options.missing == "drop" else self.name

    @property
    def relevant(self) -> Relevance:
        """The relevance by its control points."""
        return Relevance(self.target_col, self.relevance, self.threshold)

    def fitted(self, df: DataFrame) -> Self:
        """Return the same with the control points of a frame: two jobs, unless they are given."""
        if isinstance(self.relevance, tuple):
            return self
        return self.replace(relevance=points_of(self._who, df, self.target_col, self.relevance, self.keys))

    def labelled(self, df: DataFrame) -> DataFrame:
        """Return a frame with the bin of each row, for a relevance by control points."""
        return self.relevant.with_bins(df)

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that it cannot work on, from its schema alone."""
        check_target(self.name, df.schema, self.target_col)
        check_columns(self.name, df.schema, self.keys, "key_cols")
        if self.target_col in self.keys:
            raise ParameterError(f"{self.name}: key_cols names the target column '{self.target_col}'; leave it out")
        check_new_column(self.name, df.schema, BIN, "the column of bins")
        super().check(df.withColumn(BIN, F.lit("")))

    def prepare(self, df: DataFrame, counts: GivenCounts) -> tuple[DataFrame, ResamplingPlan, Strata]:
        """Check the frame, find the bins, count and plan."""
        fitted, binned, counted = self._binned(df, counts)
        plan = fitted.make_plan(counted)
        return binned, plan, Strata.of(plan, binned.schema, complete=True)

    def _binned(self, df: DataFrame, counts: GivenCounts) -> tuple[Self, DataFrame, ClassCounts]:
        """Check a frame and find its bins; return the sampler for them, the rows with their bins, and the counts."""
        self.check(df)
        df = complete_rows(self, df)
        fitted = self.fitted(df)
        binned = fitted.labelled(df)
        return fitted, binned, known_counts(self.name, binned, BIN, (), counts)

    def features(self, df: DataFrame) -> Any:
        """Return the feature columns that it would use of a frame; None if it uses none."""
        return super().features(df.drop(BIN).withColumn(BIN, F.lit("")))

    def left_null(self, df: DataFrame) -> tuple[str, ...]:
        """Return the columns that are NULL in the rows that it makes."""
        return super().left_null(df.drop(BIN).withColumn(BIN, F.lit("")))

    @property
    def promises(self) -> Promises:
        """What it promises of the counts and rows that come out, and of what a new row is made of."""
        return replace(super().promises, provenance=self.steps[-1].promises.provenance)

    def estimate(
        self, plan: ResamplingPlan, table: Table, df: DataFrame | None = None, strata: Strata | None = None
    ) -> Explanation:
        """Add up the steps, and the two jobs that fit a relevance."""
        found = super().estimate(plan, table, df, strata)
        if isinstance(self.relevance, tuple):
            return found
        fit = Step("relevance", table.splits(plan.rows_before), plan.rows_before, driver_bytes=8 * SAMPLE_ROWS, times=2)
        return replace(found, steps=(*found.steps[:1], fit, *found.steps[1:]))

    def goals(self, rows: Mapping[Label, int]) -> dict[Label, int]:
        """Return the rows that each bin is to have, given those that it has."""
        if isinstance(self.sampling_strategy, Mapping):
            return {**rows, **self.sampling_strategy}
        return dict(goals(rows, self.sampling_strategy))

    def make_plan(self, counted: ClassCounts) -> ResamplingPlan:
        """Plan each step by the goals of the rows that there are."""
        return super(RelevanceSampler, self.aimed(counted)).make_plan(counted)

    def resample(self, df: DataFrame, counts: GivenCounts = None, *, extract_path: Keep = None) -> Resampled:
        """Find the bins, resample them step by step, and forget them."""
        with told_in_pipelines(self.name):
            fitted, binned, counted = self._binned(df, counts)
            fitted.make_plan(counted)
        done = fitted.aimed(counted).fold(binned, counted, counts, extract_path)
        notes = {"relevance_points": [list(one) for one in fitted.relevance], **done.notes}
        return replace(done, frame=done.frame.drop(BIN), notes=notes, sampler=fitted)

    def aimed(self, counted: ClassCounts) -> Self:
        """Return the same with the goal of each bin, or refuse rows that cannot be resampled."""
        rows = counted.rows
        if counted.missing_rows and self.null_label == "error":
            raise BadValuesError(
                f"{self.name}: target column '{self.target_col}' is NULL or NaN in {counted.missing_rows} rows; filter "
                "them, or set null_label to 'keep' or 'drop'"
            )
        if len(rows) < 2:
            fill = "set missing='ignore', fill what is missing, " if self.options.missing == "drop" else ""
            raise TooFewRowsError(
                f"{self._who}: the values of target column '{self.target_col}' are in {plural(len(rows), 'bin')} "
                f"({', '.join(rows) or 'none'}), resampling needs at least 2; {fill}lower threshold, or give control "
                "points with relevance"
            )
        if isinstance(self.sampling_strategy, Mapping):
            one_way = len(self.steps) == 1
            limits = rows if one_way else dict.fromkeys(rows, sys.maxsize)
            wanted_rows(self.name, limits, self.sampling_strategy, self.steps[0].family if one_way else "under", "bin")
        return self.replace(sampling_strategy=self.goals(rows))

    def step(self, kind: type[Sampler], bound: Callable[[int, int], int], **more: Any) -> Sampler:
        """Return a step that brings bins to their goals, as far as the bound of what they have and the goal allows."""

        def wanted(rows: dict[Label, int]) -> dict[Label, int]:
            aims = self.goals(rows)
            return {name: bound(n, aims[name]) for name, n in rows.items()}

        shared = {"label_col": BIN, "key_cols": self.key_cols, "null_label": self.null_label}
        return kind(**shared, random_state=self.random_state, sampling_strategy=wanted, **more)

    def growing(self, kind: type[Sampler], **more: Any) -> Sampler:
        """Return the step that makes new rows between others, with all parameters that it has too."""
        taken = {*CombinedSampler.model_fields} - {"min_class_rows"}
        shared = {name: getattr(self, name) for name in type(self).model_fields if name in kind.model_fields}
        own = {name: value for name, value in shared.items() if name not in taken}
        return self.step(kind, max, **own, **more)

    def inheriting(self, names: tuple[str, ...] | Literal["base"] = "base") -> Self:
        """Return the sampler whose new rows take columns of their base, unless the user chose them."""
        makes = "passthrough" in type(self).model_fields and "passthrough" not in self.model_fields_set
        return self.replace(passthrough=names) if makes else self
