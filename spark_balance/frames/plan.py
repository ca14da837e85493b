"""What a user reads before anything runs: the class counts and the resampling plan."""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from numbers import Real
from operator import attrgetter
from typing import Any, Literal, NamedTuple

from spark_balance.frames.arguments import checked
from spark_balance.frames.text import plain, show_counts, show_plan, shown

Label = Any  # whatever Spark gives back for a label: str, bool, int, float, Decimal, date
Counts = Literal["exact", "at_most", "approximate", "none"]
RowsOut = Literal["subset", "copies", "segment", "free"]
_SIGNS: dict[Counts, str] = {"exact": "", "at_most": "<= ", "approximate": "~ ", "none": "? "}
Group = tuple[Hashable, ...]  # the values of within_cols; () without them


def is_missing(value: object) -> bool:
    """Return whether a label value is NULL or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def is_number(value: object) -> bool:
    """Return whether a value is a finite number: Python's, NumPy's or a decimal, but not a boolean."""
    return isinstance(value, Real | Decimal) and not isinstance(value, bool) and math.isfinite(value)


def sort_key(value: object) -> tuple[bool, Any]:
    """Sort NULL first, everything else as itself."""
    return (value is not None, value)


@dataclass(frozen=True)
class Promises:
    """What a method promises of its result."""

    counts: Counts  # of the rows of each class, held against the plan
    rows: RowsOut  # each is a row of the input at most once, a row of the input, a row between two, or any row
    # of base, neighbor and gap those that `provenance_col` has of a new row; with all three each feature is
    # base + gap * (neighbor - base)
    provenance: tuple[str, ...] = ()


MILD, MODERATE = Fraction(1, 5), Fraction(1, 100)  # the least share of the rarest class that is called so


@shown(show_counts)
@checked
@dataclass(frozen=True)
class ClassCounts:
    """Rows of each class, with the share of each and the degree of imbalance.

    Attributes
    ----------
    label_col : str
        The label column that was counted.
    groups : dict of tuple to (dict of label to int)
        Rows per class for each combination of `within_cols`; one group, ``()``, without them.
    missing : dict of tuple to int
        Rows whose label is NULL or NaN, per group.
    within_cols : tuple of str
        The columns inside whose values classes are counted apart.
    """

    label_col: str
    groups: dict[Group, dict[Label, int]]
    missing: dict[Group, int]
    within_cols: tuple[str, ...] = ()

    @property
    def rows(self) -> dict[Label, int]:
        """Rows per class over all groups, smallest label first."""
        total: dict[Label, int] = {}
        for classes in self.groups.values():
            for label, n in classes.items():
                total[label] = total.get(label, 0) + n
        return dict(sorted(total.items()))

    @property
    def in_order(self) -> list[Group]:
        """The groups in one order on any layout, so that classes have the same ids: NULL comes first."""
        try:
            return sorted(self.groups)
        except TypeError:  # NULL is not less than anything
            return sorted(self.groups, key=lambda group: list(map(sort_key, group)))

    @property
    def entries(self) -> list[tuple[Group, Label, int]]:
        """The rows of each class of each group, in one order on any layout."""
        return [(group, label, n) for group in self.in_order for label, n in sorted(self.groups[group].items())]

    @property
    def missing_rows(self) -> int:
        """Rows whose label is NULL or NaN."""
        return sum(self.missing.values())

    @property
    def shares(self) -> dict[Label, float]:
        """Share of each class among the labelled rows."""
        rows = self.rows
        total = sum(rows.values())
        return {label: n / total for label, n in rows.items()}

    @property
    def imbalance_ratio(self) -> float:
        """Rows of the largest class for each row of the smallest."""
        rows = self.rows
        return max(rows.values()) / min(rows.values()) if rows else math.nan

    @property
    def degree(self) -> Literal["balanced", "mild", "moderate", "extreme"]:
        """Degree of imbalance: the minority's share is 20-40 % (mild), 1-20 % or below 1 %."""
        share = min(self.shares.values(), default=1.0)
        # a minority of 40 % or more in two classes is a ratio of 1.5 or less, which also fits many classes
        if not self.groups or share >= 0.4 or self.imbalance_ratio <= 1.5:
            return "balanced"
        return "mild" if share >= MILD else "moderate" if share >= MODERATE else "extreme"

    @property
    def headline(self) -> str:
        """Degree and ratio in words."""
        if len(self.rows) < 2:
            return "only one class" if self.rows else "no class"
        return f"{self.degree}{' imbalance' * (self.degree != 'balanced')}, {self.imbalance_ratio:.1f} to 1"

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain values that JSON can carry."""
        shares = self.shares
        return {
            "label_col": self.label_col,
            "within_cols": list(self.within_cols),
            "classes": [{"label": plain(label), "rows": n, "share": shares[label]} for label, n in self.rows.items()],
            "missing_rows": self.missing_rows,
            "imbalance_ratio": plain(self.imbalance_ratio) if self.groups else None,
            "degree": self.degree,
        }


class ClassPlan(NamedTuple):
    """What happens to one class (of one group): rows before, rows after, by which action, and the weight of each."""

    group: Group
    label: Label
    before: int
    after: int
    action: str
    weight: float = 1.0

    @property
    def rate(self) -> float:
        """Rows after for each row before."""
        return self.after / self.before

    def group_name(self, within_cols: tuple[str, ...]) -> str:
        """Return the words that say which group the class is in."""
        return f" in {dict(zip(within_cols, self.group, strict=True))}" if self.group else ""


@shown(show_plan)
@checked
@dataclass(frozen=True)
class ResamplingPlan:
    """The arithmetic of one resampling, known before anything runs.

    Attributes
    ----------
    method : str
        The sampler's name.
    label_col, within_cols
        Where the classes are.
    classes : tuple of ClassPlan
        One entry for each class of each group.
    missing_rows : int
        Rows without a label, and `missing_action` says whether they are kept or dropped.
    counts : {'exact', 'at_most', 'approximate', 'none'}
        What the rows after are: a promise, a bound, an expectation, or unknown.
    notes : tuple of str
        What else the method does to some classes.
    """

    method: str
    label_col: str
    classes: tuple[ClassPlan, ...]
    within_cols: tuple[str, ...] = ()
    missing_rows: int = 0
    missing_action: Literal["keep", "drop"] = "keep"
    counts: Counts = "exact"
    notes: tuple[str, ...] = ()

    def after_text(self, entry: ClassPlan) -> str:
        """Return the rows after of a class as text, with a sign before a bound."""
        sign = "" if entry.action == "keep" else _SIGNS[self.counts]
        return f"{sign}{entry.after:,}"

    @property
    def targets(self) -> dict[Label, int]:
        """Rows wanted of each class, over all groups."""
        total: dict[Label, int] = {}
        for entry in self.classes:
            total[entry.label] = total.get(entry.label, 0) + entry.after
        return total

    @property
    def weighted(self) -> bool:
        """Whether rows get a weight."""
        return any(entry.weight != 1 for entry in self.classes)

    @property
    def weighted_targets(self) -> dict[Label, float]:
        """Rows wanted of each class times their weight: the class shares that an estimator learns."""
        total: dict[Label, float] = {}
        for entry in self.classes:
            total[entry.label] = total.get(entry.label, 0.0) + entry.after * entry.weight
        return total

    @property
    def rows_before(self) -> int:
        """Labelled rows before."""
        return sum(map(attrgetter("before"), self.classes))

    @property
    def rows_after(self) -> int:
        """Labelled rows after."""
        return sum(map(attrgetter("after"), self.classes))

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain values that JSON can carry."""
        return {
            "method": self.method,
            "label_col": self.label_col,
            "within_cols": list(self.within_cols),
            "classes": [
                {
                    **entry._asdict(),
                    "group": [*map(plain, entry.group)],
                    "label": plain(entry.label),
                    "rate": entry.rate,
                }
                for entry in self.classes
            ],
            "rows_before": self.rows_before,
            "rows_after": self.rows_after,
            "missing_rows": self.missing_rows,
            "missing_action": self.missing_action,
            "counts": self.counts,
            "notes": list(self.notes),
        }
