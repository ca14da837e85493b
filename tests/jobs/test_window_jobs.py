"""Jobs on windows of a series: what is counted, written and told are whole windows."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tomli
import tomli_w
from manifests import check_described

PAGE = (Path(__file__).parents[2] / "docs" / "windows.md").read_text()
TABLES = tomli.loads(re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0])
KEY = ["machine", "window"]


@pytest.fixture
def readings(tmp_path, monkeypatch):
    """Write 80 windows of 4 steps, 10 of them with a fault, and the page's job beside them; work there."""
    monkeypatch.chdir(tmp_path)
    index = pd.MultiIndex.from_product([range(4), range(20), range(4)], names=[*KEY, "step"])
    table = index.to_frame(index=False)
    table["fault"] = (((table["machine"] * 20 + table["window"]) % 8) == 0).astype(int)
    rng = np.random.default_rng(3)
    table["heat"] = rng.normal(50, 5, len(table)) + 3 * table["step"] * table["fault"]
    table["speed"] = rng.normal(20, 2, len(table))
    table = table.sample(frac=1, random_state=1)
    table.to_parquet("readings.parquet", index=False)
    Path("windows.toml").write_text(tomli_w.dumps(TABLES))
    return table.sort_values([*KEY, "step"], ignore_index=True)


def run(cli, *words):
    """Run a command, and return its result."""
    code, out, err = cli(*words, "--json")
    assert code == 0, err
    return json.loads(out)


def test_the_page_s_job_makes_whole_windows(cli, readings):
    limits = [f"--set=verify.{limit}=1" for limit in ("max_copies", "max_nearer_to_other_class")]
    words = ("balance", "windows.toml", "--report", "page.html", "--report-rows", "2", *limits)
    said = run(cli, *words)
    manifest = json.loads(Path("balanced.parquet.manifest.json").read_text())
    check_described(manifest)
    assert manifest["windows"]["window_cols"] == KEY
    assert said["notes"]["rows_are"] == "windows of machine, window"
    assert [(one["label"], one["rows"]) for one in said["before"]["classes"]] == [(0, 70), (1, 10)]
    assert [(one["label"], one["rows"]) for one in said["after"]["classes"]] == [(0, 70), (1, 70)]
    assert [(one["rows_made"], one["bases"]) for one in manifest["lineage"]["classes"]] == [(0, 0), (60, 10)]
    [figures] = said["trust"]["classes"]
    assert (figures["originals"], figures["new_rows"]) == (10, 60)
    assert "made_of" in Path("page.html").read_text()
    rows = pd.read_parquet("balanced.parquet")
    assert rows.columns.tolist() == [*readings.columns, "made_of", "copy"]
    windows = rows.sort_values("step").groupby([*KEY, "copy"])
    assert len(windows) == 140
    assert all(one.tolist() == [0, 1, 2, 3] for _, one in windows["step"])
    originals = rows[rows["copy"] == 0].sort_values([*KEY, "step"], ignore_index=True)[readings.columns]
    pd.testing.assert_frame_equal(originals, readings, check_dtype=False)
    # the same run is found, and other windows are another run
    assert run(cli, *words)["already_finished"]
    code, _, err = cli(*words, "--set", "windows.copy_col=nth")
    assert (code, "exists already" in err) == (2, True)


def test_the_page_s_command_keeps_whole_windows_as_they_were(cli, readings):
    [command] = re.findall(r"spark-balance (downsample (?:.|\\\n)*?\.parquet)\n```", PAGE)
    said = run(cli, *shlex.split(command.replace("\\\n", "")))
    assert said["plan"]["rows_after"] == 20
    rows = pd.read_parquet("kept.parquet").sort_values([*KEY, "step"], ignore_index=True)
    assert rows.columns.tolist() == readings.columns.tolist()
    kept = readings.merge(rows[KEY].drop_duplicates(), on=KEY)
    pd.testing.assert_frame_equal(rows, kept, check_dtype=False)
    assert len(kept) == 80


