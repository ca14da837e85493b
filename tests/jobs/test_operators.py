"""What operators rely on: exit codes, guards, logs, tasks and files, names in the Spark UI, a word about memory."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import threading
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from pyspark.errors import PySparkException

from spark_balance.app import commands
from spark_balance.app.controls import Controls
from spark_balance.app.steps import Steps, watch_tasks
from spark_balance.app.storage import Sink
from spark_balance.errors import SparkBalanceError, explain_memory_failure

CONF = Path(__file__).parents[2] / "conf" / "jobs"
SHUFFLED = 60 * (8 * 14 + 64)  # 60 late flights of 14 features, and what travels beside them


@pytest.fixture
def job(cli, flights, tmp_path):
    """Return a function that runs a command's configuration on the small flights, into "out"."""

    def run(command, *words, **sets):
        sets = {"input.path": flights, "output.path": tmp_path / "out", **sets}
        words = [*words, *(word for name, value in sets.items() for word in ("--set", f"{name}={value}"))]
        return cli(command, CONF / f"{command}.toml", *words)

    return run


@pytest.mark.parametrize("words", [[], ["--dry-run"]], ids=["run", "dry run"])
@pytest.mark.parametrize(
    ("command", "sets", "sentence"),
    [
        (
            "smote",
            {"run.max_shuffle_gb": f"{SHUFFLED / 1e9 - 1e-8}"},
            "is expected to shuffle 1.06e-05 GB, 0 of them for",
        ),
        (
            "upsample",
            {"run.max_shuffle_gb": "1e-9", "run.tasks": "2"},
            "of them for run.tasks, more than max_shuffle_gb=1e-09",
        ),
        ("weights", {"run.max_shuffle_gb": "1e-9", "run.tasks": "2"}, "ClassWeighter: the run is expected to shuffle"),
        ("smote", {"sampler.smote.max_growth": "1.5"}, "max_growth=1.5 refuses that"),
        ("smote", {"sampler.smote.min_class_rows": "61"}, "class True has 60 rows to make others of"),
    ],
)
def test_a_guard_refuses_with_exit_3_and_nothing_is_written(job, tmp_path, command, sets, sentence, words):
    code, out, err = job(command, *words, **sets)
    assert (code, out) == (3, "")
    assert sentence in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_guard_lets_through_what_shuffles_less(job, tmp_path):
    code, _, err = job("smote", **{"run.max_shuffle_gb": f"{SHUFFLED / 1e9}"})
    assert code == 0, err
    # what shuffles nothing passes any
    assert job("upsample", **{"run.max_shuffle_gb": "0", "output.path": tmp_path / "other"})[0] == 0


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.every_engine
def test_as_many_tasks_write_as_are_asked_for_and_a_log_has_a_line_for_each_step(job, tmp_path):
    code, _, err = job("downsample", "--json", "--log-json", tmp_path / "log", **{"run.tasks": "3"})
    assert (code, err) == (0, "")
    assert len(list((tmp_path / "out").glob("*.parquet"))) == 3
    steps = {line["step"]: line for line in lines_of(tmp_path / "log") if "step" in line}
    assert list(steps) == ["start", "count", "prepare", "write", "verify", "commit"]
    manifest = json.loads((tmp_path / "out.manifest.json").read_text())
    rows = manifest["plan"]["rows_after"]
    assert [steps[name].get("run") for name in steps] == [None, *[manifest["run"]["id"]] * 5]
    assert [steps[name].get("rows") for name in steps] == [None, 600, None, rows, rows, None]
    assert all(line["seconds"] >= 0 and line["job"] == "downsample" for line in steps.values())
    end = lines_of(tmp_path / "log")[-1]
    assert (end["message"], end["exit"], end["level"]) == ("done", 0, "INFO")


def test_a_log_ends_with_the_exit_code_of_a_mistake_a_guard_and_a_bug(job, tmp_path, monkeypatch):
    log = ("--log-json", tmp_path / "log")
    assert job("smote", *log, **{"input.path": "nope"})[0] == 2
    assert job("smote", *log, **{"sampler.smote.max_growth": "1.5"})[0] == 3
    monkeypatch.setattr(commands.job, "run", lambda *_: 1 / 0)
    # nobody catches it, so that Python prints its traceback and exits 1
    with pytest.raises(ZeroDivisionError):
        job("smote", *log)
    ends = [line for line in lines_of(tmp_path / "log") if "exit" in line]
    assert [line["exit"] for line in ends] == [2, 3, 1]
    assert "path 'nope' does not exist" in ends[0]["message"]
    assert "Traceback" in ends[2]["error"]
    code, _, err = job("smote", "--log-json", tmp_path / "no" / "log")
    assert (code, "--log-json: " in err) == (2, True)


