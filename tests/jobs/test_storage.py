"""Reading, and writing that leaves the old target alone until the new data is right."""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from pyspark.sql import functions as F

import spark_balance
from spark_balance.app.storage import Sink, Source, check_sink, pin, read, stage, staging_place
from spark_balance.errors import SparkBalanceError

ROWS = [(1, "a", None), (2, "b", True), (3, "c d", False)]
SCHEMA = "id int, s string, late boolean"


@pytest.fixture
def frame(spark):
    return spark.createDataFrame(ROWS, SCHEMA)


def put(spark, frame, manifest=None, **sink):
    with stage(frame, staging_place(spark, Sink(**sink), "run")) as staged:
        return staged.commit(manifest or {})


def rows(frame):
    return sorted(map(tuple, frame.select("id", "s", "late").collect()))


def failing(frame):
    """Return the frame with one row that fails the job when it is computed."""
    boom = F.when(F.col("id") == 3, F.raise_error(F.lit("boom"))).otherwise(F.col("s"))
    return frame.withColumn("s", boom.cast("string"))


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


@pytest.mark.every_engine
@pytest.mark.parametrize("file_format", ["parquet", "csv", "json", "orc", "avro"])
def test_each_format_comes_back(spark, engine, frame, tmp_path, file_format):
    source = Source(format=file_format, path=str(tmp_path / "out"), schema=SCHEMA)
    lacks = {"orc": "no ORC", "avro": "no writer of Avro"}.get(file_format) if engine == "sail" else None
    if lacks:
        with pytest.raises(SparkBalanceError, match=f"output: engine sail has {lacks}"):
            check_sink(spark, Sink(format=file_format, path=source.path), Source(path="x"), frame)
        if file_format == "orc":
            with pytest.raises(SparkBalanceError, match="input: engine sail has no ORC"):
                read(spark, source)
        return
    put(spark, frame, format=file_format, path=source.path)
    assert rows(read(spark, source)) == rows(frame)
    assert rows(read(spark, source.model_copy(update={"ddl": None}))) == rows(frame)


@pytest.mark.every_engine
def test_a_table_is_made_replaced_and_appended_to(spark, frame, tmp_path):
    manifest = str(tmp_path / "manifest.json")
    for mode, expected in (("error", 3), ("append", 6), ("overwrite", 3)):
        with stage(
            frame, staging_place(spark, Sink(table="flights_made", mode=mode, manifest=manifest), "run")
        ) as staged:
            assert rows(staged.scratch.frame()) == rows(frame)
            staged.commit({"mode": mode})
        assert read(spark, Source(table="flights_made")).count() == expected
        assert json.loads(Path(manifest).read_text())["mode"] == mode
    assert [table.name for table in spark.catalog.listTables() if "staging" in table.name] == []
    with pytest.raises(SparkBalanceError, match="table flights_made exists already"):
        check_sink(spark, Sink(table="flights_made"), Source(path="x"), frame)
    with pytest.raises(SparkBalanceError, match=r"table 'default\.flights_made' is the input too"):
        check_sink(spark, Sink(table="default.flights_made"), Source(table="`flights_made`"), frame)
    spark.sql("DROP TABLE flights_made")


@pytest.mark.every_engine
def test_a_failed_write_leaves_an_old_table(spark, frame):
    frame.write.saveAsTable("flights_old")
    with pytest.raises(Exception, match="boom"):
        put(spark, failing(frame), table="flights_old", mode="overwrite")
    assert rows(spark.table("flights_old")) == rows(frame)
    assert [table.name for table in spark.catalog.listTables() if "staging" in table.name] == []
    spark.sql("DROP TABLE flights_old")


@pytest.mark.every_engine
@pytest.mark.parametrize("mode", ["error", "overwrite", "append"])
def test_a_failed_write_leaves_the_old_target_and_no_staging(spark, frame, tmp_path, mode):
    target = tmp_path / "out"
    if mode != "error":
        put(spark, frame, path=str(target))
    before = names(tmp_path)
    with pytest.raises(Exception, match="boom"):
        put(spark, failing(frame), path=str(target), mode=mode)
    assert names(tmp_path) == before
    if mode != "error":
        assert rows(spark.read.parquet(str(target))) == rows(frame)


