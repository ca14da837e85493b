"""KMeansSMOTE: SMOTE inside clusters, more of it where a class is sparse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_balance.cost import CostModel, Part, Step
from spark_balance.errors import SparkBalanceError
from spark_balance.kernels.centroids import Cells
from spark_balance.kernels.draws import stream
from spark_balance.kernels.scale import Scale
from spark_balance.kernels.sparsity import by_sparsity, k_means, log_sparsity
from spark_balance.plans import cells as cell_plans
from spark_balance.plans.assignment import assigned
from spark_balance.plans.cell_map import CellMap
from spark_balance.plans.cells import FEATURES, UNIT_COLUMNS
from spark_balance.plans.keep import Share
from spark_balance.plans.keys import CODE, UNIT, numbered
from spark_balance.plans.levels import LEVEL, Levels, Tier, counted
from spark_balance.plans.neighbours import Search
from spark_balance.plans.pools import POOL, Pool, pool_number, pools_of
from spark_balance.plans.strata import Strata, Stratum
from spark_balance.samplers.bases import Bases, Work
from spark_balance.samplers.cell_steps import CellSearch
from spark_balance.samplers.smote import SMOTE
from spark_balance.summary import ResamplingPlan

MOST_CLUSTERS = 1_000
_BITS = 10  # of a class number that are its cluster, while neighbours are searched


@dataclass(frozen=True)
class ClusteredWork(Work):
    """The same, with the clusters of all classes in each group."""

    judging: Strata
    pools: tuple[Pool, ...]
    scale: Scale
    clusters: dict[int, Cells]

    def sampled(self, code: int, cluster: int) -> NDArray[np.float64]:
        """Return the sampled rows of a class in a cluster, as integers."""
        pool = next(pool for pool in self.pools if code in pool.rows)
        points = self.scale.integers(self.sample.rows.get(code, np.empty((0, self.sample.columns.width))))
        there: NDArray[np.float64] = points[self.clusters[pool.number].homes(points) == cluster]
        return there


class KMeansSMOTE(SMOTE):
    """SMOTE inside clusters of all classes (Douzas, Bacao and Last, 2018).

    New rows of a class are made in the clusters in which it is frequent enough, in proportion to how
    sparse it is there, exactly as many as are wanted. Base and neighbour are of the same cluster, and the rows
    of a class in a cluster are bases equally often (+- 1).

    Parameters
    ----------
    k_neighbors : int, default 2
        Nearest neighbours to choose from; a cluster needs at least k_neighbors + 1 rows of the class.
    kmeans_estimator : int, default 8
        Clusters; they are made of a sample, of all classes by their share of the rows.
    cluster_balance_threshold : float or 'auto'
        Least share of the class in a cluster; 'auto' is half its share of all new rows, as in imbalanced-learn.
        No matter when there is one cluster.
    density_exponent : float or 'auto'
        Power of the mean distance in the sparsity; 'auto' is imbalanced-learn's formula.
    neighbors : {'cells', 'exact'}
        As in `SMOTE`.

    Notes
    -----
    Distances are measured on at most 1,000 sampled rows of a class and cluster, and weights are computed with
    logarithms. Cost, besides the counts: two jobs, which sample and count the rows of all classes by cluster, one
    crossing to Python each; then as `SMOTE`, whose other parameters it shares, and one crossing more.
    """

    k_neighbors: int = Field(default=2, ge=1, strict=True)
    neighbors: Literal["cells", "exact"] = "cells"
    kmeans_estimator: int = Field(default=8, ge=1, le=MOST_CLUSTERS, strict=True)
    cluster_balance_threshold: Literal["auto"] | Annotated[float, Field(allow_inf_nan=False, strict=True)] = "auto"
    density_exponent: Literal["auto"] | Annotated[float, Field(allow_inf_nan=False, strict=True)] = "auto"

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts."""
        return 2

    def _work(self, df: DataFrame, strata: Strata) -> ClusteredWork:
        rows, growing = self._identified(df), self._growing(strata)
        judging = strata.groups_of([row.code for row in growing.rows])
        sample, cell_rows = self._sampled(df, rows, judging)
        scale = Scale.fit(sample.evenly(sample.rows), equalise=self.scale)
        pools = tuple(pools_of(judging))
        evenly = {pool.number: scale.integers(sample.evenly(pool.rows)) for pool in pools}
        clusters = {number: k_means(points, self.kmeans_estimator) for number, points in evenly.items()}
        made = cell_plans.made(sample, growing, cell_rows=cell_rows, k=self._k, equalise=self.scale)
        return ClusteredWork(df, rows, strata, growing, sample, made, cell_rows, judging, pools, scale, clusters)

    def _bases(self, work: Work) -> Bases:
        assert isinstance(work, ClusteredWork)
        at_most = sum(row.entry.before for row in work.judging.rows)
        grows = F.col(CODE).isin(list(work.rows_of))
        placed = numbered(work.judging.only(work.rows, {}), grows, bool(self._keys), at_most)
        number, features = pool_number(work.pools).alias(POOL), work.sample.columns.flat.alias(FEATURES)
        every = assigned(placed.select(*UNIT, number, features), work.scale, work.clusters)
        levels = Levels.of(every.select(*UNIT, LEVEL), stream(self.random_state, "synthesize"), at_most)
        self._check_counted(work, levels.rows)
        tiers = [tier for row in work.growing.rows for tier in self._tiers(work, row, levels.rows)]
        some = placed.where(grows).select(*UNIT, number, features, *self._travelling(work.df))
        units = assigned(some, work.scale, work.clusters)
        bases = replace(levels, units=units).chosen(tiers, self._name)
        cell_map, rows = self._cells(work, tiers)
        fine = (F.shiftleft(CODE, _BITS) + F.col(LEVEL)).cast("int")
        # rows of clusters in which nothing is made are no neighbours either
        frame = bases.drop(POOL).withColumn(CODE, fine).where(F.col(CODE).isin(list(rows))).drop(LEVEL)
        others = [name for name in frame.columns if name not in UNIT_COLUMNS]
        return Bases(frame.select(*UNIT_COLUMNS, *others), cell_map, rows, learnt=counted(tiers))

    def _tiers(self, work: ClusteredWork, row: Stratum, counts: dict[int, dict[int, int]]) -> list[Tier]:
        """Say how many new rows of a class each cluster makes."""
        pool = next(pool for pool in work.pools if row.code in pool.rows)
        every = len(work.clusters[pool.number]) == 1
        wanted = work.wanted[row.code]
        least = self.cluster_balance_threshold
        if least == "auto":
            least = wanted / sum(work.wanted.get(code, 0) for code in pool.rows) / 2
        valid = {}
        for cluster, rows in counts.get(row.code, {}).items():
            share = rows / sum(counts.get(code, {}).get(cluster, 0) for code in pool.rows)
            if rows > self._k and (every or share >= least):
                valid[cluster] = rows
        if not valid:
            raise SparkBalanceError(
                f"{self._name}: class {row.entry.label!r}{self._in_group(row.entry)} makes up {least:.3g} "
                f"of no cluster that holds more than k_neighbors={self._k} of its rows; "
                "lower cluster_balance_threshold, use another kmeans_estimator, or SMOTE"
            )
        exponent = None if self.density_exponent == "auto" else self.density_exponent
        unit = work.scale.unit(work.sample.evenly(work.sample.rows), equalised=self.scale)
        logs = [log_sparsity(work.sampled(row.code, c) / unit, rows, exponent) for c, rows in valid.items()]
        shared = zip(valid.items(), by_sparsity(logs, wanted), strict=True)
        return [Tier(row.code, (cluster,), Share(rows, some)) for (cluster, rows), some in shared if some]

    def _cells(self, work: ClusteredWork, tiers: list[Tier]) -> tuple[CellMap, dict[int, int]]:
        """Make the cells of each class and cluster, and count its rows."""
        classes, rows, start = {}, {}, 0
        for tier in tiers:
            fine = (tier.code << _BITS) + tier.levels[0]
            points = work.sampled(tier.code, tier.levels[0])
            one = cell_plans.class_cells(points, tier.share.rows, start, work.cell_rows, self._k)
            classes[fine], rows[fine] = one, tier.share.rows
            start += int(one.shards.sum())
        return CellMap(work.scale, classes), rows

    def _found(self, work: Work, bases: Bases, search: Search) -> DataFrame:
        return super()._found(work, bases, search).withColumn(CODE, F.shiftright(CODE, _BITS))

    def _first_steps(
        self, plan: ResamplingPlan, search: CellSearch, model: CostModel, work: Work | None
    ) -> tuple[Step, ...]:
        amounts = {
            "read": float(search.rows * search.table.numbers),
            "homed": float(search.rows * self.kmeans_estimator),
            "python": 1.0,
        }
        part = Part(search.table.splits(search.rows), amounts)
        return (Step("cluster", (part,), rows_read=search.rows, task_bytes=model.worker_bytes(0, 0)),)