def test_a_dry_run_shows_the_cost(job):
    code, out, _ = job("smote", "--dry-run")
    assert code == 0
    assert "11 kB shuffled" in out
    assert "MB in the Python worker of the largest task" in out
    cost = json.loads(job("smote", "--dry-run", "--json")[1])["cost"]
    assert min(step["times"] for step in cost["steps"]) == 1
    assert max(step["shuffle_bytes"] for step in cost["steps"]) == SHUFFLED
    # weights have no cost but that of reading and writing
    assert "cost" not in json.loads(job("weights", "--dry-run", "--json")[1])


@pytest.mark.engines("spark")
def test_files_end_at_about_their_size(spark, job, tmp_path):
    rows = spark.range(60_000).selectExpr("id", "id % 10 = 0 AS late", "sin(id) AS x", "cos(id) AS y")
    rows.coalesce(1).write.parquet(str(tmp_path / "in"))
    sets = {"input.path": tmp_path / "in", "sampler.random_under.key_cols": "id"}
    code, _, err = job("downsample", **sets, **{"run.target_file_mb": "0.1"})
    assert code == 0, err
    sizes = sorted(file.stat().st_size for file in (tmp_path / "out").glob("part-*"))
    assert len(sizes) > 1
    assert 80_000 < sizes[-2] <= sizes[-1] < 130_000


@pytest.mark.parametrize(
    ("place", "engine_of_it", "sentence"),
    [
        ({"table": "t"}, "spark", "run: target_file_mb=5 is for files at a path"),
        ({"path": "t", "format": "csv"}, "connect", "run: target_file_mb=5 is for formats parquet and orc"),
        ({"path": "t"}, "sail", "is ignored by engine sail"),
    ],
)
def test_a_size_that_nobody_would_heed_is_refused(place, engine_of_it, sentence):
    with pytest.raises(SparkBalanceError, match=sentence):
        Controls(target_file_mb=5).check(Sink(**place), engine_of_it)
    Controls(target_file_mb=5).check(Sink(path="t", format="orc"), "spark")


@pytest.mark.parametrize(
    ("sets", "sentence"),
    [
        ({"run.target_file_mb": "1"}, "run: target_file_mb=1 is ignored by engine sail"),
        ({"run.tasks": "0"}, "run.tasks=0"),
        ({"run.tasks": "3_000_000_000"}, "run.tasks=3000000000: input should be less than or equal to 1000000"),
        ({"run.task": "1"}, "did you mean 'tasks'?"),
    ],
)
def test_a_control_that_cannot_be_is_refused(job, sets, sentence):
    code, _, err = job("upsample", **sets)
    assert (code, sentence in err) == (2, True), err


@pytest.mark.every_engine
def test_a_step_is_named_where_the_spark_ui_shows_it(spark, engine):
    def shown():
        return spark.sparkContext.getLocalProperty("spark.job.description") if engine == "spark" else spark.getTags()

    before = shown()
    with Steps().on(spark).step("write"):
        assert shown() == ("spark_balance: write" if engine == "spark" else {"spark_balance: write"})
    assert shown() == before


@pytest.mark.engines("spark", "connect")
def test_progress_tells_tasks_while_they_run(spark):
    def slowly(batches):
        for batch in batches:
            time.sleep(0.4)
            yield batch

    frame = spark.range(0, 6, 1, 6)
    seen = []
    with watch_tasks(spark) as tasks:
        work = threading.Thread(target=frame.mapInArrow(slowly, frame.schema).collect)
        work.start()
        while work.is_alive():
            seen.append(tasks())
            time.sleep(0.05)
    assert {of for _, of in filter(None, seen)} == {6}
    assert any(0 < done < 6 for done, _ in filter(None, seen))


