"""SMOTE by levels, the number of a row's neighbors that are of other classes: BorderlineSMOTE and SafeLevelSMOTE."""

from collections.abc import Callable, Mapping
from typing import Literal

from pydantic import Field
from pyspark.sql import Column, functions as F

from spark_balance.base import (
    LEVELS,
    ClassLevels,
    DecideNode,
    Decisions,
    JoinNode,
    OverSampler,
    Pair,
    Recipe,
    Result,
    SampleNode,
    Sought,
    changing_among_all,
    each_class,
    own_class,
)
from spark_balance.frames.levels import LEVEL, Quota, together
from spark_balance.frames.row_ids import CODE, uniform
from spark_balance.kernels.rules import OtherClass, in_danger


def count_other_classes(
    run: Recipe, sample: SampleNode, n: int, param: str = "n_neighbors", *, also: int = 0
) -> DecideNode:
    """Count how many of the n nearest neighbors of each row are of other classes.

    Parameters
    ----------
    run, sample : Recipe, SampleNode
    n : int
    param : str
        What the method calls n.
    also : int
        Neighbors that another search needs in the same cells.
    """
    cells = run.cells(sample, changing_among_all(max(n, also), param))
    rows = run.rows(run.whole_groups)
    return run.decide(rows, lambda context: OtherClass(LEVEL, context.changing, n), LEVELS, cells=cells)


def pair_by_level(
    run: Recipe,
    sample: SampleNode,
    levels: Decisions,
    quotas: Callable[[ClassLevels], list[Quota]],
    k: int,
    *,
    shrink: bool,
    tell: Callable[[], Mapping[str, Column]] | None = None,
    param: str = "k_neighbors",
) -> JoinNode:
    """Let each level of a class make its quota of new rows, from k neighbors in that class."""
    bases = run.spread_levels(levels, each_class(quotas), draws="synthesize", among=run.rows(run.changing))
    return run.knn_join(bases, run.cells(sample, own_class(k)), k, tell=tell, param=param, shrink=shrink)


class BorderlineSMOTE(OverSampler):
    """SMOTE whose bases are the rows in danger (Han, Wang and Mao, 2005).

    A row is in danger when at least half of its m nearest neighbors, but not all, are of
    other classes. Every row in danger is a base equally often (+- 1).

    Parameters
    ----------
    k_neighbors : int or 'shrink', default 5
        Nearest neighbors to choose from; a class needs at least k_neighbors + 1 rows, while 'shrink' takes 5, or
        all other rows of a smaller class.
    m_neighbors : int, default 10
        Neighbors of all classes that decide whether a row is in danger.
    kind : {'borderline-1', 'borderline-2'}
        'borderline-1' goes from a base towards neighbors of its own class; 'borderline-2' towards neighbors
        of any class, with the gap times a uniform draw from [0, 0.5) where that is another class.
    recall : float, default 0.995
        Share of the true neighbors that rows find, estimated in every run; higher than elsewhere, since one
        neighbor decides whether a row is in danger.

    Notes
    -----
    A class without a row in danger is refused, where imbalanced-learn silently leaves it as it is; the sentence names
    the `sampling_strategy` that does so.

    Cost, besides the counts: a job that checks and samples the features of all rows, and a job that counts rows by
    how many of their neighbors are of other classes: it shuffles the features of all rows (1 to 4 copies) and brings
    a number for each row to grow to the driver. Where more than a million rows are to grow it brings only counts, and
    the result searches twice more, lazily. Then as SMOTE.
    """

    k_neighbors: Sought = 5
    m_neighbors: int = Field(default=10, ge=1, strict=True)
    kind: Literal["borderline-1", "borderline-2"] = "borderline-1"
    recall: float = Field(default=0.995, gt=0, lt=1)

    def recipe(self, run: Recipe) -> Result:
        """Find the rows in danger, and make rows from them towards their neighbors."""
        sample, k = run.sample(run.whole_groups), self.k
        second = self.kind == "borderline-2"
        levels = count_other_classes(run, sample, self.m_neighbors, "m_neighbors", also=k if second else 0)
        if second:
            quotas = each_class(self.rows_in_danger)
            bases = run.spread_levels(levels, quotas, draws="synthesize", among=levels.rows)
            return run.synthesize(run.knn_join(bases, levels.cells, k, tell=_class_id), shorter_to_others)
        return run.synthesize(pair_by_level(run, sample, levels, self.rows_in_danger, k, shrink=self.shrinks))

    def rows_in_danger(self, of: ClassLevels) -> list[Quota]:
        """Let the rows in danger make all new rows of a class."""
        danger = {level: n for level, n in of.rows.items() if in_danger(level, self.m_neighbors)}
        if not danger:
            raise of.refuse(
                "has no row in danger: of no row are half or more, but not all, of the "
                f"{self.m_neighbors} nearest neighbors of other classes"
            )
        return together(of.class_id, danger, of.wanted)


