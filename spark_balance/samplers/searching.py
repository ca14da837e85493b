"""What samplers that look for neighbours share: features, cells, and what is said of the search."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from pydantic import Field, StrictBool
from pyspark.sql import DataFrame

from spark_balance.columns import choose_features
from spark_balance.errors import RecallWarning
from spark_balance.kernels.draws import stream
from spark_balance.kernels.local import candidates
from spark_balance.plans.cell_map import CellMap
from spark_balance.plans.features import FeatureColumns
from spark_balance.plans.sample import Sample, sampled, width_of
from spark_balance.plans.strata import Strata
from spark_balance.samplers.base import Sampler
from spark_balance.samplers.parameters import Names

log = logging.getLogger(__name__)
LOW_RECALL = 0.99
# a cell of this many numbers is 14 MiB: large for few guests, small beside a worker's memory
CELL_NUMBERS = 65_536 * 28


class SearchingSampler(Sampler):
    """The parameters of a sampler that looks for neighbours.

    Parameters
    ----------
    feature_cols : tuple of str, optional
        Numeric columns, arrays of numbers or vectors; default every numeric column that
        is neither label, key nor within column.
    cell_rows : int, optional
        Rows of a cell; default 65,536 at 28 features, fewer of wider rows.
    scale : bool, default True
        Bring features to the same spread for the distance alone. imbalanced-learn never does.
    """

    feature_cols: Names | None = None
    cell_rows: int | None = Field(default=None, ge=2, strict=True)
    scale: StrictBool = True

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        self.features(df)

    def features(self, df: DataFrame) -> FeatureColumns:
        """Return the feature columns that would be used."""
        taken = [self.label_col, *self._keys, *self._within]
        return FeatureColumns(tuple(choose_features(self._name, df.schema, self.feature_cols, taken)))

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts: the sample."""
        return 1

    def _cell_rows(self, width: int) -> int:
        return self.cell_rows or max(256, CELL_NUMBERS // width)

    def _width(self, df: DataFrame) -> int:
        """Return the numbers of a row that travel."""
        return width_of(df, self.features(df))

    def _sampled(self, df: DataFrame, rows: DataFrame, strata: Strata) -> tuple[Sample, int]:
        """Check the features and sample them, a job before the frame is built; return the rows of a cell too."""
        return self._sample_of(rows, strata, self.features(df), self._width(df))

    def _sample_of(self, rows: DataFrame, strata: Strata, columns: FeatureColumns, width: int) -> tuple[Sample, int]:
        cell_rows = self._cell_rows(width)
        # where cells are made is not to depend on a seed that nothing else depends on
        seed = stream(self.random_state if self.random else 0, "sample")
        return sampled(rows, strata, columns, seed, width=width, cell_rows=cell_rows), cell_rows

    def _searched(self, cell_map: CellMap, rows: Mapping[int, int]) -> dict[str, object]:
        """Return the notes on a search; `rows` are those of each entry of the map."""
        share = {code: n / sum(rows.values()) for code, n in rows.items()}
        estimates = {code: cell_map.classes[code].estimate for code in rows}
        recall = sum(estimates[code].recall * share[code] for code in rows)
        guests = sum(estimates[code].guests * share[code] for code in rows)
        log.info("%s: %d cells, %.2f guests a row, estimated recall %.4f", self._name, cell_map.n_cells, guests, recall)
        tasks = {code: int(cell_map.classes[code].shards.sum()) for code in rows}
        sizes = {code: round(n * (1 + estimates[code].guests) / tasks[code]) for code, n in rows.items()}
        compared = sum(self._compared(sizes[code]) * share[code] for code in rows)
        told: dict[str, object] = {"cells": cell_map.n_cells, "guests_per_row": guests, "estimated_recall": recall}
        told["candidates_per_row"] = round(compared)
        proven = {code: one.proven for code, one in estimates.items() if one.proven is not None}
        if proven.keys() == share.keys():
            told["estimated_proven"] = sum(proven[code] * share[code] for code in rows)
        return told

    def _compared(self, rows: int) -> int:
        """Return with how many others a row is compared in a cell of so many."""
        return candidates(rows)

    def _warnings(self, notes: Mapping[str, object]) -> tuple[Warning, ...]:
        """Return what the notes on a search warn of."""
        recall = notes.get("estimated_recall", 1.0)
        if not isinstance(recall, float) or recall >= LOW_RECALL:
            return ()
        sentence = (
            f"{self._name}: cells are estimated to hold {recall:.3f} of the true neighbours, below {LOW_RECALL}; "
            "use larger cell_rows or fewer features"
        )
        return (RecallWarning(sentence),)
