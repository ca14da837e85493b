"""Frames that an output cannot take: their columns, their partitions, and what is there already."""

import re
import tempfile
from pathlib import Path
from textwrap import shorten
from typing import Any
from urllib.parse import quote

from pyspark.sql import DataFrame, SparkSession, functions as F, types as T

from spark_balance.app.engines import ENGINE_ERRORS, reason
from spark_balance.app.storage.address import VERSIONED, Sink
from spark_balance.app.storage.paths import engine_path, local_path
from spark_balance.app.storage.versions import format_of, versioned
from spark_balance.errors import OutputError
from spark_balance.frames.columns import check_columns, quoted
from spark_balance.frames.engine import engine_name
from spark_balance.frames.older_spark import VariantType
from spark_balance.frames.plan import ClassCounts

_LONGEST_FOLDER = 255  # bytes of its name
_FOLDER_NAME = re.compile(r"[A-Za-z0-9 !$&'()+,;:@._-]+")
_MAPPING = "delta.columnMapping.mode"
_NESTED = (T.StructType, T.ArrayType, T.MapType, T.UserDefinedType, VariantType)


def check_columns_of(sink: Sink, schema: T.StructType) -> None:
    """Refuse columns that the format or the folders cannot hold."""
    check_columns("output", schema, sink.partition_by, "partition_by")
    if sink.partition_by and len(sink.partition_by) == len(schema.fields):
        raise OutputError(f"output: partition_by names every column of the frame; leave one for {sink}")
    for field in schema.fields:
        kind = field.dataType
        if sink.format == "csv" and len(field.name.splitlines()) > 1:
            raise OutputError(
                f"output: column '{field.name}' has a line break in its name, which ends the header of a CSV file;"
                " rename it, or use format parquet"
            )
        if not isinstance(kind, _NESTED):
            continue
        if field.name in sink.partition_by:
            raise OutputError(
                f"output: partition_by names column '{field.name}' of type {kind.simpleString()}, which cannot name"
                " folders; name columns of single values"
            )
        if sink.format == "csv" and sink.path:
            raise OutputError(
                f"output: column '{field.name}' is of type {kind.simpleString()}, which CSV cannot hold;"
                " use format parquet, or leave the column out"
            )


def check_new_names(spark: SparkSession, sink: Sink, schema: T.StructType) -> None:
    """Refuse columns that a new Delta table of classic Spark cannot have."""
    if format_of(spark, sink) != "delta" or engine_name(spark) == "sail" or _MAPPING in sink.properties:
        return
    for name in schema.names:
        if re.search(r"[ ,;{}()\n\t=]", name):
            raise OutputError(
                f"output: column '{name}' has a character of ' ,;{{}}()=' in its name, which a Delta table has only by"
                f' mapping; set output.properties.{_MAPPING} to "name", or rename it'
            )


def check_options(spark: SparkSession, sink: Sink) -> None:
    """Refuse options that the writer of the format refuses, as a row in a temporary folder shows."""
    if not sink.options or not sink.path or local_path(spark, sink.path) is None:
        return
    row = spark.range(1).selectExpr("CAST(id AS STRING) AS id", "current_date() AS day", "current_timestamp() AS time")
    with tempfile.TemporaryDirectory(prefix="spark-balance-") as folder:
        writer = row.write.format("parquet" if sink.format in VERSIONED else sink.format)
        try:
            writer.options(**sink.writer_options).save(engine_path(spark, Path(folder) / "row"))
        except ENGINE_ERRORS as refused:
            raise OutputError(
                f"output: options={sink.options} are not those of format {sink.format}: {shorten(reason(refused), 200)}"
            ) from refused


def check_labels(spark: SparkSession, sink: Sink, counts: ClassCounts) -> None:
    """Refuse a class that the output would lose."""
    named = list(counts.rows) if sink.path and counts.label_col in sink.partition_by else []
    if long := [label for label in named if _is_long(counts.label_col, label)]:
        raise OutputError(
            f"output: class '{str(long[0])[:20]}...' is too long for the name of a folder; partition by another column"
        )
    if not sink.path or "" not in counts.rows:
        return
    column = f"class '' of column '{counts.label_col}'"
    if named and engine_name(spark) != "sail":
        raise OutputError(f"output: a folder holds {column} as NULL; rename it, or partition by another column")
    if sink.format == "csv" and not {name.lower() for name in sink.options} & {"nullvalue", "emptyvalue"}:
        raise OutputError(f"output: csv holds {column} as NULL; rename it, or use format parquet")


