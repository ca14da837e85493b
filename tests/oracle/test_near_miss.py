"""NearMiss keeps the rows that imbalanced-learn keeps, on real tables, where ties go by identity."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from imbalanced import SETS, frame, ids, our_ties, real, with_identity
from imblearn.under_sampling import NearMiss as Theirs

from spark_balance import NearMiss

PARAMETERS = [
    {},
    {"n_neighbors": 5},
    {"version": 2},
    {"version": 2, "n_neighbors": 1},
    {"version": 3},
    {"version": 3, "n_neighbors_ver3": 7, "n_neighbors": 2},
]


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_the_same_rows_are_kept(spark, name, parameters):
    df = frame(spark, name)
    rows = with_identity(df, name)
    # rows of one score stay in the order of the table there, so it gets the order of identities
    order = np.argsort(rows[:, -1])
    with our_ties(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of the samples to be selected is larger")
        oracle = Theirs(**parameters)
        oracle.fit_resample(rows[order], real(name)[1][order])
    sampler = NearMiss(label_col="label", key_cols="id", scale=False, **parameters)
    kept = ids(sampler.fit_resample(df))
    assert kept == np.sort(order[oracle.sample_indices_]).tolist()
    assert len(kept) < len(order)
