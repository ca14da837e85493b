"""Delta and Iceberg tables: rows are staged and verified, and one commit of the format's own brings them in."""

import json
import uuid
from itertools import takewhile
from typing import Any

from pyspark.sql import DataFrame, SparkSession, functions as F

from spark_balance.app.engines import ENGINE_ERRORS
from spark_balance.app.storage.address import Sink, full_name, table_exists
from spark_balance.app.storage.manifest import ManifestFile, telling
from spark_balance.app.storage.paths import engine_path, local_path
from spark_balance.app.storage.scratch import Scratch, save_as_table, scratch_beside
from spark_balance.app.storage.versions import UPKEEP, Version, format_of, versioned, versions_of
from spark_balance.errors import OutputError
from spark_balance.frames.columns import quoted
from spark_balance.frames.engine import engine_name

_LOOKED_AT = 1000  # commits among which a run looks for its own
_LONGEST = 50_000  # Iceberg writes what its snapshots say anew with each commit


class ScratchBranch:
    """A branch of an Iceberg table that only the run reads; the table moves forward to it: rows are written once.

    Iceberg refuses that move when another commit came first. A killed run leaves a branch ``spark_balance_<id>``,
    which Iceberg is asked to keep for a week.
    """

    def __init__(self, spark: SparkSession, sink: Sink, before: str, options: dict[str, str]) -> None:
        self._spark, self._sink, self._before, self._options = spark, sink, before, options
        self._name = f"spark_balance_{uuid.uuid4().hex[:8]}"
        self._table = f"{sink.table}.branch_{self._name}"
        self._is_made = False

    def write(self, frame: DataFrame) -> None:
        """Write the frame to a branch that begins where the table is."""
        start = f"AS OF VERSION {self._before} RETAIN 7 DAYS"
        self._spark.sql(f"ALTER TABLE {self._sink.table} CREATE BRANCH {self._name} {start}")
        self._is_made = True
        _save_to_table(self._spark, self._sink, frame, self._options, self._table)

    def frame(self) -> DataFrame:
        """Read back what the branch has beside the rows that were there."""
        if self._sink.mode != "append":
            return self._spark.read.table(self._table)
        refs = self._spark.table(f"{self._sink.table}.refs").where(f"name = '{self._name}'")
        [[newest]] = refs.select("snapshot_id").collect()
        reader = self._spark.read.format("iceberg").option("start-snapshot-id", str(self._before))
        return reader.option("end-snapshot-id", str(newest)).load(full_name(self._spark, str(self._sink.table)))

    def remove(self) -> None:
        """Drop the branch; its rows are those of the table now, or lost."""
        if self._is_made:
            self._spark.sql(f"ALTER TABLE {self._sink.table} DROP BRANCH IF EXISTS {self._name}")

    def fast_forward(self) -> None:
        """Move the table to the branch."""
        name = full_name(self._spark, str(self._sink.table))
        moved = f"table => '{name}', branch => 'main', to => '{self._name}'"
        self._spark.sql(f"CALL {name.split('.')[0]}.system.fast_forward({moved})").collect()