@pytest.mark.engines("spark", "connect")
@pytest.mark.parametrize("how", ["killed", "MemoryError"])
def test_a_worker_without_memory_is_told_in_a_sentence(spark, tmp_path, how):
    def end(batches):
        for batch in batches:
            if how == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise MemoryError("no room")
            yield batch

    frame = spark.range(0, 4, 1, 1)  # one task: another would be killed, and say so while the next test runs
    sentence = "^write: a Python worker .* spark.executor.memoryOverhead"
    with pytest.raises(SparkBalanceError, match=sentence) as told, Steps().step("write"):
        frame.mapInArrow(end, frame.schema).write.parquet(str(tmp_path / "out"))
    assert told.value.__cause__ is not None


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("ExecutorLostFailure (executor 3 exited caused by one of the running tasks)", "memoryOverhead"),
        ("Container from a bad node, exit status: 137. Killed by external signal", "memoryOverhead"),
        ("Container killed by YARN for exceeding physical memory limits", "memoryOverhead"),
        ("java.lang.OutOfMemoryError: Java heap space", "spark.executor.memory "),
        (
            "Lost task 0.3 in stage 5.0: java.io.EOFException\n"
            "\tat java.base/java.io.DataInputStream.readInt(DataInputStream.java:398)\n"
            "\tat org.apache.spark.api.python.PythonWorkerFactory.createWorker$1(PythonWorkerFactory.scala:141)\n",
            "memoryOverhead",
        ),
    ],
)
def test_what_managers_and_jvms_say_of_memory(said, sentence):
    with pytest.raises(SparkBalanceError, match=sentence), explain_memory_failure("write"):
        raise RuntimeError(said)


JAVA = """An error occurred while calling o99.parquet.
: org.apache.spark.SparkException: Job aborted due to stage failure
\tat org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:2935)
Caused by: java.io.IOException: Failed to connect to /192.0.2.2:37261
\tat org.apache.spark.network.client.TransportClientFactory.createClient(TransportClientFactory.java:294)"""


def test_an_engine_that_fails_says_why_before_its_log(job, monkeypatch):
    def fail(*_):
        with Steps().step("write"):
            raise PySparkException(JAVA)

    monkeypatch.setattr(commands.job, "run", fail)
    code, out, err = job("smote")
    assert (code, out) == (1, "")
    sentence = "write: the engine failed: java.io.IOException: Failed to connect to /192.0.2.2:37261"
    assert err.startswith(f"spark-balance: {sentence}\nTraceback")


@pytest.mark.parametrize(
    "failed",
    [
        OSError(errno.ENOSPC, "No space left on device", "/out/part-0"),
        PySparkException(f"{JAVA}\nCaused by: java.io.IOException: No space left on device"),
        PySparkException("External error: Generic LocalFileSystem error: File too large (os error 27)"),
        PySparkException("Error encountered while finalizing writes! Partial results may have been written"),
    ],
    ids=["ours", "Java's", "Sail's", "Sail's of text"],
)
def test_a_full_disk_is_one_sentence(job, monkeypatch, failed):
    def fail(*_):
        with Steps().step("write"):
            raise failed

    monkeypatch.setattr(commands.job, "run", fail)
    code, out, err = job("smote")
    assert (code, out) == (1, "")
    said = "no space left on device|file too large|a file could not be finished, as on a full disk"
    assert re.fullmatch(f"spark-balance: write: ({said}); make room for .*\n", err)


@pytest.mark.parametrize(
    "failed",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
        PySparkException("SparkContext was shut down"),
        PySparkException('the return value of "org.apache.spark.SparkContext.dagScheduler()" is null'),
    ],
)
def test_an_engine_that_is_gone_is_one_sentence_outside_of_steps_too(job, monkeypatch, failed):
    def fail(*_):
        raise failed

    monkeypatch.setattr(commands.job, "run", fail)
    gone = "spark-balance: smote: the engine was stopped, or its process ended; what was staged is removed\n"
    assert job("smote") == (1, "", gone)


def test_a_step_inside_another_one_is_told_and_not_shown():
    shown = []
    steps = Steps(lambda name, _: nullcontext(shown.append(name)))
    with steps.step("prepare"), steps.step("search"):
        pass
    with steps.step("write"):
        pass
    assert shown == ["prepare", "write"]
    assert list(steps.seconds) == ["search", "prepare", "write"]


def test_other_failures_and_sentences_stay_what_they_are():
    for said in (
        "Task 137 failed",
        "EOFException occurred while reading the port\n\tat PythonWorkerFactory.startDaemon",
    ):
        with pytest.raises(RuntimeError, match=said.split("\n")[0]), explain_memory_failure("write"):
            raise RuntimeError(said)
    with pytest.raises(SparkBalanceError, match="^SMOTE"), explain_memory_failure("write"):
        raise SparkBalanceError("SMOTE: MemoryError is a class")
