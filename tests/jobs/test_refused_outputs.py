"""Outputs that would fail when all is done, or take other data with them, are refused before the job."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import functions as F, types as T

from spark_balance.app.storage import Sink, Source, check_place, check_sink, stage, staging_place
from spark_balance.errors import SparkBalanceError

MADE_FROM = T.StructField("made_from", T.StructType().add("kind", "string"))


def check(spark, sink, *given):
    """Check an output as a job does."""
    check_place(spark, sink)
    check_sink(spark, sink, *given)


@pytest.fixture
def frame(spark):
    return spark.createDataFrame([(1, "a", None), (2, "b", True)], "id int, s string, late boolean")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return a working folder with an input, a file and a folder that nobody wants to lose."""
    monkeypatch.chdir(tmp_path)
    for folder in ("in/day=1", "precious"):
        Path(folder).mkdir(parents=True)
    for file in ("in/day=1/part.parquet", "precious/file", "file"):
        Path(file).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("sink", "sentence"),
    [
        ({"path": "file/out"}, r"path 'file/out' cannot be made, '.*/file' is a file; choose another"),
        ({"path": "file", "mode": "append"}, "path 'file' is a file, which cannot be appended to"),
        ({"path": "."}, "holds the working folder|overlaps the input"),
        ({"path": "out", "manifest": "precious"}, r"manifest '.*/precious' is a folder"),
        ({"path": "out", "manifest": "out"}, "manifest '.*' overlaps the output '.*'"),
        ({"path": "out", "manifest": "out/m.json"}, "manifest '.*' overlaps the output '.*'"),
        ({"path": "out", "manifest": "in/day=1/part.parquet"}, "manifest '.*' overlaps the input '.*'"),
        ({"path": "out", "manifest": "file/m.json"}, r"manifest '.*/file/m.json' cannot be made, '.*' is a file"),
        ({"table": "t", "manifest": "in/day=1/part.parquet"}, "manifest '.*' overlaps the input '.*'"),
        ({"table": "no name"}, "table no name cannot be looked up"),
        ({"table": "no_such_database.t"}, "database 'no_such_database' of table '.*' does not exist; create it"),
    ],
    ids=str,
)
@pytest.mark.parametrize("mode", ["error", "overwrite"])
def test_a_place_that_cannot_work_is_refused(spark, frame, place, sink, sentence, mode):
    with pytest.raises(SparkBalanceError, match=f"output: .*{sentence}"):
        check(spark, Sink(**{"mode": mode, **sink}), Source(path="in"), frame)


@pytest.mark.parametrize("path", [".", "..", "/", "~"])
def test_the_working_folder_is_never_replaced(spark, frame, place, monkeypatch, path):
    monkeypatch.setenv("HOME", str(place))
    with pytest.raises(SparkBalanceError, match="holds the working folder; name a folder of its own"):
        check(spark, Sink(path=path, mode="overwrite"), Source(table="elsewhere"), frame)


def test_a_folder_that_may_not_be_written_to_is_refused(spark, frame, place, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)  # root may write everywhere
    with pytest.raises(SparkBalanceError, match=r"'deep/out' cannot be made, '.*' is not writable"):
        check(spark, Sink(path="deep/out"), Source(path="in"), frame)


@pytest.mark.parametrize("source", ["in/*", "in/day=*", "i[n]", "in/day=?/part.parquet"])
@pytest.mark.parametrize("output", ["in/day=2", "in/day=1", "in"])
def test_an_output_that_the_input_pattern_names_is_refused(spark, frame, place, source, output):
    if (source, output) == ("in/day=?/part.parquet", "in/day=2"):
        output = "in/day=2/part.parquet"
    with pytest.raises(SparkBalanceError, match="overlaps the input"):
        check(spark, Sink(path=output, mode="overwrite"), Source(path=source), frame)
    check(spark, Sink(path="out"), Source(path=source), frame)


@pytest.mark.parametrize("kind", ["struct<a:int>", "array<int>", "map<string,int>"])
def test_a_partition_column_must_make_folders(spark, frame, place, kind):
    frame = frame.withColumn("nested", F.lit(None).cast(kind))
    with pytest.raises(SparkBalanceError, match="partition_by names column 'nested' of type .*, which cannot name"):
        check(spark, Sink(path="out", partition_by="nested"), Source(path="in"), frame)


