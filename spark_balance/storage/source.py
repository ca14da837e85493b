"""The input of a job."""

from __future__ import annotations

import glob
from pathlib import Path

from pydantic import Field
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_balance.columns import check_columns, quoted
from spark_balance.errors import SparkBalanceError
from spark_balance.samplers.parameters import Names
from spark_balance.storage.address import Address, EngineError, check_engine_has, local_path, reason, url
from spark_balance.storage.swap import data_files


class Source(Address):
    """The data a job reads.

    Attributes
    ----------
    path, table : str
        One of the two: files (a local path or an object store's) or a catalog table.
    format : {"parquet", "csv", "json", "orc"}
        Format of the files at `path`.
    options : dict of str to str
        Spark's reader options. CSV has ``header=true``, and ``inferSchema=true`` unless `schema` is given.
    schema : str, optional
        Column names and types as DDL, ``"late boolean, distance int"``.
    columns : list of str, optional
        Read only these columns.
    """

    ddl: str | None = Field(default=None, alias="schema")
    columns: Names | None = None


def read(spark: SparkSession, source: Source) -> DataFrame:
    """Return the input as a frame, or say in a sentence why there is none.

    Nothing is read yet but names and types.
    """
    check_engine_has(spark, "input", source)
    try:
        frame = _read_table(spark, source.table) if source.table else _read_path(spark, source)
        schema = frame.schema  # Connect resolves nothing before this
    except EngineError as refused:
        raise SparkBalanceError(f"input: {source} cannot be read: {reason(refused)}") from refused
    if not schema.fields:
        raise SparkBalanceError(f"input: {source} has no columns; check the path and the format")
    if source.columns is None:
        return frame
    check_columns("input", schema, source.columns, "columns")
    return frame.select([F.col(quoted(name)) for name in source.columns])


def fingerprint(spark: SparkSession, source: Source) -> tuple[tuple[str, int, int], ...]:
    """Return names, sizes and times of a local input's files; empty for what cannot be looked at from here.

    A job scans its input several times, and files that came in between would make the scans disagree.
    """
    local = local_path(spark, source.path) if source.path else None
    if local is None:
        return ()
    files = [file for found in glob.glob(str(local)) for file in _files(Path(found))]
    stats = [(str(file), file.stat()) for file in sorted(files)]
    return tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def _files(path: Path) -> list[Path]:
    return data_files(path) if path.is_dir() else [path]


def _read_table(spark: SparkSession, table: str) -> DataFrame:
    if not spark.catalog.tableExists(table):
        raise SparkBalanceError(f"input: table '{table}' does not exist; check the name, the database and the catalog")
    return spark.table(table)


def _read_path(spark: SparkSession, source: Source) -> DataFrame:
    assert source.path is not None
    path = source.path
    local = local_path(spark, path)
    # Sail reads a missing path as a frame without columns
    if local is not None:
        if not glob.glob(str(local)) and not local.exists():
            raise SparkBalanceError(f"input: path '{path}' does not exist (looked for {local})")
        path = url(local)
    reader = spark.read.format(source.format)
    if source.ddl:
        reader = reader.schema(source.ddl)
    elif source.format == "csv":
        # without it every column of a CSV is a string, features too
        reader = reader.option("inferSchema", "true")
    return reader.options(**source.all_options).load(path)