def test_a_failure_after_staging_leaves_the_old_target_and_no_staging(spark, frame, tmp_path):
    target = tmp_path / "out"
    put(spark, frame, path=str(target))
    before = names(tmp_path)
    staging = stage(frame.limit(1), staging_place(spark, Sink(path=str(target), mode="overwrite"), "run"))
    with staging as staged, contextlib.suppress(RuntimeError):
        assert staged.scratch.frame().count() == 1
        raise RuntimeError("not what was planned")
    assert names(tmp_path) == before
    assert rows(spark.read.parquet(str(target))) == rows(frame)


@pytest.mark.every_engine
def test_overwrite_replaces_and_append_adds(spark, frame, tmp_path):
    path = str(tmp_path / "my out")
    put(spark, frame, path=path)
    put(spark, frame.where("id = 1"), path=path, mode="overwrite")
    assert rows(spark.read.parquet(path)) == [ROWS[0]]
    put(spark, frame.where("id > 1"), path=f"file://{path}", mode="append")
    assert rows(spark.read.parquet(path)) == rows(frame)
    assert names(tmp_path) == ["my out", "my out.manifest.json"]


@pytest.mark.every_engine
def test_partitions_are_written_and_appended_to(spark, frame, tmp_path):
    path = str(tmp_path / "out")
    put(spark, frame, path=path, partition_by=("s",))
    put(spark, frame.where("id = 1"), path=path, partition_by=("s",), mode="append")
    assert rows(spark.read.schema(frame.schema).parquet(path)) == sorted([*ROWS, ROWS[0]])
    assert "s=a" in names(path)


@pytest.mark.engines("spark", "connect")
def test_dynamic_overwrite_keeps_the_other_partitions(spark, frame, tmp_path):
    path = str(tmp_path / "out")
    put(spark, frame, path=path, partition_by=("s",))
    sink = Sink(path=path, partition_by=("s",), mode="overwrite", options={"partitionOverwriteMode": "dynamic"})
    again = frame.where("id = 1").union(frame.where("id = 1"))
    check_sink(spark, sink, Source(path="x"), again)
    with stage(again, staging_place(spark, sink, "run")) as staged:
        staged.commit({})
    assert rows(spark.read.schema(frame.schema).parquet(path)) == sorted([*ROWS, ROWS[0]])


def test_dynamic_overwrite_is_refused_on_sail(spark, frame, tmp_path):
    options = {"partitionOverwriteMode": "DYNAMIC"}
    sink = Sink(path=str(tmp_path / "out"), partition_by=("s",), mode="overwrite", options=options)
    with pytest.raises(SparkBalanceError, match="engine sail deletes the other partitions"):
        check_sink(spark, sink, Source(path="x"), frame)


def test_null_partitions_are_refused_on_sail_which_would_write_a_value(spark, frame, tmp_path):
    sink = Sink(path=str(tmp_path / "out"), partition_by=("late",))
    with pytest.raises(SparkBalanceError, match="partition_by column 'late' has 1 NULLs"):
        check_sink(spark, sink, Source(path="x"), frame)


def test_an_output_that_came_to_exist_meanwhile_is_left(spark, frame, tmp_path):
    target = tmp_path / "out"
    with stage(frame, staging_place(spark, Sink(path=str(target)), "run")) as staged:
        target.mkdir()
        with pytest.raises(SparkBalanceError, match="was made or changed during the run"):
            staged.commit({})
    assert names(tmp_path) == ["out"]
    assert names(target) == []


@pytest.mark.every_engine
def test_a_frame_without_rows_can_be_read_back(spark, frame, tmp_path):
    put(spark, frame.where("id > 9"), path=str(tmp_path / "out"))
    again = read(spark, Source(path=str(tmp_path / "out")))
    assert again.columns == frame.columns
    assert again.count() == 0


