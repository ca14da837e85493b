"""The kNN join of plain frames: the neighbors that brute force finds, in the units of the docstring, on any layout."""

from __future__ import annotations

import doctest
import inspect
import warnings

import numpy as np
import pyarrow as pa
import pytest
from frames import digest
from pyspark.sql import types as T
from sklearn.neighbors import NearestNeighbors

from spark_balance import SparkBalanceError, neighbors
from spark_balance.errors import RecallWarning
from spark_balance.kernels.rules import OtherClass
from spark_balance.kernels.steps import fastest
from spark_balance.neighbors import decide, knn_join, searched_with

POINTS, QUERIES, K = 6_000, 1_500, 5


def _rows(number, seed, first):
    """Return rows of 6 features of whole numbers, in clusters of 3 dimensions."""
    draw = np.random.default_rng(seed)
    middles = np.random.default_rng(9).normal(size=(15, 3)) * 5
    plane = middles[draw.integers(0, 15, number)] + draw.normal(size=(number, 3))
    spread = np.random.default_rng(8).normal(size=(3, 6)) * [1, 1, 1, 10, 10, 100]
    return np.arange(first, first + number), np.rint(plane @ spread * 100)


def _frame(spark, ids, features):
    columns = {"id": ids, "part": ids % 3} | {f"f{i}": column for i, column in enumerate(features.T)}
    return spark.createDataFrame(pa.table(columns))


@pytest.fixture(scope="module")
def made(spark):
    points, queries = _rows(POINTS, 1, 0), _rows(QUERIES, 2, 100_000)
    return _frame(spark, *points), _frame(spark, *queries), points[1], queries[1]


FEATURES = [f"f{i}" for i in range(6)]
JOIN = {"key_cols": ["id", "part"], "feature_cols": FEATURES}


def _found(frame, first):
    """Return the positions of the neighbors and the distances, (n_queries, K), by query and rank."""
    told = frame.toArrow().sort_by([("id", "ascending"), ("rank", "ascending")])
    assert told["rank"].to_pylist() == list(range(1, K + 1)) * (len(told) // K)
    assert (told["part"].to_numpy() == told["id"].to_numpy() % 3).all()
    assert told["id"].to_numpy()[::K].tolist() == list(range(first, first + len(told) // K))
    near = pa.array(told["neighbor"].to_pylist())
    return near.field("id").to_numpy().reshape(-1, K), told["distance"].to_numpy().reshape(-1, K)


def _recall(found, away, points, queries, itself):
    """Return the share of neighbors as near as the k-th true one."""
    true = NearestNeighbors(n_neighbors=K + itself, algorithm="brute").fit(points).kneighbors(queries)[0]
    assert (np.diff(away, axis=1) >= 0).all()
    near = np.linalg.norm(points[found] - queries[:, None], axis=2)
    return np.mean(near <= true[:, -1:] * (1 + 1e-9)), true[:, itself:], near


@pytest.mark.engines("sail", "connect")
@pytest.mark.parametrize("cell_rows", [None, 600])
@pytest.mark.parametrize("how", ["cells", "exact"])
def test_two_frames_meet_as_brute_force_says(made, how, cell_rows):
    points, queries, of_points, of_queries = made
    joined = knn_join(queries, points, K, **JOIN, scale=False, neighbors=how, cell_rows=cell_rows)
    assert joined.columns == ["id", "part", "neighbor", "rank", "distance"]
    found, away = _found(joined, 100_000)
    recall, true, near = _recall(found, away, of_points, of_queries, 0)
    assert recall == 1 if how == "exact" or cell_rows is None else recall > 0.99
    np.testing.assert_allclose(away, near, rtol=1e-3, atol=1)
    if recall == 1:
        np.testing.assert_allclose(near, true)


@pytest.mark.parametrize("how", ["cells", "exact"])
def test_a_row_of_a_frame_joined_with_itself_is_not_its_own_neighbor(made, how):
    points, _, of_points, _ = made
    found, away = _found(knn_join(points, points, K, **JOIN, scale=False, neighbors=how, cell_rows=700), 0)
    assert not (found == np.arange(POINTS)[:, None]).any()
    recall, _, _ = _recall(found, away, of_points, of_points, 1)
    assert recall == 1 if how == "exact" else recall > 0.99


def test_scaled_distances_are_of_features_divided_by_their_deviation(made):
    points, queries, of_points, of_queries = made
    found, away = _found(knn_join(queries, points, K, **JOIN), 100_000)
    unit = np.concatenate([of_points, of_queries]).std(axis=0)
    recall, _, near = _recall(found, away, of_points / unit, of_queries / unit, 0)
    assert recall > 0.999
    np.testing.assert_allclose(away, near, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("how", ["cells", "exact"])
def test_the_layout_does_not_matter(made, how):
    points, queries, _, _ = made
    once = digest(knn_join(queries, points, K, **JOIN, neighbors=how, cell_rows=600))
    again = knn_join(queries.repartition(7, "f1"), points.orderBy("f0").coalesce(1), K, **JOIN, neighbors=how,
                     cell_rows=600)  # fmt: skip
    assert once == digest(again)


def test_equal_rows_and_keys_of_both_frames_are_told_apart(spark):
    same = np.ones((40, 1))
    points, queries = (_frame(spark, np.arange(n), same[:n]) for n in (40, 30))
    for how in ("cells", "exact"):
        told = knn_join(queries, points, 3, key_cols="id", feature_cols=["f0"], neighbors=how, cell_rows=8).toArrow()
        assert len(told) == 90
        assert set(told["distance"].to_pylist()) == {0.0}
        pairs = {(row["id"], row["neighbor"]["id"]) for row in told.to_pylist()}
        assert len(pairs) == 90


def test_frames_that_lie_apart_are_joined_exactly(spark):
    draw = np.random.default_rng(0)
    points = draw.normal(size=(2_000, 2)).round(3)
    queries = draw.normal(size=(200, 2)).round(3) + 1_000
    frames = _frame(spark, np.arange(200), queries), _frame(spark, np.arange(2_000), points)
    given = {"key_cols": "id", "feature_cols": ["f0", "f1"], "scale": False, "cell_rows": 300}
    with pytest.warns(RecallWarning, match="true neighbors will be found, below recall=0.99"):
        some = knn_join(*frames, K, **given).toArrow()
    assert len(some) <= 200 * K
    found = knn_join(*frames, K, **given, neighbors="exact").toArrow()
    assert len(found) == 200 * K
    away = NearestNeighbors(n_neighbors=K, algorithm="brute").fit(points).kneighbors(queries)[0]
    told = found.sort_by([("id", "ascending"), ("rank", "ascending")])["distance"].to_numpy().reshape(-1, K)
    np.testing.assert_allclose(told, away, atol=0.01)


def test_no_queries_have_no_neighbors(made):
    points, queries, _, _ = made
    assert knn_join(queries.where("id < 0"), points, K, **JOIN).count() == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"k": 0}, "knn_join: k=0 must be a whole number of at least 1"),
        ({"k": 7_000}, "knn_join: points has 6000 rows, k=7000 needs at least 7000; use a smaller k"),
        ({"key_cols": ["no"]}, "knn_join: key_cols names column 'no', which the frame does not have"),
        ({"key_cols": []}, "knn_join: key_cols is empty; name the columns that identify a row"),
        ({"neighbors": "near"}, "knn_join: neighbors='near' is refused: input should be 'cells' or 'exact'"),
        ({"recall": 1.5}, "knn_join: recall=1.5 must be a share, above 0 and at most 1"),
        ({"max_work": 5}, "knn_join: max_work=5 must be a whole number of at least 100"),
        ({"cell_rows": 2.5}, "knn_join: cell_rows=2.5 is refused: input should be a valid integer"),
        ({"task_memory_mb": 64}, "knn_join: task_memory_mb=64 must be a whole number of at least 256"),
        ({"feature_cols": ["f0", "g"]}, "knn_join: feature_cols names column 'g', which the frame does not have"),
    ],
)
def test_what_cannot_be_joined_is_refused(made, change, sentence):
    points, queries, _, _ = made
    with pytest.raises(SparkBalanceError, match=sentence):
        knn_join(queries, points, **({"k": K} | JOIN | change))


