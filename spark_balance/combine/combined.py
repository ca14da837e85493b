"""Several samplers one after the other, as one: a fold over counts, plans and frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from pyspark.sql import Column, DataFrame

from spark_balance.base import ClassRows, Keep, Node, Resampled, Sampler
from spark_balance.base.guards import check_class_rows, check_growth
from spark_balance.base.parameters import Parameters
from spark_balance.base.rows import lacks_nothing
from spark_balance.base.strategy import Kind
from spark_balance.base.verify import counts_of
from spark_balance.errors import ParameterError
from spark_balance.explain.explanation import Explanation, Table
from spark_balance.frames.arguments import checked
from spark_balance.frames.arrow import held, is_held
from spark_balance.frames.classes import Strata
from spark_balance.frames.columns import told_in_pipelines
from spark_balance.frames.copies import count_numbers
from spark_balance.frames.counts import GivenCounts, known_counts
from spark_balance.frames.features import FeatureColumns
from spark_balance.frames.plan import ClassCounts, ClassPlan, Counts, Group, Label, Promises, ResamplingPlan, RowsOut
from spark_balance.frames.text import TextTable, show_plan, shown
from spark_balance.neighbors.space import MixedColumns

SHARED = ("label_col", "key_cols", "null_label", "within_cols", "random_state")
HELD_NUMBERS = 2**20  # of a frame between two steps: 8 MiB
AGREED = ("label_col", "null_label", "within_cols")


def _tables(plan: ResamplingPlan) -> list[TextTable]:
    steps = plan.steps if isinstance(plan, ChainedPlan) and len(plan.steps) > 1 else ()
    return [*show_plan(plan), *(table for step in steps for table in _tables(step))]


@shown(_tables)
@dataclass(frozen=True)
class ChainedPlan(ResamplingPlan):
    """The plan of all steps: rows before the first and after the last, and the plan of each."""

    steps: tuple[ResamplingPlan, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain values that JSON can carry."""
        return super().to_dict() | {"steps": [step.to_dict() for step in self.steps]}


