"""Methods that make more new rows from the rows near other classes: ADASYN and MWMOTE."""

from fractions import Fraction
from typing import ClassVar

from pydantic import Field

from spark_balance.base import LEVELS, ClassLevels, Context, OverSampler, Recipe, Result, Sought, changing_among_all
from spark_balance.frames.levels import LEVEL, Quota, by_level
from spark_balance.frames.plan import Counts
from spark_balance.kernels.draws import apportion
from spark_balance.kernels.rules import adaptive
from spark_balance.kernels.scores import Informative, weight_of
from spark_balance.over_sampling.borderline_smote import count_other_classes, pair_by_level


class ADASYN(OverSampler):
    """Adaptive synthetic sampling (He, Bai, Garcia and Li, 2008).

    A row makes new rows in proportion to the share of other classes among its n nearest
    neighbors, rounded for each row by itself as imbalanced-learn does: a class may end with
    a few rows more or less than the plan says (the notes say how many were added).

    Parameters
    ----------
    n_neighbors : int or 'shrink', default 5
        Neighbors of all classes that say how many new rows a row makes, and of its own class
        to go towards; a class needs at least n_neighbors + 1 rows, while 'shrink' takes 5,
        or all other rows of a smaller class.

    Notes
    -----
    Cost: as `BorderlineSMOTE`.
    """

    counts: ClassVar[Counts] = "approximate"
    sought: ClassVar[str] = "n_neighbors"

    n_neighbors: Sought = 5

    def recipe(self, run: Recipe) -> Result:
        """Count each row's neighbors of other classes, and make rows in proportion."""
        sample = run.sample(run.whole_groups)
        levels = count_other_classes(run, sample, self.k)
        return run.synthesize(
            pair_by_level(run, sample, levels, self.by_share, self.k, shrink=self.shrinks, param="n_neighbors")
        )

    def by_share(self, of: ClassLevels) -> list[Quota]:
        """Let each level make rows in proportion to its neighbors of other classes."""
        if not any(of.rows.keys()):
            raise of.refuse(f"has no neighbor of another class: all {self.k} nearest of every row are of its own")
        each = adaptive(of.rows, self.k, of.wanted)
        made = {level: of.rows[level] * number for level, number in each.items()}
        if not any(made.values()):
            raise of.refuse(
                f"wants {of.wanted} new rows of {sum(of.rows.values())}, "
                "which is less than half a row for each and rounds to none"
            )
        return by_level(of.class_id, of.rows, made)


class MWMOTE(OverSampler):
    """Majority weighted minority over-sampling (Barua, Islam, Yao and Murase, 2014), simplified.

    Rows whose nearest neighbors are all of other classes are noise. The rows of other classes that
    are nearest to the remaining rows make the border, and each row of the border gives weight to the rows of
    the class that are nearest to it: closeness (cut off) times its share of the closeness of them all. New
    rows are made in proportion to the sum of these weights.

    Parameters
    ----------
    k_neighbors : int or 'shrink', default 5
        Nearest neighbors of its class to choose from; a class needs at least k_neighbors + 1 rows, while
        'shrink' takes 5, or all other rows of a smaller class.
    noise_neighbors : int, default 5
        Neighbors of all classes that decide what is noise: the paper's k1.
    border_neighbors : int, default 3
        Rows of other classes that each row makes border: k2.
    informative_neighbors : int, optional
        Rows of the class that each row of the border gives weight to: k3. Default half of the rows of the
        class in the cell, as in the paper, but at most 100.
    cut_off, most_weight : float, default 5.0 and 2.0
        The largest closeness, and what it is scaled to: the paper's C_f(th) and CMAX.

    Notes
    -----
    What differs from the paper: the neighbor is one of the k nearest of the class instead of any row of the
    base's cluster; the border and the sums of weights are those of a cell and its halo rows; distances are those of
    the search, in spreads of the features unless scale=False; weights are rounded to 16 steps in every factor of
    two; rows of one weight are bases equally often (+- 1) instead of drawn by it. Cost: as `BorderlineSMOTE`.
    """

    k_neighbors: Sought = 5
    noise_neighbors: int = Field(default=5, ge=1, strict=True)
    border_neighbors: int = Field(default=3, ge=1, strict=True)
    informative_neighbors: int | None = Field(default=None, ge=1, strict=True)
    cut_off: float = Field(default=5.0, gt=0, allow_inf_nan=False, strict=True)
    most_weight: float = Field(default=2.0, gt=0, allow_inf_nan=False, strict=True)

    def recipe(self, run: Recipe) -> Result:
        """Weigh each row by how near it is to the border, and make rows in proportion."""
        sample, most = run.sample(run.whole_groups), max(self.noise_neighbors, self.border_neighbors)
        cells = run.cells(sample, changing_among_all(most, "noise_neighbors"))
        levels = run.decide(run.rows(run.whole_groups), self.selection_weight, LEVELS, cells=cells)
        return run.synthesize(pair_by_level(run, sample, levels, self.by_weight, self.k, shrink=self.shrinks))

    def selection_weight(self, context: Context) -> Informative:
        """Return the rule: the level of a row's selection weight."""
        k = (self.noise_neighbors, self.border_neighbors, self.informative_neighbors)
        return Informative(LEVEL, context.changing, *k, self.cut_off, self.most_weight, context.unit)

    def by_weight(self, of: ClassLevels) -> list[Quota]:
        """Let each level make rows in proportion to its weight."""
        weights = {level: n * Fraction(weight_of(level)) for level, n in of.rows.items() if level}
        if not weights:
            raise of.refuse(
                f"has no informative row: of every row the {self.noise_neighbors} nearest neighbors "
                "are of other classes, or no row of them is near"
            )
        total = sum(weights.values())
        [shares] = apportion([of.wanted], [weight / total for weight in weights.values()])
        return by_level(of.class_id, of.rows, dict(zip(weights, shares, strict=True)))
