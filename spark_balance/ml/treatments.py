"""What may be done to a training fold: nothing, weights, or a sampler, once or for each member of an ensemble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator
from pyspark.sql import DataFrame

from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.draws import stream
from spark_balance.ml.weights import ClassWeighter
from spark_balance.plans.counts import class_counts
from spark_balance.samplers.base import Sampler
from spark_balance.summary import Label


@dataclass(frozen=True)
class Treated:
    """A training fold as an estimator gets it, and the class shares before and after, for `correct_prior`."""

    frame: DataFrame
    weight_col: str | None
    before: Mapping[Label, float]
    after: Mapping[Label, float]
    rows: int


class Treatment(BaseModel):
    """One way to prepare training rows.

    Parameters
    ----------
    name : str
        How the report calls it.
    sampler : Sampler, optional
        Resample; at most one of `sampler` and `weights`, neither leaves the rows as they are.
    weights : ClassWeighter, optional
        Weigh.
    n_estimators : int
        Fit so many models, each on a draw of its own, and average their probabilities (balanced bagging).
    correct_prior : bool
        Report the same models a second time with corrected probabilities.
    move_threshold : bool
        And once more with positives decided at the share of the positive class in the training fold.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str = Field(min_length=1)
    sampler: Sampler | None = None
    weights: ClassWeighter | None = None
    n_estimators: int = Field(default=1, ge=1, le=100, strict=True)
    correct_prior: StrictBool = False
    move_threshold: StrictBool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.sampler is not None and self.weights is not None:
            raise ValueError(f"treatment '{self.name}' has a sampler and weights; make them two treatments")
        if self.n_estimators > 1 and self.sampler is None:
            raise ValueError(
                f"treatment '{self.name}' draws nothing, so its n_estimators={self.n_estimators} would be all alike; "
                "leave it at 1"
            )
        unchanged = self.weights is None and (self.sampler is None or getattr(self.sampler, "weight_col", None))
        if self.correct_prior and unchanged:
            raise ValueError(f"treatment '{self.name}' leaves the class shares as they are; leave correct_prior out")
        if self.move_threshold and not (unchanged or self.correct_prior):
            raise ValueError(f"treatment '{self.name}' moves the threshold of shifted probabilities; set correct_prior")
        return self

    def applied(self, train: DataFrame, counts: Mapping[Label, int], member: int) -> Treated:
        """Prepare the rows of a training fold, lazily but for the sampler's own jobs.

        Parameters
        ----------
        train : DataFrame
            The training rows, and nothing else.
        counts : dict of label to int
            Their classes.
        member : int
            Which member of the ensemble it is for.
        """
        by = self._by(member)
        if by is None:
            return Treated(train, None, counts, counts, sum(counts.values()))
        made = by.resample(train, counts)
        rows, after = made.plan.targets, made.plan.weighted_targets
        if made.plan.counts != "exact":
            # a method that cleans knows only afterwards what it left
            rows = class_counts(made.frame, by.label_col).rows
            after = {one.label: rows.get(one.label, 0) * one.weight for one in made.plan.classes}
        return Treated(made.frame, getattr(by, "weight_col", None), counts, after, sum(rows.values()))

    def trained_rows(self, train: DataFrame, counts: Mapping[Label, int]) -> int:
        """Return how many rows one fit would have; refuses here what the sampler would refuse later."""
        by = self._by(member=0)
        if isinstance(by, Sampler):
            lost = [name for name in by.left_null(train) if name not in (by.key_cols or ())]
            if lost:
                raise SparkBalanceError(
                    f"compare: treatment '{self.name}': {type(by).__name__} leaves {', '.join(lost)} NULL in new rows, "
                    "by which a classifier would tell them; use SMOTENC, which makes categories too, leave passthrough "
                    "out, so that they have those of their base, or give ClusterCentroids voting='hard'"
                )
        return sum(counts.values()) if by is None else by.plan(train, counts).rows_after

    def _by(self, member: int) -> Sampler | ClassWeighter | None:
        if self.sampler is None:
            return self.weights
        # new rows have the key and the other columns of their base, not NULL
        sampler = self.sampler.inheriting()
        if self.n_estimators == 1:
            return sampler
        # a hash and not random_state + i: neighbouring seeds would share rows
        return sampler.model_copy(update={"random_state": stream(sampler.random_state, f"member {member}")})
