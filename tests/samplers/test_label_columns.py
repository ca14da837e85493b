"""Labels in several columns: the rows that the array of them gives, and originals as they were."""

from __future__ import annotations

from collections import Counter
from unittest import mock

import pytest
from frames import collected, digest, fraction, maybe, number
from pyspark.sql import functions as F, types as T

from spark_balance import (
    MLROS,
    MLRUS,
    MLSMOTE,
    SMOTE,
    Chain,
    class_counts,
    gather_labels,
    label_counts,
    resampling_report,
    spread_labels,
    stratified_folds,
    stratified_split,
    trace,
)
from spark_balance.errors import ColumnError, CountsError, ParameterError
from spark_balance.frames import copies
from spark_balance.testing.case import counted_rows

ROWS = 600
KINDS = {"a": "boolean", "b": "int", "c": "tinyint", "ü ,'d.e": "boolean"}  # of the columns, and what they are called
LABELS = tuple(KINDS)
SHARES = (70, 45, 8, 4)  # in percent of the rows
METHODS = (MLROS, MLRUS, MLSMOTE)
SHARED = {"label_col": LABELS, "key_cols": "id", "random_state": 3}


def one_hot(spark):
    """Return rows with four labels in any place among the columns; NULL and 0 are absent, 2 is there."""
    there = [number(40 + i, 100) < share for i, share in enumerate(SHARES)]
    there[3] |= there[2] & (number(50, 2) > 0)
    numbers = [F.when(one, 1 + number(60, 2)).otherwise(0) for one in there[1:3]]
    values = [maybe(there[0], 9), maybe(numbers[0], 7), numbers[1], there[3]]
    made = [one.cast(kind).alias(name) for one, (name, kind) in zip(values, KINDS.items(), strict=True)]
    key = F.when(F.col("id") >= 0, F.col("id")).alias("id")
    text = F.concat(F.lit("row "), maybe(F.col("id").cast("string"), 12)).alias("text")
    day = (F.col("id") % 3).alias("day")
    return spark.range(0, ROWS, 1, 3).select(made[0], key, *made[1:3], fraction(1).alias("x"), text, day, made[3])


@pytest.fixture(scope="module")
def before(spark):
    return collected(one_hot(spark))


def labelset(row):
    return tuple(sorted(name for name in LABELS if row[name]))


def without_labels(row):
    return {name: value for name, value in row.items() if name not in LABELS}


def comparable(table):
    """Return the rows with their labels, whatever the types of the columns that say these."""
    return Counter((str(sorted(without_labels(row).items())), labelset(row)) for row in table)


def missing(df):
    return df.withColumn("x", maybe(F.col("x"), 6))


@pytest.mark.parametrize(
    ("kind", "more", "changed"),
    [
        (MLROS, {"output": "added", "provenance_col": "told", "percentage": 80}, None),
        (MLROS, {"within_cols": "day", "percentage": 10}, None),
        (MLRUS, {"null_label": "drop"}, None),
        (MLSMOTE, {"passthrough": "base"}, None),
        (MLSMOTE, {"output": "added", "provenance_col": "told", "labels": "union", "feature_cols": "x"}, None),
        (MLSMOTE, {"within_cols": "day", "few_rows": "leave", "labels": "intersection"}, None),
        (MLSMOTE, {"missing": "ignore", "feature_cols": ("x", "day"), "k_neighbors": 3}, missing),
        (MLSMOTE, {"missing": "drop", "feature_cols": ("x", "day"), "null_label": "drop"}, missing),
    ],
    ids=lambda one: getattr(one, "__name__", None) or "-".join(one or ("",)),
)
def test_columns_give_the_rows_of_the_array_of_them(spark, kind, more, changed):
    df = one_hot(spark) if changed is None else changed(one_hot(spark))
    sampler = kind(**SHARED, **more)
    made = sampler.resample(df)
    array = sampler.replace(label_col="labels").resample(gather_labels(df, LABELS))
    assert made.plan.classes == array.plan.classes
    assert any(entry.action != "keep" for entry in made.plan.classes)
    found = collected(made.frame)
    assert comparable(found) == comparable(collected(spread_labels(array.frame, LABELS)))
    # the columns are in their place, of their types, and no other is there
    told = [T.StructField("told", made.frame.schema["told"].dataType)] if "provenance_col" in more else []
    assert made.frame.schema.names == [*df.columns, *[one.name for one in told]]
    assert [one.dataType for one in made.frame.schema] == [one.dataType for one in (*df.schema, *told)]
    assert made.plan.label_col == "label_set"


