"""What a run has searched, held under a scratch path, for the same run when it has to start again."""

from __future__ import annotations

import json
import logging
import uuid

from pyspark.sql import DataFrame, SparkSession

from spark_balance.storage import swap
from spark_balance.storage.address import EngineError, engine_path, local_path, reason
from spark_balance.storage.manifest import put_remote_manifest, remote_text
from spark_balance.storage.scratch import empty

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
        place = self._whole_place()
        if place is None:
            place = f"{self._place}/{uuid.uuid4().hex[:8]}"
            searched.write.parquet(place)
            self._tell(place)
        else:
            _log.info("run: %s holds what an earlier try of this run searched", place)
        return self._spark.read.schema(searched.schema).parquet(place)

    def remove(self) -> None:
        """Remove what is held; from an object store nothing can be deleted but by writing over it."""
        if self._local is not None:
            swap.remove(self._local)
        elif (place := self._whole_place()) is not None:
            try:
                self._tell(None)
                empty(self._spark, place, self._spark.read.parquet(place).schema)
            except EngineError as refused:  # a store that lets nothing be written over; the run is done all the same
                _log.warning("run: %s was not emptied: %s", place, reason(refused))

    def _whole_place(self) -> str | None:
        """Return where all rows of an earlier try are, if they still are."""
        try:
            place: str | None = json.loads(remote_text(self._spark, self._whole))["rows"]
            # Sail takes a folder that is not there for one without columns
            if place is None or not self._spark.read.parquet(place).columns:
                return None
        except (*EngineError, ValueError):
            return None
        return place

    def _tell(self, place: str | None) -> None:
        put_remote_manifest(self._spark, self._whole, {"rows": place})
