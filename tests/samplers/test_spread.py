"""New rows are dealt out to tasks of bounded size, the same rows wherever they are made."""

from __future__ import annotations

from unittest import mock

import pytest
from frames import FEATURES, digest, labelled, number, rows_of_tasks

from spark_balance import ADASYN, SMOTE, SMOTENC, KMeansSMOTE
from spark_balance.frames import copies

SHARED = {"label_col": "label", "key_cols": "id", "output": "added", "random_state": 3}
# 341 rows of three features
FEW = mock.patch.object(copies, "DEALT_NUMBERS", 2**10)


def made(spark, sampler, sizes):
    """Return the new rows of a frame, made as they are and dealt out."""
    df = labelled(spark, sizes).withColumn("kind", number(5, 4).cast("string"))
    whole = sampler.fit_resample(df)
    with FEW:
        return whole, sampler.fit_resample(df)


@pytest.mark.parametrize(
    "sampler",
    [
        pytest.param(SMOTE(**SHARED, feature_cols=FEATURES), marks=pytest.mark.engines("sail", "spark"), id="cells"),
        pytest.param(SMOTE(**SHARED, feature_cols=FEATURES, neighbors="exact", cell_rows=30), id="exact"),
        pytest.param(SMOTE(**SHARED, feature_cols=FEATURES, neighbors="partition"), id="partition"),
        pytest.param(SMOTENC(**SHARED, feature_cols=("x", "y"), categorical_features=("kind",)), id="votes"),
        pytest.param(ADASYN(**SHARED, feature_cols=FEATURES), id="levels"),
        pytest.param(KMeansSMOTE(**SHARED, feature_cols=FEATURES, cluster_balance_threshold=0.0), id="clusters"),
    ],
)
def test_no_task_makes_more_than_twice_its_share(spark, sampler):
    whole, dealt = made(spark, sampler, [3_000, 90])
    assert digest(dealt) == digest(whole)
    tasks = rows_of_tasks(dealt)
    assert sum(tasks) == whole.count()
    assert len(tasks) == -(-sum(tasks) * 3 // 2**10)
    assert max(tasks) <= 2 * 2**10 // 3


def test_six_rows_are_enough_for_all_tasks(spark):
    whole, dealt = made(spark, SMOTE(**SHARED, feature_cols=FEATURES), [4_000, 6])
    assert digest(dealt) == digest(whole)
    tasks = rows_of_tasks(dealt)
    assert min(tasks) > 0
    assert max(tasks) <= 2 * 2**10 // 3


def test_small_data_is_not_dealt_out(spark):
    whole, _ = made(spark, SMOTE(**SHARED, feature_cols=FEATURES), [3_000, 90])
    assert sum(rows > 0 for rows in rows_of_tasks(whole)) == 1


def test_pairs_as_large_as_new_rows_are_moved_only_where_a_task_would_make_twice_its_share(spark):
    sampler = SMOTE(**SHARED, feature_cols=FEATURES)
    for sizes, dealt in (([850, 200], False), ([900, 200], True)):
        df = labelled(spark, sizes)
        with FEW:
            tasks = rows_of_tasks(sampler.fit_resample(df))
            assert (sum(rows > 0 for rows in tasks) > 1) == dealt
            assert max(tasks) <= 2 * 2**10 // 3
            assert ("deal out" in [step.name for step in sampler.explain(df).steps]) == dealt


def test_explain_says_what_is_dealt_out(spark):
    df, sampler = labelled(spark, [3_000, 90]), SMOTE(**SHARED, feature_cols=FEATURES)
    assert "deal out" not in [step.name for step in sampler.explain(df).steps]
    with FEW:
        said, made = sampler.explain(df), sampler.resample(df)
        found = rows_of_tasks(made.frame)
    steps = {step.name: step for step in said.steps}
    for told in (said.facts, made.notes):
        assert (told["tasks_of_new_rows"], told["new_rows_per_task"]) == (len(found), -(-sum(found) // len(found)))
    assert steps["write"].tasks == len(found)
    # parts so small have one copy of each neighbor
    assert steps["deal out"].shuffle_rows == sum(found)


@pytest.mark.parametrize("method", [SMOTE, ADASYN])
def test_explain_deals_out_what_the_run_does(spark, method):
    """Two classes make more than a task's share together, and neither does alone."""
    df, sampler = labelled(spark, [250, 10, 10]), method(**SHARED, feature_cols=FEATURES)
    whole = rows_of_tasks(sampler.fit_resample(df))
    with FEW:
        assert "deal out" not in [step.name for step in sampler.explain(df).steps]
        assert rows_of_tasks(sampler.fit_resample(df)) == whole
    assert sum(whole) > 2**10 // 3


def test_a_billion_rows_keep_every_core_at_work():
    found = SMOTE(label_col="label").explain_sizes(10**9, 30, 1e-4, cores=512)
    write = found.steps[-1]
    assert write.tasks > 512
    deal = next(step for step in found.steps if step.name == "deal out")
    assert deal.shuffle_bytes < 10**9
    assert not [sentence for sentence in found.warnings if "new rows written" in sentence]
