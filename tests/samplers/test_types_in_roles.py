"""Every type of column in every role gives right rows, or one sentence; the session is not in UTC."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from spark_balance import SMOTE, SMOTENC, RandomUnderSampler, SparkBalanceError, TomekLinks

ZONE = "spark.sql.session.timeZone"
ROWS, FEW = 60, 15
# SQL for a value of each type, given a number: others for other numbers, in hours that the zone's clocks skip too
MOMENT = "timestamp_seconds(1710050000 + 1800 * ({n}))"
TYPES = {
    "boolean": "({n}) % 8 in (1, 4)",
    "tinyint": "CAST({n} AS TINYINT)",
    "smallint": "CAST({n} AS SMALLINT)",
    "int": "CAST({n} AS INT)",
    "bigint": "CAST({n} AS BIGINT)",
    "float": "CAST({n} AS FLOAT) / 4.0F",
    "double": "CAST({n} AS DOUBLE) / 4",
    "decimal(10,2)": "CAST({n} AS DECIMAL(10,2))",
    "decimal(38,0)": "CAST({n} AS DECIMAL(38,0)) + CAST('10000000000000000000000000000' AS DECIMAL(38,0))",
    "string": "concat('é ', {n})",
    "binary": "CAST(CAST({n} AS STRING) AS BINARY)",
    "date": "date_add(DATE'2024-03-09', CAST({n} AS INT))",
    "timestamp": MOMENT,
    "timestamp_ntz": f"CAST({MOMENT} AS TIMESTAMP_NTZ)",
    "interval day to second": "make_dt_interval(CAST({n} AS INT))",
    "interval year to month": "make_ym_interval(CAST({n} AS INT))",
    "array<bigint>": "array(CAST({n} AS BIGINT))",
    "struct<a:bigint>": "named_struct('a', CAST({n} AS BIGINT))",
    "map<string,bigint>": "map('a', CAST({n} AS BIGINT))",
}
NUMBERS = {"tinyint", "smallint", "int", "bigint", "float", "double", "decimal(10,2)", "decimal(38,0)"}
LABELS = {"boolean", "string", "date", *NUMBERS}
SEVERAL = {"array<bigint>", "struct<a:bigint>", "map<string,bigint>"}
UNFIT = "interval year to month"  # Arrow, by which rows reach Python, has no such type
REFUSED = {
    "label_col": (set(TYPES) - LABELS, "label column 'v' is of type .*; a label is a string, boolean, integer, float"),
    "key_cols": (
        {"map<string,bigint>", UNFIT},
        "columns v hold maps, variants or year-month intervals, which cannot identify a row",
    ),
    "within_cols": ({*SEVERAL, UNFIT}, "within_cols names column 'v' of type .*; a group is a string, boolean, number"),
    "weight_col": (set(TYPES) - {"float", "double"}, "weight_col='v' is of type .*; weights are double or float"),
    "categorical_features": (
        set(TYPES) - {"boolean", "string", *NUMBERS},
        "categorical_features names column 'v' of type .*; categories are strings, booleans or numbers",
    ),
    "passthrough": ({UNFIT}, "column 'v' is of type interval year to month"),
}


@pytest.fixture(scope="module", autouse=True)
def far_from_utc(spark):
    """Set the session's zone to one whose clocks change within the rows."""
    before = spark.conf.get(ZONE)
    spark.conf.set(ZONE, "America/New_York")
    yield
    spark.conf.set(ZONE, before)


def with_value(spark, kind, number):
    """Return 60 rows, 15 of them of the small class, with a value of a type for a number in SQL; any may be NULL."""
    rows = spark.range(ROWS).select(
        "id",
        (F.col("id") % 7 / 2).alias("x"),
        (F.col("id") % 5 + F.col("id") / 10).alias("y"),
        F.expr(f"if(id < {FEW}, 'few', 'many')").alias("label"),
        F.expr(TYPES[kind].format(n=number)).alias("v"),
    )
    return rows.select(*[F.expr(f"if(id < 0, NULL, {name})").alias(name) for name in rows.columns])


