"""The way of a run into its output: staged while it runs, moved or committed when it is right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import DataFrame, SparkSession

from spark_balance.errors import SparkBalanceError
from spark_balance.storage.address import local_path
from spark_balance.storage.branch import StagedBranch, takes_a_branch
from spark_balance.storage.committed import StagedCommit
from spark_balance.storage.folder import clear_leftovers
from spark_balance.storage.sink import Sink
from spark_balance.storage.staged import Staged, StagedFiles, StagedTable, StraightWrite
from spark_balance.storage.versions import versioned


def recover(spark: SparkSession, sink: Sink) -> None:
    """Clear what a run that was killed left beside a local output, and bring back what it had moved away."""
    target = local_path(spark, sink.path) if sink.path else None
    if target is not None and target.name:
        clear_leftovers(target, sink.manifest_of(target))


def staging_place(spark: SparkSession, sink: Sink, run: str) -> Staged:
    """Return the way of a run into its output, and note what the output is now; nothing is written.

    Parameters
    ----------
    spark : SparkSession
        The session that will write.
    sink : Sink
        Where.
    run : str
        What tells this run from others, and is the same when the same is run again.
    """
    if versioned(spark, sink):
        kind = StagedBranch if takes_a_branch(spark, sink) else StagedCommit
        return kind(spark, sink, run)
    if sink.table:
        return StagedTable(spark, sink, run)
    if local_path(spark, str(sink.path)) is None:
        return StraightWrite(spark, sink, run)
    return StagedFiles(spark, sink, run)


@contextmanager
def stage(frame: DataFrame, place: Staged) -> Iterator[Staged]:
    """Write the frame to a staging place; nothing else is touched before ``commit``.

    Yields
    ------
    Staged
        ``staged.frame()`` reads back what was written, ``staged.commit(manifest)`` moves it to the output.
        Left without a commit, by an exception too, the staging place is removed.
    """
    if frame.isStreaming:
        raise SparkBalanceError("output: a streaming frame cannot be staged; write each batch, as in foreachBatch")
    try:
        place.write(frame)
        yield place
    finally:
        place.discard()