def _is_long(column: str, value: object) -> bool:
    """Say whether a partition has a longer name than a folder may have, escaped as engines do."""
    return len(quote(f"{column}={value}")) > _LONGEST_FOLDER


def _check_folder_names(spark: SparkSession, sink: Sink) -> None:
    """Refuse partition columns whose folders cannot be made, or that readers miss."""
    files = not versioned(spark, sink)
    for name in sink.partition_by:
        if _is_long(name, ""):
            raise OutputError(
                f"output: partition_by column '{name[:20]}...' has a name that is too long for that of a folder;"
                " rename it, or partition by another column"
            )
        if name.startswith(".") and files:
            raise OutputError(
                f"output: partition_by column '{name}' begins with a dot, and readers leave out such folders; rename"
                " it, or partition by another column"
            )
        if files and engine_name(spark) == "sail" and not _FOLDER_NAME.fullmatch(name):
            raise OutputError(
                f"output: partition_by column '{name}' has characters in its name that engine sail escapes and does"
                " not read back; rename it, partition by another column, or use engine spark"
            )


def check_partitions(spark: SparkSession, sink: Sink, frame: DataFrame) -> None:
    """Refuse to replace partitions where that would take others with it, and values that would be lost."""
    if not sink.partition_by:
        return
    on_sail = engine_name(spark) == "sail"
    if sink.is_dynamic(spark) and (on_sail or (sink.table and not versioned(spark, sink))):
        why = "engine sail deletes the other partitions" if on_sail else "a table's cannot be staged"
        raise OutputError(
            f"output: partitionOverwriteMode=dynamic is refused for {sink}: {why}; use mode 'append' or a new output"
        )
    _check_folder_names(spark, sink)
    # Sail writes NULL in a partition column as 0, '', false or 1970-01-01, without a word
    names = [name for name in sink.partition_by if name in frame.columns]
    times = [name for name in names if isinstance(frame.schema[name].dataType, T.TimestampType | T.TimestampNTZType)]
    if on_sail and times:
        raise OutputError(
            f"output: partition_by column '{times[0]}' is a timestamp, which engine sail cannot make a folder of; use"
            " a date or a text of it, or engine spark"
        )
    if on_sail and names:
        row = frame.agg(*[F.count(F.when(F.col(quoted(name)).isNull(), 1)).alias(name) for name in names]).first()
        for name, rows in zip(names, row or (), strict=True):
            if rows:
                raise OutputError(
                    f"output: partition_by column '{name}' has {rows} NULLs, which engine sail would write as a value;"
                    " fill them, partition by another column, or use engine spark"
                )


def check_same_shape(spark: SparkSession, sink: Sink, schema: T.StructType, target: Path | None) -> None:
    """Refuse to mix rows of two shapes in one place."""
    if target is not None and not versioned(spark, sink):
        folders = _partition_names(target)
        if folders != sink.partition_by:
            raise OutputError(
                f"output: {sink} is partitioned by {list(folders)}, partition_by is {list(sink.partition_by)};"
                " make them equal"
            )
        if sink.format not in ("parquet", "orc", "avro"):
            return  # text formats have no types
    try:
        if sink.table:
            there = spark.read.table(sink.table)
        else:
            expands = not versioned(spark, sink)
            there = spark.read.format(sink.format).load(engine_path(spark, str(sink.path), expands=expands))
        found = there.schema
    except ENGINE_ERRORS as refused:
        raise OutputError(f"output: {sink} cannot be added to: {reason(refused)}") from refused
    # the types of columns that are folders are guessed from their names
    skipped = () if versioned(spark, sink) or sink.table else sink.partition_by
    old, new = _types(found, skipped), _types(schema, skipped)
    if old != new:
        changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        raise OutputError(
            f"output: {sink} has other columns or types than the frame ({', '.join(changed)}); write to a new "
            f"{'path' if sink.path else 'table'}"
        )


def _types(schema: T.StructType, but: tuple[str, ...]) -> dict[str, Any]:
    return {field.name: field.dataType.simpleString() for field in schema.fields if field.name not in but}


def _partition_names(folder: Path) -> tuple[str, ...]:
    """Return the columns that a folder of files is partitioned by, from the names of its folders."""
    for child in sorted(folder.iterdir()) if folder.is_dir() else ():
        if child.is_dir() and "=" in child.name:
            return (child.name.split("=")[0], *_partition_names(child))
    return ()
