"""The walk that adds up what the tree of nodes costs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame, types as T

from spark_balance.base.node import Classes, Node, Result, SparkRun
from spark_balance.errors import ParameterError
from spark_balance.explain.cells import CellCost
from spark_balance.explain.explanation import Explanation, Step, Table
from spark_balance.frames.arguments import checked
from spark_balance.frames.classes import Strata
from spark_balance.frames.counts import GivenCounts
from spark_balance.frames.plan import ClassCounts, ResamplingPlan
from spark_balance.neighbors.cells import describe_low_recall

if TYPE_CHECKING:
    from spark_balance.base.sampler import Sampler


@dataclass
class Paper:
    """The walk that adds up cost: what a node may ask while it says its steps.

    Attributes
    ----------
    sampler : Sampler
    plan : ResamplingPlan
    classes : Classes
    table : Table
    run : SparkRun, optional
        Builds samples and cells where there is a frame to look at.
    facts : dict
        What is known of the cells, under the names that the notes of the run have.
    assumed, warnings : dict of str to None
        What is taken for granted, and what breaks a promise, each once.
    """

    sampler: Sampler
    plan: ResamplingPlan
    classes: Classes
    table: Table
    run: SparkRun | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    assumed: dict[str, None] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return self.plan.rows_before

    @property
    def splits(self) -> int:
        """Tasks of a scan."""
        return self.table.splits(self.rows)

    def explain(self, result: Result) -> Explanation:
        """Walk the tree from the result back, and return what every step costs and how often it runs."""
        problems = [one for node in result.walk() for one in node.problems(self.sampler, self.classes)]
        # the walk that builds has the same classes
        self.classes.left_out = {class_id for problem in problems for class_id in problem.class_ids}
        self.warnings |= dict.fromkeys(problem.sentence for problem in problems)
        steps = [Step("count", self.splits, self.rows)]
        if self.classes.changing.entries and all(problem.class_ids for problem in problems):
            steps += self._steps(result)
        else:
            steps.append(Step("write", self.splits, self.rows, self.rows))
        title = (self.sampler.name, self.rows, self.plan.rows_after, self.table.cores)
        return Explanation(*title, tuple(steps), self.facts, tuple(self.assumed), tuple(self.warnings))

    def assume_and_warn(self, cost: CellCost) -> None:
        """Take over what a search assumes and warns of."""
        recall = self.facts.get("estimated_recall")
        if isinstance(recall, float) and recall < cost.goal.recall:
            enough = max(one.enough for one in cost.loads)
            self.warnings[describe_low_recall(self.sampler.name, recall, cost.goal, enough)] = None
        self.warnings |= dict.fromkeys(cost.warnings())
        self.assumed |= dict.fromkeys(cost.assumed)

    def _steps(self, result: Result) -> Iterator[Step]:
        order = result.walk()
        times: dict[Node[Any], int] = dict.fromkeys(order, 0)
        times[result] = 1
        for node in reversed(order):
            if node.on_driver:
                times[node] = 1
            for source in node.inputs:
                often = node.evaluations(self, source)
                # the node's own jobs run once, however often its frame is read
                once = node.jobs if often > node.jobs else 0
                times[source] += once + times[node] * (often - once)
        for node in order:
            for step in node.steps(self):
                yield replace(step, times=step.times * times[node])


def explain(self: Sampler, df: DataFrame, counts: GivenCounts = None, *, cores: int | None = None) -> Explanation:
    """Say what a run would do and cost, step by step: counts and the sample are all that runs.

    Parameters
    ----------
    df : DataFrame
        The frame to resample.
    counts : dict of label to int, or ClassCounts, optional
        Rows of each class if they are known; else they are counted (one job).
    cores : int, optional
        Tasks that run at the same time; default the cores of this machine.

    Returns
    -------
    Explanation
        Rows, bytes, tasks and memory of each step, and warnings; prints as a table.
    """
    if cores is not None and (not isinstance(cores, int) or cores < 1):
        raise ParameterError(f"{self.name}: cores={cores!r} is not allowed; give at least 1, or leave it out")
    df, plan, strata = self.prepare(df, counts)
    return self.estimate(plan, Table(len(df.columns), cores or os.cpu_count() or 1), df, strata)


@checked
def explain_sizes(self: Sampler, rows: int, features: int, minority: float, *, cores: int) -> Explanation:
    """Say the same of a table on paper: its rows, numeric features, and share of the smaller class.

    Parameters
    ----------
    rows, features : int
    minority : float
        Share of the smaller of two classes, above 0, at most 0.5.
    cores : int
        Tasks that run at the same time.
    """
    few = round(rows * minority) if 0 < minority <= 0.5 else 0
    if not (1 <= few < rows and features >= 1 and cores >= 1):
        raise ParameterError(
            f"{self.name}: no table has rows={rows}, features={features}, minority={minority:g} on "
            f"cores={cores}; give counts of at least 1, and a share above 0 and at most 0.5 that is a row or more"
        )
    counts = ClassCounts(self.class_col, {(): {"majority": rows - few, "minority": few}}, {})
    return self.estimate(self.make_plan(counts), Table(features + 1 + len(self.keys), cores))


def estimate(
    self: Sampler, plan: ResamplingPlan, table: Table, df: DataFrame | None = None, strata: Strata | None = None
) -> Explanation:
    """Add up what a plan costs: of a frame after a look at a sample, or on paper."""
    classes = Classes(strata or self.strata(plan, T.StructType(), True), self.action)
    return Paper(self, plan, classes, table, SparkRun(self, df, plan, classes) if df else None).explain(self.tree)
