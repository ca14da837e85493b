"""KMeansSMOTE: SMOTE inside clusters, more of it where a class is sparse."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator
from pyspark.sql import functions as F
from typing_extensions import Self

from spark_balance.base import (
    LEVELS,
    CellsNode,
    ClassLevels,
    Context,
    Fitted,
    LevelCounts,
    LevelSpreadNode,
    Node,
    Paper,
    Recipe,
    Result,
    Sought,
    SparkRun,
    own_class,
)
from spark_balance.frames.columns import temp
from spark_balance.frames.copies import Share
from spark_balance.frames.levels import LEVEL, Quota
from spark_balance.frames.row_ids import CODE
from spark_balance.frames.sample import Sample
from spark_balance.kernels import Ints
from spark_balance.kernels.centroids import Cells
from spark_balance.kernels.clusters import (
    NearestCluster,
    by_sparsity,
    k_means,
    k_means_by,
    log_sparsity,
    refuse_clusterer,
)
from spark_balance.neighbors.cells import fit_cells
from spark_balance.neighbors.pools import pools_of_classes
from spark_balance.over_sampling.smote import SMOTE

CLUSTERS, MOST_CLUSTERS = 8, 1_000
PART = temp("part")
_BITS = 10  # of the number of a part that are its cluster
Fraction = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class KMeansSMOTE(SMOTE):
    """SMOTE inside clusters of all classes (Douzas, Bacao and Last, 2018).

    New rows of a class are made in the clusters in which it is frequent enough, in proportion to how
    sparse it is there, exactly as many as are wanted. Base and neighbor are of the same cluster, and the rows
    of a class in a cluster are bases equally often (+- 1).

    Parameters
    ----------
    k_neighbors : int or 'shrink', default 2
        Nearest neighbors to choose from; a cluster needs at least k_neighbors + 1 rows of the class, while 'shrink'
        takes 2, or 1 in a class of two rows.
    kmeans_estimator : int or object, optional
        Clusters, at most 1,000, or a clusterer with scikit-learn's `n_clusters` and `cluster_centers_`, fitted on the
        driver; default 8. They are made of a sample, of all classes by their share of the rows.
    cluster_balance_threshold : float or 'auto'
        Least share of the class in a cluster; 'auto' is half its share of all new rows, as in imbalanced-learn.
        It does not matter when there is one cluster.
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

    k_neighbors: Sought = 2
    neighbors: Literal["cells", "exact"] = "cells"
    kmeans_estimator: Any = None
    cluster_balance_threshold: Literal["auto"] | Fraction = "auto"
    density_exponent: Literal["auto"] | Fraction = "auto"

    @model_validator(mode="after")
    def _clusters(self) -> Self:
        given = self.kmeans_estimator
        number = isinstance(given, int) and not isinstance(given, bool)
        if given is not None and not number and (refused := refuse_clusterer("kmeans_estimator", given)):
            raise ValueError(refused)
        if not 1 <= self.n_clusters <= MOST_CLUSTERS:
            raise ValueError(
                f"kmeans_estimator={given!r} is refused: it makes {self.n_clusters:,} clusters, and 1 to "
                f"{MOST_CLUSTERS:,} are allowed"
            )
        return self

    @property
    def n_clusters(self) -> int:
        """Clusters wanted."""
        given = self.kmeans_estimator
        wanted: int = given if isinstance(given, int) else given.get_params()["n_clusters"] if given else CLUSTERS
        return wanted

    @property
    def needs_all(self) -> str | None:
        """Why the method needs every feature of every row."""
        return "clusters are means of whole rows"

    def recipe(self, run: Recipe) -> Result:
        """Count the rows of each class and cluster, and search for neighbors inside them."""
        sample = run.sample(run.whole_groups)
        clusters = run.learn(sample, self.clusters)
        everyone = run.rows(run.whole_groups, number="changing")
        levels = run.scan(everyone, nearest_cluster, LEVELS, by=(CODE,), sample=sample, learned=clusters)
        growing = run.rows(run.changing)
        bases = run.spread_levels(levels, self.by_sparsity, draws="synthesize", among=growing)
        cells = ClusterCells(sample, own_class(self.k), bases)
        return run.synthesize(run.knn_join(bases, cells, self.k, how=self.search, shrink=self.shrinks))

    def clusters(self, context: Context) -> dict[int, Cells]:
        """Return the clusters of each group."""
        evenly = {pool.number: context.scale.integers(context.sample.evenly(pool.rows)) for pool in context.pools}
        if self.kmeans_estimator is None or isinstance(self.kmeans_estimator, int):
            return {number: k_means(points, self.n_clusters) for number, points in evenly.items()}
        seed = context.run.stream("estimator") % 2**31
        return {number: k_means_by(points, self.kmeans_estimator, seed) for number, points in evenly.items()}

    def by_sparsity(self, context: Context, counts: LevelCounts) -> list[Quota]:
        """Let the clusters of each class make rows in proportion to how sparse the class is there."""
        wanted = {row.code: row.entry.after - row.entry.before for row in context.run.classes.changing.rows}
        quotas = []
        for row in context.run.classes.changing.rows:
            quotas += self._quotas(ClassLevels(context, row, counts.get(row.code, {})), counts, wanted)
        return quotas

    def _quotas(self, of: ClassLevels, counts: LevelCounts, wanted: dict[int, int]) -> list[Quota]:
        context = of.context
        pool = next(pool for pool in context.pools if of.class_id in pool.rows)
        every = len(context.learned[pool.number]) == 1
        least = self.cluster_balance_threshold
        if least == "auto":
            least = of.wanted / sum(wanted.get(class_id, 0) for class_id in pool.rows) / 2
        valid, most = {}, min(self.k, of.stratum.entry.before - 1)
        for cluster, rows in of.rows.items():
            share = rows / sum(counts.get(class_id, {}).get(cluster, 0) for class_id in pool.rows)
            if rows > most and (every or share >= least):
                valid[cluster] = rows
        if not valid:
            raise of.refuse(
                f"makes up {least:.3g} of no cluster that holds more than k_neighbors={most} of its rows",
                "lower cluster_balance_threshold, use another kmeans_estimator, or SMOTE",
            )
        exponent = None if self.density_exponent == "auto" else self.density_exponent
        unit = context.unit
        points = context.scale.integers(context.sample.rows.get(of.class_id, context.sample.pooled[:0])) / unit
        near = nearest_clusters(context, of.class_id)
        logs = [log_sparsity(points[near == cluster], n, exponent) for cluster, n in valid.items()]
        shared = zip(valid.items(), by_sparsity(logs, of.wanted), strict=True)
        return [Quota(of.class_id, (cluster,), Share(rows, some)) for (cluster, rows), some in shared if some]


