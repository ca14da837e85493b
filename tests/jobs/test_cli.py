"""The commands, on every configuration of the repository, and what bad input gets."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pandas as pd
import pyspark
import pytest
from rich.console import Console

from spark_balance.app import terminal
from spark_balance.app.options import LOOKING
from spark_balance.app.storage.manifest import made_by

REPOSITORY = Path(__file__).parents[2]
COMMANDS = (
    "advise",
    "balance",
    "describe",
    "downsample",
    "smote",
    "upsample",
    "weights",
)  # each with a file for spark-submit
CONFIGS = [REPOSITORY / "conf" / "jobs" / f"{command}.toml" for command in sorted(COMMANDS)]
WITH_OUTPUT = [path for path in CONFIGS if path.stem not in LOOKING]
# spark-submit runs those that resample on classic Spark
_MARKS = {"weights": [pytest.mark.every_engine]} | {
    name: [pytest.mark.smoke] for name in ("downsample", "upsample", "smote")
}


@pytest.fixture
def job(cli, flights, tmp_path):
    """Return a function that runs the configuration of a command on the small flights."""

    def run(command, *words, sets=()):
        config = REPOSITORY / "conf" / "jobs" / f"{command}.toml"
        sets = [f"input.path={flights}", *sets]
        if command == "balance":
            sets.append("sampler.random_under.sampling_strategy=[{label = false, rows = 50}]")
        if command not in LOOKING:
            sets.append(f"output.path={tmp_path / 'out'}")
        return cli(command, config, *(word for each in sets for word in ("--set", each)), *words)

    return run


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_each_command_has_a_configuration_and_a_job():
    assert all(path.exists() for path in CONFIGS)
    assert sorted(path.stem for path in (REPOSITORY / "jobs").glob("*.py")) == sorted([*COMMANDS, "compare", "stream"])


@pytest.mark.parametrize(
    "config", [pytest.param(path, id=path.stem, marks=_MARKS.get(path.stem, [])) for path in WITH_OUTPUT]
)
def test_every_configuration_runs(spark, engine, job, tmp_path, config):
    code, out, err = job(config.stem, "--json")
    assert (code, err) == (0, "")
    said = json.loads(out)
    planned = {}
    for entry in said["plan"]["classes"]:
        planned[entry["label"]] = planned.get(entry["label"], 0) + entry["after"]
    assert {entry["label"]: entry["rows"] for entry in said["after"]["classes"]} == planned
    assert spark.read.parquet(str(tmp_path / "out")).count() == sum(planned.values())
    assert names(tmp_path) == ["out", "out.manifest.json"]

    manifest = json.loads((tmp_path / "out.manifest.json").read_text())
    assert manifest["engine"] == engine
    # weights draw nothing
    assert manifest.get("random_state") == (None if config.stem == "weights" else 42)
    assert manifest["plan"] == said["plan"]
    assert manifest["after"] == said["after"]
    assert {"count", "prepare", "write", "verify"} <= set(manifest["seconds"])
    assert {"spark_balance", "pyspark", "python", "numpy"} <= set(manifest["versions"])


def test_versions_name_a_pyspark_without_package_data(spark, monkeypatch):
    def missing(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr("spark_balance.app.storage.manifest.version", missing)
    assert made_by(spark)["versions"]["pyspark"] == pyspark.__version__


def test_advise_judges(job):
    code, out, _ = job("advise")
    assert code == 0
    assert out.startswith("Leave the rows and the threshold as they are.\n- 60 of 580 rows (10.34%)")
    assert "20 rows have no label" in out


def test_describe_counts(job):
    code, out, _ = job("describe")
    assert code == 0
    assert "late" in out
    assert "moderate imbalance, 8.7 to 1" in out
    assert "NULL or NaN" in out


@pytest.mark.parametrize(("label", "told"), [("year", "before: only one class"), ("nothing", "before: no class")])
def test_describe_calls_no_single_class_balanced(spark, job, tmp_path, flights, label, told):
    rows = spark.read.parquet(str(flights)).selectExpr("year", "string(null) AS nothing")
    rows.write.parquet(str(tmp_path / "rows"))
    code, out, _ = job("describe", sets=[f"input.path={tmp_path / 'rows'}", f"describe.label_col={label}"])
    assert code == 0
    assert told in out


def test_tables_tell_counts_plan_output_and_seconds(job, tmp_path):
    code, out, err = job("upsample")
    assert code == 0
    for words in (
        "before: moderate",
        "plan: RandomOverSampler",
        "replicate",
        "after: mild",
        "seconds: start",
        "manifest:",
    ):
        assert words in out
    assert str(tmp_path / "out") in out
    # no progress where nobody watches
    assert "\x1b" not in out + err
    assert err == ""


def test_a_dry_run_writes_nothing(job, tmp_path):
    code, out, _ = job("downsample", "--dry-run")
    assert code == 0
    assert "plan: RandomUnderSampler" in out
    assert "nothing was written" in out
    assert names(tmp_path) == []


@pytest.mark.parametrize("words", [[], ["--dry-run"]], ids=["run", "dry run"])
@pytest.mark.parametrize(
    ("command", "sets", "sentence"),
    [
        ("smote", ["sampler.smote.k_neighbors=60"], "k_neighbors=60 needs at least 61"),
        (
            "upsample",
            ["sampler.random_over.shrinkage=[{label = false, shrinkage = 1}]"],
            "shrinkage has no entry for class True",
        ),
        ("weights", ["weights.strategy=[{label = 5, weight = 1}]"], "strategy names class 5"),
    ],
)
def test_a_dry_run_refuses_what_the_run_would(job, tmp_path, command, sets, sentence, words):
    code, _, err = job(command, *words, sets=sets)
    assert code == 2
    assert sentence in err
    assert names(tmp_path) == []


@pytest.mark.parametrize("words", [[], ["--dry-run"]], ids=["run", "dry run"])
@pytest.mark.parametrize(
    ("sets", "sentence"),
    [
        (["output.options.compression=nope"], "options={'compression': 'nope'} are not those of format parquet: "),
        (["output.format=csv", "output.options.sep=abcde"], "options={'sep': 'abcde'} are not those of format csv: "),
        (["input.where=count(*) > 1"], "where='count(*) > 1' is not a condition on its columns: "),
        (["input.where=row_number() over (order by flight) > 1"], "> 1' is not a condition on its columns: "),
        (["output.partition_by=time_hour"], "partition_by column 'time_hour' is a timestamp, which engine sail cannot"),
        (["input.path={cut}"], "cut cannot be read: "),
        (
            ["output.format=csv", "sampler.random_under.label_col=class", "input.path={empty}"],
            "csv holds class '' of column 'class' as NULL",
        ),
    ],
    ids=lambda given: "" if isinstance(given, str) else given[0],
)
def test_what_the_engine_would_refuse_in_the_end_is_refused_before(job, flights, tmp_path, sets, sentence, words):
    place = tmp_path / "in"
    place.mkdir()
    table = pd.read_parquet(flights)
    if "{cut}" in sets[0]:
        table.to_parquet(place / "whole.parquet")
        data = (place / "whole.parquet").read_bytes()
        (place / "cut.parquet").write_bytes(data[: len(data) // 2])
    table.assign(**{"class": ["", "a", "a"] * 200}).to_parquet(place / "empty.parquet")
    places = {"{cut}": str(place / "cut.parquet"), "{empty}": str(place / "empty.parquet")}
    for name, path in places.items():
        sets = [one.replace(name, path) for one in sets]
    code, _, err = job("downsample", *words, sets=sets)
    assert (code, "Traceback" in err) == (2, False), err
    assert sentence.replace("cut cannot", "cut.parquet cannot") in err.splitlines()[-1]
    assert names(tmp_path) == ["in"]


def test_progress_is_for_a_terminal_that_somebody_watches(monkeypatch):
    text = io.StringIO()
    monkeypatch.setattr(terminal, "_err", Console(file=text, force_terminal=True))  # as FORCE_COLOR does
    with terminal.show_step("write"):
        pass
    assert text.getvalue() == ""
    monkeypatch.setattr(terminal.sys.stderr, "isatty", lambda: True, raising=False)
    with terminal.show_step("write"):
        pass
    assert re.search("write .*0:00:0", text.getvalue())


@pytest.mark.every_engine
@pytest.mark.parametrize("key", ["carrier", "pair"])
def test_a_key_that_is_not_unique_is_the_users_mistake(spark, flights, job, tmp_path, key):
    spark.read.parquet(str(flights)).selectExpr("*", "flight div 2 AS pair").write.parquet(str(tmp_path / "in"))
    sets = [f"input.path={tmp_path / 'in'}", f"sampler.random_under.key_cols={key}"]
    wish = "sampler.random_under.sampling_strategy=[{label = false, rows = 61}]"
    code, _, err = job("downsample", sets=[*sets, wish])
    assert code == 2
    assert re.fullmatch("spark-balance: RandomUnderSampler: key_cols is not unique: .*", err.splitlines()[-1])
    assert "Traceback" not in err
    assert names(tmp_path) == ["in"]


def test_a_column_that_the_run_adds_is_no_partition(job, tmp_path):
    code, _, err = job("smote", sets=["output.partition_by=made_from"])
    assert code == 2
    assert "partition_by names column 'made_from' of type struct" in err


def test_partition_columns_of_new_rows_come_from_their_base(spark, job, tmp_path):
    code, _, err = job("smote", sets=['output.partition_by=["origin"]'])
    assert code == 0, err
    assert names(tmp_path / "out")[:3] == ["origin=EWR", "origin=JFK", "origin=LGA"]


def test_added_rows_alone_are_verified(spark, job, tmp_path):
    code, _, err = job("upsample", sets=['sampler.random_over.output="added"'])
    assert code == 0, err
    assert spark.read.parquet(str(tmp_path / "out")).count() == 260 - 60


@pytest.mark.parametrize(
    ("command", "sets", "sentence"),
    [
        ("downsample", ["input.path=nope"], "input: path 'nope' does not exist"),
        ("downsample", ["sampler.random_under.label_col=lat"], "column 'lat', which the frame does not have"),
        ("downsample", ["sampler.random_under.null_label=error"], "'late' is NULL or NaN in 20 rows"),
        ("downsample", ["sampler.random_under.sampling_strategy=[{label=true, rows=99}]"], "99 rows of class True"),
        ("downsample", ["sampler.random_under.label_col=year"], "1 class (2013)"),
        ("smote", ['sampler.smote.feature_cols=["temp", "nope"]'], "column 'nope'"),
        ("smote", ['sampler.smote.feature_cols=["temp", "temp"]'], "'temp' twice"),
        ("smote", ['sampler.smote.feature_cols=["temp", "tailnum"]'], "'tailnum'"),
        ("smote", ["sampler.smote.k_neighbors=60"], "k_neighbors"),
        ("smote", ["sampler.smote.random_state=1.5"], "random_state"),
    ],
)
def test_a_users_mistake_is_one_sentence_and_exit_2(job, tmp_path, command, sets, sentence):
    code, out, err = job(command, sets=sets)
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("spark-balance: ")
    assert out == ""
    assert names(tmp_path) == []


def test_an_output_that_exists_is_left_unless_the_mode_says_otherwise(job, tmp_path):
    (tmp_path / "out").mkdir()
    code, _, err = job("downsample", sets=["output.mode=error"])
    assert code == 2
    assert "exists already" in err
    assert names(tmp_path) == ["out"]


def test_a_command_refuses_the_sampler_of_another(cli, flights, tmp_path):
    code, _, err = cli("smote", REPOSITORY / "conf/jobs/upsample.toml", "--set", f"input.path={flights}")
    assert code == 2
    assert "[sampler.random_over], this command needs [sampler.smote]" in err


def test_balance_runs_any_sampler(cli, flights, tmp_path):
    config = REPOSITORY / "conf/jobs/upsample.toml"
    code, _, err = cli("balance", config, "--set", f"input.path={flights}", "--set", f"output.path={tmp_path / 'out'}")
    assert code == 0, err


def test_a_configuration_without_label_or_output_is_told(cli, flights, tmp_path):
    (tmp_path / "job.toml").write_text(f'[input]\npath = "{flights}"\n')
    assert "add [describe] with label_col" in cli("describe", tmp_path / "job.toml")[2]
    code, _, err = cli("balance", tmp_path / "job.toml", "--set", "sampler.random_under.label_col=late")
    assert code == 2
    assert "no table [output]" in err


def test_usage_mistakes_exit_2(cli):
    assert cli("downsample")[0] == 2
    assert cli("dwnsample", "x")[0] == 2
    assert cli("downsample", CONFIGS[0], "--conf", "x")[0] == 2


@pytest.mark.parametrize(
    ("lacks", "told", "extra"),
    [
        ("pyspark", "pyspark", "spark"),
        ("grpc", "what pyspark needs for Spark Connect", "spark"),
        ("typer", "typer", "cli"),
        ("rich", "rich", "cli"),
        ("pythonjsonlogger", "pythonjsonlogger", "cli"),
    ],
)
def test_without_an_extra_it_is_named(flights, tmp_path, lacks, told, extra):
    (tmp_path / "job.toml").write_text(f"[input]\npath = '{flights}'\n[describe]\nlabel_col = 'late'\n")
    code = (
        f"import sys; sys.modules['{lacks}'] = None; from spark_balance.__main__ import main;"
        f"main('describe', '{tmp_path / 'job.toml'}', '--engine', 'sail')"
    )
    # a file: without one pyspark 4.2 takes the process for a test of its own and exits 0
    (tmp_path / "main.py").write_text(code)
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, tmp_path / "main.py"], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 2
    assert f"spark-balance: {told}" in done.stderr
    assert f"is not installed: pip install 'spark-balance[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
