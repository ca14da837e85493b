"""The way of a run into its output: staged and verified, then moved or committed."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from spark_balance.app.storage import local_files
from spark_balance.app.storage.address import Sink, table_exists
from spark_balance.app.storage.committed import StagedCommit
from spark_balance.app.storage.manifest import ManifestFile, as_json, telling
from spark_balance.app.storage.paths import local_path
from spark_balance.app.storage.scratch import Files, ScratchFolder, ScratchTable, save_as_table, scratch_beside
from spark_balance.app.storage.source import names_of_files, state_of_files
from spark_balance.app.storage.versions import versioned
from spark_balance.errors import OutputError
from spark_balance.frames.engine import engine_name

NEW = "new"  # the state of an output that only one run ever writes
REPLACED = "__replaced_"  # in the name of a table while a new one takes its place


class StagedFiles:
    """Files in a hidden folder beside a local target; on the same disk, so that moving is renaming."""

    def __init__(self, spark: SparkSession, sink: Sink, run: str) -> None:
        target = local_path(spark, str(sink.path))
        assert target is not None
        self._target, self._sink, self._run = target, sink, run
        self._mode = "partitions" if sink.is_dynamic(spark) else sink.mode
        self.scratch = ScratchFolder(spark, target, sink.format, sink.writer_options, sink.partition_by, sink.one_file)
        self._manifest = ManifestFile(spark, sink, target)
        self._before = self._state()

    def finished(self) -> dict[str, Any] | None:
        """Return the manifest of this run when the files are those that it left, or when its files were added."""
        if manifest := self._manifest.left_by(self._run, self._before):
            return manifest
        # others may have added theirs since, with their own manifest
        added = self._mode == "append" and any(
            file.name.startswith(f"{self._run}-") for file in local_files.data_files(self._target)
        )
        return {"run": {"id": self._run}} if added else None

    def commit(self, manifest: dict[str, Any]) -> str:
        """Rename the staged files into their place, unless the target changed since the run began."""
        folder = self.scratch.folder
        with local_files.commit_alone(self._target):
            if self._state() != self._before:
                raise self._sink.changed_meanwhile()
            moves = self._moves(folder.data)
            left = local_files.files_after(self._target, moves)
            after = state_of_files((str(file.relative_to(self._target)), now) for file, now in left.items())
            text = as_json(telling(manifest, self._run, after))
            with local_files.staged_text(self._manifest.path, text, folder.run) as staged:
                local_files.move_all(moves, folder.replaced, (staged, self._manifest.path))
        return str(self._manifest.path)

    def _state(self) -> str | None:
        if not self._target.exists():
            return None
        return state_of_files(
            (str(file.relative_to(self._target)), file) for file in local_files.data_files(self._target)
        )

    def _moves(self, staging: Path) -> list[local_files.Move]:
        is_new = self._before is None
        if self._mode == "append":
            # named in the staging folder first, so that a new target still appears in one rename
            named = local_files.added_moves(staging, staging if is_new else self._target, self._run)
            if not is_new:
                return named
            for old, new in named:
                old.rename(new)
        if self._mode == "partitions" and not is_new:
            return local_files.partition_moves(staging, self._target)
        files = local_files.data_files(staging) if self._sink.one_file else []
        if len(files) == 1:
            return [(files[0], self._target)]
        return [(staging, self._target)]


class StagedTable:
    """A table of its own beside a plain table of the catalog, which has no versions; two renames replace it."""

    def __init__(self, spark: SparkSession, sink: Sink, run: str) -> None:
        assert sink.table is not None
        self._spark, self._table, self._sink, self._run = spark, sink.table, sink, run
        self._format = sink.format if "format" in sink.model_fields_set else None
        self.scratch = ScratchTable(spark, sink.table, self._format, sink.partition_by)
        self._manifest = ManifestFile(spark, sink, None)
        self._before = self._state()

    def finished(self) -> dict[str, Any] | None:
        """Return the manifest of this run when the table has the files that it left."""
        return self._manifest.left_by(self._run, self._before)

    def commit(self, manifest: dict[str, Any]) -> str:
        """Give the staged table the target's name, or its rows to the target."""
        if self._state() != self._before:
            raise self._sink.changed_meanwhile()
        # Sail cannot rename a table
        if self._sink.mode == "append" or engine_name(self._spark) == "sail":
            save_as_table(self.scratch.frame(), self._table, self._sink.mode, self._format, self._sink.partition_by)
        else:
            self._rename_over()
        return self._manifest.put(telling(manifest, self._run, self._state()))

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
            self._rename(self.scratch.name, self._table)
        except BaseException:
            if replaces:
                self._rename(replaced, self._table)
            raise
        if replaces:
            self._spark.sql(f"DROP TABLE {replaced}")

    def _rename(self, old: str, new: str) -> None:
        self._spark.sql(f"ALTER TABLE {old} RENAME TO {new}")


