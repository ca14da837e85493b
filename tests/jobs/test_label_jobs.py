"""A job over rows with several labels, from its configuration to what it wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from manifests import check_described
from pyspark.sql import functions as F

from spark_balance import label_counts
from spark_balance.testing.frames import fraction, number

CONFIG = Path(__file__).parents[2] / "conf" / "multilabel" / "mlsmote.toml"


@pytest.fixture
def places(spark, tmp_path):
    """Write 300 flights, most of them late, and return the words that name this table and a place for the result."""
    there = [F.when(number(60 + i, 100) < share, F.lit(name)) for i, (name, share) in enumerate(FLIGHTS.items())]
    key = F.when(F.col("id") >= 0, F.col("id")).alias("id")
    labels = F.array_compact(F.array(*there)).alias("labels")
    spark.range(300).select(key, labels, fraction(1).alias("x"), fraction(2).alias("y")).write.parquet(
        str(tmp_path / "in")
    )
    return ["--set", f"input.path={tmp_path / 'in'}", "--set", f"output.path={tmp_path / 'out'}"]


FLIGHTS = {"late arrival": 70, "late departure": 60, "cancelled": 5, "diverted": 4}


def test_a_job_makes_new_rows_for_rare_labels(spark, cli, places, tmp_path):
    code, out, err = cli("balance", CONFIG, *places, "--json")
    assert code == 0, err
    plan, written = json.loads(out)["plan"], spark.read.parquet(str(tmp_path / "out"))
    check_described(json.loads((tmp_path / "out.manifest.json").read_text()))
    before, after = label_counts(spark.read.parquet(str(tmp_path / "in")), "labels"), label_counts(written, "labels")
    assert before.minority == ("cancelled", "diverted")
    added = sum(before.labels[label].rows for label in before.minority)
    assert written.count() == plan["rows_after"] == 300 + added
    assert all(after.labels[label].rows >= 2 * before.labels[label].rows for label in before.minority)
    assert written.where("made_from.kind = 'synthetic'").count() == added


def test_commands_of_labels_take_their_parameters(spark, cli, places, tmp_path):
    given = str(tmp_path / "in"), "--label", "labels", "--key", "id", "--percentage", "20"
    code, out, err = cli("mlrus", *given, "--output", str(tmp_path / "out"))
    assert code == 0, err
    assert spark.read.parquet(str(tmp_path / "out")).count() == 240
    code, out, err = cli("mlros", *given)
    assert code == 0, err
    assert "('diverted', 'late arrival', 'late departure')" in out
    code, out, err = cli("smote", *given[:-2])
    assert code == 2
    assert "several labels a row, which MLROS, MLRUS and MLSMOTE resample" in err
