"""Hashes and draws as the engine makes them, and units dealt out: to parts by their shares, to tasks by their work.

Draws are pure functions of (stream, row id, copy). The engine computes the same bits with `xxhash64` over bigint
columns, so a draw can be made wherever the row happens to be.
"""

import hashlib
import math
from collections.abc import Sequence
from fractions import Fraction
from heapq import heapreplace
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spark_balance.kernels import Floats, Ints

_P1, _P2, _P3 = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)
_P4, _P5 = np.uint64(0x85EBCA77C2B2AE63), np.uint64(0x27D4EB2F165667C5)
_SPARK_SEED = 42
_Word = TypeVar("_Word", np.uint32, np.uint64)


def stream(random_state: int, what: str) -> int:
    """Return the 64-bit number that sets one kind of draw apart from every other.

    A hash and not ``random_state + i``: neighboring seeds must not share streams.
    """
    digest = hashlib.blake2b(f"{random_state}/{what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def xxhash64(*columns: ArrayLike) -> Ints:
    """Hash int64 columns row by row, bit for bit as Spark's `xxhash64` of bigint columns."""
    arrays = np.broadcast_arrays(*[np.asarray(column, dtype=np.int64) for column in columns])
    state = np.full(arrays[0].shape, _SPARK_SEED, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for array in arrays:
            word = _rotate(array.astype(np.uint64) * _P2, 31) * _P1
            state = _rotate((state + _P5 + np.uint64(8)) ^ word, 27) * _P1 + _P4
            state = (state ^ (state >> np.uint64(33))) * _P2
            state = (state ^ (state >> np.uint64(29))) * _P3
            state ^= state >> np.uint64(32)
    return state.view(np.int64)


def murmur3(numbers: NDArray[np.int32]) -> NDArray[np.int32]:
    """Hash int32 numbers as Spark's `hash`, which decides the partition of a row."""
    with np.errstate(over="ignore"):
        word = _rotate(numbers.astype(np.uint32) * np.uint32(0xCC9E2D51), 15) * np.uint32(0x1B873593)
        state = _rotate(np.uint32(_SPARK_SEED) ^ word, 13) * np.uint32(5) + np.uint32(0xE6546B64)
        state ^= np.uint32(4)
        state = (state ^ (state >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        state = (state ^ (state >> np.uint32(13))) * np.uint32(0xC2B2AE35)
        state ^= state >> np.uint32(16)
    mixed: NDArray[np.int32] = state.view(np.int32)
    return mixed


def _rotate(word: NDArray[_Word], bits: int) -> NDArray[_Word]:
    kind, width = word.dtype.type, 8 * word.itemsize
    rotated: NDArray[_Word] = (word << kind(bits)) | (word >> kind(width - bits))
    return rotated


def uniform(draw: Ints) -> Floats:
    """Turn 64-bit draws into float64 in [0, 1), as the engine does from the upper 53 bits."""
    return np.asarray((draw.view(np.uint64) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def quantile(share: ArrayLike) -> Ints:
    """Return the signed 64-bit draws below which a `share` of all draws lies, one for each share."""
    scaled = np.maximum(0.0, np.rint(np.multiply(share, 2.0**64)))
    all_draws = scaled >= 2.0**64
    # doubles cannot hold what is left of 64 bits after a subtraction: the sign is flipped in the integer
    below = np.where(all_draws, 0.0, scaled).astype(np.uint64) ^ np.uint64(2**63)
    return np.where(all_draws, 2**63 - 1, below.view(np.int64))


def band(wanted: ArrayLike, total: ArrayLike, *, poisson: bool = False) -> tuple[Ints, Ints]:
    """Return the draws between which the `wanted`-th smallest of `total` lies, for each pair of these.

    The number of draws below a share p is binomial (Poisson when `total` is itself
    only expected), so 8 standard deviations and 40 rows miss less than once in 1e14.
    """
    some, every = np.asarray(wanted, dtype=np.float64), np.asarray(total, dtype=np.float64)
    spread = 8 * np.sqrt(some * (1.0 if poisson else np.maximum(0.0, 1 - some / every))) + 40
    return quantile((some - spread) / every), quantile((some + spread) / every)


def poisson_rate(wanted: int, rows: int) -> float:
    """Return the rate at which Poisson copies of `rows` rows are sure to be at least `wanted`."""
    return (wanted + 10 * math.sqrt(wanted) + 50) / rows


def poisson_steps(rate: float) -> list[float]:
    """Return P(X <= 0), P(X <= 1), ...: the copies of a row are the steps at or below its uniform draw."""
    steps, term, total = [], math.exp(-rate), 0.0
    for i in range(int(rate + 10 * math.sqrt(rate) + 30)):
        total += term
        if total < 1.0 - 2.0**-53:
            steps.append(total)
        term *= rate / (i + 1)
    return steps


def labels(tasks: Ints | range) -> NDArray[np.int32]:
    """Return a number for each group such that hash partitioning brings it to its task.

    `tasks` has the task of each group. Numbered 0, 1, ... a third of the tasks would be empty and others hold three
    groups, whose searches then wait for each other.
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


def share_tasks(numbers: ArrayLike, groups: Sequence[int], most: float) -> Ints:
    """Return a task for each group, so that small ones share one: a task takes time to start.

    `numbers` are the work of some kinds of groups, of each of which a number of `groups` share it. A task is to have
    at most about the work `most`; a group that is more has a task for itself.
    """
    work = np.repeat(np.divide(numbers, groups), groups)
    small, large = np.flatnonzero(work < most), np.flatnonzero(work >= most)
    tasks = np.empty(len(work), dtype=np.int64)
    # the largest first, each to the task that has least
    shared = max(1, int(np.ceil(work[small].sum() / most)))
    loads = list(zip([0.0] * shared, range(shared), strict=True))
    for group in small[np.argsort(-work[small], kind="stable")]:
        load, tasks[group] = loads[0]
        heapreplace(loads, (load + work[group], tasks[group]))
    tasks[large] = len(loads) + np.arange(len(large))
    return np.unique(tasks, return_inverse=True)[1]


def apportion(counts: Sequence[int], shares: Sequence[Fraction], sizes: Sequence[int] | None = None) -> list[list[int]]:
    """Split every count into whole parts, each the floor or the ceiling of its share.

    What is left over after the floors goes to the parts with the largest remainders (Hamilton's method). What a part
    missed in one class counts for it in the next, else many small classes would all favor the same part; `sizes` are
    the weights of a unit of each class in what is carried on. `shares` sum to 1. It returns the parts of each class.
    """
    dealt = []
    missed = [Fraction(0)] * len(shares)
    for count, size in zip(counts, sizes or [1] * len(counts), strict=True):
        due = [count * share for share in shares]
        given = [math.floor(one) for one in due]
        needs = [had + size * (one - whole) for had, one, whole in zip(missed, due, given, strict=True)]
        # a part whose share is a whole number already has its floor and its ceiling
        open_parts = [part for part, one in enumerate(due) if one > given[part]]
        for part in sorted(open_parts, key=lambda part: -needs[part])[: count - sum(given)]:
            given[part] += 1
            needs[part] -= size
        missed = needs
        dealt.append(given)
    return dealt


def quotas(rows: Sequence[int], most: int) -> list[int]:
    """Deal a number of rows out to classes: as many to each, or all that it has."""
    dealt = [0] * len(rows)
    for place, i in enumerate(sorted(range(len(rows)), key=lambda i: rows[i])):
        dealt[i] = min(rows[i], most // (len(rows) - place))
        most -= dealt[i]
    return dealt
