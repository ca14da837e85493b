"""What MLflow keeps of a resampling, read back by MLflow's own client from a store in a folder."""

from __future__ import annotations

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.ml import Estimator, Transformer

from spark_balance import (
    SMOTE,
    BalancedEstimator,
    ClassWeighter,
    RandomUnderSampler,
    log_resampling,
    read_manifest,
    resampling_report,
)
from spark_balance.errors import LoggedBeforeWarning

PAGE = Path(__file__).parents[2] / "docs" / "training.md"
ROWS, FRAUD = 300, 30
SMOTED = SMOTE(label_col="is_fraud", feature_cols=["amount", "age"], key_cols="id", random_state=7)
COMMAND = ["smote", "payments.parquet", "--label", "is_fraud", "--features", "amount,age", "--key", "id"]
COMMAND += ["--random-state", "7", "--output", "balanced.parquet", "--mlflow"]


class Counting(Estimator):
    """An estimator that needs no JVM: its model holds the number of rows that it was fitted on."""

    def _fit(self, dataset):
        model = Counted()
        model.rows = dataset.count()
        return model


class Counted(Transformer):
    def _transform(self, dataset):
        return dataset


@pytest.fixture(autouse=True)
def store(runs, tmp_path, monkeypatch):
    """Work in a folder with a small table and a store of its own."""
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    table = {"id": np.arange(ROWS), "amount": draw.normal(size=ROWS), "age": draw.integers(18, 90, ROWS)}
    labels = (np.arange(ROWS) % (ROWS // FRAUD) == 0).astype(int)
    pd.DataFrame({**table, "is_fraud": labels}).to_parquet("payments.parquet", index=False)
    return runs


@pytest.fixture
def made(spark, tmp_path):
    """Return the table and what SMOTE made of it."""
    before = spark.read.parquet(str(tmp_path / "payments.parquet"))
    return before, SMOTED.resample(before)


def sides(run):
    """Return the datasets of a run by their contexts."""
    return {tag.value: one.dataset for one in run.inputs.dataset_inputs for tag in one.tags}


def place(dataset):
    return json.loads(dataset.source)


def ours(run):
    """Return our parameters of a run, without their prefix."""
    prefix = "spark_balance."
    return {name.removeprefix(prefix): text for name, text in run.data.params.items() if name.startswith(prefix)}


def pages(run):
    """Return the pages of a run by their places."""
    from mlflow import MlflowClient
    from mlflow.artifacts import load_text

    found = MlflowClient().list_artifacts(run.info.run_id, "spark_balance")
    return {one.path: load_text(f"runs:/{run.info.run_id}/{one.path}") for one in found}


def test_a_result_is_logged_as_two_datasets_parameters_and_a_page(made, store, engine):
    import mlflow

    before, result = made
    with mlflow.start_run() as active:
        page = resampling_report(before, result, SMOTED)
        assert (
            log_resampling(result, before=before, source={"path": "/lake/payments"}, report=page) == active.info.run_id
        )
    [run] = store()
    assert {*run.data.params} == {f"spark_balance.{name}" for name in ours(run)}
    recall = ours(run).pop("expected_recall")
    assert float(recall) == result.notes["estimated_recall"]
    said = {name: text for name, text in ours(run).items() if name not in ("expected_recall", "version")}
    assert said == {
        "method": "SMOTE",
        "plan": "0: 270 -> 270; 1: 30 -> 270",
        "random_state": "7",
        "engine": engine,
        "sampler.label_col": "is_fraud",
        "sampler.feature_cols": "amount, age",
        "sampler.key_cols": "id",
    }
    source, training = sides(run)["source"], sides(run)["training"]
    assert (source.name, source.source_type, place(source)) == ("payments", "spark", {"path": "/lake/payments"})
    assert (training.name, training.source_type) == ("training", "code")
    assert json.loads(source.profile) == {"num_rows": 300, "classes": {"0": 270, "1": 30}}
    assert json.loads(training.profile) == {"num_rows": 540, "classes": {"0": 270, "1": 270}}
    assert pages(run) == {f"spark_balance/resampling_report_{training.digest}.html": page}


def test_the_columns_and_the_place_are_what_mlflow_reads_back(spark, store):
    import mlflow
    from mlflow.types import DataType, Schema

    columns = (
        "b boolean, i tinyint, l bigint, f float, d double, s string, t timestamp, a array<double>, e decimal(9,2)"
    )
    before = spark.createDataFrame([], f"{columns}, y int")
    said = {"plan": RandomUnderSampler(label_col="y").make_plan(counts(a=9, b=3)).to_dict()}
    log_resampling(said, before=before, source={"table": "lake.db.t", "format": "iceberg", "version": 3**40})
    log_resampling(said, source={"path": "/lake/t", "format": "delta", "version": 0})
    [delta, iceberg] = store()
    schema = Schema.from_json(json.dumps(json.loads(sides(iceberg)["source"].schema)["mlflow_colspec"]))
    assert schema.input_names() == before.columns
    assert schema.input_types()[:7] == [
        *(DataType.boolean, DataType.integer, DataType.long, DataType.float, DataType.double),
        *(DataType.string, DataType.datetime),
    ]
    assert [str(kind) for kind in schema.input_types()[7:]] == ["Array(double)", "Any", "DataType.integer"]
    [snapshot] = [one for one in iceberg.inputs.dataset_inputs if one.tags[0].value == "source"]
    sql = mlflow.data.get_source(snapshot.dataset).to_dict()["sql"]
    assert sql == f"SELECT * FROM lake.db.t VERSION AS OF {3**40}"
    assert sides(iceberg)["source"].name == f"lake.db.t@{3**40}"
    first = mlflow.data.get_source(sides(delta)["source"])
    assert (first.path, first.delta_table_version, sides(delta)["source"].schema) == ("/lake/t", 0, None)


def counts(**rows):
    from spark_balance import ClassCounts

    return ClassCounts("y", {(): rows}, {(): 0})


def test_a_run_that_is_active_stays_so_beside_autolog_and_keeps_its_first_values(made, store):
    import mlflow
    from sklearn.linear_model import LogisticRegression

    _, result = made
    mlflow.sklearn.autolog(log_models=False, log_datasets=False, silent=True)
    try:
        with mlflow.start_run() as active:
            log_resampling(result)
            LogisticRegression(C=0.5).fit([[0.0], [1.0]], [0, 1])
            log_resampling(result)
            assert mlflow.active_run().info.run_id == active.info.run_id
            with pytest.warns(LoggedBeforeWarning, match=r"has of spark_balance\.random_state; log another"):
                log_resampling(
                    type(result)(result.frame, result.plan, result.notes, (), SMOTED.replace(random_state=8))
                )
            assert store()[0].info.status == "RUNNING"
    finally:
        mlflow.sklearn.autolog(disable=True)
    [run] = store()
    theirs = {name: text for name, text in run.data.params.items() if not name.startswith("spark_balance.")}
    assert theirs["C"] == "0.5"
    assert ours(run)["random_state"] == "7"
    # the digest of another seed is another
    assert len(run.inputs.dataset_inputs) == 3


def test_without_a_run_one_begins_and_ends_and_the_environments_is_left_open(made, store, monkeypatch):
    import mlflow
    from mlflow import MlflowClient

    _, result = made
    log_resampling(result)
    assert ([run.info.status for run in store()], mlflow.active_run()) == (["FINISHED"], None)
    theirs = MlflowClient().create_run("0").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", theirs)
    assert log_resampling(result) == theirs
    assert MlflowClient().get_run(theirs).info.status == "RUNNING"
    assert len(store()) == 2


def test_a_long_value_is_cut(store):
    import mlflow.utils.validation as limits

    plan = RandomUnderSampler(label_col="y").make_plan(counts(**{f"class {i}": 9 + i for i in range(900)}))
    log_resampling({"plan": plan.to_dict()})
    [run] = store()
    text = ours(run)["plan"]
    assert (len(text), text[-3:]) == (limits.MAX_PARAM_VAL_LENGTH, "...")
    assert len(json.loads(sides(run)["training"].profile)["classes"]) == 900


def test_a_job_is_logged_and_its_manifest_says_the_same(cli, store):
    code, _, err = cli(*COMMAND, "--report", "page.html", "--save", "job.toml")
    assert code == 0, err
    [run] = store()
    assert run.info.status == "FINISHED"
    source, training = sides(run)["source"], sides(run)["training"]
    assert (source.name, place(source)) == ("payments.parquet", {"path": "payments.parquet"})
    assert (training.name, place(training)) == ("balanced.parquet", {"path": "balanced.parquet"})
    assert '"name": "amount"' in source.schema
    assert json.loads(training.profile)["classes"] == {"0": 270, "1": 270}
    assert ours(run)["sampler.feature_cols"] == "amount, age"
    assert ours(run)["random_state"] == "7"
    assert [*pages(run).values()] == [Path("page.html").read_text()]
    # what was done before is logged from its manifest: by who trains on it, or by the same job again
    log_resampling(read_manifest("balanced.parquet.manifest.json"))
    assert "mlflow = true" in Path("job.toml").read_text()
    code, out, err = cli("smote", "job.toml")
    assert (code, "was finished" in out) == (0, True), err
    for again in store()[:-1]:
        assert again.data.params == run.data.params
        assert {one.digest for one in sides(again).values()} == {source.digest, training.digest}
    assert len(store()) == 3


def test_versions_of_delta_are_those_that_the_job_read_and_wrote(cli, spark, store, tmp_path):
    lake = tmp_path / "lake"
    spark.read.parquet(str(tmp_path / "payments.parquet")).write.format("delta").save(str(lake))
    words = [
        "random-under",
        lake,
        "--label",
        "is_fraud",
        "--set",
        "output.format=delta",
        "--output",
        tmp_path / "fewer",
    ]
    code, _, err = cli(*words, "--mlflow")
    assert code == 0, err
    [run] = store()
    for context, path in (("source", lake), ("training", tmp_path / "fewer")):
        dataset = sides(run)[context]
        assert dataset.source_type == "delta_table"
        assert (place(dataset)["path"], place(dataset)["delta_table_version"]) == (str(path), 0)
        assert dataset.name == f"{path.name}@0"


def test_a_job_that_fails_fails_in_mlflow(cli, store):
    code, _, err = cli(*COMMAND, "--max-growth", "1.1")
    assert (code, "max_growth" in err) == (3, True), err
    assert [run.info.status for run in store()] == ["FAILED"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--dry-run"], "--mlflow logs the rows that are written, and --dry-run writes none"),
        ([], "--mlflow logs the rows that are written, and nothing is written without --output"),
    ],
)
def test_what_writes_nothing_is_not_logged(cli, store, words, sentence):
    command = COMMAND if words else [one for one in COMMAND if one not in ("--output", "balanced.parquet")]
    code, _, err = cli(*command, *words)
    assert (code, sentence in err) == (2, True)
    assert store() == []
    # a file may say it for the runs that write
    code, _, err = cli(*COMMAND[:-1], "--set", "run.mlflow=true", "--dry-run")
    assert (code, store()) == (0, []), err


def test_a_missing_extra_or_a_store_that_refuses_is_one_sentence_before_anything_runs(cli, monkeypatch, tmp_path):
    there = sorted(tmp_path.iterdir())
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    code, out, err = cli(*COMMAND)
    assert (code, out) == (2, "")
    assert re.search(r"spark-balance: smote: MLflow's store file:\S+ refuses: .* MLFLOW_TRACKING_URI", err)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    code, out, err = cli(*COMMAND)
    sentence = "smote: mlflow, which keeps what is logged, is not installed; pip install 'spark-balance[mlflow]'"
    assert (code, out, err) == (2, "", f"spark-balance: {sentence}\n")
    with pytest.raises(ValueError, match="log_resampling: mlflow, which keeps what is logged, is not installed"):
        log_resampling({"plan": {}})
    assert sorted(tmp_path.iterdir()) == there


def test_what_cannot_be_logged_is_refused(made, spark):
    _, result = made
    with pytest.raises(ValueError, match="source=.* is not a place; give exactly one of 'path' and 'table'"):
        log_resampling(result, source={"format": "delta"})
    with pytest.raises(ValueError, match="resampled has no plan; give the result"):
        log_resampling({"seed": 3})
    with pytest.raises(ValueError, match="report=True makes a page of the frame 'before'"):
        log_resampling(result, report=True)


def test_frames_of_pandas_and_weights_are_logged_too(store):
    table = pd.read_parquet("payments.parquet")
    log_resampling(SMOTED.resample(table), before=table)
    [run] = store()
    assert (ours(run)["plan"], "engine" in ours(run)) == ("0: 270 -> 270; 1: 30 -> 270", False)
    assert '"name": "age"' in sides(run)["source"].schema
    log_resampling(ClassWeighter(label_col="is_fraud", strategy={1: 9.0}).resample(table))
    assert ours(store()[0])["plan"] == "0: 270 -> 270; 1: 30 -> 30 x 9"
    assert ours(store()[0])["sampler.strategy"] == "{1: 9.0}"


def test_the_page_shows_what_runs(spark, store):
    from spark_balance.datasets import payments

    [code] = [one for one in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if "mlflow" in one]
    exec(
        compile(code, str(PAGE), "exec"),
        {"train": payments(4_000, spark=spark).select("payment_id", "amount", "is_fraud")},
    )
    [run] = store()
    assert place(sides(run)["source"])["delta_table_version"] == 12
    assert len(pages(run)) == 1


def test_fits_are_logged_to_the_run_that_is_active_and_those_of_other_threads_are_not(spark, store, tmp_path):
    import mlflow

    rows = spark.read.parquet(str(tmp_path / "payments.parquet"))
    balanced = BalancedEstimator(sampler=SMOTED, estimator=Counting(), log_to_mlflow=True)
    assert balanced.fit(rows).model.rows == 540
    assert store() == []
    with mlflow.start_run() as active:
        # as a search fits its folds
        with ThreadPoolExecutor() as threads:
            threads.submit(balanced.fit, rows, {balanced.random_state: 8}).result()
        assert store()[0].data.params == {}
        assert balanced.fit(rows).model.rows == 540
        assert mlflow.active_run().info.run_id == active.info.run_id
    [run] = store()
    assert (ours(run)["random_state"], ours(run)["expected_recall"]) == ("7", "1.0")
    assert ours(run)["plan"] == "0: 270 -> 270; 1: 30 -> 270"
    assert sorted(sides(run)) == ["source", "training"]
    with mlflow.start_run():
        BalancedEstimator(sampler=SMOTED, estimator=Counting()).fit(rows)
    assert store()[0].data.params == {}
