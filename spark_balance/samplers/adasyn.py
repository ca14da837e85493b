"""ADASYN: the more neighbours of other classes a row has, the more new rows it makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from spark_balance.kernels.danger import adaptive
from spark_balance.plans.levels import Tier, by_level
from spark_balance.plans.strata import Stratum
from spark_balance.samplers.levelled import LevelledSampler


class ADASYN(LevelledSampler):
    """Adaptive synthetic sampling (He, Bai, Garcia and Li, 2008).

    A row makes new rows in proportion to the share of other classes among its n nearest
    neighbours, rounded for each row by itself as imbalanced-learn does: a class may end with
    a few rows more or less than the plan says (the notes say how many were added).

    Parameters
    ----------
    n_neighbors : int, default 5
        Neighbours of all classes that say how many new rows a row makes, and of its own class
        to go towards; a class needs at least n_neighbors + 1 rows.

    Notes
    -----
    See `LevelledSampler` for the cost, and `Sampler`, `OverSampler`, `SearchingSampler` and
    `InterpolatingSampler` for the other parameters.
    """

    counts: ClassVar[Literal["exact", "at_most", "approximate", "none"]] = "approximate"
    k_name: ClassVar[str] = "n_neighbors"
    m_name: ClassVar[str] = "n_neighbors"

    n_neighbors: int = Field(default=5, ge=1, strict=True)

    def _tiers(self, row: Stratum, rows: Mapping[int, int]) -> list[Tier]:
        if not any(rows.keys()):
            raise self._use_smote(
                row,
                f"has no neighbour of another class: all {self.n_neighbors} nearest of every row are of its own",
            )
        each = adaptive(rows, self.n_neighbors, row.entry.after - row.entry.before)
        made = {level: rows[level] * number for level, number in each.items()}
        if not any(made.values()):
            raise self._use_smote(
                row,
                f"wants {row.entry.after - row.entry.before} new rows of {row.entry.before}, "
                "which is less than half a row for each and rounds to none",
            )
        return by_level(row.code, rows, made)
