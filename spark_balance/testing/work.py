"""What a sampler asks of the engine: as few jobs as it declares, nothing cached or left, and what `explain` says."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pyspark.sql import DataFrame, SparkSession, functions as F

from spark_balance.frames.counts import class_counts
from spark_balance.testing.case import Case, expect, expect_same, unwarned
from spark_balance.testing.checks import check
from spark_balance.testing.frames import COUNTS, labelled, three_classes

_ACTIONS = (
    *("toArrow", "collect", "count", "toPandas", "toLocalIterator", "head", "take", "first", "tail", "show"),
    *("isEmpty", "foreach", "foreachPartition", "_collect_as_arrow"),  # the last is what Spark 3.5 has for toArrow
)
_HELD = ("cache", "persist", "checkpoint", "localCheckpoint")
_VIEWS = ("createTempView", "createOrReplaceTempView", "createGlobalTempView", "createOrReplaceGlobalTempView")


@contextmanager
def watched(df: DataFrame, *names: str) -> Iterator[list[str]]:
    """Give a list of the methods of frames, of these, that are called inside."""
    called: list[str] = []
    kind = type(df)
    inside: list[bool] = []  # one method may be made of another

    def watching(name: str, of: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            if not inside:
                called.append(name)
            inside.append(True)
            try:
                return of(*given, **more)
            finally:
                inside.pop()

        return call

    kept = {name: getattr(kind, name) for name in names if hasattr(kind, name)}
    try:
        for name, of in kept.items():
            setattr(kind, name, watching(name, of))
        with unwarned():
            yield called
    finally:
        for name, of in kept.items():
            setattr(kind, name, of)


def unreadable(spark: SparkSession) -> DataFrame:
    """Return a frame that fails when an action reads it."""
    error = F.raise_error(F.lit("this frame was read")).cast("double")
    df = three_classes(spark)
    label = F.when(F.col("x") < 0, F.col("label")).otherwise(error.cast("string")).alias("label")
    return df.select("id", label, "x", "y", "n")


@check()
def check_jobs(spark: SparkSession, case: Case) -> None:
    """One job counts, unless counts are given, and at most `jobs` more run before the frame is returned."""
    df = three_classes(spark)
    for counts, most in ((None, 1 + case.sampler.jobs), (COUNTS, case.sampler.jobs))[: 1 + case.by_label]:
        with watched(df, *_ACTIONS) as ran:
            case().fit_resample(df, counts)
        expect(len(ran) <= most, f"{case}: {len(ran)} jobs run ({', '.join(ran)}), jobs declares at most {most}")


@check(lambda case: not case.learns)
def check_nothing_is_read(spark: SparkSession, case: Case) -> None:
    """With given counts a sampler that declares no jobs does not read the frame at all."""
    df = unreadable(spark)
    try:
        out = case().fit_resample(df, counts=COUNTS)
    except Exception as failed:
        expect("this frame was read" not in str(failed), f"{case}: it declares no jobs, and reads the frame")
        raise
    new = [field.name for field in case.sampler.new_fields(df.schema)]
    expect(out.columns == [*df.columns, *new], f"{case}: the columns are {out.columns}")
    for what, reading in (("its result", out.collect), ("the frame", lambda: case().fit_resample(df))):
        try:
            reading()
        except Exception as failed:
            expect("this frame was read" in str(failed), f"{case}: reading {what} fails otherwise: {failed}")
        else:
            expect(False, f"{case}: {what} is not made of the frame")


@check()
def check_nothing_is_left(spark: SparkSession, case: Case) -> None:
    """Nothing stays cached, checkpointed or registered as a view."""
    df = labelled(spark, [60, 20])
    with watched(df, *_HELD, *_VIEWS, "unpersist") as called:
        case().fit_resample(df)
    held = [name for name in called if name != "unpersist"]
    released = called.count("unpersist")
    views = [name for name in held if name in _VIEWS]
    expect(not views, f"{case}: it leaves a view behind ({', '.join(views)}), which other code can see")
    expect(len(held) <= released, f"{case}: {', '.join(held)} without unpersist leaves data in the workers' memory")


@check(lambda case: case.sampler.same_anywhere)
def check_given_counts(spark: SparkSession, case: Case) -> None:
    """Counts that are given, as a dict or as `class_counts` returns them, give the same rows."""
    df = three_classes(spark)
    one = case.made_of(df, class_counts(df, "label")).everything
    other = case.made_of(df, COUNTS).everything
    expect_same(other, one, f"{case}: given counts give other rows than the same ones counted")


@check()
def check_explain(spark: SparkSession, case: Case) -> None:
    """`explain` runs no more than counts and `jobs`, agrees with the plan, and is plain values."""
    df = labelled(spark, [730, 250])
    with watched(df, *_ACTIONS) as ran:
        said = case().explain(df, cores=4)
    expect(len(ran) <= 1 + case.sampler.jobs, f"{case}: explain runs {len(ran)} jobs ({', '.join(ran)})")
    plan = case().plan(df, {"class 0": 730, "class 1": 250} if case.by_label else None)
    rows = (said.rows_before, said.rows_after)
    expect(rows == (plan.rows_before, plan.rows_after), f"{case}: explain says {rows}, the plan {plan.rows_after}")
    steps = said.steps
    expect(steps[0].name == "count", f"{case}: explain does not begin with the step that counts")
    wrote = plan.rows_after - plan.rows_before if case.part else plan.rows_after
    expect(said.rows_written == wrote, f"{case}: explain writes {said.rows_written} rows, the plan {wrote}")
    expect(all(step.tasks > 0 and step.times > 0 for step in steps), f"{case}: a step of explain never runs")
    named = json.loads(json.dumps(said.to_dict()))["method"]
    expect(named == case.sampler.name, f"{case}: explain is of {named}")
    expect(str(said).count("\n") >= len(steps), f"{case}: explain prints less than a line for each step")


@check(lambda case: case.kind.family != "both")
def check_in_a_chain(spark: SparkSession, case: Case) -> None:
    """It is a step like another: what comes after it ends with the counts that it promises."""
    from spark_balance.combine.chain import Chain
    from spark_balance.under_sampling.random_under_sampler import RandomUnderSampler

    after = RandomUnderSampler(label_col="label", sampling_strategy="all", random_state=3)
    if case.part:
        case.refuses("a step that returns no whole table", lambda: Chain([case(), after]), "output=")
        return
    df = three_classes(spark)
    with unwarned():
        out = Chain([case(), after]).fit_resample(df)
    expect(set(df.columns) <= set(out.columns), f"{case}: a chain with it loses columns")
    found = class_counts(out, "label").rows
    even = len(found) == len(COUNTS) and len(set(found.values())) == 1
    expect(even, f"{case}: after it, random under-sampling of all classes leaves {found}")
