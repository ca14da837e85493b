"""Data that is written but not yet in its place: files, a table, or a new path elsewhere."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pyarrow.parquet
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from spark_balance.errors import SparkBalanceError
from spark_balance.session import engine_name
from spark_balance.storage import swap
from spark_balance.storage.address import url
from spark_balance.storage.folder import StagingFolder, staged_text

REPLACED = "__replaced_"  # what a table is called while a new one takes its name


class Staged(Protocol):
    """What `stage` yields."""

    def write(self, frame: DataFrame) -> None:
        """Write the frame to the staging place."""

    def frame(self) -> DataFrame:
        """Read back what was staged."""

    def commit(self, manifest: dict[str, Any]) -> str:
        """Move the data into its place, lay the manifest beside it and return where that is."""

    def discard(self) -> None:
        """Remove whatever was not committed."""


class StagedFiles:
    """Files in a hidden folder beside a local target; on the same disk, so that moving is renaming."""

    def __init__(
        self,
        spark: SparkSession,
        target: Path,
        file_format: str,
        options: dict[str, str],
        partition_by: tuple[str, ...],
        mode: str,
        manifest: Path,
    ) -> None:
        self._spark, self._target, self._format = spark, target, file_format
        self._options, self._partition_by, self._mode, self._manifest = options, partition_by, mode, manifest
        self._folder = StagingFolder(target)
        self._staging = self._folder.data
        self._schema = T.StructType()

    def write(self, frame: DataFrame) -> None:
        """Write the frame to the staging folder."""
        self._schema = frame.schema
        self._folder.make()
        writer = frame.write.format(self._format).mode("error").options(**self._options)
        writer.partitionBy(*self._partition_by).save(url(self._staging))
        self._keep_schema(frame)

    def frame(self) -> DataFrame:
        """Read back what was staged."""
        reader = self._spark.read.format(self._format).schema(self._schema).options(**self._options)
        return reader.load(url(self._staging))

    def commit(self, manifest: dict[str, Any]) -> str:
        """Rename the staged files into their place."""
        if self._mode == "error" and self._target.exists():
            raise SparkBalanceError(f"output: {self._target} came to exist while the job ran; it was left as it is")
        with _written(self._manifest, manifest, self._folder.run) as text:
            swap.move_all(self._moves(), self._folder.replaced, (text, self._manifest))
        return str(self._manifest)

    def discard(self) -> None:
        """Remove the staging folder."""
        self._folder.remove()

    def _moves(self) -> list[swap.Move]:
        if not self._target.exists():
            return swap.whole(self._staging, self._target)
        plans: dict[str, Callable[[], list[swap.Move]]] = {
            "overwrite": lambda: swap.whole(self._staging, self._target),
            "partitions": lambda: swap.partitions(self._staging, self._target),
            "append": lambda: swap.added(self._staging, self._target, self._folder.run),
        }
        return plans[self._mode]()

    def _keep_schema(self, frame: DataFrame) -> None:
        # Sail writes nothing at all for a frame without rows, which nobody could read back
        if swap.data_files(self._staging):
            return
        self._staging.mkdir(exist_ok=True)
        if self._format == "parquet" and not self._partition_by:
            pyarrow.parquet.write_table(frame.limit(0).toArrow(), self._staging / "part-00000.parquet")


class StagedTable:
    """A table of its own beside the target table."""

    def __init__(
        self, spark: SparkSession, table: str, mode: str, partition_by: tuple[str, ...], manifest: Path
    ) -> None:
        self._spark, self._table, self._mode = spark, table, mode
        self._partition_by, self._manifest = partition_by, manifest
        self._run = uuid.uuid4().hex[:8]
        self._staging, self._replaced = f"{table}__staging_{self._run}", f"{table}{REPLACED}{self._run}"

    def write(self, frame: DataFrame) -> None:
        """Write the frame to the staging table."""
        self._save(frame, self._staging, "error")

    def frame(self) -> DataFrame:
        """Read back what was staged."""
        return self._spark.table(self._staging)

    def commit(self, manifest: dict[str, Any]) -> str:
        """Give the staged table the target's name, or its rows to the target."""
        with _written(self._manifest, manifest, self._run) as text:
            # Sail cannot rename a table
            if self._mode == "append" or engine_name(self._spark) == "sail":
                self._save(self.frame(), self._table, self._mode)
            else:
                self._rename_over()
            text.replace(self._manifest)
        return str(self._manifest)

    def discard(self) -> None:
        """Drop the staging table."""
        self._spark.sql(f"DROP TABLE IF EXISTS {self._staging}")

    def _save(self, frame: DataFrame, table: str, mode: str) -> None:
        writer = frame.write.mode(mode)
        if self._partition_by:
            writer = writer.partitionBy(*self._partition_by)
        writer.saveAsTable(table)

    def _rename_over(self) -> None:
        replaces = self._mode == "overwrite" and self._spark.catalog.tableExists(self._table)
        if replaces:
            self._rename(self._table, self._replaced)
        try:
            self._rename(self._staging, self._table)
        except BaseException:
            if replaces:
                self._rename(self._replaced, self._table)
            raise
        if replaces:
            self._spark.sql(f"DROP TABLE {self._replaced}")

    def _rename(self, old: str, new: str) -> None:
        self._spark.sql(f"ALTER TABLE {old} RENAME TO {new}")


class StraightWrite:
    """A new path in an object store, where renaming is copying: written in place, mode "error" guards it."""

    def __init__(
        self,
        spark: SparkSession,
        path: str,
        file_format: str,
        options: dict[str, str],
        partition_by: tuple[str, ...],
        manifest: str | None,
    ) -> None:
        self._spark, self._path, self._format = spark, path.rstrip("/"), file_format
        self._options, self._partition_by = options, partition_by
        self._manifest = manifest or f"{self._path}.manifest.json"
        self._schema = T.StructType()

    def write(self, frame: DataFrame) -> None:
        """Write the frame to its place, which must be new."""
        self._schema = frame.schema
        writer = frame.write.format(self._format).mode("error").options(**self._options)
        writer.partitionBy(*self._partition_by).save(self._path)

    def frame(self) -> DataFrame:
        """Read back what was written."""
        reader = self._spark.read.format(self._format).schema(self._schema).options(**self._options)
        return reader.load(self._path)

    def commit(self, manifest: dict[str, Any]) -> str:
        """Write the manifest beside the data, as a folder with one JSON file."""
        rows = self._spark.createDataFrame([(_as_json(manifest),)], "value string")
        rows.coalesce(1).write.mode("overwrite").text(self._manifest)
        return self._manifest

    def discard(self) -> None:
        """Leave what is there: the path was new, and deleting a remote path on failure could hit another's data."""


def partition_names(folder: Path) -> tuple[str, ...]:
    """Return the columns that a folder of files is partitioned by, from the names of its folders."""
    for child in sorted(folder.iterdir()) if folder.is_dir() else ():
        if child.is_dir() and "=" in child.name:
            return (child.name.split("=")[0], *partition_names(child))
    return ()


@contextmanager
def _written(manifest: Path, content: dict[str, Any], run: str) -> Iterator[Path]:
    """Write the manifest beside its place, for the commit to move there; gone when that fails."""
    manifest.parent.mkdir(parents=True, exist_ok=True)
    text = staged_text(manifest, run)
    text.write_text(_as_json(content))
    try:
        yield text
    finally:
        swap.remove(text)


def _as_json(manifest: dict[str, Any]) -> str:
    return json.dumps(manifest, indent=2, default=str) + "\n"
