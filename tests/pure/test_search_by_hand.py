"""Searches in cells whose rows are moved by hand, as an engine would move them, against all pairs."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from spark_balance.frames.arrow import packed, unpacked
from spark_balance.frames.row_ids import (
    BASE,
    CARRIED,
    CELL,
    CODE,
    COPIES,
    FEATURES,
    FIRST,
    HI,
    LISTED,
    LO,
    NEAR,
    NEAR_ORIGIN,
    NTH,
    ORIGIN,
    name_numbers,
)
from spark_balance.kernels.centroids import Cells
from spark_balance.kernels.draws import xxhash64
from spark_balance.kernels.metrics import Mixed
from spark_balance.kernels.recall import Estimate
from spark_balance.kernels.scale import MixedScale, Scale
from spark_balance.neighbors.cell_map import CellMap, PoolCells, _assign
from spark_balance.neighbors.exact import ExactSearch
from spark_balance.neighbors.join import _search_cells
from spark_balance.neighbors.pairs import SQUARE, PairSearch
from spark_balance.neighbors.votes import CATEGORIES, VOTED, CategoryVotes

N, CENTERS = 240, np.array([[-20.0, 0.0], [20.0, 0.0], [0.0, 30.0]])
ONE_TO_ONE = Scale(np.zeros(2), np.ones(2), 2.0**20)


def rows_of(seed, classes=2):
    """Make rows around three places, some of them equal; class 0 has copies."""
    draw = np.random.default_rng(seed)
    points = np.rint(CENTERS[draw.integers(0, 3, N)] + draw.normal(size=(N, 2)) * 9)
    points[200:] = points[160:200]
    codes = draw.integers(0, classes, N)
    ids = draw.integers(-(2**62), 2**62, (2, N))
    ids[:, 220:] = ids[:, 180:200]  # rows without a key
    codes[180:] = np.tile(codes[180:200], 3)
    return points, codes, ids


def batch_of(points, codes, ids, copies):
    columns = {CODE: codes.astype(np.int32), HI: ids[0], LO: ids[1], NTH: np.zeros(N, np.int32), COPIES: copies}
    columns |= {ORIGIN: np.arange(N), CARRIED: np.arange(N)}
    return pa.record_batch({name: pa.array(one) for name, one in columns.items()} | {FEATURES: packed(points)})


def map_of(pools, tau, shards):
    """Make a pool of three cells for each of some pools, by its classes."""
    made, first = {}, 0
    for number in pools:
        cells = Cells(CENTERS, tau, 2, np.array([1.0, 2.0, 3.0]))
        made[number] = PoolCells(first, cells, np.array(shards), Estimate(1.0, 0.0), N, N)
        first += sum(shards)
    pool_of = {code: number for number, codes in pools.items() for code in codes}
    return CellMap(ONE_TO_ONE, made, pool_of=pool_of)


def placed(batch, cell_map):
    return pa.Table.from_batches(_assign([batch, batch.slice(0, 0)], cell_map, CODE, as_integers=False))


def by_cell(table):
    labels = table[CELL].to_numpy()
    return [table.filter(pa.array(labels == label)) for label in np.unique(labels)]


def exactly(batch, cell_map, search):
    """Do what `search_exactly` has an engine do."""
    exact, owned = ExactSearch(search, cell_map), placed(batch, cell_map.without_halo())
    asked = pa.concat_tables([exact.first(one) for one in by_cell(placed(batch, cell_map))])
    for name in asked.column_names[len(owned.column_names) :]:
        owned = owned.append_column(name, pa.nulls(len(owned), asked.schema.field(name).type))
    both = pa.concat_tables([owned.select(asked.column_names), asked])
    answers = pa.concat_tables([exact.second(one) for one in by_cell(both)])
    return pa.concat_tables([pairs for one in by_cell(answers) for pairs in exact.merge(one)])


def nearest(points, codes, ids, bases, k, may):
    """Return the squared distances from bases to the k nearest rows that they may have, by all pairs."""
    squares = ((points[bases, None] - points) ** 2).sum(axis=2)
    squares[~may(codes[bases][:, None], codes)] = np.inf
    squares[np.arange(len(bases)), bases] = np.inf
    order = np.array([np.lexsort((*ids[::-1], row))[:k] for row in squares])
    return order, np.take_along_axis(squares, order, axis=1)


@pytest.mark.parametrize(("tau", "shards"), [(-np.inf, [1, 1, 1]), (2.0, [1, 1, 1]), (0.5, [1, 3, 2])])
@pytest.mark.parametrize("visitors", [None, (1,)])
def test_a_row_goes_to_the_nearest_centroid_and_to_those_whose_border_is_near(tau, shards, visitors):
    points, codes, ids = rows_of(seed=1)
    cell_map = map_of({5: (0, 1)}, tau, shards)
    cells = replace(cell_map.pools[5], visitors=visitors)
    cell_map = replace(cell_map, pools={5: cells})
    told = placed(batch_of(points, codes, ids, np.full(N, 3, np.int32)), cell_map)
    label, first = cell_map.labels, np.cumsum([0, *shards])
    owned, halo = set(), set()
    for row, (point, lo) in enumerate(zip(points, ids[1].tolist(), strict=True)):
        away = ((point - CENTERS) ** 2).sum(axis=1)
        own = int(away.argmin())
        owned.add((row, label[first[own] + lo % shards[own]]))
        for other in {0, 1, 2} - {own} if visitors is None or codes[row] in visitors else ():
            apart = 2 * np.linalg.norm(CENTERS[own] - CENTERS[other])
            if (away[other] - away[own]) / apart <= tau * cells.cells.radius[other]:
                halo |= {(row, label[one]) for one in range(first[other], first[other + 1])}
    rows = list(zip(told[ORIGIN].to_pylist(), told[CELL].to_pylist(), strict=True))
    assert len(rows) == len(set(rows)) == len(owned) + len(halo)
    assert set(rows[:N]) == owned
    assert set(rows[N:]) == halo
    assert told[COPIES].to_pylist() == [3] * N + [0] * len(halo)
    assert told[CARRIED].to_pylist() == [row for row, _ in rows[:N]] + [None] * len(halo)
    np.testing.assert_array_equal(unpacked(told[FEATURES].combine_chunks(), 2), points[told[ORIGIN].to_numpy()])


def test_a_sample_says_how_many_rows_each_cell_holds():
    points, codes, _ = rows_of(seed=2)
    cells = map_of({5: (0, 1)}, 0.5, [2, 3, 1]).pools[5]
    owner, _, visited = cells.assign(points, np.arange(N), codes)
    assert cells.n_cells == 6
    held = np.bincount(owner, minlength=6) + np.bincount(visited, minlength=6)
    even = [held[some].mean() for some in (slice(0, 2), slice(2, 5), slice(5, 6))]
    assert cells.sizes(points, 10 * N, codes) == pytest.approx(10 * np.repeat(even, [2, 3, 1]))
    assert cells.sizes(points[:0], 600).tolist() == [100.0] * 6


POOLS = {
    "one": ({5: (0, 1)}, None, lambda own, other: own + other >= 0),
    "each": ({0: (0,), 1: (1,)}, None, lambda own, other: own == other),
    "among others": ({5: (0, 1)}, (1,), lambda own, other: (own == 0) & (other == 1)),
}


@pytest.mark.parametrize("pools", POOLS)
@pytest.mark.parametrize(("tau", "shards"), [(-np.inf, [1, 1, 1]), (2.0, [1, 1, 1]), (0.5, [1, 3, 2])])
def test_an_exact_search_finds_what_all_pairs_say(pools, tau, shards):
    numbers, among, may = POOLS[pools]
    points, codes, ids = rows_of(seed=len(pools))
    copies = np.where((codes == 0) | (among is None), 2, 0).astype(np.int32)
    cell_map, k = map_of(numbers, tau, shards), 4
    search = PairSearch(ONE_TO_ONE, k, None, among=among, pool_of=cell_map.pool_of, how="exact")
    told = exactly(batch_of(points, codes, ids, copies), cell_map, search)
    bases = np.flatnonzero(copies)
    base, near, rank = (told[name].to_numpy() for name in (ORIGIN, NEAR_ORIGIN, FIRST))
    assert (told[CARRIED].to_numpy() == base).all()
    assert len(told) == k * len(bases)
    order = np.lexsort((rank, base))
    base, near, squares = (one.reshape(-1, k) for one in (base[order], near[order], told[SQUARE].to_numpy()[order]))
    assert (base == bases[:, None]).all()
    true, away = nearest(points, codes, ids, bases, k, may)
    np.testing.assert_array_equal(squares, away)
    # of rows with one id, each is as good as the other
    assert (ids[:, near] == ids[:, true]).all()
    assert (near != bases[:, None]).all()
    assert all(len(set(some)) == k for some in near.tolist())


def searched(batch, cell_map, search):
    """Search cells as one task that gets their rows in several batches."""
    table = placed(batch, cell_map)
    order = np.random.default_rng(0).permutation(len(table))
    batches = table.take(pa.array(order)).combine_chunks().to_batches(max_chunksize=70)
    return pa.Table.from_batches(list(_search_cells(batches, search)))


def whole_pools(scale, **changes):
    """Make a pool of one cell for each of two classes."""
    one = PoolCells(0, Cells(np.zeros((1, scale.center.size))), np.ones(1, np.int64), Estimate(1.0, 0.0), N, N)
    return CellMap(scale, {0: one, 1: replace(one, first=1)}, **changes)


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("width", "kind"), [(2, np.float64), (LISTED + 1, np.float32)])
def test_each_copy_has_one_of_the_nearest_in_turn_from_one_that_its_base_draws(width, kind, shared):
    points, codes, ids = rows_of(seed=6)
    points = np.column_stack([points, np.zeros((N, width - 2))]).astype(kind)
    copies, k = np.random.default_rng(1).integers(0, 7, N).astype(np.int32), 3
    cell_map = whole_pools(Scale(np.zeros(width), np.ones(width), 2.0**20), kind=kind)
    cell_map = cell_map.share_tasks() if shared else cell_map
    search = PairSearch(cell_map.scale, k, 77, kind=kind)
    told = searched(batch_of(points, codes, ids, copies), cell_map, search)
    base, near, first = (told[name].to_numpy() for name in (ORIGIN, NEAR_ORIGIN, FIRST))
    assert sorted(base.tolist()) == np.repeat(np.arange(N), np.minimum(copies, k)).tolist()
    assert (told[CARRIED].to_numpy() == base).all()
    true, _ = nearest(points, codes, ids, np.arange(N), k, lambda own, other: own == other)
    drawn = np.mod(xxhash64(77, *ids, np.zeros(N, np.int64)), k)
    expected = true[base, (drawn[base] + first) % k]
    assert (ids[:, near] == ids[:, expected]).all()
    assert (near != base).all()
    for what, rows in ((BASE, base), (NEAR, near)):
        names = name_numbers(what, width)
        numbers = [told[name].combine_chunks() for name in names]
        numbers = numbers[0].flatten() if width > LISTED else pa.array(np.column_stack(numbers).ravel())
        assert numbers.type == pa.from_numpy_dtype(kind)
        np.testing.assert_array_equal(numbers.to_numpy().reshape(-1, width), points[rows])


@pytest.mark.parametrize("itself", [True, False])
def test_all_neighbors_vote_for_the_categories_of_a_copy(itself):
    points, codes, ids = rows_of(seed=9)
    draw = np.random.default_rng(2)
    values, copies, k = draw.integers(0, 3, (N, 3)), draw.integers(0, 4, N).astype(np.int32), 4
    values[200:] = values[160:200]
    table = np.column_stack([points, 1000.0 + 2.0**40 * values])
    batch = batch_of(table, codes, ids, copies)
    own = pa.StructArray.from_arrays(
        [pa.array([f"{i}{one}" for one in values[:, i]]) for i in range(3)], ["c0", "c1", "c2"]
    )
    batch = batch.append_column(CATEGORIES, own)
    metrics = {0: Mixed(2, 30.0), 1: Mixed(2, 0.0)}
    cell_map = whole_pools(MixedScale(np.zeros(5), np.ones(5), 2.0**20, numbers=2), metrics=metrics)
    search = PairSearch(cell_map.scale, k, 77, metrics=metrics, votes=CategoryVotes(3, 2, itself, 5))
    told = searched(batch, cell_map, search)
    base, first = (told[name].to_numpy() for name in (ORIGIN, FIRST))
    assert not {f"{BASE}2", f"{NEAR}2"} & set(told.column_names)
    drawn, several = np.mod(xxhash64(77, *ids, np.zeros(N, np.int64)), k), 0
    for i, row in enumerate(base):
        squares = ((points[row] - points) ** 2).sum(axis=1)
        squares += metrics[codes[row]].penalty * (values[row] != values).sum(axis=1)
        squares[(codes != codes[row]) | (np.arange(N) == row)] = np.inf
        near = np.lexsort((*ids[::-1], squares))[:k]
        used = near[(drawn[row] + first[i]) % k]
        assert [told[f"{NEAR}{j}"][i].as_py() for j in range(2)] == points[used].tolist()
        assert [told[f"{BASE}{j}"][i].as_py() for j in range(2)] == points[row].tolist()
        for place in range(3):
            votes = Counter(f"{place}{one}" for one in values[[row, *near] if itself else near, place])
            assert votes[told[VOTED][i].as_py()[f"c{place}"]] == max(votes.values())
            several += list(votes.values()).count(max(votes.values())) > 1
    assert several > 10


def test_a_row_alone_in_a_random_partition_is_its_own_neighbor():
    points, codes, ids = rows_of(seed=3)
    batch = batch_of(points, codes, ids, np.full(N, 2, np.int32)).slice(7, 1)
    search = PairSearch(ONE_TO_ONE, 3, 77, how="scikit-learn")
    [pairs] = search(search.read(pa.Table.from_batches([batch])))
    assert pairs[NEAR_ORIGIN].to_pylist() == [7, 7]
    assert [pairs[f"{NEAR}{i}"].to_pylist() for i in range(2)] == [[point] * 2 for point in points[7].tolist()]


def test_few_rows_of_a_random_partition_use_each_other_again_and_again():
    points, codes, ids = rows_of(seed=3)
    batch = batch_of(points, 0 * codes, ids, np.full(N, 9, np.int32)).slice(7, 3)
    search = PairSearch(ONE_TO_ONE, 5, 77, how="scikit-learn")
    [pairs] = search(search.read(pa.Table.from_batches([batch])))
    for base in (7, 8, 9):
        used = pairs.filter(pa.array(pairs[ORIGIN].to_numpy() == base))[NEAR_ORIGIN].to_pylist()
        assert sorted(Counter(used).values()) == [2, 3]
        assert base not in used
