"""Pure arithmetic: class counts and a wish become the rows wanted of every class.

No Spark here. The wish (`sampling_strategy`) has imbalanced-learn's forms and
arithmetic; ties go to the smallest label, as `numpy.unique` has it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, Literal

from spark_balance.errors import SparkBalanceError, nearest_name
from spark_balance.summary import ClassCounts, ClassPlan, Group, Label, ResamplingPlan

Kind = Literal["over", "under", "clean", "both"]
Strategy = str | float | Mapping[Label, int] | Sequence[Label] | Callable[[dict[Label, int]], Mapping[Label, int]]

NAMED_STRATEGIES = ("auto", "minority", "majority", "not minority", "not majority", "all")


def wanted_rows(method: str, counts: Mapping[Label, int], strategy: Strategy, kind: Kind) -> dict[Label, int]:
    """Turn the wish into rows after, for every class.

    Parameters
    ----------
    method : str
        Named in the errors.
    counts : mapping of label to int
        Rows before; two or more classes.
    strategy : str, float, mapping or callable
        imbalanced-learn's `sampling_strategy`; the callable receives ``{label: rows}``.
    kind : {'over', 'under'}
        Whether the method adds or removes rows.

    Returns
    -------
    dict of label to int
        Rows after, equal to imbalanced-learn's targets; classes that are not targeted keep theirs.

    Raises
    ------
    SparkBalanceError
        Where imbalanced-learn refuses too.
    """
    if len(counts) < 2:
        raise SparkBalanceError(
            f"{method}: the label has {len(counts)} class ({', '.join(map(repr, counts)) or 'none'}), "
            "resampling needs at least 2; check label_col and the rows read"
        )
    counts = dict(sorted(counts.items()))
    if isinstance(strategy, list | tuple):
        raise SparkBalanceError(
            f"{method}: sampling_strategy={strategy!r} is a list, which only methods that clean take; "
            "use a dict {label: rows}"
        )
    if callable(strategy):
        strategy = _checked_mapping(method, strategy(dict(counts)))
    if isinstance(strategy, str):
        return _named(method, counts, strategy, kind)
    if isinstance(strategy, Mapping):
        return _mapped(method, counts, strategy, kind)
    return _ratio(method, counts, strategy, kind)


def cleaned_classes(method: str, counts: Mapping[Label, int], strategy: Strategy) -> list[Label]:
    """Return the classes that a cleaning method may remove rows of.

    Parameters
    ----------
    method : str
        Named in the errors.
    counts : mapping of label to int
        Rows before; two or more classes.
    strategy : str or list of label
        imbalanced-learn's `sampling_strategy` for cleaning methods: a name or a list of classes;
        how many rows go is not the user's to say.

    Raises
    ------
    SparkBalanceError
        Where imbalanced-learn refuses too.
    """
    if isinstance(strategy, list | tuple):
        for label in strategy:
            if label not in counts:
                raise SparkBalanceError(_no_such_class(method, counts, label))
        return [label for label in sorted(counts) if label in strategy]
    if not isinstance(strategy, str):
        raise SparkBalanceError(
            f"{method}: sampling_strategy={strategy!r} says how many rows to keep, which this method finds out itself; "
            f"use one of {', '.join(NAMED_STRATEGIES)}, or a list of the classes to clean"
        )
    # a name means the same classes as for under-sampling, whatever their targets
    wanted_rows(method, counts, strategy, "under")
    return _targeted(dict(sorted(counts.items())), "not minority" if strategy == "auto" else strategy)


def _checked_mapping(method: str, given: object) -> Mapping[Label, int]:
    if isinstance(given, Mapping):
        return given
    raise SparkBalanceError(
        f"{method}: the sampling_strategy callable returned {given!r}; it must return a dict {{label: rows}}"
    )


def _named(method: str, counts: dict[Label, int], name: str, kind: Kind) -> dict[Label, int]:
    if name not in NAMED_STRATEGIES:
        raise SparkBalanceError(
            f"{method}: sampling_strategy={name!r} is not one of {', '.join(NAMED_STRATEGIES)}"
            f"{nearest_name(name, NAMED_STRATEGIES)}"
        )
    refused = "majority" if kind == "over" else "minority"
    if name == refused:
        verb = "adds" if kind == "over" else "removes"
        raise SparkBalanceError(
            f"{method}: sampling_strategy={name!r} cannot be used by a method that {verb} rows; "
            f"use 'auto', '{'minority' if kind == 'over' else 'majority'}' or a dict"
        )
    if name == "auto":
        name = "not majority" if kind == "over" else "not minority"
    goal = max(counts.values()) if kind == "over" else min(counts.values())
    return counts | dict.fromkeys(_targeted(counts, name), goal)


def _targeted(counts: dict[Label, int], name: str) -> list[Label]:
    majority = max(counts, key=lambda label: counts[label])
    minority = min(counts, key=lambda label: counts[label])
    return {
        "minority": [minority],
        "majority": [majority],
        "not minority": [label for label in counts if label != minority],
        "not majority": [label for label in counts if label != majority],
        "all": list(counts),
    }[name]


def _mapped(method: str, counts: dict[Label, int], wish: Mapping[Label, int], kind: Kind) -> dict[Label, int]:
    after = dict(counts)
    for label, rows in wish.items():
        if label not in counts:
            raise SparkBalanceError(_no_such_class(method, counts, label))
        if isinstance(rows, bool) or not isinstance(rows, Integral) or rows < 0:
            raise SparkBalanceError(
                f"{method}: sampling_strategy wants {rows!r} rows of class {label!r}; give a whole number >= 0"
            )
        wrong = rows < counts[label] if kind == "over" else rows > counts[label]
        if wrong:
            limit, verb = ("at least", "adds") if kind == "over" else ("at most", "removes")
            raise SparkBalanceError(
                f"{method}: sampling_strategy wants {rows} rows of class {label!r}, which has {counts[label]}; "
                f"this method only {verb} rows, so ask for {limit} {counts[label]}"
            )
        after[next(known for known in counts if known == label)] = int(rows)
    return after


def _no_such_class(method: str, counts: Mapping[Label, int], label: Label) -> str:
    return (
        f"{method}: sampling_strategy names class {label!r}, which is not in the data; "
        f"the classes are {', '.join(map(repr, list(counts)[:20]))}"
    )


def _ratio(method: str, counts: dict[Label, int], ratio: Any, kind: Kind) -> dict[Label, int]:
    if isinstance(ratio, bool) or not isinstance(ratio, Real) or not 0 < float(ratio) <= 1:
        raise SparkBalanceError(
            f"{method}: sampling_strategy={ratio!r} is not a ratio in (0, 1], one of "
            f"{', '.join(NAMED_STRATEGIES)}, a dict {{label: rows}} or a callable"
        )
    if len(counts) != 2:
        raise SparkBalanceError(
            f"{method}: sampling_strategy={ratio!r} (a ratio) needs a label of exactly 2 classes, this one has "
            f"{len(counts)}; use a dict {{label: rows}}"
        )
    majority = max(counts, key=lambda label: counts[label])
    minority = min(counts, key=lambda label: counts[label])
    if kind == "over":
        smaller = next(label for label in counts if label != majority)
        # imbalanced-learn truncates the rows to add, not the rows after
        added = int(counts[majority] * float(ratio) - counts[smaller])
        if added <= 0:
            raise SparkBalanceError(_ratio_met(method, counts, float(ratio), "add"))
        return counts | {smaller: counts[smaller] + added}
    larger = next(label for label in counts if label != minority)
    goal = counts[minority] / float(ratio)
    if goal >= counts[larger] + 1:
        raise SparkBalanceError(_ratio_met(method, counts, float(ratio), "remove"))
    return counts | {larger: int(goal)}


def _ratio_met(method: str, counts: dict[Label, int], ratio: float, verb: str) -> str:
    have = min(counts.values()) / max(counts.values())
    return (
        f"{method}: sampling_strategy={ratio!r} leaves nothing to {verb}, the classes {counts} are at "
        f"{have:.4g} already; use a larger ratio"
    )


def counts_of(plan: ResamplingPlan, side: Literal["before", "after"]) -> ClassCounts:
    """Return the counts that a plan begins with, or those that it leaves; a class without rows is none."""
    groups: dict[Group, dict[Label, int]] = {}
    for entry in plan.classes:
        if rows := getattr(entry, side):
            groups.setdefault(entry.group, {})[entry.label] = rows
    missing = plan.missing_rows if side == "before" or plan.missing_action == "keep" else 0
    return ClassCounts(plan.label_col, groups, {(): missing}, plan.within_cols)


def first_missed(plan: ResamplingPlan, after: ClassCounts, *, added: bool) -> str | None:
    """Tell the first class that has not the rows which its plan says, or None.

    Parameters
    ----------
    plan, after : ResamplingPlan, ClassCounts
        What was planned, and what was written.
    added : bool
        Only the new rows were written.
    """
    for entry, wanted, got in _rows_beside(plan, after, added=added):
        if (plan.counts == "exact" and got != wanted) or (plan.counts == "at_most" and got > wanted):
            return f"{plan.method}: class {entry.label!r} was planned to have {wanted} rows and {got} were written"
    unlabelled = 0 if added or plan.missing_action == "drop" else plan.missing_rows
    if plan.counts == "exact" and after.missing_rows != unlabelled:
        return f"{plan.method}: {unlabelled} rows without a label were planned and {after.missing_rows} were written"
    return None


def rows_short(plan: ResamplingPlan, after: ClassCounts, *, added: bool) -> dict[str, int]:
    """Return by how many rows classes miss what was wanted of them, where the plan allows that; takes the same.

    A method that cleans wants no number of rows: what it plans is the most that may stay.
    """
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
