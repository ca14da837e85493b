"""Data that is written but not yet in its place: files, a plain table, or a new path elsewhere."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, Protocol

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from spark_balance.errors import SparkBalanceError
from spark_balance.session import engine_name
from spark_balance.storage import swap
from spark_balance.storage.address import local_path, table_exists
from spark_balance.storage.folder import committing
from spark_balance.storage.manifest import (
    found_manifest,
    put_manifest,
    put_remote_manifest,
    staged_manifest,
    telling,
    was_left,
)
from spark_balance.storage.scratch import ScratchFolder, ScratchTable, save_as_table
from spark_balance.storage.sink import Sink
from spark_balance.storage.source import names_of_files, state_of_files

NEW = "new"  # the state of an output that only one run ever writes
REPLACED = "__replaced_"  # what a table is called while a new one takes its name


class Staged(Protocol):
    """The way of one run into its output."""

    def finished(self) -> dict[str, Any] | None:
        """Return what this same run said of itself when its output is there already, as it left it."""

    def write(self, frame: DataFrame) -> None:
        """Write the frame to the staging place."""

    def frame(self) -> DataFrame:
        """Read back what was staged."""

    def commit(self, manifest: dict[str, Any]) -> str:
        """Move the data into its place, lay the manifest beside it and return where that is."""

    def discard(self) -> None:
        """Remove whatever was not committed."""


def changed_meanwhile(place: object) -> SparkBalanceError:
    """Return the sentence for an output that is no longer what it was when the run began."""
    return SparkBalanceError(
        f"output: {place} came to exist or was changed while the job ran, by another run perhaps; it was left as it"
        " is, run the job again"
    )


class StagedFiles:
    """Files in a hidden folder beside a local target; on the same disk, so that moving is renaming."""

    def __init__(self, spark: SparkSession, sink: Sink, run: str) -> None:
        target = local_path(spark, str(sink.path))
        assert target is not None
        self._target, self._run = target, run
        self._mode = "partitions" if sink.is_dynamic(spark) else sink.mode
        self._scratch = ScratchFolder(spark, target, sink.format, sink.writer_options, sink.partition_by)
        self._manifest = sink.manifest_of(target)
        self._before = self._state()

    def finished(self) -> dict[str, Any] | None:
        """Return the manifest of this run when the files are those that it left, or when its files were added."""
        manifest = found_manifest(self._manifest)
        if was_left(manifest, self._run, self._before):
            return manifest
        # others may have added theirs since, with their own manifest
        added = self._mode == "append" and any(file.name.startswith(f"{self._run}-") for file in self._files())
        return {"run": {"id": self._run}} if added else None

    def write(self, frame: DataFrame) -> None:
        """Write the frame to the staging folder."""
        self._scratch.write(frame)

    def frame(self) -> DataFrame:
        """Read back what was staged."""
        return self._scratch.frame()

    def commit(self, manifest: dict[str, Any]) -> str:
        """Rename the staged files into their place, unless the target is not what it was when the run began."""
        folder = self._scratch.folder
        with committing(self._target):
            if self._state() != self._before:
                raise changed_meanwhile(self._target)
            moves = self._moves()
            left = swap.outcome(self._target, moves)
            after = state_of_files((str(file.relative_to(self._target)), now) for file, now in left.items())
            told = telling(manifest, self._run, after)
            with staged_manifest(self._manifest, told, folder.run) as text:
                swap.move_all(moves, folder.replaced, (text, self._manifest))
        return str(self._manifest)

    def discard(self) -> None:
        """Remove the staging folder."""
        self._scratch.remove()

    def _files(self) -> list[Path]:
        return [self._target] if self._target.is_file() else swap.data_files(self._target)

    def _state(self) -> str | None:
        if not self._target.exists():
            return None
        return state_of_files((str(file.relative_to(self._target)), file) for file in self._files())

    def _moves(self) -> list[swap.Move]:
        staging = self._scratch.folder.data
        if self._mode == "append":
            # named in the staging folder first, so that a new target still appears in one rename
            named = swap.added(staging, staging if self._before is None else self._target, self._run)
            if self._before is not None:
                return named
            for old, new in named:
                old.rename(new)
        if self._mode == "partitions" and self._before is not None:
            return swap.partitions(staging, self._target)
        return swap.whole(staging, self._target)


class StagedTable:
    """A table of its own beside a plain table of the catalog, which has no versions; two renames replace it."""

    def __init__(self, spark: SparkSession, sink: Sink, run: str) -> None:
        assert sink.table is not None
        self._spark, self._table, self._sink, self._run = spark, sink.table, sink, run
        self._format = sink.format if "format" in sink.model_fields_set else None
        self._scratch = ScratchTable(spark, sink.table, self._format, sink.partition_by)
        self._manifest = sink.manifest_of(None)
        self._before = self._state()

    def finished(self) -> dict[str, Any] | None:
        """Return the manifest of this run when the table has the files that it left."""
        manifest = found_manifest(self._manifest)
        return manifest if was_left(manifest, self._run, self._before) else None

    def write(self, frame: DataFrame) -> None:
        """Write the frame to the staging table."""
        self._scratch.write(frame)

    def frame(self) -> DataFrame:
        """Read back what was staged."""
        return self._scratch.frame()

    def commit(self, manifest: dict[str, Any]) -> str:
        """Give the staged table the target's name, or its rows to the target."""
        if self._state() != self._before:
            raise changed_meanwhile(self._sink)
        # Sail cannot rename a table
        if self._sink.mode == "append" or engine_name(self._spark) == "sail":
            save_as_table(self.frame(), self._table, self._sink.mode, self._format, self._sink.partition_by)
        else:
            self._rename_over()
        return put_manifest(self._manifest, telling(manifest, self._run, self._state()))

    def discard(self) -> None:
        """Drop the staging table."""
        self._scratch.remove()

    def _state(self) -> str | None:
        if not table_exists(self._spark, self._sink):
            return None
        return names_of_files(self._spark.table(self._table))

    def _rename_over(self) -> None:
        replaced = f"{self._table}{REPLACED}{uuid.uuid4().hex[:8]}"
        replaces = self._sink.mode == "overwrite" and table_exists(self._spark, self._sink)
        if replaces:
            self._rename(self._table, replaced)
        try:
            self._rename(self._scratch.name, self._table)
        except BaseException:
            if replaces:
                self._rename(replaced, self._table)
            raise
        if replaces:
            self._spark.sql(f"DROP TABLE {replaced}")

    def _rename(self, old: str, new: str) -> None:
        self._spark.sql(f"ALTER TABLE {old} RENAME TO {new}")


