"""SMOTENC and SMOTEN: values of new rows are ones that the class has, voted for, whatever they are."""

from __future__ import annotations

import numpy as np
import pytest
from frames import comparable, digest, labelled, maybe, number, rows_by_label
from pyspark.sql import functions as F

from spark_balance import SMOTEN, SMOTENC, SparkBalanceError
from spark_balance.errors import CategoryWarning
from spark_balance.kernels.knn import knn
from spark_balance.kernels.metrics import Mixed
from spark_balance.kernels.scale import MixedScale

METHODS = [SMOTENC, SMOTEN]
CATEGORIES = ("a dotted.name", "flag", "month")
# as in test_golden.py: other rows only where a method is meant to give them
DIGESTS = {"SMOTENC": (1200, -258195711507657389854), "SMOTEN": (1200, 29457746063681376375)}


def _mixed(spark, sizes=(400, 200, 120), label="string"):
    """Return rows with odd strings, booleans and integers, NULL now and then, beside the numbers."""
    odd = F.element_at(
        F.array(*map(F.lit, ["é", "", "a'b`c\"", "NULL", "line\nbreak", "日本"])), number(8, 6).cast("int") + 1
    )
    return labelled(spark, list(sizes), label).withColumns(
        {
            "a dotted.name": maybe(odd, 9, 5),
            "flag": maybe(number(10, 2) == 0, 11, 6),
            "month": maybe(number(12, 12).cast("short"), 13, 7),
            "seen": F.timestamp_seconds(F.col("id")),
            "day": F.date_add(F.lit("2024-01-01").cast("date"), F.col("id").cast("int")),
            "price": (F.col("n").cast("decimal(10,2)") / 8).cast("decimal(10,2)"),
        }
    )


def _sampler(method, **more):
    """Return the sampler over the columns of `_mixed`."""
    chosen = {"feature_cols": CATEGORIES} if method is SMOTEN else {"categorical_features": CATEGORIES}
    return method(**{"label_col": "label", "key_cols": "id", "random_state": 7, **chosen, **more})


@pytest.mark.every_engine
@pytest.mark.parametrize("method", METHODS)
def test_the_rows_are_the_same_on_every_engine(spark, method):
    sampler = _sampler(method, cell_rows=64, k_neighbors=3, provenance_col="p")
    assert digest(sampler.fit_resample(_mixed(spark))) == DIGESTS[method.__name__]


@pytest.mark.parametrize("method", METHODS)
def test_an_identity_among_the_categories_gets_a_warning(spark, method):
    df = _mixed(spark).withColumn("device_id", F.col("id").cast("string"))
    role = "feature_cols" if method is SMOTEN else "categorical_features"
    sampler = _sampler(method, **{role: ("month", "device_id")})
    with pytest.warns(CategoryWarning, match="'device_id' has 200 values in 200 rows of class 'class 1'") as said:
        made = sampler.resample(df)
    assert len(said) == len(made.warnings) == 1
    assert str(made.warnings[0]) in sampler.explain(df).warnings
    assert not _sampler(method).resample(df).warnings


@pytest.mark.parametrize("method", METHODS)
def test_no_class_gets_a_value_that_it_does_not_have(spark, method):
    # the label is in the strings, so that a value of another class would be seen
    df = _mixed(spark).withColumn("a dotted.name", F.concat("`a dotted.name`", F.lit(" of "), "label"))
    new = _sampler(method, output="added").fit_resample(df)
    assert new.schema == df.schema
    assert rows_by_label(new) == {"class 1": 200, "class 2": 280}
    for name in CATEGORIES:
        quoted = f"`{name}`"
        assert new.select("label", quoted).subtract(df.select("label", quoted)).count() == 0
        assert new.where(f"{quoted} IS NULL").count() > 0
    assert new.agg(F.count("seen"), F.count("day")).first() == (0, 0)


@pytest.mark.parametrize("method", METHODS)
def test_groups_and_other_types_of_labels(spark, method):
    df = _mixed(spark, (90, 40), "decimal").withColumn("region", maybe(number(20, 2).cast("string"), 21, 3))
    sampler = _sampler(method, within_cols="region", k_neighbors=2, output="added", provenance_col="p")
    added = (
        sampler.fit_resample(df)
        .alias("new")
        .join(
            df.select(F.col("id").alias("base_id"), F.col("region").alias("base_region")),
            F.col("p.base.id") == F.col("base_id"),
        )
    )
    assert added.count() == 50
    assert added.where("NOT region <=> base_region").count() == 0


@pytest.mark.parametrize("method", METHODS)
def test_the_base_passes_on_what_is_no_feature(spark, method):
    df = _mixed(spark, (60, 30)).drop("month").withColumn("note", F.concat(F.lit("note "), F.col("id").cast("string")))
    # a column that is passed through is no category, though it is a string
    sampler = method(label_col="label", key_cols="id", passthrough=["note"], output="added", provenance_col="p")
    assert "note" not in sampler.features(df).categorical
    made = sampler.fit_resample(df)
    assert made.where(F.col("note") == F.concat(F.lit("note "), F.col("p.base.id").cast("string"))).count() == 30


def test_decimals_keep_their_scale_and_integers_are_whole(spark):
    df = _mixed(spark, (60, 30))
    new = _sampler(SMOTENC, feature_cols=("n", "price"), output="added").fit_resample(df).toArrow()
    assert str(new.schema.field("price").type) == "decimal128(10, 2)"
    assert (new["price"].null_count, new["n"].null_count) == (0, 0)
    assert new["x"].null_count == 30


