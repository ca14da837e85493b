"""NearMiss: keep the rows of larger classes by their distances to the minority."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import temp
from spark_balance.cost import CostModel, Part, Sketch, Step, Table
from spark_balance.errors import ShortWarning, SparkBalanceError
from spark_balance.kernels.scale import Scale
from spark_balance.kernels.scores import Farness, Nearness
from spark_balance.plans.cell_map import CellMap
from spark_balance.plans.farthest import scored_by_farthest
from spark_balance.plans.judged import judged
from spark_balance.plans.keys import UNIT
from spark_balance.plans.pools import Asked, Pool, pools_of
from spark_balance.plans.ranked import SCORE
from spark_balance.plans.sample import Sample
from spark_balance.plans.strata import Strata
from spark_balance.samplers.explained import Seen
from spark_balance.samplers.pooling import PoolingSampler
from spark_balance.samplers.scoring import Scored, ScoringSampler
from spark_balance.samplers.steps import counted, written
from spark_balance.summary import Counts, ResamplingPlan

_NAMED = temp("named")
MOST_ROWS, MOST_NUMBERS = 20_000, 2**21  # of a minority that every task holds: 16 MiB
LANDMARKS = 1_000  # rows of a minority that are known to cells which few of it have come to


class NearMiss(ScoringSampler, PoolingSampler):
    """Keep the rows of each targeted class that are near the minority (Mani and Zhang, 2003).

    The minority is the smallest class; of several, that of the smallest label.

    Parameters
    ----------
    version : {1, 2, 3}, default 1
        1 keeps the rows whose mean distance to their nearest minority rows is least; 2, to their farthest
        ones; 3 considers the rows that are among the nearest of their class of some minority row, and
        keeps those whose mean distance to their nearest minority rows is largest: at most the wanted
        number, as there may be fewer to consider (a warning says so where that is sure).
    n_neighbors : int, default 3
        Minority rows that the mean is taken over.
    n_neighbors_ver3 : int, default 3
        Nearest rows of a class that each minority row names, in version 3.

    Notes
    -----
    In a cell that fewer than `n_neighbors` minority rows have come to, all far away, distances are those to at
    most 1,000 sampled ones.

    Cost, besides the counts: one job that checks the features and samples them; then lazily
    two scans, one shuffle of the features of all rows (1.0 to 1.9 copies), one of the scores
    that may be kept, and a broadcast of the rows kept. Above 1,000,000 rows kept two to four jobs
    more, each of which searches: see `plans.ranked.least`. Version 2 shuffles no features, but sends
    the whole minority to every task: at most 20,000 rows and 2,097,152 numbers, else it refuses. See
    `Sampler` and `SearchingSampler` for the other parameters.
    """

    random: ClassVar[bool] = False

    version: Literal[1, 2, 3] = 1
    n_neighbors: int = Field(default=3, ge=1, strict=True)
    n_neighbors_ver3: int = Field(default=3, ge=1, strict=True)

    @property
    def _promise(self) -> Counts:
        return "at_most" if self.version == 3 else "exact"

    def _asked(self, pool: Pool, targeted: Sequence[int]) -> list[Asked]:
        few = (pool.minority,)
        asked = [Asked(tuple(targeted), few, self.n_neighbors)]
        if self.version == 3:
            asked += [Asked(few, (code,), self.n_neighbors_ver3) for code in targeted]
        return asked

    def _scored(self, df: DataFrame, placed: DataFrame, strata: Strata) -> Scored:
        searched, targeted = self._searchable(strata), self._targeted(strata)
        for sentence in self._too_few(searched):
            raise SparkBalanceError(sentence)
        rows = self._identified(df)
        if self.version == 2:
            return self._by_farthest(df, rows, placed, searched)
        sample, cell_map, pools = self._mapped(df, rows, searched)
        units = self._pool_units(placed, sample.columns, pools)
        landmarks = self._landmarks(sample, cell_map, searched)
        near = Nearness(SCORE, targeted, tuple(pool.minority for pool in pools), self.n_neighbors, landmarks)
        if self.version == 1:
            scores = judged(units, cell_map, near, {SCORE: T.LongType()})
        else:
            says: dict[str, T.DataType] = {SCORE: T.LongType(), _NAMED: T.IntegerType()}
            told = judged(units, cell_map, Farness(near, _NAMED, self.n_neighbors_ver3), says)
            # a row that is named as a guest has its score from its home
            whole = told.groupBy(*UNIT).agg(F.max(SCORE).alias(SCORE), F.max(_NAMED).alias(_NAMED))
            scores = whole.where(F.col(_NAMED) > 0)
        notes = self._notes(sample, cell_map, searched)
        return Scored(scores, notes, self._warnings(notes) or tuple(self._short(searched))[:1])

    def _landmarks(self, sample: Sample, cell_map: CellMap, strata: Strata) -> dict[int, NDArray[np.float64]]:
        """Return some rows of the minority for each targeted class, which travel with the plan."""
        questions = self._questions(strata)
        most = max(self.n_neighbors, min(LANDMARKS, MOST_NUMBERS // 8 // (sample.columns.width * len(questions))))
        landmarks: dict[int, NDArray[np.float64]] = {}
        for pool, [asked, *_] in questions:
            some = cell_map.scale.integers(sample.evenly([pool.minority])[:most])
            if len(some) < self.n_neighbors and int(cell_map.classes[pool.number].shards.sum()) > 1:
                raise SparkBalanceError(
                    f"{self._name}: the sample has {len(some)} rows of class {pool.labels[pool.minority]!r}, and "
                    f"n_neighbors={self.n_neighbors} needs as many; use n_neighbors<={max(1, len(some))} or larger "
                    "cell_rows"
                )
            landmarks |= dict.fromkeys(asked.queries, some)
        return landmarks

    def _short(self, strata: Strata) -> Iterator[Warning]:
        """Warn of each class of which more rows are wanted than there can be to consider."""
        for pool in pools_of(strata) if self.version == 3 else ():
            most = pool.rows[pool.minority] * self.n_neighbors_ver3
            for row in strata.rows:
                if row.code in pool.rows and row.entry.action == self.action and row.entry.after > most:
                    yield ShortWarning(
                        f"{self._name}: {row.entry.after:,} rows of class {row.entry.label!r} are wanted, and "
                        f"{pool.rows[pool.minority]:,} rows of the minority name at most {most:,} of them; fewer are "
                        "kept, so use a larger n_neighbors_ver3 or fewer rows"
                    )

    def _by_farthest(self, df: DataFrame, rows: DataFrame, placed: DataFrame, strata: Strata) -> Scored:
        sample, _ = self._sampled(df, rows, strata)
        questions = self._questions(strata)
        for pool, _ in questions:
            self._check_minority(pool, sample)
        scale = Scale.fit(sample.evenly(sample.rows), equalise=self.scale)
        minorities = {
            code: scale.integers(sample.rows[pool.minority])
            for pool, asked in questions
            for one in asked
            for code in one.queries
        }
        units = self._pool_units(placed, sample.columns, [pool for pool, _ in questions])
        features = [feature.name for feature in sample.columns.features]
        compared = [sum(pool.rows[code] for one in asked for code in one.queries) for pool, asked in questions]
        fewest = [pool.rows[pool.minority] for pool, _ in questions]
        candidates = sum(rows * few for rows, few in zip(compared, fewest, strict=True)) / sum(compared)
        notes = {"features": features, "candidates_per_row": round(candidates)}
        return Scored(scored_by_farthest(units, scale, minorities, self.n_neighbors), notes)

    def _check_minority(self, pool: Pool, sample: Sample) -> None:
        rows, width = pool.rows[pool.minority], sample.columns.width
        most = min(MOST_ROWS, MOST_NUMBERS // width)
        if rows > most or len(sample.rows.get(pool.minority, ())) < rows:
            raise SparkBalanceError(
                f"{self._name}: version=2 compares each row with the whole minority, which every task then holds, so "
                f"class {pool.labels[pool.minority]!r} may have at most {most:,} rows of {width} numbers, all of which "
                f"are sampled; it has {rows:,}; use version 1 or 3"
            )

    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        if self.version != 2:
            return super()._sketch(plan, table, model, seen)
        rows, few = plan.rows_before, min(entry.before for entry in plan.classes)
        scan = Part(table.splits(rows), {"read": float(rows * table.numbers)})
        compared = float((rows - few) * few)
        work = {"distances": compared, "products": compared * table.numbers, "python": 1.0}
        last = written(table, rows, plan.rows_after, len(self._keys))
        last = replace(
            last, name="score, write", parts=(Part(table.splits(rows), work), *last.parts), rows_read=2 * rows
        )
        return Sketch((counted(table, rows), Step("sample", (scan,), rows_read=rows), last))
