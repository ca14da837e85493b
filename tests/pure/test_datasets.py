"""The payments that come with the package: the same for a seed, as messy as they say, as any frame."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from spark_balance.datasets import payments
from spark_balance.errors import ParameterError


def test_a_seed_gives_the_same_payments_in_every_library():
    frame = payments(2000, seed=3)
    assert isinstance(frame, pd.DataFrame)
    assert frame.equals(payments(2000, seed=3))
    assert not frame.equals(payments(2000, seed=4))
    table = payments(2000, seed=3, frame="pyarrow")
    assert table.equals(pa.Table.from_pandas(frame, table.schema))
    assert payments(2000, seed=3, frame="polars").equals(pl.DataFrame(table))


@pytest.mark.parametrize(("rows", "fraud"), [(1, 1), (100, 1), (10_000, 30), (100_000, 300)])
def test_fraud_is_three_in_a_thousand(rows, fraud):
    table = payments(rows, frame="pyarrow")
    assert table.num_rows == rows == len(set(table["payment_id"].to_pylist()))
    assert sum(table["is_fraud"].to_pylist()) == fraud


def test_it_is_messy_and_its_features_explain_fraud():
    frame = payments(50_000)
    missing = frame.isna().mean()
    assert {name for name in frame.columns if missing[name]} == {"country", "device", "distance_km"}
    assert missing["distance_km"] == pytest.approx(0.06, abs=0.01)
    fraud = frame["is_fraud"] == 1
    for name in ("amount", "attempts", "distance_km"):
        numbers = frame[name].astype(float)
        assert np.nanmean(numbers[fraud]) > 1.2 * np.nanmean(numbers[~fraud])


@pytest.mark.parametrize("given", [{"rows": 0}, {"seed": -1}, {"rows": 1.5}, {"frame": "numpy"}, {"spark": 3}])
def test_what_makes_no_table_is_refused(given):
    with pytest.raises(ParameterError, match="^payments: "):
        payments(**given)
