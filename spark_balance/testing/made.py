"""New rows that tell what they are made of lie where they say, and classes do not share what they draw."""

from __future__ import annotations

from pyspark.sql import SparkSession

from spark_balance.samplers.interpolating import InterpolatingSampler
from spark_balance.testing.case import Case, expect
from spark_balance.testing.checks import check
from spark_balance.testing.frames import labelled


def _numbers(case: Case) -> list[str]:
    """Return the features of the frame that are fractions, and so come out as they were computed."""
    return [name for name in ("x", "y") if name in (getattr(case.sampler, "feature_cols", None) or ())]


@check(lambda case: isinstance(case.sampler, InterpolatingSampler) and bool(_numbers(case)))
def check_new_rows_lie_between(spark: SparkSession, case: Case) -> None:
    """A new row is base + gap * (neighbour - base) of the rows it names; two classes of one size draw other gaps."""
    df = labelled(spark, [300, 120, 120])
    rows = {row["id"]: row for row in df.toArrow().to_pylist()}
    table = case.made_of(df, key_cols="id", provenance_col="made_of").table
    made = [row for row in table if row["made_of"].get("gap") is not None]
    if not made:  # it makes rows of something else
        return
    for row in made:
        base, near = (rows[row["made_of"][of]["id"]] for of in ("base", "neighbor"))
        gap = row["made_of"]["gap"]
        if case.sampler._makes == "segment":
            expect(0 <= gap <= 1, f"{case}: the gap of a new row is {gap}, outside of its segment")
        for name in _numbers(case):
            there = base[name] + gap * (near[name] - base[name])
            expect(
                abs(row[name] - there) <= 1e-9,
                f"{case}: '{name}' of a new row is {row[name]}, where base, neighbour and gap make {there}",
            )
    # the ends of a segment are where a method puts what is safe at one end alone
    one, other = ({row["made_of"]["gap"] for row in made if row["label"] == f"class {i}"} - {0, 1} for i in (1, 2))
    shared = case.kind.random and one & other
    expect(not shared, f"{case}: two classes of one size draw the same gaps, such as {[*one & other][:3]}")
