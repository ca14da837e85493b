"""What samplers share that are steps of other samplers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, get_args

from pyspark.sql import DataFrame

from spark_balance.cost import CostModel, Sketch, Table
from spark_balance.plans.strata import Strata
from spark_balance.samplers.base import Resampled, RowsOut, Sampler
from spark_balance.samplers.explained import Seen
from spark_balance.summary import ClassCounts, ClassPlan, Counts, Group, Label, ResamplingPlan
from spark_balance.targets import counts_of


@dataclass(frozen=True)
class ChainedPlan(ResamplingPlan):
    """The plan of all steps: rows before the first and after the last, and the plan of each."""

    steps: tuple[ResamplingPlan, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain values that JSON can carry."""
        return super().to_dict() | {"steps": [step.to_dict() for step in self.steps]}

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *map(str, self.steps)])


class SteppedSampler(Sampler):
    """The template of samplers that are steps of other samplers.

    The rows that one step promises exactly are the counts of the next; otherwise the rows are
    counted in between, one job that runs all steps before. Once a step has added rows, `key_cols`
    no longer tell rows apart (a new row has a NULL or its base's key), so later steps know a row
    by the hash of all its columns.
    """

    family: ClassVar[Literal["both"]] = "both"
    rows: ClassVar[Literal["free", "segment"]] = "free"
    action: ClassVar[str] = "resample"

    @property
    def _steps(self) -> tuple[Sampler, ...]:
        """The samplers, in order."""
        raise NotImplementedError

    @property
    def jobs(self) -> int:
        """Jobs that run at most before the frame is returned, besides the one that counts."""
        between = sum(step._promise != "exact" for step in self._steps[:-1])
        return between + sum(step.jobs for step in self._steps)

    @property
    def same_anywhere(self) -> bool:
        """Whether one seed gives the same rows on any layout: if all steps do."""
        return all(step.same_anywhere for step in self._steps)

    @property
    def _promise(self) -> Counts:
        return self._steps[-1]._promise

    @property
    def _makes(self) -> RowsOut:
        """What rows come out: as new as those of the step that makes the newest."""
        return max((step._makes for step in self._steps), key=get_args(RowsOut).index)

    def check(self, df: DataFrame) -> None:
        """Refuse a frame that this sampler cannot work on, from its schema alone."""
        super().check(df)
        for step in self._steps:
            step.check(df)

    def left_null(self, df: DataFrame) -> tuple[str, ...]:
        """Return the columns that are NULL in the new rows of some step."""
        lost = {name for step in self._steps for name in step.left_null(df)}
        return tuple(name for name in df.columns if name in lost)

    def _planned(self, counted: ClassCounts) -> ResamplingPlan:
        plans: list[ResamplingPlan] = []
        known = counted
        for step in self._steps:
            plans.append(step._planned(known))
            known = counts_of(plans[-1], "after")
        guessed = any(plan.counts != "exact" for plan in plans[:-1])
        plan = self._summed(counted.groups, plans, "none" if guessed else plans[-1].counts)
        self._check_growth(plan)
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
        first = plans[0]
        missing = (first.missing_rows, first.missing_action)
        return ChainedPlan(
            self._name, self.label_col, tuple(entries), self._within, *missing, counts=counts, steps=tuple(plans)
        )

    def _resampled(self, df: DataFrame, plan: ResamplingPlan, strata: Strata) -> Resampled:
        assert isinstance(plan, ChainedPlan)
        plans: list[ResamplingPlan] = []
        notes: dict[str, Any] = {}
        warnings: list[Warning] = []
        keyed, known, frame = True, None, df
        for number, step in enumerate(self._steps):
            one = step if keyed else without_key(step, frame)
            if number:
                frame, planned, numbered = one._prepared(frame, known)
            else:
                planned = plan.steps[0]
                numbered = Strata.of(planned, df.schema, strata.complete)
            one._check_plan(planned)
            done = one._resampled(frame, planned, numbered)
            frame = done.frame
            plans.append(done.plan)
            notes |= {f"{number + 1} {one._name}": done.notes} if done.notes else {}
            warnings += done.warnings
            keyed = keyed and step._makes == "subset"
            known = counts_of(done.plan, "after") if done.plan.counts == "exact" else None
        before: dict[Group, dict[Label, int]] = {}
        for entry in plan.classes:
            before.setdefault(entry.group, {})[entry.label] = entry.before
        ran = self._summed(before, plans, plans[-1].counts)
        return Resampled(frame, ran, notes, tuple(warnings))

    def _sketch(self, plan: ResamplingPlan, table: Table, model: CostModel, seen: Seen | None) -> Sketch:
        assert isinstance(plan, ChainedPlan)
        sketches = []
        for number, (step, planned) in enumerate(zip(self._steps, plan.steps, strict=True)):
            there = None
            if seen is not None and not number:
                there = Seen(seen.df, Strata.of(planned, seen.df.schema, seen.strata.complete))
            sketch = step._sketch(planned, table, model, there)
            # the counts of an exact step are handed on
            counted = number and plan.steps[number - 1].counts == "exact"
            sketches.append(replace(sketch, steps=sketch.steps[1:] if counted else sketch.steps))
        return Sketch(
            tuple(step for sketch in sketches for step in sketch.steps),
            sketches[0].facts,
            sketches[0].assumed,
            tuple(sentence for sketch in sketches for sentence in sketch.warnings),
        )


def without_key(step: Sampler, df: DataFrame) -> Sampler:
    """Return the step for rows that the key no longer tells apart; the key is no feature of it either."""
    if not step.key_cols:
        return step
    update: dict[str, Any] = {"key_cols": None}
    chosen = getattr(step, "features", None) or getattr(step, "_features", None)
    if chosen is not None and getattr(step, "shrinkage", 0) is not None and getattr(step, "feature_cols", ()) is None:
        update["feature_cols"] = tuple(feature.name for feature in chosen(df).features)
    return step.model_copy(update=update)
