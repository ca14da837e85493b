"""One job from input to output: count, plan, resample, stage, verify, commit."""

import uuid
from contextlib import ExitStack
from dataclasses import replace

from pyspark.sql import DataFrame, SparkSession

from spark_balance._version import __version__
from spark_balance.app import storage
from spark_balance.app.config import JobConfig, Table
from spark_balance.app.lineage import lineage_of
from spark_balance.app.look import (
    JobResult,
    count_classes,
    count_input,
    describe_left_out,
    foresee,
    preview,
    resampler_of,
)
from spark_balance.app.steps import Steps
from spark_balance.app.storage import Pinned
from spark_balance.app.storage.local_files import staged_text
from spark_balance.app.verify import Assessed
from spark_balance.app.windows import fold, new_fields, one_each, resample, take
from spark_balance.base.sampler import Sampler
from spark_balance.base.verify import first_missed, only_added, rows_short
from spark_balance.errors import ConfigError, CountsError, raise_engine_sentences
from spark_balance.frames.classes import without_null_labels
from spark_balance.frames.engine import engine_name
from spark_balance.frames.plan import ClassCounts, ResamplingPlan
from spark_balance.ml.weights import ClassWeighter
from spark_balance.report.made_of import made_of
from spark_balance.report.resampling import draw_sample, gather_facts, refuse_unreported
from spark_balance.report.resampling_page import resampling_page
from spark_balance.report.tracking import log_resampling


def run(
    spark: SparkSession,
    config: JobConfig,
    command: str = "balance",
    dry_run: bool = False,
    steps: Steps | None = None,
    report: str | None = None,
    report_rows: int = 0,
) -> JobResult:
    """Resample or weigh the input into the output, or only plan it; a mistake is refused before anything is written.

    The command "weights" weighs as ``[weights]`` says, the others run a sampler, and all but "balance" refuse a sampler
    of another kind. New rows beyond a limit of ``[verify]`` are not committed. A `dry_run` stops after the plan.
    `report` is an HTML file to write about the run when it has succeeded; four more jobs sample input and output. It
    shows `report_rows` new rows beside their bases.
    """
    steps = (steps or Steps()).on(spark)
    sampler, sink, windows = resampler_of(config, command), config.output, config.windows
    config.verify.check(sampler)
    if sink is None:
        if dry_run:
            return preview(spark, config, sampler, steps)
        raise ConfigError(f"{command}: the configuration has no table [output]; say there where to write")
    pinned = storage.pin(spark, config.input)
    given, label = pinned.frame(spark), sampler.class_col
    with pinned.blamed(spark):
        rows, frame = take(windows, given, sampler)
    run_id = steps.run = _run_id(config, sampler, pinned)
    config.run.check(sink, engine_name(spark))
    storage.check_place(spark, sink)
    sink = config.run.limit_files(sink, rows)
    if not dry_run:
        storage.recover(spark, sink)
        place = storage.staging_place(spark, sink, run_id)
        if (finished := place.finished()) is not None:
            _log(steps, config, finished, rows)
            return JobResult(output=str(sink), finished=finished, seconds=steps.seconds)
    read = sampler.options.target_col or label
    # a set of labels that is derived from several columns is never NULL
    kept = without_null_labels(sampler.name, rows, read, sampler.null_label) if read in rows.columns else rows
    storage.check_sink(spark, sink, config.input, kept, new_fields(windows, frame, sampler))
    page = text = None
    if report is not None:
        refuse_unreported(sampler, frame.schema, report_rows)
        page = storage.check_page(spark, report, sink, config.input)
    with pinned.blamed(spark):
        fitted, before, left_out = count_input(one_each(windows, given, label), sampler, steps)
    storage.check_labels(spark, sink, before)
    if dry_run or config.run.max_shuffle_gb is not None:
        foreseen = foresee(spark, config, fitted, before, frame, steps)
        if dry_run:
            return replace(foreseen, notes=foreseen.notes | left_out)
    with pinned.blamed(spark), ExitStack() as until_committed:
        keep = until_committed.enter_context(storage.keep_extract(spark, sink, wanted=config.run.extracts(before)))
        with steps.step("prepare"):
            made, out = resample(windows, fitted, frame, kept, before, keep)
        with steps.step("write") as writing, raise_engine_sentences():
            writing.rows = made.plan.rows_after
            staged = until_committed.enter_context(storage.stage(config.run.deal(out, sink), place))
        counted = one_each(windows, staged.scratch.frame(), label, sampler)
        _, after = count_classes(counted, fitted, steps, "verify")
        source, written = fitted.labelled(frame), fitted.labelled(staged.scratch.frame())
        pinned.check_unchanged(spark)
        _verify(sampler, made.plan, after)
        short = rows_short(made.plan, after, added=only_added(sampler))
        notes = made.notes | (windows.notes if windows else {}) | left_out
        notes |= {"rows_short_of_the_plan": short} if short else {}
        lost = sampler.left_null(frame) if isinstance(sampler, Sampler) and before.rows != after.rows else ()
        trust = _judge(config, sampler, source, written, steps)
        result = JobResult(before, made.plan, after, str(sink), notes=notes, left_null=lost, trust=trust)
        result = replace(result, seconds=steps.seconds)
        if page is not None:
            with steps.step("report"):
                whole = fold(windows, written, label, sampler)
                sample = draw_sample(source, whole, sampler, made.plan)
                shown = made_of(source, whole, sampler, report_rows)
            facts = gather_facts(frame, replace(made, notes=notes), sampler, after, sample)
            dropped = describe_left_out(notes)
            about = {**_about(spark, config), **({"rows left out": dropped} if dropped else {}), **facts.about}
            facts = replace(facts, made_of=shown, judged=trust.judged() if trust else None)
            text = resampling_page(replace(facts, seconds=steps.seconds, about=about))
            staged_page = until_committed.enter_context(staged_text(page, text))
            result = replace(result, report=str(page))
        lineage = lineage_of(sampler, made.plan, after, pinned, fitted.labelled(counted), steps)
        content = {"run": {"id": run_id, "input": pinned.state}, **_manifest(spark, config, sampler, result)}
        content["lineage"] = lineage
        with steps.step("commit"):
            manifest = staged.commit(content)
        if page is not None:
            staged_page.replace(page)
    # what the commit added to the manifest: the state of the output
    added = storage.staging_place(spark, sink, run_id).finished() if config.run.mlflow else None
    _log(steps, config, {**content, **(added or {})}, rows, out, text)
    return replace(result, manifest=manifest)


