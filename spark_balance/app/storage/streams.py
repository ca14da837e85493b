"""Streams: the input as it arrives, what a restart goes on from, and outputs that take a batch once."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession, functions as F, types as T

from spark_balance.app.storage.address import VERSIONED, Sink, full_name
from spark_balance.app.storage.local_files import held
from spark_balance.app.storage.overlaps import overlap
from spark_balance.app.storage.paths import as_pattern, engine_path, local_path
from spark_balance.app.storage.places import check_place, check_writable
from spark_balance.app.storage.refusals import check_sink, path_exists, sink_exists
from spark_balance.app.storage.slots import Slots
from spark_balance.app.storage.source import Source, read
from spark_balance.app.storage.versions import format_of
from spark_balance.errors import ColumnError, ConfigError, EngineError, InputError, OutputError
from spark_balance.frames.columns import quoted
from spark_balance.frames.engine import engine_name

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery
    from pyspark.sql.streaming.readwriter import DataStreamWriter

Shares = Literal["stay", "follow"]

BATCH = "batch_id"  # the column that is read from the names of the folders of batches
_BEGUN = T.StructType([T.StructField(name, T.StringType()) for name in ("id", "shares", "output", "columns")])
_USED_TWICE = re.compile("CONCURRENT_(QUERY|STREAM_LOG_UPDATE)|queries are concurrently using|Race while writing batch")
_KEYS = ("format", "path", "table", "options", "partition_by")  # of an output that a stream has, too


@dataclass(frozen=True)
class Begun:
    """What a stream writes, and whether its shares stay or follow."""

    shares: str
    output: str
    columns: str  # with types, and which of them are folders

    @classmethod
    def of(cls, spark: SparkSession, shares: Shares, sink: Sink, schema: T.StructType) -> Begun:
        """Describe an output, however its place is spelled."""
        path = f"{sink.format} {engine_path(spark, str(sink.path)).rstrip('/')}"
        place = f"table {full_name(spark, sink.table)}" if sink.table else path
        folders = {name: f" as folder {nth}" for nth, name in enumerate(sink.partition_by, 1)}
        columns = [f"{one.name} {one.dataType.simpleString()}{folders.get(one.name, '')}" for one in schema.fields]
        return cls(shares, place, "\n".join(columns if sink.format == "csv" else sorted(columns)))


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

    def begun(self, spark: SparkSession) -> tuple[str, Begun] | None:
        """Return the id of the stream for Delta, and what was begun; None before the first start."""
        rows = self._slots(spark).read(F.lit(True)).to_pylist()
        if not rows or not path_exists(spark, Sink(path=self.checkpoint)):
            return None  # without the checkpoint it begins with batch 0 again
        return rows[0].pop("id"), Begun(**rows[0])

    def begin(self, spark: SparkSession, begins: Begun) -> str:
        """Note what is begun, and return the id of the stream, which stays."""
        stream, before = self.begun(spark) or (uuid.uuid4().hex, None)
        if before != begins:
            row = {"id": stream, **vars(begins)}
            self._slots(spark).put(pa.table({name: [row[name]] for name in _BEGUN.names}), 0)
        return stream

    def _slots(self, spark: SparkSession) -> Slots:
        return Slots(spark, f"{self.path.rstrip('/')}/begun", _BEGUN, 1)


@contextmanager
def alone(spark: SparkSession, state: StreamState) -> Iterator[None]:
    """Hold the state, or say in a sentence that another start uses it; on other machines Spark finds out, and late."""
    folder = local_path(spark, state.path)
    used = InputError(
        f"stream: another start goes on from state '{state.path}' at this moment; wait until it ends, or give this "
        "stream a state of its own"
    )
    with held(folder) if folder else nullcontext(True) as is_free:
        if not is_free:
            raise used
        try:
            yield
        except Exception as failed:
            if _USED_TWICE.search(str(failed)):
                raise used from failed
            raise


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
        is_whole = source.where is None and source.columns is None
        whole = there if is_whole else read(spark, source.model_copy(update={"where": None, "columns": None}))
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
) -> Begun:
    """Refuse an output, or a state, that a stream cannot have; return what it begins.

    The frame is the input as it is now, and `added` the columns of the output that it lacks.
    """
    if other := sorted(sink.model_fields_set.difference(_KEYS)):
        raise ConfigError(f"stream: output.{other[0]} is for a job on a table; a stream has {', '.join(_KEYS)}")
    _check_state(spark, state, source, sink)
    schema = T.StructType([*frame.schema.fields, *added])
    begins, kind = Begun.of(spark, shares, sink, schema), format_of(spark, sink)
    if shares == "follow" and sink.table and kind != "delta":
        raise OutputError(
            f"stream: {sink} is of format {kind}, where a batch that comes twice would be twice; use a path, or format "
            "delta"
        )
    if shares == "follow" and kind not in VERSIONED:
        _check_batch_column(sink, schema.names)
    _, before = state.begun(spark) or ("", None)
    if kind not in VERSIONED:
        _check_goes_on(spark, sink, state, before, begins)
    if kind in VERSIONED or before is None:
        sink = sink.model_copy(update={"mode": "append"})
        check_place(spark, sink)
        check_sink(spark, sink, source, frame, added)
    return begins


def _check_state(spark: SparkSession, state: StreamState, source: Source, sink: Sink) -> None:
    place = local_path(spark, state.path)
    if place is None:
        return
    check_writable("stream: state", state.path, place)
    if place.is_file():
        raise OutputError(f"stream: state '{state.path}' is a file; name a folder")
    for role, other in (("input", source.path), ("output", sink.path)):
        if other and local_path(spark, other) and overlap(place, as_pattern(other)):
            raise OutputError(
                f"stream: state '{state.path}' overlaps the {role} '{other}'; give it a folder of its own"
            )


def _check_goes_on(spark: SparkSession, sink: Sink, state: StreamState, before: Begun | None, begins: Begun) -> None:
    """Refuse files that are not those of this state, or that would not be read with them."""
    exists = sink_exists(spark, sink, local_path(spark, sink.path) if sink.path else None)
    is_same = before is not None and (before.shares, before.output) == (begins.shares, begins.output)
    if exists and not is_same:
        by = f"the stream of state '{state.path}' did not write it"
        if before is not None and before.output == begins.output:
            by = f"it was begun {'without' if begins.shares == 'follow' else 'with'} half_life"
        raise OutputError(f"stream: {sink} exists, and {by}; choose another output, or run the stream as it was begun")
    if not exists and before is not None and begins.shares == "stay":
        # Spark's list of the files of an output begins with batch 0, and without it no reader finds any
        raise OutputError(
            f"stream: {sink} is not there, and state '{state.path}' goes on after the first batch; bring back the "
            f"output it was begun with, {before.output}, or give the stream a new state and a new output"
        )
    if before is not None and is_same and before.columns != begins.columns:
        old, new = before.columns.split("\n"), begins.columns.split("\n")
        changed = sorted({*old}.symmetric_difference(new)) or ["their order"]
        raise OutputError(
            f"stream: {sink} was begun with other columns, types or partitions ({', '.join(changed)}); set them as "
            "they were, or give the stream a new state and a new output"
        )


def _check_batch_column(sink: Sink, names: list[str]) -> None:
    if BATCH in map(str.lower, names):
        raise ColumnError(
            f"output: the frame has a column '{BATCH}', and the folders of '{sink.path}' would have its name; rename "
            "it, or leave it out"
        )


def settled(spark: SparkSession, sink: Sink) -> Sink:
    """Return an output without partitions, if it is a Delta or Iceberg table that has its own."""
    has_own = format_of(spark, sink) in VERSIONED and sink_exists(spark, sink, None)
    return sink.model_copy(update={"partition_by": ()}) if has_own else sink


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
    _check_batch_column(sink, frame.columns)
    to.mode("overwrite").save(engine_path(spark, f"{str(sink.path).rstrip('/')}/{BATCH}={batch_id}"))


def start_stream(frame: DataFrame, sink: Sink, state: StreamState, every: str | None) -> StreamingQuery:
    """Write a stream as Spark does, which takes each batch once: files, or a table of Delta or Iceberg."""
    spark = frame.sparkSession
    to = resumed(frame, state, every, sink.writer_options).format(format_of(spark, sink))
    to = to.partitionBy(*sink.partition_by) if sink.partition_by else to
    return to.toTable(sink.table) if sink.table else to.start(engine_path(spark, str(sink.path)))


def resumed(frame: DataFrame, state: StreamState, every: str | None, options: Mapping[str, str]) -> DataStreamWriter:
    """Return the writer that goes on from a state: with what is there, or with a batch every so often."""
    checkpoint = engine_path(frame.sparkSession, state.checkpoint)
    to = frame.writeStream.options(**options).option("checkpointLocation", checkpoint)
    return to.trigger(processingTime=every) if every else to.trigger(availableNow=True)
