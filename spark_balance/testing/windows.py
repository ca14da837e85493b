"""Windows of a series, which a sampler keeps, copies or drops whole."""

from collections import defaultdict
from typing import Any

from pyspark.sql import DataFrame, SparkSession, functions as F

from spark_balance.errors import SparkBalanceError
from spark_balance.frames.columns import quoted
from spark_balance.frames.older_spark import to_arrow
from spark_balance.frames.windows import from_windows, to_windows
from spark_balance.testing.case import Case, expect, unwarned
from spark_balance.testing.checks import check
from spark_balance.testing.frames import FEATURES, fraction, labelled, number

STEPS = 3
Steps = dict[Any, list[dict[str, Any]]]


def series(spark: SparkSession, sizes: list[int]) -> DataFrame:
    """Return windows with sizes[i] of class i: the columns of `labelled`, and `step`, 0 to 2, in each window."""
    steps = labelled(spark, sizes).withColumn("step", F.explode(F.array(*map(F.lit, (2, 0, 1)))))
    # walks, so that a step says little of the next
    walk = {name: F.col(quoted(name)) + F.col("step") * (fraction(salt) - 4) for name, salt in (("x", 41), ("y", 42))}
    return steps.withColumns({**walk, "n": (F.col("n") + F.col("step") * number(43, 50)).cast("int")})


@check(lambda case: case.kind.family != "both" and not case.keys_only)
def check_windows_stay_whole(spark: SparkSession, case: Case) -> None:
    """Windows, each a row of arrays, come out whole, with the steps of their base, or are refused in one sentence."""
    df = series(spark, [60, 24])
    before = _by_window(df, "id")
    given = {"key_cols": "id", "passthrough": "base", "provenance_col": "made_of"}
    more: dict[str, Any] = {name: value for name, value in given.items() if name in case.kind.model_fields}
    more |= {"feature_cols": FEATURES} if case.sampler.uses_features else {}
    windows, sampler = to_windows(df, "id", "step", "label"), case(**more)
    try:
        sampler.check(windows)
    except SparkBalanceError as refused:  # an array is not a category, and a centroid has no base
        expect(case.who in str(refused) and case.sampler.promises.rows != "subset", f"{case} refuses: {refused}")
        return
    with unwarned():
        made = sampler.resample(windows)
        after = _by_window(from_windows(made.frame, "id", "step"), "id", "copy")
    for (window, copy), steps in after.items():
        where = f"{case}: copy {copy} of window {window}"
        expect([row["step"] for row in steps] == [*range(STEPS)], f"{where} has other steps than 0 to 2: {steps}")
        base = before[(window,)]
        told = [row.get("made_of") or {"kind": "original"} for row in steps]
        expect(all(one == told[0] for one in told), f"{where} has steps of several windows: {told}")
        expect((copy == 0) == (told[0]["kind"] == "original") or "made_of" not in steps[0], f"{where} is {told[0]}")
        if told[0]["kind"] != "synthetic":
            same = all({**row, **there} == row for row, there in zip(steps, base, strict=True))
            expect(same, f"{where} differs from the window: {steps} and not {base}")
        elif told[0]["neighbor"] is not None:
            _verify_between(where, steps, base, before[(told[0]["neighbor"]["id"],)])
    if case.exact:
        for entry in made.plan.classes:
            there = sum(steps[0]["label"] == entry.label for steps in after.values())
            wanted = entry.after - (entry.before if case.part else 0)
            expect(there == wanted, f"{case}: class {entry.label!r} has {there} windows, its plan promises {wanted}")


def _by_window(df: DataFrame, *keys: str) -> Steps:
    """Collect the steps of each window, in order."""
    found: Steps = defaultdict(list)
    for row in sorted(to_arrow(df).to_pylist(), key=lambda row: row["step"]):
        found[tuple(row[key] for key in keys)].append(row)
    return dict(found)


def _verify_between(where: str, steps: list[dict[str, Any]], base: list[Any], near: list[Any]) -> None:
    """Expect every step of a new window between those of its base and its neighbor, by one gap."""
    gap = steps[0]["made_of"]["gap"]
    for row, one, other in zip(steps, base, near, strict=True):
        for name in ("x", "y"):
            there = one[name] + gap * (other[name] - one[name])
            expect(abs(row[name] - there) <= 1e-9, f"{where} is not at its gap {gap} in {name}: {row}, {one}, {other}")
