"""The command explain: a configured input, and a table on paper."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

CONF = Path(__file__).parents[2] / "conf" / "jobs"


@pytest.mark.every_engine
@pytest.mark.parametrize("name", ["smote", "upsample", "downsample"])
def test_explain_shows_steps_and_writes_nothing(cli, engine, flights, tmp_path, name):
    sets = ("--set", f"input.path={flights}", "--set", f"output.path={tmp_path / 'out'}")
    code, out, err = cli("explain", CONF / f"{name}.toml", *sets, "--cores", 3)
    assert (code, err) == (0, "")
    assert "on 3 cores: 580 rows" in out
    assert re.search(r"^step +times +tasks ", out, re.MULTILINE)
    assert "count" in out
    assert "write" in out
    # of a session of another engine, classic Spark is not spoken of
    assert engine == "spark" or "spark" not in out.lower()
    assert list(tmp_path.iterdir()) == []


def test_explain_as_json(cli, flights):
    code, out, _ = cli("explain", CONF / "smote.toml", "--set", f"input.path={flights}", "--json")
    said = json.loads(out)
    assert code == 0
    assert (said["cells"], said["guests_per_row"], said["estimated_recall"]) == (1, 0.0, 1.0)
    assert said["steps"][0]["step"] == "count"


@pytest.mark.parametrize(
    "config", [(), (CONF / "smote.toml",), (CONF / "upsample.toml",)], ids=["none", "smote", "over"]
)
def test_a_table_on_paper_reads_nothing(cli, monkeypatch, config):
    monkeypatch.setattr("spark_balance.app.commands.open_session", lambda *_: pytest.fail("a session was opened"))
    sizes = ("--rows", "1e9", "--features", 200, "--minority", "1e-4", "--cores", 512)
    code, out, err = cli("explain", *config, *sizes)
    assert (code, err) == (0, "")
    assert "512 cores: 1,000,000,000 rows" in out
    assert json.loads(cli("explain", *config, *sizes, "--json")[1])["cores"] == 512


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "nothing to explain"),
        ((CONF / "describe.toml", "--rows", "1e6"), "no sampler"),
        ((CONF / "weights.toml",), "no sampler"),
        (("--rows", "1e6", "--minority", "0.7"), "no table has rows=1000000"),
        (("--rows", "1e6", "--minority", "nan"), "minority=nan"),
        (("--rows", "1e6", "--engine", "flink"), "--engine=flink opens a session"),
        ((CONF / "smote.toml", "--features", "3"), "give its --rows too"),
        (("--rows", "1e6", "--cores", "0"), "cores=0"),
        (("nope.toml",), "'nope.toml' does not exist"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(cli, words, sentence):
    code, out, err = cli("explain", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err
