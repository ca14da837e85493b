"""Replicas are dealt out as new rows are: from one file of a rare class to as many tasks as they need."""

from __future__ import annotations

from contextlib import nullcontext
from unittest import mock

import pytest
from cases import CASES
from frames import FEATURES, digest, labelled, rows_by_label, rows_of_tasks
from pyspark.sql import functions as F, types as T

from spark_balance import SMOTE, Chain, RandomOverSampler, RandomUnderSampler
from spark_balance.frames import copies, provenance

NUMBERS = 2**10
FEW = mock.patch.object(copies, "DEALT_NUMBERS", NUMBERS)
MOST = 2 * NUMBERS // 3  # rows of three features in a task, and a class that is its fullest
RARE = 90
SHARED = {"label_col": "label", "random_state": 3}
WIDTH = 8  # id, x, y and n, and a label that counts as four


@pytest.fixture(scope="module")
def one_file(spark, tmp_path_factory):
    """Return a table whose rare class lies in one file, and the other class in four."""
    df, path = labelled(spark, [3_000, RARE]), str(tmp_path_factory.mktemp("spread") / "rows")
    rare = F.col("label") == "class 1"
    df.where(~rare).write.parquet(path)
    df.where(rare).coalesce(1).write.mode("append").parquet(path)
    return spark.read.parquet(path)


def rare_rows(frame):
    """Return how many rows of the rare class the partitions have."""
    return rows_of_tasks(frame.where("label = 'class 1'"))


def cases():
    """Return every way to grow a class that the shared checks know."""
    on_a_jvm = pytest.mark.engines("sail", "connect")
    grown = [
        case
        for case in CASES
        if case.adds and case.balances and str(case) not in ("chain-keyed", "kmeans_smote-unkeyed_base")
    ]
    params = [
        pytest.param(case, id=str(case), marks=[on_a_jvm] if str(case) == "random_over-keyed" else []) for case in grown
    ]
    fewer = RandomUnderSampler(**SHARED, sampling_strategy={"class 0": 2_900})
    chained = Chain([fewer, RandomOverSampler(**SHARED)])
    return [*params, pytest.param(lambda: chained, id="chain")]


