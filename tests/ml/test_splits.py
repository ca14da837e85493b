"""Parts that are exact, the same anywhere, and whole."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from frames import LABELS, digest, hashed, labelled, maybe, number, rows_by_label, with_extras
from pyspark.sql import functions as F, types as T

from spark_balance import RandomOverSampler, SparkBalanceError, stratified_folds, stratified_split, time_split

SIZES = [703, 101, 33, 7, 1]


def united(parts):
    whole = parts[0]
    for part in parts[1:]:
        whole = whole.unionByName(part)
    return whole


def is_share(got, rows, share):
    return abs(got - rows * share) < 1


@pytest.mark.parametrize("key", [None, pytest.param("id", marks=pytest.mark.every_engine)], ids=["unkeyed", "keyed"])
def test_a_split_is_exact_per_class_and_loses_nothing(spark, key):
    df = with_extras(labelled(spark, SIZES))
    parts = stratified_split(df, [0.7, 0.2, 0.1], "label", key_cols=key, random_state=3)
    for part, share in zip(parts, [0.7, 0.2, 0.1], strict=True):
        assert part.schema == df.schema
        counts = rows_by_label(part)
        assert all(is_share(counts.get(f"class {i}", 0), rows, share) for i, rows in enumerate(SIZES))
    assert digest(united(parts)) == digest(df)


@pytest.mark.parametrize("label", [name for name in LABELS if name not in ("string", "boolean")])
def test_labels_of_every_type_are_split_exactly(spark, label):
    df = labelled(spark, [90, 30, 10], label)
    train, test = stratified_split(df, [4, 1], "label", key_cols="id")
    assert list(sorted(rows_by_label(train).values())) == [8, 24, 72]
    assert list(sorted(rows_by_label(test).values())) == [2, 6, 18]


def test_rows_without_a_label_are_a_class(spark):
    label = F.when(F.col("id") < 10, F.lit(float("nan"))).when(F.col("id") >= 70, F.col("label"))
    df = labelled(spark, [80, 20], "double").withColumn("label", label)
    train, test = stratified_split(df, [0.5, 0.5], "label", key_cols="id")
    missing = "label is null or isnan(label)"
    assert [df.where("isnan(label)").count(), df.where(missing).count()] == [10, 70]
    assert [train.where(missing).count(), test.where(missing).count()] == [35, 35]
    assert digest(united([train, test])) == digest(df)


def test_a_frame_without_any_label_or_any_row_is_split(spark):
    df = labelled(spark, [10]).withColumn("label", F.lit(None).cast("string"))
    assert [part.count() for part in stratified_split(df, [0.5, 0.5], "label")] == [5, 5]
    assert [part.count() for part in stratified_split(df.limit(0), [0.5, 0.5], "label")] == [0, 0]


@pytest.mark.parametrize("key", [None, "id"], ids=["unkeyed", "keyed"])
def test_the_same_rows_on_any_layout_and_other_rows_for_another_seed(spark, key):
    digests = set()
    for partitions in (1, 3, 8):
        df = labelled(spark, [300, 40], partitions=partitions).orderBy(hashed(partitions))
        train, test = stratified_split(df, [0.75, 0.25], "label", key_cols=key, random_state=5)
        digests.add((digest(train), digest(test)))
    assert len(digests) == 1
    other = stratified_split(df, [0.75, 0.25], "label", key_cols=key, random_state=6)
    assert digest(other[0]) != digest(train)


@pytest.mark.every_engine
def test_a_golden_split(spark):
    """The same rows on every engine: what Sail gives today is what Spark gives."""
    df = labelled(spark, [60, 20])
    test = stratified_split(df, [0.8, 0.2], "label", key_cols="id", random_state=1)[1]
    unkeyed = stratified_split(df, [0.8, 0.2], "label", random_state=1)[1]
    groups = stratified_split(df.withColumn("g", number(9, 30)), [0.8, 0.2], "label", group_cols="g", random_state=1)[1]
    assert sorted(row.id for row in test.select("id").collect()) == GOLDEN["keyed"]
    assert sorted(row.id for row in unkeyed.select("id").collect()) == GOLDEN["unkeyed"]
    assert sorted(row.id for row in groups.select("id").collect()) == GOLDEN["groups"]


GOLDEN = {
    "keyed": [0, 4, 6, 11, 13, 21, 23, 28, 29, 36, 48, 56, 63, 64, 71, 75],
    "unkeyed": [1, 7, 8, 9, 13, 15, 32, 33, 39, 47, 53, 55, 64, 74, 76, 78],
    "groups": [1, 2, 3, 26, 27, 50, 54, 55, 57, 62, 66, 67, 79],
}


def test_duplicates_are_not_drawn_as_one_block(spark):
    df = labelled(spark, [40]).withColumns({name: F.lit(1) for name in ("id", "x", "y", "n")})
    train, test = stratified_split(df, [0.5, 0.5], "label")
    assert [train.count(), test.count()] == [20, 20]


def test_a_row_stays_in_its_part_when_the_table_grows(spark, tmp_path):
    path = str(tmp_path / "table")
    labelled(spark, [90, 30]).write.parquet(path)
    df = spark.read.parquet(path)
    train, test = stratified_split(df, [0.8, 0.2], "label", key_cols="id")
    before = {row.id for row in train.select("id").collect()}
    later = labelled(spark, [90, 30]).withColumn("id", F.col("id") + 1000)
    later.write.mode("append").parquet(path)
    assert len(before) == 96
    assert spark.read.parquet(path).count() == 240
    assert not before & {row.id for row in test.select("id").collect()}


@pytest.mark.every_engine
def test_folds_are_exact_per_class_and_in_all(spark):
    df = labelled(spark, SIZES)
    folds = stratified_folds(df, 5, "label", key_cols="id")
    assert folds.schema["fold"].dataType == T.IntegerType()
    assert digest(folds.drop("fold")) == digest(df)
    table = {}
    for row in folds.groupBy("label", "fold").count().collect():
        table.setdefault(row.label, [0] * 5)[row.fold] = row["count"]
    assert all(max(rows) - min(rows) <= 1 for rows in table.values())
    totals = [sum(rows[fold] for rows in table.values()) for fold in range(5)]
    assert max(totals) - min(totals) <= 1


def test_groups_are_never_cut_and_rare_classes_are_even(spark):
    df = labelled(spark, [9_000, 600], partitions=3).withColumn("customer", maybe(number(21, 1_200), 22, 400))
    parts = stratified_split(df, [0.75, 0.25], "label", group_cols="customer", random_state=2)
    told = [part.withColumn("part", F.lit(i)) for i, part in enumerate(parts)]
    apart = united(told).groupBy("customer").agg(F.count_distinct("part").alias("parts"))
    assert apart.where("parts > 1").count() == 0
    assert digest(united(parts)) == digest(df)
    counts = [rows_by_label(part) for part in parts]
    # random groups would miss by about 17 rows of 450 (one standard deviation)
    assert abs(counts[0]["class 1"] - 450) <= 6
    assert abs(counts[0]["class 0"] - 6_750) <= 200


def test_groups_of_one_row_are_exact(spark):
    df = labelled(spark, [300, 41])
    train, _ = stratified_split(df, [0.8, 0.2], "label", group_cols=["id", "n"])
    assert rows_by_label(train) == {"class 0": 240, "class 1": 33}


KINDS = {
    "date": lambda number: F.date_add(F.lit("1969-12-01").cast("date"), number.cast("int")),
    "timestamp": lambda number: F.timestamp_micros(number * 86_400_000_007 - 864_000_000_000),
    "timestamp_ntz": lambda number: (
        F.timestamp_seconds(number * 1801 - 9_000) + F.expr("interval 123456 microseconds")
    ).cast("timestamp_ntz"),
    "short": lambda number: number.cast("short"),
    "bigint": lambda number: number * 7_000_000_000_001,
}


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=pytest.mark.every_engine) if "stamp" in k else k for k in KINDS]
)
def test_a_time_split_is_exact_where_moments_differ(spark, kind):
    df = labelled(spark, [500]).withColumn("t", KINDS[kind](F.col("id")))
    early, middle, late = time_split(df, [0.7, 0.2, 0.1], "t")
    assert [sorted(row.id for row in part.select("id").collect()) for part in (early, middle, late)] == [
        list(range(350)),
        list(range(350, 450)),
        list(range(450, 500)),
    ]
    assert early.schema == df.schema


@pytest.mark.parametrize(("share", "early_rows"), [(0.55, 50), (0.6, 50), (0.65, 70), (0.97, 100), (0.02, 0)])
def test_a_time_split_never_cuts_ties(spark, share, early_rows):
    # 10 days of 10 rows, but the 6th has 20 and the 7th none
    day = F.floor(F.col("id") / 10)
    df = labelled(spark, [100]).withColumn("t", F.when(day == 6, 5).otherwise(day).cast("bigint"))
    early, late = time_split(df, [share, 1 - share], "t")
    assert [early.count(), late.count()] == [early_rows, 100 - early_rows]


@pytest.mark.parametrize("kind", KINDS)
def test_an_embargo_keeps_each_row_that_long_before_the_next_part(spark, kind):
    df = labelled(spark, [500]).withColumn("t", KINDS[kind](F.col("id")))
    moments = [row.t for row in df.orderBy("id").select("t").collect()]
    embargo = moments[30] - moments[0]
    early, middle, late = time_split(df, [0.7, 0.2, 0.1], "t", embargo=embargo)
    found = [sorted(row.t for row in part.select("t").collect()) for part in (early, middle, late)]
    starts = moments[350], moments[450]
    assert found[0] == [one for one in moments if starts[0] - one >= embargo]
    assert found[1] == [one for one in moments[350:450] if starts[1] - one >= embargo]
    assert found[2] == moments[450:]
    assert found[1][0] - found[0][-1] >= embargo


def test_an_embargo_before_a_part_that_is_empty_is_before_its_cut(spark):
    early, late = time_split(labelled(spark, [100]), [0.999, 0.001], "id", embargo=10)
    assert (early.agg(F.max("id")).first()[0], late.count()) == (89, 0)


@pytest.mark.parametrize("embargo", [None, dt.timedelta(days=2)])
def test_a_window_is_whole_in_one_part_of_time_or_in_none(spark, embargo):
    # windows of 3 days, a new one every day, of two machines
    windows = {(m, w): [dt.date(2026, 1, 1) + dt.timedelta(w + d) for d in range(3)] for m in "ab" for w in range(40)}
    rows = [(*window, day) for window, days in windows.items() for day in days]
    df = spark.createDataFrame(rows, "machine string, nth int, day date")
    plain = time_split(df, [0.5, 0.3, 0.2], "day")
    starts = [dt.date.min, *[part.agg(F.min("day")).first()[0] for part in plain[1:]], dt.date.max]
    parts = time_split(df, [0.5, 0.3, 0.2], "day", embargo=embargo, window_cols=["machine", "nth"])
    for part, start, end in zip(parts, starts[:-1], starts[1:], strict=True):
        last = end if end == dt.date.max else end - (embargo or dt.timedelta(days=1))
        whole = {window for window, days in windows.items() if start <= days[0] and days[-1] <= last}
        assert len(whole) > 6
        found = part.collect()
        assert {(row.machine, row.nth) for row in found} == whole
        assert len(found) == 3 * len(whole)
        assert part.columns == df.columns


@pytest.mark.parametrize("spread", ["id", "id * id * 1000"], ids=["dense", "sparse"])
def test_a_time_split_narrows_to_one_value_among_many(spark, monkeypatch, spread):
    from spark_balance.ml import parts as cuts

    monkeypatch.setattr(cuts, "_FEW", 4)
    df = labelled(spark, [600]).withColumn("t", F.expr(spread))
    for before in (1, 2, 37, 149, 150, 151, 300, 598, 599):
        early, late = time_split(df, [before, 600 - before], "t")
        assert [early.agg(F.max("id")).first()[0], late.count()] == [before - 1, 600 - before]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda df: stratified_split(df, [1], "label"), r"weights=\[1\] is refused; give at least two"),
        (lambda df: stratified_split(df, [0.5, -1], "label"), "weights has -1"),
        (
            lambda df: stratified_split(df, 0.8, "label"),
            "weights=0.8 is refused: input should be an instance of Sequence",
        ),
        (lambda df: time_split(df, "0.8", "id"), "weights='0.8' is refused; give at least two, as"),
        (lambda df: stratified_split(df, [0.5, 0.5], "lable"), "did you mean 'label'"),
        (lambda df: stratified_split(df, [0.5, 0.5], "label", key_cols="no"), "key_cols names column 'no'"),
        (lambda df: stratified_split(df, [0.5, 0.5], "label", group_cols="no"), "group_cols names column 'no'"),
        (lambda df: stratified_split(df, [0.5, 0.5], "label", random_state=0.5), "random_state=0.5"),
        (lambda df: stratified_folds(df, 1, "label"), "n_folds=1 is refused"),
        (lambda df: stratified_folds(df, 3, "label", fold_col="x"), "fold_col='x' is already a column"),
        (lambda df: time_split(df, [0.5, 0.5], "id", window_cols="nth"), "window_cols names column 'nth', which the"),
        (
            lambda df: time_split(df.withColumn("of", F.create_map("id", "n")), [0.5, 0.5], "id", window_cols="of"),
            "window_cols names column 'of' of type map<bigint,int>; name a string, boolean, number, date or timestamp",
        ),
        (lambda df: time_split(df, [0.5, 0.5], "x"), "time_col 'x' is of type double"),
        (
            lambda df: time_split(df, [0.5, 0.5], "id", embargo=-1),
            "embargo=-1 does not fit time_col 'id' of type .*int",
        ),
        (lambda df: time_split(df, [0.5, 0.5], "id", embargo=dt.timedelta(1)), "give a whole number, 0 or more"),
        (lambda df: time_split(df, [0.5, 0.5], "day", embargo=dt.timedelta(hours=1)), "give a timedelta of whole days"),
        (lambda df: time_split(df, [0.5, 0.5], "day", embargo=3), "give a timedelta of whole days"),
        (lambda df: time_split(df, [0.5, 0.5], "maybe"), "time_col 'maybe' is NULL in .* of 20 rows"),
    ],
)
def test_a_mistake_is_one_sentence(spark, call, sentence):
    df = (
        labelled(spark, [15, 5])
        .withColumn("maybe", maybe(F.col("id"), 30))
        .withColumn("day", F.lit("2026-01-01").cast("date"))
    )
    with pytest.raises(SparkBalanceError, match=sentence):
        call(df)


def test_rows_that_resampling_added_are_refused(spark):
    df = labelled(spark, [15, 5])
    more = RandomOverSampler(label_col="label", key_cols="id", provenance_col="origin").fit_resample(df)
    for call in (
        lambda df, **told: stratified_split(df, [0.5, 0.5], "label", **told),
        lambda df, **told: stratified_folds(df, 2, "label", **told),
        lambda df, **told: time_split(df, [0.5, 0.5], "id", **told),
    ):
        with pytest.raises(SparkBalanceError, match="provenance column 'origin' .* 'replica'.*allow_synthetic=True"):
            call(more)
        call(more, allow_synthetic=True)
        call(more.where("origin.kind = 'original'"))


def test_weights_may_be_numpys(spark):
    df = labelled(spark, [60, 20])
    for weights in (np.array([0.75, 0.25], dtype="float32"), np.array([3, 1])):
        train, test = stratified_split(df, weights, "label", key_cols="id")
        assert [rows_by_label(train), rows_by_label(test)] == [
            {"class 0": 45, "class 1": 15},
            {"class 0": 15, "class 1": 5},
        ]


@pytest.mark.every_engine
def test_a_key_that_is_not_unique_is_told_instead_of_an_uneven_split(spark):
    df = labelled(spark, [300, 100])
    for key in (F.lit(1), F.when(F.col("id") >= 200, F.col("id"))):
        with pytest.raises(Exception, match="stratified_split: key_cols is not unique.*leave key_cols out"):
            stratified_split(df.withColumn("key", key), [0.5, 0.5], "label", key_cols="key")
