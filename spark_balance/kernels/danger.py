"""How many of a row's neighbours are of other classes, and what rows that makes of a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spark_balance.kernels.members import Ints, Members


@dataclass(frozen=True)
class OtherClass:
    """Counts, for the rows of some classes, how many of their k nearest neighbours are of another class.

    Attributes
    ----------
    name : str
        The column of the count.
    targeted : tuple of int
        Class numbers.
    k : int
        Neighbours, of all classes.
    """

    name: str
    targeted: tuple[int, ...]
    k: int

    def __call__(self, members: Members) -> tuple[Ints, Mapping[str, NDArray[np.generic]]]:
        """Return the rows and their counts."""
        rows = members.judged(*self.targeted)
        near = members.codes[members.voting(rows, self.k)]
        others = (near != members.codes[rows][:, None]).sum(axis=1)
        return rows, {self.name: others.astype(np.int32)}


def in_danger(others: int, m: int) -> bool:
    """Tell whether so many of m neighbours of another class put a row in danger: half or more, but not all."""
    return m / 2 <= others < m


def adaptive(rows: Mapping[int, int], k: int, wanted: int) -> dict[int, int]:
    """Return how many new rows each row makes whose k neighbours hold so many of other classes (He et al., 2008).

    Parameters
    ----------
    rows : dict of int to int
        Rows by how many of their k neighbours are of another class; some are.
    k, wanted : int
        Neighbours, and rows wanted; what rounding makes of their sum is near that.
    """
    total = sum(others * number for others, number in rows.items()) / k
    # the operations of imbalanced-learn, in its order
    return {others: int(np.rint(others / k / total * wanted)) for others in rows}
