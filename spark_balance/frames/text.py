"""How values are written as JSON can carry them, and counts and plans as tables of text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from heapq import nlargest
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spark_balance.frames.plan import ClassCounts, ResamplingPlan

SHOWN = 50  # classes that are printed


def plain(value: object) -> Any:
    """Return a label or group value as JSON can carry it."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def text_table(title: str, head: tuple[str, ...], body: Sequence[tuple[str, ...]]) -> str:
    """Lay out a small table: the first column left, the others right."""
    widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
    lines = [
        "  ".join(cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True)))
        for row in (head, *body)
    ]
    return "\n".join([title, *lines])


def write_counts(counts: ClassCounts) -> str:
    """Lay out the rows of each class, and of each group if they were counted in groups."""
    head, title = (*counts.within_cols, "class", "rows", "share"), f"{counts.label_col}: {counts.headline}"
    entries, totals = counts.entries, {group: sum(classes.values()) for group, classes in counts.groups.items()}
    if counts.within_cols:
        title += f"; {len(totals):,} groups by {', '.join(counts.within_cols)}, shares inside each"
    shown, others = _largest([n for _, _, n in entries])
    title += _left_out(shown, entries)
    body = []
    for group, label, n in map(entries.__getitem__, shown):
        body.append((*map(str, group), str(label), f"{n:,}", f"{n / totals[group]:.2%}"))
    blank = [""] * len(counts.within_cols)
    if others:
        body.append((*blank, "others", f"{sum(entries[i][2] for i in others):,}", ""))
    if counts.missing_rows:
        body.append((*blank, "NULL or NaN", f"{counts.missing_rows:,}", "-"))
    return text_table(title, head, body)


def write_plan(plan: ResamplingPlan) -> str:
    """Lay out what happens to each class."""
    weighted, classes = plan.weighted, plan.classes
    shown, others = _largest([entry.before for entry in classes])
    body = [
        (
            *map(str, entry.group),
            str(entry.label),
            f"{entry.before:,}",
            plan.after_text(entry),
            entry.action,
            f"{entry.rate:.4g}",
            *([f"{entry.weight:.4g}"] if weighted else []),
        )
        for entry in map(classes.__getitem__, shown)
    ]
    title = f"{plan.method}: {plan.rows_before:,} rows -> {plan.rows_after:,}{_left_out(shown, classes)}"
    if others:
        before, after = sum(classes[i].before for i in others), sum(classes[i].after for i in others)
        blank = [""] * len(plan.within_cols)
        row = (*blank, "others", f"{before:,}", f"{after:,}", "", f"{after / before:.4g}", *[""] * weighted)
        body.append(row)
    if plan.missing_rows:
        title += f"; {plan.missing_rows:,} rows without a label: {plan.missing_action}"
    head = (*plan.within_cols, "class", "before", "after", "action", "rate", *(["weight"] if weighted else []))
    return text_table(title, head, body)


def _largest(sizes: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return which classes are printed, in their order, and which are not."""
    shown = sorted(nlargest(SHOWN, range(len(sizes)), key=sizes.__getitem__))
    return shown, sorted(set(range(len(sizes))).difference(shown))


def _left_out(shown: Sequence[int], entries: Sequence[object]) -> str:
    if len(shown) == len(entries):
        return ""
    return f" (the {SHOWN} largest of {len(entries):,} classes, and all others together)"
