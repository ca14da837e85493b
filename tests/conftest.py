"""One engine for each pytest process: ``pytest --engine sail|spark|connect``."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fetch_jars import DownloadError
from formats import INTERPRETED, QUICK, table_formats
from frames import Digest
from hypothesis import settings

from spark_balance.testing.case import difference

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

FEW_KILLS = 3
FEW_HOSTILE = 15


def pytest_addoption(parser):
    parser.addoption("--engine", default="sail", choices=["sail", "spark", "connect"], help="the engine to test on")
    parser.addoption("--kills", default=FEW_KILLS, type=int, help="drivers to kill for each format")
    parser.addoption("--hostile", default=FEW_HOSTILE, type=int, help="jobs with hostile names to run")


def pytest_assertrepr_compare(op, left, right):
    """Show rows where two frames, compared by their digests, are not equal."""
    if op != "==" or not isinstance(left, Digest) or not isinstance(right, Digest):
        return None
    shown = difference(left.rows, right.rows, most=5)
    return [f"rows of two frames ({left[0]} and {right[0]})", *shown.split("; ")]


def pytest_report_header(config):
    return f"engine: {config.getoption('--engine')}"


def pytest_collection_modifyitems(config, items):
    """Keep what is meant for this engine: everything on Sail, the marked tests on the others.

    Classic Spark and Connect run tasks alike: what looks at their rows alone is marked for one of the two, and what a
    client may do in its own way (types, files, models, refusals) and each family of plans for both. On another version
    of Spark, `-m smoke` chooses.
    """
    engine = config.getoption("--engine")
    soaking = config.getoption("--kills") > FEW_KILLS or config.getoption("--hostile") > FEW_HOSTILE
    keep, drop = [], []
    for item in items:
        wanted = _is_for(item, engine) and (soaking or not item.get_closest_marker("soak"))
        (keep if wanted else drop).append(item)
    config.hook.pytest_deselected(items=drop)
    items[:] = keep


def _is_for(item, engine):
    if item.config.getoption("-m").startswith("smoke"):
        return True
    named = item.get_closest_marker("engines")
    if named:
        return engine in named.args
    return engine == "sail" or item.get_closest_marker("every_engine") is not None


@pytest.fixture(scope="session")
def engine(request):
    """Return the engine of this run: "sail", "spark" or "connect"."""
    return request.config.getoption("--engine")


@pytest.fixture(scope="session")
def spark(engine, tmp_path_factory):
    """Return one small session on that engine for the whole run."""
    from spark_balance.app.session import open_session

    warehouse = tmp_path_factory.mktemp("warehouse")
    conf = {
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.warehouse.dir": str(warehouse),
        "spark.sql.session.timeZone": "UTC",
        "spark.python.sql.dataFrameDebugging.enabled": "false",  # as `open_session` has it for an engine of its own
    }
    if engine == "sail":
        return open_session(engine, app_name="tests", spark_conf=conf)
    try:
        conf |= {**table_formats(tmp_path_factory.mktemp("lake")), **QUICK, "spark.master": "local[2]"}
    except DownloadError as lacking:
        pytest.exit(str(lacking), returncode=2)
    conf |= {"spark.python.daemon.module": "worker_daemon"} | (INTERPRETED if engine == "connect" else {})
    with pytest.MonkeyPatch.context() as environment:
        # where the workers of this JVM find the daemon, and no process that a test starts
        environment.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        return open_session(engine, app_name="tests", spark_conf=conf)


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Keep what is logged to MLflow in a folder, and return a function that reads its runs, the last first."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")

    def read():
        from mlflow import MlflowClient

        return list(MlflowClient().search_runs(["0"], order_by=["attributes.start_time DESC"]))

    return read
