"""Where the variants of SMOTE put new rows: gaps, bases and neighbors as their papers have them."""

from __future__ import annotations

import ast
import re
from collections import Counter

import numpy as np
import pytest
from frames import FEATURES, labelled, rows_by_label
from pyspark.sql import functions as F
from sklearn.neighbors import NearestNeighbors
from smote_rows import synthesized

from spark_balance import (
    ADASYN,
    MWMOTE,
    SVMSMOTE,
    BorderlineSMOTE,
    GaussianSMOTE,
    KMeansSMOTE,
    SafeLevelSMOTE,
    SparkBalanceError,
)

SIZES = [900, 300, 120]


@pytest.fixture(scope="module")
def df(spark):
    return labelled(spark, SIZES)


def _made(df, sampler, **parameters):
    found = synthesized(df, FEATURES, sampler=sampler, scale=False, **parameters)
    np.testing.assert_allclose(found.new[:, :2], found.expected[:, :2], rtol=1e-9, atol=1e-9)
    assert (found.label == found.labels[found.base]).all()
    return found


def _others(found, k):
    """Return how many of each original's k nearest are of another class; features are on a grid: few ties."""
    near = NearestNeighbors(n_neighbors=k).fit(found.points).kneighbors(return_distance=False)
    return (found.labels[near] != found.labels[:, None]).sum(axis=1)


def test_borderline_2_goes_at_most_half_way_to_other_classes(df):
    found = _made(df, BorderlineSMOTE, kind="borderline-2")
    other = found.labels[found.near] != found.label
    assert 0.2 < other.mean() < 0.95
    assert found.gap[other].max() < 0.5
    assert found.gap[other].mean() == pytest.approx(0.125, abs=0.02)  # the product of two uniform draws
    assert found.gap[~other].mean() == pytest.approx(0.5, abs=0.06)


def test_borderline_1_stays_in_its_class(df):
    found = _made(df, BorderlineSMOTE)
    assert (found.labels[found.near] == found.label).all()
    danger = _others(found, 10)
    assert np.isin(danger[found.base], range(5, 10)).mean() > 0.99


def test_safe_levels_bound_the_gap(df):
    found = _made(df, SafeLevelSMOTE)
    safe = 5 - _others(found, 5)
    base, near = safe[found.base], safe[found.near]
    assert base.min() > 0
    low = np.where(base >= near, 0, 1 - base / np.maximum(near, 1))
    high = np.where(base >= near, near / base, 1)
    # equal distances may be counted otherwise by scikit-learn
    inside = (found.gap >= low) & (found.gap <= high)
    assert inside.mean() > 0.99
    assert (found.gap[near == 0] == 0).all()
    assert len(np.unique(found.gap[inside & (low > 0)])) > 100


def test_gaussian_gaps_are_uniform_ones_with_noise(df):
    smote, found = _made(df, GaussianSMOTE, sigma=0.0), _made(df, GaussianSMOTE, sigma=0.2)

    def in_order(one):
        order = np.lexsort((one.near, one.base))
        return one.base[order], one.near[order]

    np.testing.assert_array_equal(in_order(smote), in_order(found))
    assert 0 <= smote.gap.min() <= smote.gap.max() < 1
    assert found.gap.min() < 0
    assert found.gap.max() > 1
    assert found.gap.var() == pytest.approx(1 / 12 + 0.2**2, rel=0.1)


def test_svm_goes_inwards_in_danger_and_outwards_where_it_is_safe(df):
    found = _made(df, SVMSMOTE, out_step=0.25)
    others = _others(found, 10)[found.base]
    assert others.max() < 10
    outwards = found.gap < 0
    assert found.gap.min() >= -0.25
    assert (others[outwards] < 5).mean() > 0.99
    assert (others[~outwards] >= 5).mean() > 0.99
    for label, wanted in (("class 1", 600), ("class 2", 780)):
        mine = found.label == label
        assert mine.sum() == wanted
        often = [Counter(found.base[mine & side].tolist()).values() for side in (outwards, ~outwards)]
        assert all(max(one, default=0) - min(one, default=0) <= 1 for one in often)


