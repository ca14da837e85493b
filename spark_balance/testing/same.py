"""One seed, one result, on any layout; another seed and another class, other draws."""

from collections import Counter

from pyspark.sql import DataFrame, SparkSession, functions as F

from spark_balance.frames.older_spark import to_arrow
from spark_balance.testing.case import WIDE, Case, expect, expect_same
from spark_balance.testing.checks import check
from spark_balance.testing.frames import grouped, labelled, layouts, rich, three_classes
from spark_balance.testing.promises import verify_counts, verify_rows

_HUGE = 10**30


@check(lambda case: case.sampler.same_anywhere)
def check_layouts(spark: SparkSession, case: Case) -> None:
    """The rows are the same in other partitions and another order."""
    expected = case.outcome(spark).everything
    for layout in layouts(rich(spark)):
        found = case.outcome(spark, "rich", layout).everything
        expect_same(found, expected, f"{case}: rows differ in {layout}")


@check(lambda case: case.sampler.same_anywhere)
def check_duplicates(spark: SparkSession, case: Case) -> None:
    """Equal rows, inside a class and across classes, are as many rows as they are, on any layout."""
    df = few_values(three_classes(spark), keyed=case.keyed)
    outcome = case.made_of(df)
    verify_counts(case, outcome)
    verify_rows(case, to_arrow(df).to_pylist(), outcome)
    ordered = three_classes(spark, partitions=7)
    again = case.made_of(few_values(ordered.orderBy(ordered["id"].desc()), keyed=case.keyed).coalesce(2))
    expect_same(again.everything, outcome.everything, f"{case}: which of equal rows come out depends on the layout")


def few_values(df: DataFrame, *, keyed: bool) -> DataFrame:
    """Make features small integers, and without a key most rows equal."""
    columns = {"x": df["x"].cast("int") * 1.0, "y": df["y"].cast("int") * 1.0, "n": df["n"] % 2}
    return df.withColumns(columns if keyed else columns | {"id": df["id"] * 0})


@check(lambda case: case.sampler.same_anywhere)
def check_layouts_of_groups(spark: SparkSession, case: Case) -> None:
    """The rows are the same on other partitions where each group is balanced by itself."""
    expected = case.outcome(spark, "grouped", within_cols="day").everything
    for layout in list(layouts(grouped(spark)))[1:]:
        found = case.outcome(spark, "grouped", layout, within_cols="day").everything
        expect_same(found, expected, f"{case}: within groups, rows differ in {layout}")


@check()
def check_seeds(spark: SparkSession, case: Case) -> None:
    """Another seed, negative or huge too, gives other rows, unless the method is declared to draw nothing."""
    found = [case.outcome(spark, random_state=seed).everything for seed in (1, -1, _HUGE)]
    if case.kind.random:
        different = all(one != other for one, other in zip(found, [*found[1:], found[0]], strict=True))
        expect(different, f"{case}: two seeds give the same rows; draw from random_state, or declare random=False")
    else:
        for other in found[1:]:
            expect_same(other, found[0], f"{case}: random=False is declared, and the seed changes the rows")


def _drawn(df: DataFrame, rows: int) -> list[set[int]]:
    """Return, for the first two classes of this many rows, which of 0, 1, ... came out more often than the rarest."""
    table = to_arrow(df.where(F.col("id") < 2 * rows).groupBy("id").count())
    times = Counter(dict(zip(table["id"].to_pylist(), table["count"].to_pylist(), strict=True)))
    least = min(times[i] for i in range(2 * rows))
    return [{i for i in range(rows) if times[i + start] > least} for start in (0, rows)]


@check(lambda case: case.draws_rows and not case.part)
def check_classes_do_not_share_draws(spark: SparkSession, case: Case) -> None:
    """Row i of one class is drawn independently of row i of another of the same size."""
    rows = 2_000
    df = labelled(spark, [rows, rows, rows * 3 // 2 if case.adds else rows // 2])
    one, other = _drawn(case(max_growth=None).fit_resample(df), rows)
    verify_independent(f"{case}: two classes", one, other, rows)


@check(lambda case: case.draws_rows and not case.part)
def check_neighboring_seeds_do_not_share_draws(spark: SparkSession, case: Case) -> None:
    """What one seed draws says nothing of what the next one draws."""
    rows = 4_000
    df = labelled(spark, [rows // 2, rows // 2, rows * 3 // 4 if case.adds else rows // 4])
    one, other = (_drawn(case(random_state=seed).fit_resample(df), rows // 2)[0] for seed in (0, 1))
    verify_independent(f"{case}: two neighboring seeds", one, other, rows // 2)


def verify_independent(who: str, one: set[int], other: set[int], rows: int) -> None:
    """Expect two subsets of 0, 1, ... to have as many in common as independent ones have."""
    p, q = len(one) / rows, len(other) / rows
    expected = rows * p * q
    spread = (rows * p * q * (1 - p) * (1 - q)) ** 0.5
    both = len(one & other)
    expect(
        0 < p < 1 and abs(both - expected) <= WIDE * spread,
        f"{who} draw {both} rows in common where independent draws have {expected:.0f} +- {spread:.0f}",
    )
