"""The output of a job: where, how, and what to do with what is there."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator
from pyspark.sql import SparkSession

from spark_balance.samplers.parameters import Names
from spark_balance.storage.address import VERSIONED, Address, Texts

_DYNAMIC = "partitionoverwritemode"


class Sink(Address):
    """The place a job writes to.

    Attributes
    ----------
    path, table : str
        One of the two: files (a local path, or a new one in an object store) or a catalog table.
    format : {"parquet", "csv", "json", "orc", "avro", "delta", "iceberg"}
        Format of what lies at `path`, or of a table that is made.
    mode : {"error", "overwrite", "append"}
        What to do when the output exists.
    partition_by : list of str
        Columns whose values become folders; a Delta or Iceberg table that exists keeps its own.
    replace_where : str, optional
        With mode "overwrite": replace only the rows of a Delta or Iceberg table that this SQL condition holds for,
        ``"day = '2026-01-31'"``. Every row that is written must fulfil it.
    properties : dict of str to str
        Table properties of a Delta or Iceberg table that is made.
    options : dict of str to str
        Spark's writer options. ``partitionOverwriteMode="dynamic"`` with mode "overwrite" replaces only the
        partitions that are written.
    manifest : str, optional
        Where the manifest goes; beside the data, ``<path>.manifest.json``, when not given. A table's goes to
        ``<table>.manifest.json`` in the working folder.
    """

    role: ClassVar[str] = "output"

    mode: Literal["error", "overwrite", "append"] = "error"
    partition_by: Names = ()
    replace_where: str | None = Field(default=None, min_length=1)
    properties: Texts = Field(default_factory=dict)
    manifest: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _replaces_what_it_can(self) -> Self:
        if self.replace_where is not None and self.mode != "overwrite":
            raise ValueError(f"replace_where goes with mode 'overwrite', mode is '{self.mode}'")
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
            return Path(self.manifest).expanduser().absolute()
        return target.with_name(f"{target.name}.manifest.json") if target else Path(f"{self.table}.manifest.json")

    @property
    def remote_manifest(self) -> str:
        """Where the manifest of a path goes that only the engine reaches."""
        return self.manifest or f"{str(self.path).rstrip('/')}.manifest.json"

    @property
    def writer_options(self) -> dict[str, str]:
        """The options for the writer, without what is decided here."""
        return {name: value for name, value in self.all_options.items() if name.lower() != _DYNAMIC}

    def is_dynamic(self, spark: SparkSession) -> bool:
        """Tell whether only the partitions that are written shall be replaced."""
        given = {name.lower(): value for name, value in self.options.items()}
        wanted = given.get(_DYNAMIC) or spark.conf.get("spark.sql.sources.partitionOverwriteMode", "static")
        return self.mode == "overwrite" and bool(self.partition_by) and str(wanted).lower() == "dynamic"
