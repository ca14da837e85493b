"""What every sampler is: validated parameters, a plan, and one frame in, one frame out."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import check_columns, quoted
from spark_balance.errors import SparkBalanceError
from spark_balance.plans.counts import check_batch, check_labelled, class_counts, given_counts
from spark_balance.plans.keys import identity
from spark_balance.plans.strata import Strata, has_label
from spark_balance.plans.streams import is_stream, told_in_pipelines
from spark_balance.samplers.explained import Explained
from spark_balance.samplers.parameters import Names, Wish, given_to, refusal, toml_of
from spark_balance.samplers.planned import Planned
from spark_balance.summary import ClassCounts, Label, ResamplingPlan
from spark_balance.targets import Strategy, wanted_rows

RowsOut = Literal["subset", "copies", "segment", "free"]


@dataclass(frozen=True)
class Resampled:
    """The resampled frame, the plan that made it, and what was learnt on the way."""

    frame: DataFrame
    plan: ResamplingPlan
    notes: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[Warning, ...] = ()


def only_added(made_by: object) -> bool:
    """Tell whether what a sampler or a weighter returns are the new rows alone."""
    return getattr(made_by, "output", "all") == "added"


class Sampler(Planned, Explained, BaseModel):
    """The parameters and the template that all samplers share.

    Parameters
    ----------
    label_col : str
        Column with the class of each row.
    sampling_strategy : str, float, dict or callable
        imbalanced-learn's forms with its arithmetic: 'auto', 'minority', 'majority',
        'not minority', 'not majority', 'all', a ratio (two classes only), ``{label: rows
        after}``, or a callable that receives ``{label: rows}`` and returns such a dict.
        With `within_cols` it is applied inside each group; a group whose classes meet a
        ratio already, or that has one class, stays as it is.
    random_state : int
        One seed gives the same rows on any layout, engine and retry.
    key_cols : tuple of str, optional
        A unique key. With it draws read only these columns; without it a row is
        known by a 128-bit hash of all its columns.
    null_label : {'error', 'keep', 'drop'}
        What to do with rows whose label is NULL or NaN.
    max_growth : float, optional
        Refuse a plan that makes the data more than so many times larger.
    within_cols : tuple of str, optional
        Balance inside each combination of these columns; neighbours never cross.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    rows: ClassVar[RowsOut]
    random: ClassVar[bool] = True  # another seed gives other rows
    # what people look for here, and why it is not
    absent: ClassVar[Mapping[str, str]] = {
        "group_cols": "this method decides about single rows; RandomUnderSampler and RandomOverSampler take "
        "whole groups"
    }

    label_col: str
    sampling_strategy: Wish = "auto"
    random_state: int = Field(default=0, strict=True)
    key_cols: Names | None = None
    null_label: Literal["error", "keep", "drop"] = "error"
    max_growth: float | None = Field(default=None, gt=0, strict=True)
    within_cols: Names | None = None

    def __init__(self, **parameters: Any) -> None:
        try:
            super().__init__(**parameters)
        except ValidationError as error:
            raise SparkBalanceError(refusal(self._name, list(type(self).model_fields), error, self.absent)) from None
        self._check_strategy()

    def _check_strategy(self) -> None:
        """Refuse a wish that no counts could meet, by trying it on two classes."""
        wish: Strategy = self.sampling_strategy
        if isinstance(wish, Mapping) or callable(wish):
            return
        wanted_rows(type(self).__name__, {0: 1, 1: 10**15}, wish, self.family)

    def plan(self, df: DataFrame, counts: Mapping[Label, int] | ClassCounts | None = None) -> ResamplingPlan:
        """Say what would happen to each class, before anything runs.

        Parameters
        ----------
        df : DataFrame
            The frame to resample.
        counts : dict of label to int, or ClassCounts, optional
            Rows of each class if they are known; else they are counted (one job).

        Returns
        -------
        ResamplingPlan
            Rows before and after, action and rate per class; prints as a table.
        """
        self.check(df)
        plan = self._planned(self._counted(df, counts))
        self._check_plan(plan)
        return plan

    def fit_resample(self, df: DataFrame, counts: Mapping[Label, int] | ClassCounts | None = None) -> DataFrame:
        """Return the resampled frame, lazily.

        Parameters
        ----------
        df : DataFrame
            The frame to resample; every column and its metadata is kept.
        counts : dict of label to int, or ClassCounts, optional
            As `plan` takes them.

        Returns
        -------
        DataFrame
            Same schema, plus the columns that the sampler was told to add.

        Raises
        ------
        SparkBalanceError
            When something does not fit, before any long job.
        """
        return self._run(df, counts).frame

    def resample(self, df: DataFrame, counts: Mapping[Label, int] | ClassCounts | None = None) -> Resampled:
        """Do what `fit_resample` does, and return the plan and the notes with the frame."""
        return self._run(df, counts)

    def _prepared(
        self, df: DataFrame, counts: Mapping[Label, int] | ClassCounts | None
    ) -> tuple[DataFrame, ResamplingPlan, Strata]:
        self.check(df)
        plan = self._planned(self._counted(df, counts))
        if self.null_label == "drop":
            df = df.where(has_label(df.schema, self.label_col))
        # a stream may bring classes that were not there when they were counted
        known = counts is None or (isinstance(counts, ClassCounts) and not self.streams)
        return df, plan, Strata.of(plan, df.schema, complete=known)

    def _run(self, df: DataFrame, counts: Mapping[Label, int] | ClassCounts | None) -> Resampled:
        with told_in_pipelines(self._name):
            df, plan, strata = self._prepared(df, counts)
            self._check_plan(plan)
            result = self._resampled(df, plan, strata)
        for warning in result.warnings:
            # the line of the user's call
            warnings.warn(warning, stacklevel=3)
        return result

    @abstractmethod
    def _resampled(self, df: DataFrame, plan: ResamplingPlan, strata: Strata) -> Resampled:
        """Build the resampled frame; the one thing a sampler has to write."""

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        check = check_labelled if self.streams else check_batch
        check(self._name, df, self.label_col, self._within)
        check_columns(self._name, df.schema, self._keys, "key_cols")

    def left_null(self, df: DataFrame) -> tuple[str, ...]:
        """Return the columns that are NULL in rows that it makes."""
        return ()

    def new_fields(self, schema: T.StructType) -> list[T.StructField]:
        """Return the columns that the resampled frame has beside those of a frame of this schema."""
        return []

    def inheriting(self, names: tuple[str, ...] | Literal["base"] = "base") -> Self:
        """Return the sampler whose new rows take these columns, or all, from their base, if it is not told else."""
        return self

    def _check_plan(self, plan: ResamplingPlan) -> None:
        """Refuse a plan that this method cannot carry out; `explain` warns of it instead."""

    @property
    def same_anywhere(self) -> bool:
        """Whether one seed gives the same rows on any layout, with the parameters at hand."""
        return True

    @property
    def _makes(self) -> RowsOut:
        """What rows come out, with the parameters at hand."""
        return self.rows

    @property
    def _keys(self) -> tuple[str, ...]:
        return self.key_cols or ()

    def _identified(self, df: DataFrame) -> DataFrame:
        """Add the identity of each row of the user's frame."""
        return df.select("*", *identity(self._name, df.schema, self._keys))

    def _counted(self, df: DataFrame, counts: Mapping[Label, int] | ClassCounts | None) -> ClassCounts:
        if counts is None and self.streams and is_stream(df):
            raise SparkBalanceError(
                f"{self._name}: the frame is a stream, whose classes cannot be counted; give counts={{label: rows}}, "
                "for example those of a table that it went to before"
            )
        if counts is None:
            return class_counts(df, self.label_col, self._within)
        return given_counts(self._name, self.label_col, self._within, counts)

    @property
    def streams(self) -> bool:
        """Whether it takes a stream, if counts are given: what happens to a row hangs on its key alone."""
        return False

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts."""
        return 0

    def to_toml_dict(self) -> dict[str, Any]:
        """Return the parameters that are not at their default, as TOML can carry them."""
        return toml_of(self._name, given_to(self))

    @classmethod
    def from_toml_dict(cls, parameters: Mapping[str, Any]) -> Self:
        """Make the sampler from a TOML table."""
        return cls(**parameters)

    def _original_columns(self, df: DataFrame) -> list[Any]:
        return [F.col(quoted(name)) for name in df.columns]
