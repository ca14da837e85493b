"""The primitives that a recipe is written in: every call returns a node, and nothing happens until it is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

from pyspark.sql import Column, DataFrame, types as T

from spark_balance.base.cells import Ask, CellsNode
from spark_balance.base.decide import Context, DecideNode, Decisions, LearnNode, ScanNode, ThenNode
from spark_balance.base.keep import KeepLeastNode, TakeNode, WithoutNode
from spark_balance.base.levels import GroupSpreadNode, LevelSpreadNode, Quotas
from spark_balance.base.make import Gap, JoinNode, SynthesizeNode
from spark_balance.base.node import Node, Selector, SparkRun
from spark_balance.base.rows import Bases, Carry, RowsNode, SampleNode, SpreadNode, choose_numbers
from spark_balance.frames.features import FeatureColumns, Values
from spark_balance.frames.sample import FITTED_ROWS
from spark_balance.kernels.members import RowRule, Rule
from spark_balance.neighbors.cells import CELL_NUMBERS
from spark_balance.neighbors.decisions import Says

if TYPE_CHECKING:
    from spark_balance.base.sampler import Sampler


class Recipe:
    """What a method builds its tree with.

    Attributes
    ----------
    changing : callable
        Names the classes that the plan changes.
    whole_groups : callable
        Names all classes of the groups in which one changes: all classes, without `within_cols`.

    Notes
    -----
    A recipe depends on the parameters of its sampler alone: it may branch on them, never on a frame, on counts or
    on what a job found. What data decide is a function that is given to a primitive.
    """

    changing: Selector = attrgetter("changing")
    whole_groups: Selector = attrgetter("whole_groups")

    def sample(
        self,
        classes: Selector,
        *,
        columns: Callable[[Sampler, T.StructType], FeatureColumns] = choose_numbers,
        cell_numbers: int | None = CELL_NUMBERS,
        most_cell_rows: int | None = None,
        more_jobs: int = 0,
    ) -> SampleNode:
        """Check the features of some classes and sample them: one job, bounded on the driver.

        Parameters
        ----------
        classes : callable
            `changing`, `whole_groups`, or a function of the classes of the plan.
        columns : callable
            Chooses what distance is measured in, given the sampler and a schema; default the numeric feature columns.
        cell_numbers : int, optional
            Numbers that a cell owns at most, unless the user says `cell_rows`; None where no cells are wanted, for the
            smallest sample there is: 20,000 rows of each class.
        most_cell_rows : int, optional
            Rows that a cell owns at most besides.
        more_jobs : int
            Jobs that the columns run to prepare the rows.
        """
        return SampleNode(classes, columns, cell_numbers, most_cell_rows, more_jobs)

    def cells(self, sample: SampleNode, ask: Ask) -> CellsNode:
        """Fit cells to a sample, such that a row finds in its cell what is asked: `own_class(k)`, and so on."""
        return CellsNode(sample, ask)

    def rows(
        self, classes: Selector, *, number: Literal["all", "changing", "none"] = "all", of: SampleNode | None = None
    ) -> RowsNode:
        """Read the rows of some classes, with class id and row id; a filter on the label reaches the file.

        Parameters
        ----------
        classes : callable
        number : {'all', 'changing', 'none'}
            Which rows are numbered among their duplicates, without a key.
        of : SampleNode, optional
            The sample whose space adds columns to rows.
        """
        return RowsNode(classes, number, of)

    def table(self, *, number: Literal["all", "changing", "none"] = "all") -> RowsNode:
        """Read the whole table, rows without a class included."""
        return RowsNode(None, number, None)

    def decide(
        self,
        rows: RowsNode,
        rule: Callable[[Context], Rule],
        says: Says | None = None,
        *,
        cells: CellsNode,
        learned: LearnNode | None = None,
    ) -> DecideNode:
        """Apply a rule to each row and its neighbors: one shuffle of the features.

        Parameters
        ----------
        rows : RowsNode
        rule : callable
            Takes a `Context` and returns what runs in a cell: a function of its `Members`.
        says : dict of str to DataType, optional
            The columns that the rule adds to the rows that it names.
        cells : CellsNode
        learned : LearnNode, optional
            What the context has as `learned`.
        """
        return DecideNode(rows, cells, rule, says or {}, learned)

    def scan(
        self,
        rows: RowsNode,
        rule: Callable[[Context], RowRule],
        says: Says,
        *,
        by: tuple[str, ...],
        sample: SampleNode,
        learned: LearnNode,
    ) -> ScanNode:
        """Apply a rule to each row by itself: no shuffle. The rule is given features, and the columns `by`."""
        return ScanNode(rows, sample, rule, says, by, learned)

    def then(
        self,
        decisions: Decisions,
        function: Callable[[DataFrame, Context], DataFrame],
        *,
        learned: LearnNode | None = None,
    ) -> ThenNode:
        """Apply a function to what was decided."""
        return ThenNode(decisions, function, learned)

    def learn(
        self,
        of: SampleNode | CellsNode,
        function: Callable[[Context], Any],
        *,
        rows: RowsNode | None = None,
        most_rows: int = FITTED_ROWS,
        name: str = "learn",
    ) -> LearnNode:
        """Learn something on the driver, of a sample, or of at most `most_rows` rows by one job."""
        return LearnNode(of, function, rows, most_rows, name)

    def spread_evenly(
        self,
        rows: RowsNode,
        what: Literal["after", "added"] = "added",
        *,
        draws: str,
        exact: bool = True,
        groups: tuple[str, ...] | None = None,
        carry: Carry | None = None,
        learned: LearnNode | None = None,
    ) -> SpreadNode:
        """Say how often each row is taken, so that each class gives exactly what the plan wants.

        Parameters
        ----------
        rows : RowsNode
        what : {'added', 'after'}
            New rows of each class, or all that it has after.
        draws : str
            The name of the draws that choose the rows which are taken once more: part of what a seed means.
        exact : bool
            False takes each row by its own probability: one scan less.
        groups : tuple of str, optional
            Take the rows of one group together.
        carry : callable, optional
            Takes the run and what was `learned`, and returns numbers of each class to leave on its rows.
        """
        if groups:
            return GroupSpreadNode(rows, what, draws, exact, carry, learned, groups)
        return SpreadNode(rows, what, draws, exact, carry, learned)

    def spread_levels(self, levels: Decisions, quotas: Quotas, *, draws: str, among: RowsNode) -> LevelSpreadNode:
        """Say how often each row is a base by its level; rows `among` which neighbors are found may have none."""
        return LevelSpreadNode(levels, quotas, draws, among)

    def knn_join(
        self,
        bases: SpreadNode | LevelSpreadNode,
        cells: CellsNode,
        k: int,
        *,
        how: Literal["cells", "exact", "partition"] = "cells",
        tell: Callable[[], Mapping[str, Column]] | None = None,
        param: str = "k_neighbors",
        shrink: bool = False,
        reach: bool = False,
    ) -> JoinNode:
        """Find the neighbors that the copies of each base will use.

        Parameters
        ----------
        bases, cells : SpreadNode or LevelSpreadNode, CellsNode
        k : int
            Neighbors to choose from.
        how : {'cells', 'exact', 'partition'}
        tell : callable, optional
            Returns the columns that travel with a base and its neighbor, for the gap.
        param : str
            What the method calls `k`.
        shrink, reach : bool
            Let rows of a class with fewer others go towards all of them; have a pair say how far its neighbor is: the
            squared distance as a share of that of the k-th.
        """
        return JoinNode(cells, bases, k, how, tell, param, shrink, reach)

    def synthesize(
        self,
        pairs: JoinNode,
        gap: Gap | None = None,
        *,
        values: Callable[[SparkRun], Values] | None = None,
        finish: Callable[[SparkRun, DataFrame, Any], DataFrame] | None = None,
        learned: Node[Any] | None = None,
    ) -> SynthesizeNode:
        """Make new rows base + gap * (neighbor - base), and keep the originals beside them.

        Parameters
        ----------
        pairs : JoinNode
        gap : callable, optional
            Takes a `Pair` and returns the gap of a new row; default a uniform draw.
        values : callable, optional
            Takes the run and returns what a new row holds in other columns, made of what traveled with the pair.
        finish : callable, optional
            Takes the run, the copies with base, neighbor and gap, and what was `learned`, and returns other ones.
        """
        return SynthesizeNode(pairs, gap, values, finish, learned)

    def take(
        self,
        bases: Node[Bases],
        *,
        finish: Callable[[SparkRun, DataFrame, Any], DataFrame] | None = None,
        learned: LearnNode | None = None,
    ) -> TakeNode:
        """Take each row as often as its copies say; `finish` changes the columns of what is taken."""
        return TakeNode(bases, finish, learned)

    def without(self, rows: RowsNode, decisions: Decisions) -> WithoutNode:
        """Leave out the rows that were decided on."""
        return WithoutNode(rows, decisions)

    def keep_least(self, rows: RowsNode, scores: Decisions) -> KeepLeastNode:
        """Keep, of each changing class, as many rows as the plan says: those with the least score."""
        return KeepLeastNode(rows, scores)
