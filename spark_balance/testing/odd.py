"""Labels of every type, missing ones and missing features, groups, and odd frames drawn by hypothesis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, SparkSession, functions as F

from spark_balance.errors import ParameterError
from spark_balance.frames.columns import quoted
from spark_balance.frames.counts import class_counts
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.plan import is_missing
from spark_balance.testing.case import Case, CheckFailed, Outcome, expect, expect_same
from spark_balance.testing.checks import check
from spark_balance.testing.frames import LABELS, labelled, maybe, number
from spark_balance.testing.promises import verify_counts, verify_rows, verify_schema

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

EXAMPLES = 5  # a handful of jobs each
_UNLABELLED = 30


def unlabelled(spark: SparkSession, label: str) -> DataFrame:
    """Return 100 rows of one class, 40 of another, and 30 without a label: NULL, and NaN where there is one."""
    df = labelled(spark, [100, 40, _UNLABELLED], label)
    value = F.when(F.col("id") < 140, F.col("label"))
    if label == "double":
        value = F.when(F.col("id") < 160, F.coalesce(value, F.lit("NaN").cast("double")))
    return df.withColumn("label", value)


def _takes_missing(case: Case) -> bool:
    return "missing" in case.kind.model_fields and "x" in (getattr(case.sampler, "feature_cols", None) or ())


def verify(case: Case, df: DataFrame, outcome: Outcome) -> None:
    """Expect schema, counts and rows as they are declared."""
    verify_schema(case, outcome)
    verify_counts(case, outcome)
    verify_rows(case, to_arrow(df).to_pylist(), outcome)


@check()
def check_label_types(spark: SparkSession, case: Case) -> None:
    """Text, booleans, integers, decimals and dates are labels, and stay of their type."""
    for label in ("string", "boolean", "int", "decimal", "date"):
        df = labelled(spark, [40, 20], label)
        out = case().fit_resample(df, counts=class_counts(df, "label"))
        expect(out.schema["label"] == df.schema["label"], f"{case}: the label was of type {label} and is no longer")
    # the rows of the other types are read by other checks
    df = labelled(spark, [40, 20], "boolean")
    verify(case, df, case.made_of(df))


@check()
def check_missing_labels_are_refused(spark: SparkSession, case: Case) -> None:
    """Rows without a label are refused unless the user says what to do with them."""
    sentence = "label column 'label' is NULL or NaN in 30 rows; filter them, or set null_label"
    for missing, label in (("NULL", "string"), ("NaN", "double")):
        df = unlabelled(spark, label)
        case.refuses(f"a frame with {missing} labels", partial(case().fit_resample, df), sentence)


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
    expect(outcome.plan.missing_action == "drop", f"{case}: the plan does not say what is dropped")
    expect(not outcome.by_class[(), None], f"{case}: rows without a label come out of null_label='drop'")


def lacking(spark: SparkSession) -> DataFrame:
    """Return 60 and 24 rows of which one in four lacks x (NULL), one in five lacks y (NaN), and two lack all."""
    df, all_of = labelled(spark, [60, 24]), F.col("id").isin(7, 70)
    y = F.when((number(52, 5) == 0) | all_of, F.lit("NaN").cast("double")).otherwise(F.col("y"))
    return df.withColumns({"x": maybe(F.when(~all_of, F.col("x")), 51), "y": y, "n": F.when(~all_of, F.col("n"))})


@check(_takes_missing)
def check_missing_features_are_ignored(spark: SparkSession, case: Case) -> None:
    """With missing='ignore' rows that lack features are searched, and none is lost; or it is refused, and why."""
    df = lacking(spark)
    try:
        case(missing="ignore")
    except ParameterError:
        case.refuses("missing='ignore'", partial(case, missing="ignore"), case.who, "use missing='drop'")
        return
    outcome = case.made_unless_refused("a frame that lacks features", df, missing="ignore")
    if outcome is not None:
        verify(case, df, outcome)


@check(_takes_missing)
def check_missing_features_are_dropped(spark: SparkSession, case: Case) -> None:
    """With missing='drop' rows that lack a feature are neither in the plan nor in what comes out."""
    df = lacking(spark)
    features = getattr(case.sampler, "feature_cols", None) or ()
    whole = [row for row in to_arrow(df).to_pylist() if not any(is_missing(row[name]) for name in features)]
    outcome = case.made_unless_refused("a frame that lacks features", df, missing="drop")
    if outcome is not None:
        verify_counts(case, outcome)
        verify_rows(case, whole, outcome)
        expect(outcome.plan.rows_before == len(whole), f"{case}: the plan counts rows that missing='drop' drops")


@check()
def check_groups(spark: SparkSession, case: Case) -> None:
    """With within_cols each group has the rows of its own plan; NULL and NaN are groups, and so is a single class."""
    outcome = case.outcome(spark, "grouped", within_cols="day")
    expect(len({entry.group for entry in outcome.plan.classes}) == 4, f"{case}: four groups are not planned apart")
    verify_schema(case, outcome)
    verify_counts(case, outcome)


@dataclass(frozen=True)
class OddFrame:
    """A small frame, as hypothesis draws and prints it.

    `label` is a key of `spark_balance.testing.frames.LABELS`. One row in `unlabelled` has no label; 0 if all have one.
    Features are 'spread', all different; 'few', small integers that rows of all classes share; or 'equal'.
    """

    label: str
    sizes: tuple[int, ...]
    features: str
    unlabelled: int
    partitions: int

    def frame(self, spark: SparkSession, *, keyed: bool) -> DataFrame:
        """Make the frame; without a key its ids repeat too, so that whole rows are equal."""
        df = labelled(spark, self.sizes, self.label, self.partitions)
        if self.unlabelled:
            df = df.withColumn("label", F.when(number(41, self.unlabelled) != 0, F.col("label")))
        if self.features == "spread":
            return df
        values = {"x": F.col("x"), "y": F.col("y"), "n": F.col("n")}
        few = {name: F.pmod(F.floor(of), F.lit(3)).cast(df.schema[name].dataType) for name, of in values.items()}
        df = df.withColumns(few if self.features == "few" else {name: one * 0 + 1 for name, one in few.items()})
        return (
            df.select(*[F.col(quoted(name)).cast(kind) for name, kind in df.dtypes])
            if keyed
            else df.withColumn("id", F.col("id") % 2)
        )


def odd_frames(k: int = 5) -> SearchStrategy[OddFrame]:
    """Return a strategy of frames with labels of every type, small classes, ties, equal rows and missing labels.

    Parameters
    ----------
    k : int
        Neighbors that the method asks for; classes have 1 to k + 2 rows, or some dozens.
    """
    from hypothesis import strategies as st

    size = st.one_of(st.integers(1, k + 2), st.integers(k + 3, 60))
    return st.builds(
        lambda label, sizes, *rest: OddFrame(label, tuple(sizes[: 2 if label == "boolean" else None]), *rest),
        st.sampled_from(sorted(LABELS)),
        st.lists(size, min_size=2, max_size=4),
        st.sampled_from(["spread", "few", "equal"]),
        st.sampled_from([0, 5]),
        st.integers(1, 5),
    )


@check()
def check_odd_frames(spark: SparkSession, case: Case) -> None:
    """What hypothesis draws is resampled as declared, the same on another layout, or refused in one sentence."""
    from hypothesis import HealthCheck, Phase, given, settings

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        # each example is several jobs: the frame is printed as it is, not made smaller
        phases=[Phase.explicit, Phase.generate],
    )
    @given(odd_frames())
    def keeps_its_promises(odd: OddFrame) -> None:
        try:
            verify_odd(spark, case, odd)
        except CheckFailed as failed:
            raise CheckFailed(f"{failed}; of {odd}") from failed

    keeps_its_promises()


def verify_odd(spark: SparkSession, case: Case, odd: OddFrame) -> None:
    """Expect of one frame what is declared."""
    df = odd.frame(spark, keyed=case.keyed)
    outcome = case.made_unless_refused("it", df, null_label="keep")
    if outcome is None:
        return
    verify(case, df, outcome)
    if case.sampler.same_anywhere:
        again = case.made_of(df.repartition(3), null_label="keep")
        expect_same(again.everything, outcome.everything, f"{case}: rows differ on other partitions")
