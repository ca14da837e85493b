"""One seed gives the same rows for any partitions and order; another seed gives others."""

from __future__ import annotations

import pytest
from cases import crossed
from frames import digest, hashed, labelled, with_extras
from pyspark.sql import functions as F

from spark_balance import RandomUnderSampler


def _frame(spark):
    return with_extras(labelled(spark, [300, 120, 50], partitions=3))


def _layouts(df):
    yield "one partition, sorted backwards", df.orderBy(df["id"].desc()).coalesce(1)
    yield "eight partitions, shuffled", df.repartition(8, hashed(7)).sortWithinPartitions(hashed(8))


@crossed(lambda case: case.same_anywhere, each=2)
def test_the_rows_are_the_same_on_any_layout(spark, case):
    df = _frame(spark)
    sampler = case()
    expected = digest(sampler.fit_resample(df))
    assert expected[0] > 0
    for layout, same in _layouts(df):
        assert digest(sampler.fit_resample(same)) == expected, layout


@crossed(lambda case: case.same_anywhere and "key_cols" not in case.parameters, everywhere=())
def test_duplicates_do_not_break_that(spark, case):
    df = labelled(spark, [300, 120, 50])
    rounded = {"id": df["id"] * 0, "x": df["x"].cast("int") * 1.0, "y": df["y"].cast("int") * 1.0, "n": df["n"] % 2}
    df = df.withColumns(rounded)
    sampler = case()
    expected = digest(sampler.fit_resample(df))
    for layout, same in _layouts(df):
        assert digest(sampler.fit_resample(same)) == expected, layout


@crossed(
    lambda case: case.same_anywhere and not case.adds and not case.learns and "key_cols" not in case.parameters,
    everywhere=(),
)
def test_where_the_nulls_are_tells_rows_apart(spark, case):
    """(NULL, i) and (i, NULL) are two rows; taken for one, which of them is drawn would depend on the layout."""
    df = labelled(spark, [2_000, 500])
    i, odd = df["id"] - df["id"] % 2, df["id"] % 2 == 1
    df = df.select("label", F.when(odd, i).alias("id"), F.when(~odd, i).alias("idle"))
    sampler = case()
    assert len({digest(sampler.fit_resample(same)) for _, same in _layouts(df)}) == 1


@crossed(lambda case: case.kind.random, everywhere=())
def test_another_seed_gives_other_rows(spark, case):
    df = _frame(spark)
    one, two, again = (digest(case(random_state=seed).fit_resample(df)) for seed in (1, 2, 1))
    assert one == again
    assert one[1] != two[1]


@crossed(lambda case: not case.kind.random and case.one_cell, everywhere=())
def test_the_seed_of_a_method_that_draws_nothing_is_no_matter(spark, case):
    df = _frame(spark)
    assert len({digest(case(random_state=seed).fit_resample(df)) for seed in (1, 2, 10**30)}) == 1


@crossed(lambda case: case.same_anywhere and case.kind.random, everywhere=())
def test_a_negative_and_a_huge_seed_work(spark, case):
    df = labelled(spark, [70, 20])
    assert digest(case(random_state=-1).fit_resample(df)) != digest(case(random_state=10**30).fit_resample(df))


@pytest.mark.every_engine
def test_approximate_under_sampling_repeats_itself_on_one_layout(spark):
    df = labelled(spark, [300, 120, 50], partitions=1)
    sampler = RandomUnderSampler(label_col="label", exact=False, random_state=5)
    assert digest(sampler.fit_resample(df)) == digest(sampler.fit_resample(df))


@pytest.mark.every_engine
def test_values_under_a_null_struct_are_no_part_of_a_row(spark):
    """Arrow may keep values under a NULL struct; Sail hashes them (a Python function or a file can leave some)."""
    import pyarrow as pa

    rows = 400
    places = [None if i % 3 else {"code": i} for i in range(rows)]
    hidden = pa.StructArray.from_arrays([pa.array(range(rows))], ["code"], mask=pa.array([p is None for p in places]))
    rest = {"label": [i % 4 == 0 for i in range(rows)], "id": range(rows)}
    frames = [spark.createDataFrame(pa.table({"place": place, **rest})) for place in (pa.array(places), hidden)]
    sampler = RandomUnderSampler(label_col="label", random_state=5)
    assert len({digest(sampler.fit_resample(df).select("id")) for df in frames}) == 1
