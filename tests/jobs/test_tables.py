"""Delta and Iceberg as jobs read and write them: versions, parts, properties, and what a commit says of its run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from fetch_jars import find_properties
from pyspark.sql import functions as F
from tables import LAKES, PLACES, ROWS, VERSION, at, ids, put

from spark_balance.app.config import JobConfig
from spark_balance.app.job import run
from spark_balance.app.storage import Sink, Source, check_sink, keep_extract, pin, read
from spark_balance.app.storage.scratch import ScratchFolder
from spark_balance.app.storage.versions import location_of, versions_of
from spark_balance.errors import SparkBalanceError
from spark_balance.frames.row_ids import HI


@at({**LAKES, "delta table": "sail connect"})
def test_a_table_is_made_appended_to_and_replaced(spark, engine, days_frame, place):
    source = Source(**place["source"])
    for mode, rows in (("error", 40), ("append", 50), ("overwrite", 10)):
        written = days_frame if mode == "error" else days_frame.where("id < 10")
        put(spark, written, place, mode, mode=mode)
        assert read(spark, source).count() == rows
    said = [version.said.get("run", {}).get("id") for version in versions_of(spark, source)]
    mute = (engine, place["sink"]["format"]) == ("sail", "iceberg")
    assert said == ([None] * 3 if mute else ["overwrite", "append", "error"])
    assert json.loads(Path(place["sink"]["manifest"]).read_text())["run"]["id"] == "overwrite"
    check_sink(spark, Sink(**place["sink"], mode="append"), Source(path="x"), days_frame)
    with pytest.raises(SparkBalanceError, match="exists already"):
        check_sink(spark, Sink(**place["sink"]), Source(path="x"), days_frame)
    with pytest.raises(SparkBalanceError, match="has other columns or types than the frame"):
        check_sink(spark, Sink(**place["sink"], mode="overwrite"), Source(path="x"), days_frame.drop("day"))


@at(LAKES)
def test_a_table_is_not_replaced_by_what_is_read_of_its_view(spark, days_frame, place):
    put(spark, days_frame, place)
    read(spark, Source(**place["source"])).where("id >= 0").createOrReplaceTempView("of_lake")
    lies = place["sink"].get("path") or str(location_of(spark, place["sink"]["table"]))
    for sink in (Sink(**place["sink"], mode="overwrite"), Sink(path=lies, mode="overwrite")):
        with pytest.raises(SparkBalanceError, match="overlaps the input table of_lake, both hold "):
            check_sink(spark, sink, Source(table="of_lake"), days_frame)


@at(LAKES, smoke=True)
def test_a_table_is_read_as_it_was(spark, engine, days_frame, place):
    source = Source(**place["source"])
    put(spark, days_frame, place)
    pinned = pin(spark, source)
    old = versions_of(spark, source)[0]
    put(spark, days_frame, place, "later", mode="append")
    assert pinned.frame(spark).count() == ROWS
    assert read(spark, source).count() == 2 * ROWS
    assert pin(spark, pinned.source) == pinned != pin(spark, source)
    then = spark.sql(f"SELECT string(timestamp_micros({old.micros}))").first()[0]
    assert pin(spark, source.model_copy(update={"timestamp": then})) == pinned
    if place["sink"]["format"] == "iceberg" and engine != "sail":
        folder = "/".join([spark.conf.get("spark.sql.catalog.lake.warehouse"), *source.table.split(".")[1:]])
        by_path = pin(spark, Source(format="iceberg", path=folder, version=int(old.id)))
        assert by_path.state == pinned.state
        assert by_path.frame(spark).count() == ROWS
    filtered = pinned.source.model_copy(update={"where": "day = 'mon' AND id < 10"})
    assert ids(read(spark, filtered)) == [0, 2, 4, 6, 8]
    for given, sentence in (
        ({"timestamp": "1999-01-01"}, "has no version for timestamp='1999-01-01'; it keeps from"),
        ({"timestamp": "soon"}, "timestamp='soon' is not a time"),
        ({"version": 77}, "has no version for version=77"),
    ):
        with pytest.raises(SparkBalanceError, match=sentence):
            read(spark, source.model_copy(update=given))
    with pytest.raises(SparkBalanceError, match="where='dday = 1' is not a condition on its columns"):
        read(spark, source.model_copy(update={"where": "dday = 1"}))


@at({"delta path": "spark", "iceberg table": "spark connect"})
def test_one_day_is_done_again(spark, days_frame, place):
    source = Source(**place["source"])
    kept = "delta.appendOnly" if place["sink"]["format"] == "delta" else "comment.of.ours"
    put(spark, days_frame, place, partition_by=["day"], properties={kept: "false"})
    monday = days_frame.where("day = 'mon' AND id < 10")
    put(spark, monday, place, "again", mode="overwrite", replace_where="day = 'mon'")
    tuesday = [number for number in range(ROWS) if number % 2]
    assert ids(read(spark, source)) == sorted([0, 2, 4, 6, 8, *tuesday])
    dynamic = {"partitionOverwriteMode": "dynamic"}
    put(spark, monday.where("id < 5"), place, "dynamic", mode="overwrite", partition_by=["day"], options=dynamic)
    assert ids(read(spark, source)) == sorted([0, 2, 4, *tuesday])
    with pytest.raises(SparkBalanceError, match="replace_where=\"day = 'mon'\" does not hold for 20 of the rows"):
        put(spark, days_frame, place, "wrong", mode="overwrite", replace_where="day = 'mon'")
    assert ids(read(spark, source)) == sorted([0, 2, 4, *tuesday])
    name = source.table or f"delta.`{source.path}`"
    assert {row[0]: row[1] for row in spark.sql(f"SHOW TBLPROPERTIES {name}").collect()}[kept] == "false"


@pytest.mark.smoke
@pytest.mark.skipif(not find_properties(VERSION), reason="no format has jars for this version of Spark")
@pytest.mark.engines("sail", "spark")
def test_what_a_format_or_an_engine_cannot_do_is_refused(spark, engine, days_frame, tmp_path):
    days_frame.write.parquet(str(tmp_path / "files"))
    path, part = str(tmp_path / "t"), {"mode": "overwrite", "replace_where": "day = 'mon'"}
    refused = [
        ({"table": "plain", **part}, "replace_where=.* is for Delta and Iceberg, table plain is of format parquet"),
        ({"table": "plain", "properties": {"a": 1}}, "properties=.* is for Delta and Iceberg"),
        ({"path": str(tmp_path / "files"), "format": "delta", "mode": "append"}, "'.*files' exists and is not a delta"),
    ]
    dynamic = {"mode": "overwrite", "partition_by": ["day"], "options": {"partitionOverwriteMode": "dynamic"}}
    if engine == "sail":
        refused += [
            ({"path": path, "format": "iceberg", **part}, "engine sail lacks replace_where for iceberg"),
            ({"table": "t", "format": "delta", **part}, "engine sail lacks replace_where for table t"),
            ({"path": path, "format": "delta", "properties": {"delta.a": 1}}, "engine sail lacks properties"),
            ({"path": path, "format": "delta", **dynamic}, "engine sail deletes the other partitions"),
        ]
    else:
        has_iceberg = "iceberg" in spark.conf.get("spark.jars")
        lacking = "this session has no jars for format iceberg; start it with those that conf/spark/iceberg-4.1.conf"
        in_catalog = "Iceberg on Spark makes tables in a catalog; name output.table"
        refused += [
            ({"path": path, "format": "iceberg"}, in_catalog if has_iceberg else lacking),
            ({"path": path, "format": "delta", **part, **dynamic}, "both say what to replace; give one"),
        ]
    for sink, sentence in refused:
        with pytest.raises(SparkBalanceError, match=f"output: .*{sentence}"):
            check_sink(spark, Sink(**sink), Source(path="x"), days_frame)


@at({**PLACES, "parquet table": "sail connect", "iceberg table": "sail spark"})
def test_rows_that_are_kept_for_a_run_are_gone_when_it_ends(spark, days_frame, place, tmp_path):
    sink, before = Sink(**place["sink"]), sorted(tmp_path.iterdir())
    tables = {row["tableName"] for row in spark.sql("SHOW TABLES IN default").collect()}
    rows = days_frame.withColumn(HI, F.hash("id").cast("bigint"))
    with keep_extract(spark, sink, wanted=True) as keep:
        assert sorted(keep(rows).collect()) == sorted(rows.collect())
    assert sorted(tmp_path.iterdir()) == before
    assert {row["tableName"] for row in spark.sql("SHOW TABLES IN default").collect()} == tables
    with keep_extract(spark, sink, wanted=False) as keep:
        assert keep is None


@at({"parquet path": "sail spark"})
def test_a_job_keeps_what_it_searches_beside_its_output(spark, days_frame, place, tmp_path, monkeypatch):
    days_frame.withColumn("x", F.col("id") * 1.5).write.parquet(str(tmp_path / "in"))
    given = {"label_col": "late", "key_cols": "id", "k_neighbors": 3, "passthrough": "base"}
    tables = {"input": {"path": str(tmp_path / "in")}, "sampler": {"smote": given}, "output": place["sink"]}
    written, write = [], ScratchFolder.write

    def watched(scratch, frame):
        written.append(frame.columns)
        write(scratch, frame)

    def done(**controls):
        config = JobConfig.of(tables | {"run": controls})
        run(spark, config)
        out = sorted(map(str, spark.read.parquet(place["sink"]["path"]).collect()))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "manifest.json", "t"]
        shutil.rmtree(tmp_path / "t")
        writes = len(written)
        written.clear()
        return out, writes

    monkeypatch.setattr(ScratchFolder, "write", watched)
    without, with_it = done(), done(extract=True)
    assert (without[1], with_it[1]) == (1, 2)
    assert without[0] == with_it[0]
    # by default where it pays
    monkeypatch.setattr("spark_balance.app.controls.EXTRACT_ROWS", ROWS)
    assert done()[1] == 2
