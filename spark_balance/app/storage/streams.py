"""Streams: the input as it arrives, what a restart goes on from, and outputs that take a batch once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, functions as F, types as T

from spark_balance.app.storage.address import VERSIONED, Sink
from spark_balance.app.storage.overlaps import overlap
from spark_balance.app.storage.paths import as_pattern, engine_path, local_path
from spark_balance.app.storage.places import check_place
from spark_balance.app.storage.refusals import check_sink, sink_exists
from spark_balance.app.storage.slots import Slots
from spark_balance.app.storage.source import Source, read
from spark_balance.app.storage.versions import format_of, versioned
from spark_balance.errors import ColumnError, ConfigError, EngineError, InputError, OutputError
from spark_balance.frames.columns import quoted
from spark_balance.frames.engine import engine_name

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery
    from pyspark.sql.streaming.readwriter import DataStreamWriter

Shares = Literal["stay", "follow"]

BATCH = "batch_id"  # the column that is read from the names of the folders of batches
_BEGUN = T.StructType([T.StructField(name, T.StringType()) for name in ("id", "shares", "output")])
_KEYS = ("format", "path", "table", "options", "partition_by")  # of an output that a stream has, too


@dataclass(frozen=True)
class StreamState:
    """The folder that a restart goes on from: Spark's checkpoint, the table of counts, and what was begun."""

    path: str

    @property
    def checkpoint(self) -> str:
        """Where Spark notes what was read."""
        return f"{self.path.rstrip('/')}/checkpoint"

    @property
    def counts(self) -> str:
        """Where the counts lie."""
        return f"{self.path.rstrip('/')}/counts"

    def begun(self, spark: SparkSession) -> tuple[str, ...] | None:
        """Return the id of the stream for Delta, what its shares do, and the output; None before the first start."""
        rows = self._slots(spark).read(F.lit(True)).to_pylist()
        return tuple(rows[0].values()) if rows else None

    def begin(self, spark: SparkSession, shares: Shares, sink: Sink) -> str:
        """Note what is begun, and return the id of the stream, which stays."""
        before = self.begun(spark)
        if before is not None and before[1:] == (shares, str(sink)):
            return before[0]
        row = ((before or (uuid.uuid4().hex,))[0], shares, str(sink))
        self._slots(spark).put(pa.table({name: [value] for name, value in zip(_BEGUN.names, row, strict=True)}), 0)
        return row[0]

    def _slots(self, spark: SparkSession) -> Slots:
        return Slots(spark, f"{self.path.rstrip('/')}/begun", _BEGUN, 1)


def read_stream(spark: SparkSession, source: Source) -> tuple[DataFrame, DataFrame]:
    """Return the input as it is now, and as a stream of what arrives."""
    if engine_name(spark) == "sail":
        raise EngineError("input: engine sail streams no files; use engine spark")
    if source.version is not None or source.timestamp is not None:
        raise InputError("input: version and timestamp are one state of a table, and a stream reads on; leave them out")
    there = read(spark, source)
    reader = spark.readStream.options(**source.all_options)
    if source.table:
        stream = reader.table(source.table)
    else:
        files = source.format not in VERSIONED
        whole = read(spark, source.model_copy(update={"where": None, "columns": None}))
        stream = (
            (reader.schema(whole.schema) if files else reader)
            .format(source.format)
            .load(engine_path(spark, _folder(spark, source), expands=files))
        )
    if source.where is not None:
        stream = stream.where(source.where)
    return there, stream.select(*map(quoted, there.columns))


def _folder(spark: SparkSession, source: Source) -> str:
    local = local_path(spark, str(source.path))
    if local is not None and not local.is_dir():
        raise InputError(f"input: path '{source.path}' is not a folder; name the one that files arrive in")
    return str(source.path)


def check_stream(
    spark: SparkSession,
    sink: Sink,
    source: Source,
    state: StreamState,
    shares: Shares,
    frame: DataFrame,
    added: list[T.StructField],
) -> None:
    """Refuse an output, or a state, that a stream cannot have.

    The frame is the input as it is now, and `added` the columns of the output that it lacks.
    """
    if other := sorted(sink.model_fields_set.difference(_KEYS)):
        raise ConfigError(f"stream: output.{other[0]} is for a job on a table; a stream has {', '.join(_KEYS)}")
    for role, place in (("input", source.path), ("output", sink.path)):
        local = place and local_path(spark, place) and local_path(spark, state.path)
        if local and overlap(local, as_pattern(str(place))):
            raise OutputError(
                f"stream: state '{state.path}' overlaps the {role} '{place}'; give it a folder of its own"
            )
    begun, target = state.begun(spark), local_path(spark, sink.path) if sink.path else None
    has_transactions = bool(sink.table) or versioned(spark, sink)
    if begun is None or begun[1:] != (shares, str(sink)):
        if not has_transactions and sink_exists(spark, sink, target):
            by = f"the stream of state '{state.path}' did not write it"
            if begun is not None and begun[2] == str(sink):
                by = f"it was begun {'without' if shares == 'follow' else 'with'} half_life"
            raise OutputError(
                f"stream: {sink} exists, and {by}; choose another output, or run the stream as it was begun"
            )
    elif not has_transactions:
        return  # it was looked at before the first start, and holds batches since then
    sink = sink.model_copy(update={"mode": "append"})
    check_place(spark, sink)
    check_sink(spark, sink, source, frame, added)
    kind = format_of(spark, sink)
    if shares == "follow" and has_transactions and kind != "delta":
        raise OutputError(
            f"stream: {sink} is of format {kind}, where a batch that comes twice would be twice; use a path, or format "
            "delta"
        )


def put_batch(sink: Sink, writer: str, frame: DataFrame, batch_id: int) -> None:
    """Write a batch in place of its folder, or by a transaction of Delta: the same one again changes nothing."""
    spark = frame.sparkSession
    to = frame.write.options(**sink.writer_options).format(sink.format)
    if sink.partition_by:
        to = to.partitionBy(*sink.partition_by)
    if sink.table or sink.format in VERSIONED:
        to = to.mode("append").format("delta").options(txnAppId=writer, txnVersion=batch_id)
        to.saveAsTable(sink.table) if sink.table else to.save(engine_path(spark, str(sink.path)))
        return
    if BATCH in map(str.lower, frame.columns):
        raise ColumnError(
            f"output: the frame has a column '{BATCH}', and the folders of '{sink.path}' would have its name; "
            "rename it, or give a function as write"
        )
    to.mode("overwrite").save(engine_path(spark, f"{str(sink.path).rstrip('/')}/{BATCH}={batch_id}"))


def start_stream(frame: DataFrame, sink: Sink, state: StreamState, every: str | None) -> StreamingQuery:
    """Write a stream as Spark does, which takes each batch once: files, or a table of Delta or Iceberg."""
    spark = frame.sparkSession
    to = resumed(frame, state, every).options(**sink.writer_options).format(format_of(spark, sink))
    to = to.partitionBy(*sink.partition_by) if sink.partition_by else to
    return to.toTable(sink.table) if sink.table else to.start(engine_path(spark, str(sink.path)))


def resumed(frame: DataFrame, state: StreamState, every: str | None) -> DataStreamWriter:
    """Return the writer that goes on from a state: with what is there, or with a batch every so often."""
    checkpoint = engine_path(frame.sparkSession, state.checkpoint)
    to = frame.writeStream.option("checkpointLocation", checkpoint)
    return to.trigger(processingTime=every) if every else to.trigger(availableNow=True)
