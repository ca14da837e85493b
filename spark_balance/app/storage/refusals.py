"""Outputs that cannot work, refused in a sentence before any long job."""

import os
from collections.abc import Sequence
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession, types as T

from spark_balance.app.session import engine_name
from spark_balance.app.storage.address import Sink, check_engine_has, table_exists
from spark_balance.app.storage.overlaps import check_not_input, overlap
from spark_balance.app.storage.paths import (
    as_pattern,
    check_path,
    engine_path,
    has_scheme,
    is_file_url,
    local_path,
    machine_path,
)
from spark_balance.app.storage.shapes import check_columns_of, check_options, check_partitions, check_same_shape
from spark_balance.app.storage.source import Source
from spark_balance.app.storage.staging import REPLACED
from spark_balance.app.storage.versions import format_of, versioned, versions_of
from spark_balance.errors import OutputError


def check_sink(
    spark: SparkSession, sink: Sink, source: Source, frame: DataFrame, added: Sequence[T.StructField] = ()
) -> None:
    """Refuse an output that cannot work, before any long job.

    The frame is the input without the rows that the job drops, `added` the columns of the output that it lacks.
    """
    check_engine_has(spark, sink)
    check_not_input(spark, sink, source)
    target = local_path(spark, sink.path) if sink.path else None
    if target is not None:
        _check_place(sink, target)
    _check_manifest(spark, sink, target, source)
    _check_format(spark, sink)
    check_options(spark, sink)
    exists = _exists(spark, sink, target)
    if exists and sink.mode == "error":
        raise OutputError(
            f"output: {sink} exists already; choose another, or set output.mode to 'overwrite' or 'append'"
        )
    if exists and sink.path and target is None and not versioned(spark, sink):
        raise OutputError(
            f"output: {sink} exists and cannot be staged there, so mode '{sink.mode}' could lose it;"
            " write to a new path or to a table"
        )
    if sink.table and not exists:
        _check_new_table(spark, sink.table)
    schema = T.StructType([*frame.schema.fields, *added])
    check_columns_of(sink, schema)
    check_partitions(spark, sink, frame)
    if exists and (sink.mode == "append" or sink.is_dynamic(spark) or versioned(spark, sink)):
        check_same_shape(spark, sink, schema, target)


def check_page(spark: SparkSession, given: str, sink: Sink, source: Source) -> Path:
    """Return the place of a run's page; refuse one that cannot be written to, or that would take the place of data."""
    if has_scheme(given) and not is_file_url(given):
        raise OutputError(f"report: '{given}' is not a local file; a report is written by this machine")
    try:
        place = machine_path(check_path(given))
    except ValueError as refused:
        raise OutputError(f"report: '{given}' cannot be written, {refused}") from None
    # so that whatever it replaces was a page too
    if place.suffix.lower() not in (".html", ".htm"):
        raise OutputError(f"report: '{given}' does not end in .html; name the page as out.html")
    if place.is_dir():
        raise OutputError(f"report: '{given}' is a folder; name a file, such as one in it")
    _check_writable("report: file", given, place)
    target = local_path(spark, sink.path) if sink.path else None
    manifest = None if sink.path and target is None else sink.manifest_of(target)
    read = as_pattern(source.path) if source.path and local_path(spark, source.path) else None
    for role, data in (("output", target), ("manifest", manifest), ("input", read)):
        if data is not None and overlap(place, data):
            raise OutputError(f"report: '{given}' overlaps the {role} '{data}'; write it somewhere else")
    return place


def _check_place(sink: Sink, target: Path) -> None:
    """Refuse a place that would fail at the end of the run, or whose replacement would destroy more than data."""
    if target in (Path.cwd(), *Path.cwd().parents):
        raise OutputError(f"output: path '{sink.path}' holds the working folder; name a folder of its own")
    if target.is_file() and sink.mode == "append":
        raise OutputError(f"output: path '{sink.path}' is a file, which cannot be appended to; name a folder")
    _check_writable("output: path", str(sink.path), target)


