"""The input of a job, and the one state of it that all scans of a job read."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from textwrap import shorten
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator
from pyspark.sql import DataFrame, SparkSession, functions as F, types as T
from typing_extensions import Self

from spark_balance.app.engines import ENGINE_ERRORS, reason
from spark_balance.app.storage.address import VERSIONED, Address, check_engine_has, table_exists
from spark_balance.app.storage.local_files import data_files
from spark_balance.app.storage.paths import engine_path, folders_read, local_path, named_by
from spark_balance.app.storage.versions import Version, versioned, versions_of
from spark_balance.base.parameters import Names
from spark_balance.errors import InputError, SparkBalanceError
from spark_balance.frames.columns import check_columns, quoted
from spark_balance.frames.engine import engine_name
from spark_balance.frames.older_spark import READS_VERSIONS

# classic Spark opens the files when it runs; what a run has written itself lies in a hidden folder
_BROKEN_FILE = re.compile(r"FAILED_READ_FILE(?!.*/\.[^/]*\.staging-)")
_NULL_FOLDER = "=__HIVE_DEFAULT_PARTITION__"
# TOML has a date or a time without quotes
Moment = Annotated[str | None, BeforeValidator(lambda moment: str(moment) if isinstance(moment, date) else moment)]


class Source(Address):
    """The table ``[input]``: the data a job reads, files or a catalog table.

    Parameters
    ----------
    options : dict of str, optional
        Options of Spark's reader. CSV has ``header = true``, and ``inferSchema = true`` unless `schema` is given.
    schema : str, optional
        Names and types of the columns, ``"late boolean, distance int"``.
    columns : tuple of str, optional
        Read only these columns.
    where : str, optional
        Read only the rows that this SQL condition holds for; of partition columns, only those partitions.
    version : int, optional
        Read this version of a Delta table, or this snapshot of an Iceberg table.
    timestamp : str, optional
        Read the version of a moment, ``"2026-01-31 06:00:00"``.
    """

    role: ClassVar[str] = "input"
    error: ClassVar[type[SparkBalanceError]] = InputError

    ddl: str | None = Field(default=None, alias="schema")
    columns: Names | None = None
    where: str | None = Field(default=None, min_length=1)
    version: int | None = Field(default=None, ge=0)
    timestamp: Moment = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _has_one_version(self) -> Self:
        if self.table is not None and "format" in self.model_fields_set:
            raise ValueError(f"format={self.format!r} goes with a path, a table has its own; leave format out")
        if self.version is not None and self.timestamp is not None:
            raise ValueError("version and timestamp both say which state to read; give one of them")
        return self


@dataclass(frozen=True)
class Pinned:
    """An input as it was when the job began."""

    source: Source  # of a table with versions it names the version
    # an id: a version and its time, or names, sizes and times of files; None when states cannot be distinguished
    state: str | None

    def frame(self, spark: SparkSession) -> DataFrame:
        """Return the input as a frame, of which only names and types are read yet."""
        source = self.source
        try:
            frame = _load(spark, source)
            if engine_name(spark) == "sail":
                frame = _empty_partitions(source, frame)
            schema = frame.schema  # Connect resolves nothing before this
        except ENGINE_ERRORS as refused:
            raise InputError(f"input: {source} cannot be read: {reason(refused)}") from refused
        if not schema.fields:
            raise InputError(f"input: {source} has no columns; check the path and the format")
        if source.where is not None:
            frame = _filter(frame, source.where)
        if source.columns is None:
            return frame
        check_columns("input", schema, source.columns, "columns")
        return frame.select([F.col(quoted(name)) for name in source.columns])

    def check_unchanged(self, spark: SparkSession) -> None:
        """Refuse an input that is no longer what it was when the job began."""
        try:
            is_same = pin(spark, self.source) == self
        except InputError:
            is_same = False
        if not is_same:
            raise InputError(f"input: {self.source} changed during the run; run the job again")

    @contextmanager
    def blamed(self, spark: SparkSession) -> Iterator[None]:
        """Name the input as the reason for what fails in the block: it changed meanwhile, or a file is broken."""
        try:
            yield
        except Exception as failed:
            with suppress(*ENGINE_ERRORS):  # of an engine that is gone
                self.check_unchanged(spark)
            cause = failed.__cause__
            if isinstance(cause, ENGINE_ERRORS) and _BROKEN_FILE.search(str(cause)):
                raise InputError(f"input: {self.source} cannot be read: {reason(cause)}") from failed
            raise


def pin(spark: SparkSession, source: Source) -> Pinned:
    """Return the input in its present state, or in that of `version` or `timestamp`.

    A job scans its input several times, and rows that arrive in between would make the scans disagree. All scans
    read the same version of a Delta or Iceberg table; of other data the job compares the states before and after.
    """
    _check_there(spark, source)
    if versioned(spark, source):
        newest = source.version is None and source.timestamp is None
        found = versions_of(spark, source, most=1 if newest else None)
        if not found and newest:
            return Pinned(source, None)
        version = _choose_version(spark, source, found)
        pinned = source.model_copy(update={"version": int(version.id), "timestamp": None})
        return Pinned(pinned, f"{version.id}@{version.micros}")
    if source.version is not None or source.timestamp is not None:
        asked = "timestamp" if source.version is None else "version"
        raise InputError(
            f"input: {source} has no versions, {asked}={getattr(source, asked)!r} cannot be read;"
            f" leave {asked} out, or read a Delta or Iceberg table"
        )
    if source.path is None or local_path(spark, source.path) is None:
        return Pinned(source, names_of_files(Pinned(source, None).frame(spark)))
    files = [file for found in named_by(source.path) for file in data_files(found)]
    return Pinned(source, state_of_files((str(file), file) for file in files))


def read(spark: SparkSession, source: Source) -> DataFrame:
    """Return the input as a frame, of which only names and types are read yet."""
    if source.version is not None or source.timestamp is not None:
        return pin(spark, source).frame(spark)
    _check_there(spark, source)
    return Pinned(source, None).frame(spark)


def digest(parts: Iterable[Any]) -> str:
    """Return an id of a sequence of values."""
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()[:16]


def state_of_files(files: Iterable[tuple[str, Path]]) -> str:
    """Return an id of the names, sizes and times of files on this machine."""
    stats = [(name, file.stat()) for name, file in sorted(files)]
    return digest((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats)


def names_of_files(frame: DataFrame) -> str | None:
    """Return an id of the files of a frame, whose names no engine gives twice, or None without files."""
    files = sorted(file.rpartition("/")[2] for file in frame.inputFiles())
    return digest(files) if files else None


def _choose_version(spark: SparkSession, source: Source, found: list[Version]) -> Version:
    """Return the version to read, among those found, newest first."""
    if source.version is None and source.timestamp is None:
        return found[0]
    if source.version is not None:
        fitting, asked = [one for one in found if one.id == str(source.version)], f"version={source.version}"
    else:
        then, asked = _micros(spark, str(source.timestamp)), f"timestamp={source.timestamp!r}"
        fitting = [one for one in found if one.micros <= then]
    if not fitting:
        kept = f"from {found[-1].id} to {found[0].id}" if found else "none"
        raise InputError(f"input: {source} has no version for {asked}; it keeps {kept}")
    return fitting[0]


def _micros(spark: SparkSession, timestamp: str) -> int:
    """Return a time of the session's time zone in microseconds since 1970."""
    try:
        row = spark.range(1).select(F.unix_micros(F.lit(timestamp).cast("timestamp"))).first()
    except ENGINE_ERRORS:
        row = None
    if row is None or row[0] is None:
        raise InputError(f"input: timestamp={timestamp!r} is not a time; give one as '2026-01-31 06:00:00'")
    return int(row[0])


