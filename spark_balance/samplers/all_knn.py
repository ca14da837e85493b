"""AllKNN: edit with one neighbour, then with two, and so on."""

from __future__ import annotations

from typing import ClassVar

from pydantic import StrictBool

from spark_balance.samplers.rounds import RepeatedSampler


class AllKNN(RepeatedSampler):
    """Remove rows that their 1, 2, ... n_neighbors nearest outvote, round after round (Tomek, 1976).

    Rounds end early with the one in which a class becomes smaller than the minority or is gone;
    the notes of a run say how many `rounds` there were.

    Parameters
    ----------
    allow_minority : bool, default False
        Go on when a class becomes smaller than the minority.

    Notes
    -----
    See `RepeatedSampler` for how rounds run and what they cost, and it, `Sampler`, `SearchingSampler`
    and `CleaningSampler` for the other parameters.
    """

    until_none: ClassVar[bool] = False

    allow_minority: StrictBool = False

    @property
    def _votes(self) -> tuple[int, ...]:
        return tuple(range(1, self.n_neighbors + 1))

    @property
    def _may_outgrow(self) -> bool:
        return self.allow_minority
