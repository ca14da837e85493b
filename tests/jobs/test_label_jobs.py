"""A job over rows with several labels, from its configuration to what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import tomli_w
from manifests import check_described
from pyspark.sql import functions as F

from spark_balance import gather_labels, label_counts
from spark_balance.testing.frames import fraction, number

CONFIG = Path(__file__).parents[2] / "conf" / "multilabel" / "mlsmote.toml"


# in percent of the rows; conf/multilabel/mlsmote.toml has these labels
FLIGHTS = {
    "late departure": 60,
    "late arrival": 70,
    "an hour late": 50,
    "three hours late": 40,
    "early": 40,
    "made up time": 50,
    "canceled": 5,
    "not arrived as planned": 4,
}


@pytest.fixture
def places(spark, tmp_path):
    """Write 300 flights, most of them late, and return the words that name this table and a place for the result."""
    there = [(number(60 + i, 100) < share).alias(name) for i, (name, share) in enumerate(FLIGHTS.items())]
    key = F.when(F.col("id") >= 0, F.col("id")).alias("id")
    spark.range(300).select(key, *there, fraction(1).alias("x"), fraction(2).alias("y")).write.parquet(
        str(tmp_path / "in")
    )
    return ["--set", f"input.path={tmp_path / 'in'}", "--set", f"output.path={tmp_path / 'out'}"]


def test_a_job_makes_new_rows_for_rare_labels(spark, cli, places, tmp_path):
    code, out, err = cli("balance", CONFIG, *places, "--json")
    assert code == 0, err
    plan, written = json.loads(out)["plan"], spark.read.parquet(str(tmp_path / "out"))
    check_described(json.loads((tmp_path / "out.manifest.json").read_text()))
    read = spark.read.parquet(str(tmp_path / "in"))
    before, after = (label_counts(one, list(FLIGHTS)) for one in (read, written))
    assert written.columns == [*read.columns, "made_from"]
    assert before.minority == ("canceled", "not arrived as planned")
    added = sum(before.labels[label].rows for label in before.minority)
    assert written.count() == plan["rows_after"] == 300 + added
    assert all(after.labels[label].rows >= 2 * before.labels[label].rows for label in before.minority)
    assert written.where("made_from.kind = 'synthetic'").count() == added


def test_commands_of_labels_take_their_parameters(spark, cli, places, tmp_path):
    labelled = gather_labels(spark.read.parquet(str(tmp_path / "in")), ["late departure", "canceled"])
    labelled.write.parquet(str(tmp_path / "arrays"))
    given = str(tmp_path / "arrays"), "--label", "labels", "--key", "id", "--percentage", "20"
    code, out, err = cli("mlrus", *given, "--output", str(tmp_path / "out"))
    assert code == 0, err
    assert spark.read.parquet(str(tmp_path / "out")).count() == 240
    code, out, err = cli("mlros", *given)
    assert code == 0, err
    assert "('canceled', 'late departure')" in out
    code, out, err = cli("smote", *given[:-2])
    assert code == 2
    assert "several labels a row, which MLROS, MLRUS and MLSMOTE resample" in err


COLUMNS = ["comedy", "drama", "noir"]


@pytest.fixture
def films(spark, tmp_path):
    """Write 240 films as CSV, whose labels are columns of true and false, or of 1 and 0, and return the file."""
    key, numbers = F.col("id"), F.col("id").cast("double")
    labels = [(key % 3 > 0).alias("comedy"), (key % 2).cast("int").alias("drama"), (key % 12 == 1).alias("noir")]
    rows = spark.range(240).select("id", *labels, (numbers * 7 % 13).alias("x"), (numbers * 5 % 11).alias("y"))
    rows.toPandas().to_csv(tmp_path / "films.csv", index=False)
    return tmp_path / "films.csv"


def test_labels_in_several_columns_come_out_in_them(spark, cli, films, tmp_path):
    out = tmp_path / "more.parquet"
    words = ("--label", ",".join(COLUMNS), "--key", "id", "--provenance", "made_from", "--k-neighbors", "3")
    code, said, err = cli("mlsmote", films, *words, "--output", out, "--save", tmp_path / "films.toml")
    assert code == 0, err
    assert "label_set" in said
    assert "features: x, y" in said
    manifest = json.loads((tmp_path / "more.parquet.manifest.json").read_text())
    check_described(manifest)
    assert manifest["sampler"]["mlsmote"]["label_col"] == COLUMNS
    made = [one for one in manifest["lineage"]["classes"] if one["rows_made"]]
    assert sum(one["rows_made"] for one in made) == 20
    written = spark.read.parquet(str(out))
    assert written.columns == ["id", "comedy", "drama", "noir", "x", "y", "made_from"]
    assert dict(written.dtypes)["drama"] == "bigint"
    before, after = (label_counts(one, COLUMNS).labels for one in (written.where("id IS NOT NULL"), written))
    assert (before["noir"].rows, after["noir"].rows) == (20, 40)
    # the same job of its file, which says the same before it runs
    code, again, err = cli("explain", tmp_path / "films.toml", "--json")
    assert code == 0, err
    assert json.loads(again)["rows_after"] == 260
    code, counted, err = cli("describe", tmp_path / "films.toml", "--json")
    assert code == 0, err
    assert json.loads(counted)["before"]["label_col"] == "label_set"
    code, _, err = cli("advise", tmp_path / "films.toml")
    assert code == 2
    assert "advise judges one label a row, and label_col names several columns" in err


def test_a_job_drops_no_row_for_labels_in_several_columns(spark, cli, films, tmp_path):
    out, page = tmp_path / "fewer.parquet", tmp_path / "page.html"
    parameters = {"label_col": COLUMNS, "key_cols": "id", "null_label": "drop", "percentage": 10.0}
    tables = {"input": {"path": str(films)}, "sampler": {"mlrus": parameters}, "output": {"path": str(out)}}
    tables["input"] |= {"format": "csv", "options": {"header": "true", "inferSchema": "true"}}
    (tmp_path / "fewer.toml").write_text(tomli_w.dumps(tables))
    code, _, err = cli("balance", tmp_path / "fewer.toml", "--report", page)
    assert code == 0, err
    assert spark.read.parquet(str(out)).count() == 216
    assert "label_set" in page.read_text()
    code, said, err = cli("describe", films, "--label", ",".join(COLUMNS))
    assert code == 0, err
    assert "('comedy', 'drama', 'noir')" in said
    code, _, err = cli("smote", films, "--label", ",".join(COLUMNS))
    assert code == 2
    assert "label_col names column 'comedy,drama,noir', which the frame does not have" in err
    windows = ("--set", "windows.window_cols=['x']", "--set", "windows.order_col='y'")
    code, _, err = cli("mlros", films, "--label", ",".join(COLUMNS), *windows)
    assert code == 2
    assert "windows: label_col of MLROS names several columns, and a window has one label" in err