class StagedCommit:
    """Rows beside a Delta or Iceberg table, until one atomic commit brings them into it.

    The counts are verified on the staged rows, so that no reader ever sees wrong ones. Except on a branch that
    costs a second write, of rows that are already computed, some two thirds of the first (docs/tables.md); to
    count the frame before one write would compute it twice, searches too.
    """

    scratch: ScratchBranch | Scratch

    def __init__(self, spark: SparkSession, sink: Sink, run: str) -> None:
        known = versioned(spark, sink)
        assert known is not None
        self._spark, self._sink, self._run, self._known = spark, sink, run, known
        self._format = format_of(spark, sink)
        self._is_sail = engine_name(spark) == "sail"
        target = local_path(spark, sink.path) if sink.path else None
        self._manifest = ManifestFile(spark, sink, target)
        self._found = versions_of(spark, sink, most=_LOOKED_AT)
        self._before = self._found[0].id if self._found else None
        # a table of Iceberg's is there before its first version
        self._is_new = not self._found and not (sink.table and table_exists(spark, sink))
        # on a branch the new rows must be distinguishable from those that were there
        in_part = sink.replace_where is not None or sink.is_dynamic(spark)
        if sink.table and self._format == "iceberg" and self._before and not self._is_sail and not in_part:
            # the snapshot is made before its rows are counted, so it names the run, and the manifest says the rest
            said = self._saying({"run": {"id": run}})
            self.scratch = ScratchBranch(spark, sink, self._before, {**sink.writer_options, **said})
        else:
            self.scratch = scratch_beside(spark, sink, self._format)

    def finished(self) -> dict[str, Any] | None:
        """Return what the run said of itself in its commit, when its rows are still there."""
        if manifest := self._manifest.left_by(self._run, self._before):
            return manifest
        own = self._own(self._found)
        if own is None:
            return None
        there = self._manifest.found()
        if there.get("run", {}).get("id") == self._run:
            return there
        # killed after its commit, a run left no manifest
        self._manifest.put(own.said)
        return own.said

    def commit(self, manifest: dict[str, Any]) -> str:
        """Bring the staged rows into the table, unless it changed since the run began."""
        try:
            if isinstance(self.scratch, ScratchBranch):
                self.scratch.fast_forward()
            else:
                self._write_again(manifest)
        except ENGINE_ERRORS as refused:
            if self._latest() == self._before:
                raise
            raise self._sink.changed_meanwhile() from refused
        newest = versions_of(self._spark, self._sink, most=_LOOKED_AT)
        since = takewhile(lambda version: version.id != self._before, newest)
        # Sail puts nothing of ours into Iceberg's snapshots
        is_mute = self._format == "iceberg" and self._is_sail
        own = [version for version in since if is_mute or version.said.get("run", {}).get("id") == self._run]
        if not own:
            raise self._sink.changed_meanwhile()
        return self._manifest.put(telling(manifest, self._run, own[0].id))

    def _write_again(self, manifest: dict[str, Any]) -> None:
        where = self._sink.replace_where
        if where is not None:
            # rows outside of what they replace would stay when it is replaced again
            outside = self.scratch.frame().where(~F.coalesce(F.expr(where), F.lit(False))).count()
            if outside:
                raise OutputError(
                    f"output: replace_where={where!r} does not hold for {outside:,} of the rows to write;"
                    " read and write the same part, with where in [input]"
                )
        if self._latest() != self._before:
            raise self._sink.changed_meanwhile()
        newest = self._found[0] if self._found else None
        guards = self._known.guarding(newest, self._sink.mode == "overwrite")
        options = {**self._sink.writer_options, **self._saying(telling(manifest, self._run, None)), **guards}
        frame, sink = self.scratch.frame(), self._sink
        if sink.path:
            self._save_path(frame, options)
        elif self._is_sail:
            save_as_table(frame, str(sink.table), sink.mode, self._format, sink.partition_by, options)
        elif self._is_new:
            self._create_table(frame, options)
        else:
            _save_to_table(self._spark, sink, frame, options, str(sink.table))

    def _saying(self, said: dict[str, Any]) -> dict[str, str]:
        """Return the writer's options for what the commit says: the manifest, or the run alone when that is long."""
        text = json.dumps(said, default=str)
        return self._known.saying(text if len(text) <= _LONGEST else json.dumps({"run": said["run"]}))

    def _latest(self) -> str | None:
        newest = versions_of(self._spark, self._sink, most=1)
        return newest[0].id if newest else None

    def _own(self, versions: list[Version]) -> Version | None:
        """Return the commit of this run, unless later ones took its rows away."""
        for version in versions:
            if version.said.get("run", {}).get("id") == self._run:
                return version
            if not (version.operation in UPKEEP or (self._sink.mode == "append" and version.only_adds)):
                return None
        return None

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
            writer = writer.partitionedBy(*[F.col(quoted(name)) for name in self._sink.partition_by])
        for name, value in self._sink.properties.items():
            writer = writer.tableProperty(name, value)
        if self._format == "delta":
            writer.createOrReplace()  # Delta forgets what a create says of itself, not what a replace says
        else:
            writer.create()


def _save_to_table(spark: SparkSession, sink: Sink, frame: DataFrame, options: dict[str, str], table: str) -> None:
    """Write to a table that is there, or to a branch of it, as the mode says."""
    writer = frame.writeTo(table).options(**options)
    if sink.mode == "append":
        writer.append()
    elif sink.is_dynamic(spark):
        writer.overwritePartitions()
    else:
        writer.overwrite(F.lit(True) if sink.replace_where is None else F.expr(sink.replace_where))