@pytest.mark.parametrize("method", METHODS)
def test_a_value_that_most_have_wins_even_if_it_is_null(spark, method):
    df = _mixed(spark, (60, 30)).withColumns({"flag": F.lit(None).cast("boolean"), "month": F.lit(3).cast("short")})
    new = _sampler(method, output="added").fit_resample(df)
    assert new.where("flag IS NULL AND month = 3").count() == 30


@pytest.mark.parametrize("method", METHODS)
def test_twenty_thousand_values(spark, method):
    df = labelled(spark, [56_000, 4_000]).withColumns(
        {"shop": F.concat(F.lit("shop "), number(30, 20_000).cast("string"))}
    )
    new = (
        method(label_col="label", key_cols="id", sampling_strategy={"class 1": 6_000}, output="added")
        .fit_resample(df)
        .cache()
    )
    assert new.count() == 2_000
    assert new.select("label", "shop").subtract(df.select("label", "shop")).count() == 0


def test_cells_hold_the_neighbors_that_they_say(spark):
    df = labelled(spark, [4_000, 3_000]).withColumns({"color": number(5, 6).cast("string"), "flag": number(6, 2) == 0})
    sampler = SMOTENC(
        label_col="label", key_cols="id", sampling_strategy={"class 1": 4_000}, cell_rows=500, output="added",
        provenance_col="p",
    )  # fmt: skip
    made = sampler.resample(df)
    pairs = made.frame.select(F.col("p.base.id").alias("base"), F.col("p.neighbor.id").alias("near")).toArrow()
    rows = df.where("label = 'class 1'").orderBy("id").toArrow()
    first = rows["id"][0].as_py()
    raw = np.column_stack([rows[name].to_numpy().astype(float) for name in ("x", "y", "n", "color", "flag")])
    scale = MixedScale.of_numbers(raw, 3, equalize=True)
    points = scale.integers(raw)
    kernel = Mixed.fit(points, 3)
    base, near = (pairs[name].to_numpy() - first for name in ("base", "near"))
    nearest = knn(points, np.arange(len(points)), 5, metric=kernel)[0]
    # the order of ties is another one here: as near as the fifth is near enough
    away = [
        ((points[base, :3] - points[to, :3]) ** 2).sum(axis=1)
        + kernel.penalty * (points[base, 3:] != points[to, 3:]).sum(axis=1)
        for to in (near, nearest[base, -1])
    ]
    recall = float(np.mean(away[0] <= away[1]))
    assert made.notes["cells"] > 4
    assert recall == pytest.approx(made.notes["estimated_recall"], abs=0.03)
    assert recall > 0.9


@pytest.mark.parametrize(
    ("method", "parameters", "sentence"),
    [
        (SMOTENC, {"categorical_features": "seen"}, "'seen' of type timestamp.*derive a number.*hour\\(`seen`\\)"),
        (SMOTENC, {"feature_cols": ("x", "day", "flag")}, "'day' is of type date.*derive a number"),
        (SMOTENC, {"categorical_features": "day"}, "'day' of type date; categories are strings, booleans or numbers"),
        (SMOTENC, {"categorical_features": "label"}, "'label', the label, a key or a within column"),
        (SMOTENC, {"categorical_features": "color"}, "names column 'color', which the frame does not have"),
        (SMOTENC, {"categorical_features": ("flag", "flag")}, "names column 'flag' twice"),
        (SMOTENC, {"categorical_features": ()}, "no string or boolean column.*use SMOTE"),
        (SMOTENC, {"feature_cols": ("x", "n")}, "no string or boolean column.*use SMOTE"),
        (SMOTENC, {"feature_cols": ("flag",)}, "names no column of numbers; use SMOTEN"),
        (SMOTENC, {"neighbors": "exact"}, "neighbors='exact' is refused"),
        (SMOTEN, {"feature_cols": "day"}, "'day' of type date.*derive a number"),
        (SMOTEN, {"feature_cols": ()}, "no string or boolean column"),
    ],
)  # fmt: skip
def test_what_is_no_category_is_refused(spark, method, parameters, sentence):
    with pytest.raises(SparkBalanceError, match=sentence):
        method(label_col="label", key_cols="id", **parameters).plan(_mixed(spark, (20, 10)))


def test_a_number_that_is_missing_is_refused_and_a_category_is_not(spark):
    df = _mixed(spark, (60, 30)).withColumn("x", maybe(F.col("x"), 31))
    with pytest.raises(SparkBalanceError, match="NULL or NaN in rows .*'x'"):
        _sampler(SMOTENC).fit_resample(df)
    assert _sampler(SMOTENC, feature_cols=("y", "n")).fit_resample(df).count() == 120


def test_too_many_values_are_refused(spark, monkeypatch):
    monkeypatch.setattr("spark_balance.neighbors.values.MOST_VALUES", 5)
    with pytest.raises(SparkBalanceError, match="more than 5 values in the feature columns.*leave keys out"):
        _sampler(SMOTEN).fit_resample(_mixed(spark, (60, 30)))


def test_the_originals_stay(spark):
    df = _mixed(spark, (60, 30))
    out = _sampler(SMOTEN).fit_resample(df)
    assert comparable(df).exceptAll(comparable(out)).count() == 0
