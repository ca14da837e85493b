"""Repeated edited nearest neighbours: edit until no more rows go."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from spark_balance.samplers.rounds import RepeatedSampler


class RepeatedEditedNearestNeighbours(RepeatedSampler):
    """Remove rows that their neighbours outvote, again and again (Tomek, 1976).

    Rounds end when one removes no row, or with the round in which a class becomes smaller
    than the minority or is gone; the notes of a run say `rounds` and whether they `converged`.

    Parameters
    ----------
    max_iter : int, default 10
        Rounds at most; imbalanced-learn's default is 100.

    Notes
    -----
    See `RepeatedSampler` for how rounds run and what they cost, and it, `Sampler`, `SearchingSampler`
    and `CleaningSampler` for the other parameters.
    """

    until_none: ClassVar[bool] = True

    max_iter: int = Field(default=10, ge=1, le=1_000, strict=True)

    @property
    def _votes(self) -> tuple[int, ...]:
        return (self.n_neighbors,) * self.max_iter