def _check_writable(role: str, given: str, target: Path) -> None:
    there = next(parent for parent in target.parents if parent.exists())
    if not there.is_dir():
        raise OutputError(f"{role} '{given}' cannot be made, '{there}' is a file; choose another")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(f"{role} '{given}' cannot be made, '{there}' is not writable; choose another")


def _check_manifest(spark: SparkSession, sink: Sink, target: Path | None, source: Source) -> None:
    """Refuse a manifest that would take the place of data."""
    if sink.path and target is None:
        return
    manifest = sink.manifest_of(target)
    if manifest.is_dir():
        raise OutputError(f"output: manifest '{manifest}' is a folder; name a file")
    given = as_pattern(source.path) if source.path and local_path(spark, source.path) else None
    for place, data in (("output", target), ("input", given)):
        if data is not None and overlap(manifest, data):
            raise OutputError(
                f"output: manifest '{manifest}' overlaps the {place} '{data}'; leave output.manifest out to have it"
                " beside the output"
            )
    _check_writable("output: manifest", str(manifest), manifest)


def _check_format(spark: SparkSession, sink: Sink) -> None:
    """Refuse what the output's format, or the engine with it, cannot do."""
    kind, on_sail = format_of(spark, sink), engine_name(spark) == "sail"
    if sink.table and "format" in sink.model_fields_set and table_exists(spark, sink):
        there = format_of(spark, Sink(table=sink.table))
        if there != kind:
            raise OutputError(f"output: table '{sink.table}' is of format {there}, format is '{kind}'; leave it out")
    if kind == "iceberg" and sink.path and not on_sail:
        raise OutputError(
            f"output: {sink} cannot be made, Iceberg on Spark makes tables in a catalog; name output.table as in"
            " 'lake.db.name', with a catalog as in conf/spark/iceberg.conf"
        )
    for name in ("replace_where", "properties"):
        given = getattr(sink, name)
        if given and not versioned(spark, sink):
            raise OutputError(f"output: {name}={given!r} is for Delta and Iceberg, {sink} is of format {kind}")
        if given and on_sail and not (name == "replace_where" and kind == "delta" and sink.path):
            raise OutputError(f"output: engine sail lacks {name} for {sink}; leave it out, or use engine spark")
    if sink.replace_where and sink.is_dynamic(spark):
        raise OutputError(
            "output: replace_where and partitionOverwriteMode=dynamic both say what to replace; give one of them"
        )


def _exists(spark: SparkSession, sink: Sink, target: Path | None) -> bool:
    if sink.table:
        return table_exists(spark, sink)
    assert sink.path is not None
    if versioned(spark, sink):
        is_table = bool(versions_of(spark, sink, most=1))
        if not is_table and target is not None and target.exists():
            raise OutputError(
                f"output: '{target}' exists and is not a {sink.format} table; name another path, or its format"
            )
        return is_table
    if target is not None:
        return target.exists()
    # Spark refuses a missing path and takes any file for text; Sail finds no columns in a missing path
    probe = sink.format if engine_name(spark) == "sail" else "text"
    try:
        return bool(spark.read.format(probe).load(engine_path(spark, sink.path)).schema.fields)
    except PySparkException:
        return False  # if it exists all the same, mode "error" finds out when it writes


def _check_new_table(spark: SparkSession, table: str) -> None:
    """Refuse a table without a database, or one that a killed run put aside to replace it."""
    database, _, name = table.rpartition(".")
    if database and not spark.catalog.databaseExists(database):
        raise OutputError(f"output: database '{database}' of table '{table}' does not exist; create it first")
    kept = [found.name for found in spark.catalog.listTables(database or None, f"{name}{REPLACED}*")]
    if kept:
        raise OutputError(
            f"output: table '{table}' is missing and '{kept[0]}' exists, as after a run that was killed while it"
            " replaced the table; rename that back, or drop it"
        )
