"""The nodes that look at rows: what is decided of each row, in cells or by itself, and what is learned of some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.base.cells import CellsNode, Fitted
from spark_balance.base.node import Node, SparkRun
from spark_balance.base.rows import RowsNode, Sampled, SampleNode
from spark_balance.explain.explanation import Step, worker_bytes
from spark_balance.frames.columns import temp
from spark_balance.frames.levels import LEVEL
from spark_balance.frames.provenance import origin
from spark_balance.frames.ranked import SCORE
from spark_balance.frames.row_ids import CODE, FEATURES, HI, LO, ORIGIN, UNIT, draw
from spark_balance.frames.sample import RECORD_BYTES, Sample
from spark_balance.kernels.members import RowRule, Rule
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors.cell_map import CellMap
from spark_balance.neighbors.decisions import Says, decide_in_cells, decide_row_by_row
from spark_balance.neighbors.pools import Pool, pools_of

if TYPE_CHECKING:
    from spark_balance.base.paper import Paper

DRAW = temp("draw")
LEVELS: Says = {LEVEL: T.IntegerType()}
SCORES: Says = {SCORE: T.LongType()}


@dataclass(frozen=True)
class Context:
    """What a rule, a quota or a model may ask.

    Attributes
    ----------
    run : SparkRun
    sample : Sample, optional
    pools : tuple of Pool
        The classes that search each other: one pool, or one for each group of `within_cols`.
    measured : CellMap or Sampled
        What the scale was fitted for.
    cells : CellMap, optional
    rows : DataFrame, optional
        Rows to learn of, with their features.
    learned : object
    """

    run: SparkRun
    sample: Sample
    pools: tuple[Pool, ...]
    measured: CellMap | Sampled
    cells: CellMap | None = None
    rows: DataFrame | None = None
    learned: Any = None

    @property
    def method(self) -> str:
        """The name of the method, for errors."""
        return self.run.sampler.name

    @property
    def changing(self) -> tuple[int, ...]:
        """Class ids of the classes that the method changes."""
        return tuple(self.run.classes.changing.sizes)

    @property
    def scale(self) -> Scale:
        """What turns features into the integers that distances are computed of."""
        return self.measured.scale

    @property
    def unit(self) -> float:
        """What distance 1 is in integers: that of the features, or their standard deviation where it was equalized."""
        return self.scale.unit


def context_of(run: SparkRun, source: Node[Any], *, learned: Any = None, rows: DataFrame | None = None) -> Context:
    """Return the context of a node that reads a sample or cells."""
    built = run(source)
    if isinstance(built, Fitted):
        return Context(run, built.sample, built.pools, built.cell_map, built.cell_map, rows, learned)
    return Context(run, built.sample, tuple(pools_of(built.strata)), built, None, rows, learned)


def units_of(run: SparkRun, rows: RowsNode, context: Context) -> DataFrame:
    """Return the rows that are searched: their unit, features and, if it is to come back, origin."""
    frame = run(rows)
    if rows.classes is None:
        frame = frame.where(F.col(CODE).isin([class_id for pool in context.pools for class_id in pool.rows]))
    told = []
    if run.sampler.options.output == "removed_keys":
        told = [origin(run.df.schema, run.sampler.keys).alias(ORIGIN)]
    return frame.select(*UNIT, context.sample.columns.flat.alias(FEATURES), *told)


@dataclass(frozen=True, eq=False)
class LearnNode(Node[Any]):
    """Something learned on the driver, of a sample or of a bounded number of rows."""

    on_driver: ClassVar[bool] = True

    source: SampleNode | CellsNode
    function: Callable[[Context], Any]
    rows: RowsNode | None
    most_rows: int
    name: str

    @property
    def jobs(self) -> int:
        """One, where it reads rows and not the sample."""
        return int(self.rows is not None)

    def build(self, run: SparkRun) -> Any:
        """Call the function."""
        context = context_of(run, self.source)
        if self.rows is not None:
            context = replace(context, rows=units_of(run, self.rows, context))
        return self.function(context)

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield the scan of the rows, if it reads any."""
        if self.rows is not None:
            width = paper.table.numbers
            held = min(paper.rows, self.most_rows) * (8 * width + RECORD_BYTES)
            yield Step(self.name, paper.splits, paper.rows, driver_bytes=held)


