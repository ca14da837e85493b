"""One job from input to output: count, plan, resample, stage, verify, commit; or only count or explain."""

import uuid
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from spark_balance._version import __version__
from spark_balance.app import storage
from spark_balance.app.config import JobConfig, Table
from spark_balance.app.session import cores_of, engine_name
from spark_balance.app.steps import Steps
from spark_balance.app.storage import Pinned, Sink, read
from spark_balance.app.storage.local_files import staged_text
from spark_balance.base.sampler import Sampler
from spark_balance.base.verify import first_missed, only_added, rows_short
from spark_balance.errors import ConfigError, CountsError, raise_engine_sentences
from spark_balance.explain.explanation import Explanation
from spark_balance.frames.classes import has_label
from spark_balance.frames.counts import class_counts
from spark_balance.frames.plan import ClassCounts, ResamplingPlan
from spark_balance.ml.weights import ClassWeighter
from spark_balance.report.resampling import draw_sample, gather_facts, refuse_unreported
from spark_balance.report.resampling_page import resampling_page

# the sampler that a command of its own name runs; `balance` runs any
SAMPLER_OF = {"downsample": "random_under", "upsample": "random_over", "smote": "smote"}


@dataclass(frozen=True)
class JobResult:
    """What a job found and did.

    A job that counts has only `before`, a dry run has no `after`, and a run whose output was there already
    has only `finished`, its manifest.
    """

    before: ClassCounts | None = None
    plan: ResamplingPlan | None = None
    after: ClassCounts | None = None
    output: str | None = None
    manifest: str | None = None
    report: str | None = None
    cost: Explanation | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    finished: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain values that JSON can carry."""
        if self.finished is not None:
            return {**self.finished, "already_finished": True}
        counted = {"before": self.before, "plan": self.plan, "after": self.after}
        places = {name: getattr(self, name) for name in ("output", "manifest", "report")}
        return {
            **{name: part and part.to_dict() for name, part in counted.items()},
            **places,
            **({"cost": self.cost.to_dict()} if self.cost else {}),
            "notes": self.notes,
            "seconds": self.seconds,
        }


def describe(spark: SparkSession, config: JobConfig, steps: Steps | None = None) -> JobResult:
    """Count the classes of the input."""
    steps = (steps or Steps()).on(spark)
    what = config.sampler or config.describe or config.weights
    if what is None:
        raise ConfigError("config: the label column is unknown; add [describe] with label_col")
    frame = read(spark, config.input)
    return JobResult(_count(frame, what, steps), seconds=steps.seconds)


def explain(
    spark: SparkSession, config: JobConfig, cores: int | None = None, steps: Steps | None = None
) -> Explanation:
    """Say what the job's sampler would do and cost: it counts, SMOTE also samples, nothing is written."""
    steps = (steps or Steps()).on(spark)
    sampler = explained_sampler(config)
    if config.output is not None:
        sampler = _keep_partitions(sampler, config.output)
    with steps.step("explain"):
        frame = read(spark, config.input)
        return sampler.explain(frame, cores=cores_of(spark) if cores is None else cores)


def explained_sampler(config: JobConfig) -> Sampler:
    """Return the configuration's sampler, or refuse a configuration without one."""
    if config.sampler is None:
        raise ConfigError("explain: the configuration has no sampler; add the one to explain as [sampler.<name>]")
    return config.sampler


