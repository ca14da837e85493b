"""Groups dealt out to tasks, and numbers that hash partitioning brings to the task that is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heapreplace

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

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


def labels(tasks: Ints | range) -> NDArray[np.int32]:
    """Return a number for each group such that hash partitioning brings it to its task.

    Numbered 0, 1, ... a third of the tasks would be empty and others hold three groups, whose searches then wait
    for each other.

    Parameters
    ----------
    tasks : ndarray of shape (n_groups,), or range
        The task of each group, of as many partitions as the largest says.
    """
    room = np.bincount(tasks)
    count = 4 * len(tasks)
    while True:
        places = np.mod(murmur3(np.arange(count, dtype=np.int32)), len(room))
        if (np.bincount(places, minlength=len(room)) >= room).all():
            break
        count *= 2
    order = np.argsort(places, kind="stable")
    rank = np.arange(count) - np.searchsorted(places[order], places[order])
    chosen = order[rank < room[places[order]]]
    result = np.empty(len(tasks), dtype=np.int32)
    result[np.argsort(tasks, kind="stable")] = chosen
    return result


def shared(numbers: Sequence[float], groups: Sequence[int], most: float) -> Ints:
    """Return a task for each group, so that small ones share one: a task takes time to start.

    Parameters
    ----------
    numbers : sequence of float
        The work of some kinds of groups.
    groups : sequence of int
        How many groups of each kind share it.
    most : float
        The work of a task, about; a group that is more has a task for itself.
    """
    work = np.repeat(np.divide(numbers, groups), groups)
    small = np.flatnonzero(work < most)
    tasks = np.empty(len(work), dtype=np.int64)
    # the largest first, each to the task that has least
    loads = [(0.0, task) for task in range(max(1, int(np.ceil(work[small].sum() / most))))]
    for group in small[np.argsort(-work[small], kind="stable")]:
        load, task = loads[0]
        tasks[group] = task
        heapreplace(loads, (load + work[group], task))
    large = np.flatnonzero(work >= most)
    tasks[large] = len(loads) + np.arange(len(large))
    return np.unique(tasks, return_inverse=True)[1]
