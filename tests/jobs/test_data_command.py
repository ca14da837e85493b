"""Commands on a file of data: as the page and the help of each method print them, in a folder of its own."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spark_balance.app import options
from spark_balance.base.registry import SAMPLERS

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"
ROWS, FRAUD = 300, 30


@pytest.fixture(autouse=True)
def payments(tmp_path, monkeypatch):
    """Work in a folder with a small table of payments, as CSV and as Parquet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    draw = np.random.default_rng(0)
    fraud = np.arange(ROWS) % (ROWS // FRAUD) == 0
    table = pd.DataFrame(
        {
            "id": np.arange(ROWS) + 1000,
            "amount": (draw.lognormal(3, 1, ROWS) + 900 * (np.arange(ROWS) % 20 == 0)).round(2),
            "age": draw.integers(18, 90, ROWS),
            "country": draw.choice(["DE", "FR", "US"], ROWS),
            "note": np.where(draw.random(ROWS) < 0.1, 'said "no", twice', "ok"),
            "is_fraud": fraud.astype(int),
        }
    )
    table.to_csv("payments.csv", index=False)
    table.to_parquet("payments.parquet", index=False)
    return table


@pytest.fixture
def typed(cli):
    """Return a function that runs a line as it is typed."""

    def run(line):
        return cli(*shlex.split(line.removeprefix("spark-balance ")))

    return run


def test_the_commands_of_the_page_do_what_it_says(typed, payments):
    lines = [line for line in PAGE.read_text().splitlines() if re.match(r"spark-balance [\w-]+ [\w.]+ ?", line)]
    assert len(lines) >= 8
    for line in lines:
        code, out, err = typed(line)
        assert code == 0, f"{line}: {err}"
        assert ("dry run: nothing was written\n" in out and "give --output PATH" in out) == (
            line[14:] == "smote payments.csv --label is_fraud"
        )
    for name in ("balanced.csv", "other.csv"):
        assert pd.read_csv(name)["is_fraud"].value_counts().to_dict() == {0: ROWS - FRAUD, 1: ROWS - FRAUD}
    kept = pd.read_csv("balanced.csv").query("is_fraud == 0").sort_values("id")
    whole = payments.query("is_fraud == 0").reset_index(drop=True)
    pd.testing.assert_frame_equal(kept.reset_index(drop=True).astype(whole.dtypes), whole)
    assert Path("report.html").read_text().startswith("<!DOCTYPE html>")
    assert len(pd.read_parquet("cleaned.parquet")) <= ROWS
    assert set(pd.read_csv("weighted.csv")["weight"].round(3)) == {5.0, 0.556}


# examples of each form; those of all methods are read in tests/pure/test_words.py
@pytest.mark.parametrize("name", ["chain", "kmeans_smote", "near_miss", "random_over", "smoten", "smotenc", "smoter"])
def test_the_example_of_a_method_runs(typed, name):
    code, out, err = typed(options.example_of(name.replace("_", "-"), SAMPLERS[name]))
    assert code == 0, err
    assert "output: parquet balanced.parquet" in out
    assert Path("balanced.parquet").is_file()


def test_a_saved_file_makes_the_same_rows(typed):
    line = "smote payments.csv --label is_fraud --key id --random-state 7 --passthrough country --output"
    assert typed(f"{line} one.parquet --save job.toml")[0] == 0
    assert typed("smote job.toml --output two.parquet")[0] == 0
    assert typed("smote job.toml --output folder --k-neighbors 3")[0] == 0
    assert Path("folder").is_dir()
    assert "DE" in typed("describe folder --label country --within is_fraud")[1]
    one, two = (pd.read_parquet(f"{name}.parquet") for name in ("one", "two"))
    order = ["is_fraud", "amount", "age"]
    pd.testing.assert_frame_equal(*(rows.sort_values(order).reset_index(drop=True) for rows in (one, two)))


def test_what_was_inferred_and_meant_is_said(typed):
    code, out, err = typed("smote payments.csv --label is_fraud --output balanced.json --passthrough note")
    assert code == 0
    [said] = [line for line in err.splitlines() if line.startswith("input: ")]
    assert said == (
        "input: csv payments.csv (with header, separator ','): id bigint, amount double, age bigint, country string,"
        " note string, is_fraud bigint"
    )
    assert "warning: 'id' is a feature, and its first 300 values all differ, as those of a key; give --key id" in err
    assert "features: id, amount, age\n" in out
    assert "neighbors: about 100% of the nearest rows were found (1 cell searched)\n" in out
    assert "NULL in new rows, since they are not features: country\n" in out
    assert "candidates_per_row" not in out
    rows = [json.loads(line) for line in Path("balanced.json").read_text().splitlines()]
    assert len(rows) == 2 * (ROWS - FRAUD)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "describe payments.csv",
            "describe: --label is missing; name the column with the classes, one of id, amount, age, country, note,",
        ),
        ("smote payments.csv --label fraud", "column 'fraud', which the frame does not have; did you mean 'is_fraud'?"),
        (
            "balance payments.csv",
            "config: 'payments.csv' is data; give a TOML file, or spark-balance METHOD payments.csv",
        ),
        ("smote nope.csv --label y", "input: path 'nope.csv' does not exist"),
        ("smote payments.csv --label is_fraud --report r.html", "nothing is written without --output; give it too"),
        ("smote payments.csv --label is_fraud --k-neighbors x", "k_neighbors='x' is refused"),
        ("smote payments.csv --label is_fraud --k-neighbor 3", "no such option: --k-neighbor (Possible options: --k-n"),
        (
            "smote payments.csv --target amount",
            "--target, since this method resamples classes, which --label names; smoter",
        ),
        (
            "smoter payments.csv --label amount",
            "--label, since this method resamples by a number, which --target names;",
        ),
        ("smote payments.csv --label is_fraud --mode replace --output o.csv", "output.mode='replace'"),
        ("smote payments.csv --label is_fraud --output payments.csv --mode overwrite", "overlaps the input"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(typed, line, sentence):
    before = sorted(Path.cwd().iterdir())
    code, out, err = typed(line)
    assert (code, out) == (2, "")
    assert sentence in err.splitlines()[-1]
    assert sorted(Path.cwd().iterdir()) == before
