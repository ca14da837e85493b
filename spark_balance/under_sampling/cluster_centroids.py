"""Cluster centroids: replace the rows of larger classes with the centers of their clusters."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

from pydantic import model_validator
from pyspark.sql import DataFrame, functions as F, types as T
from typing_extensions import Self

from spark_balance.base import Classes, Paper, Recipe, Result, RowsNode, SampleNode, SparkRun, UnderSampler
from spark_balance.errors import ColumnError
from spark_balance.explain.explanation import Step
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import quoted
from spark_balance.frames.plan import Promises, RowsOut
from spark_balance.frames.provenance import of_classes, only_chosen
from spark_balance.frames.row_ids import FEATURES, UNIT
from spark_balance.frames.typed import in_schema
from spark_balance.kernels.clusters import LLOYD_STEPS, clustered, clustered_by, refuse_clusterer
from spark_balance.neighbors.cells import CELL_NUMBERS, fit_cells
from spark_balance.neighbors.clustered import Clusterer, average_clusters, choose_medoids, count_clusters
from spark_balance.neighbors.pools import pools_of_classes


class ClusterCentroids(UnderSampler):
    """Replace the rows of each targeted class with cluster centroids, one for each row of the plan (k-means).

    A class of more than `cell_rows` rows is cut into cells of near rows first; each is clustered by
    itself, into its share of the clusters.

    Parameters
    ----------
    voting : {'auto', 'soft', 'hard'}, default 'auto'
        'soft' makes new rows, the means of the features of the clusters' rows, NULL in all other columns;
        'hard' keeps of each cluster the row that is nearest to its mean. 'auto' is 'soft'.
    estimator : object, optional
        A clusterer with scikit-learn's `n_clusters` and `cluster_centers_`, fitted in the tasks; default
        Lloyd's k-means with k-means++ starts, which gives the same rows on any machine.
    cell_rows : int, optional
        Rows of a cell; default 8,192 at 28 features, fewer of wider rows.

    Notes
    -----
    Cost, besides the counts: one job that checks the features and samples them, one that counts
    the rows of each cell, unless every class is one; then lazily two scans, one shuffle of the features of
    the targeted rows, two crossings to Python; `voting='hard'` broadcasts the rows kept.
    """

    rows: ClassVar[RowsOut] = "free"
    action: ClassVar[str] = "cluster"

    voting: Literal["auto", "soft", "hard"] = "auto"
    estimator: Any = None

    @model_validator(mode="after")
    def _clusters(self) -> Self:
        if self.estimator is not None and (refused := refuse_clusterer("estimator", self.estimator)):
            raise ValueError(refused)
        return self

    @property
    def needs_all(self) -> str | None:
        """Why the method needs every feature of every row."""
        return "clusters are means of whole rows"

    def recipe(self, run: Recipe) -> Result:
        """Cluster each cell of a class, and keep the centers."""
        # clustering compares every row with every cluster of its cell: small cells cost less
        sample = run.sample(_shrinking, cell_numbers=CELL_NUMBERS // 8)
        hard = self.voting == "hard"
        rows = run.table(number="changing") if hard else run.rows(_shrinking)
        return Clusters(sample, rows, hard, self.estimator)

    @property
    def promises(self) -> Promises:
        """What it promises of the counts and rows that come out, with the parameters at hand."""
        return Promises("exact", "subset" if self.voting == "hard" else "free")


def _shrinking(classes: Classes) -> Strata:
    """Return the changing classes that keep at least one row."""
    changing = classes.changing
    return changing.where(lambda entry: entry.after > 0)


@dataclass(frozen=True, eq=False)
class Clusters(Result):
    """One cluster for each row that the plan wants of a class: its mean, or the row nearest to it."""

    sample: SampleNode
    rows: RowsNode
    hard: bool
    estimator: Any

    @property
    def jobs(self) -> int:
        """One: it counts the rows of each cell, unless every class is one."""
        return 1

    def check(self, sampler: Any, schema: T.StructType) -> None:
        """Refuse a column that may not be NULL and that a centroid has no value for."""
        for name in self.null_columns(sampler, schema):
            if not schema[name].nullable:
                raise ColumnError(
                    f"{sampler.name}: column '{name}' may not be NULL and is not a feature, so a centroid has no "
                    "value for it; set voting='hard' to keep real rows, or drop it"
                )

    def null_columns(self, sampler: Any, schema: T.StructType) -> list[str]:
        """Return the columns that are NULL in centroids."""
        known = {sampler.label_col, *(sampler.within_cols or ()), *self.sample.columns(sampler, schema).names}
        return [] if self.hard else [name for name in schema.names if name not in known]

    def build(self, run: SparkRun) -> DataFrame:
        """Cluster each cell by itself."""
        targeted, shrinking = [row.code for row in run.classes.changing.rows], _shrinking(run.classes)
        others = run.classes.every.attach(run.identified, {}).where(~of_classes(targeted)).select(*run.columns)
        if not shrinking.rows:
            return others
        of = run(self.sample)
        columns = of.sample.columns
        alone = pools_of_classes({row.code: row.entry.before for row in shrinking.rows}, 1)
        cell_map = fit_cells(of.sample, alone, of.scale, of.goal).without_halo()
        placed = run(self.rows)
        there = placed.where(of_classes([row.code for row in shrinking.rows]))
        units = there.select(*UNIT, columns.flat.alias(FEATURES))
        wanted = {row.code: (row.entry.before, row.entry.after) for row in shrinking.rows}
        clusters = count_clusters(units, cell_map, run.sampler.name, wanted)
        work = (units, cell_map, clusters, self._clusterer(run), run.stream("cluster"))
        run.notes["cells"] = cell_map.n_cells
        if self.hard:
            kept = only_chosen(placed, targeted, choose_medoids(*work), sum(clusters.values()))
            return kept.select(*run.columns)
        values = columns.restored(FEATURES)
        values |= {name: F.col(quoted(name)) for name in (run.sampler.label_col, *(run.sampler.within_cols or ()))}
        new = in_schema(shrinking.labelled(average_clusters(*work)), run.df.schema, values, {})
        return others.unionAll(new)

    def _clusterer(self, run: SparkRun) -> Clusterer:
        if self.estimator is None:
            return clustered
        return partial(clustered_by, estimator=self.estimator, seed=run.stream("estimator") % 2**31)

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield the count of the rows of cells, the shuffle to them, and what writes."""
        entries = [row.entry for row in _shrinking(paper.classes).rows]
        width = self.sample.width(paper)
        goal = self.sample.goal(paper.sampler, width)
        cells = [goal.count_cells(entry.before) for entry in entries]
        if max(cells, default=1) > 1:
            yield Step("count cells", paper.splits, paper.rows)
        moved = sum(entry.before for entry in entries)
        yield Step("cluster", paper.splits + sum(cells), paper.rows, 0, moved, 8 * moved * width)
        yield Step("write", paper.splits, paper.rows, paper.plan.rows_after)
        paper.facts["cells"] = sum(cells)
        paper.assumed[f"clusters move {LLOYD_STEPS} times, the most there are"] = None