@dataclass(frozen=True, eq=False)
class Decisions(Node[DataFrame]):
    """What is said of rows: a frame of their units."""

    def context(self, run: SparkRun) -> Context:
        """Return what a rule, a function or a quota on them may ask."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class DecideNode(Decisions):
    """A rule on each row and its neighbors in cells: the rows that it names, and what it says of them."""

    rows: RowsNode
    cells: CellsNode
    rule: Callable[[Context], Rule]
    says: Says
    learned: LearnNode | None

    def context(self, run: SparkRun) -> Context:
        """Return what a rule, a function or a quota on them may ask."""
        return context_of(run, self.cells, learned=run(self.learned) if self.learned else None)

    def build(self, run: SparkRun) -> DataFrame:
        """Shuffle the features to their cells, and apply the rule there."""
        self.note(run)
        return self.decide(run, self.rule(self.context(run)))

    def decide(self, run: SparkRun, rule: Rule) -> DataFrame:
        """Return what a rule says of the rows."""
        return decide_in_cells(units_of(run, self.rows, self.context(run)), run(self.cells).cell_map, rule, self.says)

    def note(self, run: SparkRun) -> None:
        """Tell the user of the cells; of those for levels beside those that new rows are made in."""
        fitted = run(self.cells)
        notes = fitted.notes(run)
        if LEVEL in self.says:
            notes = {f"{name}_of_levels": value for name, value in notes.items()}
        else:
            notes["candidates_per_row"] = self.cells.count_candidates(fitted, run.classes)
        run.notes.update(notes)

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield the shuffle of the features to the cells, and the search there."""
        cost = self.cells.cost(paper)
        of = " for levels" if LEVEL in self.says else ""
        yield cost.place(f"place{of}")
        yield cost.search(f"decide{of}")
        if of:
            return
        paper.facts |= cost.facts()
        if paper.run is not None:
            fitted = paper.run(self.cells)
            paper.facts["candidates_per_row"] = self.cells.count_candidates(fitted, paper.classes)
        paper.assume_and_warn(cost)


@dataclass(frozen=True, eq=False)
class ScanNode(Decisions):
    """A rule on each row by itself, without cells: what it says of the row."""

    rows: RowsNode
    sample: SampleNode
    rule: Callable[[Context], RowRule]
    says: Says
    by: tuple[str, ...]  # what the rule is given beside the features: class id, pool, the draw of the sample
    learned: LearnNode

    def context(self, run: SparkRun) -> Context:
        """Return what a rule, a function or a quota on them may ask."""
        return context_of(run, self.sample, learned=run(self.learned))

    def build(self, run: SparkRun) -> DataFrame:
        """Apply the rule where the row is."""
        units = units_of(run, self.rows, self.context(run))
        changing = F.col(CODE).isin(list(run.classes.changing.sizes))
        # levels are counted of all rows, others are said of changing ones
        return self.decide(run, units if LEVEL in self.says else units.where(changing), UNIT)

    def decide(self, run: SparkRun, units: DataFrame, keep: Sequence[str]) -> DataFrame:
        """Return what the rule says of some units, with some of their columns."""
        if DRAW in self.by:
            units = units.withColumn(DRAW, draw(run.stream("sample"), HI, LO))
        return decide_row_by_row(units, self.rule(self.context(run)), self.says, self.by, keep)

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield the scan."""
        yield Step("decide", paper.splits, paper.rows, task_bytes=worker_bytes())


@dataclass(frozen=True, eq=False)
class ThenNode(Decisions):
    """A function on what was decided."""

    decisions: Decisions
    function: Callable[[DataFrame, Context], DataFrame]
    learned: LearnNode | None

    def context(self, run: SparkRun) -> Context:
        """Return what a rule, a function or a quota on them may ask."""
        context = self.decisions.context(run)
        return context if self.learned is None else replace(context, learned=run(self.learned))

    def build(self, run: SparkRun) -> DataFrame:
        """Apply the function."""
        return self.function(run(self.decisions), self.context(run))