def as_text(column, kind):
    """Return a column as text that differs where values do, whatever the session's zone is."""
    column = F.col(column)
    if kind in SEVERAL:
        return F.to_json(column)
    if kind == "timestamp":
        column = F.unix_micros(column)
    return F.hex(column) if kind == "binary" else column.cast("string")


def values(rows, kind, of="v", where="true"):
    """Return the values of a column as text, in order."""
    return sorted(row[0] for row in rows.where(where).select(as_text(of, kind)).collect())


GIVEN = {"label_col": "label", "key_cols": "id", "feature_cols": ("x", "y"), "random_state": 1}


def take_as_label(df, kind):
    out = SMOTE(**{**GIVEN, "label_col": "v", "feature_cols": ("x", "y")}).fit_resample(df)
    assert out.schema["v"].dataType == df.schema["v"].dataType
    few, many = sorted(set(values(df, kind)), key=values(df, kind).count)
    assert values(out, kind) == sorted([few, many] * (ROWS - FEW))


def take_as_key(df, kind):
    out = SMOTE(**{**GIVEN, "key_cols": "v", "provenance_col": "p", "output": "added"}).fit_resample(df)
    assert out.schema["p"].dataType["base"].dataType["v"].dataType == df.schema["v"].dataType
    few = values(df, kind, where="label = 'few'")
    bases, near = (values(out, kind, of=f"p.{of}.v") for of in ("base", "neighbor"))
    assert len(bases) == ROWS - 2 * FEW
    assert set(bases) == set(few)
    assert set(near) <= set(few)


def take_as_group(df, kind):
    removing = {"label_col": "label", "key_cols": "id", "feature_cols": ("x", "y"), "output": "removed_keys"}
    kept = RandomUnderSampler(label_col="label", key_cols="id", within_cols="v", random_state=1).fit_resample(df)
    assert kept.schema == df.schema
    few = values(df, kind, where="label = 'few'")
    assert values(kept, kind) == sorted(few * 2)
    # the table of classes comes back from the driver with the group's values
    links = TomekLinks(within_cols="v", **removing).fit_resample(df)
    assert links.schema["v"].dataType == df.schema["v"].dataType
    assert links.join(df, ["id", "v"]).count() == links.count() > 0


def take_as_weight(df, kind):
    out = RandomUnderSampler(label_col="label", key_cols="id", weight_col="v", random_state=1).fit_resample(df)
    assert out.schema["v"].dataType == df.schema["v"].dataType
    assert out.count() == 2 * FEW


def take_as_category(df, kind):
    given = {**GIVEN, "feature_cols": ("x", "v"), "categorical_features": ("v",), "output": "added"}
    out = SMOTENC(**given).fit_resample(df)
    assert out.schema["v"].dataType == df.schema["v"].dataType
    assert set(values(out, kind)) <= set(values(df, kind, where="label = 'few'"))
    assert out.count() == ROWS - 2 * FEW


def take_along(df, kind):
    given = {**GIVEN, "provenance_col": "p", "passthrough": "base", "output": "added"}
    out = SMOTE(**given).fit_resample(df)
    assert out.schema["v"].dataType == df.schema["v"].dataType
    assert out.count() == ROWS - 2 * FEW
    text = as_text("v", kind)
    old = {(row[0], row[1]) for row in df.select("id", text).collect()}
    assert {(row[0], row[1]) for row in out.select("p.base.id", text).collect()} <= old


ROLES = {
    "label_col": (take_as_label, f"if(id < {FEW}, 4, 8)"),
    "key_cols": (take_as_key, "id"),
    "within_cols": (take_as_group, "id % 2"),
    "weight_col": (take_as_weight, "id % 2 + 1"),
    "categorical_features": (take_as_category, "id % 3"),
    "passthrough": (take_along, "id"),
}


@pytest.mark.engines("sail", "spark")
@pytest.mark.smoke
@pytest.mark.methods
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("kind", TYPES)
def test_a_type_is_taken_in_a_role_or_refused_in_a_sentence(spark, kind, role):
    take, number = ROLES[role]
    refused, sentence = REFUSED[role]
    df = with_value(spark, kind, number)
    if kind not in refused:
        take(df, kind)
        return
    with pytest.raises(SparkBalanceError, match=sentence):
        take(df, kind)
