"""What a run searched is held under a scratch path, until the same run has ended."""

from __future__ import annotations

import logging
import os
import shutil
import signal
from pathlib import Path

import pytest
import tomli_w
from drivers import started

from spark_balance.config import JobConfig
from spark_balance.errors import SparkBalanceError
from spark_balance.job import run

SMOTE = {
    "label_col": "late",
    "null_label": "keep",
    "feature_cols": ["distance", "temp"],
    "passthrough": "base",
    "provenance_col": "made_of",
    "cell_rows": 30,
}
ONE = {"label_col": "late"}


def tables(flights, tmp_path, out="out", **parameters):
    return {
        "input": {"path": str(flights)},
        "sampler": {"smote": {**SMOTE, **parameters}},
        "output": {"path": str(tmp_path / out)},
        "run": {"scratch_path": str(tmp_path / "scratch")},
    }


def files(tmp_path):
    return sorted(str(file) for file in (tmp_path / "scratch").rglob("*.parquet"))


def rows(spark, path):
    return sorted(map(str, spark.read.parquet(str(path)).collect()))


def stopped(spark, config, monkeypatch, where):
    """Run until something is called, which then fails as a lost cluster would."""

    def lost(*_):
        raise ConnectionError("the cluster is gone")

    with monkeypatch.context() as patched:
        patched.setattr(where, lost)
        with pytest.raises(ConnectionError):
            run(spark, config)


@pytest.mark.every_engine
def test_a_run_that_was_lost_does_not_search_again(spark, flights, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="spark_balance")
    config = JobConfig.of(tables(flights, tmp_path))
    stopped(spark, config, monkeypatch, "spark_balance.job.stage")
    assert files(tmp_path)
    assert "an earlier try" not in caplog.text
    result = run(spark, config)
    assert caplog.text.count("an earlier try") == 1
    assert {"prepare", "search", "write"} <= result.seconds.keys()
    assert not list((tmp_path / "scratch").iterdir())
    run(spark, JobConfig.of({**tables(flights, tmp_path, "without"), "run": {}}))
    assert rows(spark, tmp_path / "out") == rows(spark, tmp_path / "without")


def test_another_seed_is_another_run(spark, flights, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="spark_balance")
    stopped(spark, JobConfig.of(tables(flights, tmp_path)), monkeypatch, "spark_balance.job.stage")
    held = files(tmp_path)
    assert held
    run(spark, JobConfig.of(tables(flights, tmp_path, random_state=1)))
    assert "an earlier try" not in caplog.text
    assert files(tmp_path) == held


def test_in_an_object_store_files_without_rows_stay(spark, flights, tmp_path, monkeypatch, caplog):
    # to an engine on another machine every plain path is one
    monkeypatch.setattr("spark_balance.storage.address.is_local", lambda spark: False)
    caplog.set_level(logging.INFO, logger="spark_balance")
    config = JobConfig.of(tables(flights, tmp_path))
    stopped(spark, config, monkeypatch, "spark_balance.job.stage")
    assert spark.read.parquet(*files(tmp_path)).count() > 0
    run(spark, config)
    assert caplog.text.count("an earlier try") == 1
    assert spark.read.parquet(*files(tmp_path)).count() == 0


def test_a_killed_driver_leaves_what_it_searched(spark, flights, tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="spark_balance")
    file = tmp_path / "smote.toml"
    file.write_text(tomli_w.dumps(tables(flights, tmp_path)))
    process = started("sail", "{}", file, tmp_path / "log")
    for line in process.stdout:
        if line.strip() == "write":
            os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert files(tmp_path)
    assert run(spark, JobConfig.load(file)).after.rows[True] == 520
    assert caplog.text.count("an earlier try") == 1
    assert files(tmp_path) == []


def test_what_a_run_left_is_removed_when_the_same_run_finds_its_output(spark, flights, tmp_path, monkeypatch):
    config = JobConfig.of(tables(flights, tmp_path))
    with monkeypatch.context() as patched:
        patched.setattr("spark_balance.storage.searched.Searched.remove", lambda self: None)
        run(spark, config)
    assert files(tmp_path)
    assert run(spark, config).finished is not None
    assert files(tmp_path) == []


def test_a_try_that_wrote_half_is_not_taken(spark, flights, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="spark_balance")
    config = JobConfig.of(tables(flights, tmp_path))
    stopped(spark, config, monkeypatch, "spark_balance.storage.searched.Searched._tell")
    assert files(tmp_path)
    assert run(spark, config).after.rows[True] == 520
    assert "an earlier try" not in caplog.text
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (
            {"sampler": {"random_over": ONE}},
            "='.*' is for a method that makes rows .*, RandomOverSampler is none",
        ),
        (
            {"sampler": {"chain": {**ONE, "steps": [{"smote": {}}]}}},
            "='.*' is for a method that .*, Chain is none",
        ),
        ({"run": {"scratch_path": "{out}"}}, " '.*' lies in the output '.*out'; name another place"),
        ({"run": {"scratch_path": "{out}/scratch/"}}, " '.*' lies in the output '.*out'"),
        ({"run": {"scratch_path": "{input}/scratch"}}, " '.*' lies in the input '.*flights'"),
        ({"run": {"scratch_path": "{input}/part-0.parquet/scratch"}}, " '.*' lies in the input"),
        ({"run": {"scratch_path": "/proc/version/scratch"}}, " '.*' cannot be made, '/proc/version' is a file; choose"),
    ],
)
def test_a_scratch_path_that_could_not_serve_is_refused(spark, flights, tmp_path, changed, sentence):
    given = {**tables(flights, tmp_path), **changed}
    path = given["run"]["scratch_path"].format(out=tmp_path / "out", input=flights)
    with pytest.raises(SparkBalanceError, match=f"^run: scratch_path{sentence}"):
        run(spark, JobConfig.of({**given, "run": {"scratch_path": path}}))
    assert [file.name for file in tmp_path.iterdir()] == []


def test_it_is_refused_where_no_later_run_could_be_the_same(spark, flights, tmp_path):
    spark.range(20).selectExpr("id", "id > 13 AS late").createOrReplaceTempView("numbers")
    given = {**tables(flights, tmp_path), "input": {"table": "numbers"}}
    given["sampler"] = {"smote": {"label_col": "late", "feature_cols": ["id"], "k_neighbors": 2}}
    with pytest.raises(SparkBalanceError, match="would help no later run: nothing tells the states"):
        run(spark, JobConfig.of(given))


def test_the_same_run_is_known_in_another_process(spark, flights, tmp_path):
    file = tmp_path / "smote.toml"
    file.write_text(tomli_w.dumps(tables(flights, tmp_path)))
    for said in ("done", "finished already"):
        told, _ = started("sail", "{}", file, tmp_path / "log").communicate()
        assert told.splitlines()[-1] == said


def test_what_is_gone_from_a_store_is_searched_again(spark, flights, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="spark_balance")
    config = JobConfig.of(tables(flights, tmp_path))
    stopped(spark, config, monkeypatch, "spark_balance.job.stage")
    for file in files(tmp_path):
        shutil.rmtree(Path(file).parent, ignore_errors=True)
    assert run(spark, config).after.rows[True] == 520
    assert "an earlier try" not in caplog.text


def test_rows_that_are_not_as_planned_are_not_held_for_the_next_try(spark, flights, tmp_path, monkeypatch):
    def wrong(*_):
        raise RuntimeError("rows are missing")

    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="rows are missing"):  # noqa: PT012
        patched.setattr("spark_balance.job._verify", wrong)
        run(spark, JobConfig.of(tables(flights, tmp_path)))
    assert files(tmp_path) == []