@pytest.mark.filterwarnings("ignore::spark_balance.errors.RecallWarning")
@pytest.mark.parametrize("case", cases())
def test_no_task_makes_most_rows_of_a_class_in_one_file(one_file, case):
    """Every method that adds rows, whatever it makes them of."""
    with FEW:
        tasks = rare_rows(case().fit_resample(one_file))
    assert sum(tasks) > 2_500
    assert max(tasks) <= MOST + RARE


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"key_cols": "id"}, marks=pytest.mark.engines("sail", "connect"), id="keyed"),
        pytest.param({"provenance_col": "of"}, id="unkeyed"),
        pytest.param({"key_cols": "id", "exact": False}, id="approximate"),
        pytest.param({"group_cols": "n", "provenance_col": "of"}, id="groups"),
        pytest.param({"group_cols": "n", "key_cols": "id", "exact": False}, id="groups_approximate"),
        pytest.param({"shrinkage": 0.5, "feature_cols": FEATURES, "provenance_col": "of"}, id="smoothed"),
    ],
)
@pytest.mark.parametrize("output", ["all", "added"])
def test_the_same_rows_wherever_they_are_made(one_file, given, output):
    sampler = RandomOverSampler(**SHARED, **given, output=output)
    whole = sampler.fit_resample(one_file)
    assert max(rare_rows(whole)) > 2_500
    with FEW:
        dealt = sampler.fit_resample(one_file)
        assert digest(dealt) == digest(whole)
        assert dealt.schema == whole.schema
        tasks = rare_rows(dealt)
    share = NUMBERS // WIDTH
    assert max(tasks) <= 2 * share + (RARE if output == "all" else 0)
    if output == "added":
        assert len(tasks) == -(-sum(tasks) * WIDTH // NUMBERS) or not sampler.exact or sampler.group_cols


def test_rows_of_no_class_and_of_an_unknown_one(spark):
    """Originals are kept or refused as where nothing is dealt out."""
    df = labelled(spark, [3_000, RARE, 50])
    two, three = {"class 0": 3_000, "class 1": RARE}, F.col("label") == "class 2"
    without = df.withColumn("label", F.when(~three, F.col("label")))
    with FEW:
        made = RandomOverSampler(**SHARED, null_label="keep").fit_resample(without)
        assert rows_by_label(made) == {"class 0": 3_000, "class 1": 3_000, None: 50}
        refused = RandomOverSampler(**SHARED, key_cols="id").fit_resample(df, two)
        with pytest.raises(Exception, match="has a row of class 'class 2', which is not in the counts given"):
            refused.collect()


def test_a_row_alone_is_enough_for_all_tasks(spark):
    df, sampler = labelled(spark, [3_000, 1]), RandomOverSampler(**SHARED, output="added")
    with FEW:
        tasks = rows_of_tasks(sampler.fit_resample(df))
    assert sum(tasks) == 2_999
    assert max(tasks) <= 2 * NUMBERS // WIDTH


@pytest.mark.parametrize("sizes", [pytest.param([100, 10], id="small"), pytest.param([3_000, 700], id="grows_little")])
def test_what_one_task_can_make_stays_where_it_is(spark, sizes):
    df, sampler = labelled(spark, sizes, partitions=1), RandomOverSampler(**SHARED, key_cols="id", output="added")
    with FEW:
        assert sum(rows > 0 for rows in rows_of_tasks(sampler.fit_resample(df))) == 1
        assert "deal out" not in [step.name for step in sampler.explain(df).steps]


def test_many_small_classes_of_one_file_are_too_many_together(spark):
    """No group makes as much as a task may, all of them do."""
    df = labelled(spark, [4_000, 120]).withColumn("group", F.pmod("id", F.lit(40)))
    sampler = RandomOverSampler(**SHARED, key_cols="id", within_cols="group", output="added")
    with FEW:
        tasks = rows_of_tasks(sampler.fit_resample(df))
    assert sum(tasks) == 4_000 - 120
    assert max(tasks) <= 2 * NUMBERS // WIDTH


def test_a_class_that_hardly_grows_keeps_no_other_in_one_task(spark):
    df, sampler = labelled(spark, [3_000, 1_600, 20]), RandomOverSampler(**SHARED, output="added")
    with FEW:
        tasks = rows_of_tasks(sampler.fit_resample(df))
    assert max(tasks) <= 2 * NUMBERS // WIDTH


@pytest.mark.parametrize("output", ["all", "added"])
@pytest.mark.parametrize("small", [False, True])
def test_explain_says_what_is_dealt_out(one_file, output, small):
    sampler = RandomOverSampler(**SHARED, key_cols="id", output=output)
    with nullcontext() if small else FEW:
        said, made = sampler.explain(one_file, cores=2), sampler.resample(one_file)
        found = rows_of_tasks(made.frame)
    steps = {step.name: step for step in said.steps}
    assert said.facts == made.notes
    assert steps["write"].rows_written == sum(found)
    assert ("deal out" in steps) != small
    if not small:
        # parts so small are two copies
        assert steps["deal out"].shuffle_rows == (3_000 - RARE) / 2
        assert said.facts["tasks_of_new_rows"] == steps["write"].tasks - (2 if output == "all" else 0)
        assert max(found[: said.facts["tasks_of_new_rows"]]) <= 2 * said.facts["new_rows_per_task"]
        assert steps["write"].tasks == -(-(3_000 - RARE) * WIDTH // NUMBERS) + (2 if output == "all" else 0)


@pytest.mark.engines("spark")
@pytest.mark.parametrize("output", ["all", "added"])
def test_originals_are_not_moved(one_file, output, capsys):
    with FEW:
        RandomOverSampler(**SHARED, key_cols="id", output=output).fit_resample(one_file).explain()
    plan = capsys.readouterr().out
    # the originals, the rows to repeat, and their draws
    assert plan.count("FileScan") == (3 if output == "all" else 2)
    # of the rows to repeat, and of the draws in the band
    assert plan.count("Exchange hashpartitioning") == 2
    assert plan.count("PushedFilters: [IsNotNull(label), EqualTo(label,class 1)]") >= 1
    assert "Python" not in plan


def test_a_row_is_as_large_as_its_columns():
    kinds = "id bigint, name string, seen timestamp, at struct<x: double, tags: array<string>>, m map<int, int>"
    schema = T.StructType.fromDDL(kinds)
    assert copies.count_numbers(schema) == 1 + 4 + 1 + (1 + 128) + 128


@pytest.mark.parametrize(
    "sampler",
    [RandomOverSampler(label_col="label", key_cols="id"), SMOTE(label_col="label", key_cols="id", k_neighbors=2)],
    ids=lambda sampler: sampler.name,
)
def test_many_copies_of_a_row_are_made_in_runs(spark, monkeypatch, sampler):
    df = labelled(spark, [120, 6])
    whole = digest(sampler.fit_resample(df))
    monkeypatch.setattr(provenance, "RUN", 4)
    with mock.patch.object(provenance.F, "sequence", wraps=F.sequence) as numbers:
        assert digest(sampler.fit_resample(df)) == whole
    assert numbers.call_count == 2
