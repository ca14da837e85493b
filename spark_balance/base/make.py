"""The nodes that make rows between a base and one of its neighbors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.base.cells import CellsNode
from spark_balance.base.levels import LevelSpreadNode
from spark_balance.base.node import Classes, Node, Problem, Result, SparkRun
from spark_balance.base.rows import SampleNode, SpreadNode
from spark_balance.errors import ColumnError
from spark_balance.explain.cells import CellCost
from spark_balance.explain.explanation import Step
from spark_balance.frames.columns import check_columns, check_new_column, names_in, quoted, temp
from spark_balance.frames.copies import Growth, count_dealt, deal_out, describe_dealt, interpolated, part_rows
from spark_balance.frames.features import Values
from spark_balance.frames.older_spark import has_arrow_type
from spark_balance.frames.provenance import COPY, origin, origin_type, provenance
from spark_balance.frames.row_ids import CARRIED, FEATURES, GAP, HI, LO, NEAR_ORIGIN, NTH, ORIGIN, OTHERS, draw
from spark_balance.frames.text import noun_of
from spark_balance.frames.typed import apart, in_schema
from spark_balance.neighbors.join import check_scikit_learn, pair_with_neighbors

if TYPE_CHECKING:
    from spark_balance.base.paper import Paper
    from spark_balance.base.sampler import Sampler

MADE_OF = temp("made_of")


@dataclass(frozen=True)
class Pair:
    """The columns of a base and its neighbor, for a gap."""

    run: SparkRun
    uniform: Column

    def base(self, name: str) -> Column:
        """Return what traveled with the base under a name."""
        return F.col(ORIGIN)[name]

    def neighbor(self, name: str) -> Column:
        """Return what traveled with the neighbor under a name."""
        return F.col(NEAR_ORIGIN)[name]

    def draw(self, draws: str) -> Column:
        """Return a draw of each new row that no other draw shares."""
        return draw(self.run.stream(draws), HI, LO, NTH, COPY)


Gap = Callable[[Pair], Column]


@dataclass(frozen=True, eq=False)
class JoinNode(Node[DataFrame]):
    """Each base with the neighbors that its copies will use."""

    cells: CellsNode
    bases: SpreadNode | LevelSpreadNode
    k: int
    how: Literal["cells", "exact", "partition"]
    tell: Callable[[], Mapping[str, Column]] | None
    param: str
    shrink: bool
    reach: bool

    def check(self, sampler: Sampler, schema: T.StructType) -> None:
        """Refuse random partitions without scikit-learn."""
        if self.how == "partition":
            check_scikit_learn(sampler.name)

    def problems(self, sampler: Sampler, classes: Classes) -> Iterator[Problem]:
        """Yield each class that has too few rows for its neighbors."""
        repeats = sampler.options.singletons == "replicate"
        noun = noun_of(sampler.class_col)
        instead = "RandomOverSampler" if noun == "class" else "RelevanceOverSampler"
        for one in classes.every.rows:
            entry = one.entry
            enough = repeats if entry.before == 1 else self.shrink
            if entry.after > entry.before <= self.k and not enough:
                smaller = f"{self.param}<={entry.before - 1}, {self.param}='shrink' or " if entry.before > 1 else ""
                smaller = smaller or "singletons='replicate' or 'leave', or "
                yield Problem(
                    f"{sampler.name}: {noun} {entry.label!r}{classes.group_name(entry)} has {entry.before} "
                    f"row{'s' * (entry.before > 1)}, {self.param}={self.k} needs at least {self.k + 1}; "
                    f"use {smaller}{instead}",
                    (one.code,),
                )

    def build(self, run: SparkRun) -> DataFrame:
        """Assign the rows to cells, and search each cell."""
        bases, of = run(self.bases), run(self.cells)
        travels = [of.sample.columns.flat.alias(FEATURES)]
        if carried := split_columns(run.sampler, run.df.schema, self.cells.sample)[0]:
            travels.append(F.struct(*[F.col(quoted(name)).alias(name) for name in carried]).alias(CARRIED))
        told = dict(self.tell()) if self.tell else {}
        if of.sample.columns.long:
            told |= of.sample.columns.long_values()
        if run.sampler.options.provenance_col is not None:
            told = {MADE_OF: origin(run.df.schema, run.sampler.keys), **told}
        if told:
            travels.append(F.struct(*[column.alias(name) for name, column in told.items()]).alias(ORIGIN))
        frame = bases.select([*travels, *of.sample.columns.travel()])
        if of.number is not None:
            # rows of parts in which nothing is made are not neighbors either
            frame = frame.withColumn(of.by, of.number).where(F.col(quoted(of.by)).isin(list(of.cell_map.pools)))
        run.notes["neighbors"] = self.how
        if self.how != "partition":
            run.notes |= of.notes(run, exact=self.how == "exact")
        return pair_with_neighbors(
            frame,
            of.cell_map.share_tasks(run.plan.rows_after - run.plan.rows_before),
            self.k,
            how=self.how,
            by=of.by,
            rank_stream=run.stream("rank"),
            votes=of.sample.columns.votes(run.stream("vote")),
            parts=run(self.cells.sample).goal.count_cells(max(run.classes.changing.sizes.values())),
            fewer=self.fewer(run.classes),
            reach=self.reach,
        )

    def fewer(self, classes: Classes) -> dict[int, int]:
        """Return how many neighbors a row has in each changing class (by id) that has too few for all."""
        if not self.cells.ask.own:
            return {}
        return {class_id: rows - 1 for class_id, rows in classes.changing.sizes.items() if rows <= self.k}

    def cost(self, paper: Paper) -> CellCost:
        """Return what the search costs."""
        carried = 0
        if paper.run is not None:
            carried = len(split_columns(paper.sampler, paper.run.df.schema, self.cells.sample)[0])
        halo, proven = self.how != "partition", self.how == "exact"
        cost = self.cells.cost(paper, k=self.k, carried=carried, halo=halo, proven=proven)
        return replace(cost, even=self.bases.even)

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield the shuffle of the features to the cells, and the search there."""
        cost = self.cost(paper)
        yield cost.place("place")
        if self.how == "exact":
            yield from cost.exact_steps()
            paper.assumed["as many rows ask another cell as there are halo copies"] = None
        else:
            yield cost.search("search")
        paper.facts |= cost.facts()
        paper.assume_and_warn(cost)

    def evaluations(self, paper: Paper, source: Node[Any]) -> int:
        """Place the bases twice in an exact search."""
        return 2 if self.how == "exact" and source is self.bases else 1


