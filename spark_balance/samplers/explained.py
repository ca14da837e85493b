"""What a run will do and cost, said before it: what `explain` adds to every sampler."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame

from spark_balance.cost import CostModel, Explanation, Sketch, Table
from spark_balance.errors import SparkBalanceError
from spark_balance.plans.strata import Strata
from spark_balance.summary import ClassCounts, Label, ResamplingPlan


@dataclass(frozen=True)
class Seen:
    """The frame that is explained, for what only data can tell, and its classes."""

    df: DataFrame
    strata: Strata


class Explained:
    """The part of a sampler that tells what a run would be, and runs nothing long itself."""

    label_col: str

    def explain(
        self,
        df: DataFrame,
        counts: Mapping[Label, int] | ClassCounts | None = None,
        *,
        cores: int | None = None,
        engine: str = "spark",
    ) -> Explanation:
        """Say what a run would do and cost, step by step: counts and SMOTE's sample are all that runs.

        Parameters
        ----------
        df : DataFrame
            The frame to resample.
        counts : dict of label to int, or ClassCounts, optional
            Rows of each class if they are known; else they are counted (one job).
        cores : int, optional
            Tasks that run at the same time; default the cores of this machine.
        engine : {'spark', 'connect', 'sail'}
            Whose measured model gives the seconds.

        Returns
        -------
        Explanation
            Rows, bytes, tasks, memory and seconds of each step, and warnings; prints as a table.
        """
        model = CostModel.of(engine)
        df, plan, strata = self._prepared(df, counts)
        if cores is not None and cores < 1:
            raise SparkBalanceError(f"{self._name}: cores={cores} run nothing; give at least 1, or leave it out")
        table = Table(len(df.columns), cores or os.cpu_count() or 1)
        sketch = self._sketch(plan, table, model, Seen(df, strata))
        return Explanation(self._name, engine, plan.rows_before, plan.rows_after, table.cores, sketch, model)

    def explain_sizes(
        self, rows: int, features: int, minority: float, *, cores: int, engine: str = "spark"
    ) -> Explanation:
        """Say the same of a table that nobody has: so many rows, numeric features, and share of the smaller class.

        Parameters
        ----------
        rows, features : int
        minority : float
            Share of the smaller of two classes, above 0, at most 0.5.
        cores : int
            Tasks that run at the same time.
        engine : {'spark', 'connect', 'sail'}
            Whose measured model gives the seconds.
        """
        few = round(rows * minority)
        if not (0 < minority <= 0.5 and 1 <= few < rows and features >= 1 and cores >= 1):
            raise SparkBalanceError(
                f"{self._name}: there is no table of rows={rows}, features={features}, minority={minority:g} on "
                f"cores={cores}; give counts of at least 1, and a share above 0 and at most 0.5 that is a row or more"
            )
        model = CostModel.of(engine)
        plan = self._planned(ClassCounts(self.label_col, {(): {"majority": rows - few, "minority": few}}, {}))
        table = Table(features + 1 + len(self._keys), cores)
        sketch = self._sketch(plan, table, model, None)
        return Explanation(self._name, engine, plan.rows_before, plan.rows_after, cores, sketch, model)

    @abstractmethod
    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        """Say what the run will do; without a frame, from the plan alone."""

    @abstractmethod
    def _prepared(
        self, df: DataFrame, counts: Mapping[Label, int] | ClassCounts | None
    ) -> tuple[DataFrame, ResamplingPlan, Strata]:
        """Check the frame, count, plan and number the classes."""

    @abstractmethod
    def _planned(self, counted: ClassCounts) -> ResamplingPlan:
        """Turn counts into a plan."""

    @property
    @abstractmethod
    def _name(self) -> str: ...

    @property
    @abstractmethod
    def _keys(self) -> tuple[str, ...]: ...