@checked
class CombinedSampler(Sampler):
    """A sampler whose steps are other samplers: each works on what the one before returns.

    The rows that one step promises exactly are the counts of the next; otherwise the rows are counted in between,
    one job that runs all steps before. A step that reads features reads its rows several times, so a small frame is
    computed for it once, at most 8 MiB on the driver; a larger one is computed each time. Once a step has added
    rows, `key_cols` no longer identify rows (a new row has a NULL or its base's key), so later steps know a row by
    the hash of all its columns. A subclass has the samplers as `steps`.
    """

    family: ClassVar[Kind] = "both"
    rows: ClassVar[RowsOut] = "segment"
    action: ClassVar[str] = "resample"
    handed_down: ClassVar[tuple[str, ...]] = SHARED  # what a step takes of the whole

    min_class_rows: ClassRows | None = None

    if TYPE_CHECKING:

        @property
        def steps(self) -> tuple[Sampler, ...]:
            """The samplers, in order."""

    @property
    def nodes(self) -> list[Node[Any]]:
        """The nodes of all steps."""
        return [node for step in self.steps for node in step.nodes]

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts."""
        between = sum(step.promises.counts != "exact" for step in self.steps[:-1])
        between += sum(step.uses_features for step in self.steps[1:])
        return between + sum(step.jobs for step in self.steps)

    @property
    def streams(self) -> bool:
        """Whether it takes a stream: never, since steps are counted in between."""
        return False

    @property
    def promises(self) -> Promises:
        """What the last step promises of counts; rows are as new as those of the step that makes the newest."""
        made = [step.promises for step in self.steps]
        return Promises(made[-1].counts, max((one.rows for one in made), key=get_args(RowsOut).index))

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that a step cannot work on, from its schema alone."""
        for step in self.steps:
            step.check(df)

    def features(self, df: DataFrame) -> FeatureColumns | None:
        """Return the feature columns that some step would use of a frame; None if no step uses any."""
        found = [used for step in self.steps if (used := step.features(df)) is not None]
        if not found:
            return None
        numbers = {feature.name: feature for used in found for feature in used.features}
        categories = {name: None for used in found if isinstance(used, MixedColumns) for name in used.categorical}
        return MixedColumns(tuple(numbers.values()), categorical=tuple(categories))

    def left_null(self, df: DataFrame) -> tuple[str, ...]:
        """Return the columns that are NULL in the new rows of some step."""
        lost = {name for step in self.steps for name in step.left_null(df)}
        return tuple(name for name in df.columns if name in lost)

    def check_plan(self, plan: ResamplingPlan) -> None:
        """Refuse nothing: each step checks its own plan, on the rows that it gets."""

    def make_plan(self, counted: ClassCounts) -> ResamplingPlan:
        """Plan each step on the counts that the one before leaves."""
        plans: list[ResamplingPlan] = []
        known = counted
        for step in self.steps:
            plans.append(step.make_plan(known))
            check_class_rows(self, plans[-1])
            known = counts_of(plans[-1], "after")
        guessed = any(plan.counts != "exact" for plan in plans[:-1])
        plan = self._summed(counted.groups, plans, "none" if guessed else plans[-1].counts)
        check_growth(self, plan)
        return plan

    def _summed(
        self, before: Mapping[Group, Mapping[Label, int]], plans: list[ResamplingPlan], counts: Counts
    ) -> ResamplingPlan:
        """Return the plan of all steps: rows before the first and after the last."""
        after = {(entry.group, entry.label): entry.after for entry in plans[-1].classes}
        entries = []
        for group, classes in before.items():
            for label, rows in sorted(classes.items()):
                done = [e.action for plan in plans for e in plan.classes if (e.group, e.label) == (group, label)]
                actions = [action for action in done if action != "keep"]
                left = after.get((group, label), 0)
                entries.append(ClassPlan(group, label, rows, left, ", ".join(actions) or "keep"))
        missing = (plans[0].missing_rows, plans[0].missing_action)
        within = self.within_cols or ()
        notes = tuple(note for plan in plans for note in plan.notes)
        return ChainedPlan(self.name, self.class_col, tuple(entries), within, *missing, counts, notes, tuple(plans))

    def prepare(self, df: DataFrame, counts: GivenCounts) -> tuple[DataFrame, ResamplingPlan, Strata]:
        """Check the frame, count and plan, without the rows that a step drops."""
        self.check(df)
        return super().prepare(complete_rows(self, df), counts)

    def resample(self, df: DataFrame, counts: GivenCounts = None, *, extract_path: Keep = None) -> Resampled:
        """Fold the steps: the state is the frame, its counts while they are exact, and its key while it is one."""
        with told_in_pipelines(self.name):
            self.check(df)
            df = complete_rows(self, df)
            counted = known_counts(self.name, self.labelled(df), self.class_col, self.within_cols or (), counts)
            self.make_plan(counted)
        return self.fold(df, counted, counts, extract_path)

    def fold(self, df: DataFrame, counted: ClassCounts, counts: GivenCounts, extract_path: Keep) -> Resampled:
        """Resample a frame that was checked and counted, step by step; `counts` are those that were given, if any."""
        notes: dict[str, Any] = {}
        plans: list[ResamplingPlan] = []
        warnings: list[Warning] = []
        known: GivenCounts = counted if counts is None else counts
        keyed, frame = True, df
        for number, step in enumerate(self.steps, start=1):
            one = step if keyed else step.without_key(frame)
            if number > 1 and one.uses_features and _is_small(frame, plans[-1]):
                frame = held(frame)
            done = one.resample(frame, known, extract_path=extract_path if number == 1 else None)
            check_class_rows(self, done.plan)  # a step may have left fewer rows than was planned
            frame = done.frame
            plans.append(done.plan)
            notes |= {f"{number} {one.name}": done.notes} if done.notes else {}
            warnings += done.warnings
            keyed = keyed and step.promises.rows == "subset"
            known = counts_of(done.plan, "after") if done.plan.counts == "exact" else None
        summed = self._summed(counted.groups, plans, plans[-1].counts)
        return Resampled(frame, summed, notes, tuple(warnings), self)

    def estimate(
        self, plan: ResamplingPlan, table: Table, df: DataFrame | None = None, strata: Strata | None = None
    ) -> Explanation:
        """Add up the steps; only the first looks at a frame."""
        assert isinstance(plan, ChainedPlan)
        parts: list[Explanation] = []
        handed_on = False
        for step, planned in zip(self.steps, plan.steps, strict=True):
            if df is not None and strata is not None and not parts:
                part = step.estimate(planned, table, df, Strata.of(planned, df.schema, strata.complete))
            else:
                part = step.estimate(planned, table)
            # what a step makes is read by the next one, and written after the last alone
            parts = [replace(one, steps=tuple(replace(step, rows_written=0) for step in one.steps)) for one in parts]
            parts.append(replace(part, steps=part.steps[1:] if handed_on else part.steps))
            # the next step need not count what an exact one leaves
            handed_on = planned.counts == "exact"
        steps = tuple(step for part in parts for step in part.steps)
        warnings = tuple(sentence for part in parts for sentence in part.warnings)
        return replace(parts[0], method=self.name, rows_after=plan.rows_after, steps=steps, warnings=warnings)


def _is_small(frame: DataFrame, made_by: ResamplingPlan) -> bool:
    """Return whether what a step made may be held on the driver, and comes back from there as it is."""
    rows = made_by.rows_after + made_by.missing_rows
    return rows * count_numbers(frame.schema) <= HELD_NUMBERS and is_held(frame.schema)


def single_steps(sampler: Sampler) -> list[Sampler]:
    """Return the methods that a sampler is made of, in order: itself where it is one."""
    steps = sampler.steps if isinstance(sampler, CombinedSampler) else ()
    return [one for step in steps for one in single_steps(step)] if steps else [sampler]


def is_complete(sampler: Parameters, df: DataFrame) -> Column | None:
    """Return what holds for the rows that no step of a method drops since they lack a feature; None if none does."""
    steps = single_steps(sampler) if isinstance(sampler, Sampler) else ()
    needed = [complete for one in steps if (complete := lacks_nothing(one, df)) is not None]
    return reduce(and_, needed) if needed else None


def complete_rows(sampler: Parameters, df: DataFrame) -> DataFrame:
    """Return a frame without the rows that a method drops, or one of its steps, since they lack a feature."""
    complete = is_complete(sampler, df)
    return df if complete is None else df.where(complete)


def check_agreement(chain: CombinedSampler) -> None:
    """Refuse steps that contradict the whole, or that return no whole table."""
    given = [name for name in chain.handed_down if name in chain.model_fields_set and getattr(chain, name) is not None]
    for step in chain.steps:
        who = f"{chain.name}: {step.name} has"
        for name in dict.fromkeys((*AGREED, *given)):
            own, whole = getattr(step, name), getattr(chain, name)
            if own != whole:
                raise ParameterError(f"{who} {name}={own!r}, {chain.name} has {whole!r}; make them the same")
        output = step.options.output
        if output != "all":
            raise ParameterError(f"{who} output={output!r}; a step returns whole tables, so leave it at 'all'")