def test_originals_are_as_they_were(spark, before):
    whole = set(counted_rows(before, before[0]))
    for kind, keyed in ((MLROS, {}), (MLRUS, {}), (MLROS, {"key_cols": "id"}), (MLRUS, {"key_cols": "id"})):
        made = kind(label_col=LABELS, **keyed).resample(one_hot(spark))
        table = collected(made.frame)
        assert set(counted_rows(table, before[0])) <= whole
        assert Counter(map(labelset, table)) == +Counter(made.plan.targets)
    assert any(row["a"] is None for row in table)
    assert {row["b"] for row in table} == {None, 0, 1, 2}
    made = collected(MLSMOTE(**SHARED, provenance_col="told").fit_resample(one_hot(spark)))
    of_kind = {kind: [row for row in made if row["told"]["kind"] == kind] for kind in ("original", "synthetic")}
    assert counted_rows(of_kind["original"], before[0]) == counted_rows(before, before[0])
    assert of_kind["synthetic"]
    for row in of_kind["synthetic"]:
        assert {row["a"], row[LABELS[3]]} <= {True, False}
        assert {row["b"], row["c"]} <= {0, 1}
        assert type(row["a"]) is bool


@pytest.mark.every_engine
def test_the_rows_are_the_same_on_every_engine(spark):
    made = MLSMOTE(**SHARED, passthrough="base").fit_resample(one_hot(spark))
    assert digest(made) == (700, 60546664641160980170)


def test_a_label_is_no_feature(spark):
    df = one_hot(spark)
    used = MLSMOTE(label_col=LABELS, key_cols="id").features(df)
    assert used.names == ("x", "day")
    for passthrough in ("base", ("b", "text")):
        sampler = MLSMOTE(**SHARED, passthrough=passthrough)
        assert not {*LABELS} & {*sampler.left_null(df)}
        assert {row["b"] for row in collected(sampler.replace(output="added").fit_resample(df))} <= {0, 1}


def test_rows_without_a_key_are_known_by_their_own_columns(spark, before):
    """As check_leakage and trace know them, which see no column of ours."""
    made = MLROS(label_col=LABELS, provenance_col="told", output="added").fit_resample(one_hot(spark))
    ids = {row["id"]: row for row in before}
    found = trace(made, one_hot(spark))
    assert found
    for one in found:
        assert one.base == ids[one.base["id"]]


def test_columns_that_may_not_be_null_stay_so(spark):
    required = one_hot(spark).select(
        "id",
        "x",
        *[F.coalesce(F.col(name), F.lit(0).cast(kind)).alias(name) for name, kind in list(KINDS.items())[1:3]],
    )
    assert not required.schema["b"].nullable
    made = MLSMOTE(label_col=("b", "c"), key_cols="id").fit_resample(required)
    assert made.schema == required.schema


def test_counts_and_splits_take_the_same_columns(spark, before):
    df = one_hot(spark)
    gathered = gather_labels(df, LABELS)
    counts = class_counts(df, LABELS)
    assert counts.rows == class_counts(gathered, "labels").rows == Counter(map(labelset, before))
    assert label_counts(df, LABELS).labels == label_counts(gathered, "labels").labels
    for given in (counts, counts.rows):
        assert MLROS(**SHARED).plan(df, given) == MLROS(**SHARED).plan(df)
    with pytest.raises(CountsError, match="counts were taken of column 'labels'"):
        MLROS(**SHARED).plan(df, class_counts(gathered, "labels"))
    some = {labels: rows for labels, rows in counts.rows.items() if labels != ("a", "b")}
    for kind in METHODS:
        with pytest.raises(Exception, match="which is not in the counts given"):
            kind(**SHARED).fit_resample(df, some).collect()
    parts = stratified_split(df, [0.75, 0.25], LABELS, key_cols="id")
    others = stratified_split(gathered, [0.75, 0.25], "labels", key_cols="id")
    for part, other in zip(parts, others, strict=True):
        assert part.schema == df.schema
        assert counted_rows(collected(part), ["id"]) == counted_rows(collected(other), ["id"])
    folds = stratified_folds(df, 3, LABELS, key_cols="id")
    assert folds.columns == [*df.columns, "fold"]
    assert counted_rows(collected(folds), ["id", "fold"]) == counted_rows(
        collected(stratified_folds(gathered, 3, "labels", key_cols="id")), ["id", "fold"]
    )


