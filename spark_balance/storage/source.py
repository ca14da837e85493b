"""The input of a job, and the one state of it that all scans of a job read."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, model_validator
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from spark_balance.columns import check_columns, quoted
from spark_balance.errors import SparkBalanceError
from spark_balance.samplers.parameters import Names
from spark_balance.storage.address import Address, EngineError, check_engine_has, local_path, reason, table_exists, url
from spark_balance.storage.swap import data_files
from spark_balance.storage.versions import Version, versioned, versions_of


def _as_text(moment: object) -> object:
    """Return a date or a time, which TOML has without quotes, as text."""
    return str(moment) if isinstance(moment, date) else moment


class Source(Address):
    """The data a job reads.

    Attributes
    ----------
    path, table : str
        One of the two: files (a local path or an object store's) or a catalog table.
    format : {"parquet", "csv", "json", "orc", "avro", "delta", "iceberg"}
        Format of what lies at `path`.
    options : dict of str to str
        Spark's reader options. CSV has ``header=true``, and ``inferSchema=true`` unless `schema` is given.
    schema : str, optional
        Column names and types as DDL, ``"late boolean, distance int"``.
    columns : list of str, optional
        Read only these columns.
    where : str, optional
        Read only the rows that this SQL condition holds for; of partition columns, only those partitions.
    version : int, optional
        Read this version of a Delta table, or this snapshot id of an Iceberg table.
    timestamp : str, optional
        Read the version that a Delta or Iceberg table had then, ``"2026-01-31 06:00:00"``.
    """

    role: ClassVar[str] = "input"

    ddl: str | None = Field(default=None, alias="schema")
    columns: Names | None = None
    where: str | None = Field(default=None, min_length=1)
    version: int | None = Field(default=None, ge=0)
    timestamp: Annotated[str | None, BeforeValidator(_as_text)] = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _has_one_version(self) -> Self:
        if self.table is not None and "format" in self.model_fields_set:
            raise ValueError(f"format={self.format!r} goes with a path, a table has its own; leave format out")
        if self.version is not None and self.timestamp is not None:
            raise ValueError("version and timestamp both say which state to read; give one of them")
        return self


@dataclass(frozen=True)
class Pinned:
    """An input as it was when the job began.

    Attributes
    ----------
    source : Source
        Where it is; of a table with versions it names the version.
    state : str, optional
        What tells this state from any other: a version and its time, or names, sizes and times of files; None
        where nothing can be told.
    """

    source: Source
    state: str | None

    def frame(self, spark: SparkSession) -> DataFrame:
        """Return the input as a frame; nothing is read yet but names and types."""
        source = self.source
        try:
            frame = _loaded(spark, source)
            schema = frame.schema  # Connect resolves nothing before this
        except EngineError as refused:
            raise SparkBalanceError(f"input: {source} cannot be read: {reason(refused)}") from refused
        if not schema.fields:
            raise SparkBalanceError(f"input: {source} has no columns; check the path and the format")
        if source.where is not None:
            frame = _filtered(frame, source.where)
        if source.columns is None:
            return frame
        check_columns("input", schema, source.columns, "columns")
        return frame.select([F.col(quoted(name)) for name in source.columns])


def pin(spark: SparkSession, source: Source) -> Pinned:
    """Return the input as it is now, or as `version` or `timestamp` say that it was.

    A job scans its input several times, and rows that came in between would make the scans disagree. The version
    of a Delta or Iceberg table is read by all of them; other data is looked at again when all is done.
    """
    _check_there(spark, source)
    if versioned(spark, source):
        newest = source.version is None and source.timestamp is None
        found = versions_of(spark, source, most=1 if newest else None)
        if not found and newest:
            return Pinned(source, None)
        version = _wanted(spark, source, found)
        pinned = source.model_copy(update={"version": int(version.id), "timestamp": None})
        return Pinned(pinned, f"{version.id}@{version.micros}")
    if source.version is not None or source.timestamp is not None:
        asked = "timestamp" if source.version is None else "version"
        raise SparkBalanceError(
            f"input: {source} has no versions, {asked}={getattr(source, asked)!r} cannot be read;"
            f" leave {asked} out, or read a Delta or Iceberg table"
        )
    return Pinned(source, _state_of_files(spark, source))


def read(spark: SparkSession, source: Source) -> DataFrame:
    """Return the input as a frame, or say in a sentence why there is none.

    Nothing is read yet but names and types.
    """
    if source.version is not None or source.timestamp is not None:
        return pin(spark, source).frame(spark)
    _check_there(spark, source)
    return Pinned(source, None).frame(spark)


def digest(parts: Iterable[Any]) -> str:
    """Return what tells one sequence of values from another."""
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()[:16]


def state_of_files(files: Iterable[tuple[str, Path]]) -> str:
    """Return what tells the names, sizes and times of files on this machine from others."""
    stats = [(name, file.stat()) for name, file in sorted(files)]
    return digest((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def names_of_files(frame: DataFrame) -> str | None:
    """Return what tells the files of a frame from others, whose names no engine gives twice; None without any."""
    files = sorted(file.rpartition("/")[2] for file in frame.inputFiles())
    return digest(files) if files else None


def _state_of_files(spark: SparkSession, source: Source) -> str | None:
    local = local_path(spark, source.path) if source.path else None
    if local is None:
        return names_of_files(Pinned(source, None).frame(spark))
    files = [file for found in glob.glob(str(local)) for file in _files(Path(found))]
    return state_of_files((str(file), file) for file in files)


def _files(path: Path) -> list[Path]:
    return data_files(path) if path.is_dir() else [path]


def _wanted(spark: SparkSession, source: Source, found: list[Version]) -> Version:
    """Return the version to read, out of those that there are, newest first."""
    if source.version is None and source.timestamp is None:
        return found[0]
    if source.version is not None:
        wanted, asked = [one for one in found if one.id == str(source.version)], f"version={source.version}"
    else:
        then, asked = _micros(spark, str(source.timestamp)), f"timestamp={source.timestamp!r}"
        wanted = [one for one in found if one.micros <= then]
    if not wanted:
        kept = f"from {found[-1].id} to {found[0].id}" if found else "none"
        raise SparkBalanceError(f"input: {source} has no version for {asked}; those that it keeps are {kept}")
    return wanted[0]


def _micros(spark: SparkSession, timestamp: str) -> int:
    """Return a moment as the session's time zone has it."""
    try:
        row = spark.range(1).select(F.unix_micros(F.lit(timestamp).cast("timestamp"))).first()
    except EngineError:
        row = None
    if row is None or row[0] is None:
        raise SparkBalanceError(f"input: timestamp={timestamp!r} is no moment; give one as '2026-01-31 06:00:00'")
    return int(row[0])


def _check_there(spark: SparkSession, source: Source) -> None:
    check_engine_has(spark, source)
    if source.table and not table_exists(spark, source):
        raise SparkBalanceError(
            f"input: table '{source.table}' does not exist; check the name, the database and the catalog"
        )
    local = local_path(spark, source.path) if source.path else None
    # Sail reads a missing path as a frame without columns
    if local is not None and not glob.glob(str(local)) and not local.exists():
        raise SparkBalanceError(f"input: path '{source.path}' does not exist (looked for {local})")


def _filtered(frame: DataFrame, where: str) -> DataFrame:
    try:
        # Connect takes a filter's schema for its frame's, and resolves nothing
        [kind] = frame.select(F.expr(where)).schema.fields
        why = f"it is a {kind.dataType.simpleString()}"
    except EngineError as refused:
        kind, why = None, reason(refused)
    if kind is None or not isinstance(kind.dataType, T.BooleanType):
        raise SparkBalanceError(f"input: where={where!r} is no condition on its columns: {why}")
    return frame.where(where)


def _loaded(spark: SparkSession, source: Source) -> DataFrame:
    reader = spark.read
    if source.version is not None:
        reader = reader.option("versionAsOf", str(source.version))
    if source.table:
        return reader.table(source.table)
    assert source.path is not None
    local = local_path(spark, source.path)
    reader = reader.format(source.format)
    if source.ddl:
        reader = reader.schema(source.ddl)
    elif source.format == "csv":
        # without it every column of a CSV is a string, features too
        reader = reader.option("inferSchema", "true")
    return reader.options(**source.all_options).load(url(local) if local else source.path)
