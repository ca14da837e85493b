"""Keep what classifies the rest, and remove pairs across a border: condensed neighbors, Tomek links, and both."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field
from pyspark.sql import DataFrame, functions as F, types as T

from spark_balance.base import Ask, CleaningSampler, Context, Recipe, Result, all_among_all
from spark_balance.errors import ParameterError
from spark_balance.frames.columns import quoted, temp
from spark_balance.frames.fetch import MOST_NUMBERS, fetch_prototypes
from spark_balance.frames.row_ids import CODE
from spark_balance.kernels.selection import Condensed, Links, OneSided, Prototypes
from spark_balance.neighbors.decisions import Says
from spark_balance.neighbors.pools import Pool, Question

MOST_COMPARED = 10_000  # others that a row is compared with, on average
FAR = 4_000  # minority rows that every task knows, if the minority is in several cells
WIDER = 5  # rows are few after the first step, so the second looks further than to the nearest
PAIR = [temp(f"{half}_{part}") for half in ("first", "second") for part in ("hi", "lo", "nth")]
PAIRS: Says = dict.fromkeys(PAIR, T.LongType())
_BOTH, _ONE = temp("both"), temp("one")


class CondensedNearestNeighbour(CleaningSampler):
    """Remove the rows that those kept classify without them (Hart, 1968; Angiulli, 2005).

    The rule is Angiulli's fast one (FCNN), which no order of rows comes into: kept are the other
    classes and the seeds; then, in rounds, for every kept row the nearest of the rows for which
    it is the nearest kept one and which are classified wrongly, until none is. imbalanced-learn
    goes through the rows in the order of the table, so the rows kept differ.

    Parameters
    ----------
    n_neighbors : int, optional
        Kept neighbors that classify a row; default 1.
    n_seeds_S : int, default 1
        Rows of each targeted class to begin with in each cell, drawn by identity.

    Notes
    -----
    Each cell keeps a subset that classifies its own rows: with many cells more rows stay than in one.

    Cost, besides the counts: one job that checks the features and samples them; then lazily
    two scans, one shuffle of the features of all rows and the join that removes rows. Every row
    is compared with every row that its cell keeps, so `cell_rows` is at most 5,000 by default.
    """

    random: ClassVar[bool] = True  # the seeds are drawn

    n_neighbors: int | None = Field(default=None, ge=1, strict=True)
    n_seeds_S: int = Field(default=1, ge=1, strict=True)

    def recipe(self, run: Recipe) -> Result:
        """Remove what the kept rows of each cell classify."""
        # what a cell keeps is not known before, so a row may be compared with all others of it
        sample = run.sample(run.whole_groups, most_cell_rows=MOST_COMPARED // 2)
        rows, cells = run.table(), run.cells(sample, Ask(_among_kept, compared=_all_pairs))
        return run.without(rows, run.decide(rows, self.condensed, cells=cells))

    def condensed(self, context: Context) -> Condensed:
        """Return the rule: the rows that the kept ones classify."""
        return Condensed(context.changing, self.n_neighbors or 1, self.n_seeds_S, context.run.stream("condense"))


def _among_kept(pool: Pool, changing: Sequence[int]) -> list[Question]:
    # rows of changing classes are known only to the cell that owns them
    stay = tuple(class_id for class_id in pool.rows if class_id not in changing)
    return [Question(tuple(changing), stay or tuple(changing), 1)]


def _all_pairs(pool: Pool, changing: Sequence[int]) -> list[Question]:
    return [Question(tuple(pool.rows), tuple(pool.rows), 1)]


class TomekLinks(CleaningSampler):
    """Remove the rows of Tomek links (Tomek, 1976).

    A link is two rows of different classes each of which is the other's nearest
    neighbor; of those, the rows of the targeted classes go. Exact duplicates of opposite
    label are links (imbalanced-learn loses them, see the docs on deviations).

    Notes
    -----
    Cost: as `EditedNearestNeighbours`, and one shuffle of the pairs of different classes.
    """

    def recipe(self, run: Recipe) -> Result:
        """Let each row name its nearest neighbor of another class, and remove where both name each other."""
        rows, cells = run.table(), run.cells(run.sample(run.whole_groups), all_among_all(1))
        named = run.decide(rows, lambda _: Links(PAIR), PAIRS, cells=cells)
        return run.without(rows, run.then(named, mutual))


def mutual(named: DataFrame, context: Context) -> DataFrame:
    """Return the rows of changing classes that are half of a pair named by both of its rows, or by one of one row.

    Notes
    -----
    Cost: one shuffle of the rows named.
    """
    itself = F.lit(True)
    for one, other in zip(PAIR[:3], PAIR[3:], strict=True):
        itself &= F.col(quoted(one)) == F.col(quoted(other))
    unit = F.struct(*[F.col(quoted(name)) for name in named.columns if name not in PAIR])
    pairs = named.groupBy(*PAIR).agg(F.collect_list(unit).alias(_BOTH)).where((F.size(_BOTH) == 2) | itself)
    links = pairs.select(F.explode(_BOTH).alias(_ONE)).select(f"{_ONE}.*")
    return links.where(F.col(CODE).isin(list(context.changing)))


class OneSidedSelection(CleaningSampler):
    """Remove rows that minority and seeds classify without them, then those of Tomek links (Kubat and Matwin, 1997).

    Of each targeted class `n_seeds_S` rows are drawn. A row goes when its nearest among these and
    the minority is of its class; of what is left, the rows of Tomek links go. The minority
    loses rows only by links, and only if it is targeted.

    Parameters
    ----------
    n_neighbors : int, optional
        Rows of the minority and the seeds that classify a row; default 1.
    n_seeds_S : int, default 1
        Rows drawn of each targeted class.

    Notes
    -----
    Where the nearest minority row is far, beyond what visits a cell, the nearest of 4,000
    drawn ones stands for it: true for a minority of at most 4,000 rows, close for others.

    Cost: as `EditedNearestNeighbours`, one job that draws the seeds, and one shuffle of the ids of the rows that go.
    """

    random: ClassVar[bool] = True  # the seeds are drawn

    n_neighbors: int | None = Field(default=None, ge=1, strict=True)
    n_seeds_S: int = Field(default=1, ge=1, strict=True)

    def recipe(self, run: Recipe) -> Result:
        """Remove what seeds and minority classify, and the links of what is left."""
        rows = run.table()
        cells = run.cells(run.sample(run.whole_groups), Ask(self.minority_and_links))
        seeds = run.learn(cells, self.seeds, rows=rows, name="seeds")
        named = run.decide(rows, self.one_sided, PAIRS, cells=cells, learned=seeds)
        return run.without(rows, run.then(named, mutual))

    def minority_and_links(self, pool: Pool, changing: Sequence[int]) -> list[Question]:
        """Ask for the nearest of the minority, and for the nearest of all."""
        everyone = tuple(pool.rows)
        selected = tuple(class_id for class_id in changing if class_id != pool.minority)
        links = Question(everyone, everyone, max(1, min(WIDER, sum(pool.rows.values()) - 1)))
        if not selected:
            return [links]
        votes = min(self.n_neighbors or 1, pool.rows[pool.minority])
        return [Question(selected, (pool.minority,), votes), links]

    def one_sided(self, context: Context) -> OneSided:
        """Return the rule: the rows that seeds and minority classify, and the links of what is left."""
        return OneSided(_enemies(context), context.learned, self.n_neighbors or 1, PAIR)

    def seeds(self, context: Context) -> Prototypes:
        """Draw the seeds, and rows of a minority that a cell may be far from."""
        assert context.rows is not None
        assert context.cells is not None
        rows = {class_id: n for pool in context.pools for class_id, n in pool.rows.items()}
        room = MOST_NUMBERS // context.scale.center.size
        wanted = {class_id: min(self.n_seeds_S, rows[class_id]) for class_id in _enemies(context)}
        if sum(wanted.values()) > room:
            raise ParameterError(
                f"{self.name}: n_seeds_S={self.n_seeds_S} draws {sum(wanted.values()):,} rows, and every task "
                f"can be sent {room:,} with these features; use n_seeds_S<={max(1, room // len(wanted)):,}"
            )
        for pool in context.pools:
            if context.cells.pools[pool.number].n_cells > 1:
                wanted[pool.minority] = max(1, min(rows[pool.minority], FAR, room // len(context.pools)))
        of = {class_id: (some, rows[class_id]) for class_id, some in wanted.items()}
        return fetch_prototypes(context.rows, self.name, of, context.run.stream("seeds"), context.scale)


def _enemies(context: Context) -> dict[int, int]:
    """Return the minority of the group of each class that rows are selected of."""
    return {
        class_id: pool.minority
        for pool in context.pools
        for class_id in pool.rows
        if class_id in context.changing and class_id != pool.minority
    }
