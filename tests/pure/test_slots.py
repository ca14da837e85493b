"""How the copies of a base are dealt out to its neighbors."""

import numpy as np
import pyarrow as pa
from hypothesis import given, strategies as st
from scipy.stats import chisquare

from spark_balance.frames.row_ids import CODE, COPIES, HI, LO, NTH
from spark_balance.kernels.scale import Scale
from spark_balance.neighbors.cell_rows import CellRows
from spark_balance.neighbors.pairs import BATCH_NUMBERS, PairSearch

SCALE = Scale.fit(np.array([[0.0], [1.0]]), equalize=True)


def slots(copies, k, seed=0, stream=7):
    ids = np.random.default_rng(seed).integers(-(2**62), 2**62, (2, len(copies)))
    columns = {COPIES: np.asarray(copies, np.int32), HI: ids[0], LO: ids[1], NTH: np.zeros(len(copies), np.int32)}
    rows = CellRows(pa.table(columns), np.zeros((len(copies), 1)))
    return PairSearch(SCALE, k, stream).slots(rows, np.flatnonzero(rows.copies > 0), k)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=12), st.integers(1, 7), st.integers(0, 99))
def test_every_copy_has_one_neighbor_and_all_are_used_evenly(copies, k, seed):
    dealt = slots(copies, k, seed)
    for base, wanted in enumerate([n for n in copies if n]):
        mine = np.flatnonzero(dealt.base == base)
        each = [list(range(first, wanted, k)) for first in dealt.first[mine]]  # as the engine repeats a slot
        assert sorted(copy for some in each for copy in some) == list(range(wanted))
        assert len(set(dealt.rank[mine])) == len(mine) == min(k, wanted)
        assert max(map(len, each)) - min(map(len, each)) <= 1
        assert (dealt.rank[mine] < k).all()


def test_a_single_copy_has_any_of_the_neighbors():
    ranks = np.bincount(slots(np.ones(20_000, int), 5).rank, minlength=5)
    assert chisquare(ranks).pvalue > 1e-4
    assert (slots(np.ones(200, int), 5).rank != slots(np.ones(200, int), 5, stream=8).rank).any()


class AskedAlone(dict):
    """Numbers of classes that may be a million: a cell asks for those of its own."""

    def gone_through(self):
        raise AssertionError("a cell goes through all classes")

    __iter__ = keys = values = items = gone_through


@given(st.lists(st.tuples(st.sampled_from([3, 5, 8]), st.integers(1, 40)), min_size=1, max_size=12), st.integers(0, 99))
def test_a_base_of_a_small_class_has_the_neighbors_of_its_class(rows, seed):
    classes, copies = np.array(rows).T
    ids = np.random.default_rng(seed).integers(-(2**62), 2**62, (2, len(rows)))
    table = {CODE: classes.astype(np.int32), COPIES: copies.astype(np.int32), HI: ids[0], LO: ids[1]}
    cell = CellRows(pa.table(table | {NTH: np.zeros(len(rows), np.int32)}), np.zeros((len(rows), 1)))
    search = PairSearch(SCALE, 4, 7, fewer=AskedAlone({3: 0, 5: 2}))
    dealt = search.slots(cell, np.arange(len(rows)), 4)
    most = [{3: 1, 5: 2, 8: 4}[one] for one in classes]
    assert np.bincount(dealt.base).tolist() == [min(*one) for one in zip(copies, most, strict=True)]
    assert all(dealt.rank < np.array(most)[dealt.base])
    assert len(list(search.batches(cell, len(dealt.base), 1))) == 1


@given(rows=st.integers(0, 300), most=st.integers(1, 50_000), width=st.integers(0, 500), k=st.integers(1, 9))
def test_no_batch_makes_more_than_a_million_numbers_unless_one_slot_does(rows, most, width, k):
    cell = CellRows(pa.table({COPIES: np.full(rows, most)}), np.empty((rows, 1)))
    batches = [range(rows)[some] for some in PairSearch(SCALE, k, 7).batches(cell, rows, width)]
    assert [place for one in batches for place in one] == list(range(rows))
    each = width * -(-most // k)
    assert all(len(one) * each <= BATCH_NUMBERS or len(one) <= 1 for one in batches)
