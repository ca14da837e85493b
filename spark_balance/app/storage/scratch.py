"""Where rows lie until they are committed: a folder, a table, or a path elsewhere."""

import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet
from pyspark.sql import DataFrame, SparkSession, types as T

from spark_balance.app.storage.address import Sink
from spark_balance.app.storage.local_files import StagingFolder, data_files
from spark_balance.app.storage.paths import engine_path, local_path
from spark_balance.frames.older_spark import to_arrow


class Files:
    """Files at a path, written once and read back with the schema of the frame.

    In an object store nothing can be deleted, so removing files there leaves one without rows; the files of an
    output are never removed, as that could hit another's data.
    """

    def __init__(
        self,
        spark: SparkSession,
        path: str | Path,
        file_format: str = "parquet",
        options: Mapping[str, str] | None = None,
        partition_by: tuple[str, ...] = (),
        is_output: bool = False,
    ) -> None:
        self._spark, self._path, self._is_output = spark, path, is_output
        self._format, self._options, self._partition_by = file_format, options or {}, partition_by
        self._schema = T.StructType()

    def write(self, frame: DataFrame) -> None:
        """Write the frame to the path, which must be new."""
        self._schema = frame.schema
        writer = frame.write.format(self._format).mode("error").options(**self._options)
        writer.partitionBy(*self._partition_by).save(engine_path(self._spark, self._path))

    def frame(self) -> DataFrame:
        """Read back what was written."""
        reader = self._spark.read.format(self._format).schema(self._schema)
        return reader.options(**self._options).load(engine_path(self._spark, self._path, expands=True))

    def remove(self) -> None:
        """Leave files without rows, of an output those that are there."""
        if self._schema and not self._is_output:
            empty = self._spark.createDataFrame([], self._schema).coalesce(1)
            empty.write.format(self._format).mode("overwrite").save(engine_path(self._spark, self._path))


class ScratchFolder:
    """A hidden folder beside a local target, on the same disk; the next run clears it when this one is killed."""

    def __init__(
        self,
        spark: SparkSession,
        target: Path,
        file_format: str = "parquet",
        options: Mapping[str, str] | None = None,
        partition_by: tuple[str, ...] = (),
        one_file: bool = False,
    ) -> None:
        self.folder, self._one_file = StagingFolder(target), one_file
        self._format, self._options = file_format, options or {}
        self._files = Files(spark, self.folder.data, file_format, options, partition_by)
        self._is_plain = file_format == "parquet" and not partition_by
        self._spark = spark
        self._empty: DataFrame | None = None

    def write(self, frame: DataFrame) -> None:
        """Write the frame to the folder."""
        self.folder.make()
        self._files.write(frame)
        if self._one_file:
            join_files(data_files(self.folder.data), self._format, with_header=self._options.get("header") == "true")
        # Sail writes nothing at all for a frame without rows, and cannot read that back
        if not data_files(self.folder.data):
            self._empty = self._spark.createDataFrame([], frame.schema)
            self.folder.data.mkdir(exist_ok=True)
            if self._is_plain:
                pyarrow.parquet.write_table(to_arrow(self._empty), self.folder.data / "part-00000.parquet")

    def frame(self) -> DataFrame:
        """Read back what lies in the folder, and nothing that the engine finds elsewhere."""
        return self._files.frame() if self._empty is None else self._empty

    def remove(self) -> None:
        """Remove the folder."""
        self.folder.remove()


class ScratchTable:
    """A table beside the target table; a killed run leaves it, to be dropped."""

    def __init__(
        self, spark: SparkSession, table: str, file_format: str | None, partition_by: tuple[str, ...] = ()
    ) -> None:
        self._spark, self._format, self._partition_by = spark, file_format, partition_by
        self.name = f"{table}__staging_{uuid.uuid4().hex[:8]}"

    def write(self, frame: DataFrame) -> None:
        """Write the frame to the table."""
        save_as_table(frame, self.name, "error", self._format, self._partition_by)

    def frame(self) -> DataFrame:
        """Read back what was written."""
        return self._spark.table(self.name)

    def remove(self) -> None:
        """Drop the table."""
        self._spark.sql(f"DROP TABLE IF EXISTS {self.name}")


def join_files(files: list[Path], file_format: str, *, with_header: bool) -> None:
    """Make one file of several, which Sail writes whatever number of tasks it is given."""
    if len(files) < 2:
        return
    joined = files[0].with_name(f"joined{files[0].suffix}")
    if file_format == "parquet":
        with pyarrow.parquet.ParquetWriter(joined, pyarrow.parquet.read_schema(files[0])) as writer:
            for file in files:
                for batch in pyarrow.parquet.ParquetFile(file).iter_batches():
                    writer.write_batch(batch)
    else:
        with joined.open("wb") as whole:
            for number, file in enumerate(files):
                with file.open("rb") as part:
                    if number and file_format == "csv" and with_header:
                        part.readline()
                    shutil.copyfileobj(part, whole)
    for file in files:
        file.unlink()


Scratch = Files | ScratchFolder | ScratchTable


def scratch_beside(spark: SparkSession, sink: Sink, table_format: str | None = None) -> Scratch:
    """Return a place of its own for rows beside an output: a hidden folder, a path, or a table beside a table."""
    if sink.table:
        return ScratchTable(spark, sink.table, table_format)
    target = local_path(spark, str(sink.path))
    beside = f"{str(sink.path).rstrip('/')}.staging-{uuid.uuid4().hex[:8]}"
    return ScratchFolder(spark, target) if target else Files(spark, beside)


def save_as_table(
    frame: DataFrame,
    table: str,
    mode: str,
    file_format: str | None,
    partition_by: tuple[str, ...] = (),
    options: Mapping[str, str] | None = None,
) -> None:
    """Write a frame to a table of the catalog, made in this format, or in the catalog's own."""
    writer = frame.write.mode(mode).options(**(options or {}))
    if file_format:
        writer = writer.format(file_format)
    if partition_by:
        writer = writer.partitionBy(*partition_by)
    writer.saveAsTable(table)
