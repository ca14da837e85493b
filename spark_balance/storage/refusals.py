"""Outputs that cannot work, refused in a sentence before any long job."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import check_columns, quoted
from spark_balance.errors import SparkBalanceError
from spark_balance.session import engine_name
from spark_balance.storage.address import EngineError, check_engine_has, full_name, local_path, reason
from spark_balance.storage.sink import Sink
from spark_balance.storage.source import Source
from spark_balance.storage.staged import REPLACED, partition_names

_NESTED = (T.StructType, T.ArrayType, T.MapType, T.UserDefinedType, T.VariantType)


def check_sink(
    spark: SparkSession, sink: Sink, source: Source, frame: DataFrame, added: Sequence[T.StructField] = ()
) -> None:
    """Refuse an output that cannot work, before any long job.

    Parameters
    ----------
    spark : SparkSession
        The session that will write.
    sink, source : Sink, Source
        Where the job writes and what it reads.
    frame : DataFrame
        The input frame, without the rows that the job drops.
    added : sequence of StructField
        The columns that the output has beside those of the frame.
    """
    check_engine_has(spark, "output", sink)
    _check_not_input(spark, sink, source)
    target = local_path(spark, sink.path) if sink.path else None
    if target is not None:
        _check_place(sink, target)
    _check_manifest(spark, sink, target, source)
    exists = _exists(spark, sink)
    if exists and sink.mode == "error":
        raise SparkBalanceError(
            f"output: {sink} exists already; choose another, or set output.mode to 'overwrite' or 'append'"
        )
    if exists and sink.path and target is None:
        raise SparkBalanceError(
            f"output: {sink} exists and cannot be staged there, so mode '{sink.mode}' could lose it;"
            " write to a new path or to a table"
        )
    if sink.table and not exists:
        _check_new_table(spark, sink.table)
    schema = T.StructType([*frame.schema.fields, *added])
    _check_columns(sink, schema)
    _check_partitions(spark, sink, frame)
    if exists and (sink.mode == "append" or sink.is_dynamic(spark)):
        _check_same_shape(spark, sink, schema, target)


def check_page(spark: SparkSession, given: str, place: Path, sink: Sink, source: Source) -> None:
    """Refuse the place of a run's page that cannot be written to, or that would take the place of data."""
    if "://" in given:
        raise SparkBalanceError(f"report: '{given}' is no local file; a report is written by this machine")
    # so that whatever it replaces was a page too
    if place.suffix.lower() not in (".html", ".htm"):
        raise SparkBalanceError(f"report: '{given}' does not end in .html; name the page as out.html")
    if place.is_dir():
        raise SparkBalanceError(f"report: '{given}' is a folder; name a file, such as one in it")
    _check_writable("report: file", given, place)
    target = local_path(spark, sink.path) if sink.path else None
    manifest = None if sink.path and target is None else sink.manifest_of(target).resolve()
    read = local_path(spark, source.path) if source.path else None
    for role, data in (("output", target), ("manifest", manifest), ("input", read)):
        if data is not None and _overlap(place, data):
            raise SparkBalanceError(
                f"report: '{given}' and the {role} '{data}' are one or lie in each other; write it somewhere else"
            )


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
        overlap = _overlap(target, given)
    if overlap:
        raise SparkBalanceError(
            f"output: path '{sink.path}' and the input '{source.path}' are one or lie in each other: {advice}"
        )


def _overlap(one: Path, pattern: Path) -> bool:
    """Tell whether a path is, holds or lies in what a pattern such as ``/data/day=*`` names."""

    def named(place: Path, names: Path) -> bool:
        return place == names or place.match(str(names))

    return any(named(one, above) for above in pattern.parents) or any(
        named(place, pattern) for place in (one, *one.parents)
    )


def _check_place(sink: Sink, target: Path) -> None:
    """Refuse a place that would fail only when all is done, or take more with it than data."""
    if target in (Path.cwd(), *Path.cwd().parents):
        raise SparkBalanceError(f"output: path '{sink.path}' holds the working folder; name a folder of its own")
    if target.is_file() and sink.mode == "append":
        raise SparkBalanceError(f"output: path '{sink.path}' is a file, which cannot be appended to; name a folder")
    _check_writable("output: path", str(sink.path), target)


def _check_writable(role: str, given: str, target: Path) -> None:
    there = next(parent for parent in target.parents if parent.exists())
    if not there.is_dir():
        raise SparkBalanceError(f"{role} '{given}' cannot be made, '{there}' is a file; choose another")
    if not os.access(there, os.W_OK | os.X_OK):
        raise SparkBalanceError(f"{role} '{given}' cannot be made, '{there}' may not be written to; choose another")


