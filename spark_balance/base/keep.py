"""The nodes that end a recipe by rows of the table: taken as often as wanted, without some, or the least by a score."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.base.decide import Decisions, LearnNode
from spark_balance.base.make import provenance_of
from spark_balance.base.node import Classes, Node, Result, SparkRun
from spark_balance.base.rows import Bases, RowsNode
from spark_balance.explain.cells import ROW_BYTES
from spark_balance.explain.explanation import Step
from spark_balance.frames.columns import check_new_column, is_set, is_stream, quoted
from spark_balance.frames.copies import (
    count_dealt,
    count_numbers,
    count_parts,
    deal_out,
    describe_dealt,
    part_rows,
    replicated,
)
from spark_balance.frames.provenance import COPY, only_chosen, origin, repeated
from spark_balance.frames.ranked import MOST_HELD, least
from spark_balance.frames.row_ids import COPIES, FIRST, ORIGIN, without
from spark_balance.frames.typed import required

if TYPE_CHECKING:
    from spark_balance.base.paper import Paper
    from spark_balance.base.sampler import Sampler


def _grown(classes: Classes) -> list[tuple[int, int]]:
    """Return rows and new rows of each class that grows."""
    return [(entry.before, entry.after - entry.before) for entry in classes.changing.entries.values()]


@dataclass(frozen=True, eq=False)
class TakeNode(Result):
    """Each row as often as its copies say; rows without a class once."""

    bases: Node[Bases]
    finish: Callable[[SparkRun, DataFrame, Any], DataFrame] | None
    learned: LearnNode | None

    def streams(self, sampler: Sampler) -> bool:
        """Take a stream."""
        return True

    def check(self, sampler: Sampler, schema: T.StructType) -> None:
        """Refuse the name of a column that is there already."""
        check_new_column(sampler.name, schema, sampler.options.provenance_col, "provenance_col")

    def unchanged(self, run: SparkRun) -> DataFrame:
        """Return each row once, with the columns that the user asked for."""
        return self.build(run)

    def build(self, run: SparkRun) -> DataFrame:
        """Take the rows."""
        rows, told = run(self.bases).frame, list[Column]()
        if run.sampler.family == "over":
            rows, new = self._repeated(run, rows), F.col(COPY) > 0
            kind = F.when(new, F.lit("synthetic" if self.learned else "replica")).otherwise(F.lit("original"))
            told = provenance_of(run, kind, F.when(new, origin(run.df.schema, run.sampler.keys)))
        else:
            rows = rows.where(F.coalesce(F.col(COPIES), F.lit(1)) > 0)
        if self.finish is not None:
            rows = self.finish(run, rows, run(self.learned) if self.learned else None)
        new_columns = [F.col(quoted(field.name)) for field in run.sampler.new_fields(run.df.schema)]
        return rows.select(*run.columns, *(told or new_columns))

    def _repeated(self, run: SparkRun, rows: DataFrame) -> DataFrame:
        """Repeat rows where they are; where one task may make too many, deal out what is repeated alone."""
        added, times = run.sampler.options.output == "added", F.coalesce(F.col(COPIES), F.lit(1)).cast("int")
        width = count_numbers(run.df.schema)
        tasks = 0 if is_stream(run.df) else count_dealt(replicated(_grown(run.classes)), 1, width)
        run.notes |= describe_dealt(run.plan.rows_after - run.plan.rows_before, tasks)
        if not tasks:
            most = max((entry.after // entry.before for entry in run.classes.changing.entries.values()), default=0)
            return repeated(rows, F.lit(int(added)), times - 1, most + 1)
        chosen, label = times > 1, run.sampler.class_col
        if not is_set(run.df.schema[label].dataType):
            # files skip rows by the filter on the label: what is read twice is little
            labels = sorted({entry.label for entry in run.classes.changing.entries.values()})
            chosen = F.col(quoted(label)).isin(labels) & chosen
        dealt = deal_out(rows.where(chosen).withColumn(FIRST, F.lit(1)), 1, tasks, width)
        new = repeated(dealt, F.col(FIRST), F.col(COPIES) - 1, part_rows(1, width))
        if added:
            return new
        # a class that given counts do not have stops the job here, too
        originals = run.classes.every.attach(run.identified, {}).withColumn(COPY, F.lit(0))
        return originals.unionByName(new, allowMissingColumns=True)

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield what deals rows out, and the scan that writes."""
        width = count_numbers(paper.run.df.schema) if paper.run else paper.table.numbers
        over, added = paper.sampler.family == "over", paper.sampler.options.output == "added"
        tasks = count_dealt(replicated(_grown(paper.classes)), 1, width) if over else 0
        paper.facts |= describe_dealt(paper.plan.rows_after - paper.rows, tasks)
        if tasks:
            parts = count_parts(_grown(paper.classes), 1, width)
            yield Step("deal out", paper.splits, paper.rows, 0, parts, parts * (8 * width + ROW_BYTES))
        read = 0 if tasks and added else paper.rows
        written = paper.plan.rows_after - paper.rows if added else paper.plan.rows_after
        yield Step("write", tasks + paper.splits if read else tasks, read, written)


@dataclass(frozen=True, eq=False)
class WithoutNode(Result):
    """The table without the rows that were decided on, or the keys of those rows alone."""

    rows: RowsNode
    decisions: Decisions

    def build(self, run: SparkRun) -> DataFrame:
        """Leave the rows out."""
        most = sum(run.classes.changing.sizes.values())
        if run.sampler.options.output == "all":
            return without(run(self.rows), run(self.decisions), most).select(*run.columns)
        # the columns of a decision: key, group and label
        columns = []
        for name in self._names(run):
            field = run.df.schema[name]
            told = F.col(ORIGIN)[name] if name in run.sampler.keys else F.col(quoted(name))
            columns.append(required(told, field).alias(name, metadata=field.metadata))
        return run.classes.whole_groups.labelled(run(self.decisions)).select(*columns)

    def unchanged(self, run: SparkRun) -> DataFrame:
        """Return all rows, or no keys."""
        if run.sampler.options.output == "all":
            return super().unchanged(run)
        return run.df.select(*[F.col(quoted(name)) for name in self._names(run)]).where(F.lit(False))

    def _names(self, run: SparkRun) -> list[str]:
        return [*run.sampler.keys, *(run.sampler.within_cols or ()), run.sampler.class_col]

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield the join that removes the rows, and writes the others."""
        yield Step("write", paper.splits, paper.rows, paper.plan.rows_after)


@dataclass(frozen=True, eq=False)
class KeepLeastNode(Result):
    """Of each changing class as many rows as the plan says, those with the least score; all rows of other classes."""

    rows: RowsNode
    scores: Decisions

    def build(self, run: SparkRun) -> DataFrame:
        """Choose by score, ties by row id; whole rows stay where they are, scores travel."""
        wanted = {one.code: one.entry.after for one in run.classes.changing.rows}
        units = least(run(self.scores), wanted)
        return only_chosen(run(self.rows), list(wanted), units, sum(wanted.values())).select(*run.columns)

    def evaluations(self, paper: Paper, source: Node[Any]) -> int:
        """Compute scores once, or for up to four jobs above `MOST_HELD` rows kept: see `least`."""
        kept = sum(one.entry.after for one in paper.classes.changing.rows)
        return 4 if source is self.scores and kept > MOST_HELD else 1

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield the scan that keeps the rows."""
        yield Step("write", paper.splits, paper.rows, paper.plan.rows_after)
