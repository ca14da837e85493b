"""The steps of a search that cost most: those that numba compiled where it is there, else those in NumPy."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from spark_balance.kernels import proposals
from spark_balance.kernels.distances import find_thread_pools, one_thread
from spark_balance.kernels.pivots import Within

ENOUGH = 2**20  # numbers of a cell: to import numba takes longer than it saves in a smaller one
_log = logging.getLogger(__name__)


class Steps(NamedTuple):
    """What does a search; all kinds give the same results, bit by bit."""

    made_by: str  # as "numba 0.68.1" or "numpy 2.4.6"
    nearer: Callable[..., None]
    within: Within


def steps_for(numbers: int) -> Steps:
    """Return what searches a cell, by how many numbers it has."""
    return fastest() if numbers >= ENOUGH else in_numpy()


@cache
def fastest() -> Steps:
    """Return what does the searches of large cells in this process."""
    try:
        from spark_balance.kernels import compiled

        # it loaded a BLAS of its own, which those who are inside are to limit too
        find_thread_pools.cache_clear()
        with one_thread():
            pass
        chosen = Steps(f"numba {compiled.VERSION}", compiled.nearer, compiled.within)
    # whatever is wrong with numba, NumPy finds the same
    except Exception as missing:
        _log.debug("numba is not used: %s", missing)
        chosen = in_numpy()
    _log.debug("large cells are searched with %s", chosen.made_by)
    return chosen


def in_numpy() -> Steps:
    """Return what needs NumPy alone."""
    return Steps(f"numpy {np.__version__}", proposals.nearer, proposals.within)
