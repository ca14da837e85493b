"""What methods that clean refuse: parameters that cannot be, and tables too small for their neighbors."""

from __future__ import annotations

import pytest
from frames import FEATURES, labelled

from spark_balance import SparkBalanceError
from spark_balance.base.registry import SAMPLERS
from spark_balance.frames import fetch
from spark_balance.under_sampling import prototype_selection


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("all_knn", {"n_neighbors": 0}),
        ("all_knn", {"kind_sel": "most"}),
        ("condensed_nearest_neighbour", {"n_seeds_S": 0}),
        ("condensed_nearest_neighbour", {"n_neighbors": 0}),
        ("neighbourhood_cleaning_rule", {"threshold_cleaning": 0}),
        ("neighbourhood_cleaning_rule", {"n_neighbors": 1.5}),
        ("one_sided_selection", {"n_seeds_S": True}),
        ("repeated_edited_nearest_neighbours", {"max_iter": 0}),
    ],
)
def test_values_that_cannot_be_are_named(method, parameters):
    name, value = next(iter(parameters.items()))
    with pytest.raises(SparkBalanceError, match=f"{SAMPLERS[method].__name__}: {name}={value!r} is refused"):
        SAMPLERS[method](label_col="label", **parameters)


@pytest.mark.parametrize("method", ["all_knn", "neighbourhood_cleaning_rule", "repeated_edited_nearest_neighbours"])
def test_more_neighbors_than_rows_are_refused(spark, method):
    sampler = SAMPLERS[method](label_col="label", key_cols="id", feature_cols=FEATURES, n_neighbors=9)
    sentence = (
        f"{SAMPLERS[method].__name__}: 9 neighbors .* need at least 10 rows, but the data has 9; use n_neighbors<=8$"
    )
    with pytest.raises(SparkBalanceError, match=sentence):
        sampler.fit_resample(labelled(spark, [6, 3]))
    assert sampler.fit_resample(labelled(spark, [6, 4])).count() <= 10


def test_seeds_that_no_task_can_be_sent_are_refused(spark, monkeypatch):
    monkeypatch.setattr(prototype_selection, "MOST_NUMBERS", 3 * 20)
    given = {"label_col": "label", "key_cols": "id", "feature_cols": FEATURES}
    df = labelled(spark, [60, 40, 10])
    with pytest.raises(SparkBalanceError, match=r"n_seeds_S=11 draws 22 rows, .* use n_seeds_S<=10$"):
        SAMPLERS["one_sided_selection"](**given, n_seeds_S=11).fit_resample(df)
    SAMPLERS["one_sided_selection"](**given, n_seeds_S=10).fit_resample(df)
    assert fetch.MOST_NUMBERS == 2**20


def test_counts_that_are_not_those_of_the_rows_are_refused_where_seeds_are_drawn(spark):
    sampler = SAMPLERS["one_sided_selection"](label_col="label", key_cols="id", feature_cols=FEATURES, n_seeds_S=50)
    with pytest.raises(SparkBalanceError, match="the given counts differ from the rows"):
        sampler.fit_resample(labelled(spark, [40, 10]), {"class 0": 60, "class 1": 10})
