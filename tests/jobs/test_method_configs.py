"""The configurations of methods, run by `balance`: each from its file to what it wrote, with manifest and dry run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from manifests import check_described
from test_cli import COMMANDS

from spark_balance.app.config import JobConfig
from spark_balance.base.registry import SAMPLERS

FOLDER = Path(__file__).parents[2] / "conf" / "jobs"
METHODS = sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem not in COMMANDS)


@pytest.fixture
def balance(cli, flights, tmp_path):
    """Return a function that runs a method's configuration on the small flights, and gives what it says."""

    def run(method, *words, sets=()):
        places = [f"input.path={flights}", f"output.path={tmp_path / 'out'}", *sets]
        given = [word for one in places for word in ("--set", one)]
        code, out, err = cli("balance", FOLDER / f"{method}.toml", *given, *words)
        assert code == 0, err
        assert all(line.startswith("warning: ") for line in err.splitlines())
        return out

    return run


def written(spark, tmp_path):
    return spark.read.parquet(str(tmp_path / "out"))


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_every_configuration_loads_and_says_how_it_is_run(path):
    config = JobConfig.load(path, ())
    command = path.stem if path.stem in COMMANDS else "balance"
    text = path.read_text()
    assert f"# spark-balance {command} conf/jobs/{path.name}" in text  # with what it may be given beside
    assert "data/" in config.input.path
    assert config.output is None or "default is" in text


def test_every_kind_of_method_has_a_configuration():
    named = {JobConfig.load(FOLDER / f"{method}.toml", ()).sampler_name for method in METHODS}
    assert named <= set(SAMPLERS)
    assert {"tomek_links", "edited_nearest_neighbours", "near_miss", "smotenc"} <= named
    assert {"borderline_smote", "smoteenn", "chain", "random_under"} <= named


@pytest.mark.parametrize("method", METHODS)
def test_a_method_runs_as_its_configuration_says(spark, balance, tmp_path, method):
    said = json.loads(balance(method, "--json"))
    manifest = json.loads((tmp_path / "out.manifest.json").read_text())
    check_described(manifest)
    config = JobConfig.load(FOLDER / f"{method}.toml", ())
    assert manifest["sampler"].keys() == {config.sampler_name}
    # the manifest makes the sampler anew
    assert SAMPLERS[config.sampler_name].from_toml_dict(manifest["sampler"][config.sampler_name])
    assert manifest["plan"] == said["plan"]
    after = {entry["label"]: entry["rows"] for entry in manifest["after"]["classes"]}
    rows = config.sampler.labelled(written(spark, tmp_path))
    assert after == {row[0]: row[1] for row in rows.groupBy(config.sampler.label_col).count().collect()}
    for entry in said["plan"]["classes"]:
        rows = after.get(entry["label"], 0)
        assert rows <= entry["after"] if said["plan"]["counts"] != "exact" else rows == entry["after"]
    assert sum(after.values()) > 0
    assert None not in after


@pytest.mark.parametrize("method", METHODS)
def test_a_dry_run_of_a_method_writes_nothing(balance, tmp_path, method):
    out = balance(method, "--dry-run")
    assert "nothing was written" in out
    assert "plan: " in out
    assert list(tmp_path.iterdir()) == []


def test_the_keys_that_cleaning_removes_are_those_of_the_rows_that_are_missing(spark, balance, flights, tmp_path):
    balance("tomek_links")
    keys = written(spark, tmp_path)
    assert keys.columns == ["time_hour", "carrier", "flight", "late"]
    removed = {row.flight for row in keys.collect()}
    assert {row.late for row in keys.collect()} == {False}
    balance("tomek_links", sets=["sampler.tomek_links.output=all"])
    labelled = {row.flight for row in spark.read.parquet(str(flights)).where("late is not null").collect()}
    assert removed == labelled - {row.flight for row in written(spark, tmp_path).collect()}


@pytest.mark.parametrize("method", ["borderline_smote", "chain", "smoteenn"])
def test_new_rows_lie_in_the_folder_of_their_base(spark, balance, tmp_path, method):
    balance(method)
    folders = sorted(path.name for path in (tmp_path / "out").glob("origin=*"))
    assert folders == ["origin=EWR", "origin=JFK", "origin=LGA"]
    new = written(spark, tmp_path).where("flight is null")
    assert new.count() > 50
    assert new.where("origin is null or carrier is not null").count() == 0


def test_smoteenn_keeps_its_strategy_where_its_new_rows_inherit():
    for given in ({"sampling_strategy": 0.5}, {"smote": {"sampling_strategy": 0.5}}):
        sampler = SAMPLERS["smoteenn"](label_col="late", null_label="drop", **given).inheriting(("origin",))
        first = sampler.steps[0]
        assert (first.sampling_strategy, first.passthrough, first.null_label) == (0.5, ("origin",), "drop")
        assert SAMPLERS["smoteenn"].from_toml_dict(sampler.to_toml_dict()).steps[0] == first


def test_a_chain_tells_the_plan_and_the_notes_of_each_step(balance, tmp_path):
    balance("chain")
    manifest = json.loads((tmp_path / "out.manifest.json").read_text())
    steps = manifest["plan"]["steps"]
    assert [step["method"] for step in steps] == ["RandomUnderSampler", "SMOTE", "TomekLinks"]
    rows = [{entry["label"]: entry["after"] for entry in step["classes"]} for step in steps]
    assert rows[:2] == [{False: 300, True: 60}, {False: 300, True: 150}]
    assert manifest["notes"]["2 SMOTE"]["estimated_recall"] == 1.0
    assert manifest["notes"]["3 TomekLinks"]["cells"] == 1


def test_synthetic_flights_have_categories_that_are_there(spark, balance, flights, tmp_path):
    balance("smotenc")
    new = written(spark, tmp_path).where("made_from.kind = 'synthetic'")
    there = spark.read.parquet(str(flights))
    for name in ("carrier", "origin", "dest"):
        values = {row[0] for row in there.select(name).distinct().collect()}
        assert {row[0] for row in new.select(name).distinct().collect()} <= values - {None}


def test_whole_days_stay_whole(spark, balance, flights, tmp_path):
    # nearly every small flight has a day of its own, but hours are shared
    balance("whole_days", sets=['sampler.random_under.group_cols=["hour"]'])
    there, kept = (
        frame.where("late = false").groupBy("hour").count().collect()
        for frame in (spark.read.parquet(str(flights)), written(spark, tmp_path))
    )
    sizes = {row[0]: row[1] for row in there}
    assert kept
    assert all(sizes[row[0]] == row[1] for row in kept)
    assert max(sizes.values()) > 1


def test_the_manifest_tells_how_far_a_class_is_from_its_plan(balance, tmp_path):
    balance("near_miss", sets=["sampler.near_miss.version=3", "sampler.near_miss.sampling_strategy=0.2"])
    manifest = json.loads((tmp_path / "out.manifest.json").read_text())
    after = {entry["label"]: entry["rows"] for entry in manifest["after"]["classes"]}
    assert manifest["notes"]["rows_short_of_the_plan"] == {"False": 300 - after[False]}
    assert after[False] < 300
    # what cleaning leaves is no number that anybody wanted
    balance("edited_nearest_neighbours")
    assert "rows_short_of_the_plan" not in json.loads((tmp_path / "out.manifest.json").read_text())["notes"]
