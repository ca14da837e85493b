"""Exactly n of a class by score: the rows that sorting everything would choose, whatever the scores."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from spark_balance.frames import ranked
from spark_balance.frames.ranked import SCORE, last_units, least
from spark_balance.frames.row_ids import CODE, HI, LO, NTH

EXTREMES = [-(2**63), -1, 0, 1, 2**16, 2**32 - 1, 2**48, 2**63 - 1]
SCORES = {
    "equal": lambda draw, rows: np.full(rows, 4_607_182_418_800_017_408),
    "few": lambda draw, rows: draw.integers(0, 3, rows),
    "doubles": lambda draw, rows: draw.random(rows).view(np.int64),
    "opposite": lambda draw, rows: ~draw.random(rows).view(np.int64),
    "extremes": lambda draw, rows: draw.choice(EXTREMES, rows),
}


def _units(kind, rows, seed):
    """Return units of three classes, most of which share an identity, so that every part of it decides somewhere."""
    draw = np.random.default_rng(seed)
    wide = draw.integers(-(2**63), 2**63 - 1, (2, rows))
    wide[:, : rows // 2] = draw.choice(EXTREMES, (2, rows // 2))
    names = [CODE, SCORE, HI, LO, NTH]
    return dict(zip(names, (draw.integers(0, 3, rows), SCORES[kind](draw, rows), *wide, np.arange(rows)), strict=True))


def _frame(spark, units):
    types = {CODE: pa.int32(), NTH: pa.int32()}
    table = pa.table({name: pa.array(column, types.get(name, pa.int64())) for name, column in units.items()})
    return spark.createDataFrame(table)


def _sorted(units, code):
    rows = np.flatnonzero(units[CODE] == code)
    return rows[np.lexsort([units[name][rows] for name in (NTH, LO, HI, SCORE)])]


@pytest.mark.parametrize("held", [0, 10**6], ids=["searched for", "held"])
@pytest.mark.parametrize("few", [1, 10])
@given(
    st.sampled_from(sorted(SCORES)),
    st.integers(1, 60),
    st.lists(st.integers(0, 30), min_size=3, max_size=3),
    st.booleans(),
)
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_least_are_those_of_a_sort(spark, monkeypatch, held, few, kind, rows, wanted, seed):
    monkeypatch.setattr(ranked, "MOST_HELD", held)
    monkeypatch.setattr(ranked, "FEW", few)
    units = _units(kind, rows, int(seed))
    found = least(_frame(spark, units).repartition(3), dict(enumerate(wanted))).toArrow()
    expected = [row for code, n in enumerate(wanted) for row in _sorted(units, code)[:n]]
    assert sorted(found[NTH].to_pylist()) == sorted(expected)


def test_one_score_of_all_rows_takes_few_jobs(spark, monkeypatch):
    units = _units("equal", 3_000, 1) | {CODE: np.zeros(3_000, dtype=int)}
    df = _frame(spark, units)
    ran = []
    to_arrow = type(df).toArrow
    monkeypatch.setattr(type(df), "toArrow", lambda frame: (ran.append(1), to_arrow(frame))[1])
    monkeypatch.setattr(ranked, "FEW", 500)
    row = _sorted(units, 0)[2_000]
    assert last_units(df, {0: 2_001}) == {0: tuple(int(units[name][row]) for name in (SCORE, HI, LO, NTH))}
    # scores, halves of the identity, and what is left is read
    assert len(ran) == 3


def test_a_task_holds_no_more_than_twice_what_is_wanted_and_a_batch(monkeypatch):
    units = _units("doubles", 5_000, 3) | {CODE: np.zeros(5_000, dtype=int)}
    table = pa.table({name: pa.array(column) for name, column in units.items()})
    longest = []
    first = ranked._first
    monkeypatch.setattr(ranked, "_first", lambda rows, n: (longest.append(len(rows)), first(rows, n))[1])
    [batch] = ranked._firsts(table.to_batches(max_chunksize=50), {0: 100})
    assert batch.column(NTH).to_pylist() == _sorted(units, 0)[:100].tolist()
    assert max(longest) <= 2 * 100 + 50