def test_a_chain_takes_several_columns(spark):
    chain = Chain([{"mlrus": {"percentage": 10}}, {"mlros": {"percentage": 10}}], label_col=LABELS)
    again = Chain.from_toml_dict(chain.to_toml_dict())
    assert again.label_col == LABELS
    made = again.resample(one_hot(spark))
    assert made.frame.schema == one_hot(spark).schema
    assert Counter(map(labelset, collected(made.frame))) == +Counter(made.plan.targets)


def test_rows_of_many_copies_are_dealt_out(spark):
    names, even = [f"frequent {i}" for i in range(8)], F.col("id") % 2 == 0
    columns = [*[even.alias(name) for name in names], (F.col("id") % 120 == 0).alias("rare")]
    df, sampler = spark.range(ROWS).select("id", *columns), MLROS(label_col=[*names, "rare"], key_cols="id")
    expected = counted_rows(collected(sampler.fit_resample(df)), ["id"])
    with mock.patch.object(copies, "DEALT_NUMBERS", 2**10):
        for one, frame in ((sampler, df), (sampler.replace(label_col="labels"), gather_labels(df, sampler.label_col))):
            made = one.resample(frame)
            assert made.notes["tasks_of_new_rows"] > 1
            assert counted_rows(collected(made.frame), ["id"]) == expected


def test_frames_of_pandas_and_a_report_take_columns(spark):
    df = one_hot(spark).fillna(0, ["b"]).withColumn("a", F.coalesce("a", F.lit(False)))
    sampler = MLSMOTE(**SHARED, provenance_col="told", feature_cols="x")
    local = sampler.fit_resample(df.toPandas())
    assert local["c"].dtype == "int8"
    assert local["a"].dtype == bool
    made = sampler.fit_resample(df).select("x", *[f"`{name}`" for name in LABELS])
    assert comparable(local[["x", *LABELS]].to_dict("records")) == comparable(made.toPandas().to_dict("records"))
    unkeyed = MLROS(label_col=LABELS, provenance_col="told")
    assert ">base<" in resampling_report(df, unkeyed.resample(df), unkeyed, new_rows=2)


def test_what_does_not_fit_is_said_in_a_sentence(spark):
    df = one_hot(spark)
    for labels, sentence in {
        ("a", "bb"): "label_col names column 'bb', which the frame does not have; did you mean 'b'",
        ("a", "x"): "label_col names column 'x' of type double; a label is there or not, so give booleans, or integers",
        ("a", "b", "a"): "label_col names column 'a' twice; name each column once",
        (): "label_col names no column; name one for each label",
    }.items():
        for kind in METHODS:
            with pytest.raises(ColumnError, match=f"{kind.name}: {sentence}"):
                kind(label_col=labels, key_cols="id").fit_resample(df)
    with pytest.raises(ColumnError, match="MLROS: the frame has a column 'label_set', which the labels of several"):
        MLROS(label_col=LABELS).fit_resample(df.withColumnRenamed("text", "Label_Set"))
    for role in ("key_cols", "within_cols"):
        with pytest.raises(ParameterError, match=f"MLRUS: {role} names the label column 'b'; leave it out"):
            MLRUS(label_col=LABELS, **{role: ("id", "b")})
    with pytest.raises(ColumnError, match="feature_cols names column 'b', the label, a key or a within column"):
        MLSMOTE(**SHARED, feature_cols=("x", "b")).fit_resample(df)
    with pytest.raises(
        ParameterError, match="SMOTE: label_col=.* is refused: .*; MLROS, MLRUS and MLSMOTE take several"
    ):
        SMOTE(label_col=LABELS)
    with pytest.raises(ColumnError, match="stratified_split: label_col names no column"):
        stratified_split(df, [0.5, 0.5], [])
