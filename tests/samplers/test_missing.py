"""Rows that lack features: what `missing` refuses, measures, makes and drops."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from frames import FEATURES, collected, digest, labelled, maybe, number
from pyspark.sql import functions as F, types as T
from sklearn.metrics.pairwise import nan_euclidean_distances
from sklearn.neighbors import NearestNeighbors

import spark_balance as sb
from spark_balance.app import job
from spark_balance.app.config import JobConfig
from spark_balance.app.results import show
from spark_balance.errors import SparkBalanceError
from spark_balance.frames.older_spark import from_arrow
from spark_balance.kernels.rules import OtherClass
from spark_balance.neighbors import decide, knn_join
from spark_balance.testing.odd import lacking

SIZES = [200, 90]
ARGUMENTS = {"label_col": "label", "key_cols": "id", "feature_cols": FEATURES}


def absent(value):
    return value is None or (isinstance(value, float) and np.isnan(value))


def frame(spark, sizes=SIZES):
    """Return rows of two classes of which one in four lacks x (NULL), one in five y (NaN), one in four n and kind."""
    y = F.when(number(33, 5) == 0, F.lit("NaN").cast("double")).otherwise(F.col("y"))
    kind = F.element_at(F.array(*map(F.lit, "abc")), (number(34, 3) + 1).cast("int"))
    columns = {"x": maybe(F.col("x"), 31), "y": y, "n": maybe(F.col("n"), 32), "kind": maybe(kind, 35)}
    return labelled(spark, sizes).withColumns(columns)


TYPES = {
    "double": (T.DoubleType(), float),
    "float": (T.FloatType(), lambda i: float(np.float32(i / 8))),
    "int": (T.IntegerType(), lambda i: 3 * i),
    "long": (T.LongType(), lambda i: 2**60 + 7 * i),
    "decimal": (T.DecimalType(38, 4), lambda i: Decimal(10**30 + i).scaleb(-4)),
    "boolean": (T.BooleanType(), lambda i: i % 3 == 0),
    "array": (T.ArrayType(T.DoubleType()), lambda i: [float(i), None if i % 4 == 1 else i / 2.0]),
}


def test_a_new_row_has_what_its_parents_have(spark):
    rng = np.random.default_rng(0)
    there = rng.random((60, len(TYPES))) > 0.4
    rows = [
        {
            "id": i,
            "label": int(i >= 40),
            "always": float("nan") if i % 5 < 2 else i / 4.0,
            **{
                name: value(i) if there[i, place] or name == "array" else None
                for place, (name, (_, value)) in enumerate(TYPES.items())
            },
        }
        for i in range(60)
    ]
    schema = T.StructType([T.StructField("id", T.IntegerType()), T.StructField("label", T.IntegerType())])
    schema.add("always", T.DoubleType(), nullable=False)
    for name, (kind, _) in TYPES.items():
        schema.add(name, kind)
    from pyspark.sql.pandas.types import to_arrow_schema

    df = from_arrow(spark, pa.Table.from_pylist(rows, schema=to_arrow_schema(schema)), schema)
    features = ("always", *TYPES)
    how = {"label_col": "label", "key_cols": "id", "feature_cols": features, "provenance_col": "of"}
    sampler = sb.SMOTE(**how, missing="ignore", k_neighbors=3, sampling_strategy={1: 100})
    done = sampler.resample(df)
    assert done.frame.schema["always"] == df.schema["always"]
    few = [any(map(absent, [*row.values(), *row["array"]])) for row in rows if row["label"]]
    assert done.notes["rows_lacking_features"] == sum(few) > 10
    new = [row for row in collected(done.frame) if row["of"]["kind"] == "synthetic"]
    assert len(new) == 80
    cases = set()
    for row in new:
        base, near = (rows[row["of"][of]["id"]] for of in ("base", "neighbor"))
        for name in ("always", *(one for one in TYPES if one != "array")):
            cases.add((name, absent(base[name]), absent(near[name])))
            verify(row[name], base[name], near[name], row["of"]["gap"])
        for made, one, other in zip(row["array"], base["array"], near["array"], strict=True):
            verify(made, one, other, row["of"]["gap"])
        # a number that may not be NULL is NaN
        assert row["always"] is not None
    assert {(name, True, True) for name in features if name != "array"} <= cases
    assert {(name, False, True) for name in features if name != "array"} <= cases


def verify(made, base, near, gap):
    if absent(base) and absent(near):
        assert absent(made)
    elif absent(base) or absent(near):
        assert made == (near if absent(base) else base)
    else:
        room = 0.5 if isinstance(base, int) else 1e-4 if isinstance(base, Decimal) else 1e-6
        assert abs(float(made - base) - gap * float(near - base)) <= room


def test_neighbors_are_those_of_scikit_learns_distance(spark):
    df = frame(spark).drop("kind")
    raw = df.toPandas().sort_values("id")
    few = raw[raw["label"] == "class 1"]
    sampler = sb.SMOTE(**ARGUMENTS, scale=False, missing="ignore", provenance_col="of", k_neighbors=3)
    new = [row["of"] for row in collected(sampler.fit_resample(df)) if row["of"]["kind"] == "synthetic"]
    values = few[list(FEATURES)].to_numpy(dtype=np.float64, na_value=np.nan)
    squares = nan_euclidean_distances(values, squared=True)
    squares[np.isnan(squares)] = np.inf
    np.fill_diagonal(squares, np.inf)
    third = dict(zip(few["id"], np.sort(squares, axis=1)[:, 2], strict=True))
    place = {int(one): i for i, one in enumerate(few["id"])}
    assert new
    for made in new:
        base, near = made["base"]["id"], made["neighbor"]["id"]
        # features are rounded to a grid of a millionth of their range
        assert squares[place[base], place[near]] <= third[base] * (1 + 1e-4) + 1e-6


@pytest.mark.parametrize(
    "sampler",
    [
        sb.SMOTE(**ARGUMENTS, missing="ignore", cell_rows=32),
        sb.SMOTENC(**{**ARGUMENTS, "feature_cols": None}, categorical_features="kind", missing="ignore", cell_rows=32),
        sb.NeighbourhoodCleaningRule(**ARGUMENTS, missing="ignore", cell_rows=32),
        sb.NearMiss(**ARGUMENTS, missing="ignore", cell_rows=32, version=3),
    ],
    ids=lambda sampler: sampler.name,
)
def test_rows_are_the_same_in_any_layout(spark, sampler):
    df = frame(spark, [400, 160])
    assert digest(sampler.fit_resample(df)) == digest(sampler.fit_resample(df.repartition(7)))


DIGESTS = [(400, -95079222734937747976), (175, -87137521270740529207)]


@pytest.mark.engines("sail", "spark")
@pytest.mark.smoke
def test_rows_are_the_same_on_every_engine(spark):
    df = frame(spark)
    mixed = sb.SMOTENC(**{**ARGUMENTS, "feature_cols": None}, categorical_features="kind", missing="ignore")
    cleaned = sb.EditedNearestNeighbours(**ARGUMENTS, kind_sel="mode", missing="ignore", sampling_strategy="all")
    found = [tuple(digest(sampler.fit_resample(df))) for sampler in (mixed, cleaned)]
    assert found == DIGESTS


def test_a_category_that_all_neighbors_lack_is_null(spark):
    rows = [(i, float(i), None if i < 34 else "ab"[i % 2], int(i >= 30)) for i in range(40)]
    df = spark.createDataFrame(rows, "id int, x double, kind string, label int")
    how = {"label_col": "label", "key_cols": "id", "k_neighbors": 3, "passthrough": "null", "provenance_col": "of"}
    new = sb.SMOTENC(**how, missing="ignore").fit_resample(df).where("id IS NULL")
    by_base = {row["of"]["base"]["id"]: row["kind"] for row in collected(new)}
    # the three nearest of 30 lack it, and one of the nearest of 33 has it; as a value, NULL would win there
    assert by_base[30] is None
    assert by_base[33] is not None
    as_value = sb.SMOTENC(**how).fit_resample(df).where("id IS NULL AND of.base.id = 33")
    assert {row["kind"] for row in collected(as_value)} == {None}


def test_rows_that_lack_all_are_neighbors_of_none(spark):
    df = lacking(spark)
    sampler = sb.SMOTE(**ARGUMENTS, missing="ignore", provenance_col="of", sampling_strategy={"class 1": 54})
    made = [row["of"] for row in collected(sampler.fit_resample(df)) if row["of"]["kind"] == "synthetic"]
    assert {one["base"]["id"] for one in made} == set(range(60, 84))
    assert 70 not in {one["neighbor"]["id"] for one in made if one["base"]["id"] != 70}


def test_dropped_rows_are_in_no_count(spark, tmp_path, capsys):
    rows = frame(spark).drop("kind").toPandas()
    rows.loc[rows["id"] % 30 == 0, "label"] = None
    whole = rows.dropna()
    left_out = {"lack a feature": int(rows[list(FEATURES)].isna().any(axis=1).sum())}
    left_out["have no label"] = len(rows) - len(whole) - left_out["lack a feature"]
    assert min(left_out.values()) > 2
    rows.to_parquet(tmp_path / "in.parquet")
    parameters = {"label_col": "label", "key_cols": ["id"], "missing": "drop", "null_label": "drop"}
    for sampler in ({"smote": parameters}, {"smotetomek": parameters}):
        given = {"input": {"path": str(tmp_path / "in.parquet")}, "sampler": sampler}
        output = {"path": str(tmp_path / "out"), "mode": "overwrite"}
        page = str(tmp_path / "page.html") if "smote" in sampler else None
        manifest = sb.read_manifest(job.run(spark, JobConfig.of(given | {"output": output}), report=page).manifest)
        before = whole["label"].value_counts().to_dict()
        assert manifest["plan"]["rows_before"] == sum(before.values())
        assert {one["label"]: one["before"] for one in manifest["plan"]["classes"]} == before
        written = pd.read_parquet(tmp_path / "out")
        assert sum(one["rows"] for one in manifest["after"]["classes"]) == len(written)
        assert not written[list(FEATURES)].isna().any().any()
        assert manifest["notes"]["rows_left_out"] == left_out
        planned = job.run(spark, JobConfig.of(given), dry_run=True)
        assert planned.plan.rows_before == len(whole)
        assert planned.notes["rows_left_out"] == left_out
    show(planned)
    told = "{} lack a feature, {} have no label".format(*left_out.values())
    assert f"rows left out: {told}\n" in capsys.readouterr().out
    assert told in (tmp_path / "page.html").read_text()


def test_dropped_rows_are_not_in_counts_that_are_given(spark):
    df, sampler = frame(spark).drop("kind"), sb.TomekLinks(**ARGUMENTS, missing="drop")
    counted = sampler.plan(df).targets
    assert sampler.plan(df, counted).rows_before == df.dropna().count() == sampler.explain(df).rows_before
    with pytest.raises(SparkBalanceError, match="count"):
        sampler.fit_resample(df, sb.class_counts(df, "label")).count()


ALL_NEEDED = {
    "KMeansSMOTE": ({}, "clusters are means of whole rows"),
    "SVMSMOTE": ({}, "the classifier is fitted to whole rows"),
    "ClusterCentroids": ({}, "clusters are means of whole rows"),
    "NearMiss": ({"version": 2}, "what version=2 finds farthest would be rows with no feature in common"),
    "SMOTE": ({"recall": 1.0}, "no bound proves neighbors='exact', or recall=1, of rows that lack features"),
    "TomekLinks": ({"metric": "cosine"}, "a row that lacks a feature points nowhere"),
    "SMOTER": ({"metric": "cosine"}, "a row that lacks a feature points nowhere"),
}


@pytest.mark.parametrize("name", ALL_NEEDED)
def test_a_method_that_needs_all_features_says_so(name):
    parameters, why = ALL_NEEDED[name]
    sentence = f"{name}: missing='ignore' is refused: .*{why}; use missing='drop', or fill what is missing before"
    with pytest.raises(SparkBalanceError, match=sentence):
        getattr(sb, name)(
            **{"target_col" if name == "SMOTER" else "label_col": "label"}, missing="ignore", **parameters
        )


def test_values_have_no_missing_to_ignore():
    with pytest.raises(SparkBalanceError, match="SMOTEN: .*NULL is a value here"):
        sb.SMOTEN(label_col="label", missing="ignore")


def test_an_array_without_a_length_is_refused(spark):
    df = labelled(spark, [60, 20]).selectExpr("id", "label", "if(id = 70, null, array(x, y)) AS v")
    sampler = sb.SMOTE(label_col="label", key_cols="id", feature_cols="v", missing="ignore")
    with pytest.raises(SparkBalanceError, match=r"arrays that are NULL, which have no length, .* 'v' \(1 rows\); fill"):
        sampler.fit_resample(df)
    assert sampler.replace(missing="drop").fit_resample(df).count() == 120
    # an empty array lacks no number: it is of another length on any engine
    empty = df.withColumn("v", F.when(F.col("v").isNotNull(), F.col("v")).otherwise(F.array().cast("array<double>")))
    with pytest.raises(SparkBalanceError, match="'v' holds arrays of 0 to 2 numbers"):
        sampler.replace(missing="drop").fit_resample(empty)


@pytest.mark.parametrize(
    ("kind", "few", "left"), [("SMOTE", "label = 'class 0'", r"1 class \('class 0'\)"), ("SMOTEENN", "false", "no row")]
)
def test_who_drops_the_rows_of_a_class_says_so(spark, kind, few, left):
    df = labelled(spark, [60, 20]).withColumn("x", F.when(F.expr(few), F.col("x")))
    sampler = getattr(sb, kind)(**ARGUMENTS, missing="drop")
    with pytest.raises(SparkBalanceError, match=f"missing='drop' leaves {left}, resampling needs at least 2 classes"):
        sampler.fit_resample(df)


def test_neighbors_of_plain_frames(spark):
    df = frame(spark).drop("label", "kind")
    # id 5 has no feature in common with those that it is nearest to by none
    df = df.withColumns({name: F.when(F.col("id") != 5, F.col(name)) for name in FEATURES})
    found = pd.DataFrame(collected(knn_join(df, df, 3, key_cols="id", scale=False, missing="ignore")))
    raw = df.toPandas().sort_values("id")[list(FEATURES)].to_numpy(dtype=np.float64, na_value=np.nan)
    away = nan_euclidean_distances(raw)
    away[np.isnan(away)] = np.inf
    np.fill_diagonal(away, np.inf)
    expected = np.sort(away, axis=1)[:, :3].ravel()
    told = found.sort_values(["id", "rank"])["distance"].to_numpy()
    assert told == pytest.approx(expected, rel=1e-4, abs=1e-2)
    assert np.isinf(told.reshape(-1, 3)[5]).all()
    dropped = knn_join(df, df, 3, key_cols="id", missing="drop")
    whole = {row["id"] for row in collected(df.dropna())}
    assert {row["id"] for row in collected(dropped)} == whole
    whole_rows, proven = "a row that lacks a feature points nowhere", "no bound proves neighbors='exact', or recall=1,"
    for how, why in [({"metric": "cosine"}, whole_rows), ({"neighbors": "exact"}, proven), ({"recall": 1.0}, proven)]:
        with pytest.raises(SparkBalanceError, match=f"knn_join: missing='ignore' is refused: .*{why}"):
            knn_join(df, df, 3, key_cols="id", missing="ignore", **how)
    with pytest.raises(SparkBalanceError, match="knn_join: NULL or NaN in .*; set missing='drop', fill"):
        knn_join(df, df, 3, key_cols="id", metric="cosine")


def test_rules_on_plain_frames(spark):
    df, says = frame(spark).drop("kind"), {"others": T.IntegerType()}
    how = {"label_col": "label", "key_cols": "id", "k": 4, "scale": False}
    told = collected(decide(df, OtherClass("others", (0, 1), 4), says, missing="ignore", **how).orderBy("id"))
    raw = df.toPandas().sort_values("id")
    away = nan_euclidean_distances(raw[list(FEATURES)].to_numpy(dtype=np.float64, na_value=np.nan))
    away[np.isnan(away)] = np.inf
    np.fill_diagonal(away, np.inf)
    near = np.argsort(away, axis=1, kind="stable")[:, :4]
    label = raw["label"].to_numpy()
    expected = (label[near] != label[:, None]).sum(axis=1)
    # ties are broken another way
    assert np.mean(np.array([row["others"] for row in told]) == expected) > 0.97
    whole = collected(decide(df, OtherClass("others", (0, 1), 4), says, missing="drop", **how))
    assert len(whole) == df.dropna().count()
    sentence = r"decide: NULL or NaN .*'x' \(\d+ rows\).*set missing='ignore' or 'drop'"
    with pytest.raises(SparkBalanceError, match=sentence):
        decide(df, OtherClass("others", (0, 1), 4), says, **how)


def test_an_estimator_of_scikit_learn_names_the_distance():
    from spark_balance.sklearn import SMOTE, EditedNearestNeighbours

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(120, 3)), np.arange(120) % 4 == 0
    X[rng.random(X.shape) < 0.2] = np.nan
    search = NearestNeighbors(n_neighbors=4, metric="nan_euclidean")
    made, classes = SMOTE(k_neighbors=search, random_state=0).fit_resample(X, y)
    assert np.bincount(classes).tolist() == [90, 90]
    assert np.array_equal(made[:120], X, equal_nan=True)
    assert 0 < np.isnan(made[120:]).mean() < 0.1
    kept, _ = EditedNearestNeighbours(n_neighbors=search, sampling_strategy="all").fit_resample(X, y)
    near = NearestNeighbors(n_neighbors=3, metric="nan_euclidean").fit(np.nan_to_num(X)).n_neighbors
    away = nan_euclidean_distances(X)
    away[np.isnan(away)] = np.inf
    np.fill_diagonal(away, np.inf)
    agree = (y[np.argsort(away, axis=1, kind="stable")[:, :near]] == y[:, None]).all(axis=1)
    assert len(kept) == pytest.approx(agree.sum(), abs=1)
    with pytest.raises(ValueError, match="NaN"):
        SMOTE().fit_resample(X, y)
