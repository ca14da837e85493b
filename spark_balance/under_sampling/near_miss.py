"""NearMiss: keep the rows of larger classes by their distances to the minority."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from pydantic import Field
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.base import SCORES, Ask, Context, Recipe, Result, UnderSampler
from spark_balance.errors import ParameterError, ShortWarning, TooFewRowsError
from spark_balance.frames.columns import temp
from spark_balance.frames.plan import Promises
from spark_balance.frames.ranked import SCORE
from spark_balance.frames.row_ids import CODE, UNIT
from spark_balance.kernels import Floats
from spark_balance.kernels.scores import Farness, FarthestOf, Nearness
from spark_balance.neighbors.pools import Pool, Question

_NAMED = temp("named")
MOST_ROWS, MOST_NUMBERS = 20_000, 2**21  # of a minority that every task holds: 16 MiB
LANDMARKS = 1_000  # rows of a minority that are known to cells which few of it have come to


class NearMiss(UnderSampler):
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

    Cost, besides the counts: one job that checks the features and samples them; then lazily two scans, one shuffle of
    the features of all rows (1 to 4 copies), one of the scores that may be kept, and a broadcast of the rows
    kept. Above 1,000,000 rows kept two to four jobs more, each of which searches. Version 2 shuffles no features, but
    sends the whole minority to every task: at most 20,000 rows and 2,097,152 numbers, else it refuses.
    """

    random: ClassVar[bool] = False

    version: Literal[1, 2, 3] = 1
    n_neighbors: int = Field(default=3, ge=1, strict=True)
    n_neighbors_ver3: int = Field(default=3, ge=1, strict=True)

    @property
    def needs_all(self) -> str | None:
        """Why the method needs every feature of every row; None where it does not."""
        farthest = "what version=2 finds farthest would be rows with no feature in common"
        return farthest if self.version == 2 else super().needs_all

    def recipe(self, run: Recipe) -> Result:
        """Score each row by its distances to the minority, and keep the least."""
        rows, sample = run.table(number="changing"), run.sample(run.whole_groups)
        if self.version == 2:
            minority = run.learn(sample, self.whole_minority)
            return run.keep_least(
                rows, run.scan(rows, self.farness, SCORES, by=(CODE,), sample=sample, learned=minority)
            )
        cells = run.cells(sample, Ask(self.minority_of, param="n_neighbors"))
        landmarks = run.learn(cells, self.landmarks)
        if self.version == 1:
            return run.keep_least(rows, run.decide(rows, self.nearness, SCORES, cells=cells, learned=landmarks))
        says = {**SCORES, _NAMED: T.IntegerType()}
        scored = run.decide(rows, self.named, says, cells=cells, learned=landmarks)
        return run.keep_least(rows, run.then(scored, self.only_named))

    @property
    def promises(self) -> Promises:
        """What it promises of the counts and rows that come out, with the parameters at hand."""
        return Promises("at_most" if self.version == 3 else "exact", "subset")

    def minority_of(self, pool: Pool, changing: Sequence[int]) -> list[Question]:
        """Ask the rows of changing classes for the nearest of the minority, and in version 3 the other way too."""
        few = (pool.minority,)
        asked = [Question(tuple(changing), few, self.n_neighbors)]
        if self.version == 3:
            asked += [Question(few, (class_id,), self.n_neighbors_ver3) for class_id in changing]
        return asked

    def nearness(self, context: Context) -> Nearness:
        """Return the rule: the distances of a row to its nearest minority rows."""
        minorities = tuple(pool.minority for pool in context.pools)
        return Nearness(SCORE, context.changing, minorities, self.n_neighbors, context.learned)

    def named(self, context: Context) -> Farness:
        """Return the rule: the same, and whether a minority row names the row."""
        return Farness(self.nearness(context), _NAMED, self.n_neighbors_ver3)

    def only_named(self, scored: DataFrame, context: Context) -> DataFrame:
        """Return the rows that a minority row names; a row that is named as a halo row has its score from its owner."""
        if not context.run.warnings:
            context.run.warnings.extend(list(self._short(context))[:1])
        whole = scored.groupBy(*UNIT).agg(F.max(SCORE).alias(SCORE), F.max(_NAMED).alias(_NAMED))
        return whole.where(F.col(_NAMED) > 0)

    def landmarks(self, context: Context) -> dict[int, Floats]:
        """Return some rows of the minority for each changing class, which travel with the plan."""
        assert context.cells is not None
        room = MOST_NUMBERS // 8 // (context.sample.columns.width * len(context.pools))
        most = max(self.n_neighbors, min(LANDMARKS, room))
        landmarks: dict[int, Floats] = {}
        for pool in context.pools:
            some = context.scale.integers(context.sample.evenly([pool.minority])[:most])
            if len(some) < self.n_neighbors and context.cells.pools[pool.number].n_cells > 1:
                raise TooFewRowsError(
                    f"{self.name}: the sample has {len(some)} rows of class {pool.labels[pool.minority]!r}, and "
                    f"n_neighbors={self.n_neighbors} needs as many; use n_neighbors<={max(1, len(some))} or larger "
                    "cell_rows"
                )
            landmarks |= {class_id: some for class_id in context.changing if class_id in pool.rows}
        return landmarks

    def _short(self, context: Context) -> Iterator[Warning]:
        """Warn of each class of which more rows are wanted than there can be to consider."""
        for pool in context.pools:
            most = pool.rows[pool.minority] * self.n_neighbors_ver3
            for row in context.run.classes.changing.rows:
                if row.code in pool.rows and row.entry.after > most:
                    yield ShortWarning(
                        f"{self.name}: {row.entry.after:,} rows of class {row.entry.label!r} are wanted, and "
                        f"{pool.rows[pool.minority]:,} rows of the minority name at most {most:,} of them; fewer are "
                        "kept, so use a larger n_neighbors_ver3 or fewer rows"
                    )

    def whole_minority(self, context: Context) -> dict[int, Floats]:
        """Return all rows of the minority for each changing class, or refuse a large one."""
        minorities, rows, compared, width = {}, 0, 0, context.sample.columns.width
        for pool in context.pools:
            few, most = pool.rows[pool.minority], min(MOST_ROWS, MOST_NUMBERS // width)
            if few > most or len(context.sample.rows.get(pool.minority, ())) < few:
                raise ParameterError(
                    f"{self.name}: version=2 compares each row with the whole minority, which every task then holds, "
                    f"so class {pool.labels[pool.minority]!r} may have at most {most:,} rows of {width} numbers, all "
                    f"of which are sampled; it has {few:,}; use version 1 or 3"
                )
            points = context.scale.integers(context.sample.rows[pool.minority])
            for class_id in context.changing:
                if class_id in pool.rows:
                    minorities[class_id] = points
                    rows, compared = rows + pool.rows[class_id], compared + pool.rows[class_id] * few
        context.run.notes["candidates_per_row"] = round(compared / rows)
        return minorities

    def farness(self, context: Context) -> FarthestOf:
        """Return the rule: the distances of a row to its farthest minority rows."""
        return FarthestOf(SCORE, context.scale, context.learned, self.n_neighbors)
