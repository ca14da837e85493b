"""Random numbers that are pure functions of (stream, identity, number, copy).

The engine computes the same bits with `xxhash64` over bigint columns, so a draw
can be made wherever the row happens to be.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

_P1, _P2, _P3 = np.uint64(0x9E3779B185EBCA87), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)
_P4, _P5 = np.uint64(0x85EBCA77C2B2AE63), np.uint64(0x27D4EB2F165667C5)
_SPARK_SEED = 42


def stream(random_state: int, what: str) -> int:
    """Return the 64-bit number that sets one kind of draw apart from every other.

    A hash and not ``random_state + i``: neighbouring seeds must not share streams.
    """
    digest = hashlib.blake2b(f"{random_state}/{what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def xxhash64(*columns: ArrayLike) -> NDArray[np.int64]:
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


def _rotate(word: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    return (word << np.uint64(bits)) | (word >> np.uint64(64 - bits))


def uniform(draw: NDArray[np.int64]) -> NDArray[np.float64]:
    """Turn 64-bit draws into float64 in [0, 1), as the engine does from the upper 53 bits."""
    return np.asarray((draw.view(np.uint64) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)


def quantile(share: float) -> int:
    """Return the signed 64-bit draw below which a `share` of all draws lies."""
    return max(-(2**63), min(2**63 - 1, round(share * 2.0**64) - 2**63))


def band(wanted: int, total: float, *, poisson: bool = False) -> tuple[int, int]:
    """Return the draws between which the `wanted`-th smallest of `total` lies.

    The number of draws below a share p is binomial (Poisson when `total` is itself
    only expected), so 8 standard deviations and 40 rows miss less than once in 1e14.
    """
    share = wanted / total
    spread = 8 * math.sqrt(wanted * (1.0 if poisson else max(0.0, 1 - share))) + 40
    return quantile(max(0.0, (wanted - spread) / total)), quantile(min(1.0, (wanted + spread) / total))


def poisson_rate(wanted: int, rows: int) -> float:
    """Return the rate at which Poisson copies of `rows` rows are sure to be at least `wanted`."""
    return (wanted + 10 * math.sqrt(wanted) + 50) / rows


def poisson_steps(rate: float) -> list[float]:
    """Return P(X <= 0), P(X <= 1), ...: the copies of a row are the steps at or below its uniform draw."""
    steps, term, total = [], math.exp(-rate), 0.0
    for i in range(int(rate + 10 * math.sqrt(rate) + 30)):
        total += term
        if total >= 1.0 - 2.0**-53:
            break
        steps.append(total)
        term *= rate / (i + 1)
    return steps
