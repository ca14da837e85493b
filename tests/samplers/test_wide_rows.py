"""Wide rows: floats travel as floats, in few and large cells of a projection, and their neighbors are the true ones."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from py4j.clientserver import JavaClient
from py4j.protocol import MEMORY_COMMAND_NAME
from pyspark.sql import types as T
from pyspark.sql.connect.client import SparkConnectClient

from spark_balance import SMOTE
from spark_balance.errors import BadValuesError, ColumnError
from spark_balance.frames.row_ids import LISTED
from spark_balance.kernels.rules import OtherClass
from spark_balance.neighbors import decide, knn_join
from spark_balance.neighbors.cells import WIDE_HALO

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


@pytest.mark.engines("sail", "spark")
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


ROWS, WIDTH, K = 12_000, 256, 5


@pytest.fixture(scope="module")
def wide(spark):
    return _rows(spark, ROWS, WIDTH)


def _reach(points, queries, k):
    """Return how far the k-th nearest other row of some rows is, by brute force on rows of deviation 1."""
    scaled = points.astype(np.float64) / points.std(axis=0)
    squares = (scaled**2).sum(axis=1)
    away = np.sqrt(np.maximum(0, squares[queries][:, None] - 2 * scaled[queries] @ scaled.T + squares))
    away[np.arange(len(queries)), queries] = np.inf
    return away, np.sort(away, axis=1)[:, k - 1]


def test_wide_rows_find_their_neighbors_in_cells(wide):
    """Several cells of more rows than are compared all with all: candidates come from the projection."""
    df, points = wide
    found = SMOTE(
        label_col="label",
        key_cols="id",
        feature_cols=["v"],
        sampling_strategy={1: 2 * (ROWS - 20)},
        output="added",
        provenance_col="told",
        cell_rows=4_000,
    ).resample(df)
    told = found.frame.selectExpr("told.base.id AS base", "told.neighbor.id AS neighbor").toArrow()
    base, neighbor = told["base"].to_numpy(), told["neighbor"].to_numpy()
    some = np.isin(base, np.arange(500, 1_500))
    own = points[20:]
    away, reach = _reach(own, base[some] - 20, K)
    recall = np.mean(away[np.arange(len(away)), neighbor[some] - 20] <= reach * (1 + 1e-3))
    assert found.notes["cells"] > 2
    assert recall > 0.97
    assert found.notes["estimated_recall"] == pytest.approx(recall, abs=0.02)
    assert found.notes["guests_per_row"] <= WIDE_HALO


@pytest.mark.parametrize("neighbors", ["cells", "exact"])
def test_queries_among_wide_points_find_the_nearest(spark, wide, neighbors):
    df, points = wide
    queries = df.where("id % 60 = 0")
    found = knn_join(
        queries, df, K, key_cols="id", feature_cols=["v"], neighbors=neighbors, cell_rows=6_500, scale=False
    )
    told = found.selectExpr("id", "neighbor.id AS neighbor", "rank", "distance").toArrow()
    told = told.sort_by([("id", "ascending"), ("rank", "ascending")])
    asked = np.arange(0, ROWS, 60)
    exact = points.astype(np.float64)
    squares = (exact**2).sum(axis=1)
    true = np.sqrt(np.maximum(0, squares[asked][:, None] - 2 * exact[asked] @ exact.T + squares))
    true = np.sort(true, axis=1)[:, :K]
    away = told["distance"].to_numpy().reshape(-1, K)
    assert (told["id"].to_numpy()[::K] == asked).all()
    same = np.isclose(away, true, rtol=1e-4, atol=1e-3)
    assert same.all() if neighbors == "exact" else same.mean() > 0.98


def test_rules_see_the_neighbors_of_wide_rows(wide):
    df, points = wide
    said = decide(
        df.selectExpr("id", "v", "CAST(id % 2 AS INT) AS y"),
        OtherClass("others", (0, 1), K),
        {"others": T.IntegerType()},
        label_col="y",
        key_cols="id",
        feature_cols=["v"],
        k=K,
        cell_rows=ROWS,
    )
    told = said.toArrow().sort_by("id")
    asked = np.arange(1_000)
    away, _ = _reach(points, asked, K)
    near = np.argsort(away, axis=1)[:, :K]
    expected = (near % 2 != asked[:, None] % 2).sum(axis=1)
    assert np.mean(told["others"].to_numpy()[:1_000] == expected) > 0.98


def test_rows_that_are_too_wide_are_refused_before_they_are_sampled(spark):
    df = spark.range(30).selectExpr(
        "id", "CAST(id < 9 AS INT) AS label", "transform(sequence(1, 9000), i -> CAST(id * i AS DOUBLE)) AS v"
    )
    sampler = SMOTE(label_col="label", key_cols="id", feature_cols=["v"], passthrough="base")
    with pytest.raises(ColumnError, match=r"SMOTE: .* are 9,000 numbers, .* and 8,192 are allowed; reduce them"):
        sampler.fit_resample(df)


MANY = LISTED + 60
KINDS = (DOUBLE, pa.int32(), FLOAT)


def _columns(width, rows=60):
    """Return a table of `width` columns of three types, and two of lists: 20 rows are of class 1."""
    draw = np.random.default_rng(5)
    table = {"id": np.arange(rows), "label": (np.arange(rows) < 20).astype(np.int32)}
    for i in range(width):
        table[f"f.{i}"] = pa.array((100 * draw.normal(size=rows)).astype(np.int64)).cast(KINDS[i % 3])
    table["whole"] = pa.array([[int(9 * one), 7] for one in draw.normal(size=rows)], pa.list_(pa.int32()))
    table["part"] = pa.array(list(draw.normal(size=(rows, 3))), pa.list_(FLOAT))
    return pa.table(table)


def _many(table):
    return SMOTE(
        label_col="label", key_cols="id", feature_cols=table.column_names[2:], output="added", provenance_col="told"
    )


@pytest.mark.every_engine
def test_rows_of_many_columns_lie_between_base_and_neighbor(spark):
    table = _columns(MANY)
    made = _many(table).fit_resample(spark.createDataFrame(table)).toArrow()
    told = made["told"].combine_chunks()
    base, near = (told.field(end).field("id").to_numpy() for end in ("base", "neighbor"))
    gap = told.field("gap").to_numpy()
    for name in table.column_names[2:]:
        rows = np.array(table[name].to_pylist(), dtype=np.float64)
        between = rows[base] + gap.reshape(-1, *[1] * (rows.ndim - 1)) * (rows[near] - rows[base])
        kind = table[name].type
        if pa.types.is_integer(getattr(kind, "value_type", kind)):
            between = np.copysign(np.floor(np.abs(between) + 0.5), between)
        elif getattr(kind, "value_type", kind) == FLOAT:
            between = between.astype(np.float32)
        assert made[name].type == kind
        assert (np.array(made[name].to_pylist()) == between).all(), name


@pytest.mark.parametrize("bad", [None, np.nan, pytest.param(-np.inf, marks=pytest.mark.engines("sail", "connect"))])
def test_a_bad_value_among_many_columns_is_named(spark, bad):
    table = _columns(MANY)
    place = table.column_names.index("f.3")
    spoiled = pa.array([bad, *table["f.3"].to_pylist()[1:]], DOUBLE)
    df = spark.createDataFrame(table.set_column(place, "f.3", spoiled))
    with pytest.raises(BadValuesError, match=r"in feature columns 'f\.3' \(1 rows\)"):
        _many(table).fit_resample(df)


@pytest.mark.engines("sail", "spark")
def test_twice_the_columns_are_as_many_columns_of_pairs(spark, monkeypatch):
    """An engine looks a column up among all others, so that columns of pairs cost their square."""
    fields = []
    kind = type(spark.range(1))
    map_in_arrow = kind.mapInArrow

    def noted(self, function, schema):
        fields.append(len(schema.fields))
        return map_in_arrow(self, function, schema)

    monkeypatch.setattr(kind, "mapInArrow", noted)
    for width in (MANY, 2 * MANY):
        table = _columns(width)
        _many(table).fit_resample(spark.createDataFrame(table))
    assert fields[: len(fields) // 2] == fields[len(fields) // 2 :]
    assert max(fields) < LISTED


def _counted(spark, monkeypatch, owner, name, count):
    """Return what is counted of the calls of a method while rows of MANY columns are made, and of twice as many."""
    counts, called = [0], getattr(owner, name)

    def noted(*args, **named):
        counts[-1] += count(*args, **named)
        return called(*args, **named)

    monkeypatch.setattr(owner, name, noted)
    for width in (MANY, 2 * MANY):
        table = _columns(width)
        df = spark.createDataFrame(table)
        counts.append(0)
        _many(table.drop_columns(["whole", "part"])).fit_resample(df)
    return counts[1:]


@pytest.mark.engines("spark")
def test_a_column_takes_few_calls_to_the_jvm(spark, monkeypatch):
    """Each takes up to a millisecond of the driver, before anything runs."""

    def asked(_, command, *__, **___):
        return not command.startswith(MEMORY_COMMAND_NAME)  # which follows Python's garbage, of other tests too

    few, many = _counted(spark, monkeypatch, JavaClient, "send_command", asked)
    assert many - few < 1.5 * MANY


@pytest.mark.engines("sail")
def test_an_engine_is_asked_for_the_type_of_a_feature_twice(spark, monkeypatch):
    """Each expression takes it a millisecond, before anything runs: once to sample rows, and once to search them."""

    def features(*_, plan=None, **__):
        return plan.SerializeToString().count(b" AS DOUBLE)") if plan is not None else 0

    assert _counted(spark, monkeypatch, SparkConnectClient, "_analyze", features) == [2 * MANY, 4 * MANY]
