"""SMOTE of a numeric target: the step that makes new rows of rare values."""

from typing import ClassVar

from pyspark.sql import Column, functions as F

from spark_balance.base import Recipe, Result, SampleNode, SparkRun, own_class
from spark_balance.base.make import JoinNode
from spark_balance.frames.columns import quoted, temp
from spark_balance.frames.features import Values
from spark_balance.frames.numbers import weighed
from spark_balance.frames.row_ids import NEAR_ORIGIN, ORIGIN
from spark_balance.over_sampling.smote import SMOTE

TARGET = temp("target")


class TargetSMOTE(SMOTE):
    """SMOTE inside the bins of a numeric target, which a new row has a value of between those of its parents.

    With one gap for all features the distances to base and neighbor are as gap to 1 - gap, so the mean of both
    targets weighed by the inverse distances (Torgo et al., 2013) is base + gap * (neighbor - base).
    """

    name: ClassVar[str] = "SMOTER"  # whose step it is

    target_col: str

    @property
    def roles(self) -> tuple[str, ...]:
        """The columns that cannot be features: the target too."""
        return (*super().roles, self.target_col)

    def recipe(self, run: Recipe) -> Result:
        """Do what SMOTE does, with the target on the way."""
        return run.synthesize(self.pairs(run, run.sample(run.changing)), values=self.between_targets)

    def pairs(self, run: Recipe, sample: SampleNode, *, space: SampleNode | None = None) -> JoinNode:
        """Pair the rows of each bin, equally often, with their neighbors in it; the targets travel along."""
        bases = run.spread_evenly(run.rows(run.changing, of=space), draws="synthesize")
        cells = run.cells(sample, own_class(self.k_neighbors))
        return run.knn_join(bases, cells, self.k_neighbors, how=self.search, tell=self.targets)

    def targets(self) -> dict[str, Column]:
        """Return what travels with a base and its neighbor."""
        return {TARGET: F.col(quoted(self.target_col))}

    def between_targets(self, run: SparkRun) -> Values:
        """Return the target of a new row."""
        kind = run.df.schema[self.target_col].dataType
        return {self.target_col: weighed(f"{ORIGIN}.{TARGET}", f"{NEAR_ORIGIN}.{TARGET}", kind)}
