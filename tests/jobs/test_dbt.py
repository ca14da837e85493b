"""The macro of dbt: SQL that an engine reads, and the rows that Python gives."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from frames import digest
from jinja2 import Environment
from pyspark.sql import functions as F

from spark_balance import RandomOverSampler, RandomUnderSampler, class_counts
from spark_balance.frames.plan import ClassCounts
from spark_balance.kernels.draws import stream

MACRO = (Path(__file__).parents[2] / "docs" / "examples" / "dbt" / "resample.sql").read_text()
CALL = "{{ resample(relation, label, key, rows, after, **more) }}"
ROWS = 3_000
ODD = "it's \\ a"


def sql_of(relation, label, key, rows, after, **more):
    """Render a call as dbt does, whose Jinja knows `do`."""
    template = Environment(extensions=["jinja2.ext.do"]).from_string(MACRO + CALL)
    return template.render(relation=relation, label=label, key=key, rows=rows, after=after, more=more)


@pytest.fixture(scope="module")
def table(spark):
    """Return rows of two classes and none, with keys of several types, under names that need quotes."""
    number = F.col("id")
    rows = spark.range(ROWS).select(
        number.alias("k 1"),
        number.cast("string").alias("K"),
        F.date_add(F.lit("2026-01-01").cast("date"), (number % 40).cast("int")).alias("day"),
        (number / 8).cast("decimal(12, 3)").alias("price"),
        F.timestamp_seconds(number * 977).alias("at"),
        F.when(number % 11 == 0, ODD).when(number % 7 == 0, F.lit(None)).otherwise("b").alias("lab.el"),
        (number % 5 == 0).alias("late"),
    )
    rows.createOrReplaceTempView("payments")
    return rows


@pytest.mark.every_engine
@pytest.mark.parametrize(
    ("method", "label", "key", "after", "seed"),
    [
        (RandomUnderSampler, "lab.el", ["k 1", "K"], {"b": 300}, 42),
        (RandomOverSampler, "lab.el", ["day", "at", "K"], {ODD: 1_700}, 3),
        (RandomUnderSampler, "late", ["price"], {False: 0}, 0),
    ],
)
def test_sql_gives_the_rows_that_python_gives(spark, table, method, label, key, after, seed):
    counted = class_counts(table, label)
    rows = spark.sql(sql_of("payments", label, key, counted.rows, after, random_state=seed))
    given = {"label_col": label, "key_cols": tuple(key), "random_state": seed, "sampling_strategy": after}
    sampler = method(exact=False, null_label="keep", **given)
    wanted = sampler.fit_resample(table, counts=ClassCounts(label, counted.groups, counted.missing))
    assert rows.columns == wanted.columns
    assert digest(rows) == digest(wanted)
    [(changed, target)] = after.items()
    assert abs(rows.where(F.col(f"`{label}`") == changed).count() - target) < 100


def test_another_seed_takes_its_streams(spark, table):
    rows, after = class_counts(table, "late").rows, {False: 500}
    streams = stream(7, "keep"), stream(7, "replicate")
    one, other = (
        sql_of("payments", "late", "K", rows, after, **how) for how in ({"streams": streams}, {"random_state": 7})
    )
    assert one == other


def test_the_streams_are_those_of_the_seeds():
    known = ast.literal_eval(re.search(r"set known = ({.*?}) -%}", MACRO, re.DOTALL)[1])
    assert known == {seed: (stream(seed, "keep"), stream(seed, "replicate")) for seed in [*range(10), 42]}
