"""The node of cells: what is asked of near rows, and the cells in which a row finds the answer."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pyspark.sql import Column

from spark_balance.base.node import Classes, Node, Problem, SparkRun
from spark_balance.base.rows import SampleNode
from spark_balance.errors import RecallWarning, ScaleWarning
from spark_balance.explain.cells import CellCost, assume_loads, measure_loads
from spark_balance.explain.explanation import Step
from spark_balance.frames.row_ids import CODE
from spark_balance.frames.sample import RECORD_BYTES, Sample
from spark_balance.kernels.knn import count_candidates
from spark_balance.neighbors.cell_map import CellMap
from spark_balance.neighbors.cells import (
    FEW_SAMPLED,
    FEW_STEPS,
    Goal,
    describe_few_steps,
    describe_low_recall,
    describe_unknown_recall,
    fit_cells,
)
from spark_balance.neighbors.pools import Pool, Question, pools_of, pools_of_classes

if TYPE_CHECKING:
    from spark_balance.base.paper import Paper
    from spark_balance.base.sampler import Sampler

log = logging.getLogger(__name__)
Asked = Callable[[Pool, Sequence[int]], list[Question]]


@dataclass(frozen=True)
class Ask:
    """What a recipe asks of cells.

    Attributes
    ----------
    questions : callable, optional
        Returns the questions that are put to a pool of classes, of which some (by class id) change.
        None gives each class that changes cells of its own.
    k : int
        Neighbors in a class of its own.
    param : str
        The parameter that says how many, for the sentence that refuses.
    compared : callable, optional
        The questions by which comparisons are estimated, where they are others: all of a cell are compared.
    """

    questions: Asked | None
    k: int = 0
    param: str = ""
    compared: Asked | None = None

    @property
    def own(self) -> bool:
        """Whether a row is asked for rows of its own class alone."""
        return self.questions is None


def own_class(k: int) -> Ask:
    """Ask the rows of each changing class for their k nearest rows of that class."""
    return Ask(None, k)


def changing_among_all(k: int, param: str = "n_neighbors") -> Ask:
    """Ask the rows of changing classes for their k nearest rows of all classes of their group."""
    return Ask(lambda pool, changing: [Question(tuple(changing), tuple(pool.rows), k)], param=param)


def all_among_all(k: int) -> Ask:
    """Ask all rows for their k nearest rows of all classes of their group."""
    return Ask(lambda pool, changing: [Question(tuple(pool.rows), tuple(pool.rows), k)])


@dataclass(frozen=True)
class Fitted:
    """What a cells node builds.

    Attributes
    ----------
    cell_map : CellMap
    pools : tuple of Pool
        The rows that share cells.
    sample : Sample
    goal : Goal
    by : str
        The column with a row's class id, or with the number of its pool.
    number : Column, optional
        That number, where it is not the class id.
    """

    cell_map: CellMap
    pools: tuple[Pool, ...]
    sample: Sample
    goal: Goal
    by: str = CODE
    number: Column | None = None

    def notes(self, run: SparkRun, *, exact: bool = False) -> dict[str, Any]:
        """Return what is known of the cells, and warn once of those that hold too few of the true neighbors."""
        total, recall, halo, compared, sampled = 0, 0.0, 0.0, 0, math.inf
        proven: float | None = 0.0
        for cells in self.cell_map.pools.values():
            rows, each = cells.rows, cells.estimate
            total, recall, halo = total + rows, recall + rows * each.recall, halo + rows * each.halo
            compared, sampled = compared + rows * cells.candidates, min(sampled, each.sampled)
            proven = None if proven is None or each.proven is None else proven + rows * each.proven
        recall = 1.0 if exact else recall / total  # an exact search proves every neighbor
        name, unknown = run.sampler.name, sampled < FEW_SAMPLED and not exact
        known: dict[str, Any] = {"cells": self.cell_map.n_cells, "guests_per_row": halo / total}
        known["estimated_recall"] = None if unknown else recall
        log.info("%s: %d cells, %.2f halo rows a row, recall about %.4f", name, known["cells"], halo / total, recall)
        said = {type(one) for one in run.warnings}
        if self.cell_map.scale.steps < FEW_STEPS and ScaleWarning not in said:
            run.warnings.append(ScaleWarning(describe_few_steps(name, self.cell_map.scale.steps)))
        if unknown and RecallWarning not in said:
            run.warnings.append(RecallWarning(describe_unknown_recall(name, sampled)))
        elif recall < self.goal.recall and RecallWarning not in said:
            enough = max(one.estimate.enough for one in self.cell_map.pools.values())
            run.warnings.append(RecallWarning(describe_low_recall(name, recall, self.goal, enough)))
        if not exact:
            known["candidates_per_row"] = round(compared / total)
        return known if proven is None else known | {"estimated_proven": proven / total}


@dataclass(frozen=True, eq=False)
class CellsNode(Node[Fitted]):
    """Cells of near rows, for each changing class or for the classes of a group together; on the driver."""

    on_driver: ClassVar[bool] = True

    sample: SampleNode
    ask: Ask

    def build(self, run: SparkRun) -> Fitted:
        """Fit the cells to the sample."""
        of = run(self.sample)
        if self.ask.own:
            rows = run.classes.changing.sizes
            sample, alone = of.sample.only(rows), pools_of_classes(rows, self.ask.k)
            metrics = sample.columns.metrics(sample, of.scale, rows)
            cell_map = fit_cells(sample, alone, of.scale, of.goal, metrics=metrics)
            return Fitted(cell_map, next(zip(*alone, strict=True)), sample, of.goal)
        pools = pools_of(of.strata)
        asked = list(self.questions(run.classes, pools))
        metrics = of.sample.columns.metrics(of.sample, of.scale, [pool.number for pool in pools])
        cell_map = fit_cells(of.sample, asked, of.scale, of.goal, metrics=metrics, prove=True).share_tasks()
        return Fitted(cell_map, tuple(pools), of.sample, of.goal)

    def questions(
        self, classes: Classes, pools: Sequence[Pool], *, compared: bool = False
    ) -> Iterator[tuple[Pool, list[Question]]]:
        """Yield each pool with what is asked of it, or by what its comparisons are estimated."""
        ask = (self.ask.compared if compared else None) or self.ask.questions
        if ask is None:
            return
        changing = classes.changing.sizes
        for pool in pools:
            yield pool, ask(pool, [class_id for class_id in pool.rows if class_id in changing])

    def count_candidates(self, fitted: Fitted, classes: Classes) -> int:
        """Estimate with how many others a row is compared, on average."""
        total, rows = 0.0, 0
        for pool, questions in self.questions(classes, fitted.pools, compared=True):
            rows += pool.count(pool.rows)
            for asked in questions:
                met = round(_estimate_met(fitted, pool, asked))
                some = met if self.ask.compared or fitted.cell_map.metrics else count_candidates(met)
                total += some * sum(pool.rows[class_id] for class_id in asked.queries)
        return round(total / rows)

    def problems(self, sampler: Sampler, classes: Classes) -> Iterator[Problem]:
        """Yield each pool that has too few rows for its neighbors; of classes alone the node that joins says so."""
        if self.ask.own:
            return
        for pool, questions in self.questions(classes, pools_of(self.sample.classes(classes))):
            for asked in questions:
                there = sum(pool.rows[class_id] for class_id in asked.among)
                # a row that asks is among the others, and none of its own neighbors
                needed = asked.k + (set(asked.queries) <= set(asked.among))
                if there < needed:
                    most = there - (needed - asked.k)
                    among = ", ".join(repr(pool.labels[class_id]) for class_id in asked.among)
                    use = f"{self.ask.param}<={most}" if self.ask.param else f"at most {most}"
                    yield Problem(
                        f"{sampler.name}: {asked.k} neighbors among the rows of {among} need at least {needed} "
                        f"rows, but the data has {there}; use {use if most > 0 else 'a method without neighbors'}"
                    )

    def look(self, run: SparkRun) -> Fitted:
        """Return the cells that `explain` looks at."""
        return run(self)

    def cost(self, paper: Paper, *, k: int = 1, carried: int = 0, halo: bool = True, proven: bool = False) -> CellCost:
        """Return what a search in these cells costs: of the fitted cells, or on paper of assumed ones."""
        width = self.sample.width(paper)
        number_bytes = self.sample.number_bytes(paper)
        goal = self.sample.goal(paper.sampler, width, number_bytes)
        own, table = self.ask.own, paper.table
        entries = {one.code: one.entry for one in (paper.classes.changing if own else paper.classes.every).rows}
        if paper.run is not None:
            features = len(paper.run(self.sample).sample.columns.features)
            table = replace(table, numbers=table.numbers - features + width)
        if paper.run is not None and halo:
            fitted = self.look(paper.run)
            added = [
                sum(entries[i].after - n for i, n in pool.rows.items()) if own else pool.count(pool.rows)
                for pool in fitted.pools
            ]
            loads = measure_loads(fitted.sample, fitted.cell_map, fitted.pools, added, proven=proven)
        elif own:
            added = [one.after - one.before for one in entries.values()]
            loads = assume_loads([one.before for one in entries.values()], added, width, goal, halo=halo)
        else:
            loads = assume_loads([paper.rows], [paper.rows], width, goal)
        return CellCost(table, paper.rows, width, k, carried, goal, loads, number_bytes if own else 4)

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield what the driver holds while it fits the cells."""
        cost = self.cost(paper)
        held = sum(one.sampled for one in cost.loads) * (8 * cost.width + RECORD_BYTES)
        yield Step("fit cells", 1, driver_bytes=held + cost.centroid_bytes)


def _estimate_met(fitted: Fitted, pool: Pool, asked: Question) -> float:
    """Estimate how many others are in the cell of a row that asks, halo rows included."""
    sample, scale, cells = fitted.sample, fitted.cell_map.scale, fitted.cell_map.pools[pool.number]
    own = scale.integers(sample.evenly(asked.queries))
    others, class_ids = sample.evenly_coded(asked.among)
    sizes = cells.sizes(scale.integers(others), pool.count(asked.among), class_ids)
    first = np.cumsum(cells.shards) - cells.shards
    return float(np.mean(sizes[first[cells.cells.owners(cells.embed(own))]] if len(own) else sizes))
