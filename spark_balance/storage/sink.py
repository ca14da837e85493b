"""The output of a job: checked before it starts, staged while it runs, moved when it is right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import check_columns, quoted
from spark_balance.errors import SparkBalanceError
from spark_balance.session import engine_name
from spark_balance.storage.address import Address, check_engine_has, full_name, local_path
from spark_balance.storage.source import Source
from spark_balance.storage.staged import Staged, StagedFiles, StagedTable, StraightWrite, partition_names


class Sink(Address):
    """The place a job writes to.

    Attributes
    ----------
    path, table : str
        One of the two: files (a local path, or a new one in an object store) or a catalog table.
    format : {"parquet", "csv", "json", "orc"}
        Format of the files at `path`.
    mode : {"error", "overwrite", "append"}
        What to do when the output exists.
    partition_by : list of str
        Columns whose values become folders.
    options : dict of str to str
        Spark's writer options. ``partitionOverwriteMode="dynamic"`` with mode "overwrite" replaces only the
        partitions that are written.
    manifest : str, optional
        Where the manifest goes; beside the data, ``<path>.manifest.json``, when not given. A table's goes to
        ``<table>.manifest.json`` in the working folder.
    """

    mode: Literal["error", "overwrite", "append"] = "error"
    partition_by: tuple[str, ...] = ()
    manifest: str | None = None

    def is_dynamic(self, spark: SparkSession) -> bool:
        """Tell whether only the partitions that are written shall be replaced."""
        option = "partitionoverwritemode"
        given = {name.lower(): value for name, value in self.options.items()}
        wanted = given.get(option) or spark.conf.get("spark.sql.sources.partitionOverwriteMode", "static")
        return self.mode == "overwrite" and bool(self.partition_by) and str(wanted).lower() == "dynamic"


def check_sink(spark: SparkSession, sink: Sink, source: Source, frame: DataFrame) -> None:
    """Refuse an output that cannot work, before any long job.

    Parameters
    ----------
    spark : SparkSession
        The session that will write.
    sink, source : Sink, Source
        Where the job writes and what it reads.
    frame : DataFrame
        The input frame; its columns are the output's.
    """
    check_engine_has(spark, "output", sink)
    _check_not_input(spark, sink, source)
    exists = _exists(spark, sink)
    if exists and sink.mode == "error":
        raise SparkBalanceError(
            f"output: {sink} exists already; choose another, or set output.mode to 'overwrite' or 'append'"
        )
    if exists and sink.path and local_path(spark, sink.path) is None:
        raise SparkBalanceError(
            f"output: {sink} exists and cannot be staged there, so mode '{sink.mode}' could lose it;"
            " write to a new path or to a table"
        )
    _check_columns(sink, frame.schema)
    _check_partitions(spark, sink, frame)
    if exists and sink.path and (sink.mode == "append" or sink.is_dynamic(spark)):
        _check_same_shape(spark, sink, frame)


@contextmanager
def stage(spark: SparkSession, frame: DataFrame, sink: Sink) -> Iterator[Staged]:
    """Write the frame to a staging place beside the output; nothing else is touched before ``commit``.

    Yields
    ------
    Staged
        ``staged.frame()`` reads back what was written, ``staged.commit(manifest)`` moves it to the output.
        Left without a commit, by an exception too, the staging place is removed.
    """
    if frame.isStreaming:
        raise SparkBalanceError(f"output: {sink} cannot take a streaming frame; write each batch, as in foreachBatch")
    staged = _staging_place(spark, sink)
    try:
        staged.write(frame)
        yield staged
    finally:
        staged.discard()


def _staging_place(spark: SparkSession, sink: Sink) -> Staged:
    if sink.table:
        return StagedTable(
            spark, sink.table, sink.mode, sink.partition_by, Path(sink.manifest or f"{sink.table}.manifest.json")
        )
    assert sink.path is not None
    target = local_path(spark, sink.path)
    options = {name: value for name, value in sink.all_options.items() if name.lower() != "partitionoverwritemode"}
    if target is None:
        return StraightWrite(spark, sink.path, sink.format, options, sink.partition_by, sink.manifest)
    manifest = Path(sink.manifest) if sink.manifest else target.with_name(f"{target.name}.manifest.json")
    mode = "partitions" if sink.is_dynamic(spark) else sink.mode
    return StagedFiles(spark, target, sink.format, options, sink.partition_by, mode, manifest)


def _check_not_input(spark: SparkSession, sink: Sink, source: Source) -> None:
    advice = "a job that failed would take its own input with it; write somewhere else"
    if sink.table and source.table and full_name(spark, sink.table) == full_name(spark, source.table):
        raise SparkBalanceError(f"output: table '{sink.table}' is the input too: {advice}")
    if not sink.path or not source.path:
        return
    target, given = local_path(spark, sink.path), local_path(spark, source.path)
    if target is None or given is None:
        overlap = sink.path.rstrip("/") == source.path.rstrip("/")
    else:
        overlap = target == given or target in given.parents or given in target.parents
    if overlap:
        raise SparkBalanceError(
            f"output: path '{sink.path}' and the input '{source.path}' are one or lie in each other: {advice}"
        )


def _exists(spark: SparkSession, sink: Sink) -> bool:
    if sink.table:
        return spark.catalog.tableExists(sink.table)
    assert sink.path is not None
    target = local_path(spark, sink.path)
    if target is not None:
        return target.exists()
    # Spark refuses a missing path and takes any file for text; Sail finds no columns in a missing path
    probe = sink.format if engine_name(spark) == "sail" else "text"
    try:
        return bool(spark.read.format(probe).load(sink.path).schema.fields)
    except PySparkException:
        return False  # if it is there all the same, mode "error" finds out when it writes


def _check_columns(sink: Sink, schema: T.StructType) -> None:
    check_columns("output", schema, sink.partition_by, "partition_by")
    if sink.partition_by and len(sink.partition_by) == len(schema.fields):
        raise SparkBalanceError(f"output: partition_by names every column of the frame; leave one for {sink}")
    nested = (T.StructType, T.ArrayType, T.MapType)
    for field in schema.fields if sink.format == "csv" and sink.path else ():
        if isinstance(field.dataType, nested):
            raise SparkBalanceError(
                f"output: column '{field.name}' is of type {field.dataType.simpleString()}, which CSV cannot hold;"
                " use format parquet, or leave it out with input.columns"
            )


def _check_partitions(spark: SparkSession, sink: Sink, frame: DataFrame) -> None:
    if not sink.partition_by:
        return
    on_sail = engine_name(spark) == "sail"
    if sink.is_dynamic(spark) and (on_sail or sink.table):
        why = "engine sail deletes the other partitions" if on_sail else "a table's cannot be staged"
        raise SparkBalanceError(
            f"output: partitionOverwriteMode=dynamic is refused for {sink}: {why}; use mode 'append' or a new output"
        )
    # Sail writes NULL in a partition column as 0, '', false or 1970-01-01, without a word
    if on_sail:
        missing = [F.count(F.when(F.col(quoted(name)).isNull(), 1)).alias(name) for name in sink.partition_by]
        row = frame.agg(*missing).first()
        for name, rows in zip(sink.partition_by, row or (), strict=True):
            if rows:
                raise SparkBalanceError(
                    f"output: partition_by column '{name}' has {rows} NULLs, which engine sail would write as a value;"
                    " fill them, partition by another column, or use engine spark"
                )


def _check_same_shape(spark: SparkSession, sink: Sink, frame: DataFrame) -> None:
    """Refuse to mix files of two shapes in one folder."""
    assert sink.path is not None
    target = local_path(spark, sink.path)
    assert target is not None
    there = partition_names(target)
    if there != sink.partition_by:
        raise SparkBalanceError(
            f"output: {sink} is partitioned by {list(there)}, partition_by is {list(sink.partition_by)};"
            " make them equal"
        )
    if sink.format not in ("parquet", "orc"):
        return  # text formats tell no types
    old = _types(spark.read.format(sink.format).load(str(target)).schema, but=sink.partition_by)
    new = _types(frame.schema, but=sink.partition_by)
    if old != new:
        changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        raise SparkBalanceError(
            f"output: {sink} has other columns or types than the frame ({', '.join(changed)}); write to a new path"
        )


def _types(schema: T.StructType, but: tuple[str, ...]) -> dict[str, Any]:
    return {field.name: field.dataType.simpleString() for field in schema.fields if field.name not in but}
