"""Cells are made and searched by exact arithmetic: what comes out stays the same, to all but the last digits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.sample import CellSize, Sample
from spark_balance.kernels.draws import quantile
from spark_balance.kernels.knn import KnnIndex
from spark_balance.kernels.metrics import Mixed
from spark_balance.kernels.recall import estimate_recall
from spark_balance.kernels.scale import MixedScale, Scale
from spark_balance.neighbors.cells import Goal, fit_cells
from spark_balance.neighbors.pools import Pool, Question


def integers(width, latent, rows):
    """Make rows of whole numbers that are the same on any machine."""
    draw = np.random.default_rng(latent)
    bells = draw.integers(-99, 100, (rows, latent, 4)).sum(axis=2)
    return (bells @ draw.integers(-9, 10, (latent, width))).astype(float)


def sample_of(columns, rows, shares):
    draws = [np.random.default_rng(code).integers(-(2**63), quantile(shares[code]), len(rows[code])) for code in rows]
    return Sample(columns, rows, {code: np.sort(drawn) for code, drawn in zip(rows, draws, strict=True)}, shares)


BOTH = {0: 30_000, 1: 3_000}, {0: 0.1, 1: 1.0}
ITSELF = [Question((0,), (0,), 5)]
CASES = {
    "two questions": (
        (8, 8, {0: 60_000, 1: 6_000}, {0: 0.1, 1: 0.2}, [Question((0,), (0, 1), 3), Question((1,), (0, 1), 5)], 10_000),
        (7, 1, 0.2006958958104944, 86004, 1802660.7471312503),
        (0.9965, 0.6270466949666464, 0.643, 4_000, 942.2857142857143, 4_000, 4_000),
    ),
    "a rare class among all": (
        (12, 12, *BOTH, [Question((1,), (0, 1), 5)], 10_000),
        (4, 1, 0.2636982045442573, -131482, 3112882.0397903975),
        (0.9966, 0.8820326678765881, 0.474, 4_000, 826.5, 4_000, 4_000),
    ),
    "a rare class among itself": (
        (12, 12, *BOTH, [Question((1,), (1,), 5)], 10_000),
        (4, 1, 0.37501487630862523, -131482, 3112882.0397903975),
        (0.9966, 0.11403030303030304, 0.419, 4_000, 826.5, 4_000, 4_000),
    ),
    "one cell": (
        (14, 14, {0: 40_000}, {0: 0.08}, ITSELF, 50_000),
        (1, 1, 0, 0, 0),
        (0.9982, 0, 0.991032341732469, 4_000, math.inf, 4_000, 4_000),
    ),
    "wide": (
        (240, 20, {0: 16_000}, {0: 0.1}, ITSELF, 3_000),
        (6, 1, 0.22632661670605728, 41305, 2837422.914455002),
        (0.94484437282628, 1.900625, 0, 2165, 266.6666666666667, 4_330, 4_330),
    ),
    "categories": (
        (5, 5, {0: 16_000}, {0: 0.1}, ITSELF, 3_000),
        (6, 1, 0.1505495331619161, 979814, 1940319.850277334),
        (0.9966, 0.305, 0, 0, math.inf, 4_000, 3_480),
    ),
    "many equal": (
        (6, 6, {0: 30_000}, {0: 0.1}, ITSELF, 6_000),
        (19, 2, 0.21411597991753412, 173690, 3912970.9494481054),
        (0.9966, 0.303, 0.895, 4_000, 166.66666666666666, 4_000, 2_057),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_sample_gives_the_same_cells_and_estimates_in_each_release(case):
    (width, latent, counts, shares, asked, cell_rows), cells, estimates = CASES[case]
    sizes = [int(counts[code] * shares[code]) for code in counts]
    rows = integers(width, latent, sum(sizes))
    if case == "many equal":
        rows[:1_800] = 0
    rows = rows[np.random.default_rng(1).permutation(len(rows))]
    mixed = case == "categories"
    if mixed:
        rows[:, -1] %= 3
    sample = sample_of(FeatureColumns((), (width,)), dict(enumerate(np.split(rows, sizes[:-1]))), shares)
    even = sample.evenly(counts)
    scale = MixedScale.of_numbers(even, 4, equalize=True) if mixed else Scale.fit(even, equalize=True)
    goal, metrics = Goal(CellSize(cell_rows)), {0: Mixed(4, 4e4)} if mixed else None
    made = fit_cells(sample, [(Pool(0, counts), asked)], scale, goal, metrics=metrics, prove=not mixed).pools[0]
    radius = 0.0 if made.cells.radius is None else made.cells.radius.sum()
    found = (made.n_cells, made.shards.max(), made.cells.tau, made.cells.centroids.sum(), radius)
    assert found == pytest.approx(cells, rel=1e-9)
    told = made.estimate
    found = (told.recall, told.halo, told.proven or 0, told.enough, told.sampled, made.work, made.candidates)
    assert found == pytest.approx(estimates, rel=1e-9)
    assert getattr(made.space, "judged", 10) == 10


@pytest.mark.parametrize(
    ("size", "one_in", "own", "others", "recall"),
    [
        ((12, 9_000, 5, 4_000), None, (7858743, 67720929, 170718099196), (3341997, 28786442, 55541988610), 1498 / 1500),
        ((30, 6_000, 3, 1_000), None, (2015124, 17856362, 1038636841130), (866723, 7780205, 286460697763), 407 / 750),
        ((30, 6_000, 3, 1_000), 20, (1434305, 17927240, 1056487628342), (604183, 7809125, 291938477810), 407 / 750),
        (
            (20, 12_000, 5, 8_000),
            20,
            (20630039, 119079836, 1289305040413),
            (8707416, 50562959, 427998110810),
            3698 / 3750,
        ),
    ],
)
def test_a_bounded_search_compares_and_finds_the_same_in_each_release(size, one_in, own, others, recall):
    width, rows, k, candidates = size
    points = integers(width, width, rows)
    classes = one_in and (np.arange(rows) % one_in == 0).astype(np.int64)
    for queries, expected in ((np.arange(0, rows, 3), own), (points[::7] + 1, others)):
        search = KnnIndex(points, k, classes=classes, candidates=candidates)
        found, squares = search.search(queries)
        assert (search.compared, found.sum(), squares.sum()) == expected
    assert estimate_recall(points[:1_500], np.arange(1_500), 20 * rows, k, candidates) == pytest.approx(recall)
