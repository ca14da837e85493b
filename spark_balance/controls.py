"""What an operator decides of a run beside its rows: its tasks, the size of its files, and what it may cost."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field
from pyspark.sql import DataFrame, SparkSession

from spark_balance.cost import Explanation
from spark_balance.errors import RefusedByGuard, SparkBalanceError
from spark_balance.ml.weights import ClassWeighter
from spark_balance.samplers.base import Sampler
from spark_balance.samplers.interpolating import InterpolatingSampler
from spark_balance.storage import Pinned, Searched, Sink, check_scratch
from spark_balance.summary import ResamplingPlan

MEASURED_ROWS = 10_000


class Controls(BaseModel):
    """The table ``[run]``; no key changes which rows a run makes.

    Attributes
    ----------
    tasks : int, optional
        Tasks that write, so files at most (in each partition, where one task then writes the whole of it). Costs one
        shuffle of all rows of the output; without it there is none.
    target_file_mb : float, optional
        A file is ended, and the next one begun, at so many rows as make about these megabytes of Parquet: measured on
        10,000 rows of the input. Nothing is shuffled, so small files stay small.
    max_shuffle_gb : float, optional
        Refuse a run that is expected to shuffle more, before it does.
    scratch_path : str, optional
        Hold there the neighbours that a method found which makes rows between them, until the run has ended, so that
        the same run, killed and started again, does not search again. Costs one write and one read of them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tasks: int | None = Field(default=None, ge=1)
    target_file_mb: float | None = Field(default=None, gt=0)
    max_shuffle_gb: float | None = Field(default=None, ge=0)
    scratch_path: str | None = Field(default=None, min_length=1)

    def check(self, sink: Sink, engine: str) -> None:
        """Refuse a size that the engine or the output would not heed."""
        if self.target_file_mb is None:
            return
        why = ""
        if engine == "sail":
            why = "is not heeded by engine sail, which has no maxRecordsPerFile"
        elif sink.table:
            why = "is for files at a path, a table has a property of its own for it"
        elif sink.format not in ("parquet", "orc"):
            why = f"is for formats parquet and orc, format is '{sink.format}'"
        if why:
            raise SparkBalanceError(
                f"run: target_file_mb={self.target_file_mb:g} {why}; leave it out, or use run.tasks"
            )

    def searched(
        self, spark: SparkSession, sampler: Sampler | ClassWeighter, sink: Sink, pinned: Pinned, run: str
    ) -> Searched | None:
        """Return where the run holds what it searched, or refuse a scratch path that could not serve it."""
        if self.scratch_path is None:
            return None
        why = ""
        if not isinstance(sampler, InterpolatingSampler):
            why = f"is for a method that makes rows between neighbours, {type(sampler).__name__} is none"
        elif pinned.state is None:
            why = "would help no later run: nothing tells the states of this input apart"
        if why:
            raise SparkBalanceError(f"run: scratch_path='{self.scratch_path}' {why}; leave it out")
        check_scratch(spark, self.scratch_path, sink, pinned.source)
        return Searched(spark, self.scratch_path, run)

    def check_shuffle(self, cost: Explanation | None, frame: DataFrame, plan: ResamplingPlan) -> None:
        """Refuse a run of the input that is expected to shuffle more than it may; no cost shuffles nothing."""
        if self.max_shuffle_gb is None:
            return
        dealt = plan.rows_after * row_bytes(frame) if self.tasks else 0.0
        shuffled = dealt + (cost.shuffle_bytes if cost else 0)
        if shuffled > self.max_shuffle_gb * 1e9:
            raise RefusedByGuard(
                f"{plan.method}: the run is expected to shuffle {shuffled / 1e9:.3g} GB, {dealt / 1e9:.3g} of them for "
                f"run.tasks; max_shuffle_gb={self.max_shuffle_gb:g} refuses that; raise it, or let explain tell which "
                "step shuffles"
            )

    def sized(self, sink: Sink, frame: DataFrame) -> Sink:
        """Return the sink with files of as many rows as make the target size, by the rows of the input."""
        if self.target_file_mb is None:
            return sink
        rows = max(1, round(self.target_file_mb * 1e6 / row_bytes(frame)))
        return sink.model_copy(update={"options": {**sink.options, "maxRecordsPerFile": str(rows)}})

    def dealt(self, made: DataFrame, sink: Sink) -> DataFrame:
        """Return what is written, dealt to as many tasks as are wanted."""
        return made if self.tasks is None else made.repartition(self.tasks, *sink.partition_by)


def row_bytes(frame: DataFrame) -> float:
    """Return the bytes of a row in Parquet, as the first rows take them; one small job."""
    table = frame.limit(MEASURED_ROWS).toArrow()
    file = pa.BufferOutputStream()
    pq.write_table(table, file)
    return float(file.tell() / max(1, table.num_rows))
