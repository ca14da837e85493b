"""The jobs as a cluster runs them: spark-submit, with the package in a zip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

REPOSITORY = Path(__file__).parents[2]
SPARK_SUBMIT = Path(pyspark.__file__).parent / "bin" / "spark-submit"


@pytest.fixture
def package(built):
    """Return the zip that --py-files takes."""
    return str(built[1])


def submit(package, job, *words):
    # away from the repository, so that only the zip can hold the package
    command = [str(SPARK_SUBMIT), "--properties-file", str(REPOSITORY / "conf/spark/local.conf")]
    command += ["--conf", "spark.driver.memory=1g", "--conf", "spark.master=local[2]", "--py-files", package]
    command += [str(REPOSITORY / "jobs" / f"{job}.py"), str(REPOSITORY / "conf/jobs" / f"{job}.toml"), *words]
    quiet = {
        name: value for name, value in os.environ.items() if name not in ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED")
    }
    env = {**quiet, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONSAFEPATH": ""}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=200, cwd=Path(package).parent, env=env, check=False
    )


@pytest.mark.slow
@pytest.mark.engines("spark")
@pytest.mark.parametrize("job", ["describe", "smote"])
def test_each_job_runs(package, flights, tmp_path, job):
    sets = ["--set", f"input.path={flights}"]
    if job != "describe":
        sets += ["--set", f"output.path={tmp_path / 'out'}"]
    done = submit(package, job, *sets, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["before"]["missing_rows"] == 20
    if job != "describe":
        assert (tmp_path / "out" / "_SUCCESS").exists() or any((tmp_path / "out").iterdir())
        assert json.loads((tmp_path / "out.manifest.json").read_text())["engine"] == "spark"


@pytest.mark.slow
@pytest.mark.engines("spark")
def test_a_users_mistake_exits_2(package, tmp_path):
    done = submit(package, "downsample", "--set", "input.path=/nope")
    assert done.returncode == 2
    # spark-submit sends what Python says to stderr to stdout
    assert "input: path '/nope' does not exist" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
