"""Group numbers that hash partitioning deals out evenly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SEED = 42


def murmur3(numbers: NDArray[np.int32]) -> NDArray[np.int32]:
    """Hash int32 numbers as Spark's `hash`, which decides the partition of a row."""
    with np.errstate(over="ignore"):
        word = _rotate(numbers.astype(np.uint32) * np.uint32(0xCC9E2D51), 15) * np.uint32(0x1B873593)
        state = _rotate(np.uint32(_SEED) ^ word, 13) * np.uint32(5) + np.uint32(0xE6546B64)
        state ^= np.uint32(4)
        state = (state ^ (state >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        state = (state ^ (state >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        state ^= state >> np.uint32(16)
    return state.view(np.int32)


def _rotate(word: NDArray[np.uint32], bits: int) -> NDArray[np.uint32]:
    return (word << np.uint32(bits)) | (word >> np.uint32(32 - bits))


def one_each(groups: int) -> NDArray[np.int32]:
    """Return a number for each group such that so many hash partitions get one group each.

    Numbered 0, 1, ... a third of the partitions would be empty and others hold three
    groups, whose searches then wait for each other.
    """
    chosen = np.full(groups, -1, dtype=np.int32)
    start = 0
    while (chosen < 0).any():
        numbers = np.arange(start, start + 4 * groups, dtype=np.int32)
        place, first = np.unique(np.mod(murmur3(numbers), groups), return_index=True)
        free = chosen[place] < 0
        chosen[place[free]] = numbers[first[free]]
        start += 4 * groups
    return chosen