def nearest_cluster(context: Context) -> NearestCluster:
    """Return the rule: the level of a row is the cluster that is nearest to it."""
    clusters = {class_id: context.learned[pool.number] for pool in context.pools for class_id in pool.rows}
    return NearestCluster(LEVEL, context.scale, clusters)


def nearest_clusters(context: Context, class_id: int) -> Ints:
    """Return the cluster of each sampled row of a class."""
    pool = next(pool for pool in context.pools if class_id in pool.rows)
    rows = context.sample.rows.get(class_id, np.empty((0, context.sample.columns.width)))
    clusters: Cells = context.learned[pool.number]
    return clusters.owners(context.scale.integers(rows))


@dataclass(frozen=True, eq=False)
class ClusterCells(CellsNode):
    """Cells of each class inside each cluster in which it makes rows: they are known once the rows are counted."""

    bases: LevelSpreadNode

    def build(self, run: SparkRun) -> Fitted:
        """Fit the cells of each class and cluster."""
        context, sample = self.bases.levels.context(run), run(self.sample).sample
        own, rows = Sample(sample.columns, {}, {}, {}), {}
        quotas = run(self.bases).quotas
        near = {class_id: nearest_clusters(context, class_id) for class_id in {quota.code for quota in quotas}}
        for quota in quotas:
            part = (quota.code << _BITS) + quota.levels[0]
            rows[part], own.shares[part] = quota.share.rows, sample.shares[quota.code]
            there = near[quota.code] == quota.levels[0]
            if there.any():
                own.rows[part] = sample.rows[quota.code][there]
                own.draws[part] = sample.draws[quota.code][there]
        alone = pools_of_classes(rows, self.ask.k)
        goal = run(self.sample).goal
        cell_map = fit_cells(own, alone, context.scale, goal)
        number = (F.shiftleft(CODE, _BITS) + F.col(LEVEL)).cast("int")
        return Fitted(cell_map, tuple(pool for pool, _ in alone), own, goal, PART, number)

    def look(self, run: SparkRun) -> Fitted:
        """Return the cells of whole classes, which need no count by cluster."""
        return super().build(run)

    def evaluations(self, paper: Paper, source: Node[Any]) -> int:
        """Read what the bases know, without computing them."""
        return 0
