"""Cells are dealt out to tasks: small ones share one, and a hash brings each to the task that it was dealt to."""

from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st

from spark_balance.kernels.draws import labels, murmur3, share_tasks

TASKS = st.lists(st.integers(0, 30), min_size=1, max_size=200).map(
    lambda tasks: np.unique(tasks, return_inverse=True)[1]
)
KINDS = st.lists(st.tuples(st.integers(1, 40), st.floats(1, 500)), min_size=1, max_size=8)


@given(TASKS)
def test_a_number_hashes_to_the_task_of_its_group(tasks):
    numbers = labels(tasks)
    assert np.mod(murmur3(numbers), tasks.max() + 1).tolist() == tasks.tolist()
    assert len(set(numbers.tolist())) == len(tasks)


@given(KINDS)
def test_groups_share_tasks_as_far_as_these_are_not_full(kinds):
    groups = [some for some, _ in kinds]
    work = np.repeat([each for _, each in kinds], groups)
    tasks = share_tasks([some * each for some, each in kinds], groups, 100.0)
    assert sorted(set(tasks.tolist())) == list(range(tasks.max() + 1))
    loads = np.bincount(tasks, work)
    small = np.bincount(tasks, work < 100.0) > 0
    # whoever is large is alone, and the small ones fill about as many tasks as they need
    assert (np.bincount(tasks)[~small] == 1).all()
    assert np.count_nonzero(small) <= np.ceil(work[work < 100.0].sum() / 100.0)
    assert (loads[small] < 200.0).all()


def test_each_large_group_has_a_task_for_itself():
    assert share_tasks([26 * 7.0], [26], 5.0).tolist() == list(range(26))


def test_groups_without_work_share_a_task():
    assert share_tasks([0.0], [3], 10.0).tolist() == [0, 0, 0]


def test_small_groups_are_dealt_evenly():
    tasks = share_tasks([344 * 3.0], [344], 12.0)
    assert np.bincount(tasks).tolist() == [4] * 86


def test_murmur3_has_the_bits_of_spark():
    # SELECT hash(0), hash(1), ... of integers
    numbers = np.array([0, 1, -1, 2**31 - 1, -(2**31), 123_456_789], dtype=np.int32)
    assert murmur3(numbers).tolist() == [933211791, -559580957, -1604776387, 133916647, 723455942, -598405280]