def test_the_manifest_lies_beside_the_data(spark, frame, tmp_path):
    where = put(spark, frame, {"seed": 42}, path=str(tmp_path / "deep" / "out"))
    assert where == str(tmp_path / "deep" / "out.manifest.json")
    assert json.loads(Path(where).read_text())["seed"] == 42


def test_relative_paths_are_those_of_the_working_folder(spark, frame, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put(spark, frame, path="out")
    assert rows(read(spark, Source(path="out"))) == rows(frame)
    assert (tmp_path / "out").is_dir()


@pytest.mark.every_engine
def test_what_cannot_be_read_is_one_sentence(spark, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn.parquet").write_text("PAR1 and no more")
    for source, sentence in (
        (Source(path=str(tmp_path / "nope")), "path '.*nope' does not exist"),
        (Source(format="csv", path=str(tmp_path / "nope")), "path '.*nope' does not exist"),
        (Source(table="nope"), "table 'nope' does not exist"),
        (Source(path=str(tmp_path / "empty")), "cannot be read|has no columns"),
        (Source(path=str(tmp_path / "empty"), schema="id it"), "cannot be read"),
        (Source(path=str(tmp_path / "torn.parquet")), "cannot be read: .*[Pp]arquet"),
    ):
        with pytest.raises(SparkBalanceError, match=sentence) as refused:
            read(spark, source)
        assert "\n" not in str(refused.value)


def test_only_the_named_columns_are_read(spark, frame, tmp_path):
    put(spark, frame, path=str(tmp_path / "out"))
    assert read(spark, Source(path=str(tmp_path / "out"), columns=["late", "id"])).columns == ["late", "id"]
    with pytest.raises(SparkBalanceError, match="columns names column 'idd'"):
        read(spark, Source(path=str(tmp_path / "out"), columns=["idd"]))


@pytest.mark.parametrize("output", ["in", "in/part", "."])
def test_an_output_that_is_the_input_is_refused(spark, frame, tmp_path, output):
    source = Source(path=str(tmp_path / "in"))
    with pytest.raises(SparkBalanceError, match="overlaps the input"):
        check_sink(spark, Sink(path=f"file://{tmp_path}/{output}", mode="overwrite"), source, frame)


def test_an_output_that_exists_is_refused(spark, frame, tmp_path):
    with pytest.raises(SparkBalanceError, match="exists already; choose another, or set"):
        check_sink(spark, Sink(path=str(tmp_path)), Source(path="x"), frame)


def test_partition_columns_are_checked(spark, frame, tmp_path):
    path = str(tmp_path / "out")
    with pytest.raises(SparkBalanceError, match="partition_by names column 'ss'"):
        check_sink(spark, Sink(path=path, partition_by=("ss",)), Source(path="x"), frame)
    with pytest.raises(SparkBalanceError, match="partition_by names every column"):
        check_sink(spark, Sink(path=path, partition_by=("id", "s", "late")), Source(path="x"), frame)


def test_csv_cannot_hold_a_struct(spark, frame, tmp_path):
    nested = frame.select("id", F.struct("s", "late").alias("made_from"))
    with pytest.raises(SparkBalanceError, match=r"column 'made_from' is of type struct<.*which CSV cannot hold"):
        check_sink(spark, Sink(format="csv", path=str(tmp_path / "out")), Source(path="x"), nested)


def test_append_refuses_files_of_another_shape(spark, frame, tmp_path):
    path = str(tmp_path / "out")
    put(spark, frame, path=path)
    other = frame.withColumn("id", F.col("id").cast("bigint"))
    with pytest.raises(SparkBalanceError, match=r"has other columns or types than the frame \(id\)"):
        check_sink(spark, Sink(path=path, mode="append"), Source(path="x"), other)
    with pytest.raises(SparkBalanceError, match=r"is partitioned by \[\], partition_by is \['s'\]"):
        check_sink(spark, Sink(path=path, mode="append", partition_by=("s",)), Source(path="x"), frame)


def test_a_stream_is_refused(spark, tmp_path):
    stream = spark.readStream.format("rate").load()
    with (
        pytest.raises(SparkBalanceError, match="a streaming frame cannot be staged"),
        stage(stream, staging_place(spark, Sink(path=str(tmp_path / "out")), "run")),
    ):
        pass


@pytest.mark.every_engine
def test_a_remote_path_is_written_only_when_it_is_new(spark, engine, frame, tmp_path, monkeypatch):
    # to an engine on another machine every plain path is remote
    monkeypatch.setattr("spark_balance.app.storage.paths.is_local", lambda spark: False)
    path = str(tmp_path / "out")
    check_sink(spark, Sink(path=path), Source(path="x"), frame)
    put(spark, frame, {"seed": 1}, path=path)
    assert rows(spark.read.parquet(path)) == rows(frame)
    assert json.loads("".join(row[0] for row in spark.read.text(f"{path}.manifest.json").collect()))["seed"] == 1
    with pytest.raises(SparkBalanceError, match="exists and cannot be staged there"):
        check_sink(spark, Sink(path=path, mode="overwrite"), Source(path="x"), frame)
    letter = tmp_path / "letter.txt"
    letter.write_text("yours")
    for foreign in (letter, path):
        with pytest.raises(SparkBalanceError, match=f"manifest '{foreign}' exists and is not a run's manifest"):
            check_sink(spark, Sink(path=f"{path}2", manifest=str(foreign)), Source(path="x"), frame)
    check_sink(spark, Sink(path=f"{path}2", manifest=f"{path}.manifest.json"), Source(path="x"), frame)
    with pytest.raises(SparkBalanceError, match="exists already"):
        check_sink(spark, Sink(path=path), Source(path="x"), frame)


def test_new_files_in_the_input_change_its_state(spark, flights):
    source = Source(path=str(flights))
    before = pin(spark, source)
    assert pin(spark, source) == before
    os.utime(flights / "part-0.parquet")
    assert pin(spark, source) != before
    with pytest.raises(SparkBalanceError, match="parquet .* has no versions, version=3 cannot be read"):
        pin(spark, Source(path=str(flights), version=3))


def test_what_failed_is_told_where_nothing_can_be_removed_either():
    class Full:
        def write(self, _):
            raise SparkBalanceError("no space left")

        def remove(self):
            raise OSError("no space left to drop a branch")

    frame, place = SimpleNamespace(isStreaming=False), SimpleNamespace(scratch=Full())
    with pytest.raises(SparkBalanceError, match="^no space left$"), stage(frame, place):
        pass


def test_only_storage_reads_or_writes_data():
    package = Path(spark_balance.__file__).parent
    opening = re.compile(r"\.(read(?!\()|readStream|write|writeTo|writeStream)\b|\bopen\(|read_text|write_text")
    for file in package.rglob("*.py"):
        lines = [line for line in file.read_text().splitlines() if not line.lstrip().startswith(">>>")]
        found = list(filter(opening.search, lines))
        # no data: a configuration, what pyspark.ml saves and loads, the constants shipped with the package, a stream
        # that is to be refused
        others = ("config.py", "evaluator.py", "persistence.py")
        # and the copy of a study's rows on the disk of this machine, an extract in the folder that the user named, a
        # frame of pandas, polars or pyarrow on its way to the engine
        further = [
            package / one for one in ("testing/refusals.py", "compare/job.py", "base/node.py", "frames/local.py")
        ]
        allowed = file.parent.name == "storage" or file.name in others or file in further
        # what a run says goes to stderr, which below spark-submit is that of its JVM
        said = re.compile(r"stderr\.write|os\.open\(f\"/proc/|os\.write\(handle, text")
        assert allowed or not [line for line in found if not said.search(line)], f"{file}: {found}"
