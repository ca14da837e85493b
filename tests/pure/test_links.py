"""Links in one cell: against all pairs, for any classes, halo rows and ties."""

from __future__ import annotations

import numpy as np
from hypothesis import given, strategies as st

from spark_balance.kernels.members import Members
from spark_balance.kernels.selection import Links

NAMES = ["a", "b", "c", "d", "e", "f"]
CELL = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(0, 2), st.booleans()), min_size=1)


@given(CELL)
def test_each_half_at_home_names_its_link(cell):
    points = np.array([row[:2] for row in cell], dtype=np.float64)
    codes, owned = np.array([row[2] for row in cell]), np.array([row[3] for row in cell])
    ids = np.column_stack([np.arange(len(cell)), np.full(len(cell), 7), np.ones(len(cell), int)])
    rows, named = Links(NAMES)(Members(points, codes, ids, owned))
    pairs = np.column_stack([named[name] for name in NAMES])
    told = {(int(row), int(one), int(other)) for row, one, other in zip(rows, pairs[:, 0], pairs[:, 3], strict=True)}

    distance = ((points[:, None] - points) ** 2).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    near = distance.argmin(axis=1)  # the first of equals, as identities go
    links = {
        (half, min(half, int(near[half])), max(half, int(near[half])))
        for half in range(len(cell))
        if len(cell) > 1 and near[near[half]] == half and codes[near[half]] != codes[half] and owned[half]
    }
    assert links <= told
    for half, one, other in told:
        assert owned[half]
        assert {one, other} == {half, int(near[half])}
        assert codes[one] != codes[other]


def test_rows_of_the_largest_class_are_asked_only_when_named():
    rng = np.random.default_rng(0)
    points = np.floor(rng.normal(size=(300, 3)) * 1000)
    codes = np.where(np.arange(300) < 10, 1, 0)
    asked = []

    class Counting(Members):
        def neighbors(self, queries, k):
            asked.append(len(queries))
            return super().neighbors(queries, k)

    ids = np.column_stack([np.arange(300), np.zeros(300, int), np.ones(300, int)])
    Links(NAMES)(Counting(points, codes, ids, np.ones(300, dtype=bool)))
    assert sum(asked) <= 20
