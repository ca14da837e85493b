"""The numbers of new rows are in the types of their columns, up to the last digit and no farther than they go."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from frames import labelled
from pyspark.sql import functions as F

from spark_balance import SMOTE, SVMSMOTE, GaussianSMOTE, RandomOverSampler, SparkBalanceError
from spark_balance.frames.features import FeatureColumns
from spark_balance.neighbors.space import MixedColumns

GIVEN = {"label_col": "label", "key_cols": "id", "provenance_col": "p", "output": "added", "random_state": 3}
LEAST, MOST = "CAST('-9223372036854775808' AS BIGINT)", "9223372036854775807L"
# the ends of a type, and SQL for values at both of them
ENDS = {
    "tinyint": (-128, 127),
    "smallint": (-32768, 32767),
    "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1024),
    "decimal(5,2)": (Decimal("-999.99"), Decimal("999.99")),
    "float": (-3.4028234663852886e38, 3.4028234663852886e38),
}
LONG = {
    "near": "9007199254740993L + 2 * id",
    "wide": f"IF(pmod(id, 3) = 0, {LEAST} + id, {MOST} - id)",
    "ids": "array(1000000000000000001L + 3 * id, 1L)",
    "money": "CAST(id AS DECIMAL(38,18)) + CAST('10000000000000000000.000000000000000001' AS DECIMAL(38,18))",
    "nines": "CAST(concat(IF(id < 64, '9', '-9'), repeat('9', 35), string(id)) AS DECIMAL(38,0))",
}


@pytest.fixture(scope="module")
def at_the_ends(spark):
    df = labelled(spark, [60, 24]).select("id", "label", (F.col("id") / 50).alias("y"))
    for kind, (low, high) in ENDS.items():
        # of so many levels that neighbors differ
        levels = [F.lit(str(low + (high - low) * i // 6 if i < 6 else high)).cast(kind) for i in range(7)]
        value = F.element_at(F.array(*levels), (F.col("id") % 7 + 1).cast("int"))
        df = df.withColumn(kind, value).withColumn(f"array<{kind}>", F.array(value))
    return df


@pytest.mark.engines("sail", "spark")
@pytest.mark.parametrize("ansi", ["true", "false"])
@pytest.mark.parametrize(
    "sampler",
    [RandomOverSampler(shrinkage=3.0, **GIVEN), GaussianSMOTE(sigma=2.0, **GIVEN), SVMSMOTE(out_step=1.0, **GIVEN)],
    ids=lambda sampler: sampler.name,
)
def test_new_rows_end_where_their_type_ends(spark, engine, at_the_ends, sampler, ansi, request):
    if engine == "sail" and ansi == "false":
        pytest.skip("Sail has one way")
    spark.conf.set("spark.sql.ansi.enabled", ansi)
    request.addfinalizer(lambda: spark.conf.unset("spark.sql.ansi.enabled"))
    names = [name for name in at_the_ends.columns if name not in ("id", "label")]
    made = sampler.replace(feature_cols=tuple(names)).fit_resample(at_the_ends).toArrow()
    assert made.num_rows == 36
    for kind, (low, high) in ENDS.items():
        values = made[kind].to_pylist()
        assert None not in values
        assert low <= min(values) < max(values) <= high
        assert {low, high} & set(values)
        assert None not in [one for (one,) in made[f"array<{kind}>"].to_pylist()]


@pytest.mark.engines("sail", "spark")
@pytest.mark.parametrize("how", ["cells", "exact", "partition"])
def test_a_long_number_lies_between_base_and_neighbor(spark, how):
    df = labelled(spark, [60, 24]).select("id", "label", *[F.expr(sql).alias(name) for name, sql in LONG.items()])
    sampler = SMOTE(feature_cols=tuple(LONG), neighbors=how, **GIVEN)
    old = {row["id"]: row for row in df.collect()}
    made = sampler.fit_resample(df).collect()
    assert len(made) == 36
    for row in made:
        base, near = old[row.p.base.id], old[row.p.neighbor.id]
        for name in LONG:
            new, start, end = row[name], base[name], near[name]
            for one, low, high in zip(*([x] if name != "ids" else x for x in (new, start, end)), strict=True):
                assert min(low, high) <= one <= max(low, high), name
                apart = Fraction(high) - Fraction(low)
                away = abs(Fraction(one) - Fraction(low) - Fraction(row.p.gap) * apart)
                assert away <= max(0.5000001, abs(apart) / 2**50), name


@pytest.mark.parametrize("columns", [FeatureColumns, MixedColumns])
def test_only_long_numbers_travel(columns):
    found = columns((), (), ("a",))
    assert list(found.long_values()) == ["__spark_balance_long_0"]
    assert not columns(()).long_values()


@pytest.mark.parametrize("value", ["1.7e308", "-1.9e300"])
def test_a_number_so_large_that_differences_may_be_infinite_is_refused(spark, value):
    df = labelled(spark, [40, 12]).withColumn("x", F.when(F.col("id") == 45, F.lit(float(value))).otherwise(F.col("x")))
    with pytest.raises(SparkBalanceError, match=r"infinite values .* 'x' \(1 rows\), where beyond 1e300 counts"):
        SMOTE(label_col="label", key_cols="id").fit_resample(df)


def test_numbers_of_1e300_are_taken(spark):
    df = labelled(spark, [40, 12]).withColumn("x", (F.col("x") - 4) * 1e299)
    for sampler in (SMOTE(**GIVEN), RandomOverSampler(shrinkage=1.0, **GIVEN)):
        made = sampler.fit_resample(df).toArrow()["x"].to_pylist()
        assert len(made) == 28
        assert max(map(abs, made)) < 1e301


def test_a_class_without_noise_is_repeated_as_it_is(spark):
    df = labelled(spark, [30, 12]).select("id", "label", F.expr(LONG["money"]).alias("money"))
    sampler = RandomOverSampler(label_col="label", key_cols="id", shrinkage=0.0)
    assert {row.money for row in sampler.fit_resample(df).collect()} == {row.money for row in df.collect()}
