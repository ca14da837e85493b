"""Compare what was written with the plan: the counts before and after it, and the classes that miss it."""

from collections.abc import Iterator
from typing import Literal

from spark_balance.base.sampler import Sampler
from spark_balance.frames.plan import ClassCounts, ClassPlan, Group, Label, ResamplingPlan
from spark_balance.frames.text import noun_of


def counts_of(plan: ResamplingPlan, side: Literal["before", "after"]) -> ClassCounts:
    """Return the counts that a plan begins with, or those that it leaves, without empty classes."""
    groups: dict[Group, dict[Label, int]] = {}
    for entry in plan.classes:
        if rows := getattr(entry, side):
            groups.setdefault(entry.group, {})[entry.label] = rows
    missing = plan.missing_rows if side == "before" or plan.missing_action == "keep" else 0
    return ClassCounts(plan.label_col, groups, {(): missing}, plan.within_cols)


def first_missed(plan: ResamplingPlan, after: ClassCounts, *, added: bool, whole: bool = True) -> str | None:
    """Return a sentence about the first class that misses its plan, or None.

    `added`: only new rows were written; `whole`: all rows were. Where the plan is a bound, what it keeps is all there.
    """
    bound = whole and plan.counts == "at_most"
    for entry, wanted, got in _rows_beside(plan, after, added=added):
        exact = plan.counts == "exact" or (bound and entry.action == "keep")
        if (exact and got != wanted) or (plan.counts == "at_most" and got > wanted):
            who = f"{plan.method}: {noun_of(plan.label_col)} {entry.label!r}"
            return f"{who} was planned to have {wanted} rows and {got} were written"
    unlabelled = 0 if added or plan.missing_action == "drop" else plan.missing_rows
    if (plan.counts == "exact" or bound) and after.missing_rows != unlabelled:
        return f"{plan.method}: {unlabelled} rows without a label were planned and {after.missing_rows} were written"
    return None


def rows_short(plan: ResamplingPlan, after: ClassCounts, *, added: bool) -> dict[str, int]:
    """Return the rows that classes lack, where the plan allows that: of a method that cleans it is only a bound."""
    short: dict[str, int] = {}
    for entry, wanted, got in _rows_beside(plan, after, added=added) if plan.counts == "at_most" else ():
        if got < wanted and "clean" not in entry.action:
            short[str(entry.label)] = short.get(str(entry.label), 0) + wanted - got
    return short


def _rows_beside(plan: ResamplingPlan, after: ClassCounts, *, added: bool) -> Iterator[tuple[ClassPlan, int, int]]:
    """Yield each class with the rows that were to be written of it, and those that were."""
    for entry in plan.classes:
        wanted = entry.after - entry.before if added else entry.after
        yield entry, wanted, after.groups.get(entry.group, {}).get(entry.label, 0)


def only_added(made_by: object) -> bool:
    """Return whether what a sampler or a weighter returns are the new rows alone."""
    return isinstance(made_by, Sampler) and made_by.options.output == "added"
