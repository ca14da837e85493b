"""An Iceberg table that is there: rows are written once, to a branch that nobody reads, and it moves on to that."""

from __future__ import annotations

import uuid
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from spark_balance.session import engine_name
from spark_balance.storage.address import full_name
from spark_balance.storage.committed import StagedCommit
from spark_balance.storage.sink import Sink
from spark_balance.storage.versions import format_of, versions_of


def takes_a_branch(spark: SparkSession, sink: Sink) -> bool:
    """Tell whether a branch can hold the rows so that they are told apart from those that were there."""
    if sink.table is None or engine_name(spark) == "sail" or format_of(spark, sink) != "iceberg":
        return False
    in_part = sink.replace_where is not None or sink.is_dynamic(spark)
    return not in_part and bool(versions_of(spark, sink, most=1))


class StagedBranch(StagedCommit):
    """A branch of an Iceberg table, verified there; the commit moves the table's own branch forward to it.

    Iceberg refuses that move when another commit came first. The snapshot is made before its rows are counted, so it
    says which run it is of, and the manifest the rest. A killed run leaves a branch ``spark_balance_<id>`` that Iceberg
    is asked to keep for a week.
    """

    def __init__(self, spark: SparkSession, sink: Sink, run: str) -> None:
        super().__init__(spark, sink, run)
        self._branch = f"spark_balance_{uuid.uuid4().hex[:8]}"
        self._made = False

    def write(self, frame: DataFrame) -> None:
        """Write the frame to a branch that begins where the table is."""
        start = f"AS OF VERSION {self._before} RETAIN 7 DAYS"
        self._spark.sql(f"ALTER TABLE {self._sink.table} CREATE BRANCH {self._branch} {start}")
        self._made = True
        options = {**self._sink.writer_options, **self._saying({"run": {"id": self._run}})}
        self._save_table(frame, options, f"{self._sink.table}.branch_{self._branch}")

    def frame(self) -> DataFrame:
        """Read back what the branch has beside the rows that were there."""
        reader = self._spark.read
        if self._sink.mode == "append":
            refs = self._spark.table(f"{self._sink.table}.refs").where(f"name = '{self._branch}'")
            [[newest]] = refs.select("snapshot_id").collect()
            reader = reader.option("start-snapshot-id", str(self._before)).option("end-snapshot-id", str(newest))
            return reader.format("iceberg").load(full_name(self._spark, str(self._sink.table)))
        return reader.table(f"{self._sink.table}.branch_{self._branch}")

    def commit(self, manifest: dict[str, Any]) -> str:
        """Move the table forward to the branch, unless it is not where the branch began."""
        name = full_name(self._spark, str(self._sink.table))
        catalog = name.split(".")[0]
        moved = f"table => '{name}', branch => 'main', to => '{self._branch}'"
        with self._alone():
            self._spark.sql(f"CALL {catalog}.system.fast_forward({moved})").collect()
        return self._tell(manifest)

    def discard(self) -> None:
        """Drop the branch; its rows are the table's now, or nobody's."""
        if self._made:
            self._spark.sql(f"ALTER TABLE {self._sink.table} DROP BRANCH IF EXISTS {self._branch}")
