"""Jobs that write nothing: count, plan, and say what a run would cost; and what any job returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pyspark.sql import DataFrame, SparkSession

from spark_balance._methods import SAMPLER_OF
from spark_balance.app.config import Advise, JobConfig
from spark_balance.app.session import cores_of
from spark_balance.app.steps import Steps
from spark_balance.app.storage import read
from spark_balance.app.verify import Assessed
from spark_balance.app.windows import UNCOUNTED, fold, one_each, take
from spark_balance.base.parameters import Parameters
from spark_balance.base.sampler import Sampler
from spark_balance.combine.combined import complete_rows, is_complete
from spark_balance.errors import ConfigError
from spark_balance.explain.explanation import Explanation
from spark_balance.frames.columns import names_in
from spark_balance.frames.counts import class_counts, count_complete
from spark_balance.frames.labelsets import class_column, with_classes
from spark_balance.frames.plan import ClassCounts, ResamplingPlan
from spark_balance.ml.weights import ClassWeighter

if TYPE_CHECKING:
    from spark_balance.compare.advice import Advice


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
    left_null: tuple[str, ...] = ()  # columns that are NULL in new rows
    seconds: dict[str, float] = field(default_factory=dict)
    trust: Assessed | None = None  # figures of the new rows, if they have limits
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
            **({"trust": self.trust.to_dict()} if self.trust else {}),
            "notes": self.notes,
            "left_null": list(self.left_null),
            "seconds": self.seconds,
        }


def describe(spark: SparkSession, config: JobConfig, steps: Steps | None = None) -> JobResult:
    """Count the classes of the input."""
    steps = (steps or Steps()).on(spark)
    what = config.sampler or config.describe or config.weights
    if what is None:
        raise ConfigError("config: the label column is unknown; add [describe] with label_col")
    frame = one_each(config.windows, read(spark, config.input), class_column(what.label_col))
    notes = config.windows.notes if config.windows else {}
    return JobResult(count_classes(frame, what, steps)[1], notes=notes, seconds=steps.seconds)


def advise(spark: SparkSession, config: JobConfig, source: str, steps: Steps | None = None) -> Advice:
    """Say what to do about the classes of the input, which words of the command line name as `source`."""
    from spark_balance.compare.advice import SOURCE, advise_on

    steps = (steps or Steps()).on(spark)
    what, has = config.advise, config.sampler or config.describe or config.weights
    if what is None and has is None:
        raise ConfigError("config: the label column is unknown; add [advise] with label_col")
    if config.windows:
        raise ConfigError("config: advise judges single rows, not [windows]; leave that table out")
    label = has.label_col if what is None and has else ""
    if not isinstance(label, str):
        raise ConfigError("config: advise judges one label a row, and label_col names several columns; add [advise]")
    what = what or Advise(label_col=label)
    asked = what.model_dump(exclude_defaults=True, exclude={"label_col", "compare"})
    with steps.step("advise"):
        # another sampler of a file would come into the way of the one that is advised
        named = SOURCE if config.sampler else source
        return advise_on(read(spark, config.input), what.label_col, asked, compare=what.compare, source=named)


def explain(
    spark: SparkSession, config: JobConfig, cores: int | None = None, steps: Steps | None = None
) -> Explanation:
    """Say what the job's sampler would do and cost: it counts, SMOTE also samples, nothing is written."""
    steps = (steps or Steps()).on(spark)
    sampler = _inheriting(explained_sampler(config), config)
    with steps.step("explain"):
        frame = fold(config.windows, read(spark, config.input), sampler.class_col)
        cost = sampler.explain(frame, cores=cores_of(spark) if cores is None else cores)
    return _uncounted(cost, config)


def explained_sampler(config: JobConfig) -> Sampler:
    """Return the configuration's sampler, or refuse a configuration without one."""
    if config.sampler is None:
        raise ConfigError("explain: the configuration has no sampler; add the one to explain as [sampler.<name>]")
    return config.sampler


def preview(spark: SparkSession, config: JobConfig, sampler: Sampler | ClassWeighter, steps: Steps) -> JobResult:
    """Count, plan and say what the run would cost."""
    rows = read(spark, config.input)
    _, frame = take(config.windows, rows, sampler)
    fitted, before, left_out = count_input(one_each(config.windows, rows, sampler.class_col), sampler, steps)
    foreseen = foresee(spark, config, fitted, before, frame, steps)
    return replace(foreseen, notes=foreseen.notes | left_out)


