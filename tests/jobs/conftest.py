"""A small table in the shape of the demo's flights, the command line as a function, and what is handed out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import functions as F
from tables import FEW, ROWS, make_flights

REPOSITORY = Path(__file__).parents[2]
FLIGHTS, LATE, UNKNOWN = 600, 60, 20


@pytest.fixture(scope="session")
def flights(tmp_path_factory):
    """Return the path of 600 flights: 60 late, 520 not, 20 without a label."""
    table = make_flights(FLIGHTS, LATE, UNKNOWN)
    path = tmp_path_factory.mktemp("data") / "flights"
    path.mkdir()
    for part in (0, 1):
        table.iloc[part::2].to_parquet(path / f"part-{part}.parquet", index=False)
    return path


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Return the wheel, the sdist and the zip that scripts/package.sh makes; the recipe lies beside them."""
    folder = tmp_path_factory.mktemp("dist")
    command = ["bash", str(REPOSITORY / "scripts" / "package.sh"), "--to", str(folder)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHON": sys.executable})
    return sorted(folder.glob("spark_balance*"))


@pytest.fixture
def cli(spark, monkeypatch, capsys):
    """Return a function that runs spark-balance in this process and gives exit code, stdout and stderr."""
    from spark_balance.__main__ import run as run_command

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["spark-balance", *map(str, words)])
        end = run_command()
        if end.bug is not None:
            raise end.bug
        sys.stderr.write(end.says)
        said = capsys.readouterr()
        return end.code, said.out, said.err

    return run


@pytest.fixture(scope="session")
def days_frame(spark):
    """Return 40 rows of two days, 8 of them of the small class, 4 on each day."""
    number = F.col("id")
    day = F.when(number % 2 == 0, "mon").otherwise("tue")
    return spark.range(ROWS).select(number, (number < FEW).alias("late"), day.alias("day")).coalesce(1)


@pytest.fixture
def place(request, spark, engine, tmp_path):
    """Return where a "delta path", an "iceberg table" and so on is to be: what a Sink and a Source are given."""
    kind, how = request.param.split()
    lake = kind == "iceberg" and engine != "sail"  # Sail has one catalog for all
    if lake:
        spark.sql("CREATE NAMESPACE IF NOT EXISTS lake.db")
    name = f"{'lake.db' if lake else 'default'}.t{abs(hash(tmp_path)) % 10**9}"
    where = {"path": str(tmp_path / "t")} if how == "path" else {"table": name}
    sink = {**where, "format": kind, "manifest": str(tmp_path / "manifest.json")}
    return {"sink": sink, "source": {**where, "format": kind} if how == "path" else where}
