"""Wide rows: floats travel as floats, in few and large cells of a projection, and their neighbors are the true ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from spark_balance import SMOTE

FLOAT, DOUBLE = pa.float32(), pa.float64()


def _rows(spark, rows, width, kind=FLOAT):
    """Return a frame of an array column, and its matrix: 6 latent dimensions in clusters, and noise."""
    draw = np.random.default_rng(3)
    latent = 4 * draw.normal(size=(8, 6))[draw.integers(8, size=rows)] + draw.normal(size=(rows, 6))
    points = latent @ draw.normal(size=(6, width)) + 0.05 * draw.normal(size=(rows, width))
    points = points.astype(np.float32)
    label = (np.arange(rows) >= 20).astype(np.int32)
    columns = {"id": np.arange(rows), "label": label, "v": pa.array(list(points), pa.list_(kind))}
    return spark.createDataFrame(pa.table(columns)), points


@pytest.mark.every_engine
@pytest.mark.parametrize("neighbors", ["cells", "exact"])
def test_floats_make_the_rows_that_doubles_make(spark, neighbors):
    floats, points = _rows(spark, 400, 12)
    doubles, _ = _rows(spark, 400, 12, DOUBLE)
    sampler = SMOTE(
        label_col="label",
        key_cols="id",
        feature_cols=["v"],
        sampling_strategy={1: 900},
        output="added",
        provenance_col="told",
        cell_rows=60,
        neighbors=neighbors,
    )
    named = ["told.base.id AS base", "told.neighbor.id AS neighbor", "told.gap AS gap", "v"]
    order = [("base", "ascending"), ("neighbor", "ascending"), ("gap", "ascending")]
    made = [sampler.fit_resample(df).selectExpr(*named).toArrow() for df in (floats, doubles)]
    short, long = (one.sort_by(order).combine_chunks() for one in made)
    assert short.drop_columns("v").equals(long.drop_columns("v"))
    assert short.schema.field("v").type.value_type == pa.float32()
    made = np.stack(short["v"].to_numpy(zero_copy_only=False))
    assert (made == np.stack(long["v"].to_numpy(zero_copy_only=False)).astype(np.float32)).all()
    base, neighbor, gap = (short[name].to_numpy() for name in ("base", "neighbor", "gap"))
    own, near = points[base].astype(np.float64), points[neighbor].astype(np.float64)
    assert (made == (own + gap[:, None] * (near - own)).astype(np.float32)).all()
