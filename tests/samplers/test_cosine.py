"""Cosine: the neighbors that scikit-learn finds, and new rows between the rows as they are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.neighbors import NearestNeighbors
from smote_rows import synthesized

from spark_balance import SMOTE, SMOTEN, SMOTENC, EditedNearestNeighbours
from spark_balance.errors import BadValuesError, ParameterError
from spark_balance.neighbors import knn_join

ROWS, K = 1_500, 5
NAMES = [f"f{i}" for i in range(6)]


def _points(width=6):
    """Return rows in a few directions, of lengths that differ a thousandfold: Euclid's neighbors are others."""
    draw = np.random.default_rng(2)
    middles = draw.normal(size=(9, width))
    near = middles[draw.integers(9, size=ROWS)] + 0.4 * draw.normal(size=(ROWS, width))
    return near * np.exp(draw.normal(size=(ROWS, 1)) * 2)


def _frame(spark, points):
    label = np.where(np.arange(ROWS) < 300, 1, 0)
    columns = {"id": np.arange(ROWS), "label": label} | dict(zip(NAMES, points.T, strict=True))
    return spark.createDataFrame(pa.table(columns))


@pytest.mark.every_engine
@pytest.mark.parametrize("cell_rows", [None, 400])
def test_the_join_finds_what_scikit_learn_finds(spark, cell_rows):
    points = _points()
    df = _frame(spark, points)
    found = knn_join(df, df, K, key_cols="id", feature_cols=NAMES, metric="cosine", cell_rows=cell_rows, recall=0.999)
    told = found.selectExpr("id", "rank", "neighbor.id AS near", "distance").toArrow()
    told = told.sort_by([("id", "ascending"), ("rank", "ascending")])
    true, near = NearestNeighbors(n_neighbors=K, metric="cosine").fit(points).kneighbors()
    away = told["distance"].to_numpy().reshape(-1, K)
    same = np.isclose(away, true, rtol=1e-3, atol=1e-9)
    assert same.all() if cell_rows is None else same.mean() > 0.98
    assert np.mean(told["near"].to_numpy().reshape(-1, K) == near) > 0.98


def test_new_rows_lie_between_the_rows_themselves(spark):
    points = _points()
    found = synthesized(_frame(spark, points), NAMES, SMOTE, metric="cosine", k_neighbors=K)
    minority = points[:300]
    true = NearestNeighbors(n_neighbors=K, metric="cosine").fit(minority).kneighbors()[1]
    assert np.mean((true[found.base] == found.near[:, None]).any(axis=1)) > 0.999
    assert np.abs(found.new - found.expected).max() < 1e-9 * np.abs(points).max()
    length = np.linalg.norm(found.new, axis=1)
    longer = np.maximum(*(np.linalg.norm(points[rows], axis=1) for rows in (found.base, found.near)))
    assert (length <= longer * (1 + 1e-12)).all()


def test_length_does_not_matter_to_a_rule(spark):
    points = _points()
    sampler = EditedNearestNeighbours(
        label_col="label", key_cols="id", feature_cols=NAMES, metric="cosine", output="removed_keys"
    )
    scaled = points * 2.0 ** np.random.default_rng(0).integers(-30, 30, size=(ROWS, 1))
    kept = [
        sorted(row.id for row in sampler.fit_resample(_frame(spark, some)).select("id").collect())
        for some in (points, scaled)
    ]
    assert kept[0] == kept[1]
    assert kept[0]


@pytest.mark.parametrize("as_array", [False, True])
def test_a_row_of_zeros_has_no_direction(spark, as_array):
    points = _points()
    points[7] = 0
    df, names = _frame(spark, points), NAMES
    if as_array:
        df, names = df.selectExpr("id", "label", f"array({', '.join(NAMES)}) AS v"), ["v"]
    sampler = SMOTE(label_col="label", key_cols="id", feature_cols=names, metric="cosine")
    with pytest.raises(BadValuesError, match=r"SMOTE: 1 rows .* 0 in all features.*use metric='euclidean'"):
        sampler.fit_resample(df)
    assert SMOTE(label_col="label", key_cols="id", feature_cols=names).fit_resample(df).count() > ROWS


@pytest.mark.parametrize("method", [SMOTENC, SMOTEN])
def test_categories_have_no_cosine(method):
    with pytest.raises(ParameterError, match="unknown parameter 'metric', since categories have a distance"):
        method(label_col="label", metric="cosine")
    assert "metric :" not in method.__doc__
    assert "metric :" in SMOTE.__doc__


def test_the_join_knows_two_metrics(spark):
    df = _frame(spark, _points())
    with pytest.raises(
        ParameterError, match=r"knn_join: metric='angle' is refused: input should be 'euclidean' or 'cosine'"
    ):
        knn_join(df, df, K, key_cols="id", metric="angle")
