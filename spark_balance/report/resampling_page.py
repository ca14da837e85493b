"""A resampling as one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from spark_balance.report.compared_page import features, projection, rows_made
from spark_balance.report.drawing import bar
from spark_balance.report.findings import findings
from spark_balance.report.nearness import NEIGHBOURS
from spark_balance.report.page import Page, document, table
from spark_balance.report.resampled import Resampling
from spark_balance.summary import ClassPlan, Label

_MOST_ROWS = 50
_SECTIONS = {
    "classes": "Class shares",
    "plan": "The plan",
    "rows": "What the rows are made of",
    "neighbours": "Neighbours",
    "features": "Distributions",
    "projection": "Projection",
    "seconds": "Timings",
    "about": "About this run",
}


def resampling_page(of: Resampling) -> Page:
    """Return the whole page."""
    title = f"Resampling report: {of.plan.method} of {of.plan.label_col}"
    sections = {"classes": _classes(of), "plan": _plan(of)}
    if of.sample is not None:
        sections["rows"] = rows_made(of, of.sample)
        sections["neighbours"] = _neighbours(of)
        sections["features"] = features(of, of.sample)
        sections["projection"] = projection(of, of.sample)
    sections |= {"seconds": _seconds(of.seconds), "about": _about(of)}
    links = "".join(f'<li><a href="#{name}">{_SECTIONS[name]}</a></li>' for name in sections)
    told = "".join(
        f'<section aria-labelledby="{name}"><h2 id="{name}">{_SECTIONS[name]}</h2>{html}</section>'
        for name, html in sections.items()
    )
    return document(
        title,
        f'<a class="skip" href="#main">To the report</a><header><h1>{escape(title)}</h1>{_lead(of)}</header>'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav><main id="main">{_cards(of)}{_warnings(of)}{told}</main>',
    )


def _lead(of: Resampling) -> str:
    before, after = sum(of.before.rows.values()), sum(of.after.rows.values())
    became = (
        f"To {before:,} rows {after:,} new ones were made" if of.only_added else f"{before:,} rows became {after:,}"
    )
    return (
        f'<p class="lead">{became}. Before: {escape(of.before.headline)}. '
        f"{'The new rows alone' if of.only_added else 'After'}: {escape(of.after.headline)}.</p>"
    )


def _cards(of: Resampling) -> str:
    before, after = sum(of.before.rows.values()), sum(of.after.rows.values())
    told = [(f"{before:,} → {after:,}", "rows with a label")]
    if len(of.before.rows) > 1 and len(of.after.rows) > 1:
        told.append((f"{of.before.imbalance_ratio:.1f} → {of.after.imbalance_ratio:.1f}", "largest class to smallest"))
    added, removed, copied = (sum(getattr(one, what) for one in of.classes) for what in ("added", "removed", "copied"))
    sign = "≈ " if of.adds and of.removes else ""
    if of.sample is not None:
        told.append((f"{sign}{added:,}", "rows added"))
        if removed:
            told.append((f"{sign}{removed:,}", "rows removed"))
    if added:
        told.append((f"{copied / added:.1%}", "of the added rows are exact copies"))
    recall = [found for _, found in of.found("estimated_recall") if isinstance(found, int | float)]
    if recall:
        told.append((f"{min(recall):.3f}", "estimated recall of neighbours"))
    cards = "".join(f"<li><b>{value}</b><span>{what}</span></li>" for value, what in told)
    return f'<ul class="cards">{cards}</ul>'


def _warnings(of: Resampling) -> str:
    found = findings(of)
    if not found:
        return '<h2 id="warnings">Warnings</h2><p>There is nothing to warn of.</p>'
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in found)
    return f'<h2 id="warnings">Warnings</h2><div class="warnings"><ul>{items}</ul></div>'


def _classes(of: Resampling) -> str:
    before, after = of.before, of.after
    shares = (before.shares, after.shares)
    labels = sorted({*before.rows, *after.rows}, key=lambda label: -before.rows.get(label, 0))
    weights = of.plan.weighted_targets if of.plan.weighted else {}
    rows = []
    for label in labels[:_MOST_ROWS]:
        one, other = (side.get(label, 0.0) for side in shares)
        rows.append(
            (
                _text(label),
                f"{before.rows.get(label, 0):,}",
                f"{one:.2%}{bar(one, 'before')}",
                f"{after.rows.get(label, 0):,}",
                f"{other:.2%}{bar(other, 'after')}",
                *([f"{weights.get(label, 0.0) / sum(weights.values()):.2%}"] if weights else []),
            )
        )
    if before.missing_rows or after.missing_rows:
        rows.append(("NULL or NaN", f"{before.missing_rows:,}", "", f"{after.missing_rows:,}", ""))
    head = [_text(before.label_col), "rows before", "share before", "rows after", "share after"]
    head += ["share after with weights"] * bool(weights)
    return table("Class shares", head, rows) + _left_out(len(labels), _MOST_ROWS, "classes")


def _plan(of: Resampling) -> str:
    plan = of.plan
    promise = {
        "exact": "Each class ends with exactly the rows planned.",
        "at_most": "Each class ends with at most the rows planned.",
        "approximate": "Each class ends with about the rows planned.",
        "none": "The rows after cannot be known before.",
    }[plan.counts]

    def row(entry: ClassPlan) -> list[str]:
        weight = [f"{entry.weight:.4g}"] if plan.weighted else []
        numbers = [f"{entry.before:,}", escape(plan.after_text(entry)), escape(entry.action), f"{entry.rate:.4g}"]
        return [*map(_text, entry.group), _text(entry.label), *numbers, *weight]

    head = [*map(_text, (*plan.within_cols, plan.label_col)), "before", "after", "action", "rate"]
    rows = [row(entry) for entry in plan.classes[:_MOST_ROWS]]
    if plan.missing_rows:
        nothing = [""] * len(plan.within_cols)
        rows.append([*nothing, "NULL or NaN", f"{plan.missing_rows:,}", "", plan.missing_action, ""])
    told = table("The plan", head + ["weight"] * plan.weighted, rows)
    return f"<p>{escape(plan.method)}. {promise}</p>{told}" + _left_out(len(plan.classes), _MOST_ROWS, "classes")


def _neighbours(of: Resampling) -> str:
    names = {
        "estimated_recall": "estimated share of the true neighbours that were found",
        "estimated_proven": "estimated share of neighbours that are proven",
        "neighbors": "searched in",
        "cells": "cells",
        "guests_per_row": "guests for each row",
        "candidates_per_row": "rows that each was compared with",
    }
    facts = [
        (told + f" ({_text(step)})" * bool(step), _number(found))
        for name, told in names.items()
        for step, found in of.found(name)
    ]
    search = (
        table("The search", ("the search", "value"), facts) if facts else "<p>The method looks for no neighbours.</p>"
    )
    near = [(one.label, one.nearness) for one in of.classes if one.nearness]
    if not near:
        return search
    rows = [
        (_text(label), f"{n.new:.3g}", f"{n.own:.3g}", f"{n.new_among_own:.1%}", f"{n.own_among_own:.1%}")
        for label, n in near
    ]
    head = (
        _text(of.plan.label_col),
        "distance of a new row",
        "distance of a row before",
        "own class around a new row",
        "own class around a row before",
    )
    return (
        f"{search}<h3>Where the new rows lie</h3><p>Distance: the median to the nearest sampled row before of the same "
        f"class, in standard deviations. Own class: the share of the {NEIGHBOURS} nearest sampled rows before, of all "
        "classes, that are of the class. Classes are sampled at different rates, so only the two columns of a pair "
        f"compare.</p>{table('Where the new rows lie', head, rows)}"
    )


def _seconds(seconds: Mapping[str, float]) -> str:
    if not seconds:
        return "<p>Nothing was timed.</p>"
    whole = sum(seconds.values())
    rows = [(_text(name), f"{took:.1f} s{bar(took / (whole or 1), 'time')}") for name, took in seconds.items()]
    return table("Timings", ("step", "took"), [*rows, ("all", f"{whole:.1f} s")])


def _about(of: Resampling) -> str:
    told = dict(of.about)
    if of.left_null:
        told["NULL in new rows"] = ", ".join(of.left_null)
    rows = [(_text(name), _text(value)) for name, value in told.items()]
    return table("About this run", ("what", "value"), rows, "texts") if rows else "<p>Nothing was told.</p>"


def _left_out(there: int, most: int, what: str) -> str:
    return f'<p class="note">The first {most} of {there:,} {what}.</p>' if there > most else ""


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else _text(value)


def _text(value: Label | Sequence[Any]) -> str:
    return escape(str(value))