@pytest.mark.parametrize(
    ("name", "parameters", "originals"),
    [
        ("random_over", {}, 80),
        ("random_over", {"provenance_col": "made_of"}, 80),
        ("random_over", {"output": "added"}, 0),
        ("smotetomek", {"feature_cols": ["heat"], "smote": {"provenance_col": "made_of"}}, None),
    ],
)
def test_copies_have_numbers_whatever_the_method(cli, readings, name, parameters, originals):
    tables = {**TABLES, "sampler": {name: {"label_col": "fault", **parameters}}}
    Path("other.toml").write_text(tomli_w.dumps(tables))
    said = run(cli, "balance", "other.toml")
    windows = pd.read_parquet("balanced.parquet").sort_values("step").groupby([*KEY, "copy"])
    assert all(one.tolist() == [0, 1, 2, 3] for _, one in windows["step"])
    numbers = pd.Series([copy for *_, copy in windows.groups])
    assert len(numbers) == sum(one["rows"] for one in said["after"]["classes"])
    if originals is None:  # the second step removes some
        assert 80 < len(numbers) <= 140
        made_of = windows["made_of"].first()
        assert [one["kind"] == "original" for one in made_of] == [copy == 0 for *_, copy in made_of.index]
    else:
        assert (len(numbers), (numbers == 0).sum()) == (60 + originals, originals)


def test_what_writes_nothing_counts_windows(cli, readings):
    assert [one["rows"] for one in run(cli, "describe", "windows.toml")["before"]["classes"]] == [70, 10]
    said = run(cli, "balance", "windows.toml", "--dry-run")
    assert said["plan"]["rows_after"] == 140
    assert "the rows that the sampler reads are shuffled into windows" in said["cost"]["warnings"][-1]
    code, out, _ = cli("explain", "windows.toml")
    assert (code, "80 rows -> 140" in out, "shuffled into windows" in out) == (0, True, True)
    code, out, _ = cli("balance", "windows.toml", "--dry-run")
    assert "rows above: windows of machine, window" in out


def test_weights_are_of_windows(cli, readings):
    tables = {name: TABLES[name] for name in ("input", "windows", "output")} | {"weights": {"label_col": "fault"}}
    Path("weights.toml").write_text(tomli_w.dumps(tables))
    assert [one["rows"] for one in run(cli, "weights", "weights.toml")["after"]["classes"]] == [70, 10]
    rows = pd.read_parquet("balanced.parquet")
    assert {*rows.groupby("fault")["weight"].unique().map(tuple)} == {(80 / 140,), (4.0,)}
    assert len(rows) == len(readings)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            'sampler.smote.key_cols=["step"]',
            "windows: key_cols (step) of SMOTE identifies rows, and window_cols a window",
        ),
        ("run.max_shuffle_gb=1", "max_shuffle_gb does not count what [windows] shuffles; leave one of them out"),
        ("windows.order_col=moment", "to_windows: order_col names column 'moment', which the frame does not have"),
        ("windows.max_steps=3", "to_windows: a window has 4 steps, and max_steps=3"),
        ("windows.step=3", "config: windows: unknown key 'step'"),
        ('windows.window_cols=["machine"]', "to_windows: 4 of 4 windows have several labels, such as"),
        ("windows.copy_col=heat", "copy_col='heat' is already a column"),
    ],
)
def test_what_does_not_fit_is_one_sentence(cli, readings, given, sentence):
    code, _, err = cli("balance", "windows.toml", "--set", given)
    assert code == (3 if "max_steps" in given else 2)
    assert sentence in err
    assert not Path("balanced.parquet").exists()


def test_new_windows_name_their_base_and_single_rows_are_judged_without_windows(cli, readings):
    del (tables := json.loads(json.dumps(TABLES)))["sampler"]["smote"]["provenance_col"]
    Path("untold.toml").write_text(tomli_w.dumps(tables))
    code, _, err = cli("balance", "untold.toml")
    assert (code, "SMOTE makes new windows, and a provenance column says which they are; set" in err) == (2, True)
    code, _, err = cli("advise", "windows.toml")
    assert (code, "config: advise judges single rows, not [windows]; leave that table out" in err) == (2, True)
