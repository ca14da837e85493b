"""Labels of every type, missing ones, many classes, small ones, and groups."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_balance.errors import SparkBalanceError
from spark_balance.plans.counts import class_counts
from spark_balance.testing.case import Case, Outcome, expect
from spark_balance.testing.checks import check
from spark_balance.testing.frames import labelled
from spark_balance.testing.promises import verify_counts, verify_rows, verify_schema

_UNLABELLED = 30


def unlabelled(spark: SparkSession, label: str) -> DataFrame:
    """Return 100 rows of one class, 40 of another, and 30 without a label: NULL, and NaN where there is one."""
    df = labelled(spark, [100, 40, _UNLABELLED], label)
    value = F.when(F.col("id") < 140, F.col("label"))
    if label == "double":
        value = F.when(F.col("id") < 160, F.coalesce(value, F.lit("NaN").cast("double")))
    return df.withColumn("label", value)


def verify(case: Case, df: DataFrame, outcome: Outcome) -> None:
    """Expect schema, counts and rows as they are declared."""
    verify_schema(case, outcome)
    verify_counts(case, outcome)
    verify_rows(case, df.toArrow().to_pylist(), outcome)


@check()
def check_label_types(spark: SparkSession, case: Case) -> None:
    """Text, booleans, integers, decimals and dates are labels, and stay of their type."""
    for label in ("string", "boolean", "int", "decimal", "date"):
        df = labelled(spark, [40, 20], label)
        out = case().fit_resample(df, counts=class_counts(df, "label"))
        expect(out.schema["label"] == df.schema["label"], f"{case}: the label was of type {label} and is not any more")
    # the rows of the other types are read by other checks
    df = labelled(spark, [40, 20], "boolean")
    verify(case, df, case.made_of(df))


@check()
def check_missing_labels_are_refused(spark: SparkSession, case: Case) -> None:
    """Rows without a label are refused unless the user says what to do with them."""
    sentence = "label column 'label' is NULL or NaN in 30 rows; filter them, or set null_label"
    for missing, label in (("NULL", "string"), ("NaN", "double")):
        df = unlabelled(spark, label)
        case.refuses(f"a frame with {missing} labels", lambda df=df: case().fit_resample(df), sentence)  # type: ignore[misc]


@check()
def check_missing_labels_are_kept(spark: SparkSession, case: Case) -> None:
    """With null_label='keep' rows without a label come out once each, whatever the type of the label."""
    for label in ("decimal", "date", "double"):
        df = unlabelled(spark, label)
        outcome = case.made_of(df, null_label="keep")
        verify(case, df, outcome)
        of_nobody = outcome.by_class[(), None]
        expect(of_nobody == (0 if case.part else _UNLABELLED), f"{case}: {of_nobody} rows without a label come out")


@check()
def check_missing_labels_are_dropped(spark: SparkSession, case: Case) -> None:
    """With null_label='drop' rows without a label are gone, and the plan says so."""
    df = unlabelled(spark, "double")
    outcome = case.made_of(df, null_label="drop")
    verify_counts(case, outcome)
    expect(outcome.plan.missing_action == "drop", f"{case}: the plan does not tell what is dropped")
    expect(not outcome.by_class[(), None], f"{case}: rows without a label come out of null_label='drop'")


@check()
def check_twenty_classes(spark: SparkSession, case: Case) -> None:
    """Twenty classes, with integers for labels, are no other than two."""
    df = labelled(spark, [*range(20, 39), 200], "int")
    verify_counts(case, case.made_of(df))


@check()
def check_small_classes(spark: SparkSession, case: Case) -> None:
    """A class of 1, k or k + 1 rows is resampled as promised, or refused in one sentence that names the method."""
    k = _neighbours(case)
    for rows in sorted({1, k, k + 1}):
        df = labelled(spark, [60, rows])
        try:
            outcome = case.made_of(df)
        except SparkBalanceError:
            case.refuses(f"a class of {rows} rows", lambda df=df: case().fit_resample(df), case.who)  # type: ignore[misc]
        else:
            verify(case, df, outcome)


def _neighbours(case: Case) -> int:
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


@check()
def check_groups(spark: SparkSession, case: Case) -> None:
    """With within_cols each group has the rows of its own plan; NULL and NaN are groups, and so is a single class."""
    outcome = case.outcome(spark, "grouped", within_cols="day")
    expect(len({entry.group for entry in outcome.plan.classes}) == 4, f"{case}: four groups are not planned apart")
    verify_schema(case, outcome)
    verify_counts(case, outcome)