def test_columns_that_the_job_adds_are_columns_of_the_output(spark, frame, place):
    source = Source(path="in")
    with pytest.raises(SparkBalanceError, match=r"column 'made_from' is of type struct<.*which CSV cannot hold"):
        check(spark, Sink(format="csv", path="out"), source, frame, [MADE_FROM])
    with pytest.raises(SparkBalanceError, match="partition_by names column 'made_from' of type struct"):
        check(spark, Sink(path="out", partition_by="made_from"), source, frame, [MADE_FROM])
    told = frame.withColumn("made_from", F.struct(F.lit("original").alias("kind")))
    with stage(told, staging_place(spark, Sink(path="out"), "run")) as staged:
        staged.commit({})
    appended = Sink(path="out", mode="append")
    check(spark, appended, source, frame, [MADE_FROM])
    with pytest.raises(SparkBalanceError, match=r"has other columns or types than the frame \(made_from\)"):
        check(spark, appended, source, frame)


@pytest.mark.every_engine
def test_a_folder_of_other_things_is_not_added_to(spark, frame, place):
    with pytest.raises(SparkBalanceError, match="output: parquet precious (cannot be added to|has other columns)"):
        check(spark, Sink(path="precious", mode="append"), Source(path="in"), frame)


@pytest.mark.every_engine
def test_a_table_is_appended_to_by_frames_of_its_shape(spark, frame, place):
    frame.write.saveAsTable("shaped")
    appended = Sink(table="shaped", mode="append")
    check(spark, appended, Source(path="in"), frame)
    with pytest.raises(SparkBalanceError, match=r"table shaped has other columns or types than the frame \(id\)"):
        check(spark, appended, Source(path="in"), frame.withColumn("id", F.col("id").cast("bigint")))
    spark.sql("DROP TABLE shaped")
    check(spark, appended, Source(path="in"), frame)
    # as a run leaves it that is killed between two renames
    frame.write.saveAsTable("shaped__replaced_0a1b2c3d")
    with pytest.raises(SparkBalanceError, match="table 'shaped' is missing and 'shaped__replaced_0a1b2c3d' exists"):
        check(spark, appended, Source(path="in"), frame)
    spark.sql("DROP TABLE shaped__replaced_0a1b2c3d")


def test_a_failed_commit_of_a_table_leaves_the_old_manifest(spark, frame, place, monkeypatch):
    manifest = place / "t.manifest.json"
    manifest.write_text("old")
    with stage(frame, staging_place(spark, Sink(table="t", manifest=str(manifest)), "run")) as staged:
        monkeypatch.setattr("spark_balance.app.storage.staging.save_as_table", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            staged.commit({})
    assert manifest.read_text() == "old"
    assert not [path.name for path in place.iterdir() if path.name.startswith(".t")]


def test_rows_that_are_dropped_need_no_partition(cli, flights, tmp_path):
    """Sail would write NULL labels as a value; here none of them is written."""
    config = Path(__file__).parents[2] / "conf/jobs/downsample.toml"
    sets = [f"input.path={flights}", f"output.path={tmp_path / 'out'}", "output.partition_by=late"]
    code, _, err = cli("downsample", config, *(word for one in sets for word in ("--set", one)))
    assert code == 0, err
    assert {path.name for path in (tmp_path / "out").iterdir() if "=" in path.name} == {"late=false", "late=true"}


def test_a_name_of_two_lines_is_no_header(spark, frame, place):
    named = frame.withColumnRenamed("s", "two\nlines")
    with pytest.raises(SparkBalanceError, match="line break in its name"):
        check(spark, Sink(path="out", format="csv"), Source(path="in"), named)


@pytest.mark.parametrize("name", ["größe", ".a", "a%b", "{a}", "x" * 255])
def test_a_partition_column_that_readers_would_miss_is_refused(spark, frame, place, name):
    """Sail 0.7 writes such a folder and reads NULL of it."""
    named = frame.withColumn(name, F.lit("a"))
    with pytest.raises(
        SparkBalanceError, match="partition_by column .* (in its name|begins with a dot)|a name that is too long"
    ):
        check(spark, Sink(path="out", partition_by=[name]), Source(path="in"), named)
