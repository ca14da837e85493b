"""A stream as a TOML file, and its run: read what arrives, balance it by class shares, write each batch once."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pyspark.sql import DataFrame, SparkSession, functions as F, types as T
from typing_extensions import Self

from spark_balance.app.config import Table, check_keys, load_tables, make_sampler, validate_table
from spark_balance.app.steps import Steps
from spark_balance.app.storage import Sink, Source, read
from spark_balance.app.storage.paths import PathText, engine_path
from spark_balance.app.storage.slots import Slots
from spark_balance.app.storage.streams import (
    BATCH,
    Shares,
    StreamState,
    alone,
    check_stream,
    put_batch,
    read_stream,
    resumed,
    settled,
    start_stream,
)
from spark_balance.app.stream import KEPT, StreamBalancer
from spark_balance.base.parameters import Wish
from spark_balance.base.sampler import Sampler
from spark_balance.errors import ConfigError, SparkBalanceError, mark, raise_engine_sentences
from spark_balance.frames.counts import class_counts, given_counts
from spark_balance.frames.plan import ClassCounts, ResamplingPlan

if TYPE_CHECKING:
    from pyspark.sql.streaming.query import StreamingQuery

_WRITTEN = "written"  # the name of the count of what a batch writes
_LAST = 1_000  # batches: a query may run on for years
_SECONDS = 1  # between two looks at a query
_COUNTED = T.StructType(
    [T.StructField(BATCH, T.LongType()), T.StructField("rows", T.LongType()), T.StructField("psi", T.DoubleType())]
)
_NEEDED = ("input", "sampler", "stream", "output")


class Stream(BaseModel):
    """The table ``[stream]``: what the shares of the classes are, and what a restart goes on from.

    Parameters
    ----------
    state : str
        A folder for Spark's checkpoint and the table of counts. Whoever starts again with it goes on where it ended.
    counts : list of {label, rows}, optional
        Rows of each class before the stream. Give either these or `past`.
    past : table, optional
        A table ``[stream.past]`` with the keys of ``[input]``, whose classes are counted at each start.
    half_life : float, optional
        Rows of the stream after which a row counts half: the shares follow the stream. Without it they stay those of
        the counts.
    max_share_ratio : float
        With `half_life`, warn when the share of a class is larger or smaller than before by more than this factor.
    every : str, optional
        Run on, with a batch this often, as in ``"10 minutes"``. Without it, take what is there, and end.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: PathText
    counts: Wish = None
    past: Source | None = None
    half_life: float | None = Field(default=None, gt=0)
    max_share_ratio: float = Field(default=2.0, gt=1)
    every: str | None = None

    @model_validator(mode="after")
    def _has_one_past(self) -> Self:
        if (self.counts is None) == (self.past is None):
            raise ValueError("give exactly one of counts and [stream.past]")
        if self.counts is not None and not isinstance(self.counts, dict):
            raise ValueError(f"counts={self.counts!r} is not a list of {{label = ..., rows = ...}}")
        if self.half_life is None and "max_share_ratio" in self.model_fields_set:
            raise ValueError("max_share_ratio is for shares that follow the stream; give half_life, or leave it out")
        if self.every is not None and not re.fullmatch(r"\d+ (second|minute|hour|day)s?", self.every):
            raise ValueError(
                f"every={self.every!r} is not a number of seconds, minutes, hours or days; give '10 minutes'"
            )
        return self


class StreamConfig(BaseModel):
    """A job on a stream: the tables of its file."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    input: Source
    sampler: Sampler
    stream: Stream
    output: Sink

    @classmethod
    def load(cls, path: str | Path, overrides: Iterable[str] = ()) -> Self:
        """Read a TOML file and lay ``table.key=value`` overrides over it, as `JobConfig.load` does."""
        return cls.of(load_tables(path, overrides))

    @classmethod
    def of(cls, tables: Table) -> Self:
        """Validate the tables of a TOML file."""
        check_keys("config", tables, _NEEDED)
        for name in _NEEDED:
            if not tables.get(name):
                raise ConfigError(f"config: the table [{name}] is missing; a stream has {', '.join(_NEEDED)}")
        if isinstance(given := tables["stream"], dict) and "past" in given:
            tables = {**tables, "stream": {**given, "past": validate_table(Source, "stream.past", given["past"])}}
        return cls(
            input=validate_table(Source, "input", tables["input"]),
            sampler=make_sampler(tables["sampler"])[1],
            stream=validate_table(Stream, "stream", tables["stream"]),
            output=validate_table(Sink, "output", tables["output"]),
        )


@dataclass(frozen=True)
class Batch:
    """A batch that was written: rows of the input and of the output, and how far the shares moved, where known."""

    batch: int
    rows: int | None
    written: int | None = None
    psi: float | None = None


@dataclass(frozen=True)
class StreamResult:
    """What a job on a stream did until it ended, and its last batches; a dry run has none."""

    plan: ResamplingPlan
    output: str
    state: str
    written: int | None = None  # batches
    batches: tuple[Batch, ...] | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values that JSON can carry."""
        batches = None if self.batches is None else [vars(one) for one in self.batches]
        return {**vars(self), "plan": self.plan.to_dict(), "batches": batches}


