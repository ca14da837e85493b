"""What it costs to verify rows before a Delta or Iceberg table has them: python scripts/bench/commits.py [rows].

Prints seconds, three times: staged as Parquet and committed, written at once, and written to a branch.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyspark.sql import functions as F

from spark_balance import open_session

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from formats import table_formats  # type: ignore[import-not-found]


def timed(what: str, work: Callable[[], Any]) -> None:
    """Run something and print its seconds."""
    start = time.monotonic()
    work()
    print(f"{what}: {time.monotonic() - start:.1f} s", flush=True)


def main(rows: int, lake: Path) -> None:
    """Write the same rows in three ways."""
    spark = open_session("spark", spark_conf=table_formats(lake))
    numbers = [((F.xxhash64("id", F.lit(i)) % 1_000_000) / 1e6).alias(f"f{i}") for i in range(28)]
    spark.range(rows).select("id", (F.col("id") % 100 == 0).alias("late"), *numbers).write.parquet(f"{lake}/rows")
    frame = spark.read.parquet(f"{lake}/rows")
    frame.limit(0).write.format("delta").save(f"{lake}/delta")
    spark.sql("CREATE NAMESPACE lake.db")
    frame.limit(1).writeTo("lake.db.t").using("iceberg").create()
    delta = frame.sparkSession.read.format("delta")
    for turn in range(3):
        staged, branch = f"{lake}/staged{turn}", f"turn{turn}"
        timed("staged as Parquet", lambda at=staged: frame.write.parquet(at))  # type: ignore[misc]
        read = spark.read.parquet(staged)
        timed("counted there", read.groupBy("late").count().collect)
        writer = read.write.format("delta").mode("overwrite")
        timed("committed to Delta", lambda w=writer: w.save(f"{lake}/delta"))  # type: ignore[misc]
        once = frame.write.format("delta").mode("overwrite")
        timed("written to Delta at once", lambda w=once: w.save(f"{lake}/delta"))  # type: ignore[misc]
        timed("counted there", delta.load(f"{lake}/delta").groupBy("late").count().collect)
        spark.sql(f"ALTER TABLE lake.db.t CREATE BRANCH {branch}")
        there = f"lake.db.t.branch_{branch}"
        timed("written to a branch", lambda at=there: frame.writeTo(at).overwrite(F.lit(True)))  # type: ignore[misc]
        timed("counted there", spark.table(there).groupBy("late").count().collect)
        forward = f"CALL lake.system.fast_forward('lake.db.t', 'main', '{branch}')"
        timed("moved forward", lambda call=forward: spark.sql(call).collect())  # type: ignore[misc]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_600_000, Path(folder))
