"""Delta and Iceberg tables: rows are staged and verified, and one commit of the format's own brings them in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_balance.errors import SparkBalanceError
from spark_balance.session import engine_name
from spark_balance.storage.address import EngineError, engine_path, local_path, table_exists
from spark_balance.storage.manifest import (
    found_manifest,
    put_manifest,
    put_remote_manifest,
    telling,
    was_left,
)
from spark_balance.storage.scratch import Scratch, ScratchFolder, ScratchPath, ScratchTable, save_as_table
from spark_balance.storage.sink import Sink
from spark_balance.storage.staged import changed_meanwhile
from spark_balance.storage.versions import Version, format_of, versioned, versions_of

_LOOKED_AT = 1000  # commits among which a run looks for its own
_LONGEST = 50_000  # Iceberg writes what its snapshots say anew with each commit


class StagedCommit:
    """Rows beside a Delta or Iceberg table, until one atomic commit writes them into it.

    The counts are verified on the staged rows, so that no reader ever sees wrong ones. That costs a second write, of
    rows that are already computed, some two thirds of the first (docs/tables.md); to count the frame before one write
    would compute it twice, searches too.
    """

    def __init__(self, spark: SparkSession, sink: Sink, run: str) -> None:
        known = versioned(spark, sink)
        assert known is not None
        self._spark, self._sink, self._run, self._known = spark, sink, run, known
        self._format = format_of(spark, sink)
        # Sail puts nothing of ours into Iceberg's snapshots
        self._is_mute = self._format == "iceberg" and engine_name(spark) == "sail"
        self._target = local_path(spark, sink.path) if sink.path else None
        self._scratch = self._scratch_place()
        self._found = self._versions()
        self._before = self._found[0].id if self._found else None
        # a table of Iceberg's is there before its first version
        self._is_new = not self._found and not (sink.table and table_exists(spark, sink))

    def finished(self) -> dict[str, Any] | None:
        """Return what the run said of itself in its commit, when its rows are still there."""
        there = self._found_manifest()
        if was_left(there, self._run, self._before):
            return there
        own = self._own(self._found)
        if own is None:
            return None
        if there.get("run", {}).get("id") == self._run:
            return there
        # killed after its commit, a run left no manifest
        self._put_manifest(own.said)
        return own.said

    def write(self, frame: DataFrame) -> None:
        """Write the frame to the staging place."""
        self._scratch.write(frame)

    def frame(self) -> DataFrame:
        """Read back what was staged."""
        return self._scratch.frame()

    def commit(self, manifest: dict[str, Any]) -> str:
        """Write the staged rows into the table, unless it is not what it was when the run began."""
        self._check_rows()
        if self._latest() != self._before:
            raise changed_meanwhile(self._sink)
        newest = self._found[0] if self._found else None
        guards = self._known.guarding(newest, self._sink.mode == "overwrite")
        options = {**self._sink.writer_options, **self._saying(telling(manifest, self._run, None)), **guards}
        with self._alone():
            self._save(self.frame(), options)
        return self._tell(manifest)

    def discard(self) -> None:
        """Remove the staging place."""
        self._scratch.remove()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Say it in a sentence when the format refuses a commit because another came first."""
        try:
            yield
        except EngineError as refused:
            if self._latest() == self._before:
                raise
            raise changed_meanwhile(self._sink) from refused

    def _saying(self, told: dict[str, Any]) -> dict[str, str]:
        """Return the writer's options for what the commit says: the manifest, or the run alone when that is long."""
        text = json.dumps(told, default=str)
        return self._known.saying(text if len(text) <= _LONGEST else json.dumps({"run": told["run"]}))

    def _tell(self, manifest: dict[str, Any]) -> str:
        """Write the manifest of a commit that is this run's, and return where it is."""
        since = takewhile(lambda version: version.id != self._before, self._versions())
        own = [version for version in since if self._is_mute or version.said.get("run", {}).get("id") == self._run]
        if not own:
            raise changed_meanwhile(self._sink)
        return self._put_manifest(telling(manifest, self._run, own[0].id))

    def _scratch_place(self) -> Scratch:
        if self._sink.table:
            return ScratchTable(self._spark, self._sink.table, self._format)
        if self._target is not None:
            return ScratchFolder(self._spark, self._target)
        return ScratchPath(self._spark, str(self._sink.path))

    def _versions(self) -> list[Version]:
        return versions_of(self._spark, self._sink, most=_LOOKED_AT)

    def _latest(self) -> str | None:
        newest = versions_of(self._spark, self._sink, most=1)
        return newest[0].id if newest else None

    def _own(self, versions: list[Version]) -> Version | None:
        """Return the commit of this run, unless later ones took its rows away."""
        for version in versions:
            if version.said.get("run", {}).get("id") == self._run:
                return version
            if not (version.is_upkeep or (self._sink.mode == "append" and version.only_adds)):
                return None
        return None

    def _check_rows(self) -> None:
        """Refuse rows outside of what they replace: they would stay when it is replaced again."""
        where = self._sink.replace_where
        if where is None:
            return
        outside = self.frame().where(~F.coalesce(F.expr(where), F.lit(False))).count()
        if outside:
            raise SparkBalanceError(
                f"output: replace_where={where!r} does not hold for {outside:,} of the rows to write;"
                " read and write the same part, with where in [input]"
            )

    def _save(self, frame: DataFrame, options: dict[str, str]) -> None:
        sink = self._sink
        if sink.path:
            self._save_path(frame, options)
        elif engine_name(self._spark) == "sail":
            save_as_table(frame, str(sink.table), sink.mode, self._format, sink.partition_by, options)
        elif self._is_new:
            self._create_table(frame, options)
        else:
            self._save_table(frame, options, str(sink.table))

    def _save_path(self, frame: DataFrame, options: dict[str, str]) -> None:
        sink = self._sink
        writer = frame.write.format(sink.format).mode("error" if self._is_new else sink.mode)
        if self._is_new:
            writer = writer.options(**sink.properties).partitionBy(*sink.partition_by)
        if sink.replace_where is not None:
            writer = writer.option("replaceWhere", sink.replace_where)
        if sink.is_dynamic(self._spark):
            writer = writer.option("partitionOverwriteMode", "dynamic")
        writer.options(**options).save(engine_path(self._spark, str(sink.path)))

    def _create_table(self, frame: DataFrame, options: dict[str, str]) -> None:
        writer = frame.writeTo(str(self._sink.table)).using(self._format).options(**options)
        if self._sink.partition_by:
            writer = writer.partitionedBy(*[F.col(name) for name in self._sink.partition_by])
        for name, value in self._sink.properties.items():
            writer = writer.tableProperty(name, value)
        if self._format == "delta":
            writer.createOrReplace()  # Delta forgets what a create says of itself, not what a replace says
        else:
            writer.create()

    def _save_table(self, frame: DataFrame, options: dict[str, str], table: str) -> None:
        writer = frame.writeTo(table).options(**options)
        if self._sink.mode == "append":
            writer.append()
        elif self._sink.is_dynamic(self._spark):
            writer.overwritePartitions()
        else:
            where = self._sink.replace_where
            writer.overwrite(F.lit(True) if where is None else F.expr(where))

    def _remote_manifest(self) -> str | None:
        """Return where the manifest lies when only the engine reaches it."""
        return self._sink.remote_manifest if self._sink.path and self._target is None else None

    def _found_manifest(self) -> dict[str, Any]:
        remote = self._remote_manifest()
        return found_manifest(remote, self._spark) if remote else found_manifest(self._sink.manifest_of(self._target))

    def _put_manifest(self, manifest: dict[str, Any]) -> str:
        remote = self._remote_manifest()
        if remote:
            return put_remote_manifest(self._spark, remote, manifest)
        return put_manifest(self._sink.manifest_of(self._target), manifest)
