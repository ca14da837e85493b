"""Outputs that cannot work, refused in a sentence before any long job."""

from collections.abc import Sequence
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, types as T

from spark_balance.app.engines import ENGINE_ERRORS, is_absent, reason
from spark_balance.app.storage.address import Address, Sink, check_engine_has, table_exists
from spark_balance.app.storage.overlaps import check_not_input
from spark_balance.app.storage.paths import engine_path, local_path
from spark_balance.app.storage.places import check_manifest, check_replaced
from spark_balance.app.storage.shapes import (
    check_columns_of,
    check_new_names,
    check_options,
    check_partitions,
    check_same_shape,
)
from spark_balance.app.storage.source import Source
from spark_balance.app.storage.staging import REPLACED
from spark_balance.app.storage.versions import format_of, versioned, versions_of
from spark_balance.errors import OutputError
from spark_balance.frames.engine import engine_name


def check_sink(
    spark: SparkSession, sink: Sink, source: Source, frame: DataFrame, added: Sequence[T.StructField] = ()
) -> None:
    """Refuse an output that cannot work, before any long job.

    The frame is the input without the rows that the job drops, `added` the columns of the output that it lacks.
    """
    check_engine_has(spark, sink)
    check_not_input(spark, sink, source)
    _check_format(spark, sink)
    check_options(spark, sink)
    target = local_path(spark, sink.path) if sink.path else None
    exists = sink_exists(spark, sink, target)
    if exists and sink.mode == "error":
        raise OutputError(
            f"output: {sink} exists already; choose another, or set output.mode (--mode) to 'overwrite' or 'append'"
        )
    check_manifest(spark, sink, source)
    if exists and sink.path and target is None and not versioned(spark, sink):
        raise OutputError(
            f"output: {sink} exists and cannot be staged there, so mode '{sink.mode}' could lose it;"
            " write to a new path or to a table"
        )
    if exists and target is not None and sink.mode == "overwrite" and not versioned(spark, sink):
        check_replaced(sink, target)
    if sink.table and not exists:
        _check_new_table(spark, sink.table)
    schema = T.StructType([*frame.schema.fields, *added])
    check_columns_of(sink, schema)
    check_partitions(spark, sink, frame)
    if not exists:
        check_new_names(spark, sink, schema)
    if exists and (sink.mode == "append" or sink.is_dynamic(spark) or versioned(spark, sink)):
        check_same_shape(spark, sink, schema, target)


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
            " 'lake.db.name', with a catalog as in conf/spark/iceberg-4.1.conf"
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


def sink_exists(spark: SparkSession, sink: Sink, target: Path | None) -> bool:
    """Say whether there is a table or a folder already."""
    if sink.table:
        return table_exists(spark, sink)
    if versioned(spark, sink):
        is_table = bool(versions_of(spark, sink, most=1))
        if not is_table and target is not None and target.exists():
            raise OutputError(
                f"output: '{target}' exists and is not a {sink.format} table; name another path, or its format"
            )
        return is_table
    return path_exists(spark, sink)


def path_exists(spark: SparkSession, place: Address) -> bool:
    """Say whether there is a file or a folder at the path of a place."""
    assert place.path is not None
    local = local_path(spark, place.path)
    if local is not None:
        return local.exists()
    # Spark refuses a missing path and takes any file for text; Sail finds no columns in a missing path
    probe = place.format if engine_name(spark) == "sail" else "text"
    try:
        return bool(spark.read.format(probe).load(engine_path(spark, place.path)).schema.fields)
    except ENGINE_ERRORS as refused:
        if is_absent(refused):
            return False
        raise place.error(f"{place.role}: {place} cannot be looked up: {reason(refused)}") from refused


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