def run(
    spark: SparkSession,
    config: JobConfig,
    command: str = "balance",
    dry_run: bool = False,
    steps: Steps | None = None,
    report: str | None = None,
) -> JobResult:
    """Resample or weigh the input into the output, or only plan it; a mistake is refused before anything is written.

    The command "weights" weighs as ``[weights]`` says, the others run a sampler, and all but "balance" refuse a sampler
    of another kind. A `dry_run` stops after the plan. `report` is an HTML file to write about the run when it has
    succeeded; four more jobs sample input and output.
    """
    steps = (steps or Steps()).on(spark)
    sampler, sink = _parts(config, command)
    pinned = storage.pin(spark, config.input)
    frame = pinned.frame(spark)
    sampler.check(frame)
    run_id = steps.run = _run_id(config, sampler, pinned)
    config.run.check(sink, engine_name(spark))
    storage.check_place(spark, sink)
    sink = config.run.limit_files(sink, frame)
    if not dry_run:
        storage.recover(spark, sink)
        place = storage.staging_place(spark, sink, run_id)
        if (finished := place.finished()) is not None:
            return JobResult(output=str(sink), finished=finished, seconds=steps.seconds)
    kept = frame.where(has_label(frame.schema, sampler.label_col)) if sampler.null_label == "drop" else frame
    storage.check_sink(spark, sink, config.input, kept, sampler.new_fields(frame.schema))
    page = None
    if report is not None:
        refuse_unreported(sampler)
        page = storage.check_page(spark, report, sink, config.input)
    with pinned.blamed(spark):
        before = _count(frame, sampler, steps)
    storage.check_labels(spark, sink, before)
    if dry_run or config.run.max_shuffle_gb is not None:
        plan, cost = sampler.plan(frame, before), None
        if isinstance(sampler, Sampler):
            with steps.step("explain"):
                cost = sampler.explain(frame, before, cores=cores_of(spark))
        config.run.check_shuffle(cost, frame, plan)
        if dry_run:
            return JobResult(before, plan, cost=cost, seconds=steps.seconds)
    with pinned.blamed(spark), ExitStack() as until_committed:
        keep = until_committed.enter_context(storage.keep_extract(spark, sink, wanted=config.run.extracts(before)))
        with steps.step("prepare"):
            made = sampler.resample(frame, before, extract_path=keep)
        with steps.step("write") as writing, raise_engine_sentences():
            writing.rows = made.plan.rows_after
            staged = until_committed.enter_context(storage.stage(config.run.deal(made.frame, sink), place))
        after = _count(staged.scratch.frame(), sampler, steps, "verify")
        pinned.check_unchanged(spark)
        _verify(sampler, made.plan, after)
        short = rows_short(made.plan, after, added=only_added(sampler))
        notes = made.notes | ({"rows_short_of_the_plan": short} if short else {})
        result = JobResult(before, made.plan, after, str(sink), notes=notes, seconds=steps.seconds)
        if page is not None:
            with steps.step("report"):
                sample = draw_sample(frame, staged.scratch.frame(), sampler, made.plan)
            known = gather_facts(frame, replace(made, notes=notes), sampler, after, sample)
            about = {**_about(spark, config), **known.about}
            text = resampling_page(replace(known, seconds=steps.seconds, about=about))
            written = until_committed.enter_context(staged_text(page, text))
            result = replace(result, report=str(page))
        content = {"run": {"id": run_id, "input": pinned.state}, **_manifest(spark, config, sampler, result)}
        with steps.step("commit"):
            manifest = staged.commit(content)
        if page is not None:
            written.replace(page)
    return replace(result, manifest=manifest)


def _count(frame: DataFrame, what: Any, steps: Steps, step: str = "count") -> ClassCounts:
    with steps.step(step) as counting:
        counts = class_counts(frame, what.label_col, what.within_cols or ())
        counting.rows = sum(counts.rows.values()) + counts.missing_rows
    return counts


def _parts(config: JobConfig, command: str) -> tuple[Sampler | ClassWeighter, Sink]:
    """Return the sampler or weighter and the sink, or refuse a configuration that misses one."""
    if config.output is None:
        raise ConfigError(f"{command}: the configuration has no table [output]; say there where to write")
    if command == "weights":
        if config.weights is None:
            raise ConfigError("weights: the configuration has no table [weights]; name the label column there")
        return config.weights, config.output
    needed = SAMPLER_OF.get(command, config.sampler_name)
    if config.sampler is None or config.sampler_name != needed:
        given = f"[sampler.{config.sampler_name}]" if config.sampler else "no sampler"
        raise ConfigError(
            f"{command}: the configuration has {given}, this command needs [sampler.{needed or '<name>'}]"
            + ("" if command == "balance" else "; or run the command balance")
        )
    return _keep_partitions(config.sampler, config.output), config.output


def _keep_partitions(sampler: Sampler, sink: Sink) -> Sampler:
    """Give new rows the partition of their base row, unless the sampler says otherwise."""
    made = sampler.label_col, sampler.options.provenance_col
    inherited = tuple(name for name in sink.partition_by if name not in made)
    return sampler.inheriting(inherited) if inherited else sampler


def _verify(sampler: Sampler | ClassWeighter, plan: ResamplingPlan, after: ClassCounts) -> None:
    """Compare the staged counts with those that the plan promises."""
    whole = not isinstance(sampler, Sampler) or sampler.options.output == "all"
    missed = first_missed(plan, after, added=only_added(sampler), whole=whole)
    if missed is None:
        return
    if isinstance(sampler, Sampler) and sampler.keys:
        keys = ", ".join(sampler.keys)
        advice = f"perhaps because key_cols ({keys}) is not unique; name a unique key, or leave key_cols out"
        raise CountsError(f"{missed}, {advice}")
    raise RuntimeError(f"{missed}; nothing was moved to the output")


def _run_id(config: JobConfig, sampler: Sampler | ClassWeighter, pinned: Pinned) -> str:
    """Return an id of the run's configuration, seed included, and of the state of its input."""
    # without a state of the input no two runs are the same
    state = uuid.uuid4().hex if pinned.state is None else pinned.state
    places = [place and place.model_dump(exclude_defaults=True) for place in (pinned.source, config.output)]
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
    return {
        **storage.made_by(spark),
        "input": config.input.model_dump(exclude_defaults=True, by_alias=True),
        **how,
        **result.to_dict(),
        "output": config.output and config.output.model_dump(exclude_defaults=True),
    }
