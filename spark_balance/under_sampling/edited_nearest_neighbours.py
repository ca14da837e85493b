"""Remove rows that their neighbors outvote: once, in rounds, or around the minority too."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, StrictBool
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.base import Ask, CleaningSampler, Context, DecideNode, Paper, Recipe, Result, SparkRun
from spark_balance.base.cells import changing_among_all
from spark_balance.explain.explanation import Step
from spark_balance.frames.columns import temp
from spark_balance.frames.older_spark import from_arrow, to_arrow
from spark_balance.frames.row_ids import CODE, UNIT, by_code
from spark_balance.kernels.rules import SPARE, Cleaned, Edited, Repeated, last_round
from spark_balance.neighbors.pools import Pool, Question

_ROUND, _ROWS = temp("round"), temp("rows")
GOING = 0.1  # of all rows, expected before the search
HELD = 2**20  # row ids that the driver holds at most: 32 MiB
MOST_ROUNDS = 100_000  # each removes a row, or is the last
Kind = Literal["all", "mode"]


class EditingSampler(CleaningSampler):
    """The parameters of a vote among neighbors.

    Parameters
    ----------
    n_neighbors : int, default 3
        Neighbors that vote, of all classes.
    kind_sel : {'all', 'mode'}, default 'all'
        'all' keeps a row only when all its neighbors are of its class, 'mode' when their most
        frequent class is (of several, the smallest label).
    """

    n_neighbors: int = Field(default=3, ge=1, strict=True)
    kind_sel: Kind = "all"


class EditedNearestNeighbours(EditingSampler):
    """Remove the rows of the targeted classes whose neighbors are of another class (Wilson, 1972).

    Notes
    -----
    Cost, besides the counts: one job that checks the features and samples them; then lazily two scans, one shuffle of
    the features of all rows (1 to 4 copies) and the join that removes rows.
    """

    def recipe(self, run: Recipe) -> Result:
        """Remove the rows that their neighbors outvote."""
        rows, cells = run.table(), run.cells(run.sample(run.whole_groups), changing_among_all(self.n_neighbors))
        outvoted = run.decide(
            rows, lambda context: Edited(context.changing, self.n_neighbors, self.kind_sel), cells=cells
        )
        return run.without(rows, outvoted)


class RepeatedEditedNearestNeighbours(EditingSampler):
    """Remove rows that their neighbors outvote, again and again (Tomek, 1976).

    Rounds end when one removes no row, or with the round in which a class becomes smaller
    than the minority or is gone; the notes of a run say `rounds` and whether they `converged`.

    Parameters
    ----------
    max_iter : int, default 10
        Rounds at most; imbalanced-learn's default is 100.

    Notes
    -----
    Every cell goes through the rounds by itself, halo rows included: near borders, later rounds
    are approximate; in one cell they are imbalanced-learn's.

    Cost, besides the counts: one job that checks the features and samples them, one that decides on all rows (two
    scans, one shuffle of the features, 1 to 4 copies) and brings the ids of those that may go to the driver, 32
    bytes each; then lazily the join that removes them, one scan. When more than 2^20 rows may go, or keys are asked
    for, the driver gets their numbers alone, and the result decides again. A row searches again only when it lost
    more than 5 neighbors.
    """

    max_iter: int = Field(default=10, ge=1, strict=True)

    def recipe(self, run: Recipe) -> Result:
        """Edit in rounds until none goes."""
        rounds = min(self.max_iter, MOST_ROUNDS)
        return edit_in_rounds(run, (self.n_neighbors,) * rounds, self.kind_sel, until_none=True)


class AllKNN(EditingSampler):
    """Remove rows that their 1, 2, ... n_neighbors nearest outvote, round after round (Tomek, 1976).

    Rounds end early with the one in which a class becomes smaller than the minority or is gone;
    the notes of a run say how many `rounds` it took.

    Parameters
    ----------
    n_neighbors : int, default 3
        Neighbors that vote in the last round, of all classes.
    allow_minority : bool, default False
        Go on when a class becomes smaller than the minority.

    Notes
    -----
    See `RepeatedEditedNearestNeighbours` for how rounds run and what they cost.
    """

    allow_minority: StrictBool = False

    def recipe(self, run: Recipe) -> Result:
        """Edit in rounds with one neighbor more each."""
        votes = tuple(range(1, self.n_neighbors + 1))
        return edit_in_rounds(run, votes, self.kind_sel, allow_minority=self.allow_minority)


def edit_in_rounds(
    run: Recipe, votes: tuple[int, ...], kind: Kind, *, until_none: bool = False, allow_minority: bool = False
) -> Result:
    """Return the recipe of editing in rounds, in each of which the next number of neighbors vote."""
    rows = run.table()
    cells = run.cells(run.sample(run.whole_groups), _with_spare(max(votes)))

    def edited(context: Context, share: float) -> Repeated:
        return Repeated(context.changing, votes, kind, (_ROUND, _ROWS), share)

    def stop(pool: Pool, removed: Sequence[Mapping[int, int]]) -> tuple[int, bool]:
        return last_round(pool.rows, pool.minority, removed, until_none=until_none, allow_minority=allow_minority)

    says = {_ROUND: T.IntegerType(), _ROWS: T.LongType()}
    return run.without(rows, Rounds(rows, cells, edited, says, None, len(votes), until_none, stop))


def _with_spare(most: int) -> Ask:
    """Ask for some neighbors more than vote, to stand in for those that go."""

    def questions(pool: Pool, changing: Sequence[int]) -> list[Question]:
        others = sum(pool.rows.values()) - 1
        return [Question(tuple(changing), tuple(pool.rows), max(most, min(most + SPARE, others)))]

    return Ask(questions, param="n_neighbors")


@dataclass(frozen=True, eq=False)
class Rounds(DecideNode):
    """Decisions in rounds inside the cells, stopped by what all cells removed: one job counts that."""

    rule: Callable[[Context, float], Repeated]  # type: ignore[assignment]
    rounds: int
    until_none: bool
    stop: Callable[[Pool, Sequence[Mapping[int, int]]], tuple[int, bool]]

    @property
    def jobs(self) -> int:
        """One: it finds where the rounds end."""
        return 1

    def build(self, run: SparkRun) -> DataFrame:
        """Decide, and find the last round of each pool; decide again where too many rows may go to bring their ids."""
        context = self.context(run)
        self.note(run)
        rows = sum(row.entry.before for row in run.classes.changing.rows)
        # their keys may be of any size
        share = 0.0 if run.sampler.options.output == "removed_keys" else min(1.0, HELD / max(1, rows))
        decided = self.decide(run, self.rule(context, share))
        table = to_arrow(decided)
        stops = self._stops(table, context.pools)
        last = {code: stop for pool, (stop, _) in zip(context.pools, stops, strict=True) for code in pool.rows}
        run.notes["rounds"] = max(stop for stop, _ in stops)
        if self.until_none:
            run.notes["converged"] = all(converged for _, converged in stops)
        if table.num_rows == pc.sum(table[_ROWS], min_count=0).as_py():
            named = from_arrow(run.df.sparkSession, table, schema=decided.schema)
        else:
            named = self.decide(run, self.rule(context, 1.0))
        return named.where(F.col(_ROUND) <= by_code(last))

    def _stops(self, table: pa.Table, pools: Sequence[Pool]) -> list[tuple[int, bool]]:
        """Return where each pool stops, from what goes in each round."""
        by_round = table.group_by([CODE, _ROUND]).aggregate([(_ROWS, "sum")]).to_pylist()
        gone = {(row[CODE], row[_ROUND]): row[f"{_ROWS}_sum"] for row in by_round}
        rounds = range(1, self.rounds + 1)
        return [self.stop(pool, [{c: gone.get((c, n), 0) for c in pool.rows} for n in rounds]) for pool in pools]

    def steps(self, paper: Paper) -> Iterator[Step]:
        """Yield the decisions: once more in the result where many rows may go, or their keys are wanted."""
        yield from super().steps(paper)
        if paper.sampler.options.output == "removed_keys" or paper.rows * GOING > HELD:
            yield from super().steps(paper)


class NeighbourhoodCleaningRule(CleaningSampler):
    """Remove rows that their neighbors outvote, and the neighbors of outvoted minority rows (Laurikkala, 2001).

    Rows of the targeted classes go that are not of the most frequent class of their neighbors. Where a row of the
    minority is not of the most frequent class of itself and its `n_neighbors` - 1 nearest, its `n_neighbors` nearest
    go, as far as they are of targeted classes that are large enough.

    Parameters
    ----------
    n_neighbors : int, default 3
        Neighbors that vote, of all classes.
    threshold_cleaning : float, default 0.5
        A class loses neighbors of the minority if it has more rows than the minority times this.

    Notes
    -----
    Cost: as `EditedNearestNeighbours`.
    """

    absent: ClassVar[Mapping[str, str]] = {
        **CleaningSampler.absent,
        "edited_nearest_neighbours": "it edits by n_neighbors with kind_sel='mode'; to edit by another rule first, use "
        "EditedNearestNeighbours before it in a Chain",
    }

    n_neighbors: int = Field(default=3, ge=1, strict=True)
    threshold_cleaning: float = Field(default=0.5, gt=0, allow_inf_nan=False, strict=True)

    def recipe(self, run: Recipe) -> Result:
        """Remove outvoted rows, and the neighbors of outvoted rows of the minority."""
        rows, ask = run.table(), Ask(self.changing_and_minority, param="n_neighbors")
        named = run.decide(rows, self.crowding, cells=run.cells(run.sample(run.whole_groups), ask))
        return run.without(rows, run.then(named, _each_once))

    def changing_and_minority(self, pool: Pool, changing: Sequence[int]) -> list[Question]:
        """Ask the rows of changing classes and of the minority for their neighbors."""
        asking = tuple(sorted({*changing, pool.minority}))
        return [Question(asking, tuple(pool.rows), self.n_neighbors)]

    def crowding(self, context: Context) -> Cleaned:
        """Return the rule: outvoted rows, and the neighbors of outvoted rows of the minority."""
        crowding = [
            class_id
            for pool in context.pools
            for class_id, rows in pool.rows.items()
            if class_id in context.changing and rows > pool.rows[pool.minority] * self.threshold_cleaning
        ]
        minorities = tuple(pool.minority for pool in context.pools)
        return Cleaned(context.changing, minorities, tuple(crowding), self.n_neighbors)


def _each_once(named: DataFrame, context: Context) -> DataFrame:
    """Return each row once: a halo row may be named by several cells."""
    one_cell_each = context.cells is not None and context.cells.n_cells == len(context.pools)
    return named if one_cell_each else named.dropDuplicates(UNIT)
