"""A few small tables in turn: each takes the place of the oldest, so that none has to be deleted."""

import pyarrow as pa
from pyspark.sql import Column, SparkSession, types as T

from spark_balance.app.engines import ENGINE_ERRORS, is_absent
from spark_balance.app.storage.paths import engine_path
from spark_balance.frames.columns import quoted
from spark_balance.frames.older_spark import from_arrow, to_arrow

SLOT = "slot"  # the column that is read from the names of the folders


class Slots:
    """Folders ``slot=0``, ``slot=1``, ... of one Parquet table.

    An object store takes them too: nothing is moved or deleted. A write that is killed leaves its slot empty, and the
    others as they were.
    """

    def __init__(self, spark: SparkSession, path: str, schema: T.StructType, number: int) -> None:
        self._spark, self._path, self._schema, self._number = spark, path.rstrip("/"), schema, number

    def read(self, chosen: Column) -> pa.Table:
        """Return some rows of all slots; none before the first write."""
        try:
            found = self._spark.read.schema(self._schema).parquet(engine_path(self._spark, self._path, expands=True))
            return to_arrow(found.where(chosen).select(*map(quoted, self._schema.names)))
        except ENGINE_ERRORS as refused:
            if not is_absent(refused):
                raise
            return to_arrow(self._spark.createDataFrame([], self._schema))

    def put(self, table: pa.Table, turn: int) -> None:
        """Write a table into the slot whose turn it is."""
        place = f"{self._path}/{SLOT}={turn % self._number}"
        rows = from_arrow(self._spark, table, self._schema).coalesce(1)
        rows.write.mode("overwrite").parquet(engine_path(self._spark, place))
