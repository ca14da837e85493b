"""What tests of tables share: writing one, and telling what it holds."""

from __future__ import annotations

import pytest

from spark_balance.app.storage import Sink, stage, staging_place

ROWS, FEW = 40, 8
# every place on Sail, where a test takes a moment; the JVM's engines share them
LAKES = {"delta path": "sail spark", "delta table": "sail", "iceberg path": "sail", "iceberg table": "sail spark"}
PLACES = {"parquet path": "sail", "parquet table": "sail", **LAKES}


def at(places, soaked=()):
    """Run a test at places, each on the engines that it names; at some only when many kills are asked for."""
    marked = [pytest.param(name, marks=pytest.mark.engines(*engines.split())) for name, engines in places.items()]
    for name, engines in dict(soaked).items():
        marks = [pytest.mark.engines(*engines.split()), pytest.mark.soak]
        marked.append(pytest.param(name, marks=marks, id=f"{name}, {engines}"))
    return pytest.mark.parametrize("place", marked, indirect=True)


def put(spark, frame, place, run="run", **sink):
    """Write a frame as a run does."""
    with stage(frame, staging_place(spark, Sink(**place["sink"], **sink), run)) as staged:
        return staged.commit({"plan": {}})


def ids(frame):
    """Return the ids of the rows in order."""
    return sorted(row["id"] for row in frame.select("id").collect())
