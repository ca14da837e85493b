"""One job from input to output: count, plan, resample, stage, verify, commit."""

from __future__ import annotations

import uuid
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from spark_balance import __version__
from spark_balance.config import JobConfig, Table
from spark_balance.errors import SparkBalanceError, told_by_the_engine
from spark_balance.explain_job import explained, keeping_partitions
from spark_balance.job_result import JobResult
from spark_balance.ml.weights import ClassWeighter
from spark_balance.plans.counts import class_counts
from spark_balance.plans.strata import has_label
from spark_balance.report.resampling import check_reported, sample_of, told
from spark_balance.report.resampling_page import resampling_page
from spark_balance.samplers.base import Sampler, only_added
from spark_balance.samplers.interpolating import InterpolatingSampler
from spark_balance.session import engine_name
from spark_balance.steps import Steps
from spark_balance.storage import (
    Pinned,
    RunPage,
    Searched,
    Sink,
    check_sink,
    digest,
    pin,
    read,
    recover,
    stage,
    staging_place,
)
from spark_balance.storage.manifest import made_by
from spark_balance.summary import ClassCounts, ResamplingPlan
from spark_balance.targets import first_missed, rows_short

# the sampler that a command of its own name runs; `balance` runs any
SAMPLER_OF = {"downsample": "random_under", "upsample": "random_over", "smote": "smote"}


def describe(spark: SparkSession, config: JobConfig, steps: Steps | None = None) -> JobResult:
    """Count the classes of the input."""
    steps = (steps or Steps()).on(spark)
    what = config.sampler or config.describe or config.weights
    if what is None:
        raise SparkBalanceError("config: nothing says which column is the label; add [describe] with label_col")
    frame = read(spark, config.input)
    with steps.step("count") as counting:
        before = class_counts(frame, what.label_col, what.within_cols or ())
        counting.rows = _rows(before)
    return JobResult(before, seconds=steps.seconds)


def run(
    spark: SparkSession,
    config: JobConfig,
    command: str = "balance",
    dry_run: bool = False,
    steps: Steps | None = None,
    report: str | None = None,
) -> JobResult:
    """Resample or weigh the input into the output, or only plan it.

    Parameters
    ----------
    spark : SparkSession
        The session to run on.
    config : JobConfig
        What to read, how to resample, where to write.
    command : {"balance", "downsample", "upsample", "smote", "weights"}
        "weights" weighs as ``[weights]`` says, the others run a sampler. Every command but "balance"
        refuses a sampler of another kind.
    dry_run : bool
        Stop after the plan; nothing is written.
    steps : Steps, optional
        Where the seconds go.
    report : str, optional
        An HTML file to write about the run, when it has succeeded; four more jobs sample input and output.

    Returns
    -------
    JobResult
        Class counts before and after, the plan, where output and manifest are.
    """
    steps = (steps or Steps()).on(spark)
    sampler, sink = _parts(config, command)
    pinned = pin(spark, config.input)
    frame = pinned.frame(spark)
    sampler.check(frame)
    run_id = steps.run = _run_id(config, sampler, pinned)
    config.run.check(sink, engine_name(spark))
    searched = config.run.searched(spark, sampler, sink, pinned, run_id)
    sink = config.run.sized(sink, frame)
    if not dry_run:
        recover(spark, sink)
        place = staging_place(spark, sink, run_id)
        if (finished := place.finished()) is not None:
            if searched is not None:
                searched.remove()
            return JobResult(output=str(sink), finished=finished, seconds=steps.seconds)
    kept = frame.where(has_label(frame.schema, sampler.label_col)) if sampler.null_label == "drop" else frame
    check_sink(spark, sink, config.input, kept, sampler.new_fields(frame.schema))
    page = None if report is None else RunPage(report)
    if page is not None:
        check_reported(sampler)
        page.check(spark, sink, config.input)
    with steps.step("count") as counting:
        before = class_counts(frame, sampler.label_col, sampler.within_cols or ())
        counting.rows = _rows(before)
    if dry_run or config.run.max_shuffle_gb is not None:
        plan, cost = sampler.plan(frame, before), None
        if isinstance(sampler, Sampler):
            with steps.step("explain"):
                cost = explained(spark, sampler, frame, before)
        config.run.check_shuffle(cost, frame, plan)
        if dry_run:
            return JobResult(before, plan, cost=cost, seconds=steps.seconds)
    with steps.step("prepare"):
        made = _holding(sampler, searched, steps).resample(frame, before)
    with ExitStack() as until_committed:
        with steps.step("write") as writing, told_by_the_engine(made.plan.method):
            writing.rows = made.plan.rows_after
            staged = until_committed.enter_context(stage(config.run.dealt(made.frame, sink), place))
        with steps.step("verify") as verifying:
            after = class_counts(staged.frame(), sampler.label_col, sampler.within_cols or ())
            verifying.rows = _rows(after)
            try:
                _verify(sampler, made.plan, after)
            except Exception:
                if searched is not None:  # so that no later run takes what may have been at fault
                    searched.remove()
                raise
            if pin(spark, pinned.source) != pinned:
                raise SparkBalanceError(f"input: {config.input} changed while the job read it; run the job again")
        short = rows_short(made.plan, after, added=only_added(sampler))
        notes = made.notes | ({"rows_short_of_the_plan": short} if short else {})
        result = JobResult(before, made.plan, after, str(sink), notes=notes, seconds=steps.seconds)
        if page is not None:
            with steps.step("report"):
                sample = sample_of(frame, staged.frame(), sampler, made.plan)
            known = told(frame, replace(made, notes=notes), sampler, after, sample)
            about = {**_about(spark, config), **known.about}
            text = resampling_page(replace(known, seconds=steps.seconds, about=about))
            written = until_committed.enter_context(page.staged(text))
            result = replace(result, report=str(page.place))
        content = {"run": {"id": run_id, "input": pinned.state}, **_manifest(spark, config, sampler, result)}
        with steps.step("commit"):
            manifest = staged.commit(content)
        if page is not None:
            written.replace(page.place)
    if searched is not None:
        searched.remove()
    return replace(result, manifest=manifest)


