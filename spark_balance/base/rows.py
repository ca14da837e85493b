"""The nodes of rows: a sample of them, the rows themselves, and how often each is taken."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pyspark.sql import Column, DataFrame, functions as F, types as T

from spark_balance.base.node import Classes, Node, Selector, SparkRun
from spark_balance.errors import CategoryWarning
from spark_balance.explain.explanation import Step, choose
from spark_balance.frames.classes import Numbers, Strata
from spark_balance.frames.columns import choose_features
from spark_balance.frames.copies import share_numbers, shares_of, with_copies
from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.row_ids import CODE, NTH, UNIT, UNIT_COLUMNS, numbered
from spark_balance.frames.sample import RECORD_BYTES, CellSize, Sample, expected_rows, sampled
from spark_balance.kernels.draws import stream
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors.cells import ALL_PAIRS_ROWS, CELL_NUMBERS, Goal, Wanted
from spark_balance.neighbors.space import NUMBERS, MixedColumns, ways_to_lack

if TYPE_CHECKING:
    from spark_balance.base.decide import LearnNode
    from spark_balance.base.paper import Paper
    from spark_balance.base.sampler import Sampler
    from spark_balance.frames.levels import Quota


ALL_ROWS = 2**62


def choose_numbers(sampler: Sampler, schema: T.StructType) -> FeatureColumns:
    """Choose the numeric columns: those that the user named, or all that have no other role."""
    chosen = choose_features(sampler.name, schema, sampler.options.feature_cols, sampler.roles)
    options = sampler.options
    return NUMBERS[options.metric](tuple(chosen), lacking=options.missing == "ignore")


def lacks_nothing(sampler: Sampler, df: DataFrame) -> Column | None:
    """Return what holds for the rows that `missing='drop'` does not drop; None for another choice."""
    columns = sampler.features(df) if sampler.options.missing == "drop" else None
    return None if columns is None else columns.has_all


def without_lacking(sampler: Sampler, df: DataFrame) -> DataFrame:
    """Return a frame without the rows that `missing='drop'` drops: the same frame for another choice."""
    complete = lacks_nothing(sampler, df)
    return df if complete is None else df.where(complete)


@dataclass(frozen=True)
class Sampled:
    """What a sample node builds: the sample, the rows that it was drawn of, and what a search is to find."""

    sample: Sample
    rows: DataFrame
    strata: Strata
    goal: Goal
    equalize: bool
    doubts: tuple[str, ...] = ()  # about columns, for the user

    @cached_property
    def scale(self) -> Scale:
        """What turns features into the integers that distances are computed of."""
        return self.sample.columns.scale(self.sample, equalize=self.equalize)


@dataclass(frozen=True, eq=False)
class SampleNode(Node[Sampled]):
    """Checked features, and a bounded sample of some classes on the driver."""

    on_driver: ClassVar[bool] = True

    classes: Selector
    columns: Callable[[Sampler, T.StructType], FeatureColumns]
    cell_numbers: int | None
    most_cell_rows: int | None
    more_jobs: int

    @property
    def jobs(self) -> int:
        """One, which checks the features of all rows of the classes and samples them, and those of the space."""
        return 1 + self.more_jobs

    def searched(self, classes: Classes) -> Collection[int]:
        """Return the class ids of the rows that it samples."""
        return self.classes(classes).sizes

    def check(self, sampler: Sampler, schema: T.StructType) -> None:
        """Refuse columns that cannot be features."""
        self.columns(sampler, schema)

    def build(self, run: SparkRun) -> Sampled:
        """Check and sample the features: one job."""
        strata, chosen = self.classes(run.classes), self.columns(run.sampler, run.df.schema)
        rows, columns, width = chosen.prepare(run.df, run.searched, run.classes.every)
        goal = self.goal(run.sampler, width, columns.number_bytes)
        # where cells are should not depend on a seed that nothing else depends on
        seed = run.stream("sample") if run.sampler.random else stream(0, "sample")
        equalize = run.sampler.options.scale
        how: dict[str, Any] = {"width": width, "cell_size": goal.cell_size, "spread": equalize}
        ways = ways_to_lack(run.sampler.needs_all) if "missing" in type(run.sampler).model_fields else ""
        sample = sampled(rows, strata, columns, seed, **how, ways=ways)
        numbers = len(columns.features)
        if columns.lacking:
            run.notes["rows_lacking_features"] = sample.lacking
        run.notes["features"] = list(columns.names[:numbers])
        if not isinstance(columns, MixedColumns):
            return Sampled(sample, rows, strata, goal, equalize)
        run.notes["categorical_features"] = list(columns.names[numbers:])
        doubts = tuple(columns.doubts(strata, sample))
        run.warnings += map(CategoryWarning, doubts)
        return Sampled(sample, rows, strata, goal, equalize, doubts)

    def goal(self, sampler: Sampler, width: int, number_bytes: int = 8) -> Goal:
        """Return what a search is to find, in cells of what size: all rows where no cells are wanted."""
        options = sampler.options
        wanted = Wanted(options.recall, options.max_work, options.cell_rows, options.task_memory_mb)
        bounds = filter(None, (self.most_cell_rows, ALL_PAIRS_ROWS if options.missing == "ignore" else None))
        most = min(bounds, default=None)
        goal = wanted.goal(width, number_bytes, self.cell_numbers or CELL_NUMBERS, most)
        if self.cell_numbers is None:
            return replace(goal, cell_size=CellSize(ALL_ROWS))
        return goal

    def width(self, paper: Paper) -> int:
        """Return the numbers of a row: those of the features, or on paper all that may be some."""
        if paper.run is not None:
            return paper.run(self).sample.columns.width
        return max(1, paper.table.numbers - 1 - len(paper.sampler.keys))

    def number_bytes(self, paper: Paper) -> int:
        """Return the bytes of a number that travels: on paper, of a double."""
        return paper.run(self).sample.columns.number_bytes if paper.run is not None else 8

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield the scan, and the sample on the driver."""
        width, rows = self.width(paper), list(self.classes(paper.classes).sizes.values()) or [1]
        goal = self.goal(paper.sampler, width, self.number_bytes(paper))
        some = sum(expected_rows(rows, width=width, cell_size=goal.cell_size))
        paper.warnings |= dict.fromkeys(paper.run(self).doubts if paper.run else ())
        yield Step("sample", paper.splits, paper.rows, driver_bytes=round(some) * (8 * width + RECORD_BYTES))


