"""SMOTE of a numeric target: the step that makes new rows of rare values."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field
from pyspark.sql import Column, DataFrame, functions as F

from spark_balance.base import (
    JoinNode,
    Node,
    OverSampler,
    Paper,
    Recipe,
    Result,
    SampleNode,
    Sought,
    SparkRun,
    own_class,
)
from spark_balance.explain.explanation import Step
from spark_balance.frames.columns import quoted, temp
from spark_balance.frames.features import Values
from spark_balance.frames.numbers import shifted, weighed
from spark_balance.frames.older_spark import from_arrow, to_arrow
from spark_balance.frames.plan import RowsOut
from spark_balance.frames.provenance import COPY
from spark_balance.frames.row_ids import (
    BASE,
    CODE,
    GAP,
    HI,
    LISTED,
    LO,
    NEAR,
    NEAR_ORIGIN,
    NTH,
    ORIGIN,
    name_numbers,
    normal,
)
from spark_balance.kernels import Floats
from spark_balance.neighbors.pairs import REACH

TARGET, _STEP, _LOW, _HIGH, _SPREAD = (temp(name) for name in ("target", "step", "low", "high", "spread"))
SAFE = 0.25  # of the squared distance to the k-th neighbor: half the distance


class TargetSMOTE(OverSampler):
    """SMOTE inside the bins of a numeric target, which a new row has a value of between those of its parents.

    With one gap for all features the distances to base and neighbor are as gap to 1 - gap, so the mean of both
    targets weighed by the inverse distances (Torgo et al., 2013) is base + gap * (neighbor - base).
    """

    name: ClassVar[str] = "SMOTER"  # whose step it is
    reach: ClassVar[bool] = False  # whether it asks how far a neighbor is

    target_col: str
    k_neighbors: Sought = 5

    @property
    def roles(self) -> tuple[str, ...]:
        """The columns that cannot be features: the target too."""
        return (*super().roles, self.target_col)

    def recipe(self, run: Recipe) -> Result:
        """Do what SMOTE does, with the target on the way."""
        return run.synthesize(self.pairs(run, run.sample(run.changing)), values=self.between_targets)

    def pairs(self, run: Recipe, sample: SampleNode) -> JoinNode:
        """Pair the rows of each bin, equally often, with their neighbors in it; the targets travel along."""
        bases = run.spread_evenly(run.rows(run.changing), draws="synthesize")
        cells = run.cells(sample, own_class(self.k))
        return run.knn_join(bases, cells, self.k, tell=self.targets, shrink=self.shrinks, reach=self.reach)

    def targets(self) -> dict[str, Column]:
        """Return what travels with a base and its neighbor."""
        return {TARGET: F.col(quoted(self.target_col))}

    def between_targets(self, run: SparkRun) -> Values:
        """Return the target of a new row."""
        kind = run.df.schema[self.target_col].dataType
        return {self.target_col: weighed(f"{ORIGIN}.{TARGET}", f"{NEAR_ORIGIN}.{TARGET}", kind)}


@dataclass(frozen=True)
class Spreads:
    """The standard deviations in each class that grows, by class id: of the features, and of the target."""

    features: dict[int, Floats]
    target: dict[int, float]


@dataclass(frozen=True, eq=False)
class SpreadsNode(Node[Spreads]):
    """The standard deviations of features, in the sample, and of the target, in all rows, of each class that grows."""

    on_driver: ClassVar[bool] = True

    sample: SampleNode
    target_col: str
    k_neighbors: Sought = 5

    @property
    def jobs(self) -> int:
        """One, over the targets."""
        return 1

    def build(self, run: SparkRun) -> Spreads:
        """Aggregate the targets of the classes."""
        strata, sample = run.classes.changing, run(self.sample).sample
        rows = strata.only(run.df, {}).groupBy(CODE)
        found = to_arrow(rows.agg(F.stddev_pop(F.col(quoted(self.target_col)).cast("double")).alias(_SPREAD)))
        # the last bits depend on the order of the rows, and are rounded away
        deviations = found[_SPREAD].to_numpy().astype(np.float32).astype(np.float64)
        features = {code: sample.spread(code) for code in strata.entries}
        return Spreads(features, dict(zip(found[CODE].to_pylist(), deviations.tolist(), strict=True)))

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield the scan of the targets."""
        yield Step("spread", paper.splits, paper.rows)


class NoisyTargetSMOTE(TargetSMOTE):
    """The same, with normal noise around the base instead of a step to a neighbor that is far."""

    name: ClassVar[str] = "SMOGN"
    rows: ClassVar[RowsOut] = "free"
    provenance: ClassVar[tuple[str, ...]] = ("base",)
    reach: ClassVar[bool] = True

    noise: float = Field(default=0.02, ge=0, allow_inf_nan=False, strict=True)
    ranges: dict[str, tuple[float, float]] = Field(default_factory=dict)

    def recipe(self, run: Recipe) -> Result:
        """Do what SMOTER does with near neighbors."""
        sample = run.sample(run.changing)
        spreads = SpreadsNode(sample, self.target_col)
        pairs = self.pairs(run, sample)
        return run.synthesize(pairs, values=self.between_targets, finish=self.add_noise, learned=spreads)

    def add_noise(self, run: SparkRun, copies: DataFrame, spreads: Spreads) -> DataFrame:
        """Put a point at the noise in place of a far neighbor, and say how far the target moves."""
        classes = run.classes.changing.entries
        ends = [self.ranges[entry.label] for entry in classes.values()]
        table = {
            CODE: pa.array(classes, pa.int32()),
            _SPREAD: pa.array([spreads.features[code].tolist() for code in classes], pa.list_(pa.float64())),
            _STEP: [spreads.target[code] for code in classes],
            _LOW: [low for low, _ in ends],
            _HIGH: [high for _, high in ends],
        }
        rows = copies.join(F.broadcast(from_arrow(copies.sparkSession, pa.table(table))), CODE)
        far, features, width = F.col(REACH) > SAFE, run.stream("noise"), len(next(iter(spreads.features.values())))

        def away(base: Column, i: Column) -> Column:
            return base - F.get(F.col(_SPREAD), i) * self.noise * normal(features, HI, LO, NTH, COPY, i)

        # a gap of -1 puts a row behind its base; with one from 0 to 1, numbers longer than a double stay between both
        changed = {GAP: F.when(far, -1.0).otherwise(F.col(GAP))}
        for i, (base, near) in enumerate(zip(name_numbers(BASE, width), name_numbers(NEAR, width), strict=True)):
            there = F.transform(F.col(quoted(base)), away) if width > LISTED else away(F.col(quoted(base)), F.lit(i))
            kind = copies.schema[near].dataType
            changed[near] = F.when(far, there.cast(kind)).otherwise(F.col(quoted(near)))
        changed[_STEP] = F.col(_STEP) * self.noise * normal(run.stream("target noise"), HI, LO, NTH, COPY)
        return rows.withColumns(changed)

    def between_targets(self, run: SparkRun) -> Values:
        """Return the target of a new row: at the noise too where the features are, as far as that stays in the bin."""
        near, kind = super().between_targets(run)[self.target_col], run.df.schema[self.target_col].dataType
        far = shifted(f"{ORIGIN}.{TARGET}", _STEP, _LOW, _HIGH, kind)
        return {self.target_col: f"CASE WHEN {REACH} > {SAFE!r}D THEN {far} ELSE {near} END"}
