"""Neighbors are the true ones in one cell, and nearly always in many."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from frames import FEATURES, labelled
from pyspark.sql import functions as F
from smote_rows import recall, synthesized, true_distances

from spark_balance import SMOTE
from spark_balance.errors import RecallWarning, ScaleWarning
from spark_balance.neighbors.cells import MAX_HALO


def _chunk(found, label):
    rows = found.labels == label
    first = np.flatnonzero(rows)[0]
    chosen = found.label == label
    return found.points[rows], found.base[chosen] - first, found.near[chosen] - first


@pytest.mark.parametrize("k", [1, pytest.param(5, marks=pytest.mark.engines("sail", "spark"))])
def test_one_cell_has_the_true_neighbors(spark, k):
    """Features are multiples of 2^-10, so that distances are exact and scikit-learn is an oracle."""
    found = synthesized(labelled(spark, [3_000, 400, 37]), FEATURES, scale=False, k_neighbors=k)
    for label in ("class 1", "class 2"):
        points, base, near = _chunk(found, label)
        distance = np.linalg.norm(points[near] - points[base], axis=1)
        assert (distance <= true_distances(points, k)[base] * (1 + 1e-12)).all()
        if k > 1:  # and all of them are used, each about as often
            ranks = (np.linalg.norm(points[None] - points[base][:, None], axis=2) < distance[:, None]).sum(axis=1)
            used = np.bincount(ranks, minlength=k + 1)[1 : k + 1]
            assert used.min() > 0.7 * len(base) / k


def test_scaled_distances_give_each_feature_its_say(spark):
    found = synthesized(labelled(spark, [3_000, 400]), FEATURES)
    points, base, near = _chunk(found, "class 1")
    spread = points / points.std(axis=0)
    distance = np.linalg.norm(spread[near] - spread[base], axis=1)
    assert (distance <= true_distances(spread, 5)[base] * (1 + 2e-3)).all()


@pytest.mark.engines("sail", "connect")
def test_deviations_are_those_of_all_rows(spark):
    """The driver's sample has 20,000 of them, and the tails are heavy."""
    points = np.random.default_rng(3).standard_t(2.5, size=(30_000, 3))
    df, features = _frame(spark, points)
    found = synthesized(df, features, sampling_strategy={True: 50_000})
    assert recall(found, points / points.std(axis=0), 5) >= 0.99


