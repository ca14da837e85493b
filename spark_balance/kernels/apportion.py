"""Deal whole units out to parts by their shares: largest remainders, carried on."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor


def apportion(counts: Sequence[int], shares: Sequence[Fraction], sizes: Sequence[int] | None = None) -> list[list[int]]:
    """Split every count into whole parts, each the floor or the ceiling of its share.

    What is left over after the floors goes to the parts with the largest remainders
    (Hamilton's method). What a part missed in one class counts for it in the next,
    else many small classes would all favour the same part.

    Parameters
    ----------
    counts : sequence of int
        Units of each class.
    shares : sequence of Fraction
        Share of each part; they sum to 1.
    sizes : sequence of int, optional
        Weight of one unit of each class in what is carried on; 1 when not given.

    Returns
    -------
    list of list of int
        For each class, the units of each part.
    """
    dealt = []
    missed = [Fraction(0)] * len(shares)
    for count, size in zip(counts, sizes or [1] * len(counts), strict=True):
        due = [count * share for share in shares]
        given = [floor(one) for one in due]
        needs = [had + size * (one - whole) for had, one, whole in zip(missed, due, given, strict=True)]
        # a part whose share is a whole number already has its floor and its ceiling
        open_parts = [part for part, one in enumerate(due) if one > given[part]]
        for part in sorted(open_parts, key=lambda part: -needs[part])[: count - sum(given)]:
            given[part] += 1
        missed = [had + size * (one - whole) for had, one, whole in zip(missed, due, given, strict=True)]
        dealt.append(given)
    return dealt


def quotas(rows: Sequence[int], most: int) -> list[int]:
    """Deal a number of rows out to classes: as many to each, or all that it has."""
    dealt = [0] * len(rows)
    for place, i in enumerate(sorted(range(len(rows)), key=lambda i: rows[i])):
        dealt[i] = min(rows[i], most // (len(rows) - place))
        most -= dealt[i]
    return dealt
