"""What turns class counts into a plan: arithmetic alone, no frame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from spark_balance.errors import RefusedByGuard, SparkBalanceError
from spark_balance.samplers.parameters import Wish
from spark_balance.summary import ClassCounts, ClassPlan, Counts, Group, Label, ResamplingPlan, sort_key
from spark_balance.targets import Kind, Strategy, wanted_rows


class Planned:
    """The part of a sampler that plans.

    Attributes
    ----------
    family : {'over', 'under', 'clean'}
        Whether the method adds rows, removes so many, or removes what it finds.
    counts : {'exact', 'at_most', 'approximate', 'none'}
        What it promises of the rows after.
    action : str
        What a plan says happens to a class.
    """

    family: ClassVar[Kind]
    counts: ClassVar[Counts] = "exact"
    action: ClassVar[str]

    label_col: str
    sampling_strategy: Wish
    null_label: str
    max_growth: float | None
    within_cols: tuple[str, ...] | None

    @property
    def _name(self) -> str:
        return type(self).__name__

    @property
    def _within(self) -> tuple[str, ...]:
        return self.within_cols or ()

    def _planned(self, counted: ClassCounts) -> ResamplingPlan:
        if counted.missing_rows and self.null_label == "error":
            raise SparkBalanceError(
                f"{self._name}: label column '{self.label_col}' is NULL or NaN in {counted.missing_rows} rows; "
                "filter them, or set null_label to 'keep' or 'drop'"
            )
        entries: list[ClassPlan] = []
        # in one order on any layout, so that classes have the same numbers
        for group, classes in sorted(counted.groups.items(), key=lambda one: [sort_key(value) for value in one[0]]):
            after = self._wanted(group, classes)
            touched = self._touched(classes, after)
            for label, before in sorted(classes.items()):
                action = self.action if label in touched else "keep"
                entries.append(ClassPlan(group, label, before, after[label], action))
        if not counted.groups:
            wanted_rows(self._name, {}, "auto", self.family)
        plan = ResamplingPlan(
            method=self._name,
            label_col=self.label_col,
            classes=tuple(entries),
            within_cols=self._within,
            missing_rows=counted.missing_rows,
            missing_action="drop" if self.null_label == "drop" else "keep",
            counts=self._promise,
        )
        self._check_growth(plan)
        return plan

    @property
    def _promise(self) -> Counts:
        """What the rows after in a plan are, with the parameters at hand."""
        return self.counts if getattr(self, "exact", True) else "approximate"

    def _touched(self, classes: dict[Label, int], after: dict[Label, int]) -> set[Label]:
        """Return the classes that something happens to."""
        return {label for label in classes if after[label] != classes[label]}

    def _wanted(self, group: Group, classes: dict[Label, int]) -> dict[Label, int]:
        wish: Strategy = self.sampling_strategy
        if not group:
            return wanted_rows(self._name, classes, wish, self.family)
        if len(classes) < 2:
            return dict(classes)
        if isinstance(wish, Mapping):
            wish = {label: rows for label, rows in wish.items() if label in classes}
        try:
            return wanted_rows(self._name, classes, wish, self.family)
        except SparkBalanceError:
            if isinstance(wish, int | float) and len(classes) == 2:
                return dict(classes)
            raise

    def _check_growth(self, plan: ResamplingPlan) -> None:
        growth = plan.rows_after / plan.rows_before
        if self.max_growth is not None and growth > self.max_growth:
            raise RefusedByGuard(
                f"{self._name}: the plan makes {plan.rows_before} rows {plan.rows_after}, {growth:.3g} times as many; "
                f"max_growth={self.max_growth:g} refuses that; lower sampling_strategy or raise max_growth"
            )
