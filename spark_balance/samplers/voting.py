"""What SMOTE for categories shares: values travel beside the features, and neighbours vote for them."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal

from pyspark.sql import Column, DataFrame

from spark_balance.kernels.draws import stream
from spark_balance.kernels.scale import Scale
from spark_balance.plans import cells as cell_plans
from spark_balance.plans.categories import MixedColumns, VotingSearch, own_values, searched_and_voted, voted_values
from spark_balance.plans.features import FeatureColumns
from spark_balance.plans.interpolate import new_features
from spark_balance.plans.metric_cells import Metric, MetricCells, made_by
from spark_balance.plans.neighbours import Search
from spark_balance.plans.sample import Sample
from spark_balance.plans.strata import Strata
from spark_balance.samplers.bases import Bases, Work
from spark_balance.samplers.smote import SMOTE

VOTING_CELL_ROWS = 8_192  # all pairs of a cell are compared


class VotingSMOTE(SMOTE):
    """The parameters of SMOTE for categorical columns.

    Parameters
    ----------
    cell_rows : int, optional
        Rows of a cell, all pairs of which are compared; default 8,192, fewer of wide rows.
    neighbors : {'cells'}
        Near rows are grouped, and rows near a border visit the next cell.
    """

    itself: ClassVar[bool]  # whether a base votes with its neighbours

    neighbors: Literal["cells"] = "cells"

    @abstractmethod
    def features(self, df: DataFrame) -> MixedColumns:
        """Return the columns that would be used: numbers, and categories."""

    @abstractmethod
    def _measured(self, df: DataFrame, strata: Strata) -> tuple[DataFrame, MixedColumns, int]:
        """Return the rows with their identity, what of them is measured, and of how many numbers that is."""

    @abstractmethod
    def _metrics(self, sample: Sample, growing: Strata) -> tuple[Scale, dict[int, Metric]]:
        """Return the scale of the rows, and what each class measures distance by."""

    def _feature_names(self, df: DataFrame) -> tuple[str, ...]:
        return (*super()._feature_names(df), *self.features(df).categorical)

    def _cell_rows(self, width: int) -> int:
        return self.cell_rows or min(VOTING_CELL_ROWS, super()._cell_rows(width))

    def _compared(self, rows: int) -> int:
        return rows

    def _travelling(self, df: DataFrame) -> list[Column]:
        return [*super()._travelling(df), own_values(self.features(df).categorical)]

    def _work(self, df: DataFrame, strata: Strata) -> Work:
        growing = self._growing(strata)
        rows, columns, width = self._measured(df, strata)
        sample, cell_rows = self._sample_of(rows, growing, columns, width)
        scale, metrics = self._metrics(sample, growing)
        made = made_by(metrics, scale, sample, growing, cell_rows=cell_rows, k=self._k)
        return Work(df, rows, strata, growing, sample, made, cell_rows)

    def _found(self, work: Work, bases: Bases, search: Search) -> DataFrame:
        columns, cell_map = work.sample.columns, bases.cell_map
        assert isinstance(columns, MixedColumns)
        voting = VotingSearch(
            search.scale,
            search.k,
            search.rank_stream,
            {code: one.metric for code, one in cell_map.classes.items() if isinstance(one, MetricCells)},
            len(columns.categorical),
            columns.numbers.width,
            self.itself,
            stream(self.random_state, "vote"),
        )
        visits = cell_plans.visits(bases.frame, cell_map)
        return searched_and_voted(cell_plans.gathered(visits, cell_map), voting)

    def _values(self, columns: FeatureColumns) -> dict[str, Column]:
        assert isinstance(columns, MixedColumns)
        return {**new_features(columns.numbers), **voted_values(columns.categorical)}

    def _notes(self, work: Work, bases: Bases) -> dict[str, object]:
        columns = work.sample.columns
        assert isinstance(columns, MixedColumns)
        return super()._notes(work, bases) | {"categorical_features": list(columns.categorical)}
