"""What lies on both sides of a split is found, as many rows as a comparison of each with each finds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from frames import class_number, labelled, maybe, number
from pyspark.sql import functions as F

from spark_balance import SMOTE, RandomOverSampler, SparkBalanceError, check_leakage, stratified_folds, stratified_split

PAGE = Path(__file__).parents[2] / "docs" / "training.md"


def patients(spark, sizes=(60, 20)):
    """Return visits of patients, some equal in all but their key, some of nobody that is known."""
    frame = spark.range(0, sum(sizes), 1, 2).select("id", class_number(sizes).alias("ill"))
    few = {"age": number(3, 6).cast("double"), "pulse": number(4, 5).cast("double"), "note": maybe(number(5, 3), 3)}
    return frame.withColumns({**few, "patient": maybe(number(6, 30), 10)})


def by_hand(train, test, same):
    """Count the rows of test and of train that have a counterpart on the other side."""
    one, other = ([row.asDict(recursive=True) for row in side.collect()] for side in (train, test))
    return tuple(
        sum(any(same(*pair) for pair in pairs) for pairs in all_pairs)
        for all_pairs in ([[(a, b) for a in one] for b in other], [[(a, b) for b in other] for a in one])
    )


def found(report):
    return {one.kind: (one.test_rows, one.train_rows) for one in report.findings}


@pytest.mark.parametrize(
    ("method", "key"), [(SMOTE, None), (SMOTE, "id"), (RandomOverSampler, None), (RandomOverSampler, "id")]
)
def test_each_leak_is_counted_as_by_hand(spark, method, key, tmp_path):
    df = patients(spark)
    more = {"feature_cols": ("age", "pulse"), "k_neighbors": 3, "passthrough": "base"} if method is SMOTE else {}
    sampler = method(label_col="ill", key_cols=key, provenance_col="made", **more)
    made = sampler.fit_resample(df if key else df.drop("id").distinct())
    made.write.parquet(f"{tmp_path}/made")
    made, third = spark.read.parquet(f"{tmp_path}/made"), "pmod(xxhash64(made.kind, made.gap, age, pulse), 3) = 0"
    train, test = made.where(f"not {third}"), made.where(third)
    report = check_leakage(train, test, key_cols=key, group_cols="patient")
    values = ["ill", "age", "pulse", "note", "patient"]

    named = {} if key else named_by_hash(df.drop("id").distinct(), values)

    def is_parent(a, b):
        parents = [a["made"][side] for side in ("base", "neighbor") if a["made"][side]]
        own = {"id": b["id"]} if key else [b[name] for name in values]
        return b["made"]["kind"] == "original" and own in (
            parents if key else [named[tuple(one.values())] for one in parents]
        )

    known = {
        "parents": is_parent,
        "equal_rows": lambda a, b: [a[name] for name in values] == [b[name] for name in values],
        "groups": lambda a, b: a["patient"] is not None and a["patient"] == b["patient"],
    }
    known |= {"keys": lambda a, b: a["id"] is not None and a["id"] == b["id"]} if key else {}
    new = test.where("made.kind != 'original'").count()
    assert found(report) == {"new_rows": (new, 0)} | {kind: by_hand(train, test, same) for kind, same in known.items()}
    assert all(one.test_rows and 1 <= len(one.examples) <= 5 for one in report.findings if one.kind != "keys")
    assert (report.train_rows, report.test_rows, report.clean) == (train.count(), test.count(), False)


def named_by_hash(df, values):
    from spark_balance.frames.row_ids import HI, LO, identity

    rows = df.select(*values, *identity("test", df.schema, ())).collect()
    return {(row[HI], row[LO]): [row[name] for name in values] for row in rows}


def test_what_is_resampled_after_the_split_has_no_leak(spark):
    train, test = stratified_split(labelled(spark, [60, 20]), [0.75, 0.25], "label", key_cols="id")
    sampler = SMOTE(label_col="label", key_cols="id", provenance_col="made", k_neighbors=3)
    report = check_leakage(sampler.fit_resample(train), test, key_cols="id")
    assert report.clean
    assert [one.kind for one in report.findings] == ["parents", "equal_rows", "keys"]
    assert str(report).splitlines()[:2] == [
        "no leak between 90 rows of train and 20 rows of test",
        "parents: none by id",
    ]


def test_an_example_is_a_row_of_test_that_is_concerned(spark):
    rows = [(1, 0.5, "a"), (2, 0.5, "a"), (3, 1.5, None), (4, 2.5, "b")]
    df = spark.createDataFrame(rows, "id int, x double, note string")
    report = check_leakage(df.where("id in (1, 3)"), df.where("id in (2, 3, 4)"), key_cols="id")
    told = {one.kind: list(one.examples) for one in report.findings}
    assert sorted(one["id"] for one in told["equal_rows"]) == [2, 3]
    assert told["keys"] == [{"id": 3}]
    assert report.to_dict()["findings"]["keys"] == {
        **dict(kind="keys", test_rows=1, train_rows=1, by=["id"], examples=[{"id": 3}])
    }
    assert "keys: 1 row of test with the key of 1 row of train, by id, such as id=3" in str(report)
    unkeyed = check_leakage(df.where("id = 1").drop("id"), df.where("id > 1").drop("id"))
    assert [one.examples for one in unkeyed.findings] == [({"x": 0.5, "note": "a"},)]
    assert found(check_leakage(df, df, compare_cols=[], key_cols="id")) == {"keys": (4, 4)}


def test_frames_of_pandas_are_compared_too(spark):
    df = patients(spark)
    over = RandomOverSampler(label_col="ill", key_cols="id", provenance_col="made")
    theirs = check_leakage(over.fit_resample(df.toPandas()), df.where("id % 3 = 0").toPandas(), key_cols="id")
    ours = check_leakage(over.fit_resample(df), df.where("id % 3 = 0"), key_cols="id")
    assert found(theirs) == found(ours)
    assert found(ours)["keys"][0] == found(ours)["equal_rows"][0] > found(ours)["parents"][0] > 0


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda df: check_leakage(df, df, key_cols="no"), "key_cols names column 'no'"),
        (
            lambda df: check_leakage(df, df, provenance_col="x"),
            "provenance_col='x' is not a provenance column of either",
        ),
        (lambda df: check_leakage(df, df, examples=-1), "examples=-1 is refused"),
        (
            lambda df: check_leakage(df, df.select(F.lit(1).alias("other"))),
            "train and test have no column in common that can be compared",
        ),
        (
            lambda df: check_leakage(df, df.withColumn("id", F.col("id").cast("string"))),
            "column 'id' is of type bigint in train and string in test",
        ),
    ],
)
def test_a_mistake_is_one_sentence(spark, call, sentence):
    with pytest.raises(SparkBalanceError, match=f"check_leakage: {sentence}"):
        call(labelled(spark, [15, 5]))


def test_equal_rows_stay_together_or_are_refused_if_one_says_so(spark):
    df = patients(spark, (240, 60))
    keyed = {"key_cols": "id", "random_state": 4}
    assert not check_leakage(*stratified_split(df, [0.7, 0.3], "ill", **keyed), key_cols="id").clean
    train, test = stratified_split(df, [0.7, 0.3], "ill", duplicates="together", **keyed)
    assert check_leakage(train, test, key_cols="id").clean
    assert train.unionAll(test).select("id").distinct().count() == train.count() + test.count() == 300
    assert 50 < test.count() < 130
    folds = stratified_folds(df, 3, "ill", duplicates="together", **keyed)
    values = [name for name in df.columns if name != "id"]
    assert folds.groupBy(values).agg(F.count_distinct("fold").alias("n")).where("n > 1").count() == 0
    equal = df.groupBy(values).count().where("count > 1").agg(F.sum("count"), F.count("count")).first()
    with pytest.raises(SparkBalanceError, match=f"{equal[0]} rows are equal to another .{equal[1]} different"):
        stratified_split(df, [0.7, 0.3], "ill", duplicates="refuse", **keyed)
    alone = df.groupBy(values).agg(F.min("id").alias("id"))
    kept = [stratified_split(alone, [0.7, 0.3], "ill", duplicates=how, **keyed)[1] for how in ("refuse", "split")]
    assert kept[0].select("id").exceptAll(kept[1].select("id")).isEmpty()
    with pytest.raises(SparkBalanceError, match="duplicates='together' and group_cols both say"):
        stratified_split(df, [0.7, 0.3], "ill", group_cols="patient", duplicates="together")


def test_the_page_prints_what_it_shows(spark, capsys):
    code, said = re.search(
        r"```python\n([^`]*check_leakage[^`]*)```\n\n```text\n(.*?)```", PAGE.read_text(), re.DOTALL
    ).groups()
    exec(compile(code, str(PAGE), "exec"), {"spark": spark})
    assert capsys.readouterr().out == said