def _latent(rows, seed, centers=0, inner=10, features=28):
    """Return rows that vary in 10 of 28 directions, around one center or several."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(rows, inner))
    if centers:
        points += 1.5 * rng.normal(size=(centers, inner))[rng.integers(centers, size=rows)]
    return points @ rng.normal(size=(inner, features))


def _frame(spark, points):
    """Return those points as the minority, and one and a half times as many other rows."""
    rows = len(points)
    columns = {f"f{i}": np.concatenate([column, np.zeros(3 * rows // 2)]) for i, column in enumerate(points.T)}
    ids = np.arange(len(columns["f0"]))
    return spark.createDataFrame(pa.table({"id": ids, "label": ids < rows, **columns})), tuple(columns)


@pytest.mark.parametrize(("centers", "least"), [(12, 0.97), (0, 0.93)], ids=["several centers", "one center"])
def test_many_cells_find_nearly_all_true_neighbors(spark, centers, least):
    points = _latent(6_000, 5, centers)
    df, features = _frame(spark, points)
    smote = {"scale": False, "cell_rows": 1_000, "sampling_strategy": {True: 18_000}}
    found = recall(synthesized(df, features, **smote), points, 5)
    assert found >= least
    # what the textbook form finds in as many random parts
    random = synthesized(df, features, neighbors="partition", **smote)
    assert recall(random, points, 5) < 0.5
    # and asked of the cells that could know better, all of them
    assert recall(synthesized(df, features, neighbors="exact", **smote), points, 5) == 1.0
    # the run says so itself, and what it cost
    told = SMOTE(label_col="label", key_cols="id", feature_cols=features, random_state=4, **smote).resample(df).notes
    assert abs(told["estimated_recall"] - found) < 0.02
    assert told["cells"] > 3
    assert 0 < told["guests_per_row"] < (1 if centers else MAX_HALO + 0.1)


@pytest.mark.parametrize("copies", [1, 7])
def test_exact_neighbors_are_those_of_one_cell(spark, copies):
    """The same draws choose among the same neighbors, however the rows are cut; equal rows in every shard too."""
    points = np.round(_latent(3_000, 8), 1)
    points[::2] = points[0]
    df, features = _frame(spark, points)
    smote = {"scale": False, "sampling_strategy": {True: (copies + 1) * 3_000}, "neighbors": "exact"}
    one, many = (synthesized(df, features, cell_rows=rows, **smote) for rows in (3_000, 200))

    def made(found):
        """Return base, gap and distance of the new rows whose base is not one of the equal rows, in order."""
        far = np.flatnonzero((points[found.base] != points[0]).any(axis=1))
        away = np.linalg.norm(points[found.near] - points[found.base], axis=1)
        return np.array(sorted(zip(found.base[far], found.gap[far], away[far], strict=True)))

    assert len(made(one)) == copies * 1_500
    np.testing.assert_array_equal(made(one), made(many))


def test_low_recall_is_a_warning(spark):
    df, features = _frame(spark, _latent(4_000, 6, inner=24, features=24))
    smote = SMOTE(label_col="label", key_cols="id", feature_cols=features, cell_rows=200)
    with pytest.warns(RecallWarning, match="SMOTE: about 0.* below recall=0.99; use larger cell_rows") as caught:
        smote.fit_resample(df)
    assert caught[0].filename == __file__


def test_a_run_says_how_many_comparisons_would_reach_the_recall(spark):
    points = _latent(8_000, 6, inner=24, features=24)
    df, features = _frame(spark, points)
    given = {"label_col": "label", "key_cols": "id", "feature_cols": features}
    with pytest.warns(RecallWarning, match=r"use max_work=\d+(_\d+)*, \d+ times the comparisons") as caught:
        few = SMOTE(**given, max_work=300).resample(df)
    assert few.notes["candidates_per_row"] == 300
    enough = int(re.search(r"max_work=([\d_]+)", str(caught[0].message))[1])
    # and it does
    assert (
        SMOTE(**given, max_work=enough).resample(df).notes["estimated_recall"] >= 0.99 > few.notes["estimated_recall"]
    )


def test_recall_of_one_is_an_exact_search(spark):
    df, features = _frame(spark, _latent(900, 5))
    given = {"scale": False, "cell_rows": 100, "sampling_strategy": {True: 1_800}}
    one, other = (synthesized(df, features, **given, **more) for more in ({"recall": 1.0}, {"neighbors": "exact"}))
    # an engine may return rows in any order
    made = (sorted(zip(found.base, found.gap, found.near, strict=True)) for found in (one, other))
    np.testing.assert_array_equal(*made)
    assert SMOTE(label_col="label", feature_cols=features, recall=1.0).resample(df).notes["neighbors"] == "exact"


def test_far_values_that_leave_few_steps_are_a_warning(spark):
    df = labelled(spark, [900, 400]).withColumn("x", F.expr("if(id % 20 = 0, x * double('1e12'), x)"))
    with pytest.warns(ScaleWarning, match="far values leave 0 steps between the middle rows, below 64"):
        SMOTE(label_col="label", key_cols="id", feature_cols=("x",), scale=False).fit_resample(df)


@pytest.mark.parametrize(
    "change",
    [
        {"x": "double(1)", "y": "double(2)"},
        {"x": "if(id = 2001, double('1e300'), x)"},
        {"x": "if(id % 50 = 0, x, double(1))", "y": "double(0)", "n": "1"},
        {"x": "x * double('1e-300')", "y": "y * double('1e200')"},
        {"x": "x * 1000000 + double('1e15')"},
        {"n": "n + bigint(4611686018427387904)"},
    ],
    ids=["constant", "one far row", "mostly equal", "tiny and huge", "far from zero", "huge integers"],
)
@pytest.mark.parametrize("scale", [True, False])
def test_odd_features_give_exact_counts(spark, change, scale):
    df = labelled(spark, [2_000, 900]).withColumns({name: F.expr(sql) for name, sql in change.items()})
    found = synthesized(df, FEATURES, cell_rows=100, scale=scale)
    assert len(found.new) == 1_100
    assert np.isfinite(found.new).all()
    assert (found.base != found.near).all()
    low, high = found.points[2_000:].min(axis=0), found.points[2_000:].max(axis=0)
    assert (found.new >= low).all()
    assert (found.new <= high).all()
