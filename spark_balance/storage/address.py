"""Where data lies: a format, and a path or a table, told apart by who can reach it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from spark_balance.errors import SparkBalanceError, nearest_name
from spark_balance.session import engine_name, is_local

try:
    from py4j.protocol import Py4JJavaError  # what classic Spark raises of a file that is not of its format
except ImportError:  # a client of Spark Connect alone
    Py4JJavaError = PySparkException
EngineError = (PySparkException, Py4JJavaError)

# the options each file format gets unless the user says otherwise; the same ones read back what was written
FORMATS: dict[str, dict[str, str]] = {
    "parquet": {},
    "csv": {"header": "true"},
    "json": {},
    "orc": {},
    "avro": {},
    "delta": {},
    "iceberg": {},
}
VERSIONED = ("delta", "iceberg")
# formats whose jars are not Spark's own, each with the file in conf/spark that names them
_JARS = {"avro": "avro.conf", "delta": "delta.conf", "iceberg": "iceberg.conf"}


def _texts(given: object) -> object:
    """Spell values as Spark's options do, which are all text."""
    if not isinstance(given, dict):
        return given
    return {name: str(value).lower() if isinstance(value, int | float) else value for name, value in given.items()}


Texts = Annotated[dict[str, str], BeforeValidator(_texts)]


class Address(BaseModel):
    """A format with a path, or a table."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    role: ClassVar[str] = "data"  # what a sentence about it begins with

    format: str = "parquet"
    # an empty path would be the working folder
    path: str | None = Field(default=None, min_length=1)
    table: str | None = Field(default=None, min_length=1)
    options: Texts = {}

    @model_validator(mode="after")
    def _names_one_place(self) -> Self:
        if (self.path is None) == (self.table is None):
            raise ValueError("give exactly one of path and table")
        if self.format not in FORMATS:
            hint = nearest_name(self.format, list(FORMATS))
            raise ValueError(f"format={self.format!r} is not one of {', '.join(FORMATS)}{hint}")
        return self

    def __str__(self) -> str:
        return f"table {self.table}" if self.table else f"{self.format} {self.path}"

    @property
    def all_options(self) -> dict[str, str]:
        """The format's own options with the user's on top."""
        return {**FORMATS[self.format], **self.options}


def table_exists(spark: SparkSession, place: Address) -> bool:
    """Tell whether the table of a place is there."""
    try:
        return spark.catalog.tableExists(str(place.table))
    except EngineError as refused:
        raise SparkBalanceError(f"{place.role}: {place} cannot be looked up: {reason(refused)}") from refused


def check_engine_has(spark: SparkSession, place: Address) -> None:
    """Refuse a format that the engine lacks."""
    role = place.role
    on_sail = engine_name(spark) == "sail"
    if on_sail and (place.format == "orc" or (place.format, role) == ("avro", "output")):
        lacks = "no ORC" if place.format == "orc" else "no writer of Avro"
        raise SparkBalanceError(
            f"{role}: engine sail has {lacks}; use format parquet, or engine spark for '{place.path or place.table}'"
        )
    if place.format in _JARS and not on_sail and not _has_jars(spark, place.format):
        raise SparkBalanceError(
            f"{role}: this session has no jars for format {place.format}; start it with those that"
            f" conf/spark/{_JARS[place.format]} names: spark-submit --properties-file, or --conf"
        )


def _has_jars(spark: SparkSession, file_format: str) -> bool:
    """Tell whether the session knows a format: without its jars it says so of any path."""
    try:
        spark.read.format(file_format).schema("a int").load("file:///no/such/path").schema  # noqa: B018 - for the refusal
    except EngineError as refused:
        return not re.search("DATA_SOURCE_NOT_FOUND|ailed to find (the )?data source", str(refused))
    return True


def local_path(spark: SparkSession, path: str) -> Path | None:
    """Return the path on this machine, or None when another machine or an object store holds it."""
    if path.startswith("file:"):
        return Path(re.sub("^file:(//)?", "", path)).resolve()
    if re.match("[A-Za-z][A-Za-z0-9+.-]+:", path) or not is_local(spark):
        return None
    return Path(path).expanduser().resolve()


def engine_path(spark: SparkSession, path: str) -> str:
    """Return the path as every engine takes it."""
    local = local_path(spark, path)
    return url(local) if local else path


def reason(refused: Exception) -> str:
    """Return what of an engine's error is not its plan or its stack."""
    lines = str(refused).strip().split("\n")
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    return [lines[0], *causes][-1]


def full_name(spark: SparkSession, table: str) -> str:
    """Return ``catalog.database.table`` in lower case, so that two spellings compare equal."""
    parts = table.replace("`", "").lower().split(".")
    if len(parts) < 2:
        parts = [spark.catalog.currentDatabase().lower(), *parts]
    if len(parts) < 3:
        parts = [spark.catalog.currentCatalog().lower(), *parts]
    return ".".join(parts)


def url(path: Path) -> str:
    """Spell a local path so that no engine takes it for a path of its default file system."""
    return f"file://{path}"
