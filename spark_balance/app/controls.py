"""What a run may cost, how many files it writes, and whether MLflow has it."""

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field
from pyspark.sql import DataFrame

from spark_balance.app.storage import Sink
from spark_balance.errors import ConfigError, RefusedByGuard
from spark_balance.explain.explanation import Explanation
from spark_balance.frames.columns import quoted
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.plan import ClassCounts, ResamplingPlan

_MEASURED_ROWS = 10_000
EXTRACT_ROWS = 10_000_000  # of an input: to write an extract takes longer than to scan what is smaller


class Controls(BaseModel):
    """The table ``[run]``: tasks, size of files, limits, log; no key changes which rows a run makes.

    Parameters
    ----------
    tasks : int, optional
        Tasks that write, and so the largest number of files; one task writes all of a partition. Shuffles all rows
        once.
    target_file_mb : float, optional
        Size at which a file ends, as measured on 10,000 rows of the input. Shuffles nothing, so small files stay small.
    max_shuffle_gb : float, optional
        Refuse a run that is expected to shuffle more.
    extract : bool, optional
        Keep the rows that are searched beside the output meanwhile, if they are few of all; default for large inputs.
    mlflow : bool
        Log the run to MLflow, where MLFLOW_TRACKING_URI and MLFLOW_EXPERIMENT_NAME say, as `--mlflow` does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tasks: int | None = Field(default=None, ge=1, le=1_000_000)
    target_file_mb: float | None = Field(default=None, gt=0)
    max_shuffle_gb: float | None = Field(default=None, ge=0)
    extract: bool | None = None
    mlflow: bool = False

    def check(self, sink: Sink, engine: str) -> None:
        """Refuse a file size that the engine or the output would ignore."""
        if self.target_file_mb is None:
            return
        if engine == "sail":
            why = "is ignored by engine sail, which has no maxRecordsPerFile"
        elif sink.table:
            why = "is for files at a path, a table has a property of its own for it"
        elif sink.format not in ("parquet", "orc"):
            why = f"is for formats parquet and orc, format is '{sink.format}'"
        else:
            return
        raise ConfigError(f"run: target_file_mb={self.target_file_mb:g} {why}; leave it out, or use run.tasks")

    def check_shuffle(self, cost: Explanation | None, frame: DataFrame, plan: ResamplingPlan) -> None:
        """Refuse a run that is expected to shuffle too much; `cost` is None for one that shuffles nothing itself."""
        if self.max_shuffle_gb is None:
            return
        dealt = plan.rows_after * _row_bytes(frame) if self.tasks else 0.0
        shuffled = dealt + (cost.shuffle_bytes if cost else 0)
        if shuffled > self.max_shuffle_gb * 1e9:
            raise RefusedByGuard(
                f"{plan.method}: the run is expected to shuffle {shuffled / 1e9:.3g} GB, {dealt / 1e9:.3g} of them for "
                f"run.tasks, more than max_shuffle_gb={self.max_shuffle_gb:g}; raise it, or see in explain which step "
                "shuffles"
            )

    def extracts(self, before: ClassCounts) -> bool:
        """Return whether to keep the rows that are searched, if they are few."""
        return sum(before.rows.values()) >= EXTRACT_ROWS if self.extract is None else self.extract

    def limit_files(self, sink: Sink, frame: DataFrame) -> Sink:
        """Return the sink with the number of rows a file that makes the target size, by the rows of the input."""
        if self.target_file_mb is None:
            return sink
        rows = max(1, round(self.target_file_mb * 1e6 / _row_bytes(frame)))
        return sink.model_copy(update={"options": {**sink.options, "maxRecordsPerFile": str(rows)}})

    def deal(self, made: DataFrame, sink: Sink) -> DataFrame:
        """Deal the rows to write out to `tasks` tasks, or to the one that writes one file."""
        tasks = 1 if sink.one_file else self.tasks
        return made if tasks is None else made.repartition(tasks, *map(quoted, sink.partition_by))


def _row_bytes(frame: DataFrame) -> float:
    """Return the bytes of a row in Parquet, measured on the first rows by one small job."""
    table = to_arrow(frame.limit(_MEASURED_ROWS))
    file = pa.BufferOutputStream()
    pq.write_table(table, file)
    return float(file.tell() / max(1, table.num_rows))