def _check_manifest(spark: SparkSession, sink: Sink, target: Path | None, source: Source) -> None:
    """Refuse a manifest that would take the place of data."""
    if sink.path and target is None:
        return
    manifest = sink.manifest_of(target).resolve()
    if manifest.is_dir():
        raise SparkBalanceError(f"output: manifest '{manifest}' is a folder; name a file for it to be written to")
    given = local_path(spark, source.path) if source.path else None
    for place, data in (("output", target), ("input", given)):
        if data is not None and _overlap(manifest, data):
            raise SparkBalanceError(
                f"output: manifest '{manifest}' and the {place} '{data}' are one or lie in each other; leave"
                " output.manifest out, and it lies beside the output"
            )
    _check_writable("output: manifest", str(manifest), manifest)


def _exists(spark: SparkSession, sink: Sink) -> bool:
    if sink.table:
        try:
            return spark.catalog.tableExists(sink.table)
        except EngineError as refused:
            raise SparkBalanceError(f"output: {sink} cannot be looked up: {reason(refused)}") from refused
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


def _check_new_table(spark: SparkSession, table: str) -> None:
    """Refuse a table that has no place, or that a killed run put aside for the one that was to take its name."""
    database, _, name = table.rpartition(".")
    if database and not spark.catalog.databaseExists(database):
        raise SparkBalanceError(f"output: database '{database}' of table '{table}' does not exist; create it first")
    kept = [found.name for found in spark.catalog.listTables(database or None, f"{name}{REPLACED}*")]
    if kept:
        raise SparkBalanceError(
            f"output: table '{table}' is missing and '{kept[0]}' is there, as a run leaves them that was killed while"
            " it replaced the table; rename that back, or drop it"
        )


def _check_columns(sink: Sink, schema: T.StructType) -> None:
    check_columns("output", schema, sink.partition_by, "partition_by")
    if sink.partition_by and len(sink.partition_by) == len(schema.fields):
        raise SparkBalanceError(f"output: partition_by names every column of the frame; leave one for {sink}")
    for field in schema.fields:
        kind = field.dataType
        if not isinstance(kind, _NESTED):
            continue
        if field.name in sink.partition_by:
            raise SparkBalanceError(
                f"output: partition_by names column '{field.name}' of type {kind.simpleString()}, which makes no"
                " folders; name columns of single values"
            )
        if sink.format == "csv" and sink.path:
            raise SparkBalanceError(
                f"output: column '{field.name}' is of type {kind.simpleString()}, which CSV cannot hold;"
                " use format parquet, or leave the column out"
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
    names = [name for name in sink.partition_by if name in frame.columns]
    if on_sail and names:
        row = frame.agg(*[F.count(F.when(F.col(quoted(name)).isNull(), 1)).alias(name) for name in names]).first()
        for name, rows in zip(names, row or (), strict=True):
            if rows:
                raise SparkBalanceError(
                    f"output: partition_by column '{name}' has {rows} NULLs, which engine sail would write as a value;"
                    " fill them, partition by another column, or use engine spark"
                )


def _check_same_shape(spark: SparkSession, sink: Sink, schema: T.StructType, target: Path | None) -> None:
    """Refuse to mix rows of two shapes in one place."""
    if target is not None:
        folders = partition_names(target)
        if folders != sink.partition_by:
            raise SparkBalanceError(
                f"output: {sink} is partitioned by {list(folders)}, partition_by is {list(sink.partition_by)};"
                " make them equal"
            )
        if sink.format not in ("parquet", "orc"):
            return  # text formats tell no types
    try:
        there = spark.table(sink.table) if sink.table else spark.read.format(sink.format).load(str(target))
        found = there.schema
    except EngineError as refused:
        raise SparkBalanceError(f"output: {sink} cannot be added to: {reason(refused)}") from refused
    # the types of columns that are folders are guessed from their names
    skipped = sink.partition_by if sink.path else ()
    old, new = _types(found, skipped), _types(schema, skipped)
    if old != new:
        changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        raise SparkBalanceError(
            f"output: {sink} has other columns or types than the frame ({', '.join(changed)}); write to a new "
            f"{'path' if sink.path else 'table'}"
        )


def _types(schema: T.StructType, but: tuple[str, ...]) -> dict[str, Any]:
    return {field.name: field.dataType.simpleString() for field in schema.fields if field.name not in but}
