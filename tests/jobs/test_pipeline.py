"""The example of a declarative pipeline, run as its words say, on a few flights."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow.dataset as ds
import pyspark
import pytest
from formats import QUICK

REPOSITORY = Path(__file__).parents[2]
PIPELINES = Path(pyspark.__file__).parent / "bin" / "spark-pipelines"


@pytest.mark.slow
@pytest.mark.engines("spark")
def test_the_pipeline_runs(flights, tmp_path):
    shutil.copytree(REPOSITORY / "docs/examples/pipeline", tmp_path / "pipeline")
    spec, code = tmp_path / "pipeline/spark-pipeline.yml", tmp_path / "pipeline/transformations/balanced_flights.py"
    spec.write_text(
        spec.read_text()
        .replace("file:///tmp/balanced_flights", f"file://{tmp_path}/storage")
        .replace("data/flights", str(flights))
    )
    code.write_text(code.read_text().replace("{False: 299_029, True: 28_317}", "{False: 520, True: 60}"))
    command = [PIPELINES, "run", "--remote", "local[2]", "--conf", f"spark.sql.warehouse.dir={tmp_path}/warehouse"]
    quick = {"spark.sql.shuffle.partitions": "4", "spark.ui.enabled": "false", **QUICK}
    command += [word for name, value in quick.items() for word in ("--conf", f"{name}={value}")]
    alone = {name: value for name, value in os.environ.items() if name != "SPARK_REMOTE"}
    env = {**alone, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [*command, "--spec", spec], capture_output=True, text=True, timeout=200, cwd=tmp_path, env=env, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(tmp_path, "flights_balanced") == {False: 60, True: 60}
    assert rows(tmp_path, "flights_smote") == {False: 520, True: 520}
    on_arrival = rows(tmp_path, "flights_balanced_on_arrival")
    assert on_arrival[True] == 60
    assert 30 < on_arrival[False] < 90


def rows(folder, table):
    return Counter(ds.dataset(folder / "warehouse" / table, format="parquet").to_table()["late"].to_pylist())