def foresee(
    spark: SparkSession,
    config: JobConfig,
    sampler: Sampler | ClassWeighter,
    before: ClassCounts,
    frame: DataFrame,
    steps: Steps,
) -> JobResult:
    """Plan, say what the run would cost, and refuse one that costs more than the configuration allows."""
    plan, cost, used = sampler.plan(frame, before), None, None
    if isinstance(sampler, Sampler):
        used = sampler.features(frame)
        with steps.step("explain"):
            cost = _uncounted(sampler.explain(frame, before, cores=cores_of(spark)), config)
    config.run.check_shuffle(cost, frame, plan)
    notes: dict[str, Any] = {"features": list(used.names)} if used else {}
    notes |= config.windows.notes if config.windows else {}
    return JobResult(before, plan, cost=cost, notes=notes, seconds=steps.seconds)


def count_classes(frame: DataFrame, what: Any, steps: Steps, step: str = "count") -> tuple[Any, ClassCounts]:
    """Count the classes as a step of a job, and return by what: a sampler with all that it takes from the frame."""
    with steps.step(step) as counting:
        if isinstance(what, Parameters):
            what = what.fitted(frame)
            frame = what.labelled(frame)
        else:
            frame = with_classes("describe", frame, what.label_col)
        counts = class_counts(frame, class_column(what.label_col), what.within_cols or ())
        counting.rows = sum(counts.rows.values()) + counts.missing_rows
    return what, counts


def count_input(
    rows: DataFrame, sampler: Sampler | ClassWeighter, steps: Steps
) -> tuple[Any, ClassCounts, dict[str, Any]]:
    """Do the same for the rows of the input that a sampler takes, and return as notes how many it leaves out."""
    with steps.step("count") as counting:
        fitted = sampler.fitted(complete_rows(sampler, rows))
        complete = is_complete(sampler, rows)
        counts, lacking = count_complete(fitted.labelled(rows), fitted.class_col, fitted.within_cols or (), complete)
        counting.rows = sum(counts.rows.values()) + counts.missing_rows
    left_out = {} if complete is None else {"lack a feature": lacking}
    left_out |= {"have no label": counts.missing_rows} if sampler.null_label == "drop" else {}
    return fitted, counts, {"rows_left_out": left_out} if left_out else {}


def describe_left_out(notes: Mapping[str, Any]) -> str:
    """Return in words how many rows of the input a run left out; nothing where it left out no row."""
    left_out: dict[str, int] = notes.get("rows_left_out", {})
    return ", ".join(f"{rows:,} {why}" for why, rows in left_out.items()) if any(left_out.values()) else ""


def resampler_of(config: JobConfig, command: str) -> Sampler | ClassWeighter:
    """Return the sampler or weighter of a command, or refuse a configuration that has another."""
    if command == "weights":
        if config.weights is None:
            raise ConfigError("weights: the configuration has no table [weights]; name the label column there")
        return config.weights
    needed = config.sampler_name if command == "balance" else SAMPLER_OF.get(command, command.replace("-", "_"))
    if config.sampler is None or config.sampler_name != needed:
        given = f"[sampler.{config.sampler_name}]" if config.sampler else "no sampler"
        raise ConfigError(
            f"{command}: the configuration has {given}, this command needs [sampler.{needed or '<name>'}]"
            + ("" if command == "balance" else "; or run the command balance")
        )
    return _inheriting(config.sampler, config)


def _uncounted(cost: Explanation, config: JobConfig) -> Explanation:
    """Say what a cost leaves out."""
    return replace(cost, warnings=(*cost.warnings, UNCOUNTED)) if config.windows else cost


def _inheriting(sampler: Sampler, config: JobConfig) -> Sampler:
    """Give new rows the partition of their base row, and new windows all, unless the sampler says otherwise."""
    if config.windows:
        if config.run.max_shuffle_gb is not None:
            raise ConfigError("run: max_shuffle_gb does not count what [windows] shuffles; leave one of them out")
        return config.windows.prepare(sampler)
    sink = config.output
    made = *names_in(sampler.label_col), sampler.options.provenance_col
    inherited = tuple(name for name in (sink.partition_by if sink else ()) if name not in made)
    return sampler.inheriting(inherited) if inherited else sampler