class StraightWrite:
    """A new path in an object store, where renaming is copying: written in place, guarded by mode "error"."""

    def __init__(self, spark: SparkSession, sink: Sink, run: str) -> None:
        self._run, self._manifest = run, ManifestFile(spark, sink, None)
        path = str(sink.path).rstrip("/")
        self.scratch = Files(spark, path, sink.format, sink.writer_options, sink.partition_by, is_output=True)

    def finished(self) -> dict[str, Any] | None:
        """Return the manifest of this run, which is written when all else is."""
        return self._manifest.left_by(self._run, NEW)

    def commit(self, manifest: dict[str, Any]) -> str:
        """Write the manifest beside the data, as a folder with one JSON file."""
        return self._manifest.put(telling(manifest, self._run, NEW))


# The way of one run into its output: `scratch` holds the rows, `finished()` returns the manifest of the same run if its
# output is there already, `commit(manifest)` moves the rows into their place and returns the place of the manifest.
Staged = StagedCommit | StagedFiles | StagedTable | StraightWrite


def recover(spark: SparkSession, sink: Sink) -> None:
    """Clear what a killed run left beside a local output, and bring back what it had moved away."""
    target = local_path(spark, sink.path) if sink.path else None
    if target is not None and target.name:
        local_files.clear_leftovers(target, sink.manifest_of(target))


def staging_place(spark: SparkSession, sink: Sink, run: str) -> Staged:
    """Return the way of a run into its output, and note the output's state; nothing is written.

    The id of the run is the same when the same run is started again.
    """
    if versioned(spark, sink):
        return StagedCommit(spark, sink, run)
    if sink.table:
        return StagedTable(spark, sink, run)
    if local_path(spark, str(sink.path)) is None:
        return StraightWrite(spark, sink, run)
    return StagedFiles(spark, sink, run)


@contextmanager
def keep_extract(spark: SparkSession, sink: Sink, *, wanted: bool) -> Iterator[Callable[[DataFrame], DataFrame] | None]:
    """Yield what writes rows beside the output and reads them back, if wanted; they are removed in the end."""
    if not wanted:
        yield None
        return
    scratch = scratch_beside(spark, sink)

    def keep(rows: DataFrame) -> DataFrame:
        scratch.write(rows)
        return scratch.frame()

    try:
        yield keep
    finally:
        scratch.remove()


@contextmanager
def stage(frame: DataFrame, place: Staged) -> Iterator[Staged]:
    """Write the frame to a staging place; nothing else is touched before ``commit``.

    Without a commit, after an exception too, the staging place is removed.
    """
    if frame.isStreaming:
        raise OutputError("output: a streaming frame cannot be staged; write each batch, as in foreachBatch")
    try:
        place.scratch.write(frame)
        yield place
    except BaseException:
        with suppress(Exception):  # a full disk has no room to drop a branch either, which must not hide what failed
            place.scratch.remove()
        raise
    place.scratch.remove()