class StraightWrite:
    """A new path in an object store, where renaming is copying: written in place, mode "error" guards it."""

    def __init__(self, spark: SparkSession, sink: Sink, run: str) -> None:
        self._spark, self._sink, self._run = spark, sink, run
        self._path = str(sink.path).rstrip("/")
        self._manifest = sink.remote_manifest
        self._schema = T.StructType()

    def finished(self) -> dict[str, Any] | None:
        """Return the manifest of this run, which is written when all else is."""
        manifest = found_manifest(self._manifest, self._spark)
        return manifest if was_left(manifest, self._run, NEW) else None

    def write(self, frame: DataFrame) -> None:
        """Write the frame to its place, which must be new."""
        self._schema = frame.schema
        writer = frame.write.format(self._sink.format).mode("error").options(**self._sink.writer_options)
        writer.partitionBy(*self._sink.partition_by).save(self._path)

    def frame(self) -> DataFrame:
        """Read back what was written."""
        reader = self._spark.read.format(self._sink.format).schema(self._schema)
        return reader.options(**self._sink.writer_options).load(self._path)

    def commit(self, manifest: dict[str, Any]) -> str:
        """Write the manifest beside the data, as a folder with one JSON file."""
        return put_remote_manifest(self._spark, self._manifest, telling(manifest, self._run, NEW))

    def discard(self) -> None:
        """Leave what is there: the path was new, and deleting a remote path on failure could hit another's data."""


def partition_names(folder: Path) -> tuple[str, ...]:
    """Return the columns that a folder of files is partitioned by, from the names of its folders."""
    for child in sorted(folder.iterdir()) if folder.is_dir() else ():
        if child.is_dir() and "=" in child.name:
            return (child.name.split("=")[0], *partition_names(child))
    return ()
