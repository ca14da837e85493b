"""The jobs as a cluster runs them: spark-submit, with the package in a zip."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest
from fetch_jars import LOCKS, find_properties, read_lock, read_properties
from formats import QUICK
from tables import make_flights

REPOSITORY = Path(__file__).parents[2]
SPARK_SUBMIT = Path(pyspark.__file__).parent / "bin" / "spark-submit"


@pytest.fixture
def package(built):
    """Return the zip that --py-files takes."""
    return str(built[2])


def bare(**more):
    """Return an environment of PATH and HOME alone: what a test process sets must not help a documented command."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": os.environ["HOME"], **more}


def submit(package, job, *words, conf="local"):
    # away from the repository, so that only the zip can hold the package
    command = [str(SPARK_SUBMIT), "--properties-file", str(REPOSITORY / f"conf/spark/{conf}.conf")]
    given = {"spark.driver.memory": "1g", "spark.master": "local[2]", **QUICK}
    command += [word for name, value in given.items() for word in ("--conf", f"{name}={value}")]
    command += ["--py-files", package]
    command += [str(REPOSITORY / "jobs" / f"{job}.py"), str(REPOSITORY / "conf/jobs" / f"{job}.toml"), *words]
    # as in an environment that was activated
    env = bare(PATH=f"{Path(sys.executable).parent}:{bare()['PATH']}")
    return subprocess.run(
        command, capture_output=True, text=True, timeout=200, cwd=Path(package).parent, env=env, check=False
    )


def test_a_driver_is_found_where_it_listens():
    for file in (REPOSITORY / "conf/spark").glob("*.conf"):
        lines = [line.split(maxsplit=1) for line in file.read_text().splitlines() if line.startswith("spark.")]
        named = {key: value for key, value in lines if key in ("spark.driver.bindAddress", "spark.driver.host")}
        # a host alone is where it listens too
        assert "spark.driver.host" in named or not named, file.name
        assert len(set(named.values())) <= 1, file.name


def test_the_properties_of_another_spark_name_other_jars_and_nothing_else():
    others = sorted((REPOSITORY / "conf/spark").glob("*-*.conf"))
    assert others
    for name in {file.name.partition("-")[0] for file in others}:
        first, *rest = (read_properties(file) for file in (REPOSITORY / "conf/spark").glob(f"{name}*.conf"))
        for found in rest:
            assert found.keys() == first.keys()
            assert {key for key in first if found[key] != first[key]} == {"spark.jars.packages"}, name


@pytest.mark.parametrize("version", [file.stem for file in sorted(LOCKS.glob("*.txt"))])
def test_tests_start_spark_with_the_jars_that_a_user_is_told_of(version):
    locked = {jar.coordinates for jar in read_lock(version)}
    named = {
        package
        for file in find_properties(version)
        for package in read_properties(file)["spark.jars.packages"].split(",")
    }
    assert named
    assert named <= locked


@pytest.mark.slow
@pytest.mark.engines("spark")
def test_the_documented_command_runs_as_it_is_documented(package, tmp_path):
    """From another folder, in an environment that is not activated, on rows whose results travel as blocks."""
    for name in ("conf", "jobs"):
        (tmp_path / name).symlink_to(REPOSITORY / name)
    (tmp_path / "dist").symlink_to(Path(package).parent)
    (tmp_path / "data/flights").mkdir(parents=True)
    make_flights(200_000, late=16_667).to_parquet(tmp_path / "data/flights/part-0.parquet", index=False)
    documented = re.search(
        r"^spark-submit .*conf/spark/local.conf .*$", (REPOSITORY / "docs/jobs.md").read_text(), re.M
    )
    command = [str(Path(sys.executable).parent / "spark-submit"), *documented.group().split()[1:], "--json"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
        # how the JVM compiles and collects does not help the command
        env=bare(PYSPARK_PYTHON=sys.executable, SPARK_SUBMIT_OPTS=QUICK["spark.driver.extraJavaOptions"]),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {entry["rows"] for entry in json.loads(done.stdout)["after"]["classes"]} == {183_333}


@pytest.mark.slow
@pytest.mark.engines("spark")
def test_a_job_runs_with_the_jars_that_a_properties_file_names(package, flights, tmp_path):
    """The jars come from Maven, as they do for a user; those of all other tests lie in data/jars."""
    manifest = tmp_path / "manifest.json"
    sets = {"input.path": flights, "output.manifest": manifest}
    sets |= {"output.format": "delta", "output.path": tmp_path / "out"}
    words = [word for key, value in sets.items() for word in ("--set", f"{key}={value}")]
    done = submit(package, "smote", *words, "--json", conf="delta")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert said["before"]["missing_rows"] == 20
    told = json.loads(manifest.read_text())
    assert told["engine"] == "spark"
    log = tmp_path / "out/_delta_log/00000000000000000000.json"
    [commit] = [line for line in log.read_text().splitlines() if "commitInfo" in line]
    assert told["run"]["id"] in commit


@pytest.mark.slow
@pytest.mark.engines("spark")
def test_a_users_mistake_exits_2(package, tmp_path):
    done = submit(package, "describe", "--set", "input.path=/nope")
    assert done.returncode == 2
    # spark-submit sends what Python says to stderr to stdout
    assert "input: path '/nope' does not exist" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
