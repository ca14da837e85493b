"""Where rows lie between their making and their commit: a folder, a table, or a path elsewhere."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import pyarrow.parquet
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from spark_balance.storage import swap
from spark_balance.storage.address import url
from spark_balance.storage.folder import StagingFolder


class Scratch(Protocol):
    """Rows of a run that nobody else sees."""

    def write(self, frame: DataFrame) -> None:
        """Write the frame."""

    def frame(self) -> DataFrame:
        """Read back what was written."""

    def remove(self) -> None:
        """Remove what was written."""


class ScratchFolder:
    """A hidden folder beside a local target, on the same disk; the next run clears it when this one is killed."""

    def __init__(
        self,
        spark: SparkSession,
        target: Path,
        file_format: str = "parquet",
        options: Mapping[str, str] | None = None,
        partition_by: tuple[str, ...] = (),
    ) -> None:
        self._spark, self._format, self._options, self._partition_by = spark, file_format, options or {}, partition_by
        self.folder = StagingFolder(target)
        self._schema = T.StructType()

    def write(self, frame: DataFrame) -> None:
        """Write the frame to the folder."""
        self._schema = frame.schema
        self.folder.make()
        writer = frame.write.format(self._format).mode("error").options(**self._options)
        writer.partitionBy(*self._partition_by).save(url(self.folder.data))
        self._keep_schema(frame)

    def frame(self) -> DataFrame:
        """Read back what was written."""
        reader = self._spark.read.format(self._format).schema(self._schema).options(**self._options)
        return reader.load(url(self.folder.data))

    def remove(self) -> None:
        """Remove the folder."""
        self.folder.remove()

    def _keep_schema(self, frame: DataFrame) -> None:
        # Sail writes nothing at all for a frame without rows, which nobody could read back
        if swap.data_files(self.folder.data):
            return
        self.folder.data.mkdir(exist_ok=True)
        if self._format == "parquet" and not self._partition_by:
            pyarrow.parquet.write_table(frame.limit(0).toArrow(), self.folder.data / "part-00000.parquet")


class ScratchTable:
    """A table beside the target table; a killed run leaves it, to be dropped."""

    def __init__(
        self, spark: SparkSession, table: str, file_format: str | None, partition_by: tuple[str, ...] = ()
    ) -> None:
        self._spark, self._format, self._partition_by = spark, file_format, partition_by
        self.name = f"{table}__staging_{uuid.uuid4().hex[:8]}"

    def write(self, frame: DataFrame) -> None:
        """Write the frame to the table."""
        save_as_table(frame, self.name, "error", self._format, self._partition_by)

    def frame(self) -> DataFrame:
        """Read back what was written."""
        return self._spark.table(self.name)

    def remove(self) -> None:
        """Drop the table."""
        self._spark.sql(f"DROP TABLE IF EXISTS {self.name}")


class ScratchPath:
    """Parquet beside a target in an object store, from where nothing can be deleted but by writing over it."""

    def __init__(self, spark: SparkSession, target: str) -> None:
        self._spark, self._path = spark, f"{target.rstrip('/')}.staging-{uuid.uuid4().hex[:8]}"
        self._schema: T.StructType | None = None

    def write(self, frame: DataFrame) -> None:
        """Write the frame to the path."""
        self._schema = frame.schema
        frame.write.mode("error").parquet(self._path)

    def frame(self) -> DataFrame:
        """Read back what was written."""
        assert self._schema is not None
        return self._spark.read.schema(self._schema).parquet(self._path)

    def remove(self) -> None:
        """Leave files without rows in the place of those that were written."""
        if self._schema is not None:
            empty(self._spark, self._path, self._schema)


def empty(spark: SparkSession, path: str, schema: T.StructType) -> None:
    """Write over what lies in an object store, where nothing can be deleted: a file without rows."""
    spark.createDataFrame([], schema).coalesce(1).write.mode("overwrite").parquet(path)


def save_as_table(
    frame: DataFrame,
    table: str,
    mode: str,
    file_format: str | None,
    partition_by: tuple[str, ...] = (),
    options: Mapping[str, str] | None = None,
) -> None:
    """Write a frame to a table of the catalog, made in this format, or in the catalog's own."""
    writer = frame.write.mode(mode).options(**(options or {}))
    if file_format:
        writer = writer.format(file_format)
    if partition_by:
        writer = writer.partitionBy(*partition_by)
    writer.saveAsTable(table)
