"""Many classes, classes of one row and more, classes of equal rows, and of equal size."""

from __future__ import annotations

from pyspark.sql import SparkSession, functions as F

from spark_balance.testing.case import Case, expect
from spark_balance.testing.checks import check
from spark_balance.testing.frames import labelled
from spark_balance.testing.odd import verify
from spark_balance.testing.promises import verify_counts


@check()
def check_twenty_classes(spark: SparkSession, case: Case) -> None:
    """Twenty classes, labeled by integers, are resampled as two are."""
    df = labelled(spark, [*range(20, 39), 200], "int")
    verify_counts(case, case.made_of(df))


@check()
def check_small_classes(spark: SparkSession, case: Case) -> None:
    """A class of 1, k or k + 1 rows is resampled as promised, or refused in one sentence that names the method."""
    k = _neighbors(case)
    for rows in sorted({1, k, k + 1}):
        df = labelled(spark, [60, rows])
        outcome = case.made_unless_refused(f"a class of {rows} rows", df)
        if outcome is not None:
            verify(case, df, outcome)


@check(lambda case: "singletons" in case.kind.model_fields)
def check_small_classes_shrink(spark: SparkSession, case: Case) -> None:
    """Classes of 1, 2 and k rows may be searched for fewer neighbors; one of 1 row is repeated or stays, as planned."""
    df, sought = labelled(spark, [60, 1, 2, _neighbors(case)]), getattr(case.sampler, "sought", "")
    shrunk = {sought: "shrink"} if "shrink" in str(case.kind.model_fields.get(sought)) else {}
    for singletons in ("replicate", "leave"):
        what = f"a frame of small classes with singletons={singletons!r}"
        outcome = case.made_unless_refused(what, df, singletons=singletons, **shrunk)
        if outcome is not None:
            verify(case, df, outcome)
            [single] = [entry.after for entry in outcome.plan.classes if entry.before == 1]
            expect((single == 1) == (singletons == "leave"), f"{case}: {what} plans {single} rows for a class of 1 row")


def _neighbors(case: Case) -> int:
    for name in ("k_neighbors", "n_neighbors"):
        if isinstance(k := getattr(case.sampler, name, None), int):
            return k
    return 5


@check(lambda case: case.exact)
def check_equal_features(spark: SparkSession, case: Case) -> None:
    """Rows that are all equal in their features, and without a key in everything, give exact counts."""
    df = labelled(spark, [120, 40]).withColumns({"x": F.lit(1.0), "y": F.lit(2.0), "n": F.lit(3)})
    df = df if case.keyed else df.withColumn("id", F.lit(None).cast("bigint"))
    verify_counts(case, case.made_of(df))


@check(lambda case: case.exact)
def check_a_balanced_frame(spark: SparkSession, case: Case) -> None:
    """Classes of equal size are resampled as the plan says, which by 'auto' leaves them."""
    verify_counts(case, case.made_of(labelled(spark, [40, 40])))
