"""Rows kept by methods that clean are imbalanced-learn's, on real tables, where ties go by identity."""

from __future__ import annotations

import numpy as np
import pytest
from imbalanced import SETS, Seeds, frame, ids, our_ties, real, with_identity
from imblearn import under_sampling as theirs

from spark_balance.base.registry import SAMPLERS

ALIKE = {"label_col": "label", "key_cols": "id", "scale": False}
CASES = [
    ("tomek_links", {}),
    ("tomek_links", {"sampling_strategy": "all"}),
    ("edited_nearest_neighbours", {}),
    ("edited_nearest_neighbours", {"kind_sel": "mode", "n_neighbors": 4}),
    ("edited_nearest_neighbours", {"kind_sel": "mode", "sampling_strategy": "all"}),
    ("repeated_edited_nearest_neighbours", {"max_iter": 100}),
    ("repeated_edited_nearest_neighbours", {"kind_sel": "mode", "n_neighbors": 5, "max_iter": 100}),
    ("repeated_edited_nearest_neighbours", {"n_neighbors": 1, "sampling_strategy": "all", "max_iter": 2}),
    ("all_knn", {}),
    ("all_knn", {"kind_sel": "mode", "n_neighbors": 5}),
    ("all_knn", {"sampling_strategy": "all", "n_neighbors": 2}),
    ("all_knn", {"sampling_strategy": [0, 1], "n_neighbors": 4, "allow_minority": True}),
    ("neighbourhood_cleaning_rule", {}),
    ("neighbourhood_cleaning_rule", {"n_neighbors": 4, "threshold_cleaning": 2.0}),
    ("neighbourhood_cleaning_rule", {"sampling_strategy": "all", "n_neighbors": 5}),
    ("one_sided_selection", {}),
    ("one_sided_selection", {"n_seeds_S": 40, "n_neighbors": 3}),
    ("one_sided_selection", {"n_seeds_S": 5, "sampling_strategy": "majority"}),
]


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize(("method", "parameters"), CASES)
def test_the_same_rows_are_kept(spark, name, method, parameters):
    df = frame(spark, name)
    sampler = SAMPLERS[method](**ALIKE, **parameters)
    draws = {"random_state": Seeds(df, name)} if method == "one_sided_selection" else {}
    with our_ties():
        oracle = getattr(theirs, type(sampler).__name__)(**parameters, **draws)
        oracle.fit_resample(with_identity(df, name), real(name)[1])
    resampled = sampler.resample(df)
    kept = ids(resampled.frame)
    assert kept == np.sort(oracle.sample_indices_).tolist()
    if hasattr(oracle, "n_iter_"):
        assert resampled.notes["rounds"] == oracle.n_iter_
    # no two cultivars of wine are linked
    assert 0 < len(kept) < len(real(name)[1]) or (method, name) == ("tomek_links", "wine")
