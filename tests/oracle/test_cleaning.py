"""Rows kept by methods that clean are imbalanced-learn's, on real tables, where ties go by identity."""

from __future__ import annotations

import numpy as np
import pytest
from imbalanced import SETS, frame, ids, our_ties, real, with_identity
from imblearn import under_sampling as theirs

from spark_balance.samplers.registry import SAMPLERS

ALIKE = {"label_col": "label", "key_cols": "id", "scale": False}
CASES = [
    ("tomek_links", {}),
    ("tomek_links", {"sampling_strategy": "all"}),
    ("edited_nearest_neighbours", {}),
    ("edited_nearest_neighbours", {"kind_sel": "mode", "n_neighbors": 4}),
    ("edited_nearest_neighbours", {"kind_sel": "mode", "sampling_strategy": "all"}),
]


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(("method", "parameters"), CASES)
def test_the_same_rows_are_kept(spark, name, method, parameters):
    df = frame(spark, name)
    sampler = SAMPLERS[method](**ALIKE, **parameters)
    with our_ties():
        oracle = getattr(theirs, type(sampler).__name__)(**parameters)
        oracle.fit_resample(with_identity(df, name), real(name)[1])
    kept = ids(sampler.fit_resample(df))
    assert kept == np.sort(oracle.sample_indices_).tolist()
    # no two cultivars of wine are linked
    assert 0 < len(kept) < len(real(name)[1]) or (method, name) == ("tomek_links", "wine")