def _holding(sampler: Sampler | ClassWeighter, searched: Searched | None, steps: Steps) -> Sampler | ClassWeighter:
    """Return the sampler that searches in a step of its own and holds what it found, if there is a place for it."""
    if searched is None:
        return sampler
    assert isinstance(sampler, InterpolatingSampler)

    def hold(found: DataFrame) -> DataFrame:
        with steps.step("search"), told_by_the_engine(type(sampler).__name__):
            return searched.rows(found)

    return sampler.holding(hold)


def _rows(counts: ClassCounts) -> int:
    return sum(counts.rows.values()) + counts.missing_rows


def _parts(config: JobConfig, command: str) -> tuple[Sampler | ClassWeighter, Sink]:
    """Return the sampler or weighter and the sink, or say which the command misses."""
    if config.output is None:
        raise SparkBalanceError(f"{command}: the configuration has no table [output]; say there where to write")
    if command == "weights":
        if config.weights is None:
            raise SparkBalanceError(
                "weights: the configuration has no table [weights]; say there which column is the label"
            )
        return config.weights, config.output
    wanted = SAMPLER_OF.get(command, config.sampler_name)
    if config.sampler is None or config.sampler_name != wanted:
        given = f"[sampler.{config.sampler_name}]" if config.sampler else "no sampler"
        raise SparkBalanceError(
            f"{command}: the configuration has {given}, this command needs [sampler.{wanted or '<name>'}]"
            + ("" if command == "balance" else "; or run the command balance")
        )
    return keeping_partitions(config.sampler, config.output), config.output


def _about(spark: SparkSession, config: JobConfig) -> dict[str, str]:
    """Return what a page tells of where rows came from and went to."""
    made = made_by(spark)
    told = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
    return {"input": str(config.input), "output": str(config.output), **made, "versions": told}


def _verify(sampler: Sampler | ClassWeighter, plan: ResamplingPlan, after: ClassCounts) -> None:
    """Compare what was written with what was planned, as far as the plan promises it."""
    missed = first_missed(plan, after, added=only_added(sampler))
    if missed is None:
        return
    if keys := getattr(sampler, "key_cols", None):
        advice = f"as when key_cols ({', '.join(keys)}) tell rows not apart; name a unique key, or leave key_cols out"
        raise SparkBalanceError(f"{missed}, {advice}")
    raise RuntimeError(f"{missed}; nothing was moved to the output")


def _run_id(config: JobConfig, sampler: Sampler | ClassWeighter, pinned: Pinned) -> str:
    """Return what tells this run from every other: its configuration, seed too, and the state of its input."""
    # where nothing tells the states of an input apart, no two runs are the same
    state = uuid.uuid4().hex if pinned.state is None else pinned.state
    places = [place and place.model_dump(exclude_defaults=True) for place in (pinned.source, config.output)]
    return digest([__version__, config.sampler_name, sampler.to_toml_dict(), *places, state])


def _manifest(spark: SparkSession, config: JobConfig, sampler: Sampler | ClassWeighter, result: JobResult) -> Table:
    if isinstance(sampler, ClassWeighter):
        how: dict[str, Any] = {"weights": sampler.to_toml_dict()}
    else:
        how = {"sampler": {config.sampler_name: sampler.to_toml_dict()}, "random_state": sampler.random_state}
    return {
        **made_by(spark),
        "input": config.input.model_dump(exclude_defaults=True, by_alias=True),
        **how,
        **result.to_dict(),
        "output": config.output and config.output.model_dump(exclude_defaults=True),
    }