def _class_id() -> dict[str, Column]:
    return {"class": F.col(CODE)}


def shorter_to_others(pair: Pair) -> Column:
    """Return a gap that is at most half as long towards a neighbor of another class."""
    other = pair.base("class") != pair.neighbor("class")
    return pair.uniform * F.when(other, 0.5 * uniform(pair.draw("shorter gap"))).otherwise(F.lit(1.0))


class SafeLevelSMOTE(OverSampler):
    """SMOTE whose gap depends on safe levels (Bunkhumpornpat, Sinapiromsaran and Lursinsap, 2009).

    The safe level of a row is how many of its k nearest neighbors, of all classes, are of its own. With s that of the
    base and t that of the neighbor, the gap is uniform in [0, t / s) where s >= t, and in [1 - s / t, 1) where s < t.
    A neighbor of level 0 gives a copy of the base. A row of level 0 is not a base: from two such rows the paper makes
    nothing either, and from one and a safe neighbor a copy of that neighbor. All other rows are bases equally often
    (+- 1), so that counts are exact.

    Parameters
    ----------
    k_neighbors : int or 'shrink', default 5
        Neighbors of all classes that make the safe level, and of its own class to choose
        from; a class needs at least k_neighbors + 1 rows, while 'shrink' takes 5, or
        all other rows of a smaller class.

    Notes
    -----
    Cost: as `BorderlineSMOTE`.
    """

    k_neighbors: Sought = 5

    def recipe(self, run: Recipe) -> Result:
        """Count each row's neighbors of its own class, and make rows nearer to the safer end."""
        sample, k = run.sample(run.whole_groups), self.k
        levels = count_other_classes(run, sample, k, "k_neighbors")
        pairs = pair_by_level(run, sample, levels, self.safe_rows, k, shrink=self.shrinks, tell=self.safe_level)
        return run.synthesize(pairs, nearer_to_the_safer)

    def safe_rows(self, of: ClassLevels) -> list[Quota]:
        """Let all rows make the new rows of a class, except those with neighbors of other classes alone."""
        safe = {level: n for level, n in of.rows.items() if level < self.k}
        if not safe:
            raise of.refuse(f"has no safe row: of every row all {self.k} nearest neighbors are of other classes")
        return together(of.class_id, safe, of.wanted)

    def safe_level(self) -> dict[str, Column]:
        """Return the safe level of a row, to travel with it."""
        return {"safe": (F.lit(self.k) - F.col(LEVEL)).cast("double")}


def nearer_to_the_safer(pair: Pair) -> Column:
    """Return a gap that ends nearer to whichever end has the higher safe level."""
    base, near = pair.base("safe"), pair.neighbor("safe")
    # engines may divide before they know which case it is
    toward = pair.uniform * (near / F.greatest(base, F.lit(1.0)))
    share = base / F.greatest(near, F.lit(1.0))
    return F.when(base >= near, toward).otherwise((1.0 - share) + pair.uniform * share)