def test_mwmote_has_more_rows_near_the_border(df):
    found = _made(df, MWMOTE)
    rows = np.flatnonzero(found.labels == "class 1")
    often = np.bincount(found.base, minlength=len(found.ids))[rows]
    others = _others(found, 5)[rows]
    assert (often[others == 5] == 0).all()
    assert often[(others > 0) & (others < 5)].mean() > often[others == 0].mean()


@pytest.mark.parametrize("neighbors", ["cells", "exact"])
def test_k_means_stays_inside_clusters(df, neighbors):
    found = _made(df, KMeansSMOTE, kmeans_estimator=4, cluster_balance_threshold=0.0, neighbors=neighbors, cell_rows=40)
    assert (found.labels[found.near] == found.label).all()
    assert len(found.new) == 600 + 780
    # nearest rows link to each other: what clusters part is never linked
    group = np.arange(len(found.ids))
    for _ in group:
        before = group.copy()
        np.minimum.at(group, found.base, group[found.near])
        np.minimum.at(group, found.near, group[found.base])
        if (group == before).all():
            break
    assert len(np.unique(group[found.base])) >= 4


@pytest.mark.parametrize(
    ("sampler", "change", "sentence"),
    [
        (BorderlineSMOTE, "x + 1000 * int(label = 'class 1')", "class 'class 1' has no row in danger: .*; use SMOTE"),
        (
            ADASYN,
            "x + 1000 * int(label = 'class 1')",
            "class 'class 1' has no neighbor of another class: .*; use SMOTE",
        ),
        (SafeLevelSMOTE, "1000 * id", "class 'class 1' has no safe row: .*; use SMOTE"),
        (SVMSMOTE, "1000 * id", "class 'class 1' has no support vector, .* that is not noise: .*; use SMOTE"),
        (MWMOTE, "1000 * id", "class 'class 1' has no informative row: .*; use SMOTE"),
    ],
)
def test_where_a_method_has_nothing_to_start_from(spark, sampler, change, sentence):
    # class 1 is every tenth row, or far away
    df = labelled(spark, [40, 8]).selectExpr("id", "if(id % 6 = 0, 'class 1', 'class 0') AS label", "x", "y", "n")
    df = df.selectExpr("id", "label", f"double({change}) AS x", "double(0) AS y", "0 AS n")
    k = {"n_neighbors" if sampler is ADASYN else "k_neighbors": 2}
    names = {"m_neighbors": 3, "noise_neighbors": 2}
    more = {name: value for name, value in names.items() if name in sampler.model_fields}
    with pytest.raises(SparkBalanceError, match=sentence):
        sampler(label_col="label", key_cols="id", feature_cols=FEATURES, scale=False, **k, **more).fit_resample(df)


def test_a_class_that_cannot_grow_is_left_out_by_the_wish_that_the_sentence_names(spark):
    # class 1 is far away, class 2 lies among class 0
    df = labelled(spark, [60, 12, 12]).withColumn("x", F.col("x") + 1000 * (F.col("label") == "class 1").cast("int"))
    smote = BorderlineSMOTE(label_col="label", key_cols="id", feature_cols=("x",), scale=False, k_neighbors=2)
    with pytest.raises(SparkBalanceError, match="'class 1' has no row in danger: .*, or use SMOTE for it$") as found:
        smote.fit_resample(df)
    wish = ast.literal_eval(re.search(r"leave it out by sampling_strategy=(\{.*?\})", str(found.value))[1])
    out = smote.replace(sampling_strategy=wish).fit_resample(df)
    assert rows_by_label(out) == {"class 0": 60, "class 1": 12, "class 2": 60}


def test_ways_of_search_that_a_method_does_not_have():
    with pytest.raises(SparkBalanceError, match="ADASYN: unknown parameter 'neighbors'"):
        ADASYN(label_col="label", neighbors="exact")
    with pytest.raises(SparkBalanceError, match="KMeansSMOTE: neighbors='partition' is refused"):
        KMeansSMOTE(label_col="label", neighbors="partition")


def test_classes_of_equal_size_do_not_share_draws(spark):
    found = _made(labelled(spark, [900, 200, 200]), ADASYN)
    gaps = [set(found.gap[found.label == label].tolist()) for label in ("class 1", "class 2")]
    assert all(len(one) > 100 for one in gaps)
    assert not gaps[0] & gaps[1]
