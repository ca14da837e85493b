"""Rows that are read again and again, written once beside the engine and removed afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pyspark.sql import DataFrame


@contextmanager
def held(frame: DataFrame) -> Iterator[DataFrame]:
    """Yield the same rows, read from a temporary folder of an engine on this machine: one job, and no plan behind."""
    with TemporaryDirectory(prefix="spark_balance_") as folder:
        rows = str(Path(folder) / "rows")
        frame.write.parquet(rows)
        yield frame.sparkSession.read.schema(frame.schema).parquet(rows)
