"""What tests of tables share: writing one, and telling what it holds."""

from __future__ import annotations

from spark_balance.storage import Sink, stage, staging_place

ROWS, FEW = 40, 8


def put(spark, frame, place, run="run", **sink):
    """Write a frame as a run does."""
    with stage(frame, staging_place(spark, Sink(**place["sink"], **sink), run)) as staged:
        return staged.commit({"plan": {}})


def ids(frame):
    """Return the ids of the rows in order."""
    return sorted(row["id"] for row in frame.select("id").collect())
