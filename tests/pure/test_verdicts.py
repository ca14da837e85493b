"""Kernels say of a row in many cells what they say in one, wherever the neighbors that they need are proven."""

from __future__ import annotations

import numpy as np
import pytest

from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.sample import CellSize, Sample
from spark_balance.kernels.knn import knn
from spark_balance.kernels.members import Members
from spark_balance.kernels.rules import Cleaned, Edited, OtherClass
from spark_balance.kernels.scale import Scale
from spark_balance.kernels.scores import Nearness
from spark_balance.kernels.selection import OneSided, Prototypes
from spark_balance.neighbors.cells import Goal, fit_cells
from spark_balance.neighbors.pools import Pool, Question

ROWS = 4_000
SIZES = {0: 3_000, 1: 700, 2: 300}
EVERYONE, MINORITY = (0, 1, 2), (2,)
K = 3
PAIR = ("a", "b", "c", "d", "e", "f")


@pytest.fixture(scope="module")
def rows():
    """Return rows of three classes that overlap, their class numbers and identities."""
    draw = np.random.default_rng(5)
    codes = draw.permutation(np.repeat(list(SIZES), list(SIZES.values())))
    plane = draw.normal(size=(ROWS, 2)) * 3 + 2 * codes[:, None]
    return plane @ draw.normal(size=(2, 5)), codes, np.column_stack([np.arange(ROWS)] * 3)


def told(judge, cell_map, rows):
    """Return what is said of each row, cell by cell: the column of the first word, and a mark for those not named."""
    raw, codes, ids = rows
    points = cell_map.scale.integers(raw)
    home, visitor, visited = cell_map.pools[0].assign(points, ids[:, 1], codes)
    said = np.full(ROWS, -1, dtype=np.int64)
    for cell in range(cell_map.n_cells):
        here = np.sort(np.concatenate([np.flatnonzero(home == cell), visitor[visited == cell]]))
        at_home = home[here] == cell
        named, words = judge(Members(points[here], codes[here], ids[here], at_home))
        words = next(iter(words.values()), np.ones(len(named), dtype=np.int64))
        said[here[named]] = words.astype(np.int64)
    return said


def asked_in_cells(rows, asked, cell_rows):
    """Make the cells from all rows, as a sample that has them all would."""
    raw, codes, _ = rows
    of_class = {code: raw[codes == code] for code in SIZES}
    draws = {code: np.sort(np.random.default_rng(code).integers(-(2**63), 2**63 - 1, n)) for code, n in SIZES.items()}
    sample = Sample(FeatureColumns((), (5,)), of_class, draws, dict.fromkeys(SIZES, 1.0))
    pool = Pool(0, SIZES, {code: str(code) for code in SIZES})
    scale = Scale.fit(sample.evenly(sample.rows), equalize=True)
    return fit_cells(sample, [(pool, asked)], scale, Goal(CellSize(cell_rows)))


def proven(cell_map, rows, codes, k):
    """Tell the rows no nearer row of some classes than whose k-th can be outside of their cell; and the k nearest."""
    points = cell_map.scale.integers(rows[0])
    others = np.flatnonzero(np.isin(rows[1], codes))
    found, away = knn(points[others], points, k + 1, how="brute")
    found = others[found]
    itself = found[:, 0] == np.arange(ROWS)
    last = np.where(itself, away[:, k], away[:, k - 1])
    near = np.where(itself[:, None], found[:, 1:], found[:, :-1])
    return cell_map.pools[0].proven(points, np.sqrt(last)), near


def one_sided(rows, cell_map):
    raw, codes, ids = rows
    seeds = np.sort(np.concatenate([np.flatnonzero(codes == code)[:20] for code in (0, 1)]))
    known = Prototypes(cell_map.scale.integers(raw[seeds]), codes[seeds], ids[seeds])
    select = OneSided({0: 2, 1: 2}, known, 1, PAIR)

    def alone(members):
        """Leave out the links: a row that goes by itself is a pair with itself."""
        named, pairs = select(members)
        by_itself = pairs["a"] == pairs["d"]
        return named[by_itself], {}

    return alone


KERNELS = {
    # what is asked, and the kernel with the classes and the number of the neighbors that it needs
    "edited": (EVERYONE, lambda rows, cells: Edited((0, 1), K, "all"), K),
    # the counts of ADASYN, the danger of BorderlineSMOTE, the levels of SafeLevelSMOTE
    "counts of other classes": (EVERYONE, lambda rows, cells: OtherClass("n", (1, 2), K), K),
    "outvoted": (EVERYONE, lambda rows, cells: Cleaned((0, 1), (2,), (), K), K),
    "crowding": (EVERYONE, lambda rows, cells: Cleaned((), (2,), (0, 1), K), K),
    "nearness": (MINORITY, lambda rows, cells: Nearness("s", (0, 1), (2,), K, {0: np.ones((K, 5))}), K),
    "one-sided": (MINORITY, one_sided, 1),
}


@pytest.mark.parametrize("cell_rows", [250, 700])
@pytest.mark.parametrize("kernel", KERNELS)
def test_what_is_said_is_what_one_cell_says_wherever_it_is_proven(rows, kernel, cell_rows):
    among_whom, made, k = KERNELS[kernel]
    asked = [Question(EVERYONE if among_whom == EVERYONE else (0, 1), among_whom, k)]
    whole, cells = (asked_in_cells(rows, asked, size) for size in (ROWS, cell_rows))
    assert (whole.n_cells, cells.n_cells > 5) == (1, True)
    alone, several = (told(made(rows, cell_map), cell_map, rows) for cell_map in (whole, cells))
    sure, near = proven(cells, rows, among_whom, k)
    if kernel == "crowding":
        # a row goes by what its neighbors say: those that have it among theirs, or may think so, have to be proven too
        near = proven(cells, rows, among_whom, 3 * k)[1]
        needed = np.ones(ROWS, dtype=bool)
        needed[near[~sure].ravel()] = False
        needed &= sure
    else:
        needed = sure
    assert 0.2 < needed.mean() < 1
    # as many rows are named as makes the comparison one
    assert 20 < np.count_nonzero(alone[needed] != -1) < ROWS
    assert (alone == several)[needed].all()
    assert np.mean(alone == several) >= 0.98