def run(
    spark: SparkSession,
    config: StreamConfig,
    dry_run: bool = False,
    steps: Steps | None = None,
    show: Callable[[str], None] = lambda _: None,
) -> StreamResult:
    """Balance what arrives until it is all written, or the query is stopped; `show` receives a line for each batch."""
    steps = (steps or Steps()).on(spark)
    stream, sampler, sink, state = config.stream, config.sampler, config.output, StreamState(config.stream.state)
    shares: Shares = "stay" if stream.half_life is None else "follow"
    with steps.step("check"):
        there, arriving = read_stream(spark, config.input)
        counts = _counts(spark, config)
        plan = sampler.plan(there, counts)
        balanced = sampler.fit_resample(arriving, counts)
        # a server of Spark Connect knows neither this folder nor that it is on this machine
        places = {"path": engine_path(spark, sink.path)} if sink.path else {}
        balance = partial(_balance, config, counts, engine_path(spark, state.counts))
        if stream.half_life is not None:
            balance(sink, "")  # refuse what cannot follow
        begins = check_stream(spark, sink, config.input, state, shares, there, sampler.new_fields(there.schema))
        sink = settled(spark, sink).model_copy(update=places)
    result = StreamResult(plan, str(config.output), stream.state, seconds=steps.seconds)
    if dry_run:
        return result
    with steps.step("stream") as step, alone(spark, state), raise_engine_sentences():
        stream_id = state.begin(spark, begins)
        if stream.half_life is None:
            counted = balanced.observe(_WRITTEN, F.count(F.lit(1)).alias("rows"))
            batches, written = _watch(start_stream(counted, sink, state, stream.every), show)
        else:
            each = partial(_each, balance(sink, stream_id))
            query = resumed(arriving, state, stream.every, {}).foreachBatch(each).start()
            batches, written = _watch(query, show, reads_once=False)
            batches = _counted(spark, state, batches)
        rows = [one.rows for one in batches if one.rows is not None]
        step.rows = sum(rows) if len(rows) == written else None  # only of the last ones all is known
    return replace(result, written=written, batches=tuple(batches), seconds=steps.seconds)


def _counts(spark: SparkSession, config: StreamConfig) -> ClassCounts:
    """Return the rows of each class that the stream begins with."""
    label, within = config.sampler.label_col, config.sampler.within_cols or ()
    if config.stream.past is None and within:
        raise ConfigError(
            f"stream: counts names classes alone, and within_cols names {', '.join(within)}; give a table of the past, "
            "[stream.past], whose groups are counted"
        )
    if config.stream.past is None:
        return given_counts("stream", label, within, config.stream.counts)
    return class_counts(read(spark, config.stream.past), label, within)


def _balance(config: StreamConfig, counts: ClassCounts, folder: str, sink: Sink, stream_id: str) -> StreamBalancer:
    """Return what balances a batch by shares that follow the stream."""
    stream = config.stream
    assert stream.half_life is not None
    write = partial(put_batch, sink, stream_id)
    return StreamBalancer(
        config.sampler, counts, folder, write, half_life=stream.half_life, max_share_ratio=stream.max_share_ratio
    )


def _each(balance: StreamBalancer, batch: DataFrame, batch_id: int) -> None:
    """Balance a batch; a sentence of ours goes through the engine as one."""
    try:
        balance(batch, batch_id)
    except SparkBalanceError as refused:
        raise RuntimeError("".join(mark(type(refused))) + str(refused)) from refused


def _watch(query: StreamingQuery, show: Callable[[str], None], *, reads_once: bool = True) -> tuple[list[Batch], int]:
    """Return the last batches of a query when it ends, and how many there were.

    Of a query that reads a batch twice, Spark's counts of rows say nothing.
    """
    batches, written, ended = deque[Batch](maxlen=_LAST), 0, False
    while not ended:
        ended = bool(query.awaitTermination(_SECONDS))
        for told in query.recentProgress:
            number, rows = int(told["batchId"]), sum(one["numInputRows"] for one in told["sources"])
            if not rows or (batches and number <= batches[-1].batch):
                continue
            made = _observed(told["observedMetrics"][_WRITTEN]) if reads_once else None
            show(f"batch {number}: " + (f"{rows:,} rows read, {made:,} written" if reads_once else "written"))
            batches.append(Batch(number, rows if reads_once else None, made))
            written += 1
    return [*batches], written


def _observed(row: Any) -> int:
    """Return the one number of an observed row, which each kind of Spark wraps in its own way."""
    value = row["rows"] if isinstance(row, dict) else row[0]
    return int(value[0] if isinstance(value, list) else value)


def _counted(spark: SparkSession, state: StreamState, batches: list[Batch]) -> list[Batch]:
    """Return batches with the rows and the drift that the table of counts has of the last ones."""
    kept = Slots(spark, state.counts, _COUNTED, KEPT).read(F.col(BATCH).isin([one.batch for one in batches]))
    sums = kept.group_by(BATCH).aggregate([("rows", "sum"), ("psi", "max")]).to_pylist()
    known = {one[BATCH]: {"rows": one["rows_sum"], "psi": one["psi_max"]} for one in sums}
    return [replace(one, **known.get(one.batch, {})) for one in batches]
