"""What tests of tables share: writing one, and telling what it holds."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pandas as pd
import pyspark
import pytest
from fetch_jars import PINNED, find_properties, minor_of

from spark_balance.app.storage import Sink, stage, staging_place

ROWS, FEW = 40, 8
LAKE_FORMATS = ("delta", "iceberg")
VERSION = minor_of(pyspark.__version__)
NEWEST_ICEBERG = "4.1"  # of Spark, as conf/spark has it
# every place on Sail, where a test takes a moment; the JVM's engines share them
LAKES = {"delta path": "sail spark", "delta table": "sail", "iceberg path": "sail", "iceberg table": "sail spark"}
PLACES = {"parquet path": "sail", "parquet table": "sail", **LAKES}


def make_flights(rows, late, unknown=0):
    """Return flights in the shape of the demo's: some late, some without a label, the others not late."""
    rng = np.random.default_rng(7)
    number = np.arange(rows)
    labels = pd.array([True] * late + [False] * (rows - late - unknown) + [None] * unknown, dtype="boolean")
    table = pd.DataFrame(
        {
            "time_hour": pd.to_datetime(number, unit="h", origin=dt.datetime(2013, 1, 1), utc=True).astype(
                "datetime64[us, UTC]"
            ),
            "carrier": np.where(number % 3, "UA", "AA"),
            "flight": number,
            "origin": np.array(["EWR", "JFK", "LGA"])[number % 3],
            "dest": np.array(["BOS", "LAX", "MIA", "ORD"])[number % 4],
            "tailnum": np.where(number % 7, "N1", None),
            "year": 2013,
            "late": labels,
        }
    )
    for name in ("month", "day", "hour", "sched_dep_time", "sched_arr_time", "dep_time", "dep_delay", "distance"):
        table[name] = rng.integers(1, 2000, rows)
    for name in ("temp", "dewp", "humid", "wind_speed", "precip", "visib"):
        table[name] = rng.normal(size=rows)
    return table


def list_formats(version):
    """Return the table formats that have jars for a version of Spark."""
    return {re.split("[-.]", file.name)[0] for file in find_properties(version)}


def mark_place(name, engines, smoke=False):
    """Return the marks of a test at a place: those of the named engines that have jars for its format.

    The smoke tests of the newest version with jars test a format that has none for the pinned version of Spark.
    """
    file_format = name.split()[0]
    on_spark = "spark" in engines and (file_format not in LAKE_FORMATS or file_format in list_formats(VERSION))
    here_alone = VERSION == NEWEST_ICEBERG and file_format in list_formats(VERSION) - list_formats(PINNED)
    marks = [pytest.mark.engines(*[one for one in engines.split() if one == "sail" or on_spark])]
    return [*marks, pytest.mark.smoke] if on_spark and (smoke or here_alone) else marks


def at(places, soaked=(), smoke=False):
    """Run a test at places, each on the engines that it names; at some only when many kills are asked for."""
    marked = [pytest.param(name, marks=mark_place(name, engines, smoke)) for name, engines in places.items()]
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
