"""What a run has searched, held under a scratch path, for the same run when it has to start again."""

from __future__ import annotations

import json
import logging
import uuid

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from spark_balance.storage import swap
from spark_balance.storage.address import engine_path, local_path
from spark_balance.storage.manifest import put_remote_manifest

_log = logging.getLogger(__name__)


class Searched:
    """Rows under ``<scratch_path>/<run>``: each try's in a folder of its own, and the name of one that is whole."""

    def __init__(self, spark: SparkSession, scratch_path: str, run: str) -> None:
        self._spark = spark
        place = f"{scratch_path.rstrip('/')}/{run}"
        self._local = local_path(spark, place)
        self._place = engine_path(spark, place)
        self._whole = f"{self._place}/whole"

    def rows(self, searched: DataFrame) -> DataFrame:
        """Return the rows as an earlier try of the run held them, or write them: one job, with the search in it."""
        rows = self._found()
        if rows is None:
            rows = f"{self._place}/{uuid.uuid4().hex[:8]}"
            searched.write.parquet(rows)
            self._tell(rows)
        else:
            _log.info("run: %s holds what an earlier try of this run searched", rows)
        return self._spark.read.schema(searched.schema).parquet(rows)

    def remove(self) -> None:
        """Remove what is held; from an object store nothing can be deleted but by writing over it."""
        if self._local is not None:
            swap.remove(self._local)
        elif (rows := self._found()) is not None:
            self._tell(None)
            none = self._spark.createDataFrame([], self._spark.read.parquet(rows).schema)
            none.coalesce(1).write.mode("overwrite").parquet(rows)

    def _found(self) -> str | None:
        try:
            [[text]] = self._spark.read.text(self._whole, wholetext=True).collect()
            rows: str | None = json.loads(text)["rows"]
        except (PySparkException, ValueError):
            return None
        return rows

    def _tell(self, rows: str | None) -> None:
        put_remote_manifest(self._spark, self._whole, {"rows": rows})
