"""One seed gives the same rows for any partitions and order; another seed gives others."""

from __future__ import annotations

import pytest
from cases import crossed
from frames import digest, labelled
from pyspark.sql import functions as F

from spark_balance import RandomUnderSampler
from spark_balance.testing.frames import layouts


@crossed(
    lambda case: case.sampler.same_anywhere and not case.adds and not case.learns and "key_cols" not in case.parameters,
    everywhere=(),
)
def test_where_the_nulls_are_tells_rows_apart(spark, case):
    """(NULL, i) and (i, NULL) are two rows; taken for one, which of them is drawn would depend on the layout."""
    df = labelled(spark, [2_000, 500])
    i, odd = df["id"] - df["id"] % 2, df["id"] % 2 == 1
    df = df.select("label", F.when(odd, i).alias("id"), F.when(~odd, i).alias("idle"))
    sampler = case()
    one, other = (digest(sampler.fit_resample(same)) for same in layouts(df).values())
    assert one == other


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
    one, other = (digest(sampler.fit_resample(df).select("id")) for df in frames)
    assert one == other