def test_columns_of_other_types_and_missing_ones_are_refused(made):
    points, queries, _, _ = made
    other = queries.withColumn("f0", queries["f0"].cast("int"))
    with pytest.raises(SparkBalanceError, match="column 'f0' is of type int in queries and double in points; cast one"):
        knn_join(other, points, K, **JOIN)
    with pytest.raises(SparkBalanceError, match="queries has no column 'f1', which points has; add or rename it"):
        knn_join(queries.drop("f1"), points, K, **JOIN)
    with pytest.raises(SparkBalanceError, match=r"knn_join: NULL or NaN in rows .* 'f0' \(6000 rows\)"):
        knn_join(queries, points.selectExpr("id", "part", "CAST('NaN' AS DOUBLE) AS f0", *FEATURES[1:]), K, **JOIN)


def test_a_rule_decides_on_a_plain_frame(made):
    points, _, of_points, _ = made
    says = {"others": T.IntegerType()}
    told = decide(points, OtherClass("others", (0, 2), K), says, label_col="part", key_cols="id", k=K, scale=False)
    assert told.columns == ["id", "others"]
    table = told.toArrow().sort_by("id")
    part = np.arange(POINTS) % 3
    assert table["id"].to_pylist() == np.flatnonzero(part != 1).tolist()
    near = NearestNeighbors(n_neighbors=K, algorithm="brute").fit(of_points).kneighbors(return_distance=False)
    true = (part[near] != part[:, None]).sum(axis=1)[part != 1]
    # ties are broken another way
    assert np.mean(table["others"].to_numpy() == true) > 0.995


@pytest.mark.every_engine
@pytest.mark.parametrize("name", ["knn_join", "decide", "searched_with"])
def test_the_examples_run(spark, name):
    function = inspect.unwrap(getattr(neighbors, name))
    [example] = doctest.DocTestFinder(recurse=False).find(function, name, globs=function.__globals__ | {"spark": spark})
    with warnings.catch_warnings():
        warnings.simplefilter("error", RecallWarning)
        assert doctest.DocTestRunner().run(example).failed == 0


@pytest.mark.every_engine
def test_workers_say_what_they_search_with(spark):
    # they run with this environment here
    assert searched_with(spark) == [fastest().made_by]