def split_columns(sampler: Sampler, schema: T.StructType, sample: SampleNode) -> tuple[list[str], list[str]]:
    """Return the columns in which a new row takes the value of its base, and those that are NULL in it."""
    options = sampler.options
    if isinstance(options.passthrough, tuple):
        check_columns(sampler.name, schema, options.passthrough, "passthrough")
    known = (sampler.class_col, *names_in(sampler.label_col), *(sampler.within_cols or ()), options.target_col)
    own = {*sample.columns(sampler, schema).names, *known}
    carried, null = list[str](), list[str]()
    for name in schema.names:
        if name not in own:
            (carried if options.passes(name) else null).append(name)
    return carried, null


def provenance_of(run: SparkRun, kind: Column, *made_of: Column) -> list[Column]:
    """Return the column that says what a row is made of: base, neighbor and gap; nothing unless the user asked."""
    name = run.sampler.options.provenance_col
    if name is None:
        return []
    return [provenance(kind, origin_type(run.df.schema, run.sampler.keys), *made_of).alias(name)]


@dataclass(frozen=True, eq=False)
class SynthesizeNode(Result):
    """New rows between bases and their neighbors, and the originals beside them unless only the new are wanted."""

    pairs: JoinNode
    gap: Gap | None
    values: Callable[[SparkRun], Values] | None
    finish: Callable[[SparkRun, DataFrame, Any], DataFrame] | None
    learned: Node[Any] | None

    def check(self, sampler: Sampler, schema: T.StructType) -> None:
        """Refuse a column that may not be NULL and that a new row has no value for."""
        check_new_column(sampler.name, schema, sampler.options.provenance_col, "provenance_col")
        carried, null = split_columns(sampler, schema, self.pairs.cells.sample)
        for name in carried:
            if not has_arrow_type(schema[name].dataType):
                raise ColumnError(
                    f"{sampler.name}: column '{name}' is of type {schema[name].dataType.simpleString()}, which cannot "
                    "travel with a new row, as Arrow has none such; cast it to a number or a string, or drop it"
                )
        for name in null:
            if not schema[name].nullable:
                raise ColumnError(
                    f"{sampler.name}: column '{name}' may not be NULL and is not a feature, so a new row has no "
                    "value for it; set passthrough='base' to give it the base row's, or drop it"
                )

    def null_columns(self, sampler: Sampler, schema: T.StructType) -> list[str]:
        """Return the columns that are NULL in new rows."""
        return split_columns(sampler, schema, self.pairs.cells.sample)[1]

    def unchanged(self, run: SparkRun) -> DataFrame:
        """Return the originals, or none of them where only new rows are wanted."""
        originals = run.classes.every.guard(run.df).select("*", *provenance_of(run, F.lit("original")))
        return originals.where(F.lit(False)) if run.sampler.options.output == "added" else originals

    def build(self, run: SparkRun) -> DataFrame:
        """Make one row for each copy of a base, where it was searched unless one task would make too many."""
        sample, schema, pairs, k = self.pairs.cells.sample, run.df.schema, run(self.pairs), self.pairs.k
        columns, cells, made = run(sample).sample.columns, run(self.pairs.cells).cell_map.pools, []
        for one in run.classes.changing.rows:
            added = one.entry.after - one.entry.before
            searching = cells[one.code].n_cells if self.pairs.bases.even else 1
            made.append(Growth(one.entry.before, added, added / searching))
        most = max((-(-one.added // (one.rows if self.pairs.bases.even else 1)) for one in made), default=0)
        fewer = self.pairs.fewer(run.classes)
        if tasks := count_dealt(made, k, columns.width):
            pairs, most = deal_out(pairs, k, tasks, columns.width, shrunk=bool(fewer)), part_rows(k, columns.width)
        run.notes |= describe_dealt(sum(one.added for one in made), tasks)
        copies = interpolated(pairs, k, run.stream("gap"), most, shrunk=bool(fewer))
        if self.gap is not None:
            copies = copies.withColumn(GAP, self.gap(Pair(run, F.col(GAP))))
        if self.finish is not None:
            copies = self.finish(run, copies, run(self.learned) if self.learned else None)
        copies, values = columns.new_values(copies)
        # one column of the projection is enough, and it must not be a constant that is folded away
        first = next(iter(values))
        values[first] = apart(values[first])
        for name in (run.sampler.class_col, *(run.sampler.within_cols or ())):
            values.setdefault(name, F.col(quoted(name)))  # labels may be among the values
        for name in split_columns(run.sampler, schema, sample)[0]:
            values[name] = F.col(CARRIED)[name]
        if self.values is not None:
            values |= self.values(run)
        kind, towards = F.lit("synthetic"), [F.col(NEAR_ORIGIN)[MADE_OF], F.col(GAP)]
        if not all(fewer.values()):
            alone = F.col(OTHERS) == 0
            kind, towards = F.when(alone, "replica").otherwise(kind), [F.when(~alone, one) for one in towards]
        between = columns.segment and self.finish is None
        told = provenance_of(run, kind, F.col(ORIGIN)[MADE_OF], *towards[: 2 if between else 0])
        more = dict(zip([str(run.sampler.options.provenance_col)], told, strict=False))
        new = in_schema(run.classes.changing.labelled(copies), schema, values, more)
        if run.sampler.options.output == "added":
            return new
        originals = run.classes.every.guard(run.df)
        return originals.select("*", *provenance_of(run, F.lit("original"))).unionAll(new)

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield what makes and writes the new rows, and writes the originals beside them."""
        added, cost = paper.plan.rows_after - paper.rows, self.pairs.cost(paper)
        paper.facts |= describe_dealt(cost.added, cost.dealt)
        if cost.dealt:
            yield cost.deal("deal out")
        new = Step("write", cost.dealt or cost.tasks, 0, added)
        if paper.sampler.options.output != "added":
            new = replace(new, tasks=new.tasks + paper.splits, rows_read=paper.rows, rows_written=paper.plan.rows_after)
        yield new