@dataclass(frozen=True, eq=False)
class RowsNode(Node[DataFrame]):
    """The rows of some classes, or of the whole table, with class id, row id and number among duplicates."""

    classes: Selector | None  # None is the whole table, rows without a class included
    number: Literal["all", "changing", "none"]
    of: SampleNode | None  # whose rows have more columns to measure

    def streams(self, sampler: Sampler) -> bool:
        """Take a stream as the whole table."""
        return self.classes is None

    def searched(self, classes: Classes) -> Collection[int]:
        """Return the class ids of the rows that are read apart from the table."""
        return () if self.classes is None else self.classes(classes).sizes

    def attach(self, run: SparkRun, strata: Strata, numbers: Numbers) -> DataFrame:
        """Return the rows with their class id and numbers of their class."""
        if self.classes is None:
            return strata.attach(run.identified, numbers)
        return strata.only(run.searched if self.of is None else run(self.of).rows, numbers)

    def strata(self, walk: SparkRun | Paper) -> Strata:
        """Return the classes of the rows."""
        return walk.classes.every if self.classes is None else self.classes(walk.classes)

    def build(self, run: SparkRun) -> DataFrame:
        """Number the rows among their duplicates."""
        strata = self.strata(run)
        rows = self.attach(run, strata, {})
        if self.number == "none":
            return rows.withColumn(NTH, F.lit(0))
        among = F.lit(True)
        if self.number == "changing":
            among = F.coalesce(F.col(CODE).isin(list(run.classes.changing.sizes)), F.lit(False))
        return numbered(rows, among, bool(run.sampler.keys), sum(strata.sizes.values()))


@dataclass(frozen=True)
class Bases:
    """Rows with how often each is taken; 0 for rows that are only neighbors.

    Attributes
    ----------
    frame : DataFrame
        The rows, with their copies unless `finish` adds them.
    quotas : tuple of Quota
        What the rows of each level make, where rows have levels.
    finish : callable, optional
        Adds level and copies to units, where the rule that says the level runs where the row is.
    """

    frame: DataFrame
    quotas: tuple[Quota, ...] = ()
    finish: Callable[[DataFrame], DataFrame] | None = None

    def select(self, columns: list[Column]) -> DataFrame:
        """Return units and copies with other columns."""
        if self.finish is None:
            return self.frame.select(*UNIT_COLUMNS, *columns)
        return self.finish(self.frame.select(*UNIT, *columns))


Carry = Callable[[SparkRun, Any], Numbers]


@dataclass(frozen=True, eq=False)
class SpreadNode(Node[Bases]):
    """Copies of each row, so that every class gives exactly what is wanted, evenly, without a sort."""

    even: ClassVar[bool] = True  # a cell makes new rows by the rows that it owns

    rows: RowsNode
    what: Literal["after", "added"]
    draws: str
    exact: bool
    carry: Carry | None  # numbers of each class to leave on its rows
    learned: LearnNode | None

    def streams(self, sampler: Sampler) -> bool:
        """Take a stream where what happens to a row depends on its key alone."""
        return not self.exact and bool(sampler.keys)

    def build(self, run: SparkRun) -> Bases:
        """Say how often each row is to appear."""
        strata = self.rows.strata(run)
        shares = shares_of(strata, self.what)
        numbers = {**share_numbers(shares, exact=self.exact), **self.carried(run)}
        rows = self.rows.attach(run, strata, numbers)
        how = {"keyed": bool(run.sampler.keys), "exact": self.exact, "taken": self.what == "after"}
        return Bases(with_copies(rows, strata, shares, run.stream(self.draws), **how))

    def carried(self, run: SparkRun) -> Numbers:
        """Return the numbers of each class to leave on its rows."""
        return self.carry(run, run(self.learned) if self.learned else None) if self.carry else {}

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield the search for the rows that are taken once more."""
        if self.exact:
            shares = shares_of(self.rows.strata(paper), self.what)
            yield from choose(paper.table, paper.rows, shares, keyed=bool(paper.sampler.keys))
