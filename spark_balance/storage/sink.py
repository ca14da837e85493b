"""The output of a job: staged while it runs, moved when it is right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import Field
from pyspark.sql import DataFrame, SparkSession

from spark_balance.errors import SparkBalanceError
from spark_balance.samplers.parameters import Names
from spark_balance.storage.address import Address, local_path
from spark_balance.storage.folder import clear_leftovers
from spark_balance.storage.staged import Staged, StagedFiles, StagedTable, StraightWrite


class Sink(Address):
    """The place a job writes to.

    Attributes
    ----------
    path, table : str
        One of the two: files (a local path, or a new one in an object store) or a catalog table.
    format : {"parquet", "csv", "json", "orc"}
        Format of the files at `path`.
    mode : {"error", "overwrite", "append"}
        What to do when the output exists.
    partition_by : list of str
        Columns whose values become folders.
    options : dict of str to str
        Spark's writer options. ``partitionOverwriteMode="dynamic"`` with mode "overwrite" replaces only the
        partitions that are written.
    manifest : str, optional
        Where the manifest goes; beside the data, ``<path>.manifest.json``, when not given. A table's goes to
        ``<table>.manifest.json`` in the working folder.
    """

    mode: Literal["error", "overwrite", "append"] = "error"
    partition_by: Names = ()
    manifest: str | None = Field(default=None, min_length=1)

    def manifest_of(self, target: Path | None) -> Path:
        """Return where the manifest goes: the local `target` is that of a path, None that of a table."""
        if self.manifest:
            return Path(self.manifest).expanduser().absolute()
        return target.with_name(f"{target.name}.manifest.json") if target else Path(f"{self.table}.manifest.json")

    def is_dynamic(self, spark: SparkSession) -> bool:
        """Tell whether only the partitions that are written shall be replaced."""
        option = "partitionoverwritemode"
        given = {name.lower(): value for name, value in self.options.items()}
        wanted = given.get(option) or spark.conf.get("spark.sql.sources.partitionOverwriteMode", "static")
        return self.mode == "overwrite" and bool(self.partition_by) and str(wanted).lower() == "dynamic"


def recover(spark: SparkSession, sink: Sink) -> None:
    """Clear what a run that was killed left beside a local output, and bring back what it had moved away."""
    target = local_path(spark, sink.path) if sink.path else None
    if target is not None and target.name:
        clear_leftovers(target, sink.manifest_of(target))


@contextmanager
def stage(spark: SparkSession, frame: DataFrame, sink: Sink) -> Iterator[Staged]:
    """Write the frame to a staging place beside the output; nothing else is touched before ``commit``.

    Yields
    ------
    Staged
        ``staged.frame()`` reads back what was written, ``staged.commit(manifest)`` moves it to the output.
        Left without a commit, by an exception too, the staging place is removed.
    """
    if frame.isStreaming:
        raise SparkBalanceError(f"output: {sink} cannot take a streaming frame; write each batch, as in foreachBatch")
    staged = _staging_place(spark, sink)
    try:
        staged.write(frame)
        yield staged
    finally:
        staged.discard()


def _staging_place(spark: SparkSession, sink: Sink) -> Staged:
    if sink.table:
        return StagedTable(spark, sink.table, sink.mode, sink.partition_by, sink.manifest_of(None))
    assert sink.path is not None
    target = local_path(spark, sink.path)
    options = {name: value for name, value in sink.all_options.items() if name.lower() != "partitionoverwritemode"}
    if target is None:
        return StraightWrite(spark, sink.path, sink.format, options, sink.partition_by, sink.manifest)
    mode = "partitions" if sink.is_dynamic(spark) else sink.mode
    return StagedFiles(spark, target, sink.format, options, sink.partition_by, mode, sink.manifest_of(target))
