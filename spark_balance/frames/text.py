"""How values are written as JSON can carry them, and results as tables of a terminal and of a notebook."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from spark_balance.frames.plan import ClassCounts, ResamplingPlan

SHOWN = 20  # rows that are printed
_LONGEST = 60  # characters of a name or a label that are printed
BIN = "relevance_bin"  # the column that a numeric target is resampled by
Kind = TypeVar("Kind", bound=type)


def noun_of(label_col: object) -> str:
    """Return what sentences call what a column counts rows by: a class, or a bin of a numeric target."""
    return "bin" if label_col == BIN else "class"


def plain(value: object) -> Any:
    """Return a label or group value as JSON can carry it."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, str | bool | int | float) else str(value)


def on_a_line(value: object) -> str:
    """Return a name or a label of the user's as a cell shows it: on one line, and not without end."""
    text = "NULL" if value is None else str(value)
    text = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def plural(number: int, noun: str) -> str:
    """Return a number of things: ``1 cell``, ``2,000 cells``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(number: float) -> str:
    """Return bytes in the unit that fits: ``14 kB``, ``1.5 GB``."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while number >= 999.5 and len(units) > 1:
        number /= 1000
        units.pop(0)
    return f"{number:.1f} {units[0]}" if number < 9.95 and units[0] != "B" else f"{number:,.0f} {units[0]}"


@dataclass(frozen=True)
class TextTable:
    """A small table: the first columns, of names, left, the others right.

    Attributes
    ----------
    title : str
    head : tuple of str
    body : sequence of tuple of str
    names : int
        Columns of names.
    notes : sequence of str
        Lines below.
    """

    title: str
    head: tuple[str, ...]
    body: Sequence[tuple[str, ...]]
    names: int = 1
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        widths = [max(map(_width, column)) for column in zip(self.head, *self.body, strict=True)]
        lines = []
        for row in (self.head, *self.body):
            blanks = [" " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)]
            cells = zip(row, blanks, strict=True)
            placed = [cell + blank if i < self.names else blank + cell for i, (cell, blank) in enumerate(cells)]
            lines.append("  ".join(placed).rstrip())
        return "\n".join([self.title, *lines, *self.notes])

    @property
    def html(self) -> str:
        """The table as a notebook shows it; what users named is escaped."""
        head, *body = (
            "".join(
                f'<{tag} style="text-align: {"left" if i < self.names else "right"}">{escape(cell)}</{tag}>'
                for i, cell in enumerate(row)
            )
            for tag, row in (("th", self.head), *(("td", row) for row in self.body))
        )
        rows = "".join(f"<tr>{row}</tr>" for row in body)
        notes = "".join(f"<div>{escape(note)}</div>" for note in self.notes)
        return (
            f"<div>{escape(self.title)}</div><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{notes}"
        )


def shown(tables: Callable[[Any], list[TextTable]]) -> Callable[[Kind], Kind]:
    """Have the values of a class print as tables: as text in a terminal, as HTML in a notebook."""

    def as_text(self: object) -> str:
        return "\n".join(map(str, tables(self)))

    def as_html(self: object) -> str:
        return "".join(one.html for one in tables(self))

    def showing(kind: Kind) -> Kind:
        for name, written in {"__str__": as_text, "__repr__": as_text, "_repr_html_": as_html}.items():
            setattr(kind, name, written)
        return kind

    return showing


def show_counts(counts: ClassCounts) -> list[TextTable]:
    """Lay out the rows of each class, and of each group if they were counted in groups."""
    within = tuple(map(on_a_line, counts.within_cols))
    title = f"{on_a_line(counts.label_col)}: {counts.headline}"
    entries, totals = counts.entries, {group: sum(classes.values()) for group, classes in counts.groups.items()}
    if within:
        title += f"; {len(totals):,} groups by {', '.join(within)}, shares inside each"
    largest, others = largest_of([n for _, _, n in entries])
    body = []
    for group, label, n in map(entries.__getitem__, largest):
        body.append((*map(on_a_line, (*group, label)), f"{n:,}", f"{n / totals[group]:.2%}"))
    blank = [""] * len(within)
    if others:
        body.append((more(others), *blank, f"{sum(entries[i][2] for i in others):,}", ""))
    if counts.missing_rows:
        body.append((*blank, "NULL or NaN", f"{counts.missing_rows:,}", "-"))
    return [TextTable(title, (*within, "class", "rows", "share"), body, len(within) + 1)]


def show_plan(plan: ResamplingPlan) -> list[TextTable]:
    """Lay out what happens to each class."""
    weighted, classes, within = plan.weighted, plan.classes, tuple(map(on_a_line, plan.within_cols))
    largest, others = largest_of([entry.before for entry in classes])
    body = [
        (
            *map(on_a_line, (*entry.group, entry.label)),
            f"{entry.before:,}",
            plan.after_text(entry),
            entry.action,
            f"{entry.rate:.4g}",
            *([f"{entry.weight:.4g}"] if weighted else []),
        )
        for entry in map(classes.__getitem__, largest)
    ]
    title = f"{plan.method}: {plan.rows_before:,} rows -> {plan.rows_after:,}"
    if others:
        before, after = sum(classes[i].before for i in others), sum(classes[i].after for i in others)
        sums = (f"{before:,}", f"{after:,}", "", f"{after / before:.4g}", *[""] * weighted)
        body.append((more(others), *[""] * len(within), *sums))
    if plan.missing_rows:
        title += f"; {plan.missing_rows:,} rows without a label: {plan.missing_action}"
    head = (*within, noun_of(plan.label_col), "before", "after", "action", "rate", *(["weight"] if weighted else []))
    return [TextTable(title, head, body, len(within) + 1, first_of(plan.notes))]


def show_facts(facts: Mapping[str, Any]) -> list[str]:
    """Return facts by their names as lines."""
    return [f"{name}: {_as_text(value)}" for name, value in facts.items()]


def largest_of(sizes: Sequence[float]) -> tuple[list[int], list[int]]:
    """Return the places of the sizes that are printed, in their order, and of those that are not."""
    shown = sorted(nlargest(SHOWN, range(len(sizes)), key=sizes.__getitem__))
    return shown, sorted(set(range(len(sizes))).difference(shown))


def _as_text(value: object) -> str:
    if isinstance(value, list | tuple):
        others = [more(value[SHOWN:])] if len(value) > SHOWN else []
        return ", ".join([*map(on_a_line, value[:SHOWN]), *others])
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else "unknown" if value is None else str(value)


def first_of(lines: Sequence[str]) -> list[str]:
    """Return the lines that are printed, and how many are not."""
    others = lines[SHOWN:]
    return [*lines[:SHOWN], *([more(others)] if others else [])]


def more(others: Sequence[object]) -> str:
    """Return the words for what is not printed."""
    return f"... and {len(others):,} more"


def _width(text: str) -> int:
    """Return the columns of a terminal that a text takes: letters of East Asia take two."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(one) else 1 + (unicodedata.east_asian_width(one) in "WF") for one in text)
