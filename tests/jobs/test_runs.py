"""The same run finds its own output, and of two runs at once one wins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tomli_w
from drivers import started
from pyspark.sql import functions as F
from tables import PLACES, ROWS, at, ids, mark_place, put

from spark_balance.app.config import JobConfig
from spark_balance.app.job import run
from spark_balance.app.storage import Sink, Source, read, stage, staging_place
from spark_balance.app.storage.committed import ScratchBranch
from spark_balance.app.storage.versions import versioned, versions_of
from spark_balance.errors import SparkBalanceError


def job(place, source, mode="error", seed=0, **output):
    sampler = {"random_under": {"label_col": "late", "key_cols": "id", "random_state": seed}}
    output = {**place["sink"], "mode": mode, **output}
    return JobConfig.of({"input": source, "sampler": sampler, "output": output})


def said_by(spark, place):
    """Return what tells one state of the output from another."""
    sink = Sink(**place["sink"])
    if versioned(spark, sink):
        return [version.id for version in versions_of(spark, sink)]
    where = place["sink"]
    found = spark.table(where["table"]) if "table" in where else spark.read.parquet(where["path"])
    return sorted(found.inputFiles())


@at(PLACES, smoke=True)
def test_the_same_run_again_finds_its_output_and_does_nothing(spark, engine, days_frame, place, tmp_path):
    days_frame.write.parquet(str(tmp_path / "in"))
    source = {"path": str(tmp_path / "in")}
    config = job(place, source, mode="overwrite")
    first = run(spark, config)
    manifest = json.loads(Path(first.manifest).read_text())
    before = said_by(spark, place)
    again = run(spark, config)
    assert again.finished["run"] == manifest["run"]
    assert again.finished["plan"] == manifest["plan"]
    assert again.to_dict()["already_finished"]
    assert said_by(spark, place) == before
    # another seed, another state of the input: another run
    with pytest.raises(SparkBalanceError, match="exists already"):
        run(spark, job(place, source, seed=1))
    days_frame.withColumn("id", -F.col("id")).write.mode("append").parquet(str(tmp_path / "in"))
    assert run(spark, config).finished is None
    assert said_by(spark, place) != before
    Path(place["sink"]["manifest"]).unlink()
    if (engine, place["sink"]["format"]) == ("spark", "delta"):  # upkeep is a commit too
        spark.sql(f"ALTER TABLE delta.`{place['sink']['path']}` SET TBLPROPERTIES ('delta.appendOnly' = 'false')")
    # a commit tells its run where the engine puts that there, files without a manifest do not
    told = place["sink"]["format"] == "delta" or (place["sink"]["format"] == "iceberg" and engine != "sail")
    assert (run(spark, config).finished is not None) == told
    if engine == "sail" and "path" in place["sink"]:
        days_frame.write.format(place["sink"]["format"]).mode("append").save(place["sink"]["path"])
        assert run(spark, config).finished is None


def test_the_same_run_is_known_in_another_process(flights, tmp_path):
    file = tmp_path / "smote.toml"
    sampler = {"smote": {"label_col": "late", "null_label": "drop", "feature_cols": ["temp"], "passthrough": "base"}}
    tables = {"input": {"path": str(flights)}, "sampler": sampler, "output": {"path": str(tmp_path / "out")}}
    file.write_text(tomli_w.dumps(tables))
    for said in ("done", "finished already"):
        told, _ = started("sail", "{}", file, tmp_path / "log").communicate()
        assert told.splitlines()[-1] == said


@at({"parquet path": "sail", "delta path": "sail", "delta table": "sail", "iceberg table": "sail spark"})
def test_what_was_appended_is_not_appended_again(spark, engine, days_frame, place):
    put(spark, days_frame, place, "one", mode="append")
    put(spark, days_frame.limit(3), place, "two", mode="append")
    found = staging_place(spark, Sink(**place["sink"], mode="append"), "one").finished()
    if (engine, place["sink"]["format"]) == ("sail", "iceberg"):
        assert found is None  # its snapshots tell nothing, and the manifest is that of the other run
    else:
        assert found["run"]["id"] == "one"
    assert staging_place(spark, Sink(**place["sink"], mode="append"), "three").finished() is None
    put(spark, days_frame.limit(3), place, "three", mode="overwrite")
    assert staging_place(spark, Sink(**place["sink"], mode="append"), "one").finished() is None
    assert read(spark, Source(**place["source"])).count() == 3


@pytest.mark.parametrize("mode", ["error", "overwrite", "append"])
@at({name: "sail" for name in PLACES})
def test_of_two_runs_at_once_one_wins(spark, days_frame, place, mode):
    if mode != "error":
        put(spark, days_frame, place, "old")
    sink = Sink(**place["sink"], mode=mode)
    one, two = staging_place(spark, sink, "one"), staging_place(spark, sink, "two")
    with stage(days_frame.where("id < 10"), one) as winner, stage(days_frame.where("id < 20"), two) as loser:
        winner.commit({"plan": {}})
        before = said_by(spark, place)
        with pytest.raises(SparkBalanceError, match="was made or changed during the run"):
            loser.commit({"plan": {}})
    assert said_by(spark, place) == before
    found = ids(read(spark, Source(**place["source"])))
    assert found == sorted([*range(10), *(range(ROWS) if mode == "append" else [])])
    assert json.loads(Path(place["sink"]["manifest"]).read_text())["run"]["id"] == "one"


@pytest.mark.parametrize(
    ("place", "mode"),
    [
        pytest.param(place, mode, marks=mark_place(place, "spark"))
        for place, mode in (
            ("delta path", "overwrite"),
            ("delta table", "error"),
            ("iceberg table", "error"),
            ("iceberg table", "overwrite"),
            ("iceberg table", "part"),
        )
    ],
    indirect=["place"],
)
def test_the_format_itself_refuses_the_second_of_two_commits(spark, days_frame, place, mode, monkeypatch):
    """Between the last look and the commit another run may still come first."""
    if mode != "error":
        put(spark, days_frame, place, "old", partition_by=["day"])
    how = {"mode": "overwrite", "replace_where": "day = 'mon'"} if mode == "part" else {"mode": mode}
    sink, monday = Sink(**place["sink"], **how), days_frame.where("day = 'mon'")
    one, two = staging_place(spark, sink, "one"), staging_place(spark, sink, "two")
    with stage(monday.where("id < 10"), one) as winner, stage(monday.where("id < 20"), two) as loser:
        # a branch is moved without a look
        looks = [] if isinstance(loser.scratch, ScratchBranch) else [loser._before]
        real = type(loser)._latest
        monkeypatch.setattr(type(loser), "_latest", lambda self: looks.pop() if looks and self is loser else real(self))
        winner.commit({"plan": {}})
        before = said_by(spark, place)
        with pytest.raises(SparkBalanceError, match="was made or changed during the run"):
            loser.commit({"plan": {}})
    assert said_by(spark, place) == before
