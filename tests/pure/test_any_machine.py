"""What is made of whole numbers by exact sums is the same on any machine: its checksums were made on one of them."""

from zlib import crc32

import numpy as np
import pytest

from spark_balance.kernels.centroids import fit_centroids
from spark_balance.kernels.clusters import clustered
from spark_balance.kernels.pivots import Pivots, halves
from spark_balance.kernels.projection import Projection


def rows_of(width, most, count=900):
    """Return whole numbers whose spread falls from one feature to the next, with a few rows far from all others."""
    rows = np.random.default_rng(width).integers(-most, most, (count, width)) // (1 + np.arange(width))
    rows[::300] *= 9
    return rows.astype(float)


def checksum(*arrays):
    """Return a checksum of whole numbers."""
    assert all((np.rint(array) == array).all() for array in arrays)
    return crc32(b"".join(np.ascontiguousarray(array, dtype=np.int64).tobytes() for array in arrays))


@pytest.mark.parametrize(
    ("width", "most", "sum_of_all"),
    [(7, 50, 1_268_531_481), (130, 50, 3_496_199_066), (130, 900_000, 1_224_476_612)],
    ids=["narrow", "coarse", "fine"],
)
def test_axes_and_where_rows_lie_there(width, most, sum_of_all):
    rows = rows_of(width, most)
    made = Projection.fit(rows)
    assert checksum(made.center, made.axes, [made.divisor], made.embed(rows[:99])) == sum_of_all


@pytest.mark.parametrize(("most", "sum_of_all"), [(50, 1_950_028_893), (9_000, 3_113_274_202)])
def test_pivots_and_their_limits(most, sum_of_all):
    rows = rows_of(3, most)
    made = Pivots(*halves(rows), 2_000, 300)
    assert checksum(made.rows, made.limit, made.coarse(rows)) == sum_of_all


@pytest.mark.parametrize(
    ("cells", "smallest", "largest", "sum_of_all"), [(12, 5, 0.05, 1_887_352_420), (30, 40, 0.5, 3_643_749_258)]
)
def test_centroids(cells, smallest, largest, sum_of_all):
    assert checksum(fit_centroids(rows_of(3, 99), cells, smallest, largest)) == sum_of_all


def test_clusters():
    assert checksum(clustered(rows_of(3, 99), 11)) == 1_599_839_032
