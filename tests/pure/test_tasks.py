"""Tasks of Sail are threads of one process: what they share must let all of them work."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
from threadpoolctl import threadpool_info

from spark_balance.kernels.distances import EqualRows, one_thread
from spark_balance.kernels.knn import KnnIndex, knn
from spark_balance.kernels.steps import fastest


def _threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_blas_has_one_thread_until_the_last_task_of_a_process_leaves():
    """Sail runs tasks as threads of one process; numba loads a BLAS of its own, meanwhile or not."""
    before = _threads()
    with one_thread():
        with one_thread():
            fastest.cache_clear()
            fastest()
            with one_thread():
                assert _threads() == {1}
        assert _threads() == {1}
    assert _threads() == before


def test_a_task_limits_blas_though_the_driver_did_before():
    """The driver searches its sample first; threadpoolctl 3.8 heeds the thread that was first."""
    with one_thread():
        pass

    def task():
        with one_thread():
            return _threads()

    with ThreadPoolExecutor(1) as tasks:
        assert tasks.submit(task).result() == {1}


def test_what_an_index_makes_once_is_made_by_several_tasks_at_a_time(monkeypatch):
    """Until Python 3.12 `functools.cached_property` lets one thread of all compute."""
    together = Barrier(2, timeout=5)

    class Meeting(EqualRows):
        def __init__(self, *given):
            together.wait()
            super().__init__(*given)

    points = np.arange(40.0)[:, None]
    expected = knn(points, np.arange(40), 2)[0].tolist()
    monkeypatch.setattr("spark_balance.kernels.knn.EqualRows", Meeting)
    with ThreadPoolExecutor(2) as tasks:
        found = list(tasks.map(lambda _: KnnIndex(points, 2).search(np.arange(40))[0].tolist(), range(2)))
    assert found[0] == found[1] == expected


LOADED_INSIDE = """
from threadpoolctl import threadpool_info
from spark_balance.kernels.distances import one_thread
from spark_balance.kernels.steps import fastest
with one_thread():
    before = len(threadpool_info())
    fastest()
    print(before < len(threadpool_info()), {pool["num_threads"] for pool in threadpool_info()})
"""


def test_a_blas_that_numba_loads_meanwhile_is_limited_too():
    done = subprocess.run([sys.executable, "-c", LOADED_INSIDE], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == ["True", "{1}\n"]
