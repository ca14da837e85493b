"""Class counts and a wish become a plan: arithmetic alone, no Spark.

The wish (`sampling_strategy`) has imbalanced-learn's forms and
arithmetic; ties go to the smallest label, as `numpy.unique` has it there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

from spark_balance.base.guards import check_class_rows, check_growth
from spark_balance.errors import BadValuesError, ParameterError, StrategyError, nearest_name
from spark_balance.frames.plan import MILD, MODERATE, ClassCounts, ClassPlan, Label, ResamplingPlan

if TYPE_CHECKING:
    from spark_balance.base.sampler import Sampler

Kind = Literal["over", "under", "clean", "both"]
Strategy = str | float | Mapping[Label, int] | Sequence[Label] | Callable[[dict[Label, int]], Mapping[Label, int]]

NAMED_STRATEGIES = ("auto", "minority", "majority", "not minority", "not majority", "all")
DEGREES = {"mild": MILD, "moderate": MODERATE}  # the least share of a class that each degree of imbalance allows


def wanted_rows(
    method: str, counts: Mapping[Label, int], strategy: Strategy, kind: Kind, noun: str = "class"
) -> dict[Label, int]:
    """Return the rows after of every class, equal to imbalanced-learn's targets; it refuses where that does.

    `counts` has two or more classes; of those that are not targeted the rows stay. A callable receives
    ``{label: rows}``; `kind` is 'over' or 'under', whether the method adds or removes rows.
    """
    if len(counts) < 2:
        raise StrategyError(
            f"{method}: the label has {len(counts)} class ({', '.join(map(repr, counts)) or 'none'}), "
            "resampling needs at least 2; check label_col and the rows read"
        )
    counts = dict(sorted(counts.items()))
    if isinstance(strategy, str):
        return _named(method, counts, strategy, kind)
    if isinstance(strategy, list | tuple):
        raise StrategyError(
            f"{method}: sampling_strategy={list(strategy)!r} is a list, which only methods that clean take; "
            "use a dict {label: rows}"
        )
    if callable(strategy):
        given = strategy(dict(counts))
        if not isinstance(given, Mapping):
            raise StrategyError(
                f"{method}: the sampling_strategy callable returned {given!r}; it must return a dict {{label: rows}}"
            )
        strategy = given
    if isinstance(strategy, Mapping):
        return _mapped(method, counts, strategy, kind, noun)
    return _ratio(method, counts, strategy, kind)


def wanted_of_group(
    method: str, group: tuple[object, ...], classes: dict[Label, int], strategy: Strategy, kind: Kind
) -> dict[Label, int]:
    """Do the same inside a group, which stays as it is where it has one class, or its classes meet a ratio already."""
    if group and len(classes) < 2:
        return dict(classes)
    if group and isinstance(strategy, Mapping):
        strategy = {label: rows for label, rows in strategy.items() if label in classes}
    try:
        return wanted_rows(method, classes, strategy, kind)
    except StrategyError:
        if group and isinstance(strategy, int | float) and len(classes) == 2:
            return dict(classes)
        raise


def cleaned_classes(method: str, counts: Mapping[Label, int], strategy: Strategy) -> list[Label]:
    """Return the classes that a cleaning method may remove rows of: imbalanced-learn's names or a list of classes.

    How many rows go is not the user's to say. It refuses where imbalanced-learn does.
    """
    if isinstance(strategy, list | tuple):
        for label in strategy:
            if label not in counts:
                raise StrategyError(_no_such_class(method, counts, label))
        return [label for label in sorted(counts) if label in strategy]
    if not isinstance(strategy, str) or strategy in DEGREES:
        raise StrategyError(
            f"{method}: sampling_strategy={strategy!r} says how many rows to keep, which this method finds out itself; "
            f"use one of {', '.join(NAMED_STRATEGIES)}, or a list of the classes to clean"
        )
    # a name means the same classes as for under-sampling, whatever their targets
    wanted_rows(method, counts, strategy, "under")
    return _targeted(dict(sorted(counts.items())), "not minority" if strategy == "auto" else strategy)


def _named(method: str, counts: dict[Label, int], name: str, kind: Kind) -> dict[Label, int]:
    if name in DEGREES:
        return _at_least(method, counts, name, kind)
    if name not in NAMED_STRATEGIES:
        known = (*NAMED_STRATEGIES, *DEGREES)
        raise StrategyError(
            f"{method}: sampling_strategy={name!r} is not one of {', '.join(known)}{nearest_name(name, known)}"
        )
    over = kind == "over"
    refused, other, verb = ("majority", "minority", "adds") if over else ("minority", "majority", "removes")
    if name == refused:
        raise StrategyError(
            f"{method}: sampling_strategy={name!r} cannot be used by a method that {verb} rows; "
            f"use 'auto', '{other}' or a dict"
        )
    goal = max(counts.values()) if over else min(counts.values())
    if name in ("auto", "all", f"not {refused}"):
        # the class that is not targeted has as many rows already
        return dict.fromkeys(counts, goal)
    return counts | dict.fromkeys(_targeted(counts, name), goal)


def _at_least(method: str, counts: dict[Label, int], degree: str, kind: Kind) -> dict[Label, int]:
    """Change as few rows as it takes for no class to have less than the share of a degree."""
    share = DEGREES[degree]
    if len(counts) * share > 1:
        raise StrategyError(
            f"{method}: sampling_strategy={degree!r} means {float(share):.0%} of all rows or more for each class, "
            f"which {len(counts)} classes cannot have; use another degree, or a dict {{label: rows}}"
        )

    def limited(rows: int) -> dict[Label, int]:
        """Return the classes, each of at least, or at most, as many rows."""
        return {label: max(n, rows) if kind == "over" else min(n, rows) for label, n in counts.items()}

    def suffices(rows: int) -> bool:
        after = limited(rows).values()
        return min(after) >= share * sum(after)

    least, most = min(counts.values()), max(counts.values())
    # the fewest rows of a small class, or the most of a large one: from no change to equal classes
    rows = range(least, most + 1) if kind == "over" else range(most, least - 1, -1)
    return limited(rows[bisect_left(rows, True, key=suffices)])


def _targeted(counts: dict[Label, int], name: str) -> list[Label]:
    # of classes of one size, the first; a dict keeps its order
    majority, minority = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    if name in ("minority", "majority"):
        return [minority if name == "minority" else majority]
    others = dict(counts)
    others.pop({"not minority": minority, "not majority": majority}.get(name), None)
    return list(others)


def _mapped(
    method: str, counts: dict[Label, int], wish: Mapping[Label, int], kind: Kind, noun: str
) -> dict[Label, int]:
    after = dict(counts)
    for label, rows in wish.items():
        if label not in counts:
            raise StrategyError(_no_such_class(method, counts, label, noun))
        if isinstance(rows, bool) or not isinstance(rows, Integral) or rows < 0:
            raise StrategyError(
                f"{method}: sampling_strategy wants {rows!r} rows of {noun} {label!r}; give a whole number >= 0"
            )
        wrong = rows < counts[label] if kind == "over" else rows > counts[label]
        if wrong:
            limit, verb = ("at least", "adds") if kind == "over" else ("at most", "removes")
            raise StrategyError(
                f"{method}: sampling_strategy wants {rows} rows of {noun} {label!r}, which has {counts[label]}; "
                f"this method only {verb} rows, so ask for {limit} {counts[label]}"
            )
        after[next(known for known in counts if known == label)] = int(rows)
    return after


def _no_such_class(method: str, counts: Mapping[Label, int], label: Label, noun: str = "class") -> str:
    return (
        f"{method}: sampling_strategy names {noun} {label!r}, which is not in the data; "
        f"the {'classes' if noun == 'class' else f'{noun}s'} are {', '.join(map(repr, list(counts)[:20]))}"
    )


def _ratio(method: str, counts: dict[Label, int], ratio: Any, kind: Kind) -> dict[Label, int]:
    if isinstance(ratio, bool) or not isinstance(ratio, Real) or not 0 < float(ratio) <= 1:
        raise StrategyError(
            f"{method}: sampling_strategy={ratio!r} is not a ratio in (0, 1], one of "
            f"{', '.join((*NAMED_STRATEGIES, *DEGREES))}, a dict {{label: rows}} or a callable"
        )
    if len(counts) != 2:
        raise StrategyError(
            f"{method}: sampling_strategy={ratio!r} (a ratio) needs a label of exactly 2 classes, this one has "
            f"{len(counts)}; use a dict {{label: rows}}"
        )
    minority, majority = sorted(counts, key=counts.__getitem__)
    few, many, over = counts[minority], counts[majority], kind == "over"
    # imbalanced-learn truncates the rows to add, not the rows after
    added, goal = int(many * float(ratio) - few), few / float(ratio)
    if added <= 0 if over else goal >= many + 1:
        raise StrategyError(
            f"{method}: sampling_strategy={float(ratio)!r} leaves nothing to {'add' if over else 'remove'}, "
            f"the classes {counts} are at {few / many:.4g} already; use a larger ratio"
        )
    return counts | ({minority: few + added} if over else {majority: int(goal)})


def check_strategy(method: str, wish: Strategy, family: Kind | None) -> None:
    """Refuse a wish that no counts could meet, by trying it on two classes."""
    if family is None:
        raise ParameterError(f"{method}: it is what methods are made of and does nothing; use one, such as SMOTE")
    if family == "both" or isinstance(wish, Mapping) or callable(wish):
        return
    if family != "clean":
        wanted_rows(method, {0: 1, 1: 10**15}, wish, family)
    elif not isinstance(wish, list | tuple):
        cleaned_classes(method, {0: 1, 1: 2}, wish)


def _check_left(sampler: Sampler, counted: ClassCounts) -> None:
    """Refuse what is left where rows that lack features are dropped, unless it has two classes."""
    known = counted.rows
    if len(known) < 2 and not (known and sampler.within_cols):
        left = f"1 class ({next(iter(known))!r})" if known else "no row"
        raise StrategyError(
            f"{sampler.name}: missing='drop' leaves {left}, resampling needs at least 2 classes; set missing='ignore', "
            "fill what is missing, or leave the columns that most rows lack out of feature_cols"
        )


def plan_classes(sampler: Sampler, counted: ClassCounts) -> ResamplingPlan:
    """Return the plan of a sampler for classes that were counted."""
    name = sampler.name
    if counted.missing_rows and sampler.null_label == "error":
        raise BadValuesError(
            f"{name}: label column '{sampler.class_col}' is NULL or NaN in {counted.missing_rows} rows; "
            "filter them, or set null_label to 'keep' or 'drop'"
        )
    if sampler.options.missing == "drop":
        _check_left(sampler, counted)
    entries: list[ClassPlan] = []
    for group in counted.in_order:
        classes = counted.groups[group]
        after = sampler.target_counts(group, classes)
        changed = sampler.changed(classes, after)
        for label in sorted(classes):
            action = sampler.action if label in changed else "keep"
            entries.append(ClassPlan(group, label, classes[label], after[label], action))
    if not counted.groups:
        wanted_rows(name, {}, "auto", sampler.family)
    plan = ResamplingPlan(
        method=name,
        label_col=sampler.class_col,
        classes=tuple(entries),
        within_cols=sampler.within_cols or (),
        missing_rows=counted.missing_rows,
        missing_action="drop" if sampler.null_label == "drop" else "keep",
        counts=sampler.promises.counts,
        notes=tuple(sampler.remarks(entries)),
    )
    check_growth(sampler, plan)
    check_class_rows(sampler, plan)
    return plan
