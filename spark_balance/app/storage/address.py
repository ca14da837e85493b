"""Where data lies: a format, and a path or a table; and the output of a job."""

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pyspark.sql import SparkSession
from typing_extensions import Self

from spark_balance.app.engines import ENGINE_ERRORS, reason
from spark_balance.app.storage.paths import PathText, engine_path, is_plain, local_path, machine_path
from spark_balance.base.parameters import Names
from spark_balance.errors import EngineError, OutputError, SparkBalanceError, nearest_name
from spark_balance.frames.engine import engine_name

# the default options of each format, for writing and for reading back
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
_DYNAMIC = "partitionoverwritemode"
# formats whose jars are not Spark's own, each with the file in conf/spark that names them
_JARS = {"avro": "avro.conf", "delta": "delta.conf", "iceberg": "iceberg-4.1.conf"}


def _texts(given: object) -> object:
    """Turn values into text, as Spark's options are."""
    if not isinstance(given, dict):
        return given
    return {name: str(value).lower() if isinstance(value, int | float) else value for name, value in given.items()}


Texts = Annotated[dict[str, str], BeforeValidator(_texts)]


class Address(BaseModel):
    """A format with a path, or a table.

    Parameters
    ----------
    format : {'parquet', 'csv', 'json', 'orc', 'avro', 'delta', 'iceberg'}
        Format of the data at the path.
    path : str, optional
        A file, a folder or a pattern; give either this or a table.
    table : str, optional
        A table of the catalog.
    options : dict of str, optional
        Options of Spark's reader or writer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    role: ClassVar[str] = "data"  # the first word of an error about it
    error: ClassVar[type[SparkBalanceError]] = SparkBalanceError

    format: str = "parquet"
    path: PathText | None = None
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


class Sink(Address):
    """The table ``[output]``: where a job writes, files (in an object store at a new path) or a catalog table.

    Parameters
    ----------
    format : str
        Format of the files, or of a table that is made.
    options : dict of str, optional
        Options of Spark's writer. With mode 'overwrite', ``partitionOverwriteMode = "dynamic"`` replaces only the
        partitions that are written.
    mode : {'error', 'overwrite', 'append'}
        What to do when the output exists.
    partition_by : tuple of str, optional
        Columns whose values become folders; a Delta or Iceberg table that exists keeps its own.
    one_file : bool
        Write one file at a path on this machine, by one task, instead of a folder of files.
    replace_where : str, optional
        Replace only the rows of a Delta or Iceberg table that this SQL condition holds for, as it does for each row
        written.
    properties : dict of str, optional
        Properties of a Delta or Iceberg table that is made.
    manifest : str, optional
        Where the manifest goes; default ``<path>.manifest.json``, or ``<table>.manifest.json`` in the working folder.
    """

    role: ClassVar[str] = "output"
    error: ClassVar[type[SparkBalanceError]] = OutputError

    mode: Literal["error", "overwrite", "append"] = "error"
    partition_by: Names = ()
    one_file: bool = False
    replace_where: str | None = Field(default=None, min_length=1)
    properties: Texts = Field(default_factory=dict)
    manifest: PathText | None = None

    @model_validator(mode="after")
    def _replaces_what_it_can(self) -> Self:
        if self.replace_where is not None and self.mode != "overwrite":
            raise ValueError(f"replace_where goes with mode 'overwrite', mode is '{self.mode}'")
        if self.one_file and (self.table or self.partition_by or self.mode == "append" or self.format in VERSIONED):
            raise ValueError("one_file is for a path without partitions that is not appended to; leave it out")
        for name in ("replace_where", "properties"):
            if self.path and getattr(self, name) and self.format not in VERSIONED:
                raise ValueError(f"{name} is for formats {' and '.join(VERSIONED)}, format is '{self.format}'")
        if self.path and self.format == "delta":
            for name in self.properties:
                if not name.startswith("delta."):
                    raise ValueError(f"properties has {name!r}; a Delta path takes those that begin with 'delta.'")
        return self

    def manifest_of(self, target: Path | None) -> Path:
        """Return where the manifest goes: the local `target` is that of a path, None that of a table."""
        if self.manifest:
            return machine_path(self.manifest)
        return (
            target.with_name(f"{target.name}.manifest.json") if target else machine_path(f"{self.table}.manifest.json")
        )

    @property
    def writer_options(self) -> dict[str, str]:
        """The options for the writer, without what is decided here."""
        return {name: value for name, value in self.all_options.items() if name.lower() != _DYNAMIC}

    def changed_meanwhile(self) -> OutputError:
        """Return the error for an output that is no longer what it was when the run began."""
        return OutputError(
            f"output: {self} was made or changed during the run, perhaps by another run; it was left as it is, run the"
            " job again"
        )

    def is_dynamic(self, spark: SparkSession) -> bool:
        """Say whether to replace only the partitions that are written."""
        given = {name.lower(): value for name, value in self.options.items()}
        wanted = given.get(_DYNAMIC) or spark.conf.get("spark.sql.sources.partitionOverwriteMode", "static")
        return self.mode == "overwrite" and bool(self.partition_by) and str(wanted).lower() == "dynamic"


def table_exists(spark: SparkSession, place: Address) -> bool:
    """Say whether the table of a place exists."""
    try:
        return spark.catalog.tableExists(str(place.table))
    except ENGINE_ERRORS as refused:
        raise place.error(f"{place.role}: {place} cannot be looked up: {reason(refused)}") from refused


def check_engine_has(spark: SparkSession, place: Address) -> None:
    """Refuse a format that the engine lacks."""
    role = place.role
    on_sail = engine_name(spark) == "sail"
    if on_sail and (place.format == "orc" or (place.format, role) == ("avro", "output")):
        lacks = "no ORC" if place.format == "orc" else "no writer of Avro"
        raise EngineError(
            f"{role}: engine sail has {lacks}; use format parquet, or engine spark for '{place.path or place.table}'"
        )
    local = local_path(spark, place.path) if place.path else None
    if on_sail and local and place.format in VERSIONED and not is_plain(local):
        raise EngineError(
            f"{role}: engine sail keeps {place} in a folder of another name, as '{local}' has characters that it"
            " escapes; use letters, digits, '-', '.' and '_', or engine spark"
        )
    if place.format in _JARS and not on_sail and not _has_jars(spark, place.format):
        raise EngineError(
            f"{role}: this session has no jars for format {place.format}; start it with those that"
            f" conf/spark/{_JARS[place.format]} names: spark-submit --properties-file, or --conf"
        )


def _has_jars(spark: SparkSession, file_format: str) -> bool:
    """Say whether the session knows a format: without its jars it refuses any path."""
    try:
        _ = spark.read.format(file_format).schema("a int").load(engine_path(spark, Path("/no/such/path"))).schema
    except ENGINE_ERRORS as refused:
        return not re.search("DATA_SOURCE_NOT_FOUND|ailed to find (the )?data source", str(refused))
    return True


def full_name(spark: SparkSession, table: str) -> str:
    """Return ``catalog.database.table`` in lower case, so that two spellings compare equal."""
    parts = table.replace("`", "").lower().split(".")
    if len(parts) < 2:
        parts = [spark.catalog.currentDatabase().lower(), *parts]
    if len(parts) < 3:
        parts = [spark.catalog.currentCatalog().lower(), *parts]
    return ".".join(parts)