def _check_there(spark: SparkSession, source: Source) -> None:
    check_engine_has(spark, source)
    if source.table and not table_exists(spark, source):
        raise InputError(f"input: table '{source.table}' does not exist; check the name, the database and the catalog")
    local = local_path(spark, source.path) if source.path else None
    # Sail reads a missing path as a frame without columns
    if local is not None and not named_by(str(source.path)):
        raise InputError(f"input: path '{source.path}' does not exist (looked for {local})")


def _filter(frame: DataFrame, where: str) -> DataFrame:
    try:
        # Connect takes a filter's schema for its frame's, and resolves nothing
        [kind] = frame.select(F.expr(where)).schema.fields
        why = f"it is a {kind.dataType.simpleString()}"
        if isinstance(kind.dataType, T.BooleanType):
            # an aggregate may be selected, and filters nothing; Sail finds out when it runs
            frame.limit(1).where(where).select(F.lit(1)).collect()
    except ENGINE_ERRORS as refused:
        kind, why = None, shorten(reason(refused), 200)
    if kind is None or not isinstance(kind.dataType, T.BooleanType):
        raise InputError(f"input: where={where!r} is not a condition on its columns: {why}")
    return frame.where(where)


def _empty_partitions(source: Source, frame: DataFrame) -> DataFrame:
    """Return the frame with NULL where Sail reads the name of Hive's folder for it."""
    empty = {folder.removesuffix(_NULL_FOLDER) for folder in folders_read(frame) if folder.endswith(_NULL_FOLDER)}
    for field in frame.schema.fields if empty else ():
        if field.name not in empty:
            continue
        if not isinstance(field.dataType, T.StringType):
            raise InputError(
                f"input: {source} has a folder {field.name}{_NULL_FOLDER}, which engine sail cannot read as"
                f" {field.dataType.simpleString()}; make the column a string in input.schema, or use engine spark"
            )
        value = F.col(quoted(field.name))
        frame = frame.withColumn(field.name, F.when(value != _NULL_FOLDER.removeprefix("="), value))
    return frame


def _load(spark: SparkSession, source: Source) -> DataFrame:
    reader = spark.read
    if source.version is not None:
        if source.table and not READS_VERSIONS:
            return spark.sql(f"SELECT * FROM {source.table} VERSION AS OF {source.version}")
        reader = reader.option("versionAsOf", str(source.version))
    if source.table:
        return reader.table(source.table)
    assert source.path is not None
    expands = source.format not in VERSIONED
    places = named_by(source.path) if local_path(spark, source.path) else []
    paths = [engine_path(spark, place, expands=expands) for place in places]
    paths = paths or [engine_path(spark, source.path, expands=expands)]
    reader = reader.format(source.format)
    if source.ddl:
        reader = reader.schema(source.ddl)
    elif source.format == "csv":
        # without it every column of a CSV is a string, features too
        reader = reader.option("inferSchema", "true")
    return reader.options(**source.all_options).load(paths if len(paths) > 1 else paths[0])
