"""The command advise: what it prints, the command that it prints, and what bad input gets."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest

from spark_balance.compare import contest
from spark_balance.datasets import payments

FEW = ["payment_id", "country", "device", "amount", "age", "attempts", "distance_km", "is_fraud"]


@pytest.fixture(autouse=True)
def table(tmp_path, monkeypatch):
    """Work in a folder with 8,000 payments, 80 of them frauds, in two files with a blank in their folder's name."""
    monkeypatch.chdir(tmp_path)
    made = payments(30_000)[FEW]
    made = pd.concat([made[made["is_fraud"] == 1].head(80), made[made["is_fraud"] == 0].head(10_000)])
    (tmp_path / "my data").mkdir()
    made.to_csv("my data/a.csv", index=False)
    return made


@pytest.fixture
def typed(cli):
    """Return a function that runs a line as it is typed."""

    def run(line):
        return cli(*shlex.split(line.replace("\\\n", " ").removeprefix("spark-balance ")))

    return run


def test_what_is_advised_runs_as_it_is_printed(typed, table):
    line = "spark-balance advise 'my data' --label is_fraud --where 'age < 60' --random-state 5"
    code, out, err = typed(line)
    assert code == 0, err
    assert out.startswith("Fit the rows as they are first; then try SMOTE.\n- 6")
    assert max(map(len, out.splitlines())) <= 80
    [command] = re.findall(r"^spark-balance smote (?:.*\\\n)*.*$", out, re.MULTILINE)
    assert "distance_km" not in command
    code, _, err = typed(command)
    assert code == 0, err
    young = table[table["age"] < 60]["is_fraud"].value_counts()
    more = pd.read_parquet("more.parquet")
    assert more["is_fraud"].value_counts()[0] == young[0]
    assert more["is_fraud"].value_counts()[1] == pytest.approx(11 * young[1], rel=0.05)
    assert more["country"].notna().mean() > 0.9

    # the same as JSON, and from the file that says all
    code, out, _ = typed(f"{line} --json --save job.toml")
    assert code == 0
    said = json.loads(out)
    assert (said["recommendation"], said["numbers"]["rare_rows"]) == ("oversample", young[1])
    assert shlex.split(said["command"]) == shlex.split(command.replace("\\\n", " "))
    code, out, _ = typed("advise job.toml --json")
    again = json.loads(out)
    assert again.pop("command") == said.pop("command").replace("'my data' --where 'age < 60'", "job.toml")
    assert again == said


@pytest.mark.parametrize(
    ("words", "command", "rows"),
    [
        ("--label is_fraud --fit-rows 1000", "downsample", {0: 920, 1: 80}),
        ("--label is_fraud --where 'is_fraud = 0 or age < 27'", "upsample", None),
        ("--label is_fraud --features attempts --categorical country,device", "smotenc", None),
        ("--label is_fraud --where 'false or true' --categorical country,device", "smoten", None),
        ("--label size", "weights", None),
    ],
)
def test_each_command_that_is_advised_runs(typed, table, words, command, rows):
    if command == "smoten":
        table = table[["country", "device", "is_fraud"]]
    sized = pd.cut(table.get("amount", table["is_fraud"]), [-1, 5, 150, 1e9], labels=["small", "middle", "large"])
    table.assign(size=sized.astype(str)).to_csv("table.csv", index=False)
    code, out, err = typed(f"spark-balance advise table.csv {words} --json")
    assert code == 0, err
    said = json.loads(out)
    printed, rare = said["command"], said["numbers"]["rare_rows"]
    assert printed.startswith(f"spark-balance {command} table.csv ")
    code, _, err = typed(printed)
    assert code == 0, err
    [file] = Path().glob("*.parquet")
    made = pd.read_parquet(file)
    if rows:
        assert made["is_fraud"].value_counts().to_dict() == rows
    if command in ("downsample", "weights"):
        assert made["weight"].sum() == pytest.approx(len(table))
    else:
        assert made["is_fraud"].sum() == pytest.approx(11 * rare, rel=0.05)


def test_a_threshold_comes_with_a_command_that_compares(typed, table, monkeypatch):
    monkeypatch.setattr(contest, "N_FOLDS", 2)
    table.query("is_fraud == 1 or age > 75").to_parquet("old.parquet", index=False)
    code, out, _ = typed("advise old.parquet --label is_fraud --features amount,attempts --categorical ''")
    assert (code, out.partition("\n")[0]) == (0, "Do not resample: fit the rows as they are, and move the threshold.")
    assert "[[0, 1], [" in out
    _, command = out.replace("\\\n", " ").split("To compare treatments on your rows, in a shell:\n")
    asked = "advise old.parquet --label is_fraud --features amount,attempts --categorical '' --compare true"
    assert " ".join(command.split()) == f"spark-balance {asked}"
    code, out, err = typed(command)
    assert code == 0, err
    assert "On 2 folds of your rows" in " ".join(out.split())
    assert "--compare" not in out


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("advise 'my data'", "advise: --label is missing; name the column with the classes, one of payment_id"),
        ("advise 'my data' --label fraud", "column 'fraud', which the frame does not have; did you mean 'is_fraud'?"),
        (
            "advise 'my data' --label is_fraud --compare maybe",
            "advise.compare='maybe': input should be a valid boolean",
        ),
        ("advise 'my data' --label is_fraud --fit-rows 0", "fit_rows=0 is not enough to fit on"),
        (
            "advise 'my data' --label is_fraud --where 'is_fraud = 1'",
            "has one class, 1; name a column with two classes",
        ),
        ("advise 'my data' --label is_fraud --output x.csv", "no such option: --output"),
        ("advise job.toml", "config: the label column is unknown; add [advise] with label_col"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(typed, tmp_path, line, sentence):
    (tmp_path / "job.toml").write_text("[input]\npath = 'my data/a.csv'\n")
    code, out, err = typed(line)
    assert (code, out) == (2, "")
    assert sentence in err.splitlines()[-1]