def _log(
    steps: Steps,
    config: JobConfig,
    manifest: Table,
    before: DataFrame,
    after: DataFrame | None = None,
    page: str | None = None,
) -> None:
    """Log a run that is finished, now or since before, to MLflow, if the configuration says so."""
    if config.run.mlflow and "plan" in manifest:  # of a run that others added rows to, its id alone may be known
        with steps.step("mlflow"):
            log_resampling(manifest, before=before, after=after, report=page or False)


def _verify(sampler: Sampler | ClassWeighter, plan: ResamplingPlan, after: ClassCounts) -> None:
    """Compare the staged counts with those that the plan promises."""
    missed = first_missed(plan, after, added=only_added(sampler), whole=sampler.options.output == "all")
    if missed is None:
        return
    if isinstance(sampler, Sampler) and sampler.keys:
        keys = ", ".join(sampler.keys)
        advice = f"perhaps because key_cols ({keys}) is not unique; name a unique key, or leave key_cols out"
        raise CountsError(f"{missed}, {advice}")
    raise RuntimeError(f"{missed}; nothing was moved to the output")


def _judge(
    config: JobConfig, sampler: Sampler | ClassWeighter, before: DataFrame, written: DataFrame, steps: Steps
) -> Assessed | None:
    """Hold the new rows against the limits that are set; nothing runs without one."""
    verify = config.verify
    if not verify.limits or not isinstance(sampler, Sampler):
        return None
    with steps.step("trust"):
        found = verify.assess(sampler, before, fold(config.windows, written, sampler.class_col, sampler))
    verify.refuse(sampler.name, found)
    return found


def _run_id(config: JobConfig, sampler: Sampler | ClassWeighter, pinned: Pinned) -> str:
    """Return an id of the run's configuration, seed included, and of the state of its input."""
    # without a state of the input no two runs are the same
    state = uuid.uuid4().hex if pinned.state is None else pinned.state
    places = [place and place.model_dump(exclude_defaults=True) for place in (pinned.source, config.output)]
    # what was written under other limits was not held to these
    places += [config.verify.model_dump(exclude_defaults=True)] if config.verify.limits else []
    places += [config.windows.model_dump()] if config.windows else []
    return storage.digest([__version__, config.sampler_name, sampler.to_toml_dict(), *places, state])


def _about(spark: SparkSession, config: JobConfig) -> dict[str, str]:
    """Return what the page says of the origin and the destination of the rows."""
    made = storage.made_by(spark)
    versions = ", ".join(f"{name} {number}" for name, number in made["versions"].items())
    return {"input": str(config.input), "output": str(config.output), **made, "versions": versions}


def _manifest(spark: SparkSession, config: JobConfig, sampler: Sampler | ClassWeighter, result: JobResult) -> Table:
    if isinstance(sampler, ClassWeighter):
        how: Table = {"weights": sampler.to_toml_dict()}
    else:
        how = {"sampler": {config.sampler_name: sampler.to_toml_dict()}, "random_state": sampler.random_state}
    if config.windows:
        how["windows"] = config.windows.model_dump(mode="json")
    return {
        "manifest_version": storage.MANIFEST_VERSION,
        **storage.made_by(spark),
        "input": config.input.model_dump(exclude_defaults=True, by_alias=True),
        **how,
        **result.to_dict(),
        "output": config.output and config.output.model_dump(exclude_defaults=True),
    }
